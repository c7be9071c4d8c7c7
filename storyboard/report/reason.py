"""Wording of reasons: why a step of a plan is what it is, what blocks a copy, and what changed in a request.

``core.reason`` holds the facts; every sentence about them is here.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from storyboard.core.keys import ABOVE_BAR, CONVERTED
from storyboard.core.plan import Step
from storyboard.core.reason import (
    BlockerKind,
    BoughtBefore,
    Change,
    CopyBlocker,
    Earlier,
    OverlapTooLong,
    PendingDownload,
    Reason,
    RemakeCost,
    TrackOutside,
    TrimOverrun,
    Why,
)
from storyboard.core.results import dollars
from storyboard.core.timebase import decimal_seconds
from storyboard.report.text import clean, clean_lines, listed

SOUND = "the sound"
_CONTEXT_WORDS = 3
_SHOTS_NAMED = 4
_MISSING = "missing from this cache"
_DAMAGED = "damaged in this cache, quarantined"


def take_name(step: Step) -> str:
    """Return the name of a take: ``glide`` for the one in the cut, ``glide#97986`` for an alternate take."""
    return step.action.shot if step.action.seed is None else f"{step.action.shot}#{step.action.seed}"


def shot_names(why: Reason) -> list[str]:
    """Return the shots that a reason is about, with a phrase for the sound of the film."""
    return [shot or SOUND for shot in why.shots]


def reason_text(step: Step) -> str:
    """Return the reason of a step in one line."""
    why = step.reason
    if step.locked is not None or (step.do == "resume" and why.bought is not None):
        return f"{_missing_locked(why)}; {_bought_text(why.bought)}"
    fixed = _FIXED.get(why.why)
    if fixed is None:
        return _WORDINGS[why.why](step)
    if why.changes and step.action.kind in _OF_TAKES:
        return f"{_changed(step)}; {_HOW.get(why.earlier, _COPIED if step.do == 'copy' else fixed)}"
    return f"{fixed}; accepted for this request" if why.accepted and why.why in _CACHED else fixed


_OF_TAKES = ("segment", "sound", "cut")
_COPIED = "copied"
_HOW: Mapping[Earlier, str] = {"encoded": "rendered before, now copied"}


_CACHED = ("unchanged", "cached")
_FIXED: Mapping[Why, str] = {
    "unchanged": "unchanged",
    "cached": "in the cache",
    "new": "new",
    "not-selected": "not selected",
    "skipped": "the shot is left out of the film by `skip: true`",
    "offline": "its provider is not asked with `--offline`",
    "other-take": "the locked take is not in this cache; another take of this request is used",
    "paid-for": "already paid for; its job is resumed",
    "perhaps-paid": "perhaps paid for already; its job is asked for first, and bought if the provider does not have it",
    "forced": "requested with `--remake`",
    "missing": _MISSING,
    "damaged": _DAMAGED,
    "renderer-changed": "rendered by another version of storyboard",
    "output-missing": "the output file is missing",
    "output-changed": "the output file differs from the last build",
}


def _same_request(step: Step) -> str:
    return f"same request as {_shots(step)}, shares its take"


def _request_changed(step: Step) -> str:
    return _changed(step) or "the request changed"


# Shots and tracks whose changes are named; of more, the number is given.
_MOST_NAMED = 3


def _changed(step: Step) -> str:
    return changed_text(step.reason.changes, "neighbour " if step.action.kind == "segment" else "")


def changed_text(changes: Sequence[Change], noun: str = "") -> str:
    """Return ``changed: trim.end; neighbour river changed: transition.type``, with *noun* before each other shot."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.of, []).append(change)
    parts = [_changed_fields(f"{noun}{clean(of)} " if of else "", group) for of, group in groups.items()]
    others = len(parts) - _MOST_NAMED
    return "; ".join(parts if others <= 1 else [*parts[:_MOST_NAMED], f"{others} more changed"])


def _changed_fields(owner: str, group: Sequence[Change]) -> str:
    fields = {change.field: change for change in group}
    parts = []
    if "take" in fields:
        del fields["take"]
        seed = fields.pop("seed", None)
        seeds = f" (seed {seed.old} -> {seed.new})" if seed is not None else ""
        parts.append(f"{owner}has another take{seeds}" if owner else f"the take changed{seeds}")
    return "; ".join([*parts, *([f"{owner}changed: {listed(fields)}"] if fields else [])])


def _input_changed(step: Step) -> str:
    return f"input picture changed: {_fields(step.reason)}"


def _refused(step: Step) -> str:
    """Return why a refused request is not submitted again; ``--remake`` makes selected takes only."""
    shot, fact = step.action.shot, "its provider refused this request before, by its policy"
    if step.do == "resume":
        return f"{fact}, in a job that is asked for once more and not submitted again"
    if step.action.seed is not None:
        return f"{fact}; change the prompt or the picture, or take the seed out of `takes`"
    return f"{fact}; change the prompt or the picture, or submit it again with `--remake {shot}`"


def _upstream_changes(step: Step) -> str:
    if step.action.kind == "take" and step.reason.shots:
        text = f"starts from a frame of {_shots(step)}, which is made first"
    else:
        text = detail_text(step.reason) or f"waits for {_shots(step)}"
    return f"{text}; {_bought_text(step.reason.bought)}" if step.reason.bought is not None else text


def _upstream_missing(step: Step) -> str:
    return f"{_shots(step)} {'is' if len(step.reason.shots) == 1 else 'are'} missing"


def _upstream_failed(step: Step) -> str:
    return f"{_shots(step)} failed"


def _held(step: Step) -> str:
    return "not made: the shot is held" if step.action.seed is not None else _stale_since(step.reason)


def _kept(step: Step) -> str:
    fields = _fields(step.reason)
    return f"its earlier take, made before {fields} changed" if fields else "its earlier take"


def _unprepared(step: Step) -> str:
    """Return what a new take would get in place of the picture of then, and how to ask for it."""
    changes = step.reason.changes
    turned = [change.field for change in changes if str(change.new).startswith(CONVERTED)]
    cut = [change.field for change in changes if str(change.new).startswith(ABOVE_BAR)]
    now = [f"{listed(turned)} is now sent upright and in RGB"] if turned else []
    now += [f"{listed(cut)} is now sent without the slate bar"] if cut else []
    now += [f"it starts from a frame of {_shots(step)}, which is drawn anew"] if step.reason.shots else []
    way_out = f"to make it again, use `--remake {step.action.shot}`" if step.action.seed is None else ""
    return "; ".join(part for part in ("kept as it was made", *now, way_out) if part)


def _held_missing(step: Step) -> str:
    return f"{_stale_since(step.reason)}; {detail_text(step.reason)}"


def _not_copied(step: Step) -> str:
    why, blocker, request = step.reason, step.reason.copy_blocker, step.request or {}
    verb = "rendered" if blocker is not None and blocker.kind in _RENDERED else "re-encoded"
    text = blocker_text(blocker, size=str(request.get("size", "")), rate=str(request.get("rate", "")))
    before = "copied before, now " if why.earlier == "copied" else ""
    parts = ["new" if why.earlier == "none" else _changed(step)]
    parts.append(f"{before}{verb}: {text}" if text else f"{before}{verb}")
    return "; ".join(part for part in parts if part)


def _detail(step: Step) -> str:
    return detail_text(step.reason)


_WORDINGS: Mapping[Why, Callable[[Step], str]] = {
    "same-request": _same_request,
    "request-changed": _request_changed,
    "input-changed": _input_changed,
    "refused": _refused,
    "upstream-changes": _upstream_changes,
    "upstream-missing": _upstream_missing,
    "upstream-failed": _upstream_failed,
    "held": _held,
    "kept": _kept,
    "unprepared": _unprepared,
    "held-missing": _held_missing,
    "locked-missing": _detail,
    "not-copied": _not_copied,
    "too-short": _detail,
}


def _bought_text(bought: BoughtBefore | None) -> str:
    """Return ``bought before (task 821172c7): asked for first, free; another costs $0.60``."""
    if bought is None:
        return "bought before: asked for first, free"
    other = f"; another costs {dollars(bought.usd)}" if bought.usd else ""
    task = f" (task {clean(bought.task_id)[:8]})" if bought.task_id else ""
    return f"bought before{task}: asked for first, free{other}"


def _missing_locked(why: Reason) -> str:
    """Return why a locked take has to be downloaded."""
    if why.why == "held":
        return f"{_stale_since(why)}; {_MISSING}"
    return _DAMAGED if why.why == "damaged" else _MISSING


def _stale_since(why: Reason) -> str:
    fields = _fields(why)
    upstream = f"starts from a frame of {listed(why.shots)}, which is not made yet" if why.shots else ""
    since = f"held, stale: {fields} changed" if fields else "held"
    return "; ".join(part for part in (since, upstream) if part)


def _shots(step: Step) -> str:
    """Return the shots of a reason; of many, the first and how many more."""
    names = shot_names(step.reason)
    more = len(names) - _SHOTS_NAMED
    return listed(names) if more <= 1 else f"{', '.join(map(clean, names[:_SHOTS_NAMED]))} and {more} more"


def _fields(why: Reason) -> str:
    return listed(dict.fromkeys(change.field for change in why.changes))


def detail_text(why: Reason) -> str:
    """Return the detail of a reason as a clause; empty if it has none."""
    match why.detail:
        case PendingDownload(url):
            return f"{url} is downloaded first"
        case RemakeCost(usd):
            cost = f", for {dollars(usd)}" if usd else ""
            fact = "the locked take is not in this cache and has no task id to download it by"
            return f"{fact}; copy the cache of a machine that has it, or make another take with `--remake`{cost}"
        case TrimOverrun(shot, edge, at, length):
            return f"`trim` of `{shot}` {edge} at {float(at):g} s, but its take is {float(length):.3f} s long"
        case OverlapTooLong() as overlap:
            return _overlap_text(overlap)
        case TrackOutside() as track:
            return _track_text(track)
    return ""


def _overlap_text(overlap: OverlapTooLong) -> str:
    longest, asked = decimal_seconds(overlap.longest), decimal_seconds(overlap.asked)
    return (
        f"the transitions of `{overlap.short}` take {asked} s together, but the shot is {longest} s long; shorten them"
    )


def _track_text(track: TrackOutside) -> str:
    if track.shot:
        return f"{clean(track.file)} starts with `{track.shot}`, which is not in the film"
    if track.start < 0:
        return f"{clean(track.file)} starts {decimal_seconds(-track.start)} s before the film"
    begin, end = decimal_seconds(track.start), decimal_seconds(track.film)
    return f"{clean(track.file)} starts at {begin} s, but the film ends at {end} s"


_RENDERED: tuple[BlockerKind, ...] = ("card", "still", "no-take", "transition")
_BLOCKERS: Mapping[BlockerKind, str] = {
    "speed": "speed {}",
    "codec": "codec {}",
    "size": "{} scaled",
    "frame-rate": "{} fps conformed",
    "variable-rate": "variable frame rate",
    "pixel-format": "pixel format {}",
    "rotation": "rotated by {} degrees",
    "pixel-aspect": "pixels are not square",
    "color": "colours tagged {}",
    "open-start": "does not begin with a closed keyframe",
    "parameter-sets": "parameter sets conflict with those of rendered segments",
    "other-parameter-sets": "parameter sets differ from those of most takes",
    "card": "title card",
    "still": "still",
    "no-take": "no take",
    "never": "`output.copy` is `never`",
    "trim-overrun": "`trim` ends after the take",
    "caption": "burned-in caption",
    "slate": "slate of an animatic",
    "no-keyframe": "no keyframe to begin a copy at",
    "trimmed": "trimmed",
    "transition": "{}",
    "head": "frames before the first keyframe",
    "tail": "frames after the last point where a copy can end",
    "nothing": "no frame can be copied",
}
# Keys of ``copied.why`` in JSON. They are data: scripts compare them, and they stay as they are.
_BLOCKER_KEYS: Mapping[BlockerKind, str] = {
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
    "slate": "a slate is drawn over it",
    "no-keyframe": "no keyframe of it lies where it would have to begin",
    "trimmed": "it is trimmed",
    "transition": "it is a {}",
    "head": "a copy can only begin at a keyframe",
    "tail": "a copy can only end where its frames are complete",
    "nothing": "nothing of it can be copied",
}


def blocker_text(blocker: CopyBlocker | None, *, size: str = "", rate: str = "") -> str:
    """Return why a segment is not copied, as a phrase; empty without a blocker.

    *size* and *rate* are those of the film, if known: ``1280x720 scaled to 640x360``.
    """
    if blocker is None:
        return ""
    text = _BLOCKERS[blocker.kind].format(_blocker_value(blocker))
    if blocker.kind == "size" and size:
        return f"{text} to {size}"
    return f"{text} to {_number(rate)} fps" if blocker.kind == "frame-rate" and rate else text


def blocker_key(blocker: CopyBlocker | None) -> str:
    """Return the key under which ``copied.why`` counts the frames of a blocker."""
    return "" if blocker is None else _BLOCKER_KEYS[blocker.kind].format(_blocker_value(blocker))


def _blocker_value(blocker: CopyBlocker) -> str:
    if blocker.kind in ("speed", "frame-rate"):
        return _number(blocker.value)
    return blocker.value.replace("_", " ") if blocker.kind == "transition" else blocker.value


def _number(fraction: str) -> str:
    return f"{float(Fraction(fraction)):g}"


def change_lines(change: Change) -> list[str]:
    """Return one changed field with its old and new value; texts of several words as a word diff."""
    name = f"{clean(change.of)}: {change.field}" if change.of else change.field
    if isinstance(change.old, str) and isinstance(change.new, str) and " " in change.old + change.new:
        return [f"{name}: {word_diff(change.old, change.new)}"]
    unit = _UNITS.get(change.field.rpartition(".")[2], "")
    return [f"{name}: {_value(change.old, unit)} -> {_value(change.new, unit)}"]


def change_data(change: Change) -> dict[str, Any]:
    """Return a changed field as JSON data; ``of`` is left out where the field is not of another shot or a track."""
    return {"field": change.field, "old": change.old, "new": change.new} | ({"of": change.of} if change.of else {})


_UNITS = {
    **dict.fromkeys(("start", "end", "duration", "fade_in", "fade_out"), " s"),
    **dict.fromkeys(("gain", "duck"), " dB"),
    "loudness": " LUFS",
    "fps": " fps",
}
_DIGEST = re.compile("[0-9a-f]{64}")


def _value(value: Any, unit: str = "") -> str:
    if value is None:
        return "(not set)"
    if isinstance(value, float):
        return f"{value:.6g}{unit}"
    text = clean_lines(str(value)) + (unit if isinstance(value, int) and not isinstance(value, bool) else "")
    if _DIGEST.fullmatch(text):
        return text[:12]
    kind, _, digest = text.partition(":")
    if kind in _PICTURES and len(digest) == 64:
        return _PICTURES[kind].format(digest[:12])
    return text


_PICTURES: Mapping[str, str] = {
    "file": "file {}",
    "picture": "picture {}",
    CONVERTED.rstrip(":"): "file {}, upright and in RGB",
    ABOVE_BAR.rstrip(":"): "picture {} without its slate bar",
}


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
