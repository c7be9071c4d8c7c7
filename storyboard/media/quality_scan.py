"""Quality scan of a clip during its decode: black stretches, and frozen stretches.

Examines the luma of every eighth row. The thresholds are those of FFmpeg's ``blackdetect`` (98 of 100 pixels below a
tenth of full brightness) and ``freezedetect`` (a mean difference of at most a thousandth from the first frame).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

Luma = npt.NDArray[np.uint8]
_ROW_STEP = 8
_BAND_ROWS = 8  # examined rows in one band
_DARK, _DARK_SHARE = 0.1, 0.98
_MAX_MEAN_CHANGE = 0.001 * 255
# The levels by which a pixel counts as changed, and the share of pixels that may change in a frozen stretch.
_CHANGED_LEVELS, _MAX_CHANGED_SHARE = 10, 0.0005
_BLACK_S, _FROZEN_S = 1.0, 2.0
TimeRanges = tuple[tuple[float, float], ...]


class QualityScan:
    """Scan of the frames of one clip, added in display order."""

    def __init__(self) -> None:
        self._black: list[int] = []
        self._run_starts: list[int] = []
        self._reference: Luma | None = None

    def add(self, frame: VideoFrame) -> None:
        """Add the next frame."""
        luma, number = _luma(frame), len(self._run_starts)
        self._black.append(int(_is_black(luma, full=_is_full_range(frame))))
        if self._reference is not None and _is_unchanged(self._reference, luma):
            self._run_starts.append(self._run_starts[-1])
        else:
            self._reference = luma
            self._run_starts.append(number)

    def black_ranges(self, times: Sequence[float]) -> TimeRanges:
        """Return the black stretches in seconds; *times* holds the time of each frame, and the end."""
        return tuple(span for value, span in _long_runs(self._black, times, _BLACK_S) if value)

    def frozen_ranges(self, times: Sequence[float]) -> TimeRanges:
        """Return the stretches that show their first frame throughout and are not black."""
        return tuple(span for first, span in _long_runs(self._run_starts, times, _FROZEN_S) if not self._black[first])


def _long_runs(
    values: Sequence[int], times: Sequence[float], least: float
) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield the runs of equal values that last at least *least* seconds."""
    at = 0
    for value, run in groupby(values):
        first, at = at, at + len(list(run))
        if times[at] - times[first] >= least:
            yield value, (round(times[first], 3), round(times[at], 3))


def _luma(frame: VideoFrame) -> Luma:
    """Return every eighth row of the luma, in 8 bits."""
    bits = frame.format.components[0].bits
    if not frame.format.is_planar or frame.format.is_rgb or bits > 16:
        frame, bits = frame.reformat(format="gray"), 8
    plane = frame.planes[0]
    wide = bits > 8
    stored: npt.NDArray[Any] = np.frombuffer(memoryview(plane), np.uint16 if wide else np.uint8)
    luma = stored.reshape(frame.height, -1)[::_ROW_STEP, : frame.width]
    return np.asarray(luma >> (bits - 8) if wide else luma, np.uint8).copy()


def _is_black(luma: Luma, *, full: bool) -> bool:
    limit = np.uint8(255 * _DARK if full else 16 + 219 * _DARK)
    bright, wanted = 0, _DARK_SHARE * luma.size
    for band in _bands(luma):
        bright += int(np.count_nonzero(band > limit))
        if luma.size - bright < wanted:
            return False
    return True


def _bands(luma: Luma) -> Iterator[Luma]:
    """Yield a few rows at a time, so that a negative answer needs no further rows."""
    for first in range(0, len(luma), _BAND_ROWS):
        yield luma[first : first + _BAND_ROWS]


def _is_full_range(frame: VideoFrame) -> bool:
    named = frame.format.name.startswith("yuvj") or frame.format.is_rgb
    return named or not frame.format.is_planar or frame.color_range == ColorRange.JPEG


def _is_unchanged(one: Luma, other: Luma) -> bool:
    """Return whether nothing moved between two frames, not even a small object."""
    if one.shape != other.shape:
        return False
    moved = total = 0
    for before, now in zip(_bands(one), _bands(other), strict=True):
        apart = np.maximum(before, now)
        apart -= np.minimum(before, now)
        moved += int(np.count_nonzero(apart > _CHANGED_LEVELS))
        total += int(apart.sum(dtype=np.uint64))
        if moved > _MAX_CHANGED_SHARE * one.size or total > _MAX_MEAN_CHANGE * one.size:
            return False
    return True
