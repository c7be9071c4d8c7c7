"""Frames of one clip: a drawn stage or a given picture, and the air before it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from storyboard.animatic import noise, weather
from storyboard.animatic.brush import Glow
from storyboard.animatic.camera import Camera, choose_sides
from storyboard.animatic.cast import cast_elements, is_panel, without_cast
from storyboard.animatic.palette import Palette, palette_for
from storyboard.animatic.panel import panel_elements
from storyboard.animatic.planes import Picture, Yuv, new_frame_memory, planes_of, sheet_over
from storyboard.animatic.prompt import Reading, read_prompt
from storyboard.animatic.scenes.forest import forest
from storyboard.animatic.scenes.interior import interior
from storyboard.animatic.scenes.open_land import desert, field, mountain, road
from storyboard.animatic.scenes.river import river
from storyboard.animatic.scenes.sea import sea, underwater
from storyboard.animatic.scenes.space import space
from storyboard.animatic.scenes.temple import temple
from storyboard.animatic.scenes.town import skyline, street
from storyboard.animatic.still import StillPlane, fit_picture
from storyboard.animatic.world import Element, Moment, World, draw_all
from storyboard.core.model import Size

FADE_FRAMES = 12  # the air fades in over them on a given picture


def draw_from_prompt(prompt: str, seed: int, size: Size, rate: Fraction, numbers: Sequence[int]) -> Iterator[Yuv]:
    """Draw a clip from text only.

    *numbers* has for each frame of the clip the number of the one that is drawn for it; equal ones are drawn once.
    Yields yuv420p, shape (height * 3 / 2, width), BT.709 in the tv range, each in the memory of the one before.
    """
    frames = len(numbers)
    world, setting = build_world(prompt, seed, size.width, size.height, float(frames / rate))
    elements, memory = build_elements(world, setting), new_frame_memory(size)
    picture = sheet_over(memory, size.height)
    drawn = None
    for number in numbers:
        if number == drawn:
            yield memory
            continue
        drawn = number
        draw_all(picture, elements, Moment(float(number / rate), number / max(1, frames - 1), world.camera))
        yield memory


def draw_from_picture(
    first: Picture, prompt: str, seed: int, size: Size, rate: Fraction, numbers: Sequence[int]
) -> Iterator[Yuv]:
    """Draw a clip that begins with exactly the picture *first* (fitted to *size*) and moves on from it.

    Yields as ``draw_from_prompt`` does.
    """
    frames = len(numbers)
    start, memory = planes_of(fit_picture(first, size)), new_frame_memory(size)
    picture = sheet_over(memory, size.height)
    picture.paste(start)
    world, _ = build_world(prompt, seed, size.width, size.height, float(frames / rate))
    plane = StillPlane(start, world.camera.moves, world.reading)
    floating = [
        element for element in weather.weather_elements(world) if isinstance(element, weather.Motes | weather.Lightning)
    ]
    drawn = 0
    for number in numbers:
        if number == drawn:
            yield memory
            continue
        drawn = number
        presence, progress = min(1.0, number / FADE_FRAMES), number / max(1, frames - 1)
        plane.draw(picture, progress)
        draw_all(picture, floating, Moment(float(number / rate), progress, world.camera, presence))
        yield memory


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


# By angle: how much lower or higher the horizon lies than for a camera at eye level.
_HORIZON_SHIFTS = {"low": 0.2, "high": -0.2, "aerial": -0.24}


# By shot size: how much nearer the setting behind the cast is seen.
_ZOOMS = {"close-up": 1.75, "medium-close-up": 1.5, "medium": 1.3, "medium-long": 1.15}


def choose_camera(
    reading: Reading, aspect: float, seconds: float, rng: np.random.Generator, focus: tuple[float, float]
) -> Camera:
    """Return the camera that the prompt requests; by default a slow drift chosen by the seed."""
    moves = reading.moves or (("drift-left", "drift-right", "push", "drift-back")[int(rng.integers(4))],)
    named = choose_sides(moves, rng)
    reach = reading.pace * min(1.15, max(0.35, 0.35 + seconds / 9)) * (0.75 if not reading.moves else 1.0)
    sway = 0.0025 if reading.handheld else 0.0
    zoom = 1.0 if is_panel(reading) else _ZOOMS.get(reading.framing or "", 1.0)
    return Camera(aspect, named, reach * min(1.0, 0.6 + aspect * 0.25), sway, focus, zoom)


def choose_light(palette: Palette, rng: np.random.Generator, aspect: float, horizon: float) -> Glow:
    """Return sun or moon, off the middle, low if the time of day requires it."""
    side = -1 if rng.random() < 0.5 else 1
    x = side * rng.uniform(0.08, 0.26) * min(aspect, 1.8)
    low = not palette.night and not palette.veiled and palette.sky[0][2] < 0.6
    y = horizon - (rng.uniform(0.05, 0.16) if low else rng.uniform(0.26, 0.38))
    strength = 0.5 if palette.veiled else 0.95 if low else 0.62
    return Glow(float(x), float(y), palette.light, 0.62 if low else 0.5, strength)


def build_world(prompt: str, seed: int, width: int, height: int, seconds: float) -> tuple[World, str | None]:
    """Return the stage of a prompt, *width* by *height* frame pixels, and the name of its setting.

    Without a setting it is a storyboard panel: the prompt names none, or the shot does not show it.
    """
    chance = noise.rng_factory(prompt, seed)
    reading = read_prompt(prompt)
    setting = None if is_panel(reading) else reading.setting
    palette = palette_for(reading, setting or "", chance("palette"))
    aspect = min(3.2, max(0.4, width / height))
    rng = chance("layout")
    horizon = float(rng.uniform(0.52, 0.6)) + _HORIZON_SHIFTS.get(reading.angle or "", 0.0)
    light = choose_light(palette, rng, aspect, horizon)
    camera = choose_camera(reading, aspect, seconds, chance("camera"), (0.0, 0.5 if setting is None else horizon))
    return World(aspect, width, height, camera, palette, reading, light, horizon, chance, seconds), setting


def build_elements(world: World, setting: str | None) -> list[Element]:
    """Return everything on the stage, from the back to the front."""
    if setting is None:
        return panel_elements(world)
    cast = cast_elements(world)
    stage = without_cast(world) if cast else world
    return [
        *SETTINGS[setting](stage),
        *cast,
        *weather.weather_elements(world, setting not in ("interior", "space", "underwater")),
    ]
