"""Foreign text for a terminal: without anything that could act there, and measured in cells.

Text from storyboards and providers may hold escape sequences, characters that turn the direction of writing, and ones
that cannot be seen. Each of those is shown as U+FFFD. Widths follow UAX #11: wide East Asian characters take two cells.
"""

import unicodedata

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
