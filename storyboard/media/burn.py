"""A caption drawn into the picture: white with a dark edge, at the foot of the frame, as large as fits."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.fonts import face as opened
from storyboard.media.compositor import Overlay
from storyboard.media.titles import wrapped

_LARGEST, _SMALLEST = 18, 60  # parts of the shorter side
_WIDTH, _HEIGHT = 0.84, 0.3  # of the frame, at most
_FOOT = 0.06
_EDGE = 12  # parts of the size of the text
_LEADING = 1.3


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
    smallest = max(5, side // _SMALLEST)
    for points in range(max(smallest, side // _LARGEST), smallest - 1, -1):
        face = opened(points, font)
        rows = wrapped(draw, text, face, int(room), broken=points == smallest)
        if len(rows) * points * _LEADING <= size.height * _HEIGHT and all(
            draw.textlength(row, font=face) <= room for row in rows
        ):
            break
    y = size.height * (1 - _FOOT) - len(rows) * points * _LEADING
    for row in rows:
        at = (size.width / 2, y)
        edge = max(1, points // _EDGE)
        draw.text(at, row, font=face, fill="#ffffff", anchor="ma", stroke_width=edge, stroke_fill="#000000")
        y += points * _LEADING
    return picture
