"""The JSON Schema of a storyboard: where it lies, and the fields it knows.

It describes every field to people and editors too, and is the one judge of shapes, types, words and ranges; ``check``
applies it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any, cast

import msgspec

NAME = "storyboard-1.schema.json"


def schema_text() -> str:
    """The schema as it is shipped: from the package if installed, else from the checkout around it."""
    # importlib.resources would take longer to load than all that is read here
    places = [FilePath(__file__).parents[level] / "schemas" / NAME for level in (1, 2)]
    return next((place for place in places if place.is_file()), places[0]).read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """The schema with every reference written out; nothing in it is recursive."""
    whole = msgspec.json.decode(schema_text())
    parts = {
        f"#/{where}/{name}": part for where in ("definitions", "properties") for name, part in whole[where].items()
    }
    return cast(dict[str, Any], _written_out(whole, parts))


def fields_of(name: str) -> Mapping[str, Any]:
    """The schemas of the fields of ``storyboard``, ``output``, ``trim`` or a definition such as ``shot``."""
    whole = schema()
    shot = whole["definitions"]["shot"]["properties"]
    inner = {"storyboard": whole, "output": whole["properties"]["output"], "trim": shot["trim"]}
    return cast(Mapping[str, Any], (inner.get(name) or whole["definitions"][name])["properties"])


def _written_out(part: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_written_out(item, parts) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _written_out(parts[part["$ref"]], parts)
    return {key: _written_out(value, parts) for key, value in part.items()}
