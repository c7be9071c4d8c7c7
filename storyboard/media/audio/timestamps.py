"""When each frame of a sound begins: by the count of the samples before it, corrected by what lasts in the container.

The times of single packets are not reliable. FFmpeg's times of Vorbis are late by up to half a block where a short
block follows a long one, old muxers wrote the end of a block instead of its beginning, a clock of milliseconds rounds,
and a recorder's clock has jitter and drifts against its samples. So a deviation from the count is followed only if none
of the frames of the next second comes back from it. There are two cases:

- It appears at once: samples are missing (a pause, a lost packet) or come twice. The frame begins at its time.
- It has grown slowly, or is smaller than what a packet holds: the two clocks differ. It is corrected gradually.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from statistics import median_low
from typing import NamedTuple

from av.audio.frame import AudioFrame

# In seconds. A smaller deviation is left as it is: nobody sees it between lips and voice (ITU-R BT.1359-1: 45 ms).
_SLACK = Fraction(1, 100)
# In seconds: how far to look whether a deviation lasts; and in how many frames at least.
_AHEAD = 1
_FEWEST = 4
# In seconds: what is shorter and not a whole packet is no gap, and what is longer than the second is never a drift.
_GAP, _MOST_GRADUAL = Fraction(1, 50), Fraction(1, 10)
# How many frames have to agree, and how many past deviations are remembered.
_ALIKE, _PAST = 3, 64


class TimedFrame(NamedTuple):
    """A frame of sound, and the second at which it begins; ``None`` where it goes on after the one before.

    With ``gradual`` the sound is brought to that second gradually, from this frame on.
    """

    frame: AudioFrame
    begins: Fraction | None = None
    gradual: bool = False


def timed(frames: Iterator[AudioFrame], tick: Fraction) -> Iterator[TimedFrame]:
    """*frames* with their times; *tick* is the unit of their own times, in seconds.

    The first frame has a time, and so has the first of another rate, format or layout. Reads a second ahead, and at
    least some frames.
    """
    due = None
    for (rate, _, _), alike in groupby(frames, _kind):
        line = _Line(rate, tick, due)
        yield from line.follow(alike)
        due = line.due


def _kind(frame: AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name


class _Held(NamedTuple):
    """A frame that has been read ahead: how many samples lie before it, how many are in it, and its time."""

    frame: AudioFrame
    at: int
    samples: int
    time: int | None


class _Line:
    """The time line of frames of one kind.

    Times are counted in a unit of which a sample and a tick of the container are both whole multiples, so that nothing
    is rounded. ``_level`` is the time of the first sample. The deviation of a frame is how much later its time is than
    the level and the samples before it say, less what is usual for frames of its length.
    """

    def __init__(self, rate: int, tick: Fraction, due: Fraction | None) -> None:
        self._rate = rate
        self._second = tick.denominator * rate
        self._sample, self._tick = tick.denominator, tick.numerator * rate
        # what rounding alone may make of a time
        self._grain = max(self._tick, self._sample)
        self._slack = max(int(_SLACK * self._second), self._tick)
        self._gap, self._most_gradual = int(_GAP * self._second), int(_MOST_GRADUAL * self._second)
        self._due_before = None if due is None else round(due * self._second)
        self._held: deque[_Held] = deque()
        self._read = self._done = 0
        self._longest = 1
        self._level: int | None = None
        self._usual: dict[int, int] = {}
        self._past: deque[int] = deque(maxlen=_PAST)

    @property
    def due(self) -> Fraction:
        """When the next frame is due, in seconds."""
        return self._time(self._done)

    def follow(self, frames: Iterator[AudioFrame]) -> Iterator[TimedFrame]:
        """*frames* with their times."""
        for frame in frames:
            time = None if frame.pts is None else frame.pts * self._tick
            self._held.append(_Held(frame, self._read, frame.samples, time))
            self._read += frame.samples
            self._longest = max(self._longest, frame.samples)
            while len(self._held) > _FEWEST and self._read - self._held[0].at >= _AHEAD * self._rate:
                yield self._next()
        while self._held:
            yield self._next()

    def _next(self) -> TimedFrame:
        first = self._held[0]
        begins, gradual = self._judged(first)
        self._held.popleft()
        self._done = first.at + first.samples
        return TimedFrame(first.frame, begins, gradual)

    def _judged(self, first: _Held) -> tuple[Fraction | None, bool]:
        """When the first frame held begins, unless it goes on, and whether that is reached gradually."""
        if self._level is None:
            self._level = self._first_level(first)
            return self._time(first.at), False
        deviation = self._deviation(first)
        if deviation is None:
            return None, False
        lasting = self._lasting(first, deviation) if abs(deviation) > self._slack else None
        if lasting is None:
            self._past.append(deviation)
            return None, False
        before = median_low(self._past) if self._past else 0
        at_once = 2 * abs(lasting - before) > abs(lasting) or abs(lasting) > self._most_gradual
        self._level += lasting
        self._past.clear()
        gap = abs(lasting) >= self._gap or self._is_whole_packets(lasting)
        return self._time(first.at), not (at_once and gap)

    def _first_level(self, first: _Held) -> int:
        """The level of the first frame, if the next two agree with it; else that of most frames of the first second.

        Phones stamp their first packet by another clock than the rest, and the first frame after a seek may be one
        whose time is wrong. If the first frame deviates by more than a frame, that is a gap behind it.
        """
        found = [(one.samples, one.time - one.at * self._sample) for one in self._held if one.time is not None]
        levels = [level for samples, level in found if samples == first.samples]
        levels = levels if len(levels) >= _ALIKE else [level for _, level in found]
        own = levels[0] if levels else self._due_before or 0
        level = self._common(levels or [own])
        if abs(own - level) > max(self._longest * self._sample, self._slack):
            level = own
        self._usual[first.samples] = 0
        due = self._due_before
        return due if due is not None and abs(level - due) <= self._slack else level

    def _deviation(self, one: _Held) -> int | None:
        if one.time is None or self._level is None:
            return None
        if one.samples not in self._usual:
            self._learn(one.samples)
        return one.time - one.at * self._sample - self._level - self._usual.get(one.samples, 0)

    def _learn(self, samples: int) -> None:
        """Note the usual deviation of frames of this length, if it is more than the slack and at most a frame.

        That is the case where times are those of the ends of blocks.
        """
        alike = [one for one in self._held if one.samples == samples]
        found = [one.time - one.at * self._sample - (self._level or 0) for one in alike if one.time is not None]
        if len(found) >= _ALIKE:
            usual = self._common(found)
            self._usual[samples] = usual if self._slack < abs(usual) <= self._longest * self._sample else 0

    def _lasting(self, first: _Held, deviation: int) -> int | None:
        """The deviation of all frames of the next second, *first* included; ``None`` if one of them comes back.

        Also ``None`` if *first* alone deviates so, or if the sound ends too soon to tell.
        """
        packet = self._longest * self._sample
        end = (first.time or 0) + max(_AHEAD * self._second, _FEWEST * packet)
        following = [one for one in self._held if one.time is not None and one.time <= end]
        found = [other for one in following if (other := self._deviation(one)) is not None]
        enough = len(found) >= _FEWEST and self._read - first.at >= _AHEAD * self._rate
        if not (enough or self._agreed(found)) and abs(deviation) <= max(packet, self._most_gradual):
            return None
        if any(abs(other) <= self._slack or (other > 0) != (deviation > 0) for other in found):
            return None
        like = [other for other in found if abs(other - deviation) <= max(packet, self._slack)]
        if len(like) < min(_ALIKE, len(found)):
            return deviation if abs(deviation) > packet else None
        return self._common(like)

    def _agreed(self, found: list[int]) -> bool:
        """Return whether the first of them differ by rounding only."""
        return len(found) >= _ALIKE and all(abs(other - found[0]) <= self._grain for other in found[1:_ALIKE])

    def _common(self, found: list[int]) -> int:
        """The first of them if the next agree with it, else the one in the middle: the mean over what is near it."""
        middle = found[0] if self._agreed(found) else median_low(found)
        near = [other for other in found if abs(other - middle) <= self._grain]
        return sum(near) // len(near)

    def _is_whole_packets(self, deviation: int) -> bool:
        packet = self._longest * self._sample
        count = (abs(deviation) + packet // 2) // packet
        return count > 0 and abs(abs(deviation) - count * packet) <= self._grain

    def _time(self, at: int) -> Fraction:
        """The second at which the sample with *at* others before it is heard."""
        return Fraction((self._level or 0) + at * self._sample, self._second)
