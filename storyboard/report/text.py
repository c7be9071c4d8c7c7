"""Text for people: foreign text made safe for a terminal, and numbers, sums of money and lists as phrases.

Text from storyboards and providers may hold escape sequences, characters that reverse the direction of writing, and
invisible ones. ``clean`` shows each of them as U+FFFD; every text from elsewhere passes it on its way into a line.
``without_controls`` is the filter of the output streams for whatever did not. Widths follow UAX #11: wide East Asian
characters take two cells. ``fold`` breaks lines that are wider than a terminal between words.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
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
# A command or a field in backquotes stays on one line, so that it can be copied.
_WORDS = re.compile(r" *(?:(?:`[^`]*`|[^\s`])+|\S+)")
# Lines of a file that a finding shows: the number of the line, or the mark below it.
_SOURCE_LINE = re.compile(r"(?:\x1b\[2m)? *\d* \|")
# Cells by which the rest of a broken line is indented further than its first part.
_HANGING = 4


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


def width_of(text: str) -> int:
    """Return how many cells of a terminal a clean text takes, without its colours."""
    return len(text) if text.isascii() and "\x1b" not in text else sum(map(cells, _OWN_COLOR.sub("", text)))


def fold(text: str, width: int | None) -> str:
    """Return *text* with lines of at most *width* cells, broken between words; ``None`` breaks none.

    A word that is wider than the terminal stays whole. Shown lines of a file are left as they are, since a mark stands
    below a place in them.
    """
    if width is None:
        return text
    lines = text.split("\n")
    return "\n".join(
        line if width_of(line) <= width or _SOURCE_LINE.match(line) else _fold(line, width) for line in lines
    )


def _fold(line: str, width: int) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return "\n".join(fold_words(line, width, " " * indent, " " * min(indent + _HANGING, width // 3)))


def fold_words(text: str, width: int, first: str, rest: str) -> list[str]:
    """Return the words of *text* in lines of at most *width* cells; *first* and *rest* begin the lines."""
    lines, line, is_empty = [], first, True
    for blanks, word in _pieces(text, width - len(rest)):
        more = word if is_empty else blanks + word
        if not is_empty and width_of(line) + width_of(more) > width:
            lines.append(line)
            line, more = rest, word
        line, is_empty = line + more, False
    return [*lines, line]


def _pieces(text: str, width: int) -> Iterator[tuple[str, str]]:
    """Yield the words of *text* with the blanks before them; words in backquotes are one, if they fit into *width*."""
    for found in _WORDS.findall(text):
        word = found.lstrip(" ")
        blanks = found[: len(found) - len(word)]
        parts = [word] if width_of(word) <= width else word.split(" ")
        for at, part in enumerate(parts):
            yield (" " if at else blanks), part


def columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return *rows* of equal length as lines with aligned columns, two blanks apart; those in *right* end aligned.

    A column that is empty in all rows is left out.
    """
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(_cell(text, widths[at], at in right) for at, text in enumerate(row) if widths[at]) for row in rows
    ]


def _cell(text: str, width: int, is_right: bool) -> str:
    blanks = " " * (width - width_of(text))
    return f"{blanks}{text}" if is_right else f"{text}{blanks}"


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
