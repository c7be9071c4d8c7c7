"""Sound of a file, decoded to blocks of 48 kHz stereo, each sample at its time.

The container's times are followed to the sample where a sound begins, and at every lasting gap; in between the samples
are counted (``timestamps``). moviepy's reader is not used. Each link of a chained Ogg file (RFC 3533, section 4) is
read as a file of its own: FFmpeg reads the next link with the headers of the first one, so that Vorbis turns into noise
and its times jump back.
"""

import io
import os
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
from storyboard.core.file_signatures import SIGNATURE_BYTES, container_format
from storyboard.core.timebase import frames_in
from storyboard.media.audio.timestamps import assign_times
from storyboard.media.audio.varispeed import Varispeed
from storyboard.media.reader import (
    UnreadableMedia,
    open_container,
    open_media,
    ratio,
    translate_errors,
    video_stream,
)
from storyboard.media.sample_table import packets

# Samples of the left and the right channel: float32 of shape (2, n), 1.0 is full scale.
Block: TypeAlias = NDArray[np.float32]
Blocks: TypeAlias = Iterator[Block]
_SILENCE_SAMPLES = RATE
# Seconds: a decoder that starts in the middle needs earlier packets first.
_PREROLL = Fraction(1, 2)
# Seconds up to which sound is decoded from the beginning, to count samples; takes at most 0.05 s.
_NEAR_S = 30
_MAX_START_PACKETS = 64
# Formats without times: FFmpeg invents them, as if the file had one rate and a single beginning.
_WITHOUT_TIMES = frozenset({"aac", "mp3", "wav", "aiff", "flac"})
_OGG_PAGE = b"OggS"
_OGG_HEADER_BYTES = 27
_OGG_FIRST_PAGE = 2


def silence(samples: int) -> Block:
    """Return that many samples of silence."""
    return np.zeros((2, samples), np.float32)


def read_take_sound(path: Path, start: Fraction) -> Blocks:
    """Yield the sound of a clip from *start* seconds after its first picture to its end; silence where it has none.

    Raises ``UnreadableMedia``.
    """
    with open_media(path, packets_only=True) as container:
        origin = _first_frame_time(container)
    with open_media(path) as container:
        stream = _sound_stream(container)
        if stream is not None:
            yield from _fill_gaps(_decode_from(container, stream, origin, start))


def read_track_sound(path: Path) -> Blocks:
    """Yield the sound of a file from its own beginning. Raises ``UnreadableMedia``."""
    container_format = _detect_format(path)
    for part in _open_parts(path, container_format):
        with open_container(part, container_format, {}) as container:
            stream = _sound_stream(container)
            if stream is None:
                raise UnreadableMedia("has no sound that can be decoded")
            frames = _decode(container, stream)
            frames = _without_times(frames) if container_format in _WITHOUT_TIMES else frames
            yield from _fill_gaps(_resample(frames, stream, None, Fraction(0)))


def measure_length(open_sound: Callable[[], Blocks], most: int) -> int:
    """Return the number of samples, counted no further than *most*."""
    count = 0
    for block in open_sound():
        count += block.shape[1]
        if count >= most:
            return most
    return count


class BlockReader:
    """Reader of blocks in lengths of the caller's choice. ``ended`` is set once the blocks are exhausted."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._blocks_read: list[Block] = []
        self._available = 0
        self.ended = False

    def take(self, samples: int) -> Block:
        """Return the next *samples*; silence after the end."""
        while self._available < samples and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            else:
                self._blocks_read.append(block)
                self._available += block.shape[1]
        missing = max(0, samples - self._available)
        joined = np.concatenate([*self._blocks_read, silence(missing)], axis=1)
        self._blocks_read = [joined[:, samples:]]
        self._available = max(0, self._available - samples)
        return joined[:, :samples]


class _OggLink(io.RawIOBase):
    """The bytes of *path* from *begin* to *end*, as a file."""

    def __init__(self, path: Path, begin: int, end: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._begin, self._length = begin, end - begin
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = max(0, self._length - self.tell())
        data = self._file.read(min(left, len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._length}[whence]
        return self._file.seek(self._begin + max(0, start + offset)) - self._begin

    def tell(self) -> int:
        return self._file.tell() - self._begin

    def close(self) -> None:
        self._file.close()
        super().close()


def _find_ogg_links(path: Path) -> list[tuple[int, int]]:
    """Return the begin and end of each link of an Ogg file. The first pages of all streams of a link are adjacent."""
    begins, at, opening = [], 0, False
    with path.open("rb") as file:
        while (head := file.read(_OGG_HEADER_BYTES)).startswith(_OGG_PAGE) and len(head) == _OGG_HEADER_BYTES:
            first = bool(head[5] & _OGG_FIRST_PAGE)
            if first and not opening:
                begins.append(at)
            opening = first
            at += _OGG_HEADER_BYTES + head[26] + sum(file.read(head[26]))
            file.seek(at)
        size = file.seek(0, os.SEEK_END)
    return list(zip(begins, [*begins[1:], size], strict=True))


def _open_parts(path: Path, container_format: str) -> Iterator[Path | _OggLink]:
    """Yield the file, or each link of a chained one."""
    chain = _find_ogg_links(path) if container_format == "ogg" else []
    if len(chain) < 2:
        yield path
        return
    for begin, end in chain:
        with _OggLink(path, begin, end) as part:
            yield part


def _detect_format(path: Path) -> str:
    """Return the container format by signature, so that FFmpeg follows no playlist and guesses nothing."""
    with path.open("rb") as file:
        found = container_format(file.read(SIGNATURE_BYTES))
    if found is None:
        raise UnreadableMedia("is not a sound file of a known format")
    return found


def _sound_stream(container: InputContainer) -> AudioStream | None:
    """Return the default audio stream, else the first one that can be decoded."""
    streams = [stream for stream in container.streams.audio if stream.codec_context]
    chosen = [stream for stream in streams if stream.disposition & stream.disposition.default]
    return next(iter([*chosen, *streams]), None)


def _first_frame_time(container: InputContainer) -> Fraction:
    """Return the time of the first displayed picture, in seconds of the container."""
    stream = video_stream(container)
    found = islice(packets(container, stream), _MAX_START_PACKETS)
    times = [packet.pts for packet in found if packet.pts is not None and not packet.is_discard]
    return min(times, default=0) * ratio(stream.time_base, Fraction(1))


def _decode_from(
    container: InputContainer, stream: AudioStream, origin: Fraction, start: Fraction
) -> Iterator[tuple[int, Block]]:
    """Yield the sound from shortly before *start* on, or from the beginning where the container seeks beyond that.

    Also starts at the beginning where that is near and the container's clock coarse: counted samples are more exact.
    """
    base = ratio(stream.time_base, Fraction(1))
    wanted = origin + start - _PREROLL
    if wanted > 0 and not (wanted < _NEAR_S and base * stream.rate > 1):
        with translate_errors():
            container.seek(int(wanted / base), stream=stream)
            first = next(container.decode(stream), None)
        late = first is None or first.pts is None or first.pts * base > origin + start
        with translate_errors():
            container.seek(0 if late else int(wanted / base), stream=stream)
    return _resample(_decode(container, stream), stream, origin, start)


def _decode(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    with translate_errors():
        yield from container.decode(stream)


def _without_times(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    for frame in frames:
        frame.pts = None
        yield frame


def _resample(
    frames: Iterator[AudioFrame], stream: AudioStream, origin: Fraction | None, start: Fraction
) -> Iterator[tuple[int, Block]]:
    """Yield blocks at the output rate, each with its place in samples after *start*.

    *origin* is the container's time that counts as 0, by default the time of the first frame.
    """
    run: _GaplessRun | None = None
    for frame, begins, gradual in assign_times(frames, ratio(stream.time_base, Fraction(1))):
        if begins is not None:
            origin = begins if origin is None else origin
            place = frames_in(begins - origin - start, Fraction(RATE))
            if run is not None and gradual:
                run.shift_to(place)
            else:
                yield from run.flush() if run is not None else ()
                run = _GaplessRun(frame, place)
        if run is not None:
            yield from run.add(frame)
    if run is not None:
        yield from run.flush()


class _GaplessRun:
    """Frames that follow each other without a gap; their first sample belongs at *place*."""

    def __init__(self, first: AudioFrame, place: int) -> None:
        self._mono = first.layout.nb_channels == 1
        self._rate = first.sample_rate
        self._begin = self._place = place
        self._count = self._shifted = 0
        self._resampler = AudioResampler(format="fltp", layout="mono" if self._mono else "stereo", rate=RATE)
        self._varispeed = Varispeed()

    def shift_to(self, place: int) -> None:
        """Move the next frame to *place*, gradually."""
        due = self._begin + frames_in(Fraction(self._count, self._rate), Fraction(RATE)) + self._shifted
        self._varispeed.shift(place - due)
        self._shifted += place - due

    def add(self, frame: AudioFrame) -> Iterator[tuple[int, Block]]:
        self._count += frame.samples
        frame.pts = None
        with translate_errors():
            resampled = self._resampler.resample(frame)
        return self._blocks(resampled)

    def flush(self) -> Iterator[tuple[int, Block]]:
        """Yield the samples that the resampler still holds."""
        with translate_errors():
            resampled = self._resampler.resample(None)
        yield from self._blocks(resampled)
        yield self._place, self._varispeed.flush()

    def _blocks(self, resampled: Iterable[AudioFrame]) -> Iterator[tuple[int, Block]]:
        for frame in resampled:
            samples = frame.to_ndarray()
            both = np.repeat(samples, 2, axis=0) if self._mono else samples
            block = self._varispeed.feed(np.ascontiguousarray(both, np.float32))
            yield self._place, block
            self._place += block.shape[1]


def _fill_gaps(blocks: Iterator[tuple[int, Block]]) -> Blocks:
    """Yield the blocks in sequence from 0 on: drop what lies before or overlaps, and fill gaps with silence."""
    at = 0
    for place, block in blocks:
        while place > at:
            gap = min(place - at, _SILENCE_SAMPLES)
            yield silence(gap)
            at += gap
        skip = at - place
        if skip < block.shape[1]:
            yield block[:, skip:]
            at = place + block.shape[1]
