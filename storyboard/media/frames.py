"""Exact frames of a clip: decoded in order, extracted as a picture, and compared with a picture.

A frame is addressed by its number among the displayed frames, never by seeking to a time: containers round times.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from msgspec import Struct
from PIL import Image

from storyboard.core.model import Size
from storyboard.media.reader import UnreadableMedia, open_media, translate_errors, video_decoder, video_stream
from storyboard.media.render import color
from storyboard.media.render.color import color_tags, rotation
from storyboard.media.sample_table import SampleTable, packets, read_sample_table

__all__ = ["ExtractedFrame", "UnreadableMedia", "extract_frame"]

# Pixels: at this width grain and encoder artefacts vanish, while motion remains visible.
_COMPARED_WIDTH = 160
_ASPECT_TOLERANCE = 0.02


def decode_frames(
    container: InputContainer, stream: VideoStream, table: SampleTable, wanted: Iterable[int]
) -> Iterator[VideoFrame]:
    """Yield the frames with those ascending numbers; decode from the nearest keyframe and keep one frame in memory.

    Frames that are neither wanted nor referenced are skipped undecoded. Raises ``UnreadableMedia`` if a wanted frame
    does not decode.
    """
    numbers = list(wanted)
    decoded: Iterator[VideoFrame] | None = None
    frame: VideoFrame | None = None
    shown = -1
    for number in numbers:
        if decoded is None:
            decoded = _decode_from_keyframe(container, stream, table, number, frozenset(numbers))
        while shown < number:
            with translate_errors():
                frame = next(decoded, None)
            if frame is None:
                break
            shown = _frame_number(table, frame)
        if frame is None or shown != number or frame.is_corrupt:
            raise UnreadableMedia(f"has no frame {number} that decodes")
        yield frame


class ExtractedFrame(Struct, frozen=True):
    """One frame. ``png`` is RGB, upright; ``size`` is its size in pixels.

    ``planes`` is the sha256 of the frame as decoded: its size, pixel format and colour tags, and its planes without
    padding. Decoding is exact, so this is the frame's identity; the conversion to RGB is not part of it.
    """

    png: bytes
    planes: str
    size: Size


def extract_frame(path: Path, at: Literal["first", "last"] | Fraction) -> ExtractedFrame:
    """Return the frame of *path* at *at*: the first, the last, or the one displayed that many seconds after the first.

    Raises ``UnreadableMedia`` if there is no such frame or it does not decode.
    """
    with open_media(path, strict=True) as container:
        stream = video_stream(container)
        table = read_sample_table(container, stream)
        frame = next(decode_frames(container, stream, table, [_resolve_number(table, at)]))
        picture = color.rotate(color.frame_to_rgb(frame), rotation(frame))
        size = Size(picture.shape[1], picture.shape[0])
        return ExtractedFrame(_encode_png(picture), _planes_digest(frame), size)


def first_frame_distance(clip: Path, picture: bytes) -> float | None:
    """Return the mean difference, 0 to 255, of the first frame of *clip* and *picture*, a PNG, at reduced size.

    ``None`` if their aspect ratios differ, so that pixels do not correspond. Raises ``InvalidMedia``.
    """
    with open_media(clip) as container:
        stream = video_stream(container)
        frame = next(decode_frames(container, stream, read_sample_table(container, stream), [0]))
        first = Image.fromarray(color.rotate(color.frame_to_rgb(frame), rotation(frame)))
    with Image.open(io.BytesIO(picture)) as opened:
        wanted = opened.convert("RGB")
    shapes = [image.width / image.height for image in (first, wanted)]
    if abs(shapes[0] - shapes[1]) > _ASPECT_TOLERANCE * shapes[0]:
        return None
    size = (_COMPARED_WIDTH, max(1, round(_COMPARED_WIDTH / shapes[0])))
    small = [np.asarray(image.resize(size, Image.Resampling.BOX), np.int16) for image in (first, wanted)]
    return round(float(np.abs(small[0] - small[1]).mean()), 2)


def _decode_from_keyframe(
    container: InputContainer, stream: VideoStream, table: SampleTable, number: int, wanted: frozenset[int]
) -> Iterator[VideoFrame]:
    """Yield frames from the keyframe before *number* on, or from the start where the container seeks beyond it."""
    for sample in (table.keyframe_before(number), table.samples[0]):
        with translate_errors():
            container.seek(sample.pts, stream=stream)
            decoded = _decode_packets(container, stream, table, wanted)
            first = next(decoded, None)
        if first is not None and _frame_number(table, first) <= number:
            return chain([first], decoded)
    raise UnreadableMedia(f"has no frame {number} that decodes")


def _decode_packets(
    container: InputContainer, stream: VideoStream, table: SampleTable, wanted: frozenset[int]
) -> Iterator[VideoFrame]:
    """Decode from here on: every frame in *wanted*, and every frame that others reference."""
    context, passing_over = video_decoder(stream), False
    try:
        for packet in packets(container, stream):
            unwanted = packet.pts is not None and table.numbers.get(packet.pts, -1) not in wanted
            if unwanted != passing_over:
                context.skip_frame = "NONREF" if unwanted else "DEFAULT"
                passing_over = unwanted
            yield from context.decode(packet)
        yield from context.decode(None)
    finally:
        context.skip_frame = "DEFAULT"


def _frame_number(table: SampleTable, frame: VideoFrame) -> int:
    """Return the number of a decoded frame among the displayed ones, -1 if it is not displayed."""
    return -1 if frame.pts is None else table.numbers.get(frame.pts, -1)


def _resolve_number(table: SampleTable, at: Literal["first", "last"] | Fraction) -> int:
    if at == "first":
        return 0
    if at == "last":
        return table.frames - 1
    rate, constant = table.frame_rate()
    number = table.frame_at(at, rate if constant else None)
    length = Fraction(table.frames) / rate
    if not 0 <= number < table.frames or at >= length:
        raise UnreadableMedia(f"has no frame at {float(at):g} s: it is {float(length):g} s long")
    return number


def _encode_png(picture: color.Rgb) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _planes_digest(frame: VideoFrame) -> str:
    name = f"{frame.width}x{frame.height}/{frame.format.name}/{color_tags(frame)}/{rotation(frame)}"
    state = hashlib.sha256(name.encode() + b"\0")
    for number, plane in enumerate(frame.planes):
        state.update(_plane_rows(frame, number, plane))
    return state.hexdigest()


def _plane_rows(frame: VideoFrame, number: int, plane: VideoPlane) -> bytes:
    """Return the bytes of a plane, row by row, without padding."""
    parts = [part for part in frame.format.components if part.plane == number]
    row = min(plane.line_size, plane.width * sum((part.bits + 7) // 8 for part in parts))
    data = np.frombuffer(memoryview(plane), np.uint8, count=plane.line_size * plane.height)
    rows = data.reshape(plane.height, plane.line_size)[:, :row]
    return rows.tobytes()
