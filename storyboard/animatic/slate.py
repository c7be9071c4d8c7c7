"""Slate bar below the picture, with shot, seed, prompt and running timecode.

The bar is part of the frame, so a shot that starts from the last frame of another has it in its picture; ``has_bar``
detects it there, and ``crop_bar`` cuts it off for a provider, which would take it for a part of the scene.
"""

import io
import unicodedata
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from storyboard.animatic.palette import Colour, mix, to_bytes
from storyboard.animatic.planes import Planes, planes_of
from storyboard.core.model import Size
from storyboard.core.timebase import timecode
from storyboard.fonts import load_face, missing_letters

Rgb = npt.NDArray[np.uint8]

PAPER = (15, 17, 21)
_RAIL = (40, 44, 52)
_RULE = (46, 51, 60)
_BRIGHT = (240, 242, 245)
_PLAIN = (186, 192, 200)
_FAINT = (124, 131, 142)
_TOLERANCE = 9
_MIN_TEXT_ROWS = 20  # a lower bar is too small for text
_MIN_PICTURE_ROWS = 24  # a lower picture has no bar


def bar_height(size: Size) -> int:
    """Return the rows of the bar in a picture of *size*, even for the codec; 0 if the picture is too low for one."""
    if size.height < _MIN_PICTURE_ROWS:
        return 0
    share = 0.1 if size.width >= 1.2 * size.height else 0.086
    return max(2, round(size.height * share / 2) * 2)


def has_bar(picture: Rgb) -> bool:
    """Return whether *picture*, RGB of shape (height, width, 3), ends in a bar, whose margins have the bar's colour."""
    height, width, _ = picture.shape
    bar = bar_height(Size(width, height))
    if bar == 0:
        return False
    strip = picture[height - bar :]
    side, low = max(1, round(bar * 0.12)), max(1, round(bar * 0.06))
    top = max(1, round(bar * 0.14))
    margins = (strip[top:, :side], strip[top:, -side:], strip[-low:])
    return all(bool((np.abs(part.astype(np.int16) - PAPER) <= _TOLERANCE).all()) for part in margins if part.size)


def crop_bar(frame: bytes) -> bytes:
    """Return a frame of a drawn take, the bytes of a PNG, without its bar and in the shape that it had with it.

    To keep the shape, the sides are cropped equally; no pixel is scaled.
    """
    with Image.open(io.BytesIO(frame), formats=("PNG",)) as opened:
        picture = opened.convert("RGB")
    height = picture.height - bar_height(Size(picture.width, picture.height))
    width = round(picture.width * height / picture.height)
    left, out = (picture.width - width) // 2, io.BytesIO()
    picture.crop((left, 0, left + width, height)).save(out, "PNG")
    return out.getvalue()


class SlateBar:
    """The bar of one clip, drawn frame by frame: in columns on a wide picture, else in rows."""

    def __init__(self, size: Size, label: str, seed: int, prompt: str, rate: Fraction, frames: int) -> None:
        self.height = bar_height(size)
        self._width, self._rate, self._frames = size.width, rate, frames
        self._wide = size.width >= 1.2 * size.height
        self._rail = max(1, round(self.height * 0.045))
        self._pad = round(self.height * 0.24)
        self._signs: dict[tuple[str, float], Image.Image] = {}
        self._letters: dict[str, tuple[float, Image.Image]] = {}
        self._legible = self.height >= _MIN_TEXT_ROWS
        self._base = Image.new("RGB", (size.width, self.height), PAPER)
        self._planes: Planes | None = None
        self._changing = [(0, 0, size.width, self._rail + self._rail % 2)]
        self._pen = ImageDraw.Draw(self._base)
        self._pen.rectangle((0, 0, size.width, self._rail - 1), fill=_RAIL)
        if self._legible:
            self._large, self._small = self._font(0.34, 0.24), self._font(0.205, 0.165)
            self._cell = max(_text_width(self._large, digit) for digit in "0123456789")
            self._clock_left = size.width - self._pad - 9.5 * self._cell
            left = int(
                min(self._clock_left, size.width - self._pad - _text_width(self._small, "frame 000000 of 000000"))
            )
            self._changing.append((left - left % 2, 0, size.width, self.height))
            self._top = self.height * (0.19 if self._wide else 0.15)
            write = self._write_columns if self._wide else self._write_rows
            write(replace_missing_letters(label), f"seed {seed}", replace_missing_letters(prompt))

    def _font(self, wide: float, tall: float) -> FreeTypeFont:
        return load_face(max(6, round(self.height * (wide if self._wide else tall))))

    def _write_columns(self, label: str, seed: str, prompt: str) -> None:
        high, pad, column = self.height, self._pad, self._width * 0.19
        text = self._font(0.225, 0.0)
        self._pen.text((pad, self._top), _truncate(label, self._large, column - 2 * pad), _BRIGHT, self._large)
        self._pen.text((pad, high * 0.62), seed, _FAINT, self._small)
        left, right = column + pad * 0.2, self._clock_left - pad * 1.2
        for number, line in enumerate(wrap_text(prompt, text, right - left, 2)):
            self._pen.text((left, high * (0.2 + 0.315 * number)), line, _PLAIN, text)
        for x in (column - pad * 0.6, self._clock_left - pad * 0.7):
            self._pen.line((x, high * 0.24, x, high * 0.84), fill=_RULE, width=max(1, round(high * 0.014)))

    def _write_rows(self, label: str, seed: str, prompt: str) -> None:
        high, pad = self.height, self._pad
        room = self._clock_left - 2 * pad - _text_width(self._small, seed)
        name = _truncate(label, self._large, room - pad)
        self._pen.text((pad, self._top), name, _BRIGHT, self._large)
        self._pen.text((pad * 1.5 + _text_width(self._large, name), high * 0.2), seed, _FAINT, self._small)
        for number, line in enumerate(wrap_text(prompt, self._small, self._width - 2 * pad, 2)):
            self._pen.text((pad, high * (0.45 + 0.225 * number)), line, _PLAIN, self._small)

    def draw(self, frame: int, accent: Colour) -> Rgb:
        """Return the bar at *frame*: RGB, shape (height, width, 3), uint8. *accent* colours the rail that fills."""
        return np.asarray(self.picture(frame, accent))

    def planes(self, frame: int, accent: Colour) -> Planes:
        """Return the bar at *frame* as planes. They are kept, and only the changed parts are converted again."""
        image = self.picture(frame, accent)
        if self._planes is None:
            self._planes = planes_of(image)
        for box in self._changing:
            parts = zip(self._planes, planes_of(image.crop(box)), (1, 2, 2), strict=True)
            for kept, part, step in parts:
                kept.paste(part, (box[0] // step, box[1] // step))
        return self._planes

    def picture(self, frame: int, accent: Colour) -> Image.Image:
        """Return the bar at *frame* as an RGB picture."""
        image = self._base.copy()
        pen = ImageDraw.Draw(image)
        done = round(self._width * (frame + 1) / self._frames)
        pen.rectangle((0, 0, max(0, done - 1), self._rail - 1), fill=to_bytes(mix(accent, (1.0, 1.0, 1.0), 0.15)))
        if self._legible:
            self._draw_timecode(image, frame)
        return image

    def _draw_timecode(self, image: Image.Image, frame: int) -> None:
        """Draw the timecode in cells of equal width, and on a wide picture the frame counter."""
        x = self._clock_left
        for sign in timecode(frame, self._rate):
            cell = self._cell * (0.5 if sign == ":" else 1.0)
            image.paste(self._sign(sign, x, cell), (int(x), self._rail))
            x += cell
        if self._wide:
            self._draw_counter(image, f"frame {frame + 1} of {self._frames}")

    def _draw_counter(self, image: Image.Image, text: str) -> None:
        """Draw *text* letter by letter up to the right margin.

        Letters are cached, because rendering costs more than pasting.
        """
        x = self._width - self._pad - sum(self._letter(sign)[0] for sign in text)
        top = round(self.height * 0.62)
        for sign in text:
            wide, shape = self._letter(sign)
            image.paste(_FAINT, (round(x), top), shape)
            x += wide

    def _letter(self, sign: str) -> tuple[float, Image.Image]:
        """Return the width of a small letter, and its mask."""
        if sign not in self._letters:
            wide = _text_width(self._small, sign)
            shape = Image.new("L", (round(wide) + 2, self.height - round(self.height * 0.62)))
            ImageDraw.Draw(shape).text((0, 0), sign, 255, self._small)
            self._letters[sign] = wide, shape
        return self._letters[sign]

    def _sign(self, sign: str, x: float, cell: float) -> Image.Image:
        """Return a letter of the timecode in its cell at *x*; cached, because rendering costs more than pasting."""
        if (sign, x) not in self._signs:
            high = round(self.height * (0.6 if self._wide else 0.45)) - self._rail
            patch = Image.new("RGB", (int(x + cell) - int(x), high), PAPER)
            at = (x - int(x) + (cell - _text_width(self._large, sign)) / 2, self._top - self._rail)
            ImageDraw.Draw(patch).text(at, sign, _BRIGHT, self._large)
            self._signs[sign, x] = patch
        return self._signs[sign, x]


def replace_missing_letters(text: str) -> str:
    """Return *text* in the letters that the font has; each run of missing ones becomes one ellipsis."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    lacking = set(missing_letters(plain))
    kept: list[str] = []
    for sign in plain:
        if sign == " " or (sign.isprintable() and sign not in lacking):
            kept.append(sign)
        elif not kept or kept[-1] != "…":
            kept.append("…")
    return "".join(kept)


def wrap_text(text: str, font: FreeTypeFont, width: float, most: int) -> list[str]:
    """Return *text* in at most *most* lines no wider than *width* pixels; an ellipsis marks omitted text."""
    lines: list[str] = []
    words = text[:600].split()
    while words and len(lines) < most:
        line = words.pop(0)
        while words and _text_width(font, f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        if len(lines) == most - 1 and words:
            line = f"{line} …"
        lines.append(_truncate(line, font, width))
    return lines


def _truncate(text: str, font: FreeTypeFont, width: float) -> str:
    if _text_width(font, text) <= width:
        return text
    while text and _text_width(font, f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _text_width(font: FreeTypeFont, text: str) -> float:
    return float(font.getlength(text))
