"""Fields of a shot set, replaced and removed in the text of a storyboard; everything else stays as it was typed.

``set_fields`` splices the text at the places of the nodes (``layout``, ``splice``), then reads the result and compares
it with what is wanted, value by value and comment by comment. An edit that would do anything else is refused, with the
lines to write by hand. Reading and writing the file is up to the caller; so is whether the values make sense.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from storyboard.core.diagnostics import Severity
from storyboard.document.yaml.edit_text import (
    SourceItem,
    SourceItems,
    Splice,
    applied,
    comments,
    insertions,
    is_alias,
    parts,
    removals,
)
from storyboard.document.yaml.parse import parse
from storyboard.document.yaml.source_map import Document, Map, Node, Path, Seq

Value = None | bool | int | float | str | list[Any] | dict[str, Any]


class CannotEdit(Exception):
    """The text cannot be edited without touching something else.

    ``reason`` is a fact in lower case; ``lines`` are the fields to write by hand, in block style and not indented,
    empty if fields are only taken out.
    """

    def __init__(self, reason: str, lines: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lines = lines


def set_fields(text: str, shot: Path, values: Mapping[str, Value]) -> str:
    """*text* with the fields of the mapping at *shot* set to *values*; ``None`` takes a field out.

    *text* is the whole file as it is on the disk: with its byte order mark and its own line endings. New fields come
    behind the others. A field that has its value already is left alone, in whatever style. Raises ``CannotEdit``.
    """
    lines = "\n".join(f"{name}: {_written(value)}" for name, value in values.items() if value is not None)
    try:
        document = _read(text)
        mark = text[: len(text) - len(document.text)]
        for name, value in values.items():
            document = _with_field(document, mark, shot, name, value)
    except _Refused as refused:
        raise CannotEdit(str(refused), lines) from None
    return mark + document.text


class _Refused(Exception):
    """Why one field cannot be set."""


def _with_field(document: Document, mark: str, path: Path, name: str, value: Value) -> Document:
    shot = _shot(document, path)
    if name in shot.value and value is not None and _same(shot.value[name], value, set()):
        return document
    if name not in shot.value and value is None:
        return document
    wanted = _changed(document.data, path, name, value)
    problem = ""
    for splices in _ways(document.text, shot, name, value):
        try:
            after = _read(mark + applied(document.text, splices))
        except _Refused:
            problem = "the file could not be read any more"
            continue
        if not _same(after.data, wanted, set()):
            problem = "other values of the file would change with it"
        elif _lose_comments(document.text, after.text, splices):
            problem = "a comment would be lost"
        else:
            return after
    raise _Refused(f"`{name}` of this shot cannot be changed: {problem}")


def _read(text: str) -> Document:
    """The parsed text. Raises ``_Refused`` if it has mistakes: then a value may not be where it seems to be."""
    document = parse(text.encode("utf-8", "surrogatepass"), "")
    for finding in document.findings:
        if finding.severity is Severity.ERROR:
            line = "" if finding.span is None else f"line {finding.span.line}: "
            raise _Refused(f"the file has a mistake: {line}{finding.message}")
    return document


def _shot(document: Document, path: Path) -> Map:
    node: Node | None = document.root
    for step in path:
        _refuse_alias(document, node)
        node = _below(node, step)
    _refuse_alias(document, node)
    if not isinstance(node, Map):
        raise _Refused("there is no shot at this place of the file")
    return node


def _below(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, Map) and isinstance(step, str):
        return node.items.get(step)
    if isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


def _refuse_alias(document: Document, node: Node | None) -> None:
    if node is not None and is_alias(document.text, node):
        name = document.text[node.start : node.end].strip()[:40]
        raise _Refused(f"the alias `{name}` stands here for what is written elsewhere in the file")


def _changed(data: object, path: Path, name: str, value: Value) -> object:
    """*data* with the one field changed; what is not on the way to it is shared."""
    if path and isinstance(data, list):
        items = list(data)
        items[int(path[0])] = _changed(data[int(path[0])], path[1:], name, value)
        return items
    fields = dict(data) if isinstance(data, dict) else {}
    if path:
        fields[str(path[0])] = _changed(fields[str(path[0])], path[1:], name, value)
    elif value is None:
        del fields[name]
    else:
        fields[name] = value
    return fields


def _lose_comments(before: str, after: str, splices: list[Splice]) -> bool:
    """Whether an edit that keeps all values changes comments; it must have touched a ``#`` for that."""
    if not any("#" in before[splice.start : splice.end] + splice.new for splice in splices):
        return False
    was, now = ([text[start:end] for start, end in comments(text)] for text in (before, after))
    return was != now


def _same(left: object, right: object, seen: set[tuple[int, int]]) -> bool:
    """Whether two values are equal in kind too: 1, 1.0 and true are not. Aliases make one value count many times."""
    if type(left) is not type(right):
        return False
    pair = (id(left), id(right))
    if pair in seen:
        return True
    match left, right:
        case dict(), dict():
            seen.add(pair)
            return left.keys() == right.keys() and all(_same(value, right[key], seen) for key, value in left.items())
        case list(), list():
            seen.add(pair)
            return len(left) == len(right) and all(_same(*both, seen) for both in zip(left, right, strict=True))
    return left == right


def _ways(text: str, shot: Map, name: str, value: Value) -> Iterator[list[Splice]]:
    """The ways to set the field, best first; whether one does what it should is not known yet."""
    whole = parts(text, shot)
    index = list(shot.items).index(name) if name in shot.items else None
    if index is None:
        key = _key(text, whole, name)
        yield from insertions(text, whole, len(whole.parts), [f"{key}: {_written(value)}"])
    elif value is None:
        yield from removals(text, whole, index, index + 1)
    else:
        yield from _replacements(text, shot, name, whole.parts[index], value)


def _key(text: str, whole: SourceItems, name: str) -> str:
    """The name of a field, in quotes if all the others are."""
    quotes = {text[part.start] for part in whole.parts}
    quote = quotes.pop() if quotes in ({'"'}, {"'"}) else ""
    return quote + name + quote


def _written(value: Value) -> str:
    """A value on one line; JSON is YAML too."""
    return json.dumps(value, ensure_ascii=False)


def _replacements(text: str, shot: Map, name: str, part: SourceItem, value: Value) -> Iterator[list[Splice]]:
    node = shot.items[name]
    if part.value == part.end:
        colon = ":" in text[shot.keys[name][1] : part.end]
        yield [Splice(part.end, part.end, (" " if colon else ": ") + _written(value))]
        return
    if isinstance(node, Seq) and isinstance(value, list) and not is_alias(text, node) and node.items and value:
        yield from _list_edits(text, node, value)
    yield [Splice(part.value, part.end, _written(value))]


def _list_edits(text: str, node: Seq, wanted: list[Value]) -> Iterator[list[Splice]]:
    """Items that stay are left alone, with the comments beside them."""
    whole = parts(text, node)
    dash = "" if whole.flow else "- "
    old = [json.dumps(item) for item in node.value]
    new = [_written(item) for item in wanted]
    compared = difflib.SequenceMatcher(None, old, [json.dumps(item) for item in wanted], autojunk=False)
    splices: list[Splice] = []
    for what, first, behind, begin, end in compared.get_opcodes():
        if what == "equal":
            continue
        both = min(behind - first, end - begin)
        for index in range(both):
            part = whole.parts[first + index]
            blank = " " if part.value == part.end else ""
            splices.append(Splice(part.value, part.end, blank + new[begin + index]))
        if first + both < behind:
            splices += next(removals(text, whole, first + both, behind))
        if begin + both < end:
            entries = [dash + entry for entry in new[begin + both : end]]
            splices += next(insertions(text, whole, first + both, entries))
    yield splices
