"""Title cards, drawn with Pillow: text that wraps and shrinks until it fits, in every script that the font has.

A caption drawn into the picture: white with a dark edge, at the foot of the frame, as large as fits.

A slate: a still card with a few lines of text, for a shot that is not there.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, Title
from storyboard.fonts import face as opened
from storyboard.media.render.compositor import Overlay
from storyboard.media.render.encoder import ClipWriter
from storyboard.media.render.render import encoding_of

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


_CAPTION_LARGEST, _CAPTION_SMALLEST = 18, 60  # parts of the shorter side
_WIDTH, _HEIGHT = 0.84, 0.3  # of the frame, at most
_FOOT = 0.06
_EDGE = 12  # parts of the size of the text
_CAPTION_LEADING = 1.3


def overlays(cues: Sequence[Cue], frames: int, size: Size, font: Path | None = None) -> Iterator[Overlay]:
    """What lies over a piece of so many *frames*: a picture for every stretch in which the same texts are read.

    Written in *font*, or without one in the built-in one. Raises ``UnreadableFont``.
    """
    bounds = sorted({0, frames, *(cue.first for cue in cues), *(cue.end for cue in cues)})
    for first, end in pairwise(moment for moment in bounds if 0 <= moment <= frames):
        text = "\n".join(cue.text for cue in cues if cue.first <= first < cue.end)
        picture = draw_caption(text, size, font) if text else None
        box = picture.getbbox() if picture is not None else None
        if picture is not None and box is not None:
            yield Overlay(np.asarray(picture.crop(box)), box[0], box[1], first, end)


def draw_caption(text: str, size: Size, font: Path | None = None) -> Image.Image:
    """The caption on a clear picture of *size*, RGBA."""
    picture = Image.new("RGBA", (size.width, size.height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    side, room = min(size.width, size.height), size.width * _WIDTH
    smallest = max(5, side // _CAPTION_SMALLEST)
    for points in range(max(smallest, side // _CAPTION_LARGEST), smallest - 1, -1):
        face = opened(points, font)
        rows = wrapped(draw, text, face, int(room), broken=points == smallest)
        if len(rows) * points * _CAPTION_LEADING <= size.height * _HEIGHT and all(
            draw.textlength(row, font=face) <= room for row in rows
        ):
            break
    y = size.height * (1 - _FOOT) - len(rows) * points * _CAPTION_LEADING
    for row in rows:
        at = (size.width / 2, y)
        edge = max(1, points // _EDGE)
        draw.text(at, row, font=face, fill="#ffffff", anchor="ma", stroke_width=edge, stroke_fill="#000000")
        y += points * _CAPTION_LEADING
    return picture


_BACKGROUND = (24, 26, 30)
_TITLE = (236, 238, 240)
_TEXT = (150, 156, 164)


def write_slate(lines: tuple[str, ...], frames: int, canvas: Canvas, out: Path) -> None:
    """Write *frames* frames of the same card to *out*: the first line large, the others small and wrapped."""
    picture = np.asarray(draw_card(lines, canvas.size))
    with ClipWriter(out, canvas.size, canvas.rate, encoding_of(canvas)) as writer:
        for _ in range(frames):
            writer.write(picture)


def draw_card(lines: tuple[str, ...], size: Size) -> Image.Image:
    """The card as an RGB picture of *size*."""
    card = Image.new("RGB", (size.width, size.height), _BACKGROUND)
    draw = ImageDraw.Draw(card)
    unit = max(8, min(size.width, size.height) // 14)
    x, y = size.width // 12, size.height // 3
    for number, line in enumerate(lines):
        font = opened(unit if number == 0 else max(8, unit // 2))
        for row in _wrapped(draw, line, font, size.width - 2 * x):
            draw.text((x, y), row, font=font, fill=_TITLE if number == 0 else _TEXT)
            y += int(sum(font.getmetrics()) * 1.15)
    return card


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: FreeTypeFont, width: int) -> list[str]:
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return [row for row in rows if row]
