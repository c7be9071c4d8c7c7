"""Pictures as the encoder takes them: a plane of luma and, at half its size, two of colour difference.

BT.709 in the tv range (ITU-R BT.709-6; matrix 1 of ITU-T H.273). Things are painted in RGB, turned into planes once,
and composed plane by plane: to blend one byte a pixel costs a quarter of blending four.

Sprites: small pictures that are laid at any pixel of a frame.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from storyboard.animatic.palette import Colour, bytes_of
from storyboard.core.model import Size

Picture = Image.Image
Planes = tuple[Picture, Picture, Picture]  # luma; blue and red difference, half as wide and high
Yuv = npt.NDArray[np.uint8]  # yuv420p, shape (height * 3 / 2, width): the rows of the three planes after one another

_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_TO_LUMA = (*(219 / 255 * part for part in (_RED, _GREEN, _BLUE)), 16.0)
_TO_BLUE = (*(112 / 255 * part / (1 - _BLUE) for part in (-_RED, -_GREEN, 1 - _BLUE)), 128.0)
_TO_RED = (*(112 / 255 * part / (1 - _RED) for part in (1 - _RED, -_GREEN, -_BLUE)), 128.0)


def coded(picture: Picture) -> Picture:
    """An RGB picture with luma, blue and red difference in the place of red, green and blue."""
    return picture.convert("RGB", (*_TO_LUMA, *_TO_BLUE, *_TO_RED))


def planes_of(picture: Picture) -> Planes:
    """The planes of an RGB picture; the colour of an odd last row or column counts for itself."""
    _, blue, red = coded(picture.reduce(2)).split()
    return picture.convert("L", _TO_LUMA), blue, red


@cache
def levels_of(shade: Colour) -> tuple[int, int, int]:
    """What *shade* is in each plane."""
    return coded(Image.new("RGB", (1, 1), bytes_of(shade))).getpixel((0, 0))  # type: ignore[return-value]


class Sheet:
    """What is drawn in: three planes, *width* by *height* frame pixels."""

    def __init__(self, planes: Planes) -> None:
        self.planes = planes
        self.cores = tuple(plane.im for plane in planes)  # what Pillow draws in, without its checks at every call
        self.width, self.height = planes[0].size

    def lay(self, planes: Planes, top: int = 0, presence: float = 1.0) -> None:
        """Lay a picture as wide as the sheet over the rows from *top* on, an even number, as far as it has appeared."""
        for number, (target, plane) in enumerate(zip(self.planes, planes, strict=True)):
            veil = None if presence >= 1 else Image.new("L", plane.size, round(presence * 255))
            target.paste(plane, (0, top if number == 0 else top // 2), veil)


def memory_for(size: Size) -> Yuv:
    """Room for one frame of *size*, both sides even."""
    return np.zeros((size.height * 3 // 2, size.width), np.uint8)


def sheet_in(memory: Yuv, height: int) -> Sheet:
    """The upper *height* rows of a frame, an even number: what is drawn there is in *memory*."""
    rows, width = memory.shape[0] * 2 // 3, memory.shape[1]
    blue, red = memory[rows:].reshape(2, rows // 2, width // 2)
    return Sheet((_shared(memory[:height]), _shared(blue[: height // 2]), _shared(red[: height // 2])))


def _shared(plane: Yuv) -> Picture:
    picture = Image.frombuffer("L", (plane.shape[1], plane.shape[0]), plane, "raw", "L", 0, 1)
    picture.readonly = 0
    return picture


class Sprite:
    """A small RGBA picture in planes, once for each way in which its corner can lie on the coarser planes of colour."""

    def __init__(self, image: Picture) -> None:
        self._image = image
        self._cores: dict[tuple[int, int], tuple[Any, ...]] = {}

    def lay(self, sheet: Sheet, x: float, y: float) -> None:
        """Paste it with its middle at the frame pixel (*x*, *y*)."""
        left, top = round(x - self._image.width / 2), round(y - self._image.height / 2)
        if not (-self._image.width < left < sheet.width and -self._image.height < top < sheet.height):
            return
        key = left % 2, top % 2
        if key not in self._cores:
            self._cores[key] = _moved(self._image, *key)
        luma, blue, red, mask, half = self._cores[key]
        wide, high = half.size
        left, top = left // 2, top // 2
        area = left, top, left + wide, top + high
        sheet.cores[0].paste(luma, (2 * left, 2 * top, 2 * (left + wide), 2 * (top + high)), mask)
        sheet.cores[1].paste(blue, area, half)
        sheet.cores[2].paste(red, area, half)


def _moved(image: Picture, right: int, down: int) -> tuple[Any, ...]:
    """The planes of *image* moved by a pixel or none, its mask, and its mask for the planes of colour."""
    wide, high = image.width + right, image.height + down
    moved = Image.new("RGBA", (wide + wide % 2, high + high % 2))
    moved.paste(image, (right, down))
    half = moved.reduce(2)  # by the weight of alpha: what is see-through has no colour
    _, blue, red = coded(half.convert("RGB")).split()
    luma = planes_of(moved.convert("RGB"))[0]
    return luma.im, blue.im, red.im, moved.getchannel("A").im, half.getchannel("A").im
