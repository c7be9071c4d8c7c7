"""Text in pictures: title cards and captions, drawn with Pillow.

Text wraps and shrinks until it fits, in every script that the font has. A caption is white with a dark edge, at the
foot of the frame.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.core.render_spec import Title
from storyboard.fonts.lettering import FontFile, Lettering, wrap_lines
from storyboard.media.render.compositor import Overlay

_MARGIN = 12  # the margin is a twelfth of a side
_LARGEST, _SMALLEST = 7, 90  # font sizes as fractions (1/n) of the shorter side
_SUBTITLE = 0.45
_LEADING = 1.25
_GAP = 0.6
_BUILTIN: Sequence[FontFile] = ((None, 0),)
_Rows = list[tuple[str, Lettering, float]]
_CAPTION_LARGEST, _CAPTION_SMALLEST = 18, 60  # font sizes as fractions (1/n) of the shorter side
_CAPTION_WIDTH, _CAPTION_HEIGHT = 0.84, 0.3  # largest shares of the frame
_CAPTION_FOOT = 0.06
_CAPTION_EDGE = 12  # the edge is a twelfth of the font size
_CAPTION_LEADING = 1.3


def draw_title(title: Title, size: Size, fonts: Sequence[FontFile] = _BUILTIN) -> Image.Image:
    """Return the title card as an RGB picture of *size*, each letter in the first of *fonts* that has it.

    Raises ``fonts.UnreadableFont``.
    """
    picture = Image.new("RGB", (size.width, size.height), title.background)
    draw = ImageDraw.Draw(picture)
    room = (size.width - 2 * (size.width // _MARGIN), size.height - 2 * (size.height // _MARGIN))
    rows, height = _fit_rows(title, room, min(size.width, size.height), fonts)
    y = (size.height - height) / 2
    for text, lettering, step in rows:
        left, right = lettering.box(text)
        width = right - left
        x = {"left": 0.0, "center": (room[0] - width) / 2, "right": room[0] - width}[title.align]
        lettering.draw(draw, size.width // _MARGIN + x - left, y, text, title.color)
        y += step
    return picture


def draw_caption(text: str, size: Size, fonts: Sequence[FontFile] = _BUILTIN) -> Image.Image:
    """Return the caption on a transparent picture of *size*, RGBA."""
    picture = Image.new("RGBA", (size.width, size.height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    side, room = min(size.width, size.height), size.width * _CAPTION_WIDTH
    smallest = max(5, side // _CAPTION_SMALLEST)
    for points in range(max(smallest, side // _CAPTION_LARGEST), smallest - 1, -1):
        lettering = Lettering(points, fonts)
        most = None if points == smallest else int(size.height * _CAPTION_HEIGHT / (points * _CAPTION_LEADING))
        rows = wrap_lines(text, lettering, int(room), break_words=points == smallest, most=most)
        if len(rows) * points * _CAPTION_LEADING <= size.height * _CAPTION_HEIGHT and all(
            lettering.length(row) <= room for row in rows
        ):
            break
    y = size.height * (1 - _CAPTION_FOOT) - len(rows) * points * _CAPTION_LEADING
    edge = {"stroke_width": max(1, points // _CAPTION_EDGE), "stroke_fill": "#000000"}
    for row in rows:
        lettering.draw(draw, size.width / 2, y, row, "#ffffff", centered=True, **edge)
        y += points * _CAPTION_LEADING
    return picture


def caption_overlays(
    cues: Sequence[Cue], frames: int, size: Size, fonts: Sequence[FontFile] = _BUILTIN
) -> Iterator[Overlay]:
    """Yield an overlay for each stretch of *frames* frames during which the displayed texts do not change.

    Each letter is in the first of *fonts* that has it. Raises ``UnreadableFont``.
    """
    bounds = sorted({0, frames, *(cue.first for cue in cues), *(cue.end for cue in cues)})
    for first, end in pairwise(moment for moment in bounds if 0 <= moment <= frames):
        text = "\n".join(cue.text for cue in cues if cue.first <= first < cue.end)
        picture = draw_caption(text, size, fonts) if text else None
        box = picture.getbbox() if picture is not None else None
        if picture is not None and box is not None:
            yield Overlay(np.asarray(picture.crop(box)), box[0], box[1], first, end)


def _fit_rows(title: Title, room: tuple[int, int], side: int, fonts: Sequence[FontFile]) -> tuple[_Rows, float]:
    """Return the rows in the largest size that fits into *room*, and their total height."""
    smallest = max(4, side // _SMALLEST)
    for points in range(max(smallest, side // _LARGEST), smallest - 1, -1):
        rows = _rows(title, points, room, fonts, break_words=points == smallest)
        height = sum(step for _, _, step in rows)
        if rows and height <= room[1] and all(lettering.width(text) <= room[0] for text, lettering, _ in rows):
            return rows, height
    kept: _Rows = []
    for row in rows:
        if sum(step for _, _, step in kept) + row[2] <= room[1]:
            kept.append(row)
    return kept, sum(step for _, _, step in kept)


def _rows(title: Title, points: int, room: tuple[int, int], fonts: Sequence[FontFile], *, break_words: bool) -> _Rows:
    """Return the rows of a title; those that are below *room* may be left out."""
    large, small = Lettering(points, fonts), Lettering(max(4, round(points * _SUBTITLE)), fonts)
    high, low = (
        face.row_height(text or "") * _LEADING for face, text in ((large, title.text), (small, title.subtitle))
    )
    rows: _Rows = [
        (text, large, high)
        for text in wrap_lines(title.text, large, room[0], break_words=break_words, most=int(room[1] / high))
    ]
    if title.subtitle:
        text, lettering, step = rows[-1]
        rows[-1] = (text, lettering, step + _GAP * low)
        rows += [
            (row, small, low)
            for row in wrap_lines(title.subtitle, small, room[0], break_words=break_words, most=int(room[1] / low))
        ]
    return rows
