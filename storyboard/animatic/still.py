"""Clips that start from a picture: fitting it, and the camera's path over it."""

import numpy as np
from msgspec import Struct
from PIL import Image, ImageOps

from storyboard.animatic.planes import Picture, Planes, Sheet
from storyboard.animatic.prompt import Reading
from storyboard.core.model import Size

_BAND_ROWS = 64  # fetched at once, few enough for the processor's cache
_OVERSAMPLING = 3  # odd, so that the middle one of three samples is the pixel itself
_BORDER_SHARE = 0.10  # the mirrored border around the picture, for a camera that pulls back


def fit_picture(picture: Picture, size: Size) -> Picture:
    """Return *picture* at *size*: unchanged if it has it, else scaled and cropped from its middle to cover it."""
    wanted = (size.width, size.height)
    return picture if picture.size == wanted else ImageOps.fit(picture, wanted, Image.Resampling.LANCZOS)


class CameraEnd(Struct, frozen=True):
    """The camera at the end of a shot: a zoom, and a shift as a share of the room that the zoom leaves."""

    zoom: float
    x: float = 0.0
    y: float = 0.0


_CAMERA_ENDS = {
    "push": CameraEnd(1.24),
    "zoom-in": CameraEnd(1.24),
    "zoom-out": CameraEnd(1 / (1 + 1.7 * _BORDER_SHARE)),
    "dolly-zoom": CameraEnd(1.1),
    "roll": CameraEnd(1.05),
    "glide": CameraEnd(1.20, 0.0, 0.1),
    "aerial": CameraEnd(1.18, 0.0, -0.7),
    "pull": CameraEnd(1 / (1 + 1.7 * _BORDER_SHARE)),
    "drift-back": CameraEnd(1 / (1 + 1.2 * _BORDER_SHARE)),
    "pan-left": CameraEnd(1.17, -1.0),
    "pan-right": CameraEnd(1.17, 1.0),
    "track-left": CameraEnd(1.19, -1.0, 0.1),
    "track-right": CameraEnd(1.19, 1.0, 0.1),
    "orbit-left": CameraEnd(1.22, -1.0, -0.1),
    "orbit-right": CameraEnd(1.22, 1.0, -0.1),
    "drift-left": CameraEnd(1.13, -0.8),
    "drift-right": CameraEnd(1.13, 0.8),
    "tilt-up": CameraEnd(1.17, 0.0, -1.0),
    "tilt-down": CameraEnd(1.17, 0.0, 1.0),
    "rise": CameraEnd(1.15, 0.0, -0.9),
    "descend": CameraEnd(1.15, 0.0, 0.9),
    "static": CameraEnd(1.0),
}


class StillPlane:
    """A picture that fills the stage, and over which the camera moves from a full view at the start."""

    def __init__(self, planes: Planes, moves: tuple[str, ...], reading: Reading) -> None:
        self._end = _combine([_CAMERA_ENDS[move] for move in moves], reading.pace)
        width, height = planes[0].size
        room = min(round(_BORDER_SHARE * max(width, height)), width // 2 - 1, height // 2 - 1) // 2 * 2
        self._margin = room if self._end.zoom < 1 else 0
        self._fine = [_enlarge(plane, self._margin // (1 + (number > 0))) for number, plane in enumerate(planes)]

    def draw(self, sheet: Sheet, progress: float) -> None:
        """Fill *sheet* with the view after *progress* of the shot; at 0, the picture itself."""
        eased = 0.5 * progress * progress * (3 - 2 * progress) + 0.5 * progress**1.5
        zoom = 1 + (self._end.zoom - 1) * eased
        for plane, fine in zip(sheet.planes, self._fine, strict=True):
            wide, high = plane.size
            margin = (fine.width / _OVERSAMPLING - wide) / 2, (fine.height / _OVERSAMPLING - high) / 2
            left = max(0.0, wide * (1 - 1 / zoom) * (0.5 + 0.5 * self._end.x) + margin[0]) * _OVERSAMPLING
            top = max(0.0, high * (1 - 1 / zoom) * (0.5 + 0.5 * self._end.y) + margin[1]) * _OVERSAMPLING
            right, bottom = (
                min(fine.width, left + wide / zoom * _OVERSAMPLING),
                min(fine.height, top + high / zoom * _OVERSAMPLING),
            )
            for row in range(0, high, _BAND_ROWS):
                end = min(row + _BAND_ROWS, high)
                band = (left, top + (bottom - top) * row / high, right, top + (bottom - top) * end / high)
                part = fine.im.resize((wide, end - row), Image.Resampling.NEAREST, band)
                plane.im.paste(part, (0, row, wide, end))


def _enlarge(plane: Picture, room: int) -> Picture:
    """Return a plane *_OVERSAMPLING* times as large, with a border of *room* pixels mirrored from its edges."""
    if room:
        plane = Image.fromarray(np.pad(np.asarray(plane), room, mode="reflect"))
    return plane.resize((plane.width * _OVERSAMPLING, plane.height * _OVERSAMPLING), Image.Resampling.LANCZOS)


def _combine(ways: list[CameraEnd], pace: float) -> CameraEnd:
    zoom = 1.0
    for way in ways:
        zoom *= 1 + (way.zoom - 1) * pace
    floor = 1 / (1 + 2 * _BORDER_SHARE) + 0.01
    return CameraEnd(max(floor, zoom), sum(w.x for w in ways) / len(ways), sum(w.y for w in ways) / len(ways))
