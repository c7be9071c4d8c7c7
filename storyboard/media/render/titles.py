"""Text in pictures: title cards and captions, drawn with Pillow.

Text wraps and shrinks until it fits, in every script that the font has. A caption is white with a dark edge, at the
foot of the frame.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.core.render_spec import Title
from storyboard.fonts import load_face
from storyboard.media.render.compositor import Overlay

_MARGIN = 12  # the margin is a twelfth of a side
_LARGEST, _SMALLEST = 7, 90  # font sizes as fractions (1/n) of the shorter side
_SUBTITLE = 0.45
_LEADING = 1.25
_GAP = 0.6
_Rows = list[tuple[str, FreeTypeFont, float]]
_CAPTION_LARGEST, _CAPTION_SMALLEST = 18, 60  # font sizes as fractions (1/n) of the shorter side
_CAPTION_WIDTH, _CAPTION_HEIGHT = 0.84, 0.3  # largest shares of the frame
_CAPTION_FOOT = 0.06
_CAPTION_EDGE = 12  # the edge is a twelfth of the font size
_CAPTION_LEADING = 1.3


def draw_title(title: Title, size: Size, font: Path | None) -> Image.Image:
    """Return the title card as an RGB picture of *size*; *font* is a font file, ``None`` for the built-in one.

    Raises ``fonts.UnreadableFont``.
    """
    picture = Image.new("RGB", (size.width, size.height), title.background)
    draw = ImageDraw.Draw(picture)
    room = (size.width - 2 * (size.width // _MARGIN), size.height - 2 * (size.height // _MARGIN))
    rows, height = _fit_rows(draw, title, room, min(size.width, size.height), font)
    y = (size.height - height) / 2
    for text, face, step in rows:
        left, _, right, _ = draw.textbbox((0, 0), text, font=face)
        width = right - left
        x = {"left": 0.0, "center": (room[0] - width) / 2, "right": room[0] - width}[title.align]
        draw.text((size.width // _MARGIN + x - left, y), text, font=face, fill=title.color)
        y += step
    return picture


def draw_caption(text: str, size: Size, font: Path | None = None) -> Image.Image:
    """Return the caption on a transparent picture of *size*, RGBA."""
    picture = Image.new("RGBA", (size.width, size.height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    side, room = min(size.width, size.height), size.width * _CAPTION_WIDTH
    smallest = max(5, side // _CAPTION_SMALLEST)
    for points in range(max(smallest, side // _CAPTION_LARGEST), smallest - 1, -1):
        face = load_face(points, font)
        rows = wrap_text(draw, text, face, int(room), break_words=points == smallest)
        if len(rows) * points * _CAPTION_LEADING <= size.height * _CAPTION_HEIGHT and all(
            draw.textlength(row, font=face) <= room for row in rows
        ):
            break
    y = size.height * (1 - _CAPTION_FOOT) - len(rows) * points * _CAPTION_LEADING
    for row in rows:
        at = (size.width / 2, y)
        edge = max(1, points // _CAPTION_EDGE)
        draw.text(at, row, font=face, fill="#ffffff", anchor="ma", stroke_width=edge, stroke_fill="#000000")
        y += points * _CAPTION_LEADING
    return picture


def caption_overlays(cues: Sequence[Cue], frames: int, size: Size, font: Path | None = None) -> Iterator[Overlay]:
    """Yield an overlay for each stretch of *frames* frames during which the displayed texts do not change.

    *font* is a font file, ``None`` for the built-in one. Raises ``UnreadableFont``.
    """
    bounds = sorted({0, frames, *(cue.first for cue in cues), *(cue.end for cue in cues)})
    for first, end in pairwise(moment for moment in bounds if 0 <= moment <= frames):
        text = "\n".join(cue.text for cue in cues if cue.first <= first < cue.end)
        picture = draw_caption(text, size, font) if text else None
        box = picture.getbbox() if picture is not None else None
        if picture is not None and box is not None:
            yield Overlay(np.asarray(picture.crop(box)), box[0], box[1], first, end)


def _fit_rows(
    draw: ImageDraw.ImageDraw, title: Title, room: tuple[int, int], side: int, font: Path | None
) -> tuple[_Rows, float]:
    """Return the rows in the largest size that fits into *room*, and their total height."""
    smallest = max(4, side // _SMALLEST)
    for points in range(max(smallest, side // _LARGEST), smallest - 1, -1):
        rows = _rows(draw, title, points, room[0], font, break_words=points == smallest)
        height = sum(step for _, _, step in rows)
        if rows and height <= room[1] and all(_text_width(draw, text, face) <= room[0] for text, face, _ in rows):
            return rows, height
    kept: _Rows = []
    for row in rows:
        if sum(step for _, _, step in kept) + row[2] <= room[1]:
            kept.append(row)
    return kept, sum(step for _, _, step in kept)


def _rows(
    draw: ImageDraw.ImageDraw, title: Title, points: int, width: int, font: Path | None, *, break_words: bool
) -> _Rows:
    large, small = load_face(points, font), load_face(max(4, round(points * _SUBTITLE)), font)
    rows: _Rows = [
        (text, large, _row_height(large)) for text in wrap_text(draw, title.text, large, width, break_words=break_words)
    ]
    if title.subtitle:
        text, face, step = rows[-1]
        rows[-1] = (text, face, step + _GAP * _row_height(small))
        rows += [
            (row, small, _row_height(small))
            for row in wrap_text(draw, title.subtitle, small, width, break_words=break_words)
        ]
    return rows


def wrap_text(draw: ImageDraw.ImageDraw, text: str, face: FreeTypeFont, width: int, *, break_words: bool) -> list[str]:
    """Return lines no wider than *width* where words allow it; with *break_words*, split words that are too wide."""
    rows: list[str] = []
    for line in text.splitlines() or [""]:
        rows.append("")
        for word in line.split():
            for part in _split_word(draw, word, face, width) if break_words else [word]:
                longer = f"{rows[-1]} {part}".strip()
                if rows[-1] and _text_width(draw, longer, face) > width:
                    rows.append(part)
                else:
                    rows[-1] = longer
    return rows


def _split_word(draw: ImageDraw.ImageDraw, word: str, face: FreeTypeFont, width: int) -> list[str]:
    parts = [""]
    for character in word:
        if parts[-1] and _text_width(draw, parts[-1] + character, face) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _text_width(draw: ImageDraw.ImageDraw, text: str, face: FreeTypeFont) -> float:
    left, _, right, _ = draw.textbbox((0, 0), text, font=face)
    return right - left


def _row_height(face: FreeTypeFont) -> float:
    """Return the distance from one row to the next: ascenders, descenders and some leading."""
    ascent, descent = face.getmetrics()
    return (ascent + descent) * _LEADING
