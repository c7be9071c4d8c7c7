"""A parsed YAML file: its text, its values as nodes, and the span of each value.

Nodes hold code point indexes only. Lines and columns are computed on demand: most of ten thousand shots need none.
``parse`` builds the nodes.
"""

import re
from bisect import bisect_right
from functools import cached_property

from msgspec import Struct

from storyboard.core.diagnostics import Diagnostic, Span

Path = tuple[str | int, ...]
Plain = None | bool | int | float | str

_BREAK = re.compile(r"\r\n|\r|\n")
_BLANK = frozenset(" \t\r\n")


class Scalar(Struct, gc=False):
    """A single value. ``invalid`` marks one that a finding was reported for already; it must not be used."""

    start: int
    end: int
    value: Plain
    invalid: bool = False


class Seq(Struct, gc=False):
    """A list: its items as nodes, and its ``value`` as plain data."""

    start: int
    end: int
    items: list["Node"]
    value: list[object]


class Map(Struct, gc=False):
    """A mapping: its values as nodes, the indexes of its keys, and its ``value`` as plain data."""

    start: int
    end: int
    items: dict[str, "Node"]
    keys: dict[str, tuple[int, int]]
    value: dict[str, object]


Node = Scalar | Seq | Map


class Document:
    """One parsed file.

    ``root`` is ``None`` if the text could not be read to its end; ``findings`` then hold the reason. ``invalid_paths``
    is filled by the validation: the paths of all values that are wrong or hold something wrong, so that no value is
    reported twice.

    Spans are looked up by path: the keys and indexes that lead to a value. A path that leads nowhere means the nearest
    value around it.
    """

    def __init__(self, name: str, text: str, root: Node | None, findings: list[Diagnostic]) -> None:
        self.name = name
        self.text = text
        self.root = root
        self.findings = findings
        self.invalid_paths: frozenset[Path] = frozenset()
        self.raw_bytes = b""

    @property
    def data(self) -> object:
        """The content as plain values; ``None`` without a root."""
        return None if self.root is None else self.root.value

    def node(self, path: Path) -> Node | None:
        """Return the value at *path*, or the nearest one around it."""
        found = self.root
        for step in path:
            below = child_of(found, step)
            if below is None:
                break
            found = below
        return found

    def span(self, path: Path) -> Span:
        """Return the span of the value at *path* without trailing blanks, of its key if the value is empty."""
        node = self.node(path)
        if node is None:
            return self.between(0, 0)
        if node.start == node.end and path and isinstance(path[-1], str):
            return self.key_span(path)
        return self.between(node.start, self._end_without_blanks(node))

    def key_span(self, path: Path) -> Span:
        """Return the span of the key that *path* ends with, of the value if it is an item of a list."""
        parent = self.node(path[:-1])
        if path and isinstance(parent, Map):
            place = parent.keys.get(str(path[-1]))
            if place is not None:
                return self.between(*place)
        return self.head_span(path)

    def head_span(self, path: Path) -> Span:
        """Return the span of the first key of the mapping at *path*; of the whole value if there is no key."""
        node = self.node(path)
        if isinstance(node, Map) and node.keys:
            return self.between(*next(iter(node.keys.values())))
        return self.between(0, 0) if node is None else self.between(node.start, self._end_without_blanks(node))

    def between(self, start: int, end: int) -> Span:
        """Return the span between two code point indexes."""
        line, column = self._position(start)
        end_line, end_column = self._position(max(start, end))
        return Span(self.name, line, column, end_line, end_column)

    def source_text(self, path: Path) -> tuple[int, str] | None:
        """Return the start index and the text, with quotes, of the scalar at *path*; ``None`` for other nodes."""
        node = self.node(path)
        return (node.start, self.text[node.start : node.end]) if isinstance(node, Scalar) else None

    @cached_property
    def may_have_comments(self) -> bool:
        """Return whether the file holds the sign of a comment behind other text, perhaps inside a text."""
        return " #" in self.text or "\t#" in self.text

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in _BREAK.finditer(self.text))]

    def _position(self, index: int) -> tuple[int, int]:
        line = bisect_right(self._lines, index)
        return line, index - self._lines[line - 1] + 1

    def _end_without_blanks(self, node: Node) -> int:
        end = min(node.end, len(self.text))
        while end > node.start and self.text[end - 1] in _BLANK:
            end -= 1
        return end


def child_of(node: Node | None, step: str | int) -> Node | None:
    """Return the value of *node* under the key or index *step*, ``None`` if there is none."""
    if isinstance(node, Map):
        return node.items.get(str(step))
    if isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None
