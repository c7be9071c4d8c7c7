"""Validate a parsed file against the schema: findings, and the paths of values that must not be used.

No reference is fetched: those inside the schema are resolved, and the registry is empty.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from storyboard.core.diagnostics import Diagnostic
from storyboard.document.schema import Predicate, build_predicate, compile_pattern, find_repeated, schema
from storyboard.document.yaml.source_map import Document, Map, Node, Path, Scalar, Seq

if TYPE_CHECKING:
    from storyboard.document.schema_messages import LocatedFinding

MAX_ERRORS = 500
DocumentKind = Literal["storyboard", "scene"]


def check_schema(document: Document, kind: DocumentKind) -> list[Diagnostic]:
    """Return the findings about *document* and fill its ``invalid_paths``: wrong values and everything that holds them.

    A value may be used if its own path is not in there.
    """
    if not document.findings and _predicate(kind)(document.data):
        return []
    findings: list[Diagnostic] = []
    refused = set(_invalid_scalars(document)) if document.findings else set()
    wrong = set(refused)
    for finding, path in islice(_schema_findings(document, kind), MAX_ERRORS):
        if path not in refused:
            findings.append(finding)
        wrong.add(path)
    document.invalid_paths = frozenset(path[:length] for path in wrong for length in range(len(path) + 1))
    return findings


def _schema_findings(document: Document, kind: DocumentKind) -> Iterator["LocatedFinding"]:
    from storyboard.document import schema_messages

    for problem in _validator(kind).iter_errors(document.data):
        yield from schema_messages.translate(document, kind, problem)


def _invalid_scalars(document: Document) -> Iterator[Path]:
    """Yield the paths of scalars that parsing has reported already."""
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
def _predicate(kind: DocumentKind) -> Predicate:
    return build_predicate(_schema_of(kind))


def _schema_of(kind: DocumentKind) -> Any:
    return schema() if kind == "storyboard" else schema()["definitions"]["scene"]


@cache
def _validator(kind: DocumentKind) -> Any:
    """Return the library's validator, which skips valid values and lists too long to be checked."""
    from jsonschema import Draft7Validator, validators
    from referencing import Registry

    known = Draft7Validator.VALIDATORS
    changed = {
        "pattern": _pattern,
        "uniqueItems": _unique_items,
        "items": _items,
        "properties": _properties,
        "additionalProperties": _skip_oversized(known["additionalProperties"], "maxProperties"),
        "propertyNames": _skip_oversized(known["propertyNames"], "maxProperties"),
    }
    extend: Any = validators.extend
    return extend(Draft7Validator, changed)(_schema_of(kind), registry=Registry())


def _items(validator: Any, part: Any, instance: object, whole: Any) -> Iterator[Any]:
    if isinstance(instance, list) and len(instance) <= whole["maxItems"]:
        accepts = _part_predicate(id(part), part)
        for index, item in enumerate(instance):
            if not accepts(item):
                yield from validator.descend(item, part, path=index)


def _properties(validator: Any, parts: Mapping[str, Any], instance: object, _whole: Any) -> Iterator[Any]:
    from storyboard.document.schema_messages import FORBIDDEN

    if isinstance(instance, dict):
        for name, value in instance.items():
            part = parts.get(name, True)
            if part is False:
                # The library gives no path for these, and repeats the value.
                yield _validation_error(FORBIDDEN, validator=FORBIDDEN, path=[name])
            elif part is not True and not _part_predicate(id(part), part)(value):
                yield from validator.descend(value, part, path=name, schema_path=name)


_PARTS: dict[int, Predicate] = {}


def _part_predicate(key: int, part: Any) -> Predicate:
    # The parts live as long as the cached schema, so no id is used twice.
    if key not in _PARTS:
        _PARTS[key] = build_predicate(part)
    return _PARTS[key]


def _pattern(_validator: Any, pattern: str, instance: object, _whole: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not compile_pattern(pattern).search(instance):
        yield _validation_error("does not match")


def _unique_items(_validator: Any, wanted: bool, instance: object, _whole: Any) -> Iterator[Any]:
    """Yield an error for a repeated item. Linear; the library compares all pairs where types are mixed."""
    index = find_repeated(instance) if wanted and isinstance(instance, list) else None
    if index is not None:
        yield _validation_error("is repeated", path=[index])


def _skip_oversized(keyword: Any, limit: str) -> Any:
    """Return *keyword* without errors about mappings over the schema's own *limit*, which reports them itself."""

    def checked(validator: Any, value: Any, instance: Any, whole: Any) -> Any:
        if limit in whole and isinstance(instance, dict) and len(instance) > whole[limit]:
            return None
        return keyword(validator, value, instance, whole)

    return checked


def _validation_error(message: str, **facts: Any) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, **facts)
