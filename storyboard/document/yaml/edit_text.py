"""Layout of mappings and lists in YAML text, and the splices that add and remove their items.

Nodes of ``source_map`` hold where values begin. ``source_items`` adds where a whole field or item begins and ends:
with its anchor, tag and quotes, without the blank lines and comments behind it.

``insertions`` and ``removals`` return splices in the layout found there. Where several ways are possible they come
best first, for ``edit`` to try. None of them changes a comment beside an item.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import yaml
from msgspec import Struct

from storyboard.document.yaml.parse import LOADER
from storyboard.document.yaml.source_map import Map, Node, Scalar, Seq

BLANK = " \t\r\n"
_BREAK = re.compile(r"\r\n|\r|\n")
_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_COMMENT = re.compile(r"#[^\r\n]*")
_HEADER = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\r\n]*)")


class SourceItem(Struct, gc=False):
    """A field of a mapping, or an item of a list.

    ``start`` is the index of its key or dash, or of the anchor or tag before it; ``value`` is where its value begins,
    ``end`` is behind its last character that is not blank. An empty value begins at ``end``.
    """

    start: int
    value: int
    end: int


class SourceItems(Struct, gc=False):
    """A mapping or list as written: ``flow`` in brackets, the first of them at ``start``, else by indentation."""

    flow: bool
    start: int
    items: list[SourceItem]


def source_items(text: str, node: Map | Seq) -> SourceItems:
    """Return the layout of *node*, which must not be an alias."""
    start = _value_start(text, node)
    flow = text[start] in "[{"
    found: list[SourceItem] = []
    at = start + 1 if flow else start
    for key_end, value in _children(node):
        begin = skip_space(text, at)
        if flow and text[begin] == ",":
            begin = skip_space(text, begin + 1)
        at = _value_end(text, value, begin + 1 if key_end is None else key_end)
        found.append(SourceItem(begin, min(_value_start(text, value), at), at))
    return SourceItems(flow, start, found)


def is_alias(text: str, node: Node) -> bool:
    """Return whether *node* is written as an alias, ``*name``."""
    if text[node.start : node.start + 1] != "*":
        return False
    # `*name : value` is a mapping whose first key is an alias.
    return not isinstance(node, Map) or all(start != node.start for start, _ in node.keys.values())


def find_comments(text: str) -> list[tuple[int, int]]:
    """Return the spans of all comments of a valid text: the text between tokens, and behind ``|`` and ``>``."""
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


def skip_space(text: str, index: int) -> int:
    """Return the index behind the blanks, line breaks and comments that begin at *index*."""
    found = _SPACE.match(text, index)
    return index if found is None else found.end()


def line_start(text: str, index: int) -> int:
    """Return the index at which the line of *index* begins."""
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def line_end(text: str, index: int) -> tuple[int, int]:
    """Return the indexes before and behind the line break that ends the line of *index*."""
    found = _BREAK.search(text, index)
    return (len(text), len(text)) if found is None else found.span()


def break_before(text: str, start: int) -> str:
    """Return the line break before *start*, which begins a line; empty at the start of the text."""
    return "\r\n" if text.endswith("\r\n", 0, start) else text[max(start - 1, 0) : start]


def break_at(text: str, index: int) -> str:
    """Return the line break for a new line behind the line of *index*: that line's own, else the one before it."""
    stop, end = line_end(text, index)
    return text[stop:end] or break_before(text, line_start(text, index)) or "\n"


def begins_line(text: str, index: int) -> bool:
    """Return whether only blanks precede *index* in its line."""
    return not text[line_start(text, index) : index].strip(" \t")


def _children(node: Map | Seq) -> Iterator[tuple[int | None, Node]]:
    if isinstance(node, Seq):
        yield from ((None, item) for item in node.items)
    else:
        yield from ((node.keys[key][1], value) for key, value in node.items.items())


def _value_start(text: str, node: Node) -> int:
    """Return the index at which a value begins. A comment may stand between its anchor and it."""
    commented = node.end > node.start and text[node.start] == "#"
    return skip_space(text, node.start) if commented else node.start


def _value_end(text: str, node: Node, lead: int) -> int:
    """Return the index behind a value that follows a key or dash ending at *lead*."""
    if isinstance(node, Scalar) and node.start == node.end:
        return _empty_value_end(text, node.end, lead)
    begin = _value_start(text, node)
    if isinstance(node, Scalar) or is_alias(text, node) or text[begin] in "[{":
        return begin + len(text[begin : node.end].rstrip(BLANK))
    return source_items(text, node).items[-1].end


def _empty_value_end(text: str, mark: int, lead: int) -> int:
    """Return the index behind the dash, colon, anchor or tag of an empty value.

    The loaders report some empty values at the token that follows.
    """
    colon = skip_space(text, lead)
    end = colon + 1 if colon < mark and text[colon] == ":" else lead
    return end if skip_space(text, end) >= mark else mark


_COMMENTED = re.compile(r"[ \t]*(,?)[ \t]*#")
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*")


class Splice(Struct, frozen=True):
    """A replacement of the text from ``start`` to ``end`` by ``new``."""

    start: int
    end: int
    new: str


def apply_splices(text: str, splices: Iterable[Splice]) -> str:
    """Return *text* with all *splices*, which must not overlap; those at one index keep their order."""
    pieces: list[str] = []
    at = 0
    for splice in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        pieces += (text[at : splice.start], splice.new)
        at = splice.end
    return "".join((*pieces, text[at:]))


def insertions(text: str, whole: SourceItems, index: int, entries: Sequence[str]) -> Iterator[list[Splice]]:
    """Yield the ways to insert *entries* behind the first *index* items."""
    if whole.flow:
        yield _insert_into_flow(text, whole, index, entries)
        return
    indent = " " * _column(text, whole.items[0])
    if index > 0:
        last = whole.items[index - 1]
        beside = _skip_comments(text, line_end(text, last.end)[1], len(indent))
        yield [_insert_lines(text, beside, indent, entries)]
        # Blank lines, even spaces in them, can be part of a block of text.
        blank = _BLANK_LINES.match(text, beside)
        yield [_insert_lines(text, beside if blank is None else blank.end(), indent, entries)]
    # A block of text that ends with the file, without a line break, has no place behind it.
    follower = whole.items[max(index - 1, 0)]
    between = break_at(text, follower.start) + indent
    yield [Splice(follower.start, follower.start, "".join(entry + between for entry in entries))]


def removals(text: str, whole: SourceItems, first: int, behind: int) -> Iterator[list[Splice]]:
    """Yield the ways to remove the items from *first* to before *behind*."""
    start = whole.items[first].start
    end = whole.items[behind - 1].end
    if whole.flow:
        yield _remove_from_flow(text, whole, first, behind)
    elif begins_line(text, start):
        yield from ([splice] for splice in _remove_lines(text, start, end))
    else:
        yield [Splice(start, _skip_blank(text, end), "")]


def _column(text: str, part: SourceItem) -> int:
    return part.start - line_start(text, part.start)


def _skip_comments(text: str, index: int, indent: int) -> int:
    """Return the index behind comment lines indented deeper than *indent*, which belong to the text above them."""
    found = re.compile(rf"(?: {{{indent + 1},}}#[^\r\n]*(?:\r\n|\r|\n|\Z))*").match(text, index)
    return index if found is None else found.end()


def _insert_lines(text: str, index: int, indent: str, entries: Sequence[str]) -> Splice:
    """Insert lines of their own at *index*, which is the start of a line or the end of the text."""
    line = line_start(text, index)
    if line < index or index == 0:
        between = break_at(text, index)
        return Splice(index, index, "".join(between + indent + entry for entry in entries))
    between = break_before(text, index)
    return Splice(index, index, "".join(indent + entry + between for entry in entries))


def _insert_into_flow(text: str, whole: SourceItems, index: int, entries: Sequence[str]) -> list[Splice]:
    if not whole.items:
        return [Splice(whole.start + 1, whole.start + 1, ", ".join(entries))]
    if index == 0:
        start = whole.items[0].start
        return [Splice(start, start, "".join(f"{entry}, " for entry in entries))]
    part = whole.items[index - 1]
    # `a:,` would be one word.
    comma = " ," if text[part.end - 1] == ":" else ","
    if not begins_line(text, part.start):
        return [Splice(part.end, part.end, f"{comma} " + ", ".join(entries))]
    line = line_start(text, part.start)
    lead = (break_before(text, line) or break_at(text, part.start)) + text[line : part.start]
    lines = f",{lead}".join(("", *entries))[1:]
    stop, _ = line_end(text, part.end)
    commented = _COMMENTED.match(text, part.end, stop)
    if commented is None:
        return [Splice(part.end, part.end, comma + lines)]
    if commented[1]:
        return [Splice(stop, stop, lines + ",")]
    return [Splice(part.end, part.end, comma), Splice(stop, stop, lines)]


def _remove_from_flow(text: str, whole: SourceItems, first: int, behind: int) -> list[Splice]:
    start, end = whole.items[first].start, whole.items[behind - 1].end
    before = whole.items[first - 1].end if first else None
    if before is not None and not _comments_in(text, before, end):
        return [Splice(before, end, "")]
    comma = skip_space(text, end)
    follows = text[comma] == ","
    if follows and _comments_in(text, end, comma):
        return [_remove_line(text, start, end), Splice(comma, comma + 1, "")]
    if follows:
        end = comma + 1
    if before is None:
        return [Splice(start, _skip_blank(text, end) if follows else end, "")]
    rest = [] if follows else [_remove_comma(text, before)]
    return [*rest, _remove_line(text, start, end)]


def _remove_comma(text: str, index: int) -> Splice:
    comma = skip_space(text, index)
    return Splice(comma, comma + 1, "")


def _remove_line(text: str, start: int, end: int) -> Splice:
    """Remove the text from *start* to *end*, with its line and the break before it if nothing else is on the line."""
    line = line_start(text, start)
    stop, _ = line_end(text, end)
    if not begins_line(text, start):
        return Splice(start, end, "")
    if not text[end:stop].strip(" \t"):
        return Splice(line - len(break_before(text, line)), stop, "")
    return Splice(start, stop - len(text[end:stop].lstrip(" \t")), "")


def _remove_lines(text: str, start: int, end: int) -> Iterator[Splice]:
    """Yield splices that remove whole lines; comments in them stay, each on a line of its own."""
    line = line_start(text, start)
    stop, following = line_end(text, end)
    kept = [text[line:start] + comment for comment in _comments_in(text, start, stop)]
    if following > stop:
        yield Splice(line, following, "".join(comment + text[stop:following] for comment in kept))
        return
    before = break_before(text, line)
    yield Splice(line - len(before), stop, "".join(before + comment for comment in kept))
    yield Splice(line, stop, before.join(kept))


def _comments_in(text: str, start: int, end: int) -> list[str]:
    if "#" not in text[start:end]:
        return []
    return [text[first:last] for first, last in find_comments(text) if start <= first < end]


def _skip_blank(text: str, index: int) -> int:
    while index < len(text) and text[index] in BLANK:
        index += 1
    return index
