"""Composition of drawn pictures with overlays. The only module that imports moviepy.

moviepy neither reads nor writes files here: its readers repeat frames of damaged files and lose the last ones at odd
rates, and its writer leaves incomplete files behind. It receives frames from a function and returns frames.
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

_IMPORT_LOCK = Lock()


class Overlay(Struct, frozen=True):
    """A picture laid over others from frame *first* to *end*, exclusive.

    *picture* is RGBA, shape (height, width, 4), uint8; its upper left corner is at *x*, *y*.
    """

    picture: npt.NDArray[np.uint8]
    x: int
    y: int
    first: int
    end: int


class Composition:
    """Drawn pictures with overlays, as a clip. *source* returns frame k and is called with ascending k."""

    def __init__(
        self, source: Callable[[int], Rgb], frames: int, rate: Fraction, overlays: Sequence[Overlay] = ()
    ) -> None:
        moviepy = _moviepy()
        self._rate = rate
        clip = moviepy.VideoClip(lambda t: source(round(t * rate)), duration=float(frames / rate))
        above = [
            moviepy.ImageClip(one.picture, transparent=True, duration=float((one.end - one.first) / rate))
            .with_start(self._start_time(one.first))
            .with_position((one.x, one.y))
            for one in overlays
        ]
        self._clip = moviepy.CompositeVideoClip([clip, *above], use_bgclip=True) if above else clip

    def picture(self, number: int) -> Rgb:
        """Return output frame *number*: RGB, shape (height, width, 3), uint8."""
        return np.asarray(self._clip.get_frame(float(number / self._rate)), dtype=np.uint8)

    def _start_time(self, first: int) -> float:
        """Return the time half a frame before *first*, so that rounding cannot change the frame."""
        return float((first - Fraction(1, 2)) / self._rate)


def _moviepy() -> ModuleType:
    with _IMPORT_LOCK, _blocked_import("dotenv"):
        import moviepy
    module: ModuleType = moviepy
    return module


@contextmanager
def _blocked_import(name: str) -> Iterator[None]:
    """Make the library *name* unimportable in the block.

    With dotenv, importing moviepy loads a ``.env`` found upwards from its installation or the working folder, and runs
    the program that the file names as FFmpeg. Such a file may belong to the project.
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
