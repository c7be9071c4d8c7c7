"""Still pictures with a slow camera move: the part of the picture that fills the frame at each moment."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from storyboard.core.model import Size
from storyboard.core.render_spec import Photo
from storyboard.media.reader import MAX_PIXELS
from storyboard.media.render.color import Rgb

_PUSH_ZOOM = 1.15  # zoom factor at the end of a push
_FORMATS = ("PNG", "JPEG", "WEBP")

Box = tuple[float, float, float, float]


class UnreadablePhoto(Exception):
    """A file that is no picture, or a picture that is too large."""


class MovingStill:
    """The frames of one still in *size*."""

    def __init__(self, photo: Photo, path: Path, size: Size) -> None:
        fit = photo.fit
        self._photo = photo
        self._size = size
        self._picture = _fit(_open_picture(path), size, "cover" if photo.move != "none" and fit == "contain" else fit)
        self._picture.thumbnail((2 * size.width, 2 * size.height), Image.Resampling.LANCZOS)
        self._still = self._picture.resize((size.width, size.height), Image.Resampling.LANCZOS)

    def picture(self, number: int) -> Rgb:
        """Return frame *number* of the segment: RGB, shape (height, width, 3), uint8."""
        if self._photo.move == "none":
            return np.asarray(self._still)
        progress = (self._photo.first + number) / max(1, self._photo.shown - 1)
        box = _visible_box(self._picture.size, self._photo.move, min(1.0, progress))
        moved = self._picture.resize((self._size.width, self._size.height), Image.Resampling.BICUBIC, box)
        return np.asarray(moved)


def _visible_box(full_size: tuple[int, int], move: str, progress: float) -> Box:
    """Return the visible part of the picture, always inside it."""
    width, height = full_size
    closeness = {"push": progress, "pull": 1 - progress}.get(move, 1.0)
    scale = _PUSH_ZOOM**closeness
    inner = (width / scale, height / scale)
    room = (width - inner[0], height - inner[1])
    across = {"left": 1 - progress, "right": progress}.get(move, 0.5)
    down = {"up": 1 - progress, "down": progress}.get(move, 0.5)
    x, y = room[0] * across, room[1] * down
    return (x, y, min(width, x + inner[0]), min(height, y + inner[1]))


def _open_picture(path: Path) -> Image.Image:
    """Return the picture upright, in RGB, on black where it is transparent."""
    try:
        with Image.open(path, formats=_FORMATS) as found:
            if found.width * found.height > MAX_PIXELS:
                raise UnreadablePhoto(f"is {found.width}x{found.height}, larger than the largest film")
            picture = _in_srgb(ImageOps.exif_transpose(found))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise UnreadablePhoto("is not a readable picture") from problem
    black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, picture).convert("RGB")


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Return *picture* as RGBA, converted by its colour profile; without a usable one it counts as sRGB."""
    if picture.mode.startswith("I"):  # 16 bits; Pillow's own conversion would keep only the lower ones
        picture = Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
    plain = picture.convert("RGBA")
    profile = picture.info.get("icc_profile")
    if not profile:
        return plain
    colors = picture if picture.mode in ("RGB", "CMYK", "L") else plain.convert("RGB")
    try:
        own, srgb = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(colors, own, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # broken, or for pictures of another kind
        return plain
    if converted is None:
        return plain
    converted.putalpha(plain.getchannel("A"))
    return converted


def _fit(picture: Image.Image, size: Size, fit: str) -> Image.Image:
    """Return *picture* in the shape of *size*: with bars or cropped; stretched pictures are scaled when shown."""
    shape, wanted = Fraction(picture.width, picture.height), Fraction(size.width, size.height)
    if fit == "stretch" or shape == wanted:
        return picture
    wide = (shape > wanted) == (fit == "cover")
    width = round(picture.height * wanted) if wide else picture.width
    height = picture.height if wide else round(picture.width / wanted)
    corner = ((width - picture.width) // 2, (height - picture.height) // 2)
    framed = Image.new("RGB", (max(1, width), max(1, height)))
    framed.paste(picture, corner)
    return framed
