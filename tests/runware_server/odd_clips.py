"""Files that are videos, more or less, but not the ones that were asked for."""

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np


def audio_only(_clip: bytes) -> bytes:
    """Five seconds of silence in an MP4."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=48000)
        for number in range(48000 * 5 // 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def giant(_clip: bytes) -> bytes:
    """One black frame of 144 megapixels, a bit a pixel, as PNG in a QuickTime file."""
    return _giant()


@cache
def _giant() -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mov") as container:
        stream: Any = container.add_stream("png", rate=24)
        stream.width = stream.height = 12000
        stream.pix_fmt = "monob"
        frame = av.VideoFrame(12000, 12000, "monob")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def other_size(clip: bytes) -> bytes:
    """Half as wide and high."""
    return _encoded(clip, scale=2)


def other_rate(clip: bytes) -> bytes:
    """The same frames at 30 a second."""
    return _encoded(clip, rate=Fraction(30))


def other_pixels(clip: bytes) -> bytes:
    """Chroma at full resolution."""
    return _encoded(clip, pixels="yuv444p")


def ten_bit(clip: bytes) -> bytes:
    """Ten bits a sample."""
    return _encoded(clip, pixels="yuv420p10le")


def variable_rate(clip: bytes) -> bytes:
    """Every third frame comes half a frame late."""
    return _encoded(clip, ticks=lambda number: 2 * number + (number % 3 == 2))


def one_frame(clip: bytes) -> bytes:
    """The first frame and no more."""
    return _encoded(clip, frames=1)


def far_timestamp(clip: bytes) -> bytes:
    """The last frame stands at 200 000 seconds."""
    count = 24
    far = 200_000 * 48
    return _encoded(clip, frames=count, ticks=lambda number: far if number == count - 1 else 2 * number)


def rotated(clip: bytes) -> bytes:
    """A quarter turn in the track header's matrix, packets untouched."""
    at = clip.index(b"tkhd") + 4
    matrix = at + (52 if clip[at] == 1 else 40)
    turned = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    return clip[:matrix] + turned + clip[matrix + 36 :]


def _frames(clip: bytes) -> Iterator[av.VideoFrame]:
    with av.open(io.BytesIO(clip), "r") as container:
        yield from container.decode(video=0)


def _encoded(
    clip: bytes,
    *,
    scale: int = 1,
    rate: Fraction = Fraction(24),
    pixels: str = "yuv420p",
    frames: int | None = None,
    ticks: Any = lambda number: 2 * number,
) -> bytes:
    """The clip encoded again; a tick is half a frame."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream: Any = None
        for number, frame in enumerate(_frames(clip)):
            if frames is not None and number >= frames:
                break
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "bf": "0"})
                stream.width, stream.height = frame.width // scale // 2 * 2, frame.height // scale // 2 * 2
                stream.pix_fmt = pixels
                stream.codec_context.time_base = stream.time_base = 1 / (rate * 2)
            shown = frame.reformat(stream.width, stream.height, pixels)
            shown.pts, shown.time_base = ticks(number), 1 / (rate * 2)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
    return target.getvalue()
