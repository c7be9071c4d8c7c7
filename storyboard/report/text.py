"""Text for people: foreign text made safe for a terminal, and numbers, sums of money and lists as phrases.

Text from storyboards and providers may hold escape sequences, characters that reverse the direction of writing, and
invisible ones. ``clean`` shows each of them as U+FFFD; every text from elsewhere passes it on its way into a line.
``without_controls`` is the filter of the output streams for whatever did not. Widths follow UAX #11: wide East Asian
characters take two cells.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from storyboard.core.results import dollars

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Controls, formats (bidi, zero width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Characters that act on a terminal or on the order of text. Joiners, which scripts and emoji need, are none.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROLS = frozenset(("Cc", "Cs", "Zl", "Zp"))
# The colours of this program: those of ``click.style``, and of the findings.
_OWN_COLOR = re.compile("(\x1b\\[(?:0|1|2|1;31|1;33|3[0-7]|9[0-7])m)")
_ZERO_WIDTH = frozenset(("Mn", "Me"))
_LINE_BREAKS = str.maketrans("\r\n", "  ")


def clean(text: str) -> str:
    """Return *text* on one line, with every unsafe or invisible character as U+FFFD and a tab as a blank."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(clean_character, text))


def clean_character(character: str) -> str:
    """Return what ``clean`` shows for one character."""
    if character == "\t":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def without_controls(text: str) -> str:
    """Return a text of several lines with every control character, but for own colours, as U+FFFD."""
    pieces = _OWN_COLOR.split(text)
    return "".join(piece if at % 2 else "".join(map(_without_control, piece)) for at, piece in enumerate(pieces))


def _without_control(character: str) -> str:
    acts = character in _BIDI or unicodedata.category(character) in _CONTROLS
    return REPLACEMENT if acts and character not in "\n\t" else character


def escape_json(text: str, *, plain: bool = False) -> str:
    """Return JSON *text* with every unsafe character, but for line breaks between values, as its escape.

    With *plain*, every character outside of ASCII is escaped.
    """
    if text.replace("\n", "").isprintable() and (text.isascii() or not plain):
        return text
    return "".join(_escape_in_json(character) if _is_escaped(character, plain) else character for character in text)


def _is_escaped(character: str, plain: bool) -> bool:
    if character.isascii():
        return character == "\x7f"
    return plain or unicodedata.category(character) in _UNSAFE


def _escape_in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def clean_block(text: str) -> str:
    """Return a text whose line breaks are this program's own, each of its lines clean."""
    return "\n".join(map(clean, text.split("\n")))


def clean_lines(text: str) -> str:
    """Return a text that may have several lines, such as a title, on one line: line breaks as blanks, then clean."""
    return clean(text.translate(_LINE_BREAKS))


def cells(character: str) -> int:
    """Return how many cells of a terminal a clean character takes: 0, 1 or 2."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def several(number: int, noun: str) -> str:
    """Return ``1 frame``, ``2,304 frames``."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def paid(cost: str | None) -> str:
    """Return a cost given as decimal text: ``$0.60``; ``free`` where nothing was paid."""
    return dollars(Decimal(cost)) if cost else "free"


def listed(names: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    items = [clean(name) for name in names]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
