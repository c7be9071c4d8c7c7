"""Plans in words: why a step is what it is, and what has changed, for people.

Foreign text for a terminal: without anything that could act there, and measured in cells.

Text from storyboards and providers may hold escape sequences, characters that turn the direction of writing, and ones
that cannot be seen. Each of those is shown as U+FFFD. Widths follow UAX #11: wide East Asian characters take two cells.
"""

import unicodedata
from collections.abc import Iterable
from decimal import Decimal

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: str) -> str:
    """Foreign text fit for a terminal: no control, bidi or zero-width characters, one line."""
    shown = "".join(" " if char in "\n\r\t" else char for char in text)
    return "".join(char for char in shown if unicodedata.category(char) not in _INVISIBLE)


def several(number: int, noun: str) -> str:
    """``1 frame``, ``2,304 frames``."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def dollars(amount: Decimal) -> str:
    """``$0.96``; fractions of a cent are shown where there are any."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents}" if cents == amount else f"${amount.normalize():f}"


def paid(cost: str | None) -> str:
    """What was paid, from decimal text: ``$0.60``; ``free`` where nothing was."""
    return dollars(Decimal(cost)) if cost else "free"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    items = [clean(name) for name in names]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_ZERO = frozenset(("Mn", "Me"))


def harmless(text: str) -> str:
    """*text* on one line, with control, direction and invisible characters replaced; a tab becomes a blank."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(harmless_character, text))


def harmless_character(character: str) -> str:
    """The same for a single character."""
    if character == "\t":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def cells(character: str) -> int:
    """How many cells of a terminal a harmless character takes: 0, 1 or 2."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in _ZERO:
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
