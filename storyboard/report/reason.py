"""Wording of reasons: why a step of a plan is what it is, what blocks a copy, and what changed in a request.

``core.reason`` holds the facts; every sentence about them is here.
"""

import difflib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from storyboard.core.plan import Step
from storyboard.core.reason import (
    BlockerKind,
    Change,
    CopyBlocker,
    OverlapTooLong,
    PendingDownload,
    Reason,
    RemakeCost,
    TrackOutside,
    TrimOverrun,
    Why,
)
from storyboard.core.timebase import decimal_seconds
from storyboard.report.text import clean, clean_lines, dollars, listed

SOUND = "the sound"
_CONTEXT_WORDS = 3
_MISSING = "made before, but not in this cache"
_DAMAGED = "what was made before is damaged; it was set aside"


def take_name(step: Step) -> str:
    """Return the name of a take: ``glide`` for the one in the cut, ``glide#97986`` for an alternate take."""
    return step.action.shot if step.action.seed is None else f"{step.action.shot}#{step.action.seed}"


def shot_names(why: Reason) -> list[str]:
    """Return the shots that a reason is about; the sound of the film is called so."""
    return [shot or SOUND for shot in why.shots]


def reason_text(step: Step) -> str:
    """Return in one line why a step is what it is."""
    why = step.reason
    if step.locked is not None:
        return f"{_missing_locked(why)}; fetched by its task id, for nothing"
    fixed = _FIXED.get(why.why)
    if fixed is not None:
        return f"{fixed}; accepted for this request" if why.accepted and why.why in _CACHED else fixed
    return _WORDINGS[why.why](step)


_CACHED = ("unchanged", "cached")
_FIXED: Mapping[Why, str] = {
    "unchanged": "unchanged",
    "cached": "made before",
    "new": "new",
    "not-selected": "not selected",
    "other-take": "the locked take is not in this cache; another take of the same request is used",
    "paid-for": "already paid for; it is picked up",
    "forced": "asked for by --remake",
    "missing": _MISSING,
    "damaged": _DAMAGED,
    "renderer-changed": "drawn by another version of storyboard",
    "output-missing": "the film is not there",
    "output-changed": "the file at the film's place is another one",
}


def _same_request(step: Step) -> str:
    return f"asks for the same as {_shots(step)}"


def _request_changed(step: Step) -> str:
    fields = _fields(step.reason)
    return f"changed: {fields}" if fields else "the request has changed"


def _input_changed(step: Step) -> str:
    return f"another picture goes in: {_fields(step.reason)}"


def _upstream_changes(step: Step) -> str:
    if step.action.kind == "take" and step.reason.shots:
        return f"starts from a frame of {_shots(step)}, which is made first"
    return detail_text(step.reason) or f"waits for {_shots(step)}"


def _upstream_missing(step: Step) -> str:
    return f"{_shots(step)} {'is' if len(step.reason.shots) == 1 else 'are'} not there"


def _upstream_failed(step: Step) -> str:
    return f"{_shots(step)} failed"


def _held(step: Step) -> str:
    return "not made while the shot is held" if step.action.seed is not None else _stale_since(step.reason)


def _held_missing(step: Step) -> str:
    return f"{_stale_since(step.reason)}; {detail_text(step.reason)}"


def _not_copied(step: Step) -> str:
    return f"encoded, since {blocker_text(step.reason.copy_blocker)}"


def _detail(step: Step) -> str:
    return detail_text(step.reason)


_WORDINGS: Mapping[Why, Callable[[Step], str]] = {
    "same-request": _same_request,
    "request-changed": _request_changed,
    "input-changed": _input_changed,
    "upstream-changes": _upstream_changes,
    "upstream-missing": _upstream_missing,
    "upstream-failed": _upstream_failed,
    "held": _held,
    "held-missing": _held_missing,
    "locked-missing": _detail,
    "not-copied": _not_copied,
    "too-short": _detail,
}


def _missing_locked(why: Reason) -> str:
    """Return why a locked take has to be fetched."""
    if why.why == "held":
        return f"{_stale_since(why)}; its take is not in this cache"
    return _DAMAGED if why.why == "damaged" else _MISSING


def _stale_since(why: Reason) -> str:
    fields = _fields(why)
    upstream = f"it starts from a frame of {listed(why.shots)}, which is not made yet" if why.shots else ""
    since = f"held, stale since: {fields}" if fields else "held"
    return "; ".join(part for part in (since, upstream) if part)


def _shots(step: Step) -> str:
    return listed(shot_names(step.reason))


def _fields(why: Reason) -> str:
    return listed(dict.fromkeys(change.field for change in why.changes))


def detail_text(why: Reason) -> str:
    """Return the detail of a reason as a clause; empty if it has none."""
    match why.detail:
        case PendingDownload(url):
            return f"{url} is fetched first"
        case RemakeCost(usd):
            cost = f", for {dollars(usd)}" if usd else ""
            where = "its take is not in this cache, and the lockfile names no task to fetch it by"
            return f"{where}: copy the cache of whoever has it; only --remake makes another{cost}"
        case TrimOverrun(shot, edge, at, length):
            return f"trim of `{shot}` {edge} at {float(at):g} s, its take is {float(length):.3f} s long"
        case OverlapTooLong() as overlap:
            return _overlap_text(overlap)
        case TrackOutside() as track:
            return _track_text(track)
    return ""


def _overlap_text(overlap: OverlapTooLong) -> str:
    longest, asked = decimal_seconds(overlap.longest), decimal_seconds(overlap.asked)
    fits = f"the longest that fits is {longest} s" if overlap.longest > 0 else "none fits"
    return f"the transitions at its ends together take {asked} s, more than `{overlap.short}` has left; {fits}"


def _track_text(track: TrackOutside) -> str:
    if track.shot:
        return f"`{track.shot}`, with which {track.file} begins, is not in the film"
    if track.start < 0:
        return f"{track.file} would begin {decimal_seconds(-track.start)} s before the film"
    begin, end = decimal_seconds(track.start), decimal_seconds(track.film)
    return f"{track.file} would begin at {begin} s, the film ends at {end} s"


_BLOCKERS: Mapping[BlockerKind, str] = {
    "speed": "its speed is {}",
    "codec": "its codec is {}",
    "size": "it is {}",
    "frame-rate": "it has {} frames a second",
    "variable-rate": "its frame rate varies",
    "pixel-format": "its pixel format is {}",
    "rotation": "it is rotated by {} degrees",
    "pixel-aspect": "its pixels are not square",
    "color": "its colours are tagged {}",
    "open-start": "it does not begin with a closed keyframe",
    "parameter-sets": "its parameter sets cannot stand beside ours",
    "other-parameter-sets": "most takes have other parameter sets",
    "card": "it is a card",
    "still": "it is a still",
    "no-take": "it is not there",
    "never": "`output.copy` is `never`",
    "trim-overrun": "its trim ends after its take",
    "caption": "a caption is drawn into it",
    "no-keyframe": "no keyframe of it lies where it would have to begin",
    "trimmed": "it is trimmed",
    "transition": "it is a {}",
    "head": "a copy can only begin at a keyframe",
    "tail": "a copy can only end where its frames are complete",
    "nothing": "nothing of it can be copied",
}


def blocker_text(blocker: CopyBlocker | None) -> str:
    """Return why a segment is not copied, as a clause; empty without a blocker."""
    if blocker is None:
        return ""
    value = blocker.value.replace("_", " ") if blocker.kind == "transition" else blocker.value
    if blocker.kind in ("speed", "frame-rate"):
        value = f"{float(Fraction(value)):g}"
    return _BLOCKERS[blocker.kind].format(value)


def change_lines(change: Change) -> list[str]:
    """Return one changed field with its old and new value; texts of several words as a word diff."""
    if isinstance(change.old, str) and isinstance(change.new, str) and " " in change.old + change.new:
        return [f"{change.field}: {word_diff(change.old, change.new)}"]
    return [f"{change.field}: {_value(change.old)} -> {_value(change.new)}"]


def _value(value: Any) -> str:
    if value is None:
        return "(not set)"
    text = clean_lines(str(value))
    kind, _, digest = text.partition(":")
    if kind in ("file", "picture") and len(digest) == 64:
        return f"{kind} {digest[:12]}"
    return text


def word_diff(old: str, new: str) -> str:
    """Return ``a narrow [-mangrove-] {+jungle+} river``; of equal words only a few around each change are kept."""
    before, after = _words(old), _words(new)
    parts: list[str] = []
    operations = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for position, (kind, a, b, c, d) in enumerate(operations):
        if kind == "equal":
            parts.append(_shorten(before[a:b], first=position == 0, last=position == len(operations) - 1))
        else:
            if b > a:
                parts.append(f"[-{' '.join(before[a:b])}-]")
            if d > c:
                parts.append(f"{{+{' '.join(after[c:d])}+}}")
    return " ".join(part for part in parts if part)


def _words(text: str) -> list[str]:
    return [word for part in text.split() if (word := clean(part))]


def _shorten(words: list[str], *, first: bool, last: bool) -> str:
    head = [] if first else words[:_CONTEXT_WORDS]
    tail = [] if last else words[-_CONTEXT_WORDS:]
    if len(head) + len(tail) >= len(words):
        return " ".join(words)
    return " ".join([*head, "…", *tail])
