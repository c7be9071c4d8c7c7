"""Dynamics of a film's sound: true peaks, a limiter, ducking and loudness.

Peaks between samples are computed at four times the sample rate, as in ITU-R BS.1770-5, annex 2. The limiter looks
ahead: its gain falls before a peak and rises after it, over 10 ms each, and is exactly 1 elsewhere. Ducking attenuates
tracks while takes are audible. The whole film is available, so that the attenuation is complete when the sound begins,
which a causal compressor cannot do; it moves in steps of 10 ms, linearly in decibels. Integrated loudness follows EBU
R128, measured by FFmpeg's ``ebur128``.
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

_OVERSAMPLING, _TAPS = 4, 24
_RAMP_SAMPLES = 480
_CONTEXT = 2 * _RAMP_SAMPLES + 2 * _TAPS
# Outside of test signals, no peak between samples is more than twice as high as the samples.
_INTER_SAMPLE_MARGIN = 0.5
_STEP_SAMPLES = RATE // 100
# Root mean square of 10 ms above which a take counts as audible: -40 dBFS.
_AUDIBLE_RMS = 0.01
# In steps: the length of the fades, and the hold after the last audible step.
_FADE_STEPS, _HOLD_STEPS = 30, 80
# LUFS: the absolute gate of EBU R128; quieter sound counts as silence.
SILENT = -70.0


def true_peaks(block: Block) -> NDArray[np.float32]:
    """Return the highest true peak of both channels from each sample to the next."""
    high = np.abs(block).max(axis=0)
    for channel in block:
        for row in _FILTERS:
            between = np.convolve(channel, row[::-1], "full")[_TAPS // 2 : _TAPS // 2 + len(channel)]
            np.maximum(high, np.abs(between), out=high, casting="unsafe")
    return np.asarray(high, np.float32)


class PeakMeter:
    """Highest true peak of all added blocks, as a factor of full scale."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._before = silence(2 * _TAPS)

    def add(self, block: Block) -> None:
        """Add the next block."""
        padded = np.concatenate([self._before, block], axis=1)
        if float(np.abs(padded).max(initial=0.0)) > self.peak * _INTER_SAMPLE_MARGIN:
            # leave out the edges, where the filter sees a step that is not in the signal
            inside = true_peaks(padded)[_TAPS:-_TAPS]
            self.peak = max(self.peak, float(np.abs(block).max(initial=0.0)), float(inside.max(initial=0.0)))
        self._before = padded[:, -2 * _TAPS :]


def limit(blocks: Callable[[], Blocks], gain: float, ceiling: float) -> Blocks:
    """Yield *blocks* times *gain* with no true peak above *ceiling*; both are factors."""
    before, here = silence(_CONTEXT), None
    for block in _amplify(blocks(), gain):
        if here is not None:
            yield _limit_block(before, here, block, ceiling)
            before = np.concatenate([before, here], axis=1)[:, -_CONTEXT:]
        here = block
    if here is not None:
        yield _limit_block(before, here, silence(_CONTEXT), ceiling)


class Ducker:
    """Attenuation of tracks under takes, computed block by block."""

    def __init__(self) -> None:
        self._past = np.zeros(_FADE_STEPS + _HOLD_STEPS + 1, bool)
        self._last = 0.0

    def attenuation(self, here: Block, following: Block) -> NDArray[np.float32]:
        """Return the attenuation of tracks at each sample of *here*, from 0 to 1; *following* is the next block."""
        now, then = _audible_steps(here), _audible_steps(following)[: _FADE_STEPS + 1]
        ahead = np.concatenate([then, np.zeros(_FADE_STEPS + 1 - len(then), bool)])
        activity = np.concatenate([self._past, now, ahead])
        near = _near_audible(activity)
        sums = np.concatenate(([0], np.cumsum(near)))
        mean = (sums[_FADE_STEPS:] - sums[:-_FADE_STEPS]) / _FADE_STEPS
        # mean[i] is over the _WAY steps up to known[i + _WAY - 1]
        first = len(self._past) - _FADE_STEPS + 1
        steps = np.concatenate(([self._last], mean[first : first + len(now)]))
        self._past = activity[: len(self._past) + len(now)][-len(self._past) :]
        self._last = float(steps[-1])
        places = np.arange(1, here.shape[1] + 1) / _STEP_SAMPLES
        return np.interp(places, np.arange(len(steps)), steps).astype(np.float32)


class Loudness(Struct, frozen=True):
    """Integrated loudness in LUFS, ``None`` for silence, and highest true peak in dBTP, ``-inf`` for silence."""

    integrated: float | None
    peak: float


def measure_loudness(blocks: Blocks) -> Loudness:
    """Measure the loudness of all *blocks*."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    peak, at, reading = PeakMeter(), 0, ""
    for block in blocks:
        peak.add(block)
        graph.push(audio_frame(block, at))
        at += block.shape[1]
        reading = _latest_reading(graph) or reading
    graph.push(None)
    integrated = float(_latest_reading(graph) or reading or SILENT)
    return Loudness(integrated if integrated > SILENT and math.isfinite(integrated) else None, to_decibels(peak.peak))


def audio_frame(block: Block, at: int) -> AudioFrame:
    """Return *block* as an FFmpeg frame that begins at sample *at*."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), at
    return frame


def to_decibels(factor: float) -> float:
    """Return a factor in decibels, ``-inf`` for 0."""
    return 20 * math.log10(factor) if factor > 0 else -math.inf


def from_decibels(decibels: float) -> float:
    """Return decibels as a factor."""
    return float(10 ** (decibels / 20))


def _interpolation_filters() -> NDArray[np.float64]:
    """Return windowed sinc filters that compute values between samples."""
    taps = np.arange(_TAPS) - _TAPS / 2 + 1
    rows = []
    for phase in range(1, _OVERSAMPLING):
        place = taps - phase / _OVERSAMPLING
        rows.append(np.sinc(place) * np.cos(np.pi * place / (_TAPS + 1)) ** 2)
    return np.array(rows)


_FILTERS = _interpolation_filters()


def _amplify(blocks: Blocks, gain: float) -> Blocks:
    """Yield *blocks* times *gain*, each at least as long as the context, so that one neighbour suffices."""
    buffered = silence(0)
    for block in blocks:
        buffered = np.concatenate([buffered, block * np.float32(gain)], axis=1)
        if buffered.shape[1] >= 2 * _CONTEXT:
            yield buffered[:, :-_CONTEXT]
            buffered = buffered[:, -_CONTEXT:]
    if buffered.shape[1]:
        yield buffered


def _limit_block(before: Block, here: Block, after: Block, ceiling: float) -> Block:
    """Return *here* with its peaks at or below *ceiling*, given its neighbours."""
    padded = np.concatenate([before, here, after[:, :_CONTEXT]], axis=1)
    padded = np.concatenate([padded, silence(_CONTEXT - min(_CONTEXT, after.shape[1]))], axis=1)
    if float(np.abs(padded).max(initial=0.0)) <= ceiling * _INTER_SAMPLE_MARGIN:
        return here
    high = true_peaks(padded)
    if float(high.max()) <= ceiling:
        return here
    wanted = np.minimum(1.0, ceiling / np.maximum(high, 1e-9))
    lowest = _sliding_minimum(wanted, _RAMP_SAMPLES)
    sums = np.concatenate(([0.0], np.cumsum(lowest)))
    width = 2 * _RAMP_SAMPLES + 1
    smooth = (sums[width:] - sums[:-width]) / width
    gain = np.minimum(smooth[_CONTEXT - _RAMP_SAMPLES : _CONTEXT - _RAMP_SAMPLES + here.shape[1]], 1.0)
    return here * gain.astype(np.float32)


def _sliding_minimum(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return the lowest value within *reach* on both sides, by doubling the compared width."""
    width = 2 * reach + 1
    padded = np.concatenate([np.ones(reach), values, np.ones(reach)])
    done = 1
    while done * 2 <= width:
        padded = np.minimum(padded[:-done], padded[done:])
        done *= 2
    rest = width - done
    return np.minimum(padded[: len(padded) - rest], padded[rest:]) if rest else padded


def _audible_steps(block: Block) -> NDArray[np.bool_]:
    """Return for each step whether its power exceeds the threshold."""
    count = -(-block.shape[1] // _STEP_SAMPLES)
    padded = np.zeros((2, count * _STEP_SAMPLES), np.float32)
    padded[:, : block.shape[1]] = block
    power = np.mean(padded.reshape(2, count, _STEP_SAMPLES) ** 2, axis=2).max(axis=0)
    return np.asarray(power > _AUDIBLE_RMS**2)


def _near_audible(audible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each step whether an audible step follows soon or preceded lately; both ends count as silent."""
    sums = np.concatenate(([0], np.cumsum(audible)))
    steps = np.arange(len(audible))
    until = np.minimum(steps + _FADE_STEPS + 1, len(audible))
    since = np.maximum(steps - _HOLD_STEPS, 0)
    return (sums[until] > sums[since]).astype(np.int64)


def _latest_reading(graph: Graph) -> str:
    """Return the latest reading of the meter, empty if there is none."""
    reading = ""
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError, FFmpegError):
            return reading
        reading = frame.metadata.get("lavfi.r128.I", reading)
