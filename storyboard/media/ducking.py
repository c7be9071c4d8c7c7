"""How far tracks give way to the takes: all the way before a take is heard, and back when it has been silent a while.

The whole film lies ready, so that the way down is over when the sound begins, which no compressor that listens to the
moment can do. It goes by steps of 10 ms, smoothly in decibels.
"""

import numpy as np
from numpy.typing import NDArray

from storyboard.core.sound import RATE
from storyboard.media.hearing import Block

_STEP = RATE // 100
# Root mean square of 10 ms above which a take is heard: -40 dBFS.
_HEARD = 0.01
# In steps: the way down and up, and how long it stays down after the last sound.
_WAY, _STAYS = 30, 80


class Ducker:
    """Follows the takes block by block."""

    def __init__(self) -> None:
        self._past = np.zeros(_WAY + _STAYS + 1, bool)
        self._last = 0.0

    def next(self, here: Block, following: Block) -> NDArray[np.float32]:
        """How far the tracks give way at each sample of *here*, from 0 to 1; *following* is what comes next."""
        now, then = _heard(here), _heard(following)[: _WAY + 1]
        ahead = np.concatenate([then, np.zeros(_WAY + 1 - len(then), bool)])
        known = np.concatenate([self._past, now, ahead])
        down = _near(known)
        sums = np.concatenate(([0], np.cumsum(down)))
        mean = (sums[_WAY:] - sums[:-_WAY]) / _WAY
        # mean[i] is over the _WAY steps up to known[i + _WAY - 1]
        first = len(self._past) - _WAY + 1
        steps = np.concatenate(([self._last], mean[first : first + len(now)]))
        self._past = known[: len(self._past) + len(now)][-len(self._past) :]
        self._last = float(steps[-1])
        places = np.arange(1, here.shape[1] + 1) / _STEP
        return np.interp(places, np.arange(len(steps)), steps).astype(np.float32)


def _heard(block: Block) -> NDArray[np.bool_]:
    """Whether anything is heard in each step."""
    count = -(-block.shape[1] // _STEP)
    padded = np.zeros((2, count * _STEP), np.float32)
    padded[:, : block.shape[1]] = block
    power = np.mean(padded.reshape(2, count, _STEP) ** 2, axis=2).max(axis=0)
    return np.asarray(power > _HEARD**2)


def _near(heard: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each step whether something is heard soon, or was lately; the ends are taken for silent."""
    sums = np.concatenate(([0], np.cumsum(heard)))
    steps = np.arange(len(heard))
    until = np.minimum(steps + _WAY + 1, len(heard))
    since = np.maximum(steps - _STAYS, 0)
    return (sums[until] > sums[since]).astype(np.int64)
