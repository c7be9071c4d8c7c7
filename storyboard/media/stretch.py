"""Sound at another speed and the same pitch, in step with the picture.

WSOLA (Verhelst and Roelands, ICASSP 1993): short windows of the source, each taken from where the picture is at that
moment, or a few milliseconds beside it where it goes on best with the one before. FFmpeg's ``atempo`` finds its place
relative to the last window, so that its sound strays from the picture by tens of milliseconds.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from storyboard.media.hearing import Block, Blocks, Pull, silence

# In samples: half a window, and how far beside its place one may be taken.
_HALF = 512
_BESIDE = 256
_CALM = 1e-9


def stretched(blocks: Blocks, speed: Fraction) -> Blocks:
    """*blocks* played *speed* times as fast; goes on, silent, after their end."""
    source = _Window(blocks)
    fade = (0.5 - 0.5 * np.cos(np.pi * (np.arange(_HALF, dtype=np.float32) + 0.5) / _HALF)).astype(np.float32)
    before = source.between(0, _HALF)
    going_on = 0
    number = 0
    while True:
        number += 1
        place = int(number * _HALF * speed)
        centre = place + _nearest(source, going_on, place)
        part = source.between(centre - _HALF, centre + _HALF)
        yield before * fade[::-1] + part[:, :_HALF] * fade
        before = part[:, _HALF:]
        going_on = centre
        source.forget(min(int((number + 1) * _HALF * speed) - _HALF - _BESIDE, going_on))


def _nearest(source: "_Window", going_on: int, place: int) -> int:
    """How far beside *place* the source goes on most like it does at *going_on*."""
    wanted = source.mono(going_on, going_on + _HALF)
    if float(wanted @ wanted) < _CALM:
        return 0
    field = source.mono(place - _HALF - _BESIDE, place + _BESIDE)
    likeness = np.correlate(field, wanted, "valid")
    power = np.concatenate(([0.0], np.cumsum(field.astype(np.float64) ** 2)))
    energy = power[_HALF:] - power[:-_HALF]
    score = likeness / np.sqrt(energy + _CALM)
    return int(np.argmax(score)) - _BESIDE


class _Window:
    """The part of the source that is still needed, by its place in the source; silent before its beginning."""

    def __init__(self, blocks: Blocks) -> None:
        self._pull = Pull(blocks)
        self._first = 0
        self._there: Block = silence(0)

    def between(self, first: int, end: int) -> Block:
        missing = end - self._first - self._there.shape[1]
        if missing > 0:
            self._there = np.concatenate([self._there, self._pull.take(max(missing, 1 << 14))], axis=1)
        lead = max(0, self._first - first)
        inside = self._there[:, max(0, first - self._first) : end - self._first]
        return np.concatenate([silence(min(lead, end - first)), inside], axis=1) if lead else inside

    def mono(self, first: int, end: int) -> NDArray[np.float32]:
        both = self.between(first, end)
        return np.asarray(both[0] + both[1], np.float32)

    def forget(self, before: int) -> None:
        """Nothing before that place is asked for again."""
        drop = before - self._first
        if drop > 1 << 15:
            self._there = self._there[:, drop:].copy()
            self._first = before
