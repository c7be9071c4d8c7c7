"""Plans in words: why a step is what it is, and what has changed, for people.

Foreign text for a terminal: without anything that could act there, and measured in cells.

Text from storyboards and providers may hold escape sequences, characters that turn the direction of writing, and ones
that cannot be seen. Each of those is shown as U+FFFD. Widths follow UAX #11: wide East Asian characters take two cells.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from storyboard.core.plan import Change, Reason, Step

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_CONTEXT_WORDS = 3


def clean(text: str) -> str:
    """Foreign text fit for a terminal: no control, bidi or zero-width characters, one line."""
    shown = "".join(" " if char in "\n\r\t" else char for char in text)
    return "".join(char for char in shown if unicodedata.category(char) not in _INVISIBLE)


def several(number: int, noun: str) -> str:
    """``1 frame``, ``2,304 frames``."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def dollars(amount: Decimal) -> str:
    """``$0.96``; fractions of a cent are shown where there are any."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents}" if cents == amount else f"${amount.normalize():f}"


def paid(cost: str | None) -> str:
    """What was paid, from decimal text: ``$0.60``; ``free`` where nothing was."""
    return dollars(Decimal(cost)) if cost else "free"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    items = [clean(name) for name in names]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def take_name(step: Step) -> str:
    """``glide`` for what goes into the cut, ``glide#97986`` for a take that is made beside it with that seed."""
    return step.action.shot if step.action.seed is None else f"{step.action.shot}#{step.action.seed}"


def reason(step: Step) -> str:
    """Why a step is what it is, in one line."""
    return _reason(step.reason, step)


# Most steps of most plans; every other reason has to be put together.
_PLAIN = {"unchanged": "unchanged", "cached": "made before", "new": "new", "not-selected": "not selected"}


def _reason(why: Reason, step: Step) -> str:
    if why.why in _PLAIN:
        return _PLAIN[why.why] + _accepted(why)
    if why.why == "not-copied":
        return f"encoded, since {why.text}"
    return _told(why, step)


def _told(why: Reason, step: Step) -> str:
    shots = listed(why.shots)
    fields = listed(dict.fromkeys(change.field for change in why.changes))
    if step.locked is not None:
        return f"{_missing(why, fields)}; fetched by its task id, for nothing"
    if why.why in ("held-missing", "locked-missing"):
        held = f"{_held(why, fields)}; " if why.why == "held-missing" else ""
        return f"{held}{_only_remake(why.text)}"
    if step.action.kind == "take" and why.why == "upstream-changes" and why.shots:
        return f"starts from a frame of {shots}, which is made first"
    words = {
        "other-take": "the locked take is not in this cache; another take of the same request is used",
        "same-request": f"asks for the same as {shots}",
        "paid-for": "already paid for; it is picked up",
        "request-changed": f"changed: {fields}" if fields else "the request has changed",
        "input-changed": f"another picture goes in: {fields}",
        "upstream-changes": why.text or f"waits for {shots}",
        "forced": "asked for by --remake",
        "missing": _MISSING,
        "damaged": _DAMAGED,
        "renderer-changed": "drawn by another version of storyboard",
        "held": _held(why, fields),
        "upstream-missing": f"{shots} {'is' if len(why.shots) == 1 else 'are'} not there",
        "upstream-failed": f"{shots} failed",
        "output-missing": "the film is not there",
        "output-changed": "the file at the film's place is another one",
        "too-short": why.text,
    }
    return words[why.why]


_MISSING = "made before, but not in this cache"
_DAMAGED = "what was made before is damaged; it was set aside"


def _missing(why: Reason, fields: str) -> str:
    """Of a locked take that is fetched: why it has to be."""
    if why.why == "held":
        return f"{_held(why, fields)}; its take is not in this cache"
    return _DAMAGED if why.why == "damaged" else _MISSING


def _only_remake(price: str) -> str:
    """Of a locked take that nobody can give: what is left to do, and its *price* in US dollars."""
    cost = f", for {dollars(Decimal(price))}" if Decimal(price) else ""
    where = "its take is not in this cache, and the lockfile names no task to fetch it by"
    return f"{where}: copy the cache of whoever has it; only --remake makes another{cost}"


def _accepted(why: Reason) -> str:
    return "; accepted for this request" if why.text == "accepted" else ""


def _held(why: Reason, fields: str) -> str:
    if why.text == "beside":
        return "not made while the shot is held"
    upstream = f"it starts from a frame of {listed(why.shots)}, which is not made yet" if why.shots else ""
    since = f"held, stale since: {fields}" if fields else "held"
    return "; ".join(part for part in (since, upstream) if part)


def change_lines(change: Change) -> list[str]:
    """One field, before and after; long texts as a word diff."""
    if isinstance(change.old, str) and isinstance(change.new, str) and " " in change.old + change.new:
        return [f"{change.field}: {word_diff(change.old, change.new)}"]
    return [f"{change.field}: {_value(change.old)} -> {_value(change.new)}"]


def _value(value: Any) -> str:
    if value is None:
        return "(not set)"
    text = clean(str(value))
    kind, _, digest = text.partition(":")
    if kind in ("file", "picture") and len(digest) == 64:
        return f"{kind} {digest[:12]}"
    return text


def word_diff(old: str, new: str) -> str:
    """``a narrow [-mangrove-] {+jungle+} river``: what is the same is cut down to a few words around each change."""
    before, after = _words(old), _words(new)
    parts: list[str] = []
    operations = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for position, (kind, a, b, c, d) in enumerate(operations):
        if kind == "equal":
            parts.append(_shortened(before[a:b], first=position == 0, last=position == len(operations) - 1))
        else:
            if b > a:
                parts.append(f"[-{' '.join(before[a:b])}-]")
            if d > c:
                parts.append(f"{{+{' '.join(after[c:d])}+}}")
    return " ".join(part for part in parts if part)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+", clean(text))


def _shortened(words: list[str], *, first: bool, last: bool) -> str:
    head = [] if first else words[:_CONTEXT_WORDS]
    tail = [] if last else words[-_CONTEXT_WORDS:]
    if len(head) + len(tail) >= len(words):
        return " ".join(words)
    return " ".join([*head, "…", *tail])


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_ZERO = frozenset(("Mn", "Me"))


def harmless(text: str) -> str:
    """*text* on one line, with control, direction and invisible characters replaced; a tab becomes a blank."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(harmless_character, text))


def harmless_character(character: str) -> str:
    """The same for a single character."""
    if character == "\t":
        return " "
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE else character


def cells(character: str) -> int:
    """How many cells of a terminal a harmless character takes: 0, 1 or 2."""
    if character.isascii():
        return 1
    if unicodedata.category(character) in _ZERO:
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
