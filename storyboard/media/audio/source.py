"""The sound in a file, decoded to blocks of stereo at 48 kHz, each sample at its time.

What a container says about time is followed to the sample where a sound begins, and wherever it leaves a gap that
lasts; in between the samples themselves count (``timestamps``). moviepy's reader is not used.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from storyboard.core.audio import RATE
from storyboard.core.timebase import frames_in
from storyboard.media.audio.ogg_links import OggLink, links
from storyboard.media.audio.timestamps import timed
from storyboard.media.audio.varispeed import Varispeed
from storyboard.media.reader import UnreadableMedia, container_at, open_media, picture_stream, ratio, reading
from storyboard.media.sample_table import packets

# Samples of the left and the right channel: float32 of shape (2, n), 1.0 is full scale.
Block: TypeAlias = NDArray[np.float32]
Blocks: TypeAlias = Iterator[Block]

_SILENCE = RATE
# A decoder needs what comes before to begin in the middle.
_PREROLL = Fraction(1, 2)
# In seconds: what is decoded for the sake of counting; it takes 0.05 s at most.
_NEAR = 30
_LOOKED_AT = 64
# Formats that hold no times; FFmpeg makes them up, as if the file had one rate and a single beginning.
_WITHOUT_TIMES = frozenset({"aac", "mp3", "wav", "aiff", "flac"})
_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_FORMATS = {
    b"\x1aE\xdf\xa3": "matroska",
    b"RIFF": "wav",
    b"RF64": "wav",
    b"FORM": "aiff",
    b"fLaC": "flac",
    b"OggS": "ogg",
}


def silence(samples: int) -> Block:
    """So many samples of nothing."""
    return np.zeros((2, samples), np.float32)


def take_sound(path: Path, start: Fraction) -> Blocks:
    """The sound of a clip from *start* seconds after its first picture on; silent where it has none, until its end.

    Raises ``UnreadableMedia``.
    """
    with open_media(path, packets_only=True) as container:
        origin = _first_picture(container)
    with open_media(path) as container:
        stream = _sound_stream(container)
        if stream is not None:
            yield from _placed(_from(container, stream, origin, start))


def track_sound(path: Path) -> Blocks:
    """The sound of a file from its own beginning. Raises ``UnreadableMedia``."""
    box = _format(path)
    for part in _parts(path, box):
        with container_at(part, box, {}) as container:
            stream = _sound_stream(container)
            if stream is None:
                raise UnreadableMedia("has no sound that can be decoded")
            frames = _decoded(container, stream)
            frames = _untimed(frames) if box in _WITHOUT_TIMES else frames
            yield from _placed(_converted(frames, stream, None, Fraction(0)))


def _parts(path: Path, box: str) -> Iterator[Path | OggLink]:
    """The file, or each part of one that was put together of several."""
    chain = links(path) if box == "ogg" else []
    if len(chain) < 2:
        yield path
        return
    for begin, end in chain:
        with OggLink(path, begin, end) as part:
            yield part


def _format(path: Path) -> str:
    """The container by its signature, so that no playlist is followed and nothing guessed."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in _ATOMS:
        return "mov"
    if head[:1] == b"\xff" and len(head) > 1:
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    return "mp3" if head.startswith(b"ID3") else _FORMATS.get(head[:4]) or _unknown()


def _unknown() -> str:
    raise UnreadableMedia("is no sound of a known kind")


def _sound_stream(container: InputContainer) -> AudioStream | None:
    """The stream that is meant to be heard: the default one, else the first that can be decoded."""
    streams = [stream for stream in container.streams.audio if stream.codec_context]
    chosen = [stream for stream in streams if stream.disposition & stream.disposition.default]
    return next(iter([*chosen, *streams]), None)


def _first_picture(container: InputContainer) -> Fraction:
    """When the first picture is shown, in seconds of the container."""
    stream = picture_stream(container)
    found = islice(packets(container, stream), _LOOKED_AT)
    times = [packet.pts for packet in found if packet.pts is not None and not packet.is_discard]
    return min(times, default=0) * ratio(stream.time_base, Fraction(1))


def _from(
    container: InputContainer, stream: AudioStream, origin: Fraction, start: Fraction
) -> Iterator[tuple[int, Block]]:
    """The sound from a little before *start* on; from the beginning where the container seeks beyond that.

    Also from the beginning where that is near and the clock of the container coarse: the samples tell more exactly.
    """
    base = ratio(stream.time_base, Fraction(1))
    wanted = origin + start - _PREROLL
    if wanted > 0 and not (wanted < _NEAR and base * stream.rate > 1):
        with reading():
            container.seek(int(wanted / base), stream=stream)
            first = next(container.decode(stream), None)
        late = first is None or first.pts is None or first.pts * base > origin + start
        with reading():
            container.seek(0 if late else int(wanted / base), stream=stream)
    return _converted(_decoded(container, stream), stream, origin, start)


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    with reading():
        yield from container.decode(stream)


def _untimed(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    for frame in frames:
        frame.pts = None
        yield frame


def _converted(
    frames: Iterator[AudioFrame], stream: AudioStream, origin: Fraction | None, start: Fraction
) -> Iterator[tuple[int, Block]]:
    """Blocks at the output's rate, each with the sample after *start* at which it belongs.

    *origin* is the container's time that counts as 0, that of the first frame by default.
    """
    run: _Run | None = None
    for frame, begins, gradual in timed(frames, ratio(stream.time_base, Fraction(1))):
        if begins is not None:
            origin = begins if origin is None else origin
            place = frames_in(begins - origin - start, Fraction(RATE))
            if run is not None and gradual:
                run.shift_to(place)
            else:
                yield from run.rest() if run is not None else ()
                run = _Run(frame, place)
        if run is not None:
            yield from run.add(frame)
    if run is not None:
        yield from run.rest()


class _Run:
    """Frames that follow each other without a gap; their first sample belongs at *place*."""

    def __init__(self, first: AudioFrame, place: int) -> None:
        self._mono = first.layout.nb_channels == 1
        self._rate = first.sample_rate
        self._begin = self._place = place
        self._count = self._shifted = 0
        self._resampler = AudioResampler(format="fltp", layout="mono" if self._mono else "stereo", rate=RATE)
        self._varispeed = Varispeed()

    def shift_to(self, place: int) -> None:
        """Let the next frame belong at *place*, gradually."""
        due = self._begin + frames_in(Fraction(self._count, self._rate), Fraction(RATE)) + self._shifted
        self._varispeed.shift(place - due)
        self._shifted += place - due

    def add(self, frame: AudioFrame) -> Iterator[tuple[int, Block]]:
        self._count += frame.samples
        frame.pts = None
        with reading():
            made = self._resampler.resample(frame)
        return self._blocks(made)

    def rest(self) -> Iterator[tuple[int, Block]]:
        """What the resampler still holds."""
        with reading():
            made = self._resampler.resample(None)
        yield from self._blocks(made)
        yield self._place, self._varispeed.rest()

    def _blocks(self, made: Iterable[AudioFrame]) -> Iterator[tuple[int, Block]]:
        for frame in made:
            samples = frame.to_ndarray()
            both = np.repeat(samples, 2, axis=0) if self._mono else samples
            block = self._varispeed.feed(np.ascontiguousarray(both, np.float32))
            yield self._place, block
            self._place += block.shape[1]


def _placed(blocks: Iterator[tuple[int, Block]]) -> Blocks:
    """The blocks one after another from 0 on: what lies before or comes twice is left out, gaps are silent."""
    at = 0
    for place, block in blocks:
        while place > at:
            gap = min(place - at, _SILENCE)
            yield silence(gap)
            at += gap
        skip = at - place
        if skip < block.shape[1]:
            yield block[:, skip:]
            at = place + block.shape[1]


class BlockReader:
    """Blocks of any length, to be taken in any other. ``ended`` once there is nothing left."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._held: list[Block] = []
        self._there = 0
        self.ended = False

    def take(self, samples: int) -> Block:
        """The next *samples*; silence after the end."""
        while self._there < samples and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            else:
                self._held.append(block)
                self._there += block.shape[1]
        missing = max(0, samples - self._there)
        whole = np.concatenate([*self._held, silence(missing)], axis=1)
        self._held = [whole[:, samples:]]
        self._there = max(0, self._there - samples)
        return whole[:, :samples]


def length_of(open_sound: Callable[[], Blocks], most: int) -> int:
    """How many samples there are, counted no further than *most*."""
    count = 0
    for block in open_sound():
        count += block.shape[1]
        if count >= most:
            return most
    return count
