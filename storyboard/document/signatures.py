"""What the first bytes of a file tell about it: whether it can be the picture, clip, font or sound that it is used as.

Files are read through a function that reads at a place, so that it is the same for those of a disk and of a commit.
"""

from collections.abc import Callable
from typing import Literal

# Reads so many bytes at that offset, fewer at the end of the file.
ReadAt = Callable[[int, int], bytes]
Kind = Literal["picture", "clip", "font", "sound"]

MAX_PICTURE = 64 * 1024 * 1024
_HEADER = 16

_MOST_BOXES = 1000
_MOST_INDEX = 16 << 20
_HEAD = 1 << 16
EBML = b"\x1aE\xdf\xa3"
_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_KNOWN = "it is not a WAV, AIFF, FLAC, MP3, AAC, Ogg, MP4, MOV, Matroska or WebM file"


def unusable(kind: Kind, read: ReadAt, size: int) -> str | None:
    """Why a file of *size* bytes is none of that kind that can be used; ``None`` if it may be one.

    A picture is a PNG, JPEG or WebP file that can be sent, a clip one that may be of any size.
    """
    if kind == "sound":
        return _not_a_sound(read, size)
    header = read(_HEADER, 0)
    if kind == "clip":
        return None if _is_clip(header) else "it is not an MP4, MOV, Matroska or WebM video"
    if kind == "picture" and not _is_picture(header):
        return "it is not a PNG, JPEG or WebP picture"
    if kind == "font" and not _is_font(header):
        return "it is not a TrueType or OpenType font"
    return f"it is larger than {MAX_PICTURE >> 20} MiB" if size > MAX_PICTURE else None


def _is_picture(header: bytes) -> bool:
    png, jpeg = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
    return header.startswith((png, jpeg)) or (header[:4] == b"RIFF" and header[8:12] == b"WEBP")


def _is_clip(header: bytes) -> bool:
    return header[4:8] in _ATOMS or header.startswith(EBML)


def _is_font(header: bytes) -> bool:
    return header.startswith((b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf"))


def _not_a_sound(read: ReadAt, size: int) -> str | None:
    """Why a file of *size* bytes has no sound that can be used; ``None`` if it may have one.

    A film is asked for the kinds of its streams, as far as that can be told without decoding.
    """
    head = read(12, 0)
    if head[4:8] in _ATOMS:
        index = index_of(read, size)
        return "there is no sound in it" if index is not None and b"soun" not in index else None
    if head.startswith(EBML):
        begin = read(_HEAD, 0)
        return "there is no sound in it" if b"V_" in begin and b"A_" not in begin else None
    return None if _is_sound(head) else _KNOWN


def _is_sound(head: bytes) -> bool:
    if head[:4] in (b"RIFF", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    # an MP3 without a tag and raw AAC begin with eleven bits that are set
    return head.startswith((b"fLaC", b"OggS", b"ID3")) or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")


def index_of(read: ReadAt, size: int) -> bytes | None:
    """The ``moov`` box of an MP4 (ISO/IEC 14496-12, 4.2); ``None`` if it is not found or too large to be looked at."""
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
