"""Text for people: foreign text made safe for a terminal, and numbers, sums of money and lists as phrases.

Text from storyboards and providers may hold escape sequences, characters that reverse the direction of writing, and
invisible ones. ``clean`` shows each of them as U+FFFD. Widths follow UAX #11: wide East Asian characters take two
cells.
"""

import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from storyboard.core.results import dollars

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Controls, formats (bidi, zero width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
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
