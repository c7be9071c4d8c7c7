"""How long a Matroska or WebM file is, as it says itself (RFC 8794, 4 and 6; RFC 9559, 5.1.2).

It is the length of everything in it: where pictures go on after the sound, it is longer than that.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from math import isfinite

from storyboard.document.signatures import ReadAt

_SEGMENT, _INFO = 0x18538067, 0x1549A966
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_NANOSECONDS = 1_000_000_000
_MOST_ELEMENTS = 1000
_HEAD = 12  # four bytes of a name, eight of a length


def matroska_length(read: ReadAt, size: int) -> Fraction | None:
    """Seconds of a file of *size* bytes; ``None`` if it does not say, as one does not that was streamed."""
    for name, at, end in _elements(read, 0, size):
        if name == _SEGMENT:
            info = next(((at, end) for name, at, end in _elements(read, at, end) if name == _INFO), None)
            return None if info is None else _length(read, *info)
    return None


def _length(read: ReadAt, begin: int, end: int) -> Fraction | None:
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
    """Name, place and end of what stands side by side between two places; one of unknown length is the last."""
    for _ in range(_MOST_ELEMENTS):
        if at >= end:
            return
        head = read(_HEAD, at)
        long = _digits(head, 4)
        wide = _digits(head[long:], 8)
        name = int.from_bytes(head[:long], "big")
        value = int.from_bytes(head[long : long + wide], "big")
        begin, mask = at + long + wide, (1 << 7 * wide) - 1
        length = value & mask
        at = end if length == mask else min(end, begin + length)
        yield name, begin, at


def _digits(head: bytes, most: int) -> int:
    """How many bytes a number has that begins so. Raises ``IndexError`` if it is none."""
    wide = 9 - head[0].bit_length()
    if wide > most or wide > len(head):
        raise IndexError
    return wide
