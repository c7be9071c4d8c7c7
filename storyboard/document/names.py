"""Names and values quoted in messages, and names that some file system cannot hold."""

import re
import unicodedata
from collections.abc import Iterable

from storyboard.core.suggest import either

_RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])\Z")
_NOT_ID = re.compile(r"[^a-z0-9_-]+")


def quoted(value: object, limit: int = 40) -> str:
    """Return *value* for a message, in backticks and at most *limit* characters; lists and mappings by their kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "`null`", True: "`true`", False: "`false`"}[value]
    text = str(value)
    return f"`{text if len(text) <= limit else text[: limit - 1] + '…'}`"


def is_reserved(name: str) -> bool:
    """Return whether Windows reserves *name* for a device and refuses it as the name of a file."""
    return _RESERVED.match(name) is not None


def folded(name: str) -> str:
    """Return *name* in NFKC and casefolded: equal for two names that are one file on some file systems."""
    return unicodedata.normalize("NFKC", name).casefold()


def as_id(text: str) -> str | None:
    """Return an id close to *text*: ``night-river`` for ``Night River``; ``None`` if nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    name = _NOT_ID.sub("-", plain).strip("-_")[:64]
    return name or None


def alternatives(words: Iterable[str]) -> str:
    """Return `` `a`, `b` or `c` ``."""
    return either(f"`{word}`" for word in words)
