"""A parsed file against the schema: findings, and which values may not be used.

No reference is ever fetched: those inside the schema are written out, and the registry is empty.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, Literal

from storyboard.core.diagnostics import Diagnostic
from storyboard.document import schema_messages
from storyboard.document.schema import schema
from storyboard.document.schema_fast import Accepts, acceptor, compiled, repeated
from storyboard.document.yaml.source_map import Document, Map, Node, Path, Scalar, Seq

MAX_ERRORS = 500
Kind = Literal["storyboard", "scene"]


def check(document: Document, kind: Kind) -> list[Diagnostic]:
    """Findings about *document*, whose ``bad`` is filled: the paths of wrong values and all that hold them.

    So a value may be used exactly if its own path is not in there.
    """
    if not document.findings and _acceptor(kind)(document.data):
        return []
    findings: list[Diagnostic] = []
    refused = set(_refused(document)) if document.findings else set()
    wrong = set(refused)
    for finding, path in islice(_told(document, kind), MAX_ERRORS):
        if path not in refused:
            findings.append(finding)
        wrong.add(path)
    document.invalid_paths = frozenset(path[:length] for path in wrong for length in range(len(path) + 1))
    return findings


def _told(document: Document, kind: Kind) -> Iterator[schema_messages.Told]:
    for problem in _validator(kind).iter_errors(document.data):
        yield from schema_messages.translate(document, kind, problem)


def _refused(document: Document) -> Iterator[Path]:
    """The paths of the scalars that parsing has complained about already."""
    waiting: list[tuple[Path, Node | None]] = [((), document.root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Scalar) and node.invalid:
            yield path
        elif isinstance(node, Map):
            waiting.extend(((*path, key), below) for key, below in node.items.items())
        elif isinstance(node, Seq):
            waiting.extend(((*path, index), below) for index, below in enumerate(node.items))


@cache
def _acceptor(kind: Kind) -> Accepts:
    return acceptor(_schema(kind))


def _schema(kind: Kind) -> Any:
    return schema() if kind == "storyboard" else schema()["definitions"]["scene"]


@cache
def _validator(kind: Kind) -> Any:
    """The library's validator, cut short where values are right or lists too long to be looked into."""
    from jsonschema import Draft7Validator, validators
    from referencing import Registry

    known = Draft7Validator.VALIDATORS
    changed = {
        "pattern": _pattern,
        "uniqueItems": _unique,
        "items": _items,
        "properties": _properties,
        "additionalProperties": _short(known["additionalProperties"], "maxProperties"),
        "propertyNames": _short(known["propertyNames"], "maxProperties"),
    }
    extend: Any = validators.extend
    return extend(Draft7Validator, changed)(_schema(kind), registry=Registry())


def _items(validator: Any, part: Any, instance: object, whole: Any) -> Iterator[Any]:
    if isinstance(instance, list) and len(instance) <= whole["maxItems"]:
        accepts = _part_acceptor(id(part), part)
        for index, item in enumerate(instance):
            if not accepts(item):
                yield from validator.descend(item, part, path=index)


def _properties(validator: Any, parts: Mapping[str, Any], instance: object, _whole: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for name, value in instance.items():
            part = parts.get(name, True)
            if part is False:
                # The library names no place for these, and repeats the value.
                yield _error(schema_messages.FORBIDDEN, validator=schema_messages.FORBIDDEN, path=[name])
            elif part is not True and not _part_acceptor(id(part), part)(value):
                yield from validator.descend(value, part, path=name, schema_path=name)


_PARTS: dict[int, Accepts] = {}


def _part_acceptor(key: int, part: Any) -> Accepts:
    # The parts live as long as the cached schema, so their ids stay theirs.
    if key not in _PARTS:
        _PARTS[key] = acceptor(part)
    return _PARTS[key]


def _pattern(_validator: Any, pattern: str, instance: object, _whole: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not compiled(pattern).search(instance):
        yield _error("does not match")


def _unique(_validator: Any, wanted: bool, instance: object, _whole: Any) -> Iterator[Any]:
    """Like the library's, but linear; that one compares all with all where kinds are mixed."""
    index = repeated(instance) if wanted and isinstance(instance, list) else None
    if index is not None:
        yield _error("is repeated", path=[index])


def _short(keyword: Any, limit: str) -> Any:
    """*keyword*, but silent about what is longer than the schema's own *limit*, which says so itself."""

    def checked(validator: Any, value: Any, instance: Any, whole: Any) -> Any:
        if limit in whole and isinstance(instance, dict) and len(instance) > whole[limit]:
            return None
        return keyword(validator, value, instance, whole)

    return checked


def _error(message: str, **facts: Any) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, **facts)
