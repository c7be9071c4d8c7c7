"""Length of a sound or clip by its container, without decoding: PyAV reads headers, and packets where it has to.

This runs in the process of ``check``, on untrusted files, so it is limited: FFmpeg gets the format that
the signature states, reads at most ``MAX_READ`` bytes through an open descriptor, starts no decoder and follows
no reference to another file. A few bytes of a header can declare gigabytes: so FFmpeg may take ``MAX_MEMORY`` on
Linux, compressed headers and fragments of MP4 are not read, and ``core.file_signatures.is_measurable`` bounds the
other tables of an MP4. Lengths are known for

- WAV, AIFF, FLAC, Ogg with Vorbis or Opus, MP4 and MOV: by the header, edit lists and encoder delays applied;
- MP3 and AAC: by adding up packets, and by the frame count that an MP3 encoder wrote where there are too many;
- Matroska and WebM: by the header, whose duration is that of the longest stream. So pictures have no known length.
"""

import io
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from storyboard.core.file_signatures import SIGNATURE_BYTES, FileKind, container_format
from storyboard.media.reader import UnreadableMedia, open_container, ratio
from storyboard.operating_system import limited_memory, read_at

# `cli.project` remembers lengths by digest: raise its version when one comes out differently here.
MAX_READ = 64 << 20
MAX_MEMORY = 256 << 20
# Three minutes of frames. Few fades are longer, and `check` must stay fast.
_MAX_PACKETS = 1 << 13
_TAIL = 1 << 17
# Inflated in memory, and tables of a fragment without an entry for each sample (ISO/IEC 14496-12, 8.8.8).
_REFUSED_BOXES = (b"cmov", b"trun")
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
# Samples a second by the index in an ADTS header (ISO/IEC 13818-7, 6.2).
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_MICROSECONDS = 1_000_000
# No decoder; and 64 KiB to find out about streams: FFmpeg looks through more of a WAV for DTS and S/PDIF.
_OPTIONS = {"codec_whitelist": "none", "probesize": "65536"}

_AudioPacket: TypeAlias = "Packet[AudioStream]"


def media_length(descriptor: int, kind: FileKind) -> Fraction | None:
    """Return the seconds of sound or of moving pictures in an open file, ``None`` if they are not known.

    The descriptor stays open and keeps its position.
    """
    file = _LimitedFile(descriptor)
    box = container_format(read_at(descriptor, SIGNATURE_BYTES, 0))
    if box is None or (kind != "sound" and box != "mov"):
        return None
    try:
        with limited_memory(MAX_MEMORY), open_container(file, box, _OPTIONS) as container:
            length = _picture_length(container) if kind != "sound" else _sound_length(container, box, descriptor)
    except (UnreadableMedia, FFmpegError, OSError, ValueError, LookupError, ArithmeticError, MemoryError):
        return None
    return length if length and length > 0 and not file.exhausted else None


class _LimitedFile(io.RawIOBase):
    """An open file for FFmpeg that ends early at a limit: then it is ``exhausted``.

    The limit is ``MAX_READ`` bytes, or a box of an MP4 that may not be read.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._at = 0
        self._left = MAX_READ
        self._before = b""
        self.exhausted = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if len(buffer) > self._left:
            self.exhausted = True
            return 0
        data = read_at(self._descriptor, len(buffer), self._at)
        if any(name in self._before + data for name in _REFUSED_BOXES):
            self.exhausted = True
            return 0
        self._before = data[-3:]
        buffer[: len(data)] = data
        self._at += len(data)
        self._left -= len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        self._before = b""
        return self._at

    def tell(self) -> int:
        return self._at


def _picture_length(container: InputContainer) -> Fraction | None:
    return max((_stated_length(stream) for stream in container.streams.video), default=None)


def _stated_length(stream: AudioStream | VideoStream) -> Fraction:
    return (stream.duration or 0) * ratio(stream.time_base, Fraction(0))


def _sound_length(container: InputContainer, box: str, descriptor: int) -> Fraction | None:
    if box == "matroska":
        return Fraction(container.duration or 0, _MICROSECONDS)
    streams = container.streams.audio
    if not streams:
        return None
    if box in ("mp3", "aac"):
        return _frames_length(container, streams[0], box, descriptor)
    if box == "ogg":
        return _ogg_length(container, streams[0], descriptor)
    if box in ("wav", "aiff"):
        return _pcm_length(container, streams[0], descriptor)
    return max(_stated_length(stream) for stream in streams)


def _pcm_length(container: InputContainer, stream: AudioStream, descriptor: int) -> Fraction:
    """Return the stated length, or that of the bytes which are there if the file ends earlier."""
    first = next(_packets(container, stream), None)
    if first is None or first.pos is None or not first.duration:
        return _stated_length(stream)
    there = Fraction(os.fstat(descriptor).st_size - first.pos, first.size) * first.duration
    return min(_stated_length(stream), there * ratio(stream.time_base, Fraction(0)))


def _ogg_length(container: InputContainer, stream: AudioStream, descriptor: int) -> Fraction | None:
    """Return the length up to the last page, ``None`` if that page is of another stream (RFC 3533, 6)."""
    size = os.fstat(descriptor).st_size
    tail = read_at(descriptor, _TAIL, max(0, size - _TAIL))
    last = tail[tail.rfind(b"OggS") :]
    if last[14:18] != read_at(descriptor, 4, 14):
        return None
    first = next(_packets(container, stream), None)
    # Opus begins with samples before 0 that are not played (RFC 7845, 4.2); FFmpeg counts them in the length.
    skipped = min(0, (first.pts or 0) if first is not None and _is_opus(stream) else 0)
    return _stated_length(stream) + skipped * ratio(stream.time_base, Fraction(0))


def _is_opus(stream: AudioStream) -> bool:
    return bool(stream.codec_context) and stream.codec_context.name == "opus"  # None where the codec is unknown


def _frames_length(container: InputContainer, stream: AudioStream, box: str, descriptor: int) -> Fraction | None:
    """Return the length of all MP3 or AAC frames, less the delay and padding of the encoder.

    A count of frames that an MP3 encoder wrote is the upper limit. Without one, ``None`` if there are too many frames,
    or if anything but a tag lies among or behind them.
    """
    length_of = _adts_length if box == "aac" else _mp3_length
    length, end, stated, gaps = Fraction(0), 0, None, False
    for number, packet in enumerate(_packets(container, stream)):
        at = packet.pos or 0
        if number == 0 and box == "mp3" and _states_frames(descriptor, at):
            stated = _stated_length(stream)
        if number == _MAX_PACKETS:
            return stated
        gaps |= number > 0 and at != end
        length, end = length + length_of(packet), at + packet.size
    if stated is not None:
        return min(stated, length)
    behind = read_at(descriptor, SIGNATURE_BYTES, end)
    return None if gaps or (behind and not behind.startswith(_TAGS)) else length


def _adts_length(packet: _AudioPacket) -> Fraction:
    """Return the seconds of an AAC frame by its header: FFmpeg does not know them without its decoder.

    A frame has 1024 samples for each raw block (ISO/IEC 13818-7, 6.2).
    """
    head = bytes(packet)[:7]
    return Fraction(1024 * ((head[6] & 3) + 1), _ADTS_RATES[head[2] >> 2 & 15])


def _mp3_length(packet: _AudioPacket) -> Fraction:
    """Return the seconds of an MP3 frame without the samples that FFmpeg marks as delay or padding."""
    length = (packet.duration or 0) * ratio(packet.time_base, Fraction(0))
    if packet.has_sidedata("skip_samples"):
        marked = bytes(packet.get_sidedata("skip_samples"))
        skipped = int.from_bytes(marked[:4], "little") + int.from_bytes(marked[4:8], "little")
        length -= Fraction(skipped, packet.stream.codec_context.sample_rate)
    return length


def _states_frames(descriptor: int, begin: int) -> bool:
    """Return whether the MP3 frame before byte *begin* holds a count of frames."""
    lead = read_at(descriptor, min(begin, 1 << 11), max(0, begin - (1 << 11)))
    at = max(lead.rfind(b"Xing"), lead.rfind(b"Info"))
    return at >= 0 and bool(lead[at + 7] & 1)


def _packets(container: InputContainer, stream: AudioStream) -> Iterator[_AudioPacket]:
    return (packet for packet in container.demux(stream) if packet.size)
