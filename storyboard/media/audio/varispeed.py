"""Sound that is brought to another time without a hole: played a little faster or slower until it is there.

Most of the time blocks go through as they are. A shift of 10 ms takes 5 s, at a pitch that is 0.2 % off (3.5 cents;
listeners notice some 5 cents of a steady tone).
"""

import numpy as np
from numpy.typing import NDArray

# Stereo samples, as in ``hearing``: float32 of shape (2, n).
Samples = NDArray[np.float32]

# Samples that are played for each that is put in or left out, and the most that a shift may take.
_PER_SAMPLE, _LONGEST = 500, 480_000
# How many samples on each side a value between two of them is made of.
_REACH = 16
_TAPS = np.arange(1 - _REACH, 1 + _REACH)
_AT_ONCE = 4096


class Varispeed:
    """Takes blocks one after another and gives them back, shifted as asked."""

    def __init__(self) -> None:
        # what has come and is still needed; the first samples of it have been played
        self._there = np.zeros((2, _REACH), np.float32)
        self._asked = 0
        self._shift: _Shift | None = None

    def shift(self, samples: int) -> None:
        """From here on let the sound come so many samples later, or earlier if negative, gradually."""
        self._asked += samples

    def feed(self, block: Samples) -> Samples:
        """The samples that can be played once *block* is there."""
        if self._shift is None and not self._asked:
            enough = block.shape[1] >= _REACH
            self._there = (block if enough else np.concatenate([self._there, block], axis=1))[:, -_REACH:]
            return block
        self._there = np.concatenate([self._there, block], axis=1)
        return self._played(self._there.shape[1])

    def rest(self) -> Samples:
        """The samples that are left at the end."""
        end = self._there.shape[1]
        if self._shift is None:
            return self._there[:, end:]
        self._there = np.pad(self._there, ((0, 0), (0, _REACH)))
        return self._played(end)

    def _played(self, end: int) -> Samples:
        """Everything before place *end*, as far as what comes behind it is there."""
        parts = []
        while self._shift is not None or self._asked:
            if self._shift is None:
                self._shift, self._asked = _Shift(self._asked), 0
            part, used = self._shift.play(self._there)
            parts.append(part)
            self._there = self._there[:, used:]
            end -= used
            if not self._shift.done:
                return np.concatenate(parts, axis=1)
            self._shift = None
        parts.append(self._there[:, _REACH:end])
        self._there = self._there[:, end - _REACH : end]
        return np.concatenate(parts, axis=1)


class _Shift:
    """A stretch of sound that is played as so many samples more, or fewer."""

    def __init__(self, samples: int) -> None:
        self._from = min(abs(samples) * _PER_SAMPLE, _LONGEST)
        self._to = self._from + samples
        self._played = self._used = 0

    @property
    def done(self) -> bool:
        return self._played == self._to

    def play(self, there: Samples) -> tuple[Samples, int]:
        """The part of *there* that can be played, and how many of its samples are not needed any more.

        The first samples of *there* lie before what is played.
        """
        known = self._used + there.shape[1] - 2 * _REACH
        last = max(self._played, min(self._to, -(-known * self._to // self._from)))
        parts = [there[:, :0]]
        for first in range(self._played, last, _AT_ONCE):
            places = np.arange(first, min(first + _AT_ONCE, last)) * self._from
            whole, rest = places // self._to, places % self._to / self._to
            parts.append(_between(there, whole - self._used + _REACH, rest))
        self._played = last
        before, self._used = self._used, self._from if self.done else last * self._from // self._to
        return np.concatenate(parts, axis=1), self._used - before


def _between(there: Samples, whole: NDArray[np.int64], rest: NDArray[np.float64]) -> Samples:
    """The values *rest* of a sample behind the places *whole*, by windowed sinc filters."""
    away = _TAPS - rest[:, None]
    weights = np.sinc(away) * np.cos(np.pi * away / (2 * _REACH + 1)) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("cnt,nt->cn", there[:, whole[:, None] + _TAPS], weights), np.float32)
