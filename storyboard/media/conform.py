"""Footage in the film's shape: every frame scaled, turned, framed and given the film's colours, on planes throughout.

Nothing goes through RGB unless its matrix differs from the film's, and a frame that fits already is taken as it is. A
picture is one array, all of it yuv420p: luma above, both chroma planes below, as ``planes_of`` cuts it up.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from storyboard.core.model import Size
from storyboard.media import color
from storyboard.media.tagging import rotation

Planes = npt.NDArray[np.uint8]

# Bars that begin at a multiple of this touch no chroma sample of the picture.
_BAR = 2


class Conformer:
    """Brings frames of one clip to *size*, in the middle: as large as fits with black around it (``contain``), as
    small as fills it with its edges cut off (``cover``), or pulled into its shape (``stretch``).

    *pixel_aspect* is the width of the clip's pixels over their height, as they are stored.
    """

    def __init__(self, size: Size, fit: str, pixel_aspect: Fraction = Fraction(1)) -> None:
        self._size = size
        self._fit = fit
        self._aspect = pixel_aspect
        self._converter = VideoReformatter()

    def planes(self, frame: VideoFrame) -> Planes:
        """*frame* upright, conformed: yuv420p, shape (height * 3 / 2, width), uint8, BT.709 in the tv range."""
        turn = rotation(frame)
        lying = turn in (90, 270)
        shape = Size(frame.height, frame.width) if lying else Size(frame.width, frame.height)
        inner = inside(shape, 1 / self._aspect if lying else self._aspect, self._size, self._fit)
        stored = Size(inner.height, inner.width) if lying else inner
        picture = color.in_709(frame, stored, self._converter)
        return _framed(_turned(picture, stored, turn), inner, self._size)


def planes_of(picture: Planes) -> tuple[Planes, Planes, Planes]:
    """Luma and both chroma planes of *picture*, as views of it."""
    rows, width = picture.shape
    height = rows * 2 // 3
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], chroma[0], chroma[1]


def black(size: Size) -> Planes:
    """A black picture."""
    picture = np.full((size.height * 3 // 2, size.width), 128, np.uint8)
    picture[: size.height] = 16
    return picture


def inside(source: Size, pixel_aspect: Fraction, frame: Size, fit: str) -> Size:
    """The size in which *source* is shown, even both ways; larger than *frame* where its edges are cut off."""
    if fit == "stretch":
        return frame
    shape = source.width * pixel_aspect / source.height
    if fit == "cover":
        width = max(Fraction(frame.width), frame.height * shape)
        return Size(_outer(width, frame.width), _outer(width / shape, frame.height))
    width = min(Fraction(frame.width), frame.height * shape)
    return Size(_inner(width, frame.width), _inner(width / shape, frame.height))


def _inner(side: Fraction, whole: int) -> int:
    bar = round((whole - side) / (2 * _BAR)) * _BAR
    return whole - 2 * min(bar, (whole - 1) // (2 * _BAR) * _BAR)


def _outer(side: Fraction, whole: int) -> int:
    return whole + max(0, round((side - whole) / (2 * _BAR))) * 2 * _BAR


def _turned(picture: Planes, stored: Size, turn: int) -> Planes:
    """*picture* turned clockwise by *turn* degrees."""
    if not turn:
        return picture
    upright = np.empty_like(picture).reshape(-1, stored.height if turn in (90, 270) else stored.width)
    for target, plane in zip(planes_of(upright), planes_of(picture), strict=True):
        target[:] = np.rot90(plane, -turn // 90)
    return upright


def _framed(picture: Planes, inner: Size, size: Size) -> Planes:
    """*picture* in the middle of black, or its middle where it is larger."""
    if inner == size:
        return picture
    framed = black(size)
    left, top = (size.width - inner.width) // 2, (size.height - inner.height) // 2
    for number, (target, plane) in enumerate(zip(planes_of(framed), planes_of(picture), strict=True)):
        x, y = (left, top) if number == 0 else (left // 2, top // 2)
        shown = plane[max(0, -y) : max(0, -y) + target.shape[0], max(0, -x) : max(0, -x) + target.shape[1]]
        target[max(0, y) : max(0, y) + shown.shape[0], max(0, x) : max(0, x) + shown.shape[1]] = shown
    return framed
