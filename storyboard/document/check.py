"""A parsed file against the schema: findings, and which values may not be used.

No reference is ever fetched: those inside the schema are written out, and the registry is empty.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, Literal

from storyboard.core.diagnostics import Diagnostic
from storyboard.document import wording
from storyboard.document.schema import schema
from storyboard.document.source import Document, Map, Node, Path, Scalar, Seq

MAX_ERRORS = 500
Kind = Literal["storyboard", "scene"]


def check(document: Document, kind: Kind) -> list[Diagnostic]:
    """Findings about *document*, whose ``bad`` is filled: the paths of wrong values and all that hold them.

    So a value may be used exactly if its own path is not in there.
    """
    findings: list[Diagnostic] = []
    refused = set(_refused(document)) if document.findings else set()
    wrong = set(refused)
    for problem in islice(_validator(kind).iter_errors(document.data), MAX_ERRORS):
        for finding, path in wording.translate(document, kind, problem):
            if path not in refused and len(findings) < MAX_ERRORS:
                findings.append(finding)
            wrong.add(path)
    document.bad = frozenset(path[:length] for path in wrong for length in range(len(path) + 1))
    return findings


def _refused(document: Document) -> Iterator[Path]:
    """The paths of the scalars that parsing has complained about already."""
    waiting: list[tuple[Path, Node | None]] = [((), document.root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Scalar) and node.bad:
            yield path
        elif isinstance(node, Map):
            waiting.extend(((*path, key), below) for key, below in node.items.items())
        elif isinstance(node, Seq):
            waiting.extend(((*path, index), below) for index, below in enumerate(node.items))


@cache
def _validator(kind: Kind) -> Any:
    from jsonschema import Draft7Validator, validators
    from referencing import Registry

    changed = {
        "pattern": _pattern,
        "uniqueItems": _unique,
        "items": _short(Draft7Validator.VALIDATORS["items"], "maxItems"),
        "additionalProperties": _short(Draft7Validator.VALIDATORS["additionalProperties"], "maxProperties"),
        "propertyNames": _short(Draft7Validator.VALIDATORS["propertyNames"], "maxProperties"),
    }
    extend: Any = validators.extend
    return extend(Draft7Validator, changed)(
        schema() if kind == "storyboard" else schema()["definitions"]["scene"], registry=Registry()
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # In Python `$` also matches before a line break at the end.
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern)


def _pattern(_validator: Any, pattern: str, instance: object, _schema: object) -> Iterator[Any]:
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield _error("does not match")


def _unique(_validator: Any, wanted: bool, instance: object, _schema: object) -> Iterator[Any]:
    """Like the library's, but never quadratic: unequal kinds in one list make that compare all with all."""
    if not wanted or not isinstance(instance, list):
        return
    seen: set[object] = set()
    for index, item in enumerate(instance):
        if isinstance(item, str | int | float):
            if (type(item), item) in seen:
                yield _error("is repeated", path=[index])
            seen.add((type(item), item))


def _short(check: Any, limit: str) -> Any:
    """*check*, but silent about what is longer than the schema's own *limit*, which says so itself."""

    def checked(validator: Any, value: Any, instance: Any, part: Any) -> Any:
        if limit in part and isinstance(instance, list | dict) and len(instance) > part[limit]:
            return None
        return check(validator, value, instance, part)

    return checked


def _error(message: str, path: list[int] | None = None) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, path=path or ())
