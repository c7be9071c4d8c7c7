"""Footage in the film's shape: every frame scaled, turned, framed and given the film's colours, on planes throughout.

Nothing goes through RGB unless its matrix differs from the film's, and a frame that fits already is taken as it is. A
picture is one array, all of it yuv420p: luma above, both chroma planes below, as ``planes_of`` cuts it up.

One picture taking over from another: dissolve, fade through a colour, wipe, slide. Planes in, planes out.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from storyboard.core.model import Size
from storyboard.core.render_spec import MixKind
from storyboard.media.render import color
from storyboard.media.render.color import rotation, to_bt709

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


Plane = npt.NDArray[np.uint8]


def mixed(kind: MixKind, before: Planes, after: Planes, progress: float, direction: str, through: Planes) -> Planes:
    """The picture when *progress* of the way from *before* (0) to *after* (1) is done; a fade goes *through* a third.

    A fade of the film is told by a black picture on its other side. Pictures are of one shape.
    """
    if kind == "fade":
        return _through(before, after, progress, through)
    if kind not in ("wipe", "slide"):
        return _between(before, after, progress)
    way = _wiped if kind == "wipe" else _slid
    picture = np.empty_like(before)
    for target, old, new in zip(planes_of(picture), planes_of(before), planes_of(after), strict=True):
        way(target, old, new, progress, direction)
    return picture


def solid(size: Size, color: str) -> Planes:
    """A picture of one colour, ``#rrggbb``."""
    rgb = np.empty((size.height, size.width, 3), np.uint8)
    rgb[:] = np.frombuffer(bytes.fromhex(color[1:]), np.uint8)
    return np.asarray(to_bt709(rgb, VideoReformatter()).to_ndarray(), np.uint8)


def _between(before: Planes, after: Planes, progress: float) -> Planes:
    """Both by weight, rounded; whole numbers out of 256, so that it is exact everywhere."""
    weight = np.uint16(round(progress * 256))
    both = before * (np.uint16(256) - weight)
    both += after * weight
    both += np.uint16(128)
    both >>= np.uint16(8)
    return both.astype(np.uint8)


def _through(before: Planes, after: Planes, progress: float, color: Planes) -> Planes:
    if progress < 0.5:
        return _between(before, color, progress * 2)
    return _between(color, after, progress * 2 - 1)


def _wiped(picture: Plane, before: Plane, after: Plane, progress: float, direction: str) -> None:
    """An edge runs over the picture in *direction* and uncovers *after* behind it."""
    picture[:] = before
    side = picture.shape[1 if direction in ("left", "right") else 0]
    done = round(side * progress)
    seen = slice(side - done, side) if direction in ("left", "up") else slice(0, done)
    where = (slice(None), seen) if direction in ("left", "right") else (seen, slice(None))
    picture[where] = after[where]


def _slid(picture: Plane, before: Plane, after: Plane, progress: float, direction: str) -> None:
    """*after* pushes *before* out of the picture in *direction*."""
    axis = 1 if direction in ("left", "right") else 0
    side = before.shape[axis]
    done = round(side * progress)
    both = [before, after] if direction in ("left", "up") else [after, before]
    start = done if direction in ("left", "up") else side - done
    picture[:] = np.concatenate(both, axis).take(range(start, start + side), axis)
