"""One frame of a clip as a picture, and what it is known by."""

import hashlib
import io
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from msgspec import Struct
from PIL import Image

from storyboard.core.model import Size
from storyboard.media import color
from storyboard.media.frames import exact_frames
from storyboard.media.index import Index, index
from storyboard.media.reader import Unreadable, opened, picture_stream
from storyboard.media.tagging import rotation, tags

__all__ = ["Picture", "Unreadable", "extract"]


class Picture(Struct, frozen=True):
    """One frame. ``png`` is RGB, turned upright; ``size`` is its size in pixels.

    ``planes`` is the sha256 of the frame as it was decoded: its size, pixel format and colour tags, and its planes
    without padding. A decoder is exact, so that this is the frame's identity; the conversion to RGB is not part of it.
    """

    png: bytes
    planes: str
    size: Size


def extract(path: Path, at: Literal["first", "last"] | Fraction) -> Picture:
    """The frame of *path* at *at*: its first, its last, or the one on screen that many seconds after the first.

    Raises ``Unreadable`` if there is no such frame or it does not decode.
    """
    with opened(path, strict=True) as container:
        stream = picture_stream(container)
        found = index(container, stream)
        frame = next(exact_frames(container, stream, found, [_number(found, at)]))
        picture = color.upright(color.to_rgb(frame), rotation(frame))
        size = Size(picture.shape[1], picture.shape[0])
        return Picture(_png(picture), _fingerprint(frame), size)


def _number(found: Index, at: Literal["first", "last"] | Fraction) -> int:
    if at == "first":
        return 0
    if at == "last":
        return found.frames - 1
    rate, constant = found.pace()
    number = found.at(at, rate if constant else None)
    length = Fraction(found.frames) / rate
    if not 0 <= number < found.frames or at >= length:
        raise Unreadable(f"has no frame at {float(at):g} s, it lasts {float(length):g} s")
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
