"""Reading JSON from a stranger: no repeated keys, no endless nesting, exact numbers.

``NaN`` and ``Infinity``, which JSON has not, read as ``null``: a cost that is no number must not make a paid result
unreadable. Numbers with a point are ``Decimal``.
"""

import json
import re
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64
MAX_PARTS = 200_000
# A whole string, also one without an end, or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def read_json(text: bytes) -> Any:
    """The value. Raises ``ValueError`` for whatever is not UTF-8, not JSON, repeats a key or is too intricate."""
    # Judged before parsing: the parser counts on the interpreter's stack.
    if _too_intricate(text):
        raise ValueError("nested too deep, or of too many parts")
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=lambda _name: None,
        )
    except ArithmeticError as problem:
        raise ValueError("a number that can't be read") from problem


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _too_intricate(text: bytes) -> bool:
    depth = 0
    for part, token in enumerate(_TOKEN.finditer(text)):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH or part > MAX_PARTS:
            return True
    return False
