"""How the fields of a mapping and the items of a list are laid out in the text, to the code point.

The nodes of ``source`` say where values begin. Here is where the whole of a field begins and ends: with its anchor, tag
and quotes, without the blank lines and comments behind it. Nothing here changes text.
"""

import re
from collections.abc import Iterator

import yaml
from msgspec import Struct

from storyboard.document.parse import LOADER
from storyboard.document.source import Map, Node, Scalar, Seq

BLANK = " \t\r\n"
_BREAK = re.compile(r"\r\n|\r|\n")
_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_COMMENT = re.compile(r"#[^\r\n]*")
_HEADER = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\r\n]*)")


class Part(Struct, gc=False):
    """A field of a mapping, or an item of a list.

    ``start`` is at its key or dash, at an anchor or tag if one stands before; ``value`` is where its value begins,
    ``end`` is behind the last character of it that is not blank. An empty value begins at ``end``.
    """

    start: int
    value: int
    end: int


class Parts(Struct, gc=False):
    """A mapping or list as written: ``flow`` between brackets, the first of them at ``start``, else by indentation."""

    flow: bool
    start: int
    parts: list[Part]


def parts(text: str, node: Map | Seq) -> Parts:
    """The layout of *node*, which must not be an alias."""
    start = _begin(text, node)
    flow = text[start] in "[{"
    found: list[Part] = []
    at = start + 1 if flow else start
    for key_end, value in _children(node):
        begin = after_space(text, at)
        if flow and text[begin] == ",":
            begin = after_space(text, begin + 1)
        at = _end(text, value, begin + 1 if key_end is None else key_end)
        found.append(Part(begin, min(_begin(text, value), at), at))
    return Parts(flow, start, found)


def is_alias(text: str, node: Node) -> bool:
    """Whether ``*name`` stands where *node* is."""
    if text[node.start : node.start + 1] != "*":
        return False
    # `*name : value` is a mapping whose first key is an alias.
    return not isinstance(node, Map) or all(start != node.start for start, _ in node.keys.values())


def comments(text: str) -> list[tuple[int, int]]:
    """Where all comments of a readable text stand: what the tokens leave over, and behind ``|`` and ``>``."""
    found: list[tuple[int, int]] = []
    end = 0
    for token in yaml.scan(text, Loader=LOADER):
        start = token.start_mark.index
        found.extend(match.span() for match in _COMMENT.finditer(text, end, start))
        end = max(end, token.end_mark.index)
        header = _HEADER.match(text, start, end) if isinstance(token, yaml.ScalarToken) else None
        if header is not None:
            found.append(header.span(1))
    return found


def after_space(text: str, index: int) -> int:
    """Where the blanks, line breaks and comments end that begin at *index*."""
    found = _SPACE.match(text, index)
    return index if found is None else found.end()


def line_start(text: str, index: int) -> int:
    """Where the line of *index* begins."""
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def line_end(text: str, index: int) -> tuple[int, int]:
    """Where the line of *index* ends: before and behind its break."""
    found = _BREAK.search(text, index)
    return (len(text), len(text)) if found is None else found.span()


def break_before(text: str, start: int) -> str:
    """The line break that ends right before *start*, which is the start of a line; empty at the start of the text."""
    return "\r\n" if text.endswith("\r\n", 0, start) else text[max(start - 1, 0) : start]


def break_at(text: str, index: int) -> str:
    """The line break to use for a new line behind the line of *index*: its own, else the one before it."""
    stop, end = line_end(text, index)
    return text[stop:end] or break_before(text, line_start(text, index)) or "\n"


def begins_line(text: str, index: int) -> bool:
    """Whether only blanks stand before *index* in its line."""
    return not text[line_start(text, index) : index].strip(" \t")


def _children(node: Map | Seq) -> Iterator[tuple[int | None, Node]]:
    if isinstance(node, Seq):
        yield from ((None, item) for item in node.items)
    else:
        yield from ((node.keys[key][1], value) for key, value in node.items.items())


def _begin(text: str, node: Node) -> int:
    """Where a value begins; a comment may stand between its anchor and it."""
    commented = node.end > node.start and text[node.start] == "#"
    return after_space(text, node.start) if commented else node.start


def _end(text: str, node: Node, lead: int) -> int:
    """Where a value ends that stands behind a key or dash that ends at *lead*."""
    if isinstance(node, Scalar) and node.start == node.end:
        return _end_of_nothing(text, node.end, lead)
    begin = _begin(text, node)
    if isinstance(node, Scalar) or is_alias(text, node) or text[begin] in "[{":
        return begin + len(text[begin : node.end].rstrip(BLANK))
    return parts(text, node).parts[-1].end


def _end_of_nothing(text: str, mark: int, lead: int) -> int:
    """Behind the dash, colon, anchor or tag of an empty value; loaders put some at the token that follows."""
    colon = after_space(text, lead)
    end = colon + 1 if colon < mark and text[colon] == ":" else lead
    return end if after_space(text, end) >= mark else mark
