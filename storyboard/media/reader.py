"""Opening a clip that nobody vouches for: only a file, only a video container, never larger than memory allows.

Owns what may be opened and how FFmpeg is kept from following names, playlists and references out of the file. What
the clip is good for is for others.

What decodes the pictures of a stream.

FFmpeg's own decoders of VP8 and VP9 leave out the transparency that WebM keeps beside each picture; libvpx reads it.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from io import RawIOBase
from pathlib import Path
from typing import Any, Protocol

import av
import av.logging
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from storyboard.media.render.encoder import file_url

# Room for 8K and its padding.
MAX_PIXELS = 8192 * 4352
_ATOMS = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_EBML = b"\x1aE\xdf\xa3"
_HEAD = 512


class InvalidMedia(Exception):
    """A clip that must not be used. ``reason`` continues "the clip ...": "has 92 of 192 frames"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableMedia(InvalidMedia):
    """A clip that can't be read at all, or not at the place asked for."""


# A title or comment in another encoding than UTF-8 is no reason to refuse a file: its bytes are kept as surrogates.
# PyAV 19 always reads texts so and no longer takes the argument; PyAV 18 raises an error without it.
_TEXTS: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "surrogateescape"}


@contextmanager
def container_at(source: Path | RawIOBase, box: str, options: Mapping[str, str]) -> Iterator[InputContainer]:
    """Open a file for reading as a container of the format *box*, and close it at the end.

    Every file is opened here. *options* are FFmpeg's; a protocol other than files is never followed. Raises
    ``UnreadableMedia`` if it can't be opened.
    """
    local = {"protocol_whitelist": "file", **options}
    with reading():
        file = file_url(source) if isinstance(source, Path) else source
        container = av.open(file, "r", format=box, options=local, **_TEXTS)
    with container:
        yield container


@contextmanager
def open_media(
    path: Path, *, strict: bool = False, raw: bool = False, packets_only: bool = False
) -> Iterator[InputContainer]:
    """Open *path* for reading, by its signature as MP4 or Matroska.

    With *strict*, the first damaged bit ends the reading; with *raw*, edit lists are ignored, so that every
    sample of the file comes out. With *packets_only* no decoder is started, not even to look at the first frame,
    which takes a tenth of the time. Decodes in the calling thread. Raises ``UnreadableMedia``, and ``OSError`` if the
    file itself can't be read.
    """
    options = {"max_pixels": str(MAX_PIXELS)}
    decoder = {"max_pixels": str(MAX_PIXELS)}
    if strict:
        options["err_detect"] = decoder["err_detect"] = "explode"
    if packets_only:
        options["codec_whitelist"] = "none"
    box = _signature(path)
    if raw and box == "mov":
        options["ignore_editlist"] = "1"
    with container_at(path, box, options) as container:
        for stream in container.streams.video:
            if stream.codec_context:  # None where the codec is unknown
                stream.codec_context.options = decoder
                stream.codec_context.thread_count = 1
        yield container


@contextmanager
def reading() -> Iterator[None]:
    """Turn what FFmpeg raises while a clip is read into ``UnreadableMedia``."""
    try:
        yield
    except FFmpegError as problem:
        raise UnreadableMedia(f"can't be read: {problem.strerror}") from problem


def picture_stream(container: InputContainer) -> VideoStream:
    """The one stream of moving pictures; its size may be 0 where only a decoder could tell it.

    Raises ``UnreadableMedia`` if there is none, more than one, or if its codec is unknown or its pictures too large.
    """
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if len(streams) != 1:
        raise UnreadableMedia("has no video stream" if not streams else f"has {len(streams)} video streams")
    if not streams[0].codec_context:
        raise UnreadableMedia("has pictures of an unknown codec")
    width, height = streams[0].width, streams[0].height
    if width * height > MAX_PIXELS:
        raise UnreadableMedia(f"has pictures of {width}x{height}")
    return streams[0]


class _Ratio(Protocol):
    """The interface that ``Fraction`` and PyAV's own type of ratio share."""

    @property
    def numerator(self) -> int: ...
    @property
    def denominator(self) -> int: ...


def ratio(value: _Ratio | None, otherwise: Fraction) -> Fraction:
    """A ratio of PyAV's as a fraction; *otherwise* if it is not known: ``None`` in PyAV 18, 0 in PyAV 19."""
    if value is None or not value.numerator:
        return otherwise
    return Fraction(value.numerator, value.denominator)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what FFmpeg reports as errors in this thread without raising them."""
    with _loud(), av.logging.Capture(local=True) as logs:
        messages: list[str] = []
        try:
            yield messages
        finally:
            messages.extend(text.strip() for _, _, text in logs)


def _signature(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise UnreadableMedia("is empty")
    if head[4:8] in _ATOMS:
        return "mov"
    if head.startswith(_EBML):
        return "matroska"
    if all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head):
        raise UnreadableMedia("is text, not a video")
    raise UnreadableMedia("is neither an MP4 nor a Matroska file")


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


_loudness = threading.Lock()
_listeners = 0


@contextmanager
def _loud() -> Iterator[None]:
    """FFmpeg's log at the level of errors while anybody listens; the level is one for the whole process."""
    global _listeners
    with _loudness:
        _listeners += 1
        if _listeners == 1:
            logging.getLogger("libav").addHandler(_SILENCE)
            av.logging.set_skip_repeated(False)
            av.logging.set_level(av.logging.ERROR)
    try:
        yield
    finally:
        with _loudness:
            _listeners -= 1
            if _listeners == 0:
                av.logging.set_level(None)


# What other threads report while one listens would otherwise end on stderr.
_SILENCE = logging.NullHandler()


_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def picture_decoder(stream: VideoStream) -> VideoCodecContext:
    """What to decode packets of *stream* with, from a keyframe on: its own decoder, or a new one where that is blind.

    Raises ``UnreadableMedia`` if nothing here sees what is transparent.
    """
    own = stream.codec_context
    name = _TRANSPARENT.get(own.codec.canonical_name) if stream.metadata.get("alpha_mode") == "1" else None
    if name is None:
        return own
    try:
        decoder = av.CodecContext.create(name, "r")
    except UnknownCodecError as problem:
        raise UnreadableMedia(f"is transparent, which takes {name} to see, and this PyAV comes without it") from problem
    if not isinstance(decoder, VideoCodecContext):
        raise TypeError(name)
    decoder.options = dict(own.options)
    decoder.thread_count = 1
    return decoder


def read_tags(path: Path) -> Mapping[str, str]:
    """Return the metadata of the container at *path*, by name. Raises ``UnreadableMedia`` and ``OSError``."""
    with open_media(path, packets_only=True) as container:
        return dict(container.metadata)
