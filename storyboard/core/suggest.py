"""Suggestions for a misspelt name, and lists of alternatives: the one wording of "did you mean"."""

import difflib
from collections.abc import Iterable

_CANDIDATES = 200
_LONGEST = 64


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
