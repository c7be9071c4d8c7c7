"""Reading JSON from a stranger: no repeated keys, no endless nesting, exact numbers.

``NaN`` and ``Infinity``, which JSON has not, read as ``null``: a cost that is no number must not make a paid result
unreadable. Numbers with a point are ``Decimal``.
"""

import json
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64


def read_json(text: bytes) -> Any:
    """The value. Raises ``ValueError`` for whatever is not UTF-8, not JSON, repeats a key or is nested too deep."""
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=lambda _name: None,
        )
    except (RecursionError, ArithmeticError) as problem:
        raise ValueError("not JSON that can be read") from problem
    if _too_deep(value):
        raise ValueError("nested too deep")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True
