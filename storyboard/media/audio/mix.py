"""Mix of a film's sound as a stream of blocks: takes and tracks, each opened when due and closed at its end.

Memory holds only what is audible at present, whatever the length of the film. A mix is deterministic, so it is computed
again rather than stored.

A shot at another speed keeps its pitch and its sync to the picture, by WSOLA (Verhelst and Roelands, ICASSP 1993):
short windows of the source, each taken from the place of the picture, or up to some milliseconds beside it where it
continues the previous window best. FFmpeg's ``atempo`` searches relative to its last window, so that its sound drifts
from the picture by tens of milliseconds.
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
from storyboard.media.audio.source import (
    Block,
    BlockReader,
    Blocks,
    measure_length,
    read_take_sound,
    read_track_sound,
    silence,
)
from storyboard.media.reader import InvalidMedia

# In samples: half a window, and the search range around the place of a window.
_HALF_WINDOW = 512
_SEARCH_SAMPLES = 256
_SILENT_ENERGY = 1e-9
BLOCK_SAMPLES = RATE


class MixFailed(Exception):
    """A sound that could not be mixed; the message gives the reason."""


def mix(sound: SoundMix, files: Mapping[str, Path]) -> Blocks:
    """Yield the sound of the whole film in blocks of a second, the last one shorter; peaks may exceed full scale.

    *files* are the sources by digest. Raises ``MixFailed`` and ``OSError``.
    """
    lengths: dict[tuple[str, int], int] = {}
    takes = [_TakeInput(voice, files[voice.take]) for voice in sound.voices]
    beds = [
        _TrackInput(bed, files[bed.digest], _track_length(bed, sound, files[bed.digest], lengths)) for bed in sound.beds
    ]
    plain = [bed for bed in beds if not bed.duck]
    ducked = {duck: [bed for bed in beds if bed.duck == duck] for duck in {bed.duck for bed in beds} if duck}
    voices = _Bus(takes, sound.samples)
    buses = [(duck, _Bus(parts, sound.samples)) for duck, parts in sorted(ducked.items())]
    unducked = _Bus(plain, sound.samples)
    ducker = Ducker()
    here = voices.block(0)
    for begin in range(0, sound.samples, BLOCK_SAMPLES):
        following = voices.block(begin + BLOCK_SAMPLES)
        total = here + unducked.block(begin)
        if buses:
            way = ducker.attenuation(here, following)
            for duck, bus in buses:
                total += bus.block(begin) * np.power(10.0, -duck / 20 * way, dtype=np.float32)
        yield total
        here = following


def count_samples(blocks: Callable[[], Blocks], progress: Callable[[int], None]) -> Blocks:
    """Yield *blocks* and report the number of samples so far after each."""
    done = 0
    for block in blocks():
        yield block
        done += block.shape[1]
        progress(done)


class MixInput(Protocol):
    """Input of the mix that is audible for ``samples`` from sample ``at`` on."""

    @property
    def at(self) -> int: ...
    @property
    def samples(self) -> int: ...

    def open(self) -> Blocks:
        """Open the sound at its level, from its beginning."""


class _TakeInput:
    """The sound of a take at its place in the film."""

    def __init__(self, voice: ShotAudio, path: Path) -> None:
        self.at, self.samples = voice.at, voice.samples
        self._voice, self._path = voice, path

    def open(self) -> Blocks:
        voice = self._voice
        blocks = read_take_sound(self._path, voice.start)
        if voice.speed != 1:
            blocks = time_stretch(blocks, voice.speed)
        with _errors_for(f"the sound of take {voice.take[:12]}"):
            yield from _apply_envelope(blocks, voice.samples, float(voice.gain), voice.rise, voice.fall)


class _TrackInput:
    """A track at its place in the film, for as long as it is audible."""

    def __init__(self, bed: TrackAudio, path: Path, samples: int) -> None:
        self.at, self.samples, self.duck = bed.at, samples, float(bed.duck)
        self._bed, self._path = bed, path

    def open(self) -> Blocks:
        bed = self._bed
        again = chain.from_iterable(iter(partial(read_track_sound, self._path), None))
        blocks = again if bed.loop else read_track_sound(self._path)
        rise = Ramp(bed.fade_in, "cross") if bed.fade_in else Ramp(EDGE)
        fall = Ramp(bed.fade_out, "cross") if bed.fade_out else Ramp(EDGE)
        with _errors_for(bed.file):
            yield from _apply_envelope(blocks, self.samples, float(bed.gain), rise, fall)


class _Bus:
    """Sum of several inputs, read block by block in order."""

    def __init__(self, parts: "list[_TakeInput] | list[_TrackInput]", samples: int) -> None:
        self._waiting: list[MixInput] = sorted(parts, key=lambda part: part.at, reverse=True)
        self._open: list[tuple[MixInput, BlockReader]] = []
        self._samples = samples

    def block(self, begin: int) -> Block:
        """Return the sum from *begin* on: one block, or the rest of the film."""
        total = silence(max(0, min(BLOCK_SAMPLES, self._samples - begin)))
        end = begin + total.shape[1]
        while self._waiting and self._waiting[-1].at < end:
            part = self._waiting.pop()
            self._open.append((part, BlockReader(part.open())))
        for part, reader in self._open:
            first, last = max(begin, part.at), min(end, part.at + part.samples)
            if first < last:
                total[:, first - begin : last - begin] += reader.take(last - first)
        self._open = [(part, reader) for part, reader in self._open if part.at + part.samples > end]
        return total


def _track_length(bed: TrackAudio, sound: SoundMix, path: Path, known: dict[tuple[str, int], int]) -> int:
    """Return for how many samples the track is audible. Raises ``MixFailed`` if its fades are longer."""
    left = sound.samples - bed.at
    with _errors_for(bed.file):
        if (bed.digest, left) not in known:
            known[bed.digest, left] = measure_length(partial(read_track_sound, path), left)
        own = known[bed.digest, left]
        if not own:
            raise InvalidMedia("has no sound")
    length = left if bed.loop else own
    if bed.fade_in + bed.fade_out > length:
        fades = f"{(bed.fade_in + bed.fade_out) / RATE:g} s"
        raise MixFailed(f"{bed.file} is heard for {length / RATE:.3f} s, but its fades take {fades}")
    return length


@contextmanager
def _errors_for(file: str) -> Iterator[None]:
    """Raise ``InvalidMedia`` of the block as ``MixFailed`` with the name *file*."""
    try:
        yield
    except InvalidMedia as problem:
        raise MixFailed(f"{file} {problem.reason}") from problem


def _apply_envelope(blocks: Blocks, samples: int, gain: float, rise: Ramp, fall: Ramp) -> Blocks:
    """Yield *samples* of *blocks*, amplified by *gain* decibels, with ramps at both ends."""
    reader = BlockReader(blocks)
    level = np.float32(10 ** (gain / 20))
    for begin in range(0, samples, BLOCK_SAMPLES):
        count = min(BLOCK_SAMPLES, samples - begin)
        block = reader.take(count)
        if begin >= rise.samples and begin + count <= samples - fall.samples:
            yield block if not gain else block * level
            continue
        here = np.arange(begin, begin + count)
        yield block * (_ramp_levels(rise, here) * _ramp_levels(fall, samples - 1 - here) * level)


def _ramp_levels(ramp: Ramp, distance: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the levels at each *distance* in samples from the end where the ramp begins."""
    if not ramp.samples:
        return np.ones(len(distance), np.float32)
    done = (distance + 0.5) / ramp.samples
    if ramp.curve == "through":
        done = done * 2 - 1
    done = np.clip(done, 0, 1)
    return (done if ramp.curve == "edge" else np.sin(done * (np.pi / 2))).astype(np.float32)


def time_stretch(blocks: Blocks, speed: Fraction) -> Blocks:
    """Yield *blocks* at *speed* times their pace and at their own pitch; silence follows their end."""
    source = _SourceWindow(blocks)
    fade = (0.5 - 0.5 * np.cos(np.pi * (np.arange(_HALF_WINDOW, dtype=np.float32) + 0.5) / _HALF_WINDOW)).astype(
        np.float32
    )
    before = source.read(0, _HALF_WINDOW)
    previous = 0
    number = 0
    while True:
        number += 1
        place = int(number * _HALF_WINDOW * speed)
        centre = place + _best_offset(source, previous, place)
        part = source.read(centre - _HALF_WINDOW, centre + _HALF_WINDOW)
        yield before * fade[::-1] + part[:, :_HALF_WINDOW] * fade
        before = part[:, _HALF_WINDOW:]
        previous = centre
        source.forget(min(int((number + 1) * _HALF_WINDOW * speed) - _HALF_WINDOW - _SEARCH_SAMPLES, previous))


def _best_offset(source: "_SourceWindow", previous: int, place: int) -> int:
    """Return the offset from *place* at which the source resembles its continuation at *previous* most."""
    wanted = source.mono(previous, previous + _HALF_WINDOW)
    if float(wanted @ wanted) < _SILENT_ENERGY:
        return 0
    field = source.mono(place - _HALF_WINDOW - _SEARCH_SAMPLES, place + _SEARCH_SAMPLES)
    likeness = np.correlate(field, wanted, "valid")
    power = np.concatenate(([0.0], np.cumsum(field.astype(np.float64) ** 2)))
    energy = power[_HALF_WINDOW:] - power[:-_HALF_WINDOW]
    score = likeness / np.sqrt(energy + _SILENT_ENERGY)
    return int(np.argmax(score)) - _SEARCH_SAMPLES


class _SourceWindow:
    """The part of the source that is still needed, addressed by source position; silent before its beginning."""

    def __init__(self, blocks: Blocks) -> None:
        self._reader = BlockReader(blocks)
        self._first = 0
        self._buffer: Block = silence(0)

    def read(self, first: int, end: int) -> Block:
        missing = end - self._first - self._buffer.shape[1]
        if missing > 0:
            self._buffer = np.concatenate([self._buffer, self._reader.take(max(missing, 1 << 14))], axis=1)
        lead = max(0, self._first - first)
        inside = self._buffer[:, max(0, first - self._first) : end - self._first]
        return np.concatenate([silence(min(lead, end - first)), inside], axis=1) if lead else inside

    def mono(self, first: int, end: int) -> NDArray[np.float32]:
        both = self.read(first, end)
        return np.asarray(both[0] + both[1], np.float32)

    def forget(self, before: int) -> None:
        """Drop everything before that place."""
        drop = before - self._first
        if drop > 1 << 15:
            self._buffer = self._buffer[:, drop:].copy()
            self._first = before
