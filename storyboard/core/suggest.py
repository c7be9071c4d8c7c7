"""Names and values in messages: suggestions for a misspelt name, lists of alternatives, and quoted values."""

import re
import unicodedata
from collections.abc import Iterable

_CANDIDATES = 200
_LONGEST = 64
_NOT_ID = re.compile(r"[^a-z0-9_-]+")


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that *word* most likely stands for, or ``None``. The cost is bounded for any input."""
    if not 0 < len(word) <= _LONGEST:
        return None
    pool = [name for name in candidates if abs(len(name) - len(word)) <= 6]
    wanted = _without_separators(word)
    for name in pool:
        if _without_separators(name) == wanted:
            return name
    if len(pool) > _CANDIDATES:
        pool.sort(key=lambda name: _shared_ends(name, word), reverse=True)
        del pool[_CANDIDATES:]
    import difflib

    found = difflib.get_close_matches(word, pool, n=1, cutoff=0.7)
    return found[0] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """Return ``did you mean `seed`?``, the help of a finding, or ``None`` if no candidate is close."""
    name = closest(word, candidates)
    return None if name is None else suggestion(name)


def suggestion(name: str) -> str:
    """Return ``did you mean `seed`?``."""
    return f"did you mean `{name}`?"


def with_suggestion(message: str, name: str | None) -> str:
    """Return *message*, a whole sentence, followed by ``Did you mean 'build'?`` if there is a *name* to suggest."""
    return message if name is None else f"{message} Did you mean {name!r}?"


def either(values: Iterable[str]) -> str:
    """Return ``5, 8 or 10``."""
    items = list(values)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _without_separators(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _shared_ends(name: str, word: str) -> int:
    """Return how many characters two names share at their beginnings and ends together."""
    head = next(
        (i for i, pair in enumerate(zip(name, word, strict=False)) if pair[0] != pair[1]), min(len(name), len(word))
    )
    pairs = zip(reversed(name), reversed(word), strict=False)
    tail = next((i for i, pair in enumerate(pairs) if pair[0] != pair[1]), min(len(name), len(word)))
    return head + tail


def quoted(value: object, limit: int = 40) -> str:
    """Return *value* for a message, in backticks and at most *limit* characters; lists and mappings by their kind."""
    if isinstance(value, dict):
        return "a group of fields"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "`null`", True: "`true`", False: "`false`"}[value]
    text = str(value)
    return f"`{text if len(text) <= limit else text[: limit - 1] + '…'}`"


def spelling(there: str, written: str, *, is_shell: bool = False) -> str:
    """Return the help for a file *there* whose name is *written* in other capitals or in another Unicode form.

    Both forms of a letter look alike, so the name is shown with escapes, as YAML or a shell reads it between quotes.
    """
    if unicodedata.normalize("NFC", there) != unicodedata.normalize("NFC", written):
        return f"write `{there}`, the name of the file that is there"
    escaped = "".join(letter if letter.isascii() else _escape(letter) for letter in there)
    form = "composed" if unicodedata.is_normalized("NFC", there) else "decomposed"
    typed = f"$'{escaped}'" if is_shell else f'"{escaped}"'
    return f"the name of the file that is there has {form} letters; write `{typed}`, or rename the file"


def _escape(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"


def as_id(text: str) -> str | None:
    """Return an id close to *text*: ``night-river`` for ``Night River``; ``None`` if nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    name = _NOT_ID.sub("-", plain).strip("-_")[:64]
    return name or None


def alternatives(words: Iterable[str]) -> str:
    """Return `` `a`, `b` or `c` ``."""
    return either(f"`{word}`" for word in words)
