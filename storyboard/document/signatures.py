"""What the first bytes of a file tell about the sound in it, read through a function that reads at a place."""

from collections.abc import Callable

# Reads so many bytes at that offset, fewer at the end of the file.
ReadAt = Callable[[int, int], bytes]

_MOST_BOXES = 1000
_MOST_INDEX = 16 << 20
_HEAD = 1 << 16
_EBML = b"\x1aE\xdf\xa3"
_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_KNOWN = "it is not a WAV, AIFF, FLAC, MP3, AAC, Ogg, MP4, MOV, Matroska or WebM file"


def not_a_sound(read: ReadAt, size: int) -> str | None:
    """Why a file of *size* bytes has no sound that can be used; ``None`` if it may have one.

    A film is asked for the kinds of its streams, as far as that can be told without decoding.
    """
    head = read(12, 0)
    if head[4:8] in _ATOMS:
        index = _index(read, size)
        return "there is no sound in it" if index is not None and b"soun" not in index else None
    if head.startswith(_EBML):
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


def _index(read: ReadAt, size: int) -> bytes | None:
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
