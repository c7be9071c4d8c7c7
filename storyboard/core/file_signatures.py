"""Signatures of media files: the format of a picture, clip, font or sound by its first bytes.

The only place that names these bytes. It is in the core because ``document`` checks the files of a project with it,
and ``engine`` checks downloaded pictures and names the media type of a conditioning picture.
"""

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
