"""When each frame of a sound begins: by the count of the samples before it, corrected by what lasts in the container.

The times of single packets cannot be taken at their word. Those of Vorbis jump by up to half a block and back where
long and short blocks meet, some muxers write where a block ends instead of where it begins, clocks of milliseconds
round, recorders stamp what they hear by a clock that trembles and runs a little faster or slower than the sound. So a
difference counts only if none of the frames of the next second comes back from it. Then it is one of two:

- It appears at once: something is missing (a pause, a lost packet) or comes twice. The frame begins at its time.
- It has grown slowly, or is smaller than what a packet holds: the clocks differ. It is made up for gradually.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from statistics import median_low
from typing import NamedTuple

from av.audio.frame import AudioFrame

# In seconds. What no difference may exceed for long; far less than what anybody sees between lips and voice.
_SLACK = Fraction(1, 100)
# How far to look whether a difference lasts, and in how many frames at least.
_AHEAD = 1
_FEWEST = 4
# What is smaller than this and no whole packet is nothing that is missing; what is larger than that is never gradual.
_GAP, _MOST_GRADUAL = Fraction(1, 50), Fraction(1, 10)
# Nothing comes twice for longer than this: the clock begins anew.
_RESTART = 1
# How many frames of the same length show what is usual for them, and how many are remembered.
_ALIKE, _PAST = 3, 64


class Timed(NamedTuple):
    """A frame of sound, and the second at which it begins; ``None`` where it goes on after the one before.

    With ``gradual`` the sound is to come there little by little, from this frame on.
    """

    frame: AudioFrame
    begins: Fraction | None = None
    gradual: bool = False


def timed(frames: Iterator[AudioFrame], tick: Fraction) -> Iterator[Timed]:
    """*frames* with their times; *tick* is the unit of their own, in seconds.

    The first one, and the first of another rate or layout, always has a time. Reads a second ahead.
    """
    due, moved = None, Fraction(0)
    for (rate, _, _), alike in groupby(frames, kind_of):
        line = _Line(rate, tick, due, moved)
        yield from line.follow(alike)
        due, moved = line.due, line.moved


def kind_of(frame: AudioFrame) -> tuple[int, str, str]:
    """What has to be the same for frames to go on after each other."""
    return frame.sample_rate, frame.format.name, frame.layout.name


class _Held(NamedTuple):
    """A frame that is looked at: the samples before it and in it, and its time."""

    frame: AudioFrame
    at: int
    samples: int
    time: int | None


class _Line:
    """The time line of frames of one kind.

    Everything is counted in units of which both a sample and a tick of the container hold a whole number, so that
    nothing is rounded. The line is the time that the first sample has, ``level``; a frame is *off* by what its time
    differs from the line and the samples before it, and from what is usual for frames of its length.
    """

    def __init__(self, rate: int, tick: Fraction, due: Fraction | None, moved: Fraction) -> None:
        self._rate = rate
        self._sample, self._tick = tick.denominator, tick.numerator * rate
        self._second = tick.denominator * rate
        self._slack = max(int(_SLACK * self._second), self._tick)
        self._gap, self._most_gradual = int(_GAP * self._second), int(_MOST_GRADUAL * self._second)
        self._due_before = None if due is None else round(due * self._second)
        # what has to be added to the container's times, since its clock has begun anew
        self._moved = round(moved * self._second)
        self._held: deque[_Held] = deque()
        self._read = self._done = self._longest = 0
        self._level: int | None = None
        self._usual: dict[int, int] = {}
        self._past: deque[int] = deque(maxlen=_PAST)

    @property
    def due(self) -> Fraction:
        """When the next frame should come, in seconds."""
        return self._time(self._done)

    @property
    def moved(self) -> Fraction:
        """What has to be added to the container's times, in seconds."""
        return Fraction(self._moved, self._second)

    def follow(self, frames: Iterator[AudioFrame]) -> Iterator[Timed]:
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

    def _next(self) -> Timed:
        one = self._held[0]
        begins, gradual = self._judged(one)
        self._held.popleft()
        self._done = one.at + one.samples
        return Timed(one.frame, begins, gradual)

    def _judged(self, one: _Held) -> tuple[Fraction | None, bool]:
        """The time of the first frame held if it does not go on, and whether it is to be reached gradually."""
        if self._level is None:
            self._level = self._first_level(one)
            return self._time(one.at), False
        off = self._off(one)
        if off is None:
            return None, False
        lasting = self._lasting(one, off) if abs(off) > self._slack else None
        if lasting is None:
            self._past.append(off)
            return None, False
        before = median_low(self._past) if self._past else 0
        at_once = 2 * abs(lasting - before) > abs(lasting) or abs(lasting) > self._most_gradual
        self._level += lasting
        self._past.clear()
        if lasting < -_RESTART * self._second:
            self._moved -= lasting
            return None, False
        missing = abs(lasting) >= self._gap or self._is_whole_packets(lasting)
        return self._time(one.at), not (at_once and missing)

    def _first_level(self, first: _Held) -> int:
        """Where the line begins: at the first time, if the next two frames agree with it; else with most of the second.

        Phones stamp their first packet by another clock than the rest, and after a seek the first frame may be any.
        What is off by more than a frame is not explained by that.
        """
        found = [(one.samples, one.time - one.at * self._sample) for one in self._held if one.time is not None]
        levels = [level for samples, level in found if samples == first.samples]
        levels = levels if len(levels) >= _ALIKE else [level for _, level in found]
        own = levels[0] if levels else (self._due_before or 0) - self._moved
        level = self._common(levels or [own])
        if abs(own - level) > max(self._longest * self._sample, self._slack):
            level = own
        self._usual[first.samples] = 0
        if self._due_before is None:
            return level
        off = level + self._moved - self._due_before
        if off < -_RESTART * self._second:
            self._moved -= off
        return level - off if abs(off) <= self._slack else level

    def _off(self, one: _Held) -> int | None:
        """How much later than on the line a frame is."""
        if one.time is None or self._level is None:
            return None
        off = one.time - one.at * self._sample - self._level
        if one.samples not in self._usual:
            self._learn(one.samples)
        return off - self._usual.get(one.samples, 0)

    def _learn(self, samples: int) -> None:
        """What frames of this length are usually off by, when the first of them come: at most by a frame."""
        level = self._level or 0
        alike = [one for one in self._held if one.samples == samples]
        offs = [one.time - one.at * self._sample - level for one in alike if one.time is not None]
        if len(offs) >= _ALIKE:
            usual = self._common(offs)
            self._usual[samples] = usual if self._slack < abs(usual) <= self._longest * self._sample else 0

    def _lasting(self, first: _Held, off: int) -> int | None:
        """By how much all that follows is off, *first* included; ``None`` if it is not, or not yet."""
        trembling = self._longest * self._sample
        end = (first.time or 0) + max(_AHEAD * self._second, _FEWEST * trembling)
        near_in_time = [one for one in self._held if one.time is not None and one.time <= end]
        offs = [found for one in near_in_time if (found := self._off(one)) is not None]
        certain = len(offs) >= _FEWEST and self._read - first.at >= _AHEAD * self._rate
        if not (certain or self._agreed(offs)) and abs(off) <= max(trembling, self._most_gradual):
            return None
        if any(abs(other) <= self._slack or (other > 0) != (off > 0) for other in offs):
            return None
        like = [other for other in offs if abs(other - off) <= max(trembling, self._slack)]
        if len(like) < min(_ALIKE, len(offs)):
            return off if abs(off) > trembling else None
        return self._common(like)

    @property
    def _grain(self) -> int:
        """What rounding alone may make of a time."""
        return max(self._tick, self._sample)

    def _agreed(self, offs: list[int]) -> bool:
        """Whether only rounding keeps the first of them apart."""
        return len(offs) >= _ALIKE and all(abs(other - offs[0]) <= self._grain for other in offs[1:_ALIKE])

    def _common(self, offs: list[int]) -> int:
        """What *offs* come to: the mean of those that only rounding keeps apart, from the first if the next agree."""
        middle = offs[0] if self._agreed(offs) else median_low(offs)
        like = [other for other in offs if abs(other - middle) <= self._grain]
        return sum(like) // len(like)

    def _is_whole_packets(self, off: int) -> bool:
        packet = self._longest * self._sample
        count = (abs(off) + packet // 2) // packet
        return count > 0 and abs(abs(off) - count * packet) <= self._grain

    def _time(self, at: int) -> Fraction:
        """The second at which the sample after *at* others is heard."""
        return Fraction((self._level or 0) + self._moved + at * self._sample, self._second)
