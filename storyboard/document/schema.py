"""The JSON Schema of a storyboard: its location, the fields it defines, and a fast predicate.

The schema is the only definition of shapes, types, words and ranges, for people, editors and ``validate``. jsonschema
runs only on values that the predicate rejects, to explain the error.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any, cast

import msgspec

NAME = "storyboard-1.schema.json"
# Behind the name of the schema: what editors check a scene in a file of its own with.
SCENE_ENTRY = "#/definitions/scene"


def schema_text() -> str:
    """Return the shipped schema: of the installed package, else of the checkout around it."""
    # importlib.resources takes longer to load than reading the file
    places = [FilePath(__file__).parents[level] / "schemas" / NAME for level in (1, 2)]
    return next((place for place in places if place.is_file()), places[0]).read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """Return the schema with every reference resolved. It is not recursive."""
    whole = msgspec.json.decode(schema_text())
    parts = {
        f"#/{where}/{name}": part for where in ("definitions", "properties") for name, part in whole[where].items()
    }
    return cast(dict[str, Any], _resolve_references(whole, parts))


def fields_of(name: str) -> Mapping[str, Any]:
    """Return the schemas of the fields of ``storyboard``, ``output`` or a definition such as ``shot``."""
    whole = schema()
    inner = {"storyboard": whole, "output": whole["properties"]["output"]}
    fields = (inner.get(name) or whole["definitions"][name])["properties"]
    if name == "shot":  # the fields of single sources are in the branches; a shot without a source may have each
        fields = {**fields, **_last_branch(whole["definitions"]["shot"])}
    return cast(Mapping[str, Any], fields)


def _last_branch(part: Mapping[str, Any]) -> Mapping[str, Any]:
    while "else" in part:
        part = part["else"]
    return cast(Mapping[str, Any], part["properties"])


def _resolve_references(part: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolve_references(item, parts) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolve_references(parts[part["$ref"]], parts)
    return {key: _resolve_references(value, parts) for key, value in part.items()}


Predicate = Callable[[Any], bool]
_ANNOTATIONS = frozenset(
    (
        "$schema",
        "$id",
        "title",
        "description",
        "markdownDescription",
        "default",
        "doNotSuggest",
        "defaultSnippets",
        "examples",
        "x-example",
        "definitions",
    )
)
_OBJECT = frozenset(
    ("properties", "patternProperties", "additionalProperties", "required", "maxProperties", "propertyNames")
)
_ARRAY = frozenset(("items", "minItems", "maxItems", "uniqueItems"))
_CONDITION = frozenset(("if", "then", "else"))


def build_predicate(schema: Any) -> Predicate:
    """Return the predicate of *schema*, whose references are resolved. Raises ``ValueError`` for other keywords."""
    if isinstance(schema, bool):
        return (lambda _value: True) if schema else (lambda _value: False)
    unknown = schema.keys() - _ANNOTATIONS - _OBJECT - _ARRAY - _CONDITION - _SIMPLE.keys()
    if unknown:
        raise ValueError(f"keywords that are not known here: {sorted(unknown)}")
    tests = [build(schema[name]) for name, build in _SIMPLE.items() if name in schema]
    if not _OBJECT.isdisjoint(schema):
        tests.append(_object(schema))
    if not _ARRAY.isdisjoint(schema):
        tests.append(_array(schema))
    if "if" in schema:
        tests.append(_condition(schema))
    return tests[0] if len(tests) == 1 else _all_of(tests)


def _all_of(tests: list[Predicate]) -> Predicate:
    def accepts(value: Any) -> bool:
        for test in tests:  # noqa: SIM110  # all() over a generator takes three times as long
            if not test(value):
                return False
        return True

    return accepts


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern. ``$`` becomes ``\\Z``: in Python it also matches before a final line break."""
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern)


def find_repeated(items: list[Any]) -> int | None:
    """Return the index of the first item equal to an earlier one, in linear time; lists and mappings never count."""
    seen: set[object] = set()
    for index, item in enumerate(items):
        if isinstance(item, str | int | float):
            if (isinstance(item, bool), item) in seen:
                return index
            seen.add((isinstance(item, bool), item))
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Predicate] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}


def _type(wanted: str | list[str]) -> Predicate:
    if isinstance(wanted, str):
        return _TYPES[wanted]
    tests = [_TYPES[name] for name in wanted]
    return lambda value: any(test(value) for test in tests)


def _pattern(pattern: str) -> Predicate:
    search = compile_pattern(pattern).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _constant(wanted: Any) -> Predicate:
    return lambda value: value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _enum(wanted: list[str]) -> Predicate:
    words = frozenset(wanted)
    return lambda value: isinstance(value, str) and value in words


_SIMPLE: dict[str, Callable[[Any], Predicate]] = {
    "type": _type,
    "pattern": _pattern,
    "const": _constant,
    "enum": _enum,
    "minLength": lambda limit: lambda value: not isinstance(value, str) or len(value) >= limit,
    "maxLength": lambda limit: lambda value: not isinstance(value, str) or len(value) <= limit,
    "minimum": lambda limit: lambda value: not _is_number(value) or value >= limit,
    "maximum": lambda limit: lambda value: not _is_number(value) or value <= limit,
    "exclusiveMinimum": lambda limit: lambda value: not _is_number(value) or value > limit,
}


def _array(schema: Mapping[str, Any]) -> Predicate:
    low, high = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    item = build_predicate(schema.get("items", True))
    unique = schema.get("uniqueItems", False)

    def accepts(value: Any) -> bool:
        if not isinstance(value, list):
            return True
        if not low <= len(value) <= high or (unique and find_repeated(value) is not None):
            return False
        return all(item(one) for one in value)

    return accepts


def _object(schema: Mapping[str, Any]) -> Predicate:
    required, limit = schema.get("required", ()), schema.get("maxProperties", float("inf"))
    known = {name: build_predicate(part) for name, part in schema.get("properties", {}).items()}
    patterns = [
        (compile_pattern(name).search, build_predicate(part))
        for name, part in schema.get("patternProperties", {}).items()
    ]
    if any(search(name) for search, _ in patterns for name in known):
        raise ValueError("a pattern of properties matches a property that has a schema of its own")
    other = build_predicate(schema.get("additionalProperties", True))
    name_ok = build_predicate(schema.get("propertyNames", True))

    def unlisted(name: str, value: Any) -> bool:
        matching = [part for search, part in patterns if search(name)]
        return all(part(value) for part in matching) if matching else other(value)

    def accepts(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        if len(value) > limit or not all(name in value for name in required):
            return False
        for name, below in value.items():
            test = known.get(name)
            if not (test(below) if test is not None else unlisted(name, below)) or not name_ok(name):
                return False
        return True

    return accepts


def _condition(schema: Mapping[str, Any]) -> Predicate:
    test, then, otherwise = (build_predicate(schema.get(name, True)) for name in ("if", "then", "else"))
    return lambda value: then(value) if test(value) else otherwise(value)
