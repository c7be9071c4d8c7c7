"""The picture of a segment, put together by moviepy, which is known here and nowhere else.

moviepy neither reads nor writes here: its readers repeat frames of damaged files and lose the last ones at odd
rates, its writer leaves half a film behind. It gets frames from a function and is asked for frames.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from types import ModuleType

import numpy as np

from storyboard.core.model import Size
from storyboard.media.color import Rgb

# Bars that begin at a multiple of this touch no chroma sample of the picture.
_BAR = 2


class Composition:
    """A source conformed to *size*, in the middle: as large as fits with black around it (``contain``), as small as
    fills it with its edges cut off (``cover``), or pulled into its shape (``stretch``).

    *source* gives the picture of output frame k and is asked for rising k; *pixel_aspect* is the width of its pixels
    over their height. ``picture(k)`` gives RGB, shape (height, width, 3), uint8.
    """

    def __init__(
        self,
        source: Callable[[int], Rgb],
        frames: int,
        rate: Fraction,
        size: Size,
        pixel_aspect: Fraction = Fraction(1),
        fit: str = "contain",
    ) -> None:
        moviepy = _moviepy()
        self._rate = rate
        seconds = float(frames / rate)
        clip = moviepy.VideoClip(lambda t: source(round(t * rate)), duration=seconds)
        width, height = clip.size
        inner = _inside(Size(width, height), pixel_aspect, size, fit)
        if inner != Size(width, height):
            clip = clip.with_effects([moviepy.vfx.Resize((inner.width, inner.height))])
        if inner != size:
            corner = ((size.width - inner.width) // 2, (size.height - inner.height) // 2)
            clip = moviepy.CompositeVideoClip(
                [clip.with_position(corner)], size=(size.width, size.height), bg_color=(0, 0, 0)
            ).with_duration(seconds)
        self._clip = clip

    def picture(self, number: int) -> Rgb:
        """Output frame *number*."""
        return np.asarray(self._clip.get_frame(float(number / self._rate)), dtype=np.uint8)


def _inside(source: Size, pixel_aspect: Fraction, frame: Size, fit: str) -> Size:
    """The size in which *source* is shown; larger than *frame* where its edges are cut off."""
    if fit == "stretch":
        return frame
    return covering(source, pixel_aspect, frame) if fit == "cover" else fitted(source, pixel_aspect, frame)


def covering(source: Size, pixel_aspect: Fraction, frame: Size) -> Size:
    """The smallest size of *source*'s shape that leaves nothing of *frame* empty."""
    shape = source.width * pixel_aspect / source.height
    width = max(Fraction(frame.width), frame.height * shape)
    return Size(max(frame.width, round(width)), max(frame.height, round(width / shape)))


def fitted(source: Size, pixel_aspect: Fraction, frame: Size) -> Size:
    """The largest size of *source*'s shape within *frame*, to within the two pixels that keep bars off its chroma."""
    shape = source.width * pixel_aspect / source.height
    width = min(Fraction(frame.width), frame.height * shape)
    return Size(_inner(width, frame.width), _inner(width / shape, frame.height))


def _inner(side: Fraction, whole: int) -> int:
    bar = round((whole - side) / (2 * _BAR)) * _BAR
    return whole - 2 * min(bar, (whole - 1) // (2 * _BAR) * _BAR)


def _moviepy() -> ModuleType:
    with _environment_kept():
        import moviepy
    module: ModuleType = moviepy
    return module


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Importing moviepy loads a ``.env`` found upwards from wherever it is installed, or from here; that is undone."""
    before = dict(os.environ)
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
