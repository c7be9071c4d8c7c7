"""A slate: a still card with a few lines of text, for a shot that is not there."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont

from storyboard.core.model import Size
from storyboard.fonts import face
from storyboard.media.encode import ClipWriter
from storyboard.media.render import Canvas

_BACKGROUND = (24, 26, 30)
_TITLE = (236, 238, 240)
_TEXT = (150, 156, 164)


def write_slate(lines: tuple[str, ...], frames: int, canvas: Canvas, out: Path) -> None:
    """Write *frames* frames of the same card to *out*: the first line large, the others small and wrapped."""
    picture = np.asarray(draw_card(lines, canvas.size))
    with ClipWriter(out, canvas.size, canvas.rate, canvas.encoding) as writer:
        for _ in range(frames):
            writer.write(picture)


def draw_card(lines: tuple[str, ...], size: Size) -> Image.Image:
    """The card as an RGB picture of *size*."""
    card = Image.new("RGB", (size.width, size.height), _BACKGROUND)
    draw = ImageDraw.Draw(card)
    unit = max(8, min(size.width, size.height) // 14)
    x, y = size.width // 12, size.height // 3
    for number, line in enumerate(lines):
        font = face(unit if number == 0 else max(8, unit // 2))
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
