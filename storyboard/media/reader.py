"""Untrusted clips: open a file as one of the known containers, within memory limits, and select its decoder.

Owns which files may be opened, and keeps FFmpeg from following names, playlists and references out of the file. Leaves
the judgement of the content to its callers. FFmpeg's own decoders of VP8 and VP9 omit the alpha channel that WebM
stores beside each picture; libvpx reads it.
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

from storyboard.core.file_signatures import is_matroska, is_mp4
from storyboard.media.render.encoder import file_url

# Room for 8K and its padding.
MAX_PIXELS = 8192 * 4352
_HEAD_BYTES = 512
# Accept a title or comment in another encoding than UTF-8: its bytes are kept as surrogates. PyAV 19 always does so and
# no longer takes the argument; PyAV 18 raises an error without it.
_TEXT_OPTIONS: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "surrogateescape"}
)

# PyAV 18 frees the channel map of a layout in an order of its own twice, which aborts the process.
_FREES_CHANNEL_MAPS_TWICE = int(av.__version__.split(".")[0]) < 19

_log_lock = threading.Lock()
_captures = 0
# Without a handler, messages of other threads during a capture would be printed to stderr.
_NULL_HANDLER = logging.NullHandler()
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


class InvalidMedia(Exception):
    """A clip that must not be used. ``reason`` continues "the clip ...": "has 92 of 192 frames"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableMedia(InvalidMedia):
    """A clip that can't be read at all, or not at the requested place."""


@contextmanager
def open_media(
    path: Path, *, strict: bool = False, raw: bool = False, packets_only: bool = False
) -> Iterator[InputContainer]:
    """Open *path* for reading as MP4 or Matroska, by its signature.

    With *strict*, the first damaged bit ends the reading; with *raw*, edit lists are ignored, so that every sample of
    the file is returned. With *packets_only* no decoder starts, not even for the first frame, which takes a tenth of
    the time. Decodes in the calling thread. Raises ``UnreadableMedia``, and ``OSError`` if the file itself can't be
    read.
    """
    options = {"max_pixels": str(MAX_PIXELS)}
    decoder = {"max_pixels": str(MAX_PIXELS)}
    if strict:
        options["err_detect"] = decoder["err_detect"] = "explode"
    if packets_only:
        options["codec_whitelist"] = "none"
    box = _detect_format(path)
    if raw and box == "mov":
        options["ignore_editlist"] = "1"
    with open_container(path, box, options) as container:
        for stream in container.streams.video:
            if stream.codec_context:  # None where the codec is unknown
                stream.codec_context.options = decoder
                stream.codec_context.thread_count = 1
        yield container


@contextmanager
def open_container(source: Path | RawIOBase, box: str, options: Mapping[str, str]) -> Iterator[InputContainer]:
    """Open a file for reading as the container *container_format*, and close it at the end.

    Every file is opened here. *options* are FFmpeg's; only the file protocol is allowed. Raises ``UnreadableMedia`` if
    it can't be opened.
    """
    local = {"protocol_whitelist": "file", **options}
    with translate_errors():
        file = file_url(source) if isinstance(source, Path) else source
        container = av.open(file, "r", format=box, options=local, **_TEXT_OPTIONS)
    with container:
        if _FREES_CHANNEL_MAPS_TWICE:
            _refuse_own_channel_orders(container)
        yield container


def _refuse_own_channel_orders(container: InputContainer) -> None:
    """Raise ``UnreadableMedia`` if a sound has its channels in an order of its own, as 7.1 in the MOV of a recorder."""
    import ctypes

    for stream in container.streams.audio:
        if not stream.codec_context:
            continue
        layout = stream.codec_context.layout
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))  # never freed: PyAV would free the map of the decoder
        if "(" in layout.name:
            raise UnreadableMedia(
                f"has sound of {layout.name}, in an order that PyAV {av.__version__} cannot read; PyAV 19, with Python "
                "3.12 or newer, can; or convert the sound, for example with FFmpeg's options `-c:v copy -c:a aac -ac 2`"
            )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise FFmpeg's errors of the block as ``UnreadableMedia``."""
    try:
        yield
    except FFmpegError as problem:
        raise UnreadableMedia(f"cannot be read: {problem.strerror}") from problem


@contextmanager
def capture_errors() -> Iterator[list[str]]:
    """Collect the errors that FFmpeg logs in this thread without raising them."""
    with _error_log_level(), av.logging.Capture(local=True) as logs:
        messages: list[str] = []
        try:
            yield messages
        finally:
            messages.extend(text.strip() for _, _, text in logs)


def video_stream(container: InputContainer) -> VideoStream:
    """Return the one video stream; its size may be 0 where only a decoder could tell it.

    Raises ``UnreadableMedia`` if there is none, more than one, or if its codec is unknown or its pictures too large.
    """
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if len(streams) != 1:
        raise UnreadableMedia("has no video stream" if not streams else f"has {len(streams)} video streams")
    if not streams[0].codec_context:
        raise UnreadableMedia("has an unknown video codec")
    width, height = streams[0].width, streams[0].height
    if width * height > MAX_PIXELS:
        raise UnreadableMedia(f"has frames of {width}x{height}, which are too large")
    return streams[0]


def video_decoder(stream: VideoStream) -> VideoCodecContext:
    """Return a decoder for packets of *stream* from a keyframe on: its own, or a new one where that omits alpha.

    Raises ``UnreadableMedia`` if no available decoder reads the alpha channel.
    """
    own = stream.codec_context
    name = _ALPHA_DECODERS.get(own.codec.canonical_name) if stream.metadata.get("alpha_mode") == "1" else None
    if name is None:
        return own
    try:
        decoder = av.CodecContext.create(name, "r")
    except UnknownCodecError as problem:
        raise UnreadableMedia(f"is transparent, which needs the decoder {name}, and this PyAV lacks it") from problem
    if not isinstance(decoder, VideoCodecContext):
        raise TypeError(name)
    decoder.options = dict(own.options)
    decoder.thread_count = 1
    return decoder


class _Ratio(Protocol):
    """Interface shared by ``Fraction`` and PyAV's ratio type."""

    @property
    def numerator(self) -> int: ...
    @property
    def denominator(self) -> int: ...


def ratio(value: _Ratio | None, default: Fraction) -> Fraction:
    """Return a ratio of PyAV's as a fraction; *default* if it is unknown: ``None`` in PyAV 18, 0 in PyAV 19."""
    if value is None or not value.numerator:
        return default
    return Fraction(value.numerator, value.denominator)


def _detect_format(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UnreadableMedia("is empty")
    if is_mp4(head):
        return "mov"
    if is_matroska(head):
        return "matroska"
    if all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head):
        raise UnreadableMedia("is text, not a video")
    raise UnreadableMedia("is neither an MP4 nor a Matroska file")


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


@contextmanager
def _error_log_level() -> Iterator[None]:
    """Set FFmpeg's log level to errors while any capture is active; the level is one for the whole process."""
    global _captures
    with _log_lock:
        _captures += 1
        if _captures == 1:
            logging.getLogger("libav").addHandler(_NULL_HANDLER)
            av.logging.set_skip_repeated(False)
            av.logging.set_level(av.logging.ERROR)
    try:
        yield
    finally:
        with _log_lock:
            _captures -= 1
            if _captures == 0:
                av.logging.set_level(None)


def read_tags(path: Path) -> Mapping[str, str]:
    """Return the metadata texts of *path* by name. Raises ``UnreadableMedia`` and ``OSError``."""
    with open_media(path, packets_only=True) as container:
        return dict(container.metadata)
