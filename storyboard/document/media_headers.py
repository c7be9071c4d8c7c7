"""Headers of media files: whether a file can be the picture, clip, font or sound it is used as.

A header is read only as far as its signature, and for sounds to the list of streams. Lengths are measured by a function
that the caller supplies (``project_files.DiskFiles``). Files are read through a function, so that files on disk and in
a commit are read alike.
"""

import re
import struct
from collections.abc import Callable

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
_SAMPLE_SIZES = re.compile(rb"stsz.{4}(.{8})", re.DOTALL)
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


def is_measurable(read: ReadAt, size: int) -> bool:
    """Return whether FFmpeg can read the header of a clip or sound of *size* bytes in bounded memory.

    FFmpeg builds a table of the samples that the ``moov`` box of an MP4 declares. So the box must be there and of
    limited size, and samples of one constant size must fit into the file (ISO/IEC 14496-12, 8.7.3.2). QuickTime counts
    compressed samples of sound as one byte each, though up to five share one.
    """
    if not is_mp4(read(SIGNATURE_BYTES, 0)):
        return True
    index = index_of(read, size)
    if index is None:
        return False
    tables = (struct.unpack(">II", found[1]) for found in _SAMPLE_SIZES.finditer(index))
    return all(sample * count <= 8 * size for sample, count in tables)


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
