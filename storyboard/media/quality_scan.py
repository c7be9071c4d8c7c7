"""What a clip shows while it is decoded anyway: stretches that are black, and stretches that stand still.

Looks at the brightness of every eighth row. Black is told from FFmpeg's ``blackdetect`` (98 of 100 pixels below a tenth
of full brightness), standing still from its ``freezedetect`` (a thousandth away, on average, from where it began).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

Luma = npt.NDArray[np.uint8]

_ROWS = 8
_BAND = 8  # so many of these rows are looked at together
_DARK, _MOSTLY = 0.1, 0.98
_STILL = 0.001 * 255
# A pixel has changed from so many levels on; so many of all may have, where nothing moves.
_MOVED, _FEW = 10, 0.0005
_BLACK_S, _FROZEN_S = 1.0, 2.0

Stretches = tuple[tuple[float, float], ...]


class QualityScan:
    """Sees the frames of one clip in the order in which they are shown."""

    def __init__(self) -> None:
        self._black: list[int] = []
        self._like: list[int] = []
        self._began: Luma | None = None

    def see(self, frame: VideoFrame) -> None:
        """The next frame."""
        luma, number = _luma(frame), len(self._like)
        self._black.append(int(_is_black(luma, full=_is_full(frame))))
        if self._began is not None and _is_still(self._began, luma):
            self._like.append(self._like[-1])
        else:
            self._began = luma
            self._like.append(number)

    def black(self, times: Sequence[float]) -> Stretches:
        """From when to when it is black, in seconds; *times* are when each frame appears, and the end."""
        return tuple(span for value, span in _stretches(self._black, times, _BLACK_S) if value)

    def frozen(self, times: Sequence[float]) -> Stretches:
        """From when to when it shows what it showed at the beginning of that time, without being black."""
        return tuple(span for first, span in _stretches(self._like, times, _FROZEN_S) if not self._black[first])


def _stretches(
    values: Sequence[int], times: Sequence[float], least: float
) -> Iterator[tuple[int, tuple[float, float]]]:
    """The runs of one value that last at least so many seconds."""
    at = 0
    for value, run in groupby(values):
        first, at = at, at + len(list(run))
        if times[at] - times[first] >= least:
            yield value, (round(times[first], 3), round(times[at], 3))


def _luma(frame: VideoFrame) -> Luma:
    """Brightness in 8 bits, every eighth row of it."""
    bits = frame.format.components[0].bits
    if not frame.format.is_planar or frame.format.is_rgb or bits > 16:
        frame, bits = frame.reformat(format="gray"), 8
    plane = frame.planes[0]
    wide = bits > 8
    stored: npt.NDArray[Any] = np.frombuffer(memoryview(plane), np.uint16 if wide else np.uint8)
    luma = stored.reshape(frame.height, -1)[::_ROWS, : frame.width]
    return np.asarray(luma >> (bits - 8) if wide else luma, np.uint8).copy()


def _is_black(luma: Luma, *, full: bool) -> bool:
    limit = np.uint8(255 * _DARK if full else 16 + 219 * _DARK)
    bright, wanted = 0, _MOSTLY * luma.size
    for band in _bands(luma):
        bright += int(np.count_nonzero(band > limit))
        if luma.size - bright < wanted:
            return False
    return True


def _bands(luma: Luma) -> Iterator[Luma]:
    """A few rows after the other: where they tell already that something is not so, the rest need not be looked at."""
    for first in range(0, len(luma), _BAND):
        yield luma[first : first + _BAND]


def _is_full(frame: VideoFrame) -> bool:
    named = frame.format.name.startswith("yuvj") or frame.format.is_rgb
    return named or not frame.format.is_planar or frame.color_range == ColorRange.JPEG


def _is_still(one: Luma, other: Luma) -> bool:
    """Whether nothing has moved, not even something small."""
    if one.shape != other.shape:
        return False
    moved = total = 0
    for before, now in zip(_bands(one), _bands(other), strict=True):
        apart = np.maximum(before, now)
        apart -= np.minimum(before, now)
        moved += int(np.count_nonzero(apart > _MOVED))
        total += int(apart.sum(dtype=np.uint64))
        if moved > _FEW * one.size or total > _STILL * one.size:
            return False
    return True
