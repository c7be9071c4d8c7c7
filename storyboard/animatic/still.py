"""A clip that starts from a picture: reading it, fitting it, and the camera's way over it."""

import io
import warnings

import numpy as np
from msgspec import Struct
from PIL import Image, ImageOps, UnidentifiedImageError

from storyboard.animatic.planes import Picture, Planes, Sheet
from storyboard.animatic.prompt import Reading
from storyboard.core.model import Size

MOST_PIXELS = 64_000_000
_BAND = 64  # rows that are fetched at once, few enough to stay near the processor
_FINE = 3  # an odd number: the middle one of three samples is the pixel itself
_ROOM = 0.10  # how far the picture is continued beyond its edges, for a camera that pulls back


class UnreadablePictureError(ValueError):
    """Bytes that are no PNG, JPEG or WEBP, are damaged, or hold more than ``MOST_PIXELS``. ``reason`` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_picture(data: bytes) -> Picture:
    """The picture in *data*, upright, as RGB; what is see-through stands on black.

    Raises ``UnreadablePictureError``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise UnreadablePictureError(f"{opened.width}x{opened.height} pixels are too many")
                return _as_rgb(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise UnreadablePictureError("too many pixels") from problem
    except UnidentifiedImageError as problem:
        raise UnreadablePictureError("the picture is no PNG, JPEG or WEBP, or is damaged") from problem
    except (OSError, SyntaxError, EOFError) as problem:
        raise UnreadablePictureError(str(problem) or "not a picture") from problem


def _as_rgb(picture: Picture) -> Picture:
    if picture.mode.startswith("I"):
        deep = np.asarray(picture)
        picture = Image.fromarray((deep >> 8).clip(0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        solid = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size)
        ground.paste(solid, (0, 0), solid)
        return ground
    return picture.convert("RGB")


def fitted(picture: Picture, size: Size) -> Picture:
    """*picture* at *size*: untouched if it has it, else scaled and cropped from its middle to cover it."""
    wanted = (size.width, size.height)
    return picture if picture.size == wanted else ImageOps.fit(picture, wanted, Image.Resampling.LANCZOS)


class Way(Struct, frozen=True):
    """Where the camera has got to by the end: a zoom, and a shift as a share of the room that the zoom leaves."""

    zoom: float
    x: float = 0.0
    y: float = 0.0


_WAYS = {
    "push": Way(1.24),
    "glide": Way(1.20, 0.0, 0.1),
    "aerial": Way(1.18, 0.0, -0.7),
    "pull": Way(1 / (1 + 1.7 * _ROOM)),
    "drift-back": Way(1 / (1 + 1.2 * _ROOM)),
    "pan-left": Way(1.17, -1.0),
    "pan-right": Way(1.17, 1.0),
    "track-left": Way(1.19, -1.0, 0.1),
    "track-right": Way(1.19, 1.0, 0.1),
    "orbit-left": Way(1.22, -1.0, -0.1),
    "orbit-right": Way(1.22, 1.0, -0.1),
    "drift-left": Way(1.13, -0.8),
    "drift-right": Way(1.13, 0.8),
    "tilt-up": Way(1.17, 0.0, -1.0),
    "tilt-down": Way(1.17, 0.0, 1.0),
    "rise": Way(1.15, 0.0, -0.9),
    "descend": Way(1.15, 0.0, 0.9),
    "static": Way(1.0),
}


class StillPlane:
    """A picture that fills the stage and that the camera moves over, from the whole of it at the start."""

    def __init__(self, planes: Planes, moves: tuple[str, ...], reading: Reading) -> None:
        self._way = _joined([_WAYS[move] for move in moves], reading.pace)
        width, height = planes[0].size
        room = min(round(_ROOM * max(width, height)), width // 2 - 1, height // 2 - 1) // 2 * 2
        self._margin = room if self._way.zoom < 1 else 0
        self._fine = [_enlarged(plane, self._margin // (1 + (number > 0))) for number, plane in enumerate(planes)]

    def draw(self, sheet: Sheet, progress: float) -> None:
        """Fill *sheet* with what is seen when *progress* of the shot has gone by; at 0, the picture itself."""
        eased = 0.5 * progress * progress * (3 - 2 * progress) + 0.5 * progress**1.5
        zoom = 1 + (self._way.zoom - 1) * eased
        for plane, fine in zip(sheet.planes, self._fine, strict=True):
            wide, high = plane.size
            margin = (fine.width / _FINE - wide) / 2, (fine.height / _FINE - high) / 2
            left = max(0.0, wide * (1 - 1 / zoom) * (0.5 + 0.5 * self._way.x) + margin[0]) * _FINE
            top = max(0.0, high * (1 - 1 / zoom) * (0.5 + 0.5 * self._way.y) + margin[1]) * _FINE
            right, bottom = min(fine.width, left + wide / zoom * _FINE), min(fine.height, top + high / zoom * _FINE)
            for row in range(0, high, _BAND):
                end = min(row + _BAND, high)
                band = (left, top + (bottom - top) * row / high, right, top + (bottom - top) * end / high)
                part = fine.im.resize((wide, end - row), Image.Resampling.NEAREST, band)
                plane.im.paste(part, (0, row, wide, end))


def _enlarged(plane: Picture, room: int) -> Picture:
    """A plane *_FINE* times as large, its surroundings guessed: mirrored at the edges, *room* pixels wide."""
    if room:
        plane = Image.fromarray(np.pad(np.asarray(plane), room, mode="reflect"))
    return plane.resize((plane.width * _FINE, plane.height * _FINE), Image.Resampling.LANCZOS)


def _joined(ways: list[Way], pace: float) -> Way:
    zoom = 1.0
    for way in ways:
        zoom *= 1 + (way.zoom - 1) * pace
    floor = 1 / (1 + 2 * _ROOM) + 0.01
    return Way(max(floor, zoom), sum(w.x for w in ways) / len(ways), sum(w.y for w in ways) / len(ways))
