"""Signatures of media files: the format of a picture, clip, font or sound by its first bytes, and by its boxes.

The only place that names these bytes. It is in the core because ``document`` checks the files of a project with it,
and ``engine`` checks downloaded pictures and names the media type of a conditioning picture. It opens no file: callers
pass bytes, or a function that reads them.
"""

import re
import struct
from collections.abc import Callable
from typing import Literal

FileKind = Literal["picture", "clip", "font", "sound"]
PictureType = Literal["image/png", "image/jpeg", "image/webp"]

# No signature here reaches further into a file.
SIGNATURE_BYTES = 16

_EBML = b"\x1aE\xdf\xa3"  # Matroska and WebM (RFC 8794, 11.2.1)
# Types of the boxes that an MP4 or MOV file may begin with (ISO/IEC 14496-12, 4.2; QTFF, "Atoms").
_BOX_TYPES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")


def picture_type(header: bytes) -> PictureType | None:
    """Return the media type of a PNG, JPEG or WebP file that begins with *header*, ``None`` for any other file.

    A RIFF file counts as WebP only if its form type says so (RFC 9649, 2.4): WAV and AVI are RIFF files too.
    """
    if header.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if header.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if header[:4] == b"RIFF" and header[8:12] == b"WEBP" else None


def is_mp4(header: bytes) -> bool:
    """Return whether *header* begins an MP4 or MOV file."""
    return header[4:8] in _BOX_TYPES


def is_matroska(header: bytes) -> bool:
    """Return whether *header* begins a Matroska or WebM file."""
    return header.startswith(_EBML)


def is_font(header: bytes) -> bool:
    """Return whether *header* begins a TrueType or OpenType font, or a collection of them."""
    return header.startswith((b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf"))


def is_audio(header: bytes) -> bool:
    """Return whether *header* begins a WAV, AIFF, FLAC, Ogg, MP3 or AAC file."""
    if header[:4] in (b"RIFF", b"RF64"):
        return header[8:12] == b"WAVE"
    if header[:4] == b"FORM":
        return header[8:12] in (b"AIFF", b"AIFC")
    # An MP3 without a tag and raw AAC begin with a sync word of eleven set bits.
    return header.startswith((b"fLaC", b"OggS", b"ID3")) or (header[:1] == b"\xff" and header[1:2] >= b"\xe0")


_AUDIO_FORMATS = {b"RIFF": "wav", b"RF64": "wav", b"FORM": "aiff", b"fLaC": "flac", b"OggS": "ogg"}


def container_format(header: bytes) -> str | None:
    """Return FFmpeg's name of the demuxer for a clip or sound that begins with *header*, ``None`` for other files."""
    if is_mp4(header):
        return "mov"
    if is_matroska(header):
        return "matroska"
    if not is_audio(header):
        return None
    # The layer bits of the sync word are 0 in ADTS (ISO/IEC 13818-7, 6.2) and never in MP3.
    is_adts = header[:1] == b"\xff" and header[1] & 0xF6 == 0xF0
    return "aac" if is_adts else _AUDIO_FORMATS.get(header[:4], "mp3")


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
        return "it has no sound" if index is not None and b"soun" not in index else None
    if is_matroska(head):
        begin = read(_HEAD, 0)
        return "it has no sound" if b"V_" in begin and b"A_" not in begin else None
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
        if at >= size:
            return None
        head = read(16, at)
        length = int.from_bytes(head[:4], "big")
        length = int.from_bytes(head[8:16], "big") if length == 1 else length or size - at
        if length < 8:
            return None
        if head[4:8] == b"moov":
            return read(length, at) if length <= _MOST_INDEX else None
        at += length
    return None
