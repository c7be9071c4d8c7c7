"""From a request to a stage: the reading, the light, the camera, and the elements of the setting."""

from collections.abc import Callable, Mapping

import numpy as np

from storyboard.animatic import noise, weather
from storyboard.animatic.brush import Glow
from storyboard.animatic.camera import Camera
from storyboard.animatic.palette import Palette, palette_for
from storyboard.animatic.prompt import Reading, read
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
_SILENT = ("mountain", "sea", "field", "forest", "skyline", "desert", "river")


def chance_of(prompt: str, seed: int) -> Callable[[str], np.random.Generator]:
    """Generators by purpose, for one prompt and seed."""
    return lambda purpose: noise.generator("animatic", prompt, seed, purpose)


def camera_of(
    reading: Reading, aspect: float, seconds: float, rng: np.random.Generator, focus: tuple[float, float]
) -> Camera:
    """The camera that the prompt asks for; where it is silent, a slow drift that the seed chooses."""
    moves = reading.moves or (("drift-left", "drift-right", "push", "drift-back")[int(rng.integers(4))],)
    side = "left" if rng.random() < 0.5 else "right"
    named = tuple(f"{move}-{side}" if move in ("pan", "track", "orbit") else move for move in moves)
    reach = reading.pace * min(1.15, max(0.35, 0.35 + seconds / 9)) * (0.75 if not reading.moves else 1.0)
    return Camera(aspect, named, reach * min(1.0, 0.6 + aspect * 0.25), 0.0025 if reading.handheld else 0.0, focus)


def light_of(palette: Palette, rng: np.random.Generator, aspect: float, horizon: float) -> Glow:
    """Sun or moon, off the middle, low where the hour says so."""
    side = -1 if rng.random() < 0.5 else 1
    x = side * rng.uniform(0.08, 0.26) * min(aspect, 1.8)
    low = not palette.night and not palette.veiled and palette.sky[0][2] < 0.6
    y = horizon - (rng.uniform(0.05, 0.16) if low else rng.uniform(0.26, 0.38))
    strength = 0.5 if palette.veiled else 0.95 if low else 0.62
    return Glow(float(x), float(y), palette.light, 0.62 if low else 0.5, strength)


def world_of(prompt: str, seed: int, width: int, height: int, seconds: float) -> tuple[World, str]:
    """The stage of a prompt, *width* by *height* frame pixels, and the name of its setting."""
    chance = chance_of(prompt, seed)
    reading = read(prompt)
    setting = reading.setting or _SILENT[int(chance("setting").integers(len(_SILENT)))]
    palette = palette_for(reading, setting, chance("palette"))
    aspect = min(3.2, max(0.4, width / height))
    rng = chance("layout")
    horizon = float(rng.uniform(0.52, 0.6))
    light = light_of(palette, rng, aspect, horizon)
    camera = camera_of(reading, aspect, seconds, chance("camera"), (0.0, horizon))
    return World(aspect, width, height, camera, palette, reading, light, horizon, chance, seconds), setting


def elements_of(world: World, setting: str) -> list[Element]:
    """Everything on the stage, from the back to the front."""
    return [*SETTINGS[setting](world), *weather.weather(world, setting not in ("interior", "space", "underwater"))]
