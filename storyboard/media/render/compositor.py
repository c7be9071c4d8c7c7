"""Pictures that are drawn, put together by moviepy, which is known here and nowhere else.

moviepy neither reads nor writes here: its readers repeat frames of damaged files and lose the last ones at odd
rates, its writer leaves half a film behind. It gets frames from a function and is asked for frames.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from threading import Lock
from types import ModuleType

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from storyboard.media.render.color import Rgb

_LOADING = Lock()


class Overlay(Struct, frozen=True):
    """A picture that lies over others from frame *first* to *end*, the last one exclusive.

    *picture* is RGBA, shape (height, width, 4), uint8; its upper left corner is at *x*, *y*.
    """

    picture: npt.NDArray[np.uint8]
    x: int
    y: int
    first: int
    end: int


class Composition:
    """Drawn pictures with overlays on them, as a clip. *source* gives frame k and is asked for rising k."""

    def __init__(
        self, source: Callable[[int], Rgb], frames: int, rate: Fraction, overlays: Sequence[Overlay] = ()
    ) -> None:
        moviepy = _moviepy()
        self._rate = rate
        clip = moviepy.VideoClip(lambda t: source(round(t * rate)), duration=float(frames / rate))
        above = [
            moviepy.ImageClip(one.picture, transparent=True, duration=float((one.end - one.first) / rate))
            .with_start(self._moment(one.first))
            .with_position((one.x, one.y))
            for one in overlays
        ]
        self._clip = moviepy.CompositeVideoClip([clip, *above], use_bgclip=True) if above else clip

    def picture(self, number: int) -> Rgb:
        """Output frame *number*: RGB, shape (height, width, 3), uint8."""
        return np.asarray(self._clip.get_frame(float(number / self._rate)), dtype=np.uint8)

    def _moment(self, first: int) -> float:
        """Half a frame before *first*, so that no rounding decides."""
        return float((first - Fraction(1, 2)) / self._rate)


def _moviepy() -> ModuleType:
    with _LOADING, _hidden("dotenv"):
        import moviepy
    module: ModuleType = moviepy
    return module


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """The library *name* cannot be imported in here.

    With dotenv, importing moviepy loads a ``.env`` found upwards from where it is installed, or from the working
    folder, and runs the program that it names as FFmpeg. Such a file may belong to the project.
    """
    kept = sys.modules.get(name)
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules[name] = None
    try:
        yield
    finally:
        del modules[name]
        if kept is not None:
            modules[name] = kept
