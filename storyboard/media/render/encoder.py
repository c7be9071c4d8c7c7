"""Encoder of all clips: pictures to an H.264 MP4, with equal bytes each time.

Owns the codec settings, the container, and the version of the renderer, which is part of the keys of segments. The
caller passes a temporary path and probes the result. The encoder library is loaded when a writer is made.
"""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from storyboard.core.model import Json, Size
from storyboard.durable import remove

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

    from storyboard.media.render.color import Rgb


# Raise this whenever an equal segment would get other pixels.
RENDERER_VERSION = 4
# Libraries that determine the bytes of a segment. PyAV's own version implies the FFmpeg inside it.
LIBRARIES = ("moviepy", "av", "pillow")
_MIN_MBTREE_WIDTH = 128
# Takes number their parameter sets from 0; segments need other numbers to share a sample entry with them, and segments
# with a slate their own number, since they have another preset.
SEGMENT_PARAMETER_SET, SLATED_PARAMETER_SET = 1, 2
# A third of the encoding time of the default preset. Equal for all animatics, which so share parameter sets.
ANIMATIC_CRF, ANIMATIC_PRESET = 20, "ultrafast"


class Encoding(Struct, frozen=True):
    """Settings that may differ between two clips of one size and rate.

    ``crf`` and ``preset`` are x264's; ``parameter_set_id`` numbers the SPS and PPS in the bitstream (0 to 30), so that
    clips with different numbers fit into one sample entry. ``threads`` are x264's own; the bytes depend on their
    number, not on the processor's.
    """

    crf: int = 18
    preset: str = "veryfast"
    parameter_set_id: int = 0
    threads: int = 1


def renderer_id() -> dict[str, Json]:
    """Return the versions that determine the bytes of a segment. Imports none of the libraries."""
    from importlib.metadata import version  # slower to import than a whole small plan takes

    libraries = {name: version(name) for name in LIBRARIES}
    return {"renderer": RENDERER_VERSION, **libraries}


def file_url(path: Path) -> str:
    """Return *path* as a URL that FFmpeg can only read as a file, whatever its name."""
    return f"file:{path.absolute()}"


class ClipWriter:
    """Writes pictures into an H.264 MP4 as they come; only the encoder's own pictures stay in memory.

    yuv420p, BT.709 in the tv range, converted and tagged; closed groups of pictures of one second, no B-frames, so that
    the clip can be cut at any frame; constant rate; faststart; no date inside. If the ``with`` block raises, or the
    file can't be finished, the file is removed.

    Raises ``ValueError`` if a side of *size* is odd or not positive, or if a picture has another shape or type than
    expected; ``OSError`` if the file can't be written.
    """

    def __init__(self, path: Path, size: Size, rate: Fraction, encoding: Encoding = Encoding()) -> None:  # noqa: B008 - frozen
        import av

        if size.width <= 0 or size.height <= 0 or size.width % 2 or size.height % 2:
            raise ValueError(f"not a size for yuv420p: {size}")
        self.frames = 0
        self._last: VideoFrame | None = None
        self._path = path
        self._shape = (size.height, size.width, 3)
        self._container = av.open(
            file_url(path),
            "w",
            format="mp4",
            container_options={"movflags": "+faststart", "fflags": "+bitexact"},
        )
        self._sink: Callable[[list[Packet[VideoStream]]], object] = self._container.mux
        self._sealed = False
        self._second = _frames_of_a_second(rate)
        self._converter = _converter()
        try:
            self._stream = self._add_stream(size, rate, encoding)
        except BaseException:
            self._discard()
            raise

    def _add_stream(self, size: Size, rate: Fraction, encoding: Encoding) -> "VideoStream":
        from storyboard.media.render.color import tag_bt709

        stream = self._container.add_stream("libx264", rate=rate, options=_options(size, rate, encoding))
        stream.width, stream.height = size.width, size.height
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / rate
        stream.codec_context.time_base = 1 / rate
        stream.codec_context.thread_count = encoding.threads
        tag_bt709(stream.codec_context)
        return stream

    def write(self, picture: "Rgb") -> None:
        """Append one frame: RGB, shape (height, width, 3), uint8, full range."""
        from storyboard.media.render.color import rgb_to_frame

        if picture.shape != self._shape or picture.dtype != "uint8":
            raise ValueError(f"not a {self._shape} uint8 picture: {picture.shape} {picture.dtype}")
        self._append(rgb_to_frame(picture, self._converter))

    def write_planes(self, picture: "Rgb") -> None:
        """Append one frame: yuv420p, shape (height * 3 / 2, width), uint8, BT.709 in the tv range.

        Raises ``ValueError`` for another shape.
        """
        from storyboard.media.render.color import planes_to_frame

        height, width, _ = self._shape
        if picture.shape != (height * 3 // 2, width) or picture.dtype != "uint8":
            raise ValueError(f"not {width}x{height} uint8 planes of yuv420p: {picture.shape} {picture.dtype}")
        self._append(planes_to_frame(picture))

    def hold(self, picture: "Rgb", frames: int) -> None:
        """Write the whole clip: one frame as for ``write_planes``, held for *frames*.

        One group of pictures is encoded, and its packets are repeated. Raises ``ValueError`` if frames were written.
        """
        if self.frames:
            raise ValueError("a held picture is the whole clip")
        group = min(frames, self._second)
        sealed: list[Packet[VideoStream]] = []
        mux, self._sink = self._container.mux, sealed.extend
        self.write_planes(picture)
        for _ in range(group - 1):
            self.repeat()
        sealed.extend(self._stream.encode(None))
        self._sink, self._sealed = mux, True
        for first in range(0, frames, group):
            mux([_shift(packet, first) for packet in sealed[: frames - first]])
        self.frames = frames

    def repeat(self) -> None:
        """Append the last frame once more. Raises ``ValueError`` if there is none."""
        if self._last is None:
            raise ValueError("no frame to repeat")
        self._append(self._last)

    def _append(self, frame: "VideoFrame") -> None:
        self._last = frame
        frame.pts = self.frames
        frame.time_base = self._stream.codec_context.time_base
        self._sink(self._stream.encode(frame))
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            if not self._sealed:
                self._container.mux(self._stream.encode(None))
            self._container.close()
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        try:
            self._container.close()
        except OSError:
            pass  # the file is removed anyway
        finally:
            remove(self._path)


def _shift(packet: "Packet[VideoStream]", frames: int) -> "Packet[VideoStream]":
    """Return a copy of *packet* that is shown *frames* later; a frame is one tick of the encoder's time base."""
    from av.packet import Packet

    copy: Packet[Any] = Packet(bytes(packet))
    copy.stream, copy.time_base, copy.is_keyframe = packet.stream, packet.time_base, packet.is_keyframe
    copy.pts, copy.dts, copy.duration = (packet.pts or 0) + frames, (packet.dts or 0) + frames, packet.duration
    return copy


def _frames_of_a_second(rate: Fraction) -> int:
    """Return the length of a group of pictures in frames."""
    return max(1, round(rate))


def _options(size: Size, rate: Fraction, encoding: Encoding) -> dict[str, str]:
    """Return x264's settings; ``stitchable`` keeps the parameter sets independent of the content of a clip.

    x264 reads beyond its arrays when it weighs the blocks of a picture narrower than 128 pixels by their use in later
    frames (mbtree): one in some hundred encodes has other bytes. So mbtree is off for such pictures.
    """
    second = _frames_of_a_second(rate)
    params = {
        "keyint": second,
        "min-keyint": second,
        "scenecut": 0,
        "open-gop": 0,
        "bframes": 0,
        "threads": encoding.threads,
        "lookahead-threads": 1,
        "sliced-threads": 0,
        "force-cfr": 1,
        "stitchable": 1,
        "sps-id": encoding.parameter_set_id,
        **({"mbtree": 0} if size.width < _MIN_MBTREE_WIDTH else {}),
    }
    return {
        "crf": str(encoding.crf),
        "preset": encoding.preset,
        "threads": str(encoding.threads),
        "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
    }


def _converter() -> "VideoReformatter":
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()
