"""Varispeed: shift sound in time without a gap, by playing it slightly faster or slower.

Blocks normally pass unchanged. A shift of 10 ms takes 5 s, at a pitch that is 0.2 % off (3.5 cents; listeners notice
about 5 cents of a steady tone).
"""

import numpy as np
from numpy.typing import NDArray

# Stereo samples, as in ``source``: float32 of shape (2, n).
Samples = NDArray[np.float32]

# The number of samples played for each inserted or omitted one, and the most that one shift may take.
_SAMPLES_PER_SHIFT, _MAX_SHIFT_SAMPLES = 500, 480_000
# The number of samples on each side from which a value between two samples is computed.
_REACH = 16
_TAPS = np.arange(1 - _REACH, 1 + _REACH)
_CHUNK_SAMPLES = 4096


class Varispeed:
    """Stream filter: takes blocks in sequence and returns them, shifted as requested."""

    def __init__(self) -> None:
        # samples received and still needed; the first _REACH of them have been played
        self._buffer = np.zeros((2, _REACH), np.float32)
        self._requested = 0
        self._shift: _Shift | None = None

    def shift(self, samples: int) -> None:
        """Delay the following sound by *samples*, or advance it if negative, gradually."""
        self._requested += samples

    def feed(self, block: Samples) -> Samples:
        """Return the samples that can be played once *block* has arrived."""
        if self._shift is None and not self._requested:
            enough = block.shape[1] >= _REACH
            self._buffer = (block if enough else np.concatenate([self._buffer, block], axis=1))[:, -_REACH:]
            return block
        self._buffer = np.concatenate([self._buffer, block], axis=1)
        return self._play(self._buffer.shape[1])

    def flush(self) -> Samples:
        """Return the remaining samples at the end."""
        end = self._buffer.shape[1]
        if self._shift is None:
            return self._buffer[:, end:]
        self._buffer = np.pad(self._buffer, ((0, 0), (0, _REACH)))
        return self._play(end)

    def _play(self, end: int) -> Samples:
        """Return everything before place *end* for which enough of the following samples has arrived."""
        parts = []
        while self._shift is not None or self._requested:
            if self._shift is None:
                self._shift, self._requested = _Shift(self._requested), 0
            part, used = self._shift.play(self._buffer)
            parts.append(part)
            self._buffer = self._buffer[:, used:]
            end -= used
            if not self._shift.done:
                return np.concatenate(parts, axis=1)
            self._shift = None
        parts.append(self._buffer[:, _REACH:end])
        self._buffer = self._buffer[:, end - _REACH : end]
        return np.concatenate(parts, axis=1)


class _Shift:
    """A stretch of sound that is played as *samples* samples more, or fewer."""

    def __init__(self, samples: int) -> None:
        self._input_length = min(abs(samples) * _SAMPLES_PER_SHIFT, _MAX_SHIFT_SAMPLES)
        self._output_length = self._input_length + samples
        self._position = self._used = 0

    @property
    def done(self) -> bool:
        return self._position == self._output_length

    def play(self, buffer: Samples) -> tuple[Samples, int]:
        """Return the playable part of *buffer*, and how many of its samples are no longer needed.

        The first samples of *buffer* lie before the playable part.
        """
        known = self._used + buffer.shape[1] - 2 * _REACH
        last = max(self._position, min(self._output_length, -(-known * self._output_length // self._input_length)))
        parts = [buffer[:, :0]]
        for first in range(self._position, last, _CHUNK_SAMPLES):
            places = np.arange(first, min(first + _CHUNK_SAMPLES, last)) * self._input_length
            whole, rest = places // self._output_length, places % self._output_length / self._output_length
            parts.append(_interpolate(buffer, whole - self._used + _REACH, rest))
        self._position = last
        before, self._used = (
            self._used,
            self._input_length if self.done else last * self._input_length // self._output_length,
        )
        return np.concatenate(parts, axis=1), self._used - before


def _interpolate(buffer: Samples, whole: NDArray[np.int64], rest: NDArray[np.float64]) -> Samples:
    """Return the values *rest* of a sample after the places *whole*, by windowed sinc filters."""
    away = _TAPS - rest[:, None]
    weights = np.sinc(away) * np.cos(np.pi * away / (2 * _REACH + 1)) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("cnt,nt->cn", buffer[:, whole[:, None] + _TAPS], weights), np.float32)
