"""Exact frames of a clip, many in order as they are needed.

A frame is found by its number among the frames that are shown, never by seeking to a duration: containers round it.

One frame of a clip as a picture, and what it is known by.

How far a clip begins from the picture that it was asked to begin with.
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
from storyboard.media.reader import UnreadableMedia, open_media, picture_decoder, picture_stream, reading
from storyboard.media.render import color
from storyboard.media.render.color import rotation, tags
from storyboard.media.sample_table import SampleTable, index, packets


def exact_frames(
    container: InputContainer, stream: VideoStream, found: SampleTable, wanted: Iterable[int]
) -> Iterator[VideoFrame]:
    """The frames of those shown numbers, which must not fall; decodes from the nearest keyframe, keeps one frame.

    Frames that nobody asked for and no other frame needs are passed over undecoded. Raises ``UnreadableMedia`` if
    one of those asked for does not come out of the decoder.
    """
    numbers = list(wanted)
    decoded: Iterator[VideoFrame] | None = None
    frame: VideoFrame | None = None
    shown = -1
    for number in numbers:
        if decoded is None:
            decoded = _decoded_towards(container, stream, found, number, frozenset(numbers))
        while shown < number:
            with reading():
                frame = next(decoded, None)
            if frame is None:
                break
            shown = _shown(found, frame)
        if frame is None or shown != number or frame.is_corrupt:
            raise UnreadableMedia(f"has no frame {number} that decodes")
        yield frame


def _decoded_towards(
    container: InputContainer, stream: VideoStream, found: SampleTable, number: int, wanted: frozenset[int]
) -> Iterator[VideoFrame]:
    """Frames from the keyframe before *number* on; from the start where the container seeks beyond that."""
    for sample in (found.key_before(number), found.samples[0]):
        with reading():
            container.seek(sample.pts, stream=stream)
            decoded = _decoded(container, stream, found, wanted)
            first = next(decoded, None)
        if first is not None and _shown(found, first) <= number:
            return chain([first], decoded)
    raise UnreadableMedia(f"has no frame {number} that decodes")


def _decoded(
    container: InputContainer, stream: VideoStream, found: SampleTable, wanted: frozenset[int]
) -> Iterator[VideoFrame]:
    """What comes out from here on: all that is *wanted*, and all that other frames refer to."""
    context, passing_over = picture_decoder(stream), False
    try:
        for packet in packets(container, stream):
            unwanted = packet.pts is not None and found.numbers.get(packet.pts, -1) not in wanted
            if unwanted != passing_over:
                context.skip_frame = "NONREF" if unwanted else "DEFAULT"
                passing_over = unwanted
            yield from context.decode(packet)
        yield from context.decode(None)
    finally:
        context.skip_frame = "DEFAULT"


def _shown(found: SampleTable, frame: VideoFrame) -> int:
    """The shown number of a frame from the decoder, -1 if it is none that is shown."""
    return -1 if frame.pts is None else found.numbers.get(frame.pts, -1)


__all__ = ["ExtractedFrame", "UnreadableMedia", "extract"]


class ExtractedFrame(Struct, frozen=True):
    """One frame. ``png`` is RGB, turned upright; ``size`` is its size in pixels.

    ``planes`` is the sha256 of the frame as it was decoded: its size, pixel format and colour tags, and its planes
    without padding. A decoder is exact, so that this is the frame's identity; the conversion to RGB is not part of it.
    """

    png: bytes
    planes: str
    size: Size


def extract(path: Path, at: Literal["first", "last"] | Fraction) -> ExtractedFrame:
    """The frame of *path* at *at*: its first, its last, or the one on screen that many seconds after the first.

    Raises ``UnreadableMedia`` if there is no such frame or it does not decode.
    """
    with open_media(path, strict=True) as container:
        stream = picture_stream(container)
        found = index(container, stream)
        frame = next(exact_frames(container, stream, found, [_number(found, at)]))
        picture = color.upright(color.to_rgb(frame), rotation(frame))
        size = Size(picture.shape[1], picture.shape[0])
        return ExtractedFrame(_png(picture), _fingerprint(frame), size)


def _number(found: SampleTable, at: Literal["first", "last"] | Fraction) -> int:
    if at == "first":
        return 0
    if at == "last":
        return found.frames - 1
    rate, constant = found.pace()
    number = found.at(at, rate if constant else None)
    length = Fraction(found.frames) / rate
    if not 0 <= number < found.frames or at >= length:
        raise UnreadableMedia(f"has no frame at {float(at):g} s, it lasts {float(length):g} s")
    return number


def _png(picture: color.Rgb) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _fingerprint(frame: VideoFrame) -> str:
    name = f"{frame.width}x{frame.height}/{frame.format.name}/{tags(frame)}/{rotation(frame)}"
    state = hashlib.sha256(name.encode() + b"\0")
    for number, plane in enumerate(frame.planes):
        state.update(_rows(frame, number, plane))
    return state.hexdigest()


def _rows(frame: VideoFrame, number: int, plane: VideoPlane) -> bytes:
    """The bytes of a plane, row after row, without what pads them."""
    parts = [part for part in frame.format.components if part.plane == number]
    row = min(plane.line_size, plane.width * sum((part.bits + 7) // 8 for part in parts))
    data = np.frombuffer(memoryview(plane), np.uint8, count=plane.line_size * plane.height)
    rows = data.reshape(plane.height, plane.line_size)[:, :row]
    return rows.tobytes()


# Grain and the marks of an encoder are gone in a picture of this width, what has moved is not.
_WIDTH = 160
_SHAPE_SLACK = 0.02


def distance(clip: Path, picture: bytes) -> float | None:
    """Mean difference, 0 to 255, between the first frame of *clip* and *picture*, a PNG, both made small.

    ``None`` if they are not of one shape, so that no place of one is that of the other. Raises ``InvalidMedia``.
    """
    with open_media(clip) as container:
        stream = picture_stream(container)
        frame = next(exact_frames(container, stream, index(container, stream), [0]))
        begins = Image.fromarray(color.upright(color.to_rgb(frame), rotation(frame)))
    with Image.open(io.BytesIO(picture)) as found:
        asked = found.convert("RGB")
    shapes = [image.width / image.height for image in (begins, asked)]
    if abs(shapes[0] - shapes[1]) > _SHAPE_SLACK * shapes[0]:
        return None
    size = (_WIDTH, max(1, round(_WIDTH / shapes[0])))
    small = [np.asarray(image.resize(size, Image.Resampling.BOX), np.int16) for image in (begins, asked)]
    return round(float(np.abs(small[0] - small[1]).mean()), 2)
