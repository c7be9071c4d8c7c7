"""The font that ships with storyboard, and which letters a font has.

Owns: opening a font at a size, and the question whether it can write a text. Leaves the drawing to those who draw.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import bidirectional, category, normalize

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

BUILTIN = Path(__file__).with_name("DejaVuSans.ttf")

_PROBE = 16  # points: large enough for two letters never to look alike
_NO_LETTER = "\uffff"  # no font has it, so what is drawn is the sign for a missing letter


class UnreadableFont(Exception):
    """A font file that is none."""


@lru_cache(maxsize=64)
def face(points: int, file: Path | None = None) -> FreeTypeFont:
    """The font in *file*, ``None`` for the built-in one, *points* pixels high. Raises ``UnreadableFont``."""
    return _opened(file or BUILTIN, points)


def missing_letters(text: str, font: Path | bytes | None = None) -> str:
    """The letters of *text* that *font* cannot draw, each once; blanks aside. Raises ``UnreadableFont``."""
    wanted = dict.fromkeys(letter for letter in text if not letter.isspace() and letter.isprintable())
    if font is None and all(letter.isascii() for letter in wanted):
        return ""
    probe = _opened(BytesIO(font) if isinstance(font, bytes) else font or BUILTIN, _PROBE)
    nothing = _shape(probe, _NO_LETTER)
    return "".join(letter for letter in wanted if _shape(probe, letter) == nothing)


def needs_layout(text: str) -> bool:
    """Whether letters of *text* run from right to left, join or stand upon others, so that a row of them is no text."""
    return not text.isascii() and any(
        bidirectional(letter) in ("R", "AL") or category(letter) in ("Mn", "Mc") for letter in normalize("NFC", text)
    )


def has_layout() -> bool:
    """Whether the Pillow that is installed can lay out such letters: it takes FriBiDi, which its wheels lack."""
    from PIL import features

    return bool(features.check("raqm"))


def _opened(file: Path | BytesIO, points: int) -> FreeTypeFont:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(file, points)
    except OSError as problem:
        raise UnreadableFont("is no font that can be read") from problem


def _shape(probe: FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = probe.getmask(letter)
    return mask.size, bytes(mask)
