"""True peaks, and a limiter that keeps them under a ceiling.

Peaks between samples are found at four times the rate, as ITU-R BS.1770-5, annex 2, has it. The limiter sees what
comes: its gain goes down before a peak and up after it, over 10 ms each, and is exactly 1 elsewhere.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from storyboard.media.hearing import Block, Blocks, silence

_OVER, _TAPS = 4, 24
_REACH = 480
_CONTEXT = 2 * _REACH + 2 * _TAPS
# No peak between samples is more than twice as high as those samples in anything but a test signal.
_SAFE = 0.5


def _phases() -> NDArray[np.float64]:
    """Windowed sinc filters that give the values between samples."""
    taps = np.arange(_TAPS) - _TAPS / 2 + 1
    rows = []
    for phase in range(1, _OVER):
        place = taps - phase / _OVER
        rows.append(np.sinc(place) * np.cos(np.pi * place / (_TAPS + 1)) ** 2)
    return np.array(rows)


_FILTERS = _phases()


def peaks(block: Block) -> NDArray[np.float32]:
    """At each sample the highest true peak of both channels, up to the next sample."""
    high = np.abs(block).max(axis=0)
    for channel in block:
        for row in _FILTERS:
            between = np.convolve(channel, row[::-1], "full")[_TAPS // 2 : _TAPS // 2 + len(channel)]
            np.maximum(high, np.abs(between), out=high, casting="unsafe")
    return np.asarray(high, np.float32)


class PeakMeter:
    """The highest true peak of all blocks that it has seen, as a factor of full scale."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._before = silence(2 * _TAPS)

    def see(self, block: Block) -> None:
        whole = np.concatenate([self._before, block], axis=1)
        if float(np.abs(whole).max(initial=0.0)) > self.peak * _SAFE:
            # a filter at the edge of a block sees a step there, and another in the next block does not
            inside = peaks(whole)[_TAPS:-_TAPS]
            self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)), float(inside.max(initial=0.0)))
        self._before = whole[:, -2 * _TAPS :]


def limited(blocks: Callable[[], Blocks], gain: float, ceiling: float) -> Blocks:
    """*blocks* times *gain*, with no true peak above *ceiling*, both as factors."""
    before, here = silence(_CONTEXT), None
    for block in _louder(blocks(), gain):
        if here is not None:
            yield _held_down(before, here, block, ceiling)
            before = np.concatenate([before, here], axis=1)[:, -_CONTEXT:]
        here = block
    if here is not None:
        yield _held_down(before, here, silence(_CONTEXT), ceiling)


def _louder(blocks: Blocks, gain: float) -> Blocks:
    """*blocks* times *gain*, in none shorter than the context, so that one neighbour is enough."""
    held = silence(0)
    for block in blocks:
        held = np.concatenate([held, block * np.float32(gain)], axis=1)
        if held.shape[1] >= 2 * _CONTEXT:
            yield held[:, :-_CONTEXT]
            held = held[:, -_CONTEXT:]
    if held.shape[1]:
        yield held


def _held_down(before: Block, here: Block, after: Block, ceiling: float) -> Block:
    whole = np.concatenate([before, here, after[:, :_CONTEXT]], axis=1)
    whole = np.concatenate([whole, silence(_CONTEXT - min(_CONTEXT, after.shape[1]))], axis=1)
    if float(np.abs(whole).max(initial=0.0)) <= ceiling * _SAFE:
        return here
    high = peaks(whole)
    if float(high.max()) <= ceiling:
        return here
    wanted = np.minimum(1.0, ceiling / np.maximum(high, 1e-9))
    lowest = _lowest(wanted, _REACH)
    sums = np.concatenate(([0.0], np.cumsum(lowest)))
    width = 2 * _REACH + 1
    smooth = (sums[width:] - sums[:-width]) / width
    gain = np.minimum(smooth[_CONTEXT - _REACH : _CONTEXT - _REACH + here.shape[1]], 1.0)
    return here * gain.astype(np.float32)


def _lowest(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """The lowest value within *reach* on both sides, by doubling the width of what has been compared."""
    width = 2 * reach + 1
    padded = np.concatenate([np.ones(reach), values, np.ones(reach)])
    done = 1
    while done * 2 <= width:
        padded = np.minimum(padded[:-done], padded[done:])
        done *= 2
    rest = width - done
    return np.minimum(padded[: len(padded) - rest], padded[rest:]) if rest else padded
