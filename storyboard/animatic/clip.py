"""The pictures of one clip in their order: a stage or a given picture, the air before it, the slate below."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from storyboard.animatic import stage, weather
from storyboard.animatic.planes import Picture, Yuv, memory_for, planes_of, sheet_in
from storyboard.animatic.slate import Slate, bar_height, has_bar
from storyboard.animatic.still import StillPlane, fitted
from storyboard.animatic.world import Moment, draw_all
from storyboard.core.model import Size

FADE = 12  # frames over which slate and air appear on a given picture


def drawn(prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None) -> Iterator[Yuv]:
    """A clip from words alone; *label* is the shot's name for the slate, None for no slate.

    Yields yuv420p, shape (height * 3 / 2, width), BT.709 in the tv range, each in the memory of the one before.
    """
    slate = _slate(prompt, seed, size, rate, frames, label)
    bar = 0 if slate is None else slate.height
    world, setting = stage.world_of(prompt, seed, size.width, size.height - bar, float(frames / rate))
    elements, accent = stage.elements_of(world, setting), world.palette.accent
    memory = memory_for(size)
    whole, picture = sheet_in(memory, size.height), sheet_in(memory, size.height - bar)
    for number in range(frames):
        draw_all(picture, elements, Moment(float(number / rate), number / max(1, frames - 1), world.camera))
        if slate is not None:
            whole.lay(slate.planes(number, accent), picture.height)
        yield memory


def continued(
    first: Picture, prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None
) -> Iterator[Yuv]:
    """A clip that begins with exactly the picture *first* (fitted to *size*) and moves on from it.

    The slate appears in the course of some frames. Where the picture itself ends in a slate, only what is above it
    moves, and the new slate takes its place. Yields what ``drawn`` does.
    """
    start, memory = fitted(first, size), memory_for(size)
    whole = sheet_in(memory, size.height)
    whole.lay(planes_of(start))
    yield memory
    inherits = label is not None and has_bar(np.asarray(start))
    picture = sheet_in(memory, size.height - bar_height(size) if inherits else size.height)
    world, _ = stage.world_of(prompt, seed, size.width, picture.height, float(frames / rate))
    plane = StillPlane(planes_of(_upper(start, picture.height)), world.camera.moves, world.reading)
    below = planes_of(start.crop((0, picture.height, size.width, size.height))) if inherits else None
    floating = [element for element in weather.weather(world) if isinstance(element, weather.Motes | weather.Lightning)]
    slate = _slate(prompt, seed, size, rate, frames, label)
    for number in range(1, frames):
        presence, progress = min(1.0, number / FADE), number / max(1, frames - 1)
        plane.draw(picture, progress)
        draw_all(picture, floating, Moment(float(number / rate), progress, world.camera, presence))
        if below is not None:
            whole.lay(below, picture.height)
        if slate is not None:
            whole.lay(slate.planes(number, world.palette.accent), size.height - slate.height, presence)
        yield memory


def _upper(picture: Picture, height: int) -> Picture:
    return picture.crop((0, 0, picture.width, height))


def _slate(prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None) -> Slate | None:
    """The slate of a clip, unless it is to have none or is too low for one."""
    if label is None or bar_height(size) == 0:
        return None
    return Slate(size, label, seed, prompt, rate, frames)
