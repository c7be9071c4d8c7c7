"""Names: quoting them in a message, finding the one that was meant, and names that are none on some machine."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

_CANDIDATES = 200
_LONGEST = 64
_RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])\Z")
_NOT_ID = re.compile(r"[^a-z0-9_-]+")


def quoted(value: object, limit: int = 40) -> str:
    """A value for a message, in backticks and never long; lists and mappings only say what they are."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "`null`", True: "`true`", False: "`false`"}[value]
    text = str(value)
    return f"`{text if len(text) <= limit else text[: limit - 1] + '…'}`"


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that *word* was probably meant to be, or ``None``. The cost is bounded for any input."""
    if not 0 < len(word) <= _LONGEST:
        return None
    pool = [name for name in candidates if abs(len(name) - len(word)) <= 6]
    wanted = _squeezed(word)
    for name in pool:
        if _squeezed(name) == wanted:
            return name
    if len(pool) > _CANDIDATES:
        pool.sort(key=lambda name: _alike(name, word), reverse=True)
        del pool[_CANDIDATES:]
    found = difflib.get_close_matches(word, pool, n=1, cutoff=0.7)
    return found[0] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """``did you mean `seed`?``, or ``None`` if nothing is close."""
    name = closest(word, candidates)
    return None if name is None else f"did you mean `{name}`?"


def is_reserved(name: str) -> bool:
    """Whether Windows keeps *name* for a device, so that no file can be called so."""
    return _RESERVED.match(name) is not None


def folded(name: str) -> str:
    """What two names share that are one file on some file systems: NFKC and casefold."""
    return unicodedata.normalize("NFKC", name).casefold()


def as_id(text: str) -> str | None:
    """The id that *text* could be written as: ``Night River`` is ``night-river``."""
    plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    name = _NOT_ID.sub("-", plain).strip("-_")[:64]
    return name or None


def alternatives(words: Iterable[str]) -> str:
    """`` `a`, `b` or `c` ``."""
    names = [f"`{word}`" for word in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _squeezed(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _alike(name: str, word: str) -> int:
    """How many characters two names share at the beginning and at the end."""
    head = next(
        (i for i, pair in enumerate(zip(name, word, strict=False)) if pair[0] != pair[1]), min(len(name), len(word))
    )
    pairs = zip(reversed(name), reversed(word), strict=False)
    tail = next((i for i, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(name), len(word)))
    return head + tail
