"""A clip that starts from a picture: reading it, fitting it, and the camera's way over it."""

import io
import warnings

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image, ImageOps

from storyboard.core.model import Size
from storyboard.providers.animatic.layer import Picture
from storyboard.providers.animatic.reading import Reading

Rgb = npt.NDArray[np.uint8]

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

    def __init__(self, picture: Picture, moves: tuple[str, ...], reading: Reading) -> None:
        self._size = picture.size
        self._way = _joined([_WAYS[move] for move in moves], reading.pace)
        self._margin = 0
        if self._way.zoom < 1:
            picture = self._continued(picture)
        fine = (picture.width * _FINE, picture.height * _FINE)
        self._fine = picture.resize(fine, Image.Resampling.LANCZOS)

    def _continued(self, picture: Picture) -> Picture:
        """The picture with its surroundings guessed: mirrored at the edges."""
        self._margin = max(1, round(_ROOM * max(picture.size)))
        room = min(self._margin, picture.width - 1, picture.height - 1)
        pixels = np.pad(np.asarray(picture), ((room, room), (room, room), (0, 0)), mode="reflect")
        self._margin = room
        return Image.fromarray(pixels)

    def draw(self, frame: Picture, progress: float) -> None:
        """Fill *frame* with what is seen when *progress* of the shot has gone by; at 0, the picture itself."""
        eased = 0.5 * progress * progress * (3 - 2 * progress) + 0.5 * progress**1.5
        width, height = self._size
        zoom = 1 + (self._way.zoom - 1) * eased
        left = width * (1 - 1 / zoom) * (0.5 + 0.5 * self._way.x) + self._margin
        top = height * (1 - 1 / zoom) * (0.5 + 0.5 * self._way.y) + self._margin
        box = (left * _FINE, top * _FINE, (left + width / zoom) * _FINE, (top + height / zoom) * _FINE)
        limit = (float(self._fine.width), float(self._fine.height))
        inside = (max(0.0, box[0]), max(0.0, box[1]), min(limit[0], box[2]), min(limit[1], box[3]))
        for top in range(0, frame.height, _BAND):
            rows = inside[1] + (inside[3] - inside[1]) * np.array([top, min(top + _BAND, frame.height)]) / frame.height
            band = (inside[0], float(rows[0]), inside[2], float(rows[1]))
            part = self._fine.im.resize((frame.width, min(_BAND, frame.height - top)), Image.Resampling.NEAREST, band)
            frame.im.paste(part, (0, top, frame.width, top + part.size[1]))


def _joined(ways: list[Way], pace: float) -> Way:
    zoom = 1.0
    for way in ways:
        zoom *= 1 + (way.zoom - 1) * pace
    floor = 1 / (1 + 2 * _ROOM) + 0.01
    return Way(max(floor, zoom), sum(w.x for w in ways) / len(ways), sum(w.y for w in ways) / len(ways))
