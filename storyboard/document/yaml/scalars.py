"""Values of scalars by the core schema of YAML 1.2 (chapter 10.3.2).

``16:9``, ``no`` and ``2024-01-01`` are text, ``0123`` is 123, ``0o17`` is 15. Numbers that are infinite, not a number,
nearer to zero than ``MIN_NUMBER`` or longer than ``MAX_DIGITS`` are refused.
"""

import math
import re

import msgspec

from storyboard.document.yaml.source_map import Plain

MAX_DIGITS = 40
MIN_NUMBER = 1e-18  # nothing that is counted or measured here is smaller, and its fraction would be long

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST = frozenset("+-.0123456789")

# The first characters of all plain scalars that are, or might be, something else than text; `<` is for merge keys.
MEANING_FIRST = _FIRST | frozenset("~nNtTfF<")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")

_TAG = "tag:yaml.org,2002:"
_STANDARD = frozenset(("str", "null", "bool", "int", "float", "map", "seq"))


class InvalidScalar(ValueError):
    """A scalar that has no usable value; the message states the fact."""


def resolve(text: str) -> Plain:
    """Return the value of a plain scalar. Raises ``InvalidScalar``."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    return _parse_number(text)


def format_tag(tag: str) -> tuple[str, bool]:
    """Return *tag* in its short form, ``!!python/object``, cut to 40 characters, and whether YAML itself defines it."""
    name = tag.removeprefix(_TAG)
    return shorten(tag if name == tag else f"!!{name}"), name != tag and name in _STANDARD


def shorten(text: str, limit: int = 40) -> str:
    """Return *text* cut to *limit* characters for a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _parse_number(text: str) -> Plain:
    if _INTEGER.match(text):
        return int(_check_length(text))
    if _OCTAL.match(text):
        return int(_check_length(text)[2:], 8)
    if _HEXADECIMAL.match(text):
        return int(_check_length(text)[2:], 16)
    if _DECIMAL.match(text):
        value = float(_check_length(text))
        if math.isinf(value):
            raise InvalidScalar("the number is too large")
        if 0 < abs(value) < MIN_NUMBER:
            raise InvalidScalar("the number is too small")
        return value
    if _NOT_FINITE.match(text):
        raise InvalidScalar(f"`{text}` is not a finite number")
    return text


def _check_length(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise InvalidScalar(f"the number has more than {MAX_DIGITS} characters")
    return text


_SAFE = re.compile(r"[^\W_](?:[\w ./'()+$-]*[\w.')!?])?\Z")


def format_text(text: str) -> str:
    """Return *text* as a scalar that reads as this text at every place: plain where that is safe, else in quotes."""
    try:
        is_plain = _SAFE.match(text) is not None and resolve(text) == text
    except InvalidScalar:
        is_plain = False
    return text if is_plain else in_quotes(text)


def in_quotes(text: str) -> str:
    """Return *text* as a scalar in double quotes."""
    return msgspec.json.encode(text).decode()
