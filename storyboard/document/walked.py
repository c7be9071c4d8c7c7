"""How long a sound is that is nothing but frames, told from their headers alone: MP3 without a count, and AAC (ADTS).

One frame says where the next one begins (ISO/IEC 11172-3, 2.4.1.3; ISO/IEC 13818-7, 6.2). Files with anything else
among their frames say nothing, nor do sounds of more than three minutes: hardly a fade takes that long, and a check is
not kept waiting.
"""

from collections.abc import Callable
from fractions import Fraction

from msgspec import Struct

from storyboard.document.signatures import ReadAt

# Samples a second of MPEG 2.5, none, 2 and 1, by the two bits behind those of the version.
MP3_RATES = ((11025, 12000, 8000), (), (22050, 24000, 16000), (44100, 48000, 32000))
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
# Kilobits a second of layer III, of MPEG 1 and of the others, from the first index that is not free.
_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
_MOST_FRAMES = 1 << 13
_BLOCK = 1 << 16
_HEAD = 11


class Frame(Struct, frozen=True):
    """One frame as its header tells: its bytes, its samples, and samples a second."""

    length: int
    samples: int
    rate: int


def walked(read: ReadAt, size: int, at: int) -> Fraction | None:
    """Seconds of the frames from byte *at* to the end of a file of *size* bytes."""
    first = read(_HEAD, at)
    header = next((kind for kind in (mp3_frame, adts_frame) if kind(first) is not None), None)
    return None if header is None else _added_up(read, size, at, header)


def _added_up(read: ReadAt, size: int, at: int, header: Callable[[bytes], Frame | None]) -> Fraction | None:
    samples, rate, block, base = 0, 0, b"", at
    for _ in range(_MOST_FRAMES):
        if at + _HEAD > base + len(block):
            block, base = read(_BLOCK, at), at
        head = block[at - base : at - base + _HEAD]
        frame = header(head)
        if at >= size or head.startswith(_TAGS):
            return Fraction(samples, rate) if rate else None
        if frame is None or rate not in (0, frame.rate):
            return None
        samples, rate, at = samples + frame.samples, frame.rate, at + frame.length
    return None


def mp3_frame(head: bytes) -> Frame | None:
    """The frame of layer III that begins so; none of a free bit rate, whose header does not tell its length."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, bits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bits in (0, 15) or rate == 3:
        return None
    samples, kilobits = (1152, _MPEG_1) if version == 3 else (576, _MPEG_2)
    length = samples // 8 * 1000 * kilobits[bits - 1] // MP3_RATES[version][rate] + (head[2] >> 1 & 1)
    return Frame(length, samples, MP3_RATES[version][rate])


def adts_frame(head: bytes) -> Frame | None:
    """The frame of AAC that begins so."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate = head[2] >> 2 & 15
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(_AAC_RATES) or length < 7:
        return None
    return Frame(length, 1024 * ((head[6] & 3) + 1), _AAC_RATES[rate])
