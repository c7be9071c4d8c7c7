"""Length of sounds and clips by their headers, and the check that a file is of the kind it is used as.

Nothing is decoded. Lengths are known for WAV and AIFF, FLAC (RFC 9639, 8.2), MP3 (by the frame count in its Xing or
Info tag, else by its frame headers), AAC in ADTS frames, Ogg with Vorbis or Opus (RFC 3533, 6; RFC 7845, 4), MP4 and
MOV (ISO/IEC 14496-12, 8.4.2 and 8.6.6), and Matroska (RFC 8794, 4 and 6; RFC 9559, 5.1.2).

An MP3 or AAC frame states its own size (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-7, 6.2). Files with other data between
frames, or more frames than ``_MOST_FRAMES`` (three minutes), have no known length: few fades are longer, and `check`
must stay fast. Matroska states the duration of the whole file, which exceeds that of the sound if the pictures go on.

Files are read through a function, so that files on disk and in a commit are read alike.
"""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isfinite

from msgspec import Struct

from storyboard.core.file_signatures import (
    SIGNATURE_BYTES,
    FileKind,
    is_audio,
    is_font,
    is_matroska,
    is_mp4,
    picture_type,
)

# Reads so many bytes at that offset, fewer at the end of the file.
ReadAt = Callable[[int, int], bytes]

MAX_PICTURE = 64 * 1024 * 1024
_MOST_BOXES = 1000
_MOST_INDEX = 16 << 20
_HEAD = 1 << 16
_KNOWN = "it is not a WAV, AIFF, FLAC, MP3, AAC, Ogg, MP4, MOV, Matroska or WebM file"


def file_problem(kind: FileKind, read: ReadAt, size: int) -> str | None:
    """Return the reason why a file of *size* bytes cannot be used as *kind*, ``None`` if it may be one.

    Pictures are limited to ``MAX_PICTURE`` bytes, since they are sent to providers; clips may have any size.
    """
    if kind == "sound":
        return _sound_problem(read, size)
    header = read(SIGNATURE_BYTES, 0)
    if kind == "clip":
        return None if is_mp4(header) or is_matroska(header) else "it is not an MP4, MOV, Matroska or WebM video"
    if kind == "picture" and picture_type(header) is None:
        return "it is not a PNG, JPEG or WebP picture"
    if kind == "font" and not is_font(header):
        return "it is not a TrueType or OpenType font"
    return f"it is larger than {MAX_PICTURE >> 20} MiB" if size > MAX_PICTURE else None


def _sound_problem(read: ReadAt, size: int) -> str | None:
    """Return the reason why a file of *size* bytes has no usable sound, ``None`` if it may have one.

    A video file is searched for an audio stream, as far as its header lists the streams.
    """
    head = read(12, 0)
    if is_mp4(head):
        index = index_of(read, size)
        return "there is no sound in it" if index is not None and b"soun" not in index else None
    if is_matroska(head):
        begin = read(_HEAD, 0)
        return "there is no sound in it" if b"V_" in begin and b"A_" not in begin else None
    return None if is_audio(head) else _KNOWN


def index_of(read: ReadAt, size: int) -> bytes | None:
    """Return the ``moov`` box of an MP4 (ISO/IEC 14496-12, 4.2), ``None`` if there is none or it is too large."""
    at = 0
    for _ in range(_MOST_BOXES):
        head = read(16, at)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:16], "big") if length == 1 else length or size - at
        if length < 8 or at >= size:
            return None
        if head[4:8] == b"moov":
            return read(length, at) if length <= _MOST_INDEX else None
        at += length
    return None


# Samples a second of MPEG 2.5, none, 2 and 1, by the two bits behind those of the version.
MP3_RATES = ((11025, 12000, 8000), (), (22050, 24000, 16000), (44100, 48000, 32000))
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
# Kilobits a second of layer III, of MPEG 1 and of the others, from the first index that is not free.
_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
_MOST_FRAMES = 1 << 13
_BLOCK = 1 << 16
_TAG_HEAD = 11


class AudioFrameHeader(Struct, frozen=True):
    """The header of one audio frame: its bytes, its samples, and samples a second."""

    length: int
    samples: int
    rate: int


def frames_length(read: ReadAt, size: int, at: int) -> Fraction | None:
    """Return the seconds of the frames from byte *at* to the end of a file of *size* bytes."""
    first = read(_TAG_HEAD, at)
    header = next((kind for kind in (mp3_frame, adts_frame) if kind(first) is not None), None)
    return None if header is None else _sum_frames(read, size, at, header)


def _sum_frames(
    read: ReadAt, size: int, at: int, header: Callable[[bytes], AudioFrameHeader | None]
) -> Fraction | None:
    samples, rate, block, base = 0, 0, b"", at
    for _ in range(_MOST_FRAMES):
        if at + _TAG_HEAD > base + len(block):
            block, base = read(_BLOCK, at), at
        head = block[at - base : at - base + _TAG_HEAD]
        frame = header(head)
        if at >= size or head.startswith(_TAGS):
            return Fraction(samples, rate) if rate else None
        if frame is None or rate not in (0, frame.rate):
            return None
        samples, rate, at = samples + frame.samples, frame.rate, at + frame.length
    return None


def mp3_frame(head: bytes) -> AudioFrameHeader | None:
    """Return the frame of layer III with that header, ``None`` for a free bit rate, which states no length."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, bits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bits in (0, 15) or rate == 3:
        return None
    samples, kilobits = (1152, _MPEG_1) if version == 3 else (576, _MPEG_2)
    length = samples // 8 * 1000 * kilobits[bits - 1] // MP3_RATES[version][rate] + (head[2] >> 1 & 1)
    return AudioFrameHeader(length, samples, MP3_RATES[version][rate])


def adts_frame(head: bytes) -> AudioFrameHeader | None:
    """Return the frame of AAC with that header."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate = head[2] >> 2 & 15
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(_AAC_RATES) or length < 7:
        return None
    return AudioFrameHeader(length, 1024 * ((head[6] & 3) + 1), _AAC_RATES[rate])


_SEGMENT, _INFO = 0x18538067, 0x1549A966
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_NANOSECONDS = 1_000_000_000
_MOST_ELEMENTS = 1000
_ELEMENT_HEAD = 12  # four bytes of a name, eight of a length


def matroska_length(read: ReadAt, size: int) -> Fraction | None:
    """Return the seconds of a file of *size* bytes, ``None`` if it does not state them, as a live stream."""
    for name, at, end in _elements(read, 0, size):
        if name == _SEGMENT:
            info = next(((at, end) for name, at, end in _elements(read, at, end) if name == _INFO), None)
            return None if info is None else _info_length(read, *info)
    return None


def _info_length(read: ReadAt, begin: int, end: int) -> Fraction | None:
    scale, duration = 1_000_000, 0.0
    for name, at, stop in _elements(read, begin, end):
        data = read(min(8, stop - at), at)
        if name == _SCALE:
            scale = int.from_bytes(data, "big")
        elif name == _DURATION and len(data) in (4, 8):
            [duration] = struct.unpack(">f" if len(data) == 4 else ">d", data)
    if not isfinite(duration) or duration <= 0 or not scale:
        return None
    return Fraction(duration) * scale / _NANOSECONDS


def _elements(read: ReadAt, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield name, start and end of adjacent elements; one of unknown length is the last."""
    for _ in range(_MOST_ELEMENTS):
        if at >= end:
            return
        head = read(_ELEMENT_HEAD, at)
        long = _number_width(head, 4)
        wide = _number_width(head[long:], 8)
        name = int.from_bytes(head[:long], "big")
        value = int.from_bytes(head[long : long + wide], "big")
        begin, mask = at + long + wide, (1 << 7 * wide) - 1
        length = value & mask
        at = end if length == mask else min(end, begin + length)
        yield name, begin, at


def _number_width(head: bytes, most: int) -> int:
    """Return the width in bytes of the number that begins *head*. Raises ``IndexError`` if it is none."""
    wide = 9 - head[0].bit_length()
    if wide > most or wide > len(head):
        raise IndexError
    return wide


_MOST_CHUNKS = 1000
_TAIL = 1 << 17
_STREAMED = 0xFFFFFFFF
_OPUS_RATE = 48_000


def sound_length(read: ReadAt, size: int) -> Fraction | None:
    """Return the seconds of sound in a file of *size* bytes, ``None`` if its header does not state them."""
    head = read(12, 0)
    try:
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return _wav(read, size)
        if head[:4] == b"FORM":
            return _aiff(read, size)
        if head[:4] == b"fLaC":
            packed = int.from_bytes(read(8, 18), "big")
            return _to_seconds(packed & (1 << 36) - 1, packed >> 44)
        if head[:4] == b"OggS":
            return _ogg(read, size)
        if head[:3] == b"ID3" or (head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
            return _tagged_frames_length(read, size, head)
        if is_matroska(head):
            return matroska_length(read, size)
        return _mp4(index_of(read, size) or b"", b"soun")
    except (IndexError, struct.error):  # a header that is cut short or lies
        return None


def picture_length(read: ReadAt, size: int) -> Fraction | None:
    """Return the seconds of moving pictures in an MP4 or MOV of *size* bytes, ``None`` if not stated.

    Other containers only state how long all streams together are.
    """
    try:
        return None if is_matroska(read(4, 0)) else _mp4(index_of(read, size) or b"", b"vide")
    except (IndexError, struct.error):
        return None


def _to_seconds(samples: int, rate: int) -> Fraction | None:
    return Fraction(samples, rate) if samples and rate else None


def _iterate_chunks(read: ReadAt, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of the chunks of a WAV or AIFF file."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            return
        name, length = struct.unpack(f"{order}4sI", read(8, at))
        yield name, at + 8, length
        at += 8 + length + length % 2


def _wav(read: ReadAt, size: int) -> Fraction | None:
    per_second = 0
    for name, at, length in _iterate_chunks(read, size, "<"):
        if name == b"fmt ":
            [per_second] = struct.unpack("<I", read(4, at + 8))
        if name == b"data":
            there = size - at if length in (0, _STREAMED) else min(length, size - at)
            return _to_seconds(there, per_second)
    return None


def _aiff(read: ReadAt, size: int) -> Fraction | None:
    for name, at, _ in _iterate_chunks(read, size, ">"):
        if name == b"COMM":
            frames, _, exponent, mantissa = struct.unpack(">IHHQ", read(16, at + 2))
            rate = Fraction(mantissa) * Fraction(2) ** ((exponent & 0x7FFF) - 16383 - 63)
            return Fraction(frames) / rate if frames and rate else None
    return None


def _tagged_frames_length(read: ReadAt, size: int, head: bytes) -> Fraction | None:
    """Return the length of MP3 or AAC frames behind a tag."""
    at = 0
    if head[:3] == b"ID3":
        sizes = read(4, 6)
        at = 10 + (sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3])
    frame = read(192, at)
    return _stated_frames_length(frame) if b"Xing" in frame or b"Info" in frame else frames_length(read, size, at)


def _stated_frames_length(frame: bytes) -> Fraction | None:
    """Return the length by the count in the first frame of an MP3."""
    version, layer, rate = frame[1] >> 3 & 3, frame[1] >> 1 & 3, frame[2] >> 2 & 3
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if frame[0] != 0xFF or layer != 1 or tag < 0 or not frame[tag + 7] & 1:
        return None
    [frames] = struct.unpack(">I", frame[tag + 8 : tag + 12])
    samples = frames * (1152 if version == 3 else 576) - _padding_samples(frame[tag + 8 :], frame[tag + 7])
    return _to_seconds(max(0, samples), MP3_RATES[version][rate])


def _padding_samples(fields: bytes, flags: int) -> int:
    """Return the delay and padding of the encoder in samples, which it wrote behind the fields in *flags*."""
    at = sum(length for bit, length in enumerate((4, 4, 100, 4)) if flags >> bit & 1)
    if fields[at : at + 4] not in (b"LAME", b"Lavf", b"Lavc"):
        return 0
    packed = int.from_bytes(fields[at + 21 : at + 24], "big")
    return (packed >> 12) + (packed & 0xFFF)


def _ogg(read: ReadAt, size: int) -> Fraction | None:
    first = read(96, 0)
    packet = first[27 + first[26] :]
    tail = read(_TAIL, max(0, size - _TAIL))
    page = tail[tail.rindex(b"OggS") :] if b"OggS" in tail else b""
    if page[14:18] != first[14:18]:  # another stream: pictures beside the sound, or one that was put behind it
        return None
    [samples] = struct.unpack("<q", page[6:14])
    if packet.startswith(b"OpusHead"):
        [skipped] = struct.unpack("<H", packet[10:12])
        return _to_seconds(max(0, samples - skipped), _OPUS_RATE)
    if packet.startswith(b"\x01vorbis"):
        [rate] = struct.unpack("<I", packet[12:16])
        return _to_seconds(max(0, samples), rate)
    return None


def _mp4(index: bytes, kind: bytes) -> Fraction | None:
    """Return the length of the longest track of that *kind* in the ``moov`` box, ``None`` for fragments."""
    found = []
    for track in index.split(b"trak")[1:]:
        at = track.find(b"mdhd") + 4
        if kind not in _handler_type(track) or at < 4:
            continue
        form, skip = (">IQ", 20) if track[at] else (">II", 12)
        scale, length = struct.unpack_from(form, track, at + skip)
        found.append(_edited_length(index, track) or _to_seconds(length, scale))
    return max((length for length in found if length), default=None)


def _handler_type(track: bytes) -> bytes:
    """Return the type in the first ``hdlr`` box of a track (ISO/IEC 14496-12, 8.4.3)."""
    at = track.find(b"hdlr")
    return track[at + 12 : at + 16]


def _edited_length(index: bytes, track: bytes) -> Fraction | None:
    """Return the length that the edit list of a track leaves of it, ``None`` without a list."""
    at, movie = track.find(b"elst") + 4, index.find(b"mvhd") + 4
    if at < 4 or movie < 4:
        return None
    [scale] = struct.unpack_from(">I", index, movie + (20 if index[movie] else 12))
    entry = ">QqI" if track[at] else ">IiI"
    [count] = struct.unpack_from(">I", track, at + 4)
    shown = 0
    for number in range(min(count, _MOST_CHUNKS)):
        length, begin, _ = struct.unpack_from(entry, track, at + 8 + number * struct.calcsize(entry))
        shown += length if begin >= 0 else 0
    return _to_seconds(shown, scale)
