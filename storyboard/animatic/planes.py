"""Planes of a picture as the encoder takes them: luma, and two planes of colour difference at half its size.

BT.709 in the tv range (ITU-R BT.709-6; matrix 1 of ITU-T H.273). Pictures are painted in RGB, converted once, and
composed plane by plane: blending one byte a pixel costs a quarter of blending four.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from storyboard.animatic.palette import Colour, to_bytes
from storyboard.core.model import Size

Picture = Image.Image
Planes = tuple[Picture, Picture, Picture]  # luma; blue and red difference, half as wide and high
Yuv = npt.NDArray[np.uint8]  # yuv420p, shape (height * 3 / 2, width): the rows of the three planes after one another
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_TO_LUMA = (*(219 / 255 * part for part in (_RED, _GREEN, _BLUE)), 16.0)
_TO_BLUE = (*(112 / 255 * part / (1 - _BLUE) for part in (-_RED, -_GREEN, 1 - _BLUE)), 128.0)
_TO_RED = (*(112 / 255 * part / (1 - _RED) for part in (1 - _RED, -_GREEN, -_BLUE)), 128.0)


def to_ycbcr(picture: Picture) -> Picture:
    """Return an RGB picture with luma, blue and red difference in place of red, green and blue."""
    return picture.convert("RGB", (*_TO_LUMA, *_TO_BLUE, *_TO_RED))


def planes_of(picture: Picture) -> Planes:
    """Return the planes of an RGB picture; an odd last row or column has colour samples of its own."""
    _, blue, red = to_ycbcr(picture.reduce(2)).split()
    return picture.convert("L", _TO_LUMA), blue, red


@cache
def plane_levels(shade: Colour) -> tuple[int, int, int]:
    """Return the level of *shade* in each plane."""
    return to_ycbcr(Image.new("RGB", (1, 1), to_bytes(shade))).getpixel((0, 0))  # type: ignore[return-value]


class Sheet:
    """A frame to draw on: three planes, *width* by *height* frame pixels."""

    def __init__(self, planes: Planes) -> None:
        self.planes = planes
        self.cores = tuple(plane.im for plane in planes)  # Pillow's core images, which skip its checks at every call
        self.width, self.height = planes[0].size

    def paste(self, planes: Planes) -> None:
        """Paste a picture of the sheet's size."""
        for target, plane in zip(self.planes, planes, strict=True):
            target.paste(plane)


def new_frame_memory(size: Size) -> Yuv:
    """Allocate one frame of *size*, both sides even."""
    return np.zeros((size.height * 3 // 2, size.width), np.uint8)


def sheet_over(memory: Yuv, height: int) -> Sheet:
    """Return a sheet over the upper *height* rows of a frame, an even number, which draws into *memory*."""
    rows, width = memory.shape[0] * 2 // 3, memory.shape[1]
    blue, red = memory[rows:].reshape(2, rows // 2, width // 2)
    return Sheet(
        (_share_memory(memory[:height]), _share_memory(blue[: height // 2]), _share_memory(red[: height // 2]))
    )


def _share_memory(plane: Yuv) -> Picture:
    picture = Image.frombuffer("L", (plane.shape[1], plane.shape[0]), plane, "raw", "L", 0, 1)
    picture.readonly = 0
    return picture


class Sprite:
    """A small RGBA picture as planes, one set for each alignment of its corner with the coarser colour planes."""

    def __init__(self, image: Picture) -> None:
        self._image = image
        self._cores: dict[tuple[int, int], tuple[Any, ...]] = {}

    def paste(self, sheet: Sheet, x: float, y: float) -> None:
        """Paste the sprite with its middle at the frame pixel (*x*, *y*)."""
        left, top = round(x - self._image.width / 2), round(y - self._image.height / 2)
        if not (-self._image.width < left < sheet.width and -self._image.height < top < sheet.height):
            return
        key = left % 2, top % 2
        if key not in self._cores:
            self._cores[key] = _shifted_planes(self._image, *key)
        luma, blue, red, mask, half = self._cores[key]
        wide, high = half.size
        left, top = left // 2, top // 2
        area = left, top, left + wide, top + high
        sheet.cores[0].paste(luma, (2 * left, 2 * top, 2 * (left + wide), 2 * (top + high)), mask)
        sheet.cores[1].paste(blue, area, half)
        sheet.cores[2].paste(red, area, half)


def _shifted_planes(image: Picture, right: int, down: int) -> tuple[Any, ...]:
    """Return the planes of *image* shifted by a pixel or none, its mask, and its mask for the colour planes."""
    wide, high = image.width + right, image.height + down
    moved = Image.new("RGBA", (wide + wide % 2, high + high % 2))
    moved.paste(image, (right, down))
    half = moved.reduce(2)  # weighted by alpha, so that transparent pixels add no colour
    _, blue, red = to_ycbcr(half.convert("RGB")).split()
    luma = planes_of(moved.convert("RGB"))[0]
    return luma.im, blue.im, red.im, moved.getchannel("A").im, half.getchannel("A").im
