"""Conformed pictures and transitions, on yuv420p planes: scale, rotate, fit and convert footage; mix two pictures.

Frames go through RGB only where their matrix differs from the film's, and a frame that fits is used unchanged. A
picture is one yuv420p array: luma above, both chroma planes below, split by ``planes_of``.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from storyboard.core.model import Size
from storyboard.core.render_spec import MixKind
from storyboard.media.render import color
from storyboard.media.render.color import rgb_to_frame, rotation

Planes = npt.NDArray[np.uint8]
# Bars that begin at a multiple of this many pixels share no chroma sample with the picture.
_BAR_STEP = 2
Plane = npt.NDArray[np.uint8]


class Conformer:
    """Conversion of the frames of one clip to the film's size and colours.

    The picture is centred: as large as fits with black bars (``contain``), as small as fills the frame with cropped
    edges (``cover``), or distorted (``stretch``). *pixel_aspect* is the width of the clip's pixels over their height,
    as stored.
    """

    def __init__(self, size: Size, fit: str, pixel_aspect: Fraction = Fraction(1)) -> None:
        self._size = size
        self._fit = fit
        self._aspect = pixel_aspect
        self._converter = VideoReformatter()
        self._inner: dict[tuple[Size, bool], Size] = {}

    def planes(self, frame: VideoFrame) -> Planes:
        """Return *frame* upright and conformed.

        yuv420p, shape (height * 3 / 2, width), uint8, BT.709 in the tv range.
        """
        degrees = rotation(frame)
        lying = degrees in (90, 270)
        shape = Size(frame.height, frame.width) if lying else Size(frame.width, frame.height)
        inner = self._inner.get((shape, lying))
        if inner is None:
            aspect = 1 / self._aspect if lying else self._aspect
            inner = self._inner[shape, lying] = fit_size(shape, aspect, self._size, self._fit)
        stored = Size(inner.height, inner.width) if lying else inner
        picture = color.frame_to_planes(frame, stored, self._converter)
        return _letterbox(_rotate(picture, stored, degrees), inner, self._size)


def fit_size(source: Size, pixel_aspect: Fraction, frame: Size, fit: str) -> Size:
    """Return the even size at which *source* is shown; larger than *frame* where its edges are cropped."""
    if fit == "stretch":
        return frame
    shape = source.width * pixel_aspect / source.height
    if fit == "cover":
        width = max(Fraction(frame.width), frame.height * shape)
        return Size(_outer(width, frame.width), _outer(width / shape, frame.height))
    width = min(Fraction(frame.width), frame.height * shape)
    return Size(_inner(width, frame.width), _inner(width / shape, frame.height))


def planes_of(picture: Planes) -> tuple[Planes, Planes, Planes]:
    """Return luma and both chroma planes of *picture*, as views."""
    rows, width = picture.shape
    height = rows * 2 // 3
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], chroma[0], chroma[1]


def black_picture(size: Size) -> Planes:
    """Return a black picture."""
    picture = np.full((size.height * 3 // 2, size.width), 128, np.uint8)
    picture[: size.height] = 16
    return picture


def solid_picture(size: Size, color: str) -> Planes:
    """Return a picture of one colour, ``#rrggbb``."""
    rgb = np.empty((size.height, size.width, 3), np.uint8)
    rgb[:] = np.frombuffer(bytes.fromhex(color[1:]), np.uint8)
    return np.asarray(rgb_to_frame(rgb, VideoReformatter()).to_ndarray(), np.uint8)


def mix_pictures(
    kind: MixKind, before: Planes, after: Planes, progress: float, direction: str, through: Planes
) -> Planes:
    """Return the transition picture at *progress* from *before* (0) to *after* (1); a fade goes via *through*.

    A fade in from or out to the film's edge has a black picture on its other side. All pictures have one shape.
    """
    if kind == "fade":
        return _fade_through(before, after, progress, through)
    if kind not in ("wipe", "slide"):
        return _blend(before, after, progress)
    transition = _wipe if kind == "wipe" else _slide
    picture = np.empty_like(before)
    for target, old, new in zip(planes_of(picture), planes_of(before), planes_of(after), strict=True):
        transition(target, old, new, progress, direction)
    return picture


def slide_shifts(side: int, progress: float, direction: str) -> tuple[int, int]:
    """Return how far a slide has moved both pictures to the right or down, on a side of *side* pixels."""
    done = round(side * progress)
    return (-done, side - done) if direction in ("left", "up") else (done, done - side)


def _inner(side: Fraction, full: int) -> int:
    bar = round((full - side) / (2 * _BAR_STEP)) * _BAR_STEP
    return full - 2 * min(bar, (full - 1) // (2 * _BAR_STEP) * _BAR_STEP)


def _outer(side: Fraction, full: int) -> int:
    return full + max(0, round((side - full) / (2 * _BAR_STEP))) * 2 * _BAR_STEP


def _rotate(picture: Planes, stored: Size, degrees: int) -> Planes:
    """Rotate *picture* clockwise by *degrees*."""
    if not degrees:
        return picture
    upright = np.empty_like(picture).reshape(-1, stored.height if degrees in (90, 270) else stored.width)
    for target, plane in zip(planes_of(upright), planes_of(picture), strict=True):
        target[:] = np.rot90(plane, -degrees // 90)
    return upright


def _letterbox(picture: Planes, inner: Size, size: Size) -> Planes:
    """Return *picture* centred on black, or its centre where it is larger."""
    if inner == size:
        return picture
    framed = black_picture(size)
    left, top = (size.width - inner.width) // 2, (size.height - inner.height) // 2
    for number, (target, plane) in enumerate(zip(planes_of(framed), planes_of(picture), strict=True)):
        x, y = (left, top) if number == 0 else (left // 2, top // 2)
        shown = plane[max(0, -y) : max(0, -y) + target.shape[0], max(0, -x) : max(0, -x) + target.shape[1]]
        target[max(0, y) : max(0, y) + shown.shape[0], max(0, x) : max(0, x) + shown.shape[1]] = shown
    return framed


def _blend(before: Planes, after: Planes, progress: float) -> Planes:
    """Return the weighted mean, rounded.

    Weights are whole numbers of 256, so that every processor computes equal bytes.
    """
    weight = np.uint16(round(progress * 256))
    both = before * (np.uint16(256) - weight)
    both += after * weight
    both += np.uint16(128)
    both >>= np.uint16(8)
    return both.astype(np.uint8)


def _fade_through(before: Planes, after: Planes, progress: float, color: Planes) -> Planes:
    if progress < 0.5:
        return _blend(before, color, progress * 2)
    return _blend(color, after, progress * 2 - 1)


def _wipe(picture: Plane, before: Plane, after: Plane, progress: float, direction: str) -> None:
    """Move an edge over the picture in *direction* and reveal *after* behind it."""
    picture[:] = before
    side = picture.shape[1 if direction in ("left", "right") else 0]
    done = round(side * progress)
    seen = slice(side - done, side) if direction in ("left", "up") else slice(0, done)
    where = (slice(None), seen) if direction in ("left", "right") else (seen, slice(None))
    picture[where] = after[where]


def _slide(picture: Plane, before: Plane, after: Plane, progress: float, direction: str) -> None:
    """Push *before* out of the picture with *after*, in *direction*."""
    axis = 1 if direction in ("left", "right") else 0
    side = before.shape[axis]
    shifts = slide_shifts(side, progress, direction)
    both = [before, after] if shifts[0] < shifts[1] else [after, before]
    start = -min(shifts)
    picture[:] = np.concatenate(both, axis).take(range(start, start + side), axis)
