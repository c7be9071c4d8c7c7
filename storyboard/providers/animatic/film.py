"""The pictures of one clip in their order: a stage or a given picture, the air before it, the slate below."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PIL import Image

from storyboard.core.model import Size
from storyboard.providers.animatic import air, stage
from storyboard.providers.animatic.layer import Picture
from storyboard.providers.animatic.slate import Slate, bar_height, has_bar
from storyboard.providers.animatic.still import StillPlane, fitted
from storyboard.providers.animatic.world import Moment, draw_all

Rgb = npt.NDArray[np.uint8]

FADE = 12  # frames over which slate and air appear on a given picture


def drawn(prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None) -> Iterator[Rgb]:
    """A clip from words alone; *label* is the shot's name for the slate, None for no slate.

    Yields RGB, shape (height, width, 3), each picture in the memory of the one before.
    """
    slate = _slate(prompt, seed, size, rate, frames, label)
    bar = 0 if slate is None else slate.height
    world, setting = stage.world_of(prompt, seed, size.width, size.height - bar, float(frames / rate))
    elements, accent = stage.elements_of(world, setting), world.palette.accent
    memory = np.full((size.height, size.width, 4), 255, np.uint8)
    sheet, picture = _drawable(memory), _drawable(memory[: size.height - bar])
    for number in range(frames):
        moment = Moment(float(number / rate), number / max(1, frames - 1), world.camera)
        draw_all(picture, elements, moment)
        if slate is not None:
            _slated(sheet, slate.picture(number, accent))
        yield memory[..., :3]


def continued(
    first: Picture, prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None
) -> Iterator[Rgb]:
    """A clip that begins with exactly the picture *first* (fitted to *size*) and moves on from it.

    The slate appears in the course of some frames. Where the picture itself ends in a slate, only what is above it
    moves, and the new slate takes its place.
    """
    start = np.asarray(fitted(first, size))
    yield start
    inherits = label is not None and has_bar(start)
    height = size.height - bar_height(size) if inherits else size.height
    world, _ = stage.world_of(prompt, seed, size.width, height, float(frames / rate))
    accent = world.palette.accent
    plane = StillPlane(Image.fromarray(start[:height]), world.camera.moves, world.reading)
    floating = [element for element in air.weather(world) if isinstance(element, air.Motes | air.Lightning)]
    slate = _slate(prompt, seed, size, rate, frames, label)
    below = Image.fromarray(start).convert("RGBA").crop((0, height, size.width, size.height))
    memory = np.full((size.height, size.width, 4), 255, np.uint8)
    sheet, picture = _drawable(memory), _drawable(memory[:height])
    for number in range(1, frames):
        presence = min(1.0, number / FADE)
        plane.draw(picture, number / max(1, frames - 1))
        moment = Moment(float(number / rate), number / max(1, frames - 1), world.camera, presence)
        draw_all(picture, floating, moment)
        sheet.paste(below, (0, height))
        if slate is not None:
            _slated(sheet, slate.picture(number, accent), presence)
        yield memory[..., :3]


def _slate(prompt: str, seed: int, size: Size, rate: Fraction, frames: int, label: str | None) -> Slate | None:
    """The slate of a clip, unless it is to have none or is too low for one."""
    if label is None or bar_height(size) == 0:
        return None
    return Slate(size, label, seed, prompt, rate, frames)


def _drawable(memory: Rgb) -> Picture:
    """A picture to draw in that lies in *memory*, shape (height, width, 4): a change to one is a change to both.

    Pillow and the encoder's converter have pixels four bytes apart, so nothing need be copied.
    """
    picture = Image.frombuffer("RGBA", (memory.shape[1], memory.shape[0]), memory, "raw", "RGBA", 0, 1)
    picture.readonly = 0
    return picture


def _slated(sheet: Picture, bar: Picture, presence: float = 1.0) -> None:
    """Lay *bar* over the lowest rows of *sheet*, as far as it has appeared."""
    solid, at = bar.convert("RGBA"), (0, sheet.height - bar.height)
    sheet.paste(solid, at, None if presence >= 1 else Image.new("L", bar.size, round(presence * 255)))
