"""How long the sound or the pictures in a file are, as far as its header says so; nothing is decoded.

WAV and AIFF, FLAC (RFC 9639, 8.2), MP3 with the frame count that its encoder wrote (Xing, Info), Ogg with Vorbis or
Opus (RFC 3533, 6; RFC 7845, 4), and MP4 and MOV (ISO/IEC 14496-12, 8.4.2 and 8.6.6). Frames without a count are
``walked``'s, Matroska is ``ebml``'s. Of other files nothing is known.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction

from storyboard.document.ebml import matroska_length
from storyboard.document.signatures import EBML, ReadAt, index_of
from storyboard.document.walked import MP3_RATES, walked

_MOST_CHUNKS = 1000
_TAIL = 1 << 17
_STREAMED = 0xFFFFFFFF
_OPUS_RATE = 48_000


def sound_length(read: ReadAt, size: int) -> Fraction | None:
    """Seconds of sound in a file of *size* bytes; ``None`` if its header does not say."""
    head = read(12, 0)
    try:
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return _wav(read, size)
        if head[:4] == b"FORM":
            return _aiff(read, size)
        if head[:4] == b"fLaC":
            packed = int.from_bytes(read(8, 18), "big")
            return _seconds(packed & (1 << 36) - 1, packed >> 44)
        if head[:4] == b"OggS":
            return _ogg(read, size)
        if head[:3] == b"ID3" or (head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
            return _in_frames(read, size, head)
        if head[:4] == EBML:
            return matroska_length(read, size)
        return _mp4(index_of(read, size) or b"", b"soun")
    except (IndexError, struct.error):  # a header that is cut short or lies
        return None


def picture_length(read: ReadAt, size: int) -> Fraction | None:
    """Seconds of moving pictures in an MP4 or MOV of *size* bytes; ``None`` if its header does not say.

    Other containers tell only how long everything in them is together.
    """
    try:
        return None if read(4, 0) == EBML else _mp4(index_of(read, size) or b"", b"vide")
    except (IndexError, struct.error):
        return None


def _seconds(samples: int, rate: int) -> Fraction | None:
    return Fraction(samples, rate) if samples and rate else None


def _chunks(read: ReadAt, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of the chunks of a WAV or AIFF file."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            return
        name, length = struct.unpack(f"{order}4sI", read(8, at))
        yield name, at + 8, length
        at += 8 + length + length % 2


def _wav(read: ReadAt, size: int) -> Fraction | None:
    per_second = 0
    for name, at, length in _chunks(read, size, "<"):
        if name == b"fmt ":
            [per_second] = struct.unpack("<I", read(4, at + 8))
        if name == b"data":
            there = size - at if length in (0, _STREAMED) else min(length, size - at)
            return _seconds(there, per_second)
    return None


def _aiff(read: ReadAt, size: int) -> Fraction | None:
    for name, at, _ in _chunks(read, size, ">"):
        if name == b"COMM":
            frames, _, exponent, mantissa = struct.unpack(">IHHQ", read(16, at + 2))
            rate = Fraction(mantissa) * Fraction(2) ** ((exponent & 0x7FFF) - 16383 - 63)
            return Fraction(frames) / rate if frames and rate else None
    return None


def _in_frames(read: ReadAt, size: int, head: bytes) -> Fraction | None:
    """MP3 or AAC, behind a tag."""
    at = 0
    if head[:3] == b"ID3":
        sizes = read(4, 6)
        at = 10 + (sizes[0] << 21 | sizes[1] << 14 | sizes[2] << 7 | sizes[3])
    frame = read(192, at)
    return _counted(frame) if b"Xing" in frame or b"Info" in frame else walked(read, size, at)


def _counted(frame: bytes) -> Fraction | None:
    """By the count in the first frame of an MP3."""
    version, layer, rate = frame[1] >> 3 & 3, frame[1] >> 1 & 3, frame[2] >> 2 & 3
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    if frame[0] != 0xFF or layer != 1 or tag < 0 or not frame[tag + 7] & 1:
        return None
    [frames] = struct.unpack(">I", frame[tag + 8 : tag + 12])
    samples = frames * (1152 if version == 3 else 576) - _padding(frame[tag + 8 :], frame[tag + 7])
    return _seconds(max(0, samples), MP3_RATES[version][rate])


def _padding(fields: bytes, flags: int) -> int:
    """Samples that the encoder put before and behind the sound, as it says beyond the fields that *flags* name."""
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
        return _seconds(max(0, samples - skipped), _OPUS_RATE)
    if packet.startswith(b"\x01vorbis"):
        [rate] = struct.unpack("<I", packet[12:16])
        return _seconds(max(0, samples), rate)
    return None


def _mp4(index: bytes, kind: bytes) -> Fraction | None:
    """The longest track of that *kind* that the ``moov`` box lists; of one in fragments it says nothing."""
    found = []
    for track in index.split(b"trak")[1:]:
        at = track.find(b"mdhd") + 4
        if kind not in _handler(track) or at < 4:
            continue
        form, skip = (">IQ", 20) if track[at] else (">II", 12)
        scale, length = struct.unpack_from(form, track, at + skip)
        found.append(_edited(index, track) or _seconds(length, scale))
    return max((length for length in found if length), default=None)


def _handler(track: bytes) -> bytes:
    """What the first ``hdlr`` box of a track says that it is of (ISO/IEC 14496-12, 8.4.3)."""
    at = track.find(b"hdlr")
    return track[at + 12 : at + 16]


def _edited(index: bytes, track: bytes) -> Fraction | None:
    """What the edit list of a track leaves of it; ``None`` if it has none."""
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
    return _seconds(shown, scale)
