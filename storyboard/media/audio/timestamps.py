"""Begin times of audio frames: samples are counted, and lasting deviations of the container's times corrected.

The times of single packets are not reliable. FFmpeg's times of Vorbis are late by up to half a block where a short
block follows a long one, old muxers wrote the end of a block instead of its beginning, a clock of milliseconds rounds,
and a recorder's clock jitters and drifts against its samples. So a deviation from the count is followed only if no
frame of the next second returns from it. There are two cases:

- It appears at once: samples are missing (a pause, a lost packet) or repeated. The frame begins at its time.
- It has grown slowly, or is smaller than a packet: the two clocks differ. It is corrected gradually.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from statistics import median_low
from typing import NamedTuple

from av.audio.frame import AudioFrame

# Smaller deviations are ignored: they are invisible between lips and voice (ITU-R BT.1359-1: 45 ms).
_TOLERANCE_S = Fraction(1, 100)
# Seconds, and at least frames, to read ahead to decide whether a deviation lasts.
_LOOKAHEAD_S = 1
_MIN_LOOKAHEAD_FRAMES = 4
# A shorter deviation that is no whole packet is no gap; one longer than the second constant is never a drift.
_MIN_GAP_S, _MAX_GRADUAL_S = Fraction(1, 50), Fraction(1, 10)
# The number of frames that have to agree, and of past deviations that are kept.
_MIN_AGREEING, _REMEMBERED_DEVIATIONS = 3, 64


class TimedFrame(NamedTuple):
    """A frame of sound and the second at which it begins; ``None`` where it continues the previous frame.

    With ``gradual`` the sound is moved to that second gradually, from this frame on.
    """

    frame: AudioFrame
    begins: Fraction | None = None
    gradual: bool = False


def assign_times(frames: Iterator[AudioFrame], tick: Fraction) -> Iterator[TimedFrame]:
    """Yield *frames* with their begin times; *tick* is the unit of their own times, in seconds.

    The first frame has a time, and so has the first one of another rate, format or layout. Reads a second ahead, and at
    least four frames.
    """
    due = None
    for (rate, _, _), alike in groupby(frames, _stream_format):
        line = _Timeline(rate, tick, due)
        yield from line.assign(alike)
        due = line.due


def _stream_format(frame: AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name


class _PendingFrame(NamedTuple):
    """A frame read ahead: the number of samples before it and in it, and its time."""

    frame: AudioFrame
    at: int
    samples: int
    time: int | None


class _Timeline:
    """Timeline of frames of one format.

    Times are counted in a unit of which a sample and a tick of the container are whole multiples, so that nothing is
    rounded. ``_level`` is the time of the first sample. The deviation of a frame is how much later its time is than the
    level plus the samples before it, less the usual deviation of frames of its length.
    """

    def __init__(self, rate: int, tick: Fraction, due: Fraction | None) -> None:
        self._rate = rate
        self._second = tick.denominator * rate
        self._sample, self._tick = tick.denominator, tick.numerator * rate
        # the largest error of a time by rounding alone
        self._grain = max(self._tick, self._sample)
        self._slack = max(int(_TOLERANCE_S * self._second), self._tick)
        self._gap, self._most_gradual = int(_MIN_GAP_S * self._second), int(_MAX_GRADUAL_S * self._second)
        self._due_before = None if due is None else round(due * self._second)
        self._pending: deque[_PendingFrame] = deque()
        self._read = self._done = 0
        self._longest = 1
        self._level: int | None = None
        self._usual: dict[int, int] = {}
        self._past: deque[int] = deque(maxlen=_REMEMBERED_DEVIATIONS)

    @property
    def due(self) -> Fraction:
        """The time at which the next frame is due, in seconds."""
        return self._time(self._done)

    def assign(self, frames: Iterator[AudioFrame]) -> Iterator[TimedFrame]:
        """Yield *frames* with their begin times."""
        for frame in frames:
            time = None if frame.pts is None else frame.pts * self._tick
            self._pending.append(_PendingFrame(frame, self._read, frame.samples, time))
            self._read += frame.samples
            self._longest = max(self._longest, frame.samples)
            while (
                len(self._pending) > _MIN_LOOKAHEAD_FRAMES
                and self._read - self._pending[0].at >= _LOOKAHEAD_S * self._rate
            ):
                yield self._next()
        while self._pending:
            yield self._next()

    def _next(self) -> TimedFrame:
        first = self._pending[0]
        begins, gradual = self._time_of(first)
        self._pending.popleft()
        self._done = first.at + first.samples
        return TimedFrame(first.frame, begins, gradual)

    def _time_of(self, first: _PendingFrame) -> tuple[Fraction | None, bool]:
        """Return the begin time of the first pending frame, unless it continues, and whether to reach it gradually."""
        if self._level is None:
            self._level = self._first_level(first)
            return self._time(first.at), False
        deviation = self._deviation(first)
        if deviation is None:
            return None, False
        lasting = self._lasting_deviation(first, deviation) if abs(deviation) > self._slack else None
        if lasting is None:
            self._past.append(deviation)
            return None, False
        before = median_low(self._past) if self._past else 0
        at_once = 2 * abs(lasting - before) > abs(lasting) or abs(lasting) > self._most_gradual
        self._level += lasting
        self._past.clear()
        gap = abs(lasting) >= self._gap or self._is_whole_packets(lasting)
        return self._time(first.at), not (at_once and gap)

    def _first_level(self, first: _PendingFrame) -> int:
        """Return the level of the first frame if the next two agree, else that of most frames of the first second.

        Phones stamp their first packet by another clock than the rest, and the first frame after a seek may have a
        wrong time. If the first frame deviates by more than a frame, a gap follows it.
        """
        found = [(one.samples, one.time - one.at * self._sample) for one in self._pending if one.time is not None]
        levels = [level for samples, level in found if samples == first.samples]
        levels = levels if len(levels) >= _MIN_AGREEING else [level for _, level in found]
        own = levels[0] if levels else self._due_before or 0
        level = self._consensus(levels or [own])
        if abs(own - level) > max(self._longest * self._sample, self._slack):
            level = own
        self._usual[first.samples] = 0
        due = self._due_before
        return due if due is not None and abs(level - due) <= self._slack else level

    def _deviation(self, one: _PendingFrame) -> int | None:
        if one.time is None or self._level is None:
            return None
        if one.samples not in self._usual:
            self._learn_usual(one.samples)
        return one.time - one.at * self._sample - self._level - self._usual.get(one.samples, 0)

    def _learn_usual(self, samples: int) -> None:
        """Store the usual deviation of frames of this length, if it exceeds the tolerance and is at most a frame.

        This is the case where times are those of the ends of blocks.
        """
        alike = [one for one in self._pending if one.samples == samples]
        found = [one.time - one.at * self._sample - (self._level or 0) for one in alike if one.time is not None]
        if len(found) >= _MIN_AGREEING:
            usual = self._consensus(found)
            self._usual[samples] = usual if self._slack < abs(usual) <= self._longest * self._sample else 0

    def _lasting_deviation(self, first: _PendingFrame, deviation: int) -> int | None:
        """Return the deviation shared by the next second of frames from *first* on, ``None`` if one of them returns.

        Also ``None`` if *first* alone deviates by that much, or if the sound ends too soon to decide.
        """
        packet = self._longest * self._sample
        end = (first.time or 0) + max(_LOOKAHEAD_S * self._second, _MIN_LOOKAHEAD_FRAMES * packet)
        following = [one for one in self._pending if one.time is not None and one.time <= end]
        found = [other for one in following if (other := self._deviation(one)) is not None]
        enough = len(found) >= _MIN_LOOKAHEAD_FRAMES and self._read - first.at >= _LOOKAHEAD_S * self._rate
        if not (enough or self._agree(found)) and abs(deviation) <= max(packet, self._most_gradual):
            return None
        if any(abs(other) <= self._slack or (other > 0) != (deviation > 0) for other in found):
            return None
        like = [other for other in found if abs(other - deviation) <= max(packet, self._slack)]
        if len(like) < min(_MIN_AGREEING, len(found)):
            return deviation if abs(deviation) > packet else None
        return self._consensus(like)

    def _agree(self, found: list[int]) -> bool:
        """Return whether the first values differ by rounding only."""
        return len(found) >= _MIN_AGREEING and all(
            abs(other - found[0]) <= self._grain for other in found[1:_MIN_AGREEING]
        )

    def _consensus(self, found: list[int]) -> int:
        """Return the mean of the values near the first one if the next agree with it, else near the median."""
        middle = found[0] if self._agree(found) else median_low(found)
        near = [other for other in found if abs(other - middle) <= self._grain]
        return sum(near) // len(near)

    def _is_whole_packets(self, deviation: int) -> bool:
        packet = self._longest * self._sample
        count = (abs(deviation) + packet // 2) // packet
        return count > 0 and abs(abs(deviation) - count * packet) <= self._grain

    def _time(self, at: int) -> Fraction:
        """Return the time in seconds of the sample with *at* samples before it."""
        return Fraction((self._level or 0) + at * self._sample, self._second)
