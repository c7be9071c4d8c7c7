"""A caption drawn into the picture: white with a dark edge, at the foot of the frame, as large as fits."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from storyboard.core.captions import Cue
from storyboard.core.model import Size
from storyboard.fonts import face as opened
from storyboard.media.color import Rgb
from storyboard.media.titles import wrapped

_LARGEST, _SMALLEST = 18, 60  # parts of the shorter side
_WIDTH, _HEIGHT = 0.84, 0.3  # of the frame, at most
_FOOT = 0.06
_EDGE = 12  # parts of the size of the text
_LEADING = 1.3


class Burner:
    """Draws the captions of one piece; each text is set once."""

    def __init__(self, cues: Sequence[Cue], size: Size) -> None:
        self._cues = cues
        self._size = size
        self._set: dict[str, npt.NDArray[np.uint16]] = {}

    def picture(self, picture: Rgb, number: int) -> Rgb:
        """*picture*, which is frame *number*, with what has to be read then."""
        text = "\n".join(cue.text for cue in self._cues if cue.first <= number < cue.end)
        if not text:
            return picture
        if text not in self._set:
            self._set[text] = np.asarray(draw_caption(text, self._size), np.uint16)
        ink, cover = self._set[text][:, :, :3], self._set[text][:, :, 3:]
        mixed = picture * (np.uint16(255) - cover) + ink * cover + np.uint16(127)
        return np.asarray(mixed // np.uint16(255), np.uint8)


def draw_caption(text: str, size: Size) -> Image.Image:
    """The caption on a clear picture of *size*, RGBA."""
    picture = Image.new("RGBA", (size.width, size.height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    side, room = min(size.width, size.height), size.width * _WIDTH
    smallest = max(5, side // _SMALLEST)
    for points in range(max(smallest, side // _LARGEST), smallest - 1, -1):
        face = opened(points)
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
