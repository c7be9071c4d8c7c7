"""Frames of one clip: a drawn stage or a given picture, the air before it, and the slate bar below."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from storyboard.animatic import stage, weather
from storyboard.animatic.planes import Picture, Yuv, new_frame_memory, planes_of, sheet_over
from storyboard.animatic.slate import SlateBar, bar_height, has_bar
from storyboard.animatic.still import StillPlane, fit_picture
from storyboard.animatic.world import Moment, draw_all
from storyboard.core.model import Size

FADE_FRAMES = 12  # the slate bar and the air fade in over them on a given picture


def draw_from_prompt(
    prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None
) -> Iterator[Yuv]:
    """Draw a clip from text only; *label* is the shot's name for the slate bar, ``None`` for no bar.

    Yields yuv420p, shape (height * 3 / 2, width), BT.709 in the tv range, each in the memory of the one before.
    """
    slate = _slate(prompt, seed, size, rate, frames, label)
    bar = 0 if slate is None else slate.height
    world, setting = stage.build_world(prompt, seed, size.width, size.height - bar, float(frames / rate))
    elements, accent = stage.build_elements(world, setting), world.palette.accent
    memory = new_frame_memory(size)
    whole, picture = sheet_over(memory, size.height), sheet_over(memory, size.height - bar)
    for number in range(frames):
        draw_all(picture, elements, Moment(float(number / rate), number / max(1, frames - 1), world.camera))
        if slate is not None:
            whole.paste(slate.planes(number, accent), picture.height)
        yield memory


def draw_from_picture(
    first: Picture, prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None
) -> Iterator[Yuv]:
    """Draw a clip that begins with exactly the picture *first* (fitted to *size*) and moves on from it.

    The slate bar fades in over some frames. Where the picture itself ends in a bar, only the part above it moves, and
    the new bar replaces it. Yields as ``draw_from_prompt`` does.
    """
    start, memory = fit_picture(first, size), new_frame_memory(size)
    whole = sheet_over(memory, size.height)
    whole.paste(planes_of(start))
    yield memory
    inherits = label is not None and has_bar(np.asarray(start))
    picture = sheet_over(memory, size.height - bar_height(size) if inherits else size.height)
    world, _ = stage.build_world(prompt, seed, size.width, picture.height, float(frames / rate))
    plane = StillPlane(planes_of(_crop_rows(start, picture.height)), world.camera.moves, world.reading)
    below = planes_of(start.crop((0, picture.height, size.width, size.height))) if inherits else None
    floating = [
        element for element in weather.weather_elements(world) if isinstance(element, weather.Motes | weather.Lightning)
    ]
    slate = _slate(prompt, seed, size, rate, frames, label)
    for number in range(1, frames):
        presence, progress = min(1.0, number / FADE_FRAMES), number / max(1, frames - 1)
        plane.draw(picture, progress)
        draw_all(picture, floating, Moment(float(number / rate), progress, world.camera, presence))
        if below is not None:
            whole.paste(below, picture.height)
        if slate is not None:
            whole.paste(slate.planes(number, world.palette.accent), size.height - slate.height, presence)
        yield memory


def _crop_rows(picture: Picture, height: int) -> Picture:
    return picture.crop((0, 0, picture.width, height))


def _slate(prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None) -> SlateBar | None:
    """Return the slate bar of a clip, ``None`` if it has none or is too low for one."""
    if label is None or bar_height(size) == 0:
        return None
    return SlateBar(size, label, seed, prompt, rate, frames)
