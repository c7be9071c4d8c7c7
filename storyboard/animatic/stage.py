"""Stage of a prompt: its reading, light, camera, and the elements of its setting."""

from collections.abc import Callable, Mapping

import numpy as np

from storyboard.animatic import noise, weather
from storyboard.animatic.brush import Glow
from storyboard.animatic.camera import Camera
from storyboard.animatic.palette import Palette, palette_for
from storyboard.animatic.prompt import Reading, read_prompt
from storyboard.animatic.scenes.forest import forest
from storyboard.animatic.scenes.interior import interior
from storyboard.animatic.scenes.open_land import desert, field, mountain, road
from storyboard.animatic.scenes.river import river
from storyboard.animatic.scenes.sea import sea, underwater
from storyboard.animatic.scenes.space import space
from storyboard.animatic.scenes.temple import temple
from storyboard.animatic.scenes.town import skyline, street
from storyboard.animatic.world import Element, World

SETTINGS: Mapping[str, Callable[[World], list[Element]]] = {
    "river": river,
    "mountain": mountain,
    "desert": desert,
    "field": field,
    "road": road,
    "sea": sea,
    "underwater": underwater,
    "forest": forest,
    "street": street,
    "skyline": skyline,
    "temple": temple,
    "interior": interior,
    "space": space,
}
_DEFAULT_SETTINGS = ("mountain", "sea", "field", "forest", "skyline", "desert", "river")


def rng_factory(prompt: str, seed: int) -> Callable[[str], np.random.Generator]:
    """Return a function that makes a generator by purpose, for one prompt and seed."""
    return lambda purpose: noise.make_rng("animatic", prompt, seed, purpose)


def choose_camera(
    reading: Reading, aspect: float, seconds: float, rng: np.random.Generator, focus: tuple[float, float]
) -> Camera:
    """Return the camera that the prompt requests; by default a slow drift chosen by the seed."""
    moves = reading.moves or (("drift-left", "drift-right", "push", "drift-back")[int(rng.integers(4))],)
    side = "left" if rng.random() < 0.5 else "right"
    named = tuple(f"{move}-{side}" if move in ("pan", "track", "orbit") else move for move in moves)
    reach = reading.pace * min(1.15, max(0.35, 0.35 + seconds / 9)) * (0.75 if not reading.moves else 1.0)
    return Camera(aspect, named, reach * min(1.0, 0.6 + aspect * 0.25), 0.0025 if reading.handheld else 0.0, focus)


def choose_light(palette: Palette, rng: np.random.Generator, aspect: float, horizon: float) -> Glow:
    """Return sun or moon, off the middle, low if the time of day requires it."""
    side = -1 if rng.random() < 0.5 else 1
    x = side * rng.uniform(0.08, 0.26) * min(aspect, 1.8)
    low = not palette.night and not palette.veiled and palette.sky[0][2] < 0.6
    y = horizon - (rng.uniform(0.05, 0.16) if low else rng.uniform(0.26, 0.38))
    strength = 0.5 if palette.veiled else 0.95 if low else 0.62
    return Glow(float(x), float(y), palette.light, 0.62 if low else 0.5, strength)


def build_world(prompt: str, seed: int, width: int, height: int, seconds: float) -> tuple[World, str]:
    """Return the stage of a prompt, *width* by *height* frame pixels, and the name of its setting."""
    chance = rng_factory(prompt, seed)
    reading = read_prompt(prompt)
    setting = reading.setting or _DEFAULT_SETTINGS[int(chance("setting").integers(len(_DEFAULT_SETTINGS)))]
    palette = palette_for(reading, setting, chance("palette"))
    aspect = min(3.2, max(0.4, width / height))
    rng = chance("layout")
    horizon = float(rng.uniform(0.52, 0.6))
    light = choose_light(palette, rng, aspect, horizon)
    camera = choose_camera(reading, aspect, seconds, chance("camera"), (0.0, horizon))
    return World(aspect, width, height, camera, palette, reading, light, horizon, chance, seconds), setting


def build_elements(world: World, setting: str) -> list[Element]:
    """Return everything on the stage, from the back to the front."""
    return [
        *SETTINGS[setting](world),
        *weather.weather_elements(world, setting not in ("interior", "space", "underwater")),
    ]
