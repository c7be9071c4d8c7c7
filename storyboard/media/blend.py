"""One picture taking over from another: dissolve, fade through a colour, wipe, slide. Planes in, planes out."""

import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from storyboard.core.layers import MixKind
from storyboard.core.model import Size
from storyboard.media.color import to_bt709
from storyboard.media.conform import Planes, planes_of

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
