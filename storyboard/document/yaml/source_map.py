"""The text of one YAML file, what it says, and where each value stands.

Nodes hold code point indexes only; lines and columns are worked out when somebody asks, so a file of ten thousand
shots costs no more than its values. Reading the text is the business of ``parse``.
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
    """A single value. ``bad`` marks one that has been complained about already and must not be used."""

    start: int
    end: int
    value: Plain
    bad: bool = False


class Seq(Struct, gc=False):
    """A list: its items as nodes, and the same as plain data."""

    start: int
    end: int
    items: list["Node"]
    value: list[object]


class Map(Struct, gc=False):
    """A mapping: its values as nodes, where its keys stand, and the same as plain data."""

    start: int
    end: int
    items: dict[str, "Node"]
    keys: dict[str, tuple[int, int]]
    value: dict[str, object]


Node = Scalar | Seq | Map


class Document:
    """One parsed file.

    ``root`` is ``None`` where the text could not be read to its end; ``findings`` then say why. ``bad`` is filled by
    ``check``: the paths of all values that are or hold something wrong, so that nobody complains twice.

    Places are asked for by path: the keys and indexes that lead to a value. A path that leads nowhere means the
    nearest value around it.
    """

    def __init__(self, name: str, text: str, root: Node | None, findings: list[Diagnostic]) -> None:
        self.name = name
        self.text = text
        self.root = root
        self.findings = findings
        self.bad: frozenset[Path] = frozenset()
        self.raw_bytes = b""

    @property
    def data(self) -> object:
        """What the file says, as plain values; ``None`` without a root."""
        return None if self.root is None else self.root.value

    def node(self, path: Path) -> Node | None:
        """The value at *path*, or the nearest one around it."""
        found = self.root
        for step in path:
            below = _below(found, step)
            if below is None:
                break
            found = below
        return found

    def span(self, path: Path) -> Span:
        """Where the value at *path* stands, without blanks behind it. An empty value is found at its key."""
        node = self.node(path)
        if node is None:
            return self.between(0, 0)
        if node.start == node.end and path and isinstance(path[-1], str):
            return self.key_span(path)
        return self.between(node.start, self._trimmed(node))

    def key_span(self, path: Path) -> Span:
        """Where the key stands that *path* ends with; an item of a list has none, so its value answers."""
        parent = self.node(path[:-1])
        if path and isinstance(parent, Map):
            place = parent.keys.get(str(path[-1]))
            if place is not None:
                return self.between(*place)
        return self.head_span(path)

    def head_span(self, path: Path) -> Span:
        """Where the first key of the mapping at *path* stands; the whole value if it is no mapping or empty."""
        node = self.node(path)
        if isinstance(node, Map) and node.keys:
            return self.between(*next(iter(node.keys.values())))
        return self.between(0, 0) if node is None else self.between(node.start, self._trimmed(node))

    def between(self, start: int, end: int) -> Span:
        """The span of two code point indexes."""
        line, column = self._position(start)
        end_line, end_column = self._position(max(start, end))
        return Span(self.name, line, column, end_line, end_column)

    def raw(self, path: Path) -> tuple[int, str] | None:
        """Where the value at *path* starts and how it is written, quotes and all; ``None`` if it is no single value."""
        node = self.node(path)
        return (node.start, self.text[node.start : node.end]) if isinstance(node, Scalar) else None

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in _BREAK.finditer(self.text))]

    def _position(self, index: int) -> tuple[int, int]:
        line = bisect_right(self._lines, index)
        return line, index - self._lines[line - 1] + 1

    def _trimmed(self, node: Node) -> int:
        end = min(node.end, len(self.text))
        while end > node.start and self.text[end - 1] in _BLANK:
            end -= 1
        return end


def _below(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Map):
        return node.items.get(str(step))
    if isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None
