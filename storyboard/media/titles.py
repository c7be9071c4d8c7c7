"""Title cards, drawn with Pillow: text that wraps and shrinks until it fits, in every script that the font has."""

from pathlib import Path

from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from storyboard.core.layers import Title
from storyboard.core.model import Size
from storyboard.fonts import face as opened

_MARGIN = 12  # of this many parts of a side
_LARGEST, _SMALLEST = 7, 90  # parts of the shorter side
_SUBTITLE = 0.45
_LEADING = 1.25
_GAP = 0.6


def draw_title(title: Title, size: Size, font: Path | None) -> Image.Image:
    """The card as an RGB picture of *size*; *font* is a font file, ``None`` for the built-in one.

    Raises ``fonts.UnreadableFont``.
    """
    picture = Image.new("RGB", (size.width, size.height), title.background)
    draw = ImageDraw.Draw(picture)
    room = (size.width - 2 * (size.width // _MARGIN), size.height - 2 * (size.height // _MARGIN))
    rows, height = _fitted(draw, title, room, min(size.width, size.height), font)
    y = (size.height - height) / 2
    for text, face, step in rows:
        left, _, right, _ = draw.textbbox((0, 0), text, font=face)
        width = right - left
        x = {"left": 0.0, "center": (room[0] - width) / 2, "right": room[0] - width}[title.align]
        draw.text((size.width // _MARGIN + x - left, y), text, font=face, fill=title.color)
        y += step
    return picture


_Rows = list[tuple[str, FreeTypeFont, float]]


def _fitted(
    draw: ImageDraw.ImageDraw, title: Title, room: tuple[int, int], side: int, font: Path | None
) -> tuple[_Rows, float]:
    """The rows in the largest size in which they fit into *room*, and their height together."""
    smallest = max(4, side // _SMALLEST)
    for points in range(max(smallest, side // _LARGEST), smallest - 1, -1):
        rows = _rows(draw, title, points, room[0], font, broken=points == smallest)
        height = sum(step for _, _, step in rows)
        if rows and height <= room[1] and all(_width(draw, text, face) <= room[0] for text, face, _ in rows):
            return rows, height
    kept: _Rows = []
    for row in rows:
        if sum(step for _, _, step in kept) + row[2] <= room[1]:
            kept.append(row)
    return kept, sum(step for _, _, step in kept)


def _rows(
    draw: ImageDraw.ImageDraw, title: Title, points: int, width: int, font: Path | None, *, broken: bool
) -> _Rows:
    large, small = opened(points, font), opened(max(4, round(points * _SUBTITLE)), font)
    rows: _Rows = [(text, large, _step(large)) for text in wrapped(draw, title.text, large, width, broken=broken)]
    if title.subtitle:
        text, face, step = rows[-1]
        rows[-1] = (text, face, step + _GAP * _step(small))
        rows += [(row, small, _step(small)) for row in wrapped(draw, title.subtitle, small, width, broken=broken)]
    return rows


def wrapped(draw: ImageDraw.ImageDraw, text: str, face: FreeTypeFont, width: int, *, broken: bool) -> list[str]:
    """Lines no wider than *width* where words allow it; with *broken*, words that are too wide are cut."""
    rows: list[str] = []
    for line in text.splitlines() or [""]:
        rows.append("")
        for word in line.split():
            for part in _parts(draw, word, face, width) if broken else [word]:
                longer = f"{rows[-1]} {part}".strip()
                if rows[-1] and _width(draw, longer, face) > width:
                    rows.append(part)
                else:
                    rows[-1] = longer
    return rows


def _parts(draw: ImageDraw.ImageDraw, word: str, face: FreeTypeFont, width: int) -> list[str]:
    parts = [""]
    for character in word:
        if parts[-1] and _width(draw, parts[-1] + character, face) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _width(draw: ImageDraw.ImageDraw, text: str, face: FreeTypeFont) -> float:
    left, _, right, _ = draw.textbbox((0, 0), text, font=face)
    return right - left


def _step(face: FreeTypeFont) -> float:
    """From one row to the next: ascenders, descenders and some air."""
    ascent, descent = face.getmetrics()
    return (ascent + descent) * _LEADING
