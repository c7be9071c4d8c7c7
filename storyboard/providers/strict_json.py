"""Strict JSON for foreign replies: no repeated keys, limited nesting, exact numbers.

``NaN`` and ``Infinity``, which are not JSON, become ``null``: an invalid cost must not make a paid result unreadable.
Numbers with a decimal point are ``Decimal``.
"""

import json
import re
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64
MAX_PARTS = 200_000
# A whole string, terminated or not, or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def read_json(text: bytes) -> Any:
    """Return the value of *text*.

    Raises ``ValueError`` if it is not UTF-8 or JSON, repeats a key, or is too complex.
    """
    # Checked before parsing: the parser uses the interpreter's stack.
    if _is_too_complex(text):
        raise ValueError("nested too deep, or of too many parts")
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_build_object,
            parse_float=Decimal,
            parse_constant=lambda _name: None,
        )
    except ArithmeticError as problem:
        raise ValueError("a number that can't be read") from problem


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _is_too_complex(text: bytes) -> bool:
    depth = 0
    for part, token in enumerate(_TOKEN.finditer(text)):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH or part > MAX_PARTS:
            return True
    return False
