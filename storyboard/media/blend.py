"""One picture taking over from another: dissolve, fade through a colour, wipe, slide. Arrays in, an array out."""

import numpy as np

from storyboard.core.layers import MixKind
from storyboard.media.color import Rgb


def mixed(kind: MixKind, before: Rgb, after: Rgb, progress: float, direction: str, color: str) -> Rgb:
    """The picture when *progress* of the way from *before* (0) to *after* (1) is done.

    A fade of the film is told by a black picture on its other side. Pictures are RGB, uint8, of one shape.
    """
    match kind:
        case "fade":
            return _through(before, after, progress, solid(before, color))
        case "wipe":
            return _wiped(before, after, progress, direction)
        case "slide":
            return _slid(before, after, progress, direction)
    return _between(before, after, progress)


def solid(like: Rgb, color: str) -> Rgb:
    """A picture of one colour, ``#rrggbb``, in the shape of *like*."""
    return np.broadcast_to(np.frombuffer(bytes.fromhex(color[1:]), np.uint8), like.shape)


def _between(before: Rgb, after: Rgb, progress: float) -> Rgb:
    """Both by weight, rounded; whole numbers out of 256, so that it is exact everywhere."""
    weight = np.uint16(round(progress * 256))
    return ((before * (np.uint16(256) - weight) + after * weight + np.uint16(128)) >> np.uint16(8)).astype(np.uint8)


def _through(before: Rgb, after: Rgb, progress: float, color: Rgb) -> Rgb:
    if progress < 0.5:
        return _between(before, color, progress * 2)
    return _between(color, after, progress * 2 - 1)


def _wiped(before: Rgb, after: Rgb, progress: float, direction: str) -> Rgb:
    """An edge runs over the picture in *direction* and uncovers *after* behind it."""
    picture = before.copy()
    side = picture.shape[1 if direction in ("left", "right") else 0]
    done = round(side * progress)
    seen = slice(side - done, side) if direction in ("left", "up") else slice(0, done)
    where = (slice(None), seen) if direction in ("left", "right") else (seen, slice(None))
    picture[where] = after[where]
    return picture


def _slid(before: Rgb, after: Rgb, progress: float, direction: str) -> Rgb:
    """*after* pushes *before* out of the picture in *direction*."""
    axis = 1 if direction in ("left", "right") else 0
    side = before.shape[axis]
    done = round(side * progress)
    if direction in ("left", "up"):
        both, start = np.concatenate([before, after], axis), done
    else:
        both, start = np.concatenate([after, before], axis), side - done
    return np.ascontiguousarray(both.take(range(start, start + side), axis))
