"""The JSON Schema of a storyboard: its location, and the fields it defines.

The schema is the only definition of shapes, types, words and ranges, for people, editors and ``validate``.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any, cast

import msgspec

NAME = "storyboard-1.schema.json"


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
    """Return the schemas of the fields of ``storyboard``, ``output``, ``trim`` or a definition such as ``shot``."""
    whole = schema()
    shot = whole["definitions"]["shot"]["properties"]
    inner = {"storyboard": whole, "output": whole["properties"]["output"], "trim": shot["trim"]}
    return cast(Mapping[str, Any], (inner.get(name) or whole["definitions"][name])["properties"])


def _resolve_references(part: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolve_references(item, parts) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolve_references(parts[part["$ref"]], parts)
    return {key: _resolve_references(value, parts) for key, value in part.items()}
