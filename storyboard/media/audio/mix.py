"""The sound of a film as a stream of blocks: takes and tracks opened when they are due, summed, and closed again.

Only what is heard at the moment is held in memory, whatever the length of the film. The same sound gives the same
samples each time, so that it is mixed once more rather than kept.

Sound at another speed and the same pitch, in step with the picture.

WSOLA (Verhelst and Roelands, ICASSP 1993): short windows of the source, each taken from where the picture is at that
moment, or a few milliseconds beside it where it goes on best with the one before. FFmpeg's ``atempo`` finds its place
relative to the last window, so that its sound strays from the picture by tens of milliseconds.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from storyboard.core.audio import EDGE, RATE, Ramp, ShotAudio, SoundMix, TrackAudio
from storyboard.media.audio.dynamics import Ducker
from storyboard.media.audio.source import Block, BlockReader, Blocks, length_of, silence, take_sound, track_sound
from storyboard.media.reader import InvalidMedia

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
        self._pull = BlockReader(blocks)
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


BLOCK = RATE


class MixFailed(Exception):
    """A sound that could not be made. The message says why, for people."""


class MixInput(Protocol):
    """Something that is heard from sample ``at`` on, for ``samples``."""

    @property
    def at(self) -> int: ...
    @property
    def samples(self) -> int: ...

    def open(self) -> Blocks:
        """Its sound at its level, from its beginning on."""


def mixed(sound: SoundMix, files: Mapping[str, Path]) -> Blocks:
    """The whole film in blocks of a second, the last one shorter; not limited to full scale.

    *files* are the sources by digest. Raises ``MixFailed`` and ``OSError``.
    """
    lengths: dict[tuple[str, int], int] = {}
    takes = [_Take(voice, files[voice.take]) for voice in sound.voices]
    beds = [_Track(bed, files[bed.digest], _length(bed, sound, files[bed.digest], lengths)) for bed in sound.beds]
    plain = [bed for bed in beds if not bed.duck]
    ducked = {duck: [bed for bed in beds if bed.duck == duck] for duck in {bed.duck for bed in beds} if duck}
    voices = _Bus(takes, sound.samples)
    buses = [(duck, _Bus(parts, sound.samples)) for duck, parts in sorted(ducked.items())]
    aside = _Bus(plain, sound.samples)
    ducker = Ducker()
    here = voices.block(0)
    for begin in range(0, sound.samples, BLOCK):
        following = voices.block(begin + BLOCK)
        whole = here + aside.block(begin)
        if buses:
            way = ducker.next(here, following)
            for duck, bus in buses:
                whole += bus.block(begin) * np.power(10.0, -duck / 20 * way, dtype=np.float32)
        yield whole
        here = following


def _length(bed: TrackAudio, sound: SoundMix, path: Path, known: dict[tuple[str, int], int]) -> int:
    """How many samples of the film the track is heard. Raises ``MixFailed`` if its fades take longer."""
    left = sound.samples - bed.at
    with _named(bed.file):
        if (bed.digest, left) not in known:
            known[bed.digest, left] = length_of(partial(track_sound, path), left)
        own = known[bed.digest, left]
        if not own:
            raise InvalidMedia("holds no sound")
    length = left if bed.loop else own
    if bed.fade_in + bed.fade_out > length:
        fades = f"{(bed.fade_in + bed.fade_out) / RATE:g} s"
        raise MixFailed(f"{bed.file} is heard for {length / RATE:.3f} s, and its fades take {fades}")
    return length


@contextmanager
def _named(file: str) -> Iterator[None]:
    try:
        yield
    except InvalidMedia as problem:
        raise MixFailed(f"{file} {problem.reason}") from problem


class _Take:
    """A take in its place."""

    def __init__(self, voice: ShotAudio, path: Path) -> None:
        self.at, self.samples = voice.at, voice.samples
        self._voice, self._path = voice, path

    def open(self) -> Blocks:
        voice = self._voice
        blocks = take_sound(self._path, voice.start)
        if voice.speed != 1:
            blocks = stretched(blocks, voice.speed)
        with _named(f"the sound of take {voice.take[:12]}"):
            yield from _shaped(blocks, voice.samples, float(voice.gain), voice.rise, voice.fall)


class _Track:
    """A track in its place, as long as it is heard."""

    def __init__(self, bed: TrackAudio, path: Path, samples: int) -> None:
        self.at, self.samples, self.duck = bed.at, samples, float(bed.duck)
        self._bed, self._path = bed, path

    def open(self) -> Blocks:
        bed = self._bed
        again = chain.from_iterable(iter(partial(track_sound, self._path), None))
        blocks = again if bed.loop else track_sound(self._path)
        rise = Ramp(bed.fade_in, "cross") if bed.fade_in else Ramp(EDGE)
        fall = Ramp(bed.fade_out, "cross") if bed.fade_out else Ramp(EDGE)
        with _named(bed.file):
            yield from _shaped(blocks, self.samples, float(bed.gain), rise, fall)


def _shaped(blocks: Blocks, samples: int, gain: float, rise: Ramp, fall: Ramp) -> Blocks:
    """*samples* of *blocks*, raised by *gain* decibels, coming and going by their ramps."""
    pull = BlockReader(blocks)
    level = np.float32(10 ** (gain / 20))
    for begin in range(0, samples, BLOCK):
        count = min(BLOCK, samples - begin)
        block = pull.take(count)
        if begin >= rise.samples and begin + count <= samples - fall.samples:
            yield block if not gain else block * level
            continue
        here = np.arange(begin, begin + count)
        yield block * (_curve(rise, here) * _curve(fall, samples - 1 - here) * level)


def _curve(ramp: Ramp, distance: NDArray[np.int64]) -> NDArray[np.float32]:
    """The level at so many samples from the end that the ramp begins at."""
    if not ramp.samples:
        return np.ones(len(distance), np.float32)
    done = (distance + 0.5) / ramp.samples
    if ramp.curve == "through":
        done = done * 2 - 1
    done = np.clip(done, 0, 1)
    return (done if ramp.curve == "edge" else np.sin(done * (np.pi / 2))).astype(np.float32)


class _Bus:
    """The sum of what is heard, to be taken block by block in order."""

    def __init__(self, parts: "list[_Take] | list[_Track]", samples: int) -> None:
        self._waiting: list[MixInput] = sorted(parts, key=lambda part: part.at, reverse=True)
        self._open: list[tuple[MixInput, BlockReader]] = []
        self._samples = samples

    def block(self, begin: int) -> Block:
        """What is heard from *begin* on, a block or what is left of the film."""
        whole = silence(max(0, min(BLOCK, self._samples - begin)))
        end = begin + whole.shape[1]
        while self._waiting and self._waiting[-1].at < end:
            part = self._waiting.pop()
            self._open.append((part, BlockReader(part.open())))
        for part, pull in self._open:
            first, last = max(begin, part.at), min(end, part.at + part.samples)
            if first < last:
                whole[:, first - begin : last - begin] += pull.take(last - first)
        self._open = [(part, pull) for part, pull in self._open if part.at + part.samples > end]
        return whole


def counted(blocks: Callable[[], Blocks], progress: Callable[[int], None]) -> Blocks:
    """*blocks*, telling how many samples have gone by."""
    done = 0
    for block in blocks():
        yield block
        done += block.shape[1]
        progress(done)
