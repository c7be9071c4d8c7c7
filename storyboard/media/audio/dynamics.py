"""True peaks, and a limiter that keeps them under a ceiling.

Peaks between samples are found at four times the rate, as ITU-R BS.1770-5, annex 2, has it. The limiter sees what
comes: its gain goes down before a peak and up after it, over 10 ms each, and is exactly 1 elsewhere.

How far tracks give way to the takes: all the way before a take is heard, and back when it has been silent a while.

The whole film lies ready, so that the way down is over when the sound begins, which no compressor that listens to the
moment can do. It goes by steps of 10 ms, smoothly in decibels.

How loud a sound is: integrated loudness by EBU R128, measured by FFmpeg's ``ebur128``, and its true peak.
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.filter import Graph
from msgspec import Struct
from numpy.typing import NDArray

from storyboard.core.audio import RATE
from storyboard.media.audio.source import Block, Blocks, silence

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


# What is not louder than this counts as silence (EBU R128's absolute gate).
SILENT = -70.0


class Loudness(Struct, frozen=True):
    """Integrated loudness in LUFS, ``None`` for silence, and the highest true peak in dBTP (``-inf`` for silence)."""

    integrated: float | None
    peak: float


def frame_of(block: Block, at: int) -> AudioFrame:
    """*block* for FFmpeg, beginning at sample *at*."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), at
    return frame


def loudness(blocks: Blocks) -> Loudness:
    """Hear *blocks* to the end."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    peak, at, said = PeakMeter(), 0, ""
    for block in blocks:
        peak.see(block)
        graph.push(frame_of(block, at))
        at += block.shape[1]
        said = _told(graph) or said
    graph.push(None)
    integrated = float(_told(graph) or said or SILENT)
    return Loudness(integrated if integrated > SILENT and math.isfinite(integrated) else None, decibels(peak.peak))


def _told(graph: Graph) -> str:
    """The newest reading; empty if there is none."""
    said = ""
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError, FFmpegError):
            return said
        said = frame.metadata.get("lavfi.r128.I", said)


def decibels(factor: float) -> float:
    """A factor in decibels; ``-inf`` for 0."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf


def factor(decibels: float) -> float:
    """Decibels as a factor."""
    return float(10 ** (decibels / 20))
