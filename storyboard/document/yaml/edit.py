"""Set and remove fields of a mapping in YAML text, and keep all other text as it was typed.

``set_fields`` splices the text at the positions of the nodes (``edit_text``), then parses the result and compares it
with the wanted data, value by value and comment by comment. An edit with any other effect is refused, with the lines
to write by hand. The caller reads and writes the file, and decides whether the values make sense.
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
    apply_splices,
    find_comments,
    insertions,
    is_alias,
    removals,
    source_items,
)
from storyboard.document.yaml.parse import parse
from storyboard.document.yaml.source_map import Document, Map, Node, Path, Seq, child_of

Value = None | bool | int | float | str | list[Any] | dict[str, Any]


class CannotEdit(Exception):
    """Raised if the text cannot be edited without a side effect.

    ``reason`` is a fact in lower case; ``lines`` are the fields to write by hand, in block style and not indented,
    empty if fields are only removed.
    """

    def __init__(self, reason: str, lines: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lines = lines


def set_fields(text: str, path: Path, values: Mapping[str, Value]) -> str:
    """Return *text* with the fields of the mapping at *path* set to *values*; ``None`` removes a field.

    *text* is the whole file as it is on disk, with its byte order mark and its own line endings. New fields are added
    behind the others. A field that already has its value keeps its text, in any style. Raises ``CannotEdit``.
    """
    lines = "\n".join(f"{name}: {_format_value(value)}" for name, value in values.items() if value is not None)
    try:
        document = _read(text)
        mark = text[: len(text) - len(document.text)]
        for name, value in values.items():
            document = _set_field(document, mark, path, name, value)
    except _EditRefused as refused:
        raise CannotEdit(str(refused), lines) from None
    return mark + document.text


class _EditRefused(Exception):
    """Raised if one field cannot be set; the message is the reason."""


def _set_field(document: Document, mark: str, path: Path, name: str, value: Value) -> Document:
    mapping = _find_mapping(document, path)
    if name in mapping.value and value is not None and _are_equal(mapping.value[name], value, set()):
        return document
    if name not in mapping.value and value is None:
        return document
    wanted = _replace_field(document.data, path, name, value)
    problem = ""
    for splices in _candidate_edits(document.text, mapping, name, value):
        try:
            after = _read(mark + apply_splices(document.text, splices))
        except _EditRefused:
            problem = "the file would not be valid YAML after the edit"
            continue
        if not _are_equal(after.data, wanted, set()):
            problem = "the edit would change other values of the file"
        elif _loses_comments(document.text, after.text, splices):
            problem = "the edit would delete a comment"
        else:
            return after
    raise _EditRefused(f"`{name}` of this shot cannot be changed: {problem}")


def _read(text: str) -> Document:
    """Parse *text*. Raises ``_EditRefused`` if it has errors: then a node may not be where its indexes say."""
    document = parse(text.encode("utf-8", "surrogatepass"), "")
    for finding in document.findings:
        if finding.severity is Severity.ERROR:
            line = "" if finding.span is None else f"line {finding.span.line}: "
            raise _EditRefused(f"the file has an error: {line}{finding.message}")
    return document


def _find_mapping(document: Document, path: Path) -> Map:
    node: Node | None = document.root
    for step in path:
        _refuse_alias(document, node)
        node = child_of(node, step)
    _refuse_alias(document, node)
    if not isinstance(node, Map):
        raise _EditRefused("the file has no shot at this place")
    return node


def _refuse_alias(document: Document, node: Node | None) -> None:
    if node is not None and is_alias(document.text, node):
        name = document.text[node.start : node.end].strip()[:40]
        raise _EditRefused(f"the alias `{name}` refers to text in another place of the file")


def _replace_field(data: object, path: Path, name: str, value: Value) -> object:
    """Return *data* with one field replaced; everything that is not on the way to it is shared."""
    if path and isinstance(data, list):
        items = list(data)
        items[int(path[0])] = _replace_field(data[int(path[0])], path[1:], name, value)
        return items
    fields = dict(data) if isinstance(data, dict) else {}
    if path:
        fields[str(path[0])] = _replace_field(fields[str(path[0])], path[1:], name, value)
    elif value is None:
        del fields[name]
    else:
        fields[name] = value
    return fields


def _loses_comments(before: str, after: str, splices: list[Splice]) -> bool:
    """Return whether an edit that keeps all values changes comments. Only an edit that touches a ``#`` can do so."""
    if not any("#" in before[splice.start : splice.end] + splice.new for splice in splices):
        return False
    was, now = ([text[start:end] for start, end in find_comments(text)] for text in (before, after))
    return was != now


def _are_equal(left: object, right: object, seen: set[tuple[int, int]]) -> bool:
    """Return whether two values are equal in type too: 1, 1.0 and true differ. *seen* bounds the cost of aliases."""
    if type(left) is not type(right):
        return False
    pair = (id(left), id(right))
    if pair in seen:
        return True
    match left, right:
        case dict(), dict():
            seen.add(pair)
            return left.keys() == right.keys() and all(
                _are_equal(value, right[key], seen) for key, value in left.items()
            )
        case list(), list():
            seen.add(pair)
            return len(left) == len(right) and all(_are_equal(*both, seen) for both in zip(left, right, strict=True))
    return left == right


def _candidate_edits(text: str, mapping: Map, name: str, value: Value) -> Iterator[list[Splice]]:
    """Yield the ways to set the field, best first. The caller checks which of them has no side effect."""
    whole = source_items(text, mapping)
    index = list(mapping.items).index(name) if name in mapping.items else None
    if index is None:
        key = _format_key(text, whole, name)
        yield from insertions(text, whole, len(whole.items), [f"{key}: {_format_value(value)}"])
    elif value is None:
        yield from removals(text, whole, index, index + 1)
    else:
        yield from _replacements(text, mapping, name, whole.items[index], value)


def _format_key(text: str, whole: SourceItems, name: str) -> str:
    """Return the key of a new field, in quotes if all other keys are."""
    quotes = {text[part.start] for part in whole.items}
    quote = quotes.pop() if quotes in ({'"'}, {"'"}) else ""
    return quote + name + quote


def _format_value(value: Value) -> str:
    """Return a value on one line. JSON is a subset of YAML."""
    return json.dumps(value, ensure_ascii=False)


def _replacements(text: str, mapping: Map, name: str, part: SourceItem, value: Value) -> Iterator[list[Splice]]:
    node = mapping.items[name]
    if part.value == part.end:
        colon = ":" in text[mapping.keys[name][1] : part.end]
        yield [Splice(part.end, part.end, (" " if colon else ": ") + _format_value(value))]
        return
    if isinstance(node, Seq) and isinstance(value, list) and not is_alias(text, node) and node.items and value:
        yield from _list_edits(text, node, value)
    yield [Splice(part.value, part.end, _format_value(value))]


def _list_edits(text: str, node: Seq, wanted: list[Value]) -> Iterator[list[Splice]]:
    """Yield an edit that replaces, adds and removes single items, so that comments beside the other items stay."""
    whole = source_items(text, node)
    dash = "" if whole.flow else "- "
    old = [json.dumps(item) for item in node.value]
    new = [_format_value(item) for item in wanted]
    compared = difflib.SequenceMatcher(None, old, [json.dumps(item) for item in wanted], autojunk=False)
    splices: list[Splice] = []
    for what, first, behind, begin, end in compared.get_opcodes():
        if what == "equal":
            continue
        both = min(behind - first, end - begin)
        for index in range(both):
            part = whole.items[first + index]
            blank = " " if part.value == part.end else ""
            splices.append(Splice(part.value, part.end, blank + new[begin + index]))
        if first + both < behind:
            splices += next(removals(text, whole, first + both, behind))
        if begin + both < end:
            entries = [dash + entry for entry in new[begin + both : end]]
            splices += next(insertions(text, whole, first + both, entries))
    yield splices
