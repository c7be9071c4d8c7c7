"""Fonts: the built-in font, opened at a size, and the letters that a font lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from string import ascii_letters, digits
from typing import TYPE_CHECKING
from unicodedata import bidirectional, category, normalize

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

BUILTIN = Path(__file__).with_name("DejaVuSans.ttf")

_PROBE_POINTS = 16  # large enough that no two letters look alike
_NO_LETTER = "\uffff"  # in no font, so that the sign for a missing letter is drawn
_SAMPLE = ascii_letters + digits
# The built-in font has these, so that most texts are judged without opening it.
_COMMON = (" ", "\u017f")
_COMMON_SIGNS = "–—‘’‚“”„†•…‰‹›€™"


class UnreadableFont(Exception):
    """A file that is no readable font; the text is a clause without a subject, such as ``is damaged``."""


@lru_cache(maxsize=64)
def load_face(points: int, file: Path | None = None, index: int = 0) -> FreeTypeFont:
    """Open face *index* in *file*, ``None`` for the built-in font, *points* pixels high. Raises ``UnreadableFont``."""
    return _open(file or BUILTIN, points, index)


def missing_letters(text: str, font: Path | bytes | None = None, index: int = 0) -> str:
    """Return the letters of *text* that *font* cannot draw, each once, without blanks. Raises ``UnreadableFont``."""
    wanted = dict.fromkeys(letter for letter in text if not letter.isspace() and letter.isprintable())
    if font is None and all(_COMMON[0] <= letter <= _COMMON[1] or letter in _COMMON_SIGNS for letter in wanted):
        return ""
    probe = (
        _open(BytesIO(font), _PROBE_POINTS, index) if isinstance(font, bytes) else load_face(_PROBE_POINTS, font, index)
    )
    # A letter that is laid out as several, as the Thai AM is, shows as many signs for a missing letter.
    missing = [_shape(probe, _NO_LETTER * count) for count in (1, 2, 3)]
    return "".join(letter for letter in wanted if _shape(probe, letter) in missing)


def font_problem(font: bytes) -> str:
    """Return the reason why a font file cannot be used, empty if it opens and draws letters and digits."""
    try:
        missing_letters(_SAMPLE, font)
    except UnreadableFont as problem:
        return f"it {problem}"
    return ""


@contextmanager
def drawing() -> Iterator[None]:
    """Raise ``UnreadableFont`` in place of the error of a font that opens and does not draw."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except (OSError, ValueError, DecompressionBombError) as problem:
        raise UnreadableFont(f"is damaged and does not draw: {problem}") from problem


def needs_layout(text: str) -> bool:
    """Return whether *text* has letters that run from right to left, join or combine.

    Such text is more than a row of single letters.
    """
    return not text.isascii() and any(
        bidirectional(letter) in ("R", "AL") or category(letter) in ("Mn", "Mc") for letter in normalize("NFC", text)
    )


def has_layout() -> bool:
    """Return whether the installed Pillow can lay out such letters, which takes FriBiDi; its wheels lack it."""
    from PIL import features

    return bool(features.check("raqm"))


def _open(file: Path | BytesIO, points: int, index: int = 0) -> FreeTypeFont:
    from PIL import ImageFont

    try:
        face = ImageFont.truetype(file, points, index)
    except OSError as problem:
        raise UnreadableFont("is not a readable font") from problem
    return face


def _shape(probe: FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    with drawing():
        mask = probe.getmask(letter)
    return mask.size, bytes(mask)
