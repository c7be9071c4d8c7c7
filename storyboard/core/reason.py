"""Reasons of a plan: why a step is what it is, as data. ``report.text`` words them.

Each fact that a message needs is a field of one of these values, so that a test or a program can ask for the fact
and a message can be reworded in one place.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from msgspec import Struct

Why = Literal[
    "unchanged",  # the lockfile and the cache agree with the storyboard
    "cached",  # made earlier for this request
    "other-take",  # the locked take is not in the cache; another take of this request is used
    "same-request",  # another shot makes a take of this request
    "new",
    "paid-for",  # a job was submitted, and its take has not been stored
    "refused",  # the provider refused this request before, by its policy
    "perhaps-paid",  # a job was begun; its take is bought if the provider does not have it
    "request-changed",
    "input-changed",  # only input pictures changed
    "upstream-changes",  # an input is made or downloaded first
    "forced",
    "missing",  # made earlier, but not in the cache
    "damaged",  # in the cache, but its bytes have changed
    "renderer-changed",  # drawn by another version of this program
    "held",  # the shot keeps its locked take although the request changed
    "kept",  # the film is filled, and the shot keeps its take although the request changed
    "unprepared",  # made from an input picture as it lies, or as it was drawn then; a new take would get another one
    "held-missing",  # held; the take is not in the cache and has no task id to fetch it by
    "locked-missing",  # the lockfile names a paid take that is not in the cache and has no task id to fetch it by
    "not-selected",
    "skipped",  # the shot has `skip: true`
    "offline",  # its provider cannot be reached with `--offline`
    "upstream-missing",  # an input does not exist and is not selected
    "upstream-failed",
    "not-copied",  # a segment has to be encoded; ``copy_blocker`` says why
    "output-missing",
    "output-changed",
    "too-short",  # a trim, a transition or a track does not fit; ``detail`` has the lengths
]


class Change(Struct, frozen=True):
    """One field of a request or of the storyboard, before and after; ``None`` where the field was absent.

    *of* is the other shot, or the track, that the field belongs to; empty for the shot or film that it is about.
    """

    field: str
    old: Any
    new: Any
    of: str = ""


Earlier = Literal["", "none", "copied", "encoded"]
"""none: the last build of the film had nothing in place of a piece; copied, encoded: it had the piece as packets of the
take, or rendered, and has it the other way now; empty: neither, or the film has not been built here."""


class PendingDownload(Struct, frozen=True):
    """An input picture that is downloaded before the request is known."""

    url: str


class RemakeCost(Struct, frozen=True):
    """Estimate in US dollars of the take that ``--remake`` would generate."""

    usd: Decimal


class BoughtBefore(Struct, frozen=True):
    """A take that was bought and is asked for by its task id; another one would cost *usd* US dollars.

    Without a *task_id* the ledger has the take and the lockfile does not: the id follows from the request.
    """

    task_id: str
    usd: Decimal


class TrimOverrun(Struct, frozen=True):
    """A trim that begins or ends after the end of its take. ``at`` and ``length`` are seconds of the take."""

    shot: str
    edge: Literal["begins", "ends"]
    at: Fraction
    length: Fraction


class OverlapTooLong(Struct, frozen=True):
    """Transitions or a fade longer than a shot.

    ``kind`` is the type of the transition into ``shot``, ``fade in`` or ``fade out`` of the film (``shot`` is empty
    then), or ``both ends`` for the two transitions of ``shot`` together. ``short`` is the shot with too few frames;
    ``asked`` and ``longest`` (the most that fits) are seconds.
    """

    kind: str
    shot: str
    short: str
    asked: Fraction
    longest: Fraction


class TrackOutside(Struct, frozen=True):
    """A track that begins before the film or after its end, in seconds of the film.

    ``shot`` is the shot to which the track is tied, if that shot is not in the film; ``start`` is 0 then.
    """

    file: str
    start: Fraction
    film: Fraction
    shot: str = ""


Detail = PendingDownload | RemakeCost | TrimOverrun | OverlapTooLong | TrackOutside

BlockerKind = Literal[
    "speed",
    "codec",
    "size",
    "frame-rate",
    "variable-rate",
    "pixel-format",
    "rotation",
    "pixel-aspect",
    "color",
    "open-start",  # a frame before the first keyframe is shown
    "parameter-sets",  # the parameter sets collide with those of encoded segments
    "other-parameter-sets",  # most takes have different ones
    "card",
    "still",
    "no-take",
    "never",  # `output.copy` is `never`
    "trim-overrun",
    "caption",  # a caption is burned in
    "slate",  # a slate is drawn over an animatic
    "no-keyframe",  # none where the copy would begin
    "trimmed",
    "transition",  # ``value`` is its type, or ``fade_in`` and ``fade_out`` of the film
    "head",  # frames before the first keyframe of the copied body
    "tail",  # frames after the last frame at which the copied body can end
    "nothing",  # no frame can be copied
]


class CopyBlocker(Struct, frozen=True, array_like=True):
    """The reason for encoding a segment instead of copying it from its take.

    ``value`` is the property of the take or the shot that differs from what a copy needs, as text: a speed or a rate as
    a fraction (``25/1``), a size as ``640x360``, degrees, or the name of a codec, a pixel format, a colour or a
    transition.
    """

    kind: BlockerKind
    value: str = ""


class Reason(Struct, frozen=True):
    """The reason for the decision on a step.

    ``shots`` are the shots that the reason is about; an empty name stands for the sound of the film. ``accepted`` says
    that the take was made for another request and accepted for this one. ``bought`` is a take that is not bought again.
    ``was_made`` says that the shot has a take in the lockfile, while its new request is not known.
    ``earlier`` compares a piece with the last build of its film.
    """

    why: Why
    changes: tuple[Change, ...] = ()
    shots: tuple[str, ...] = ()
    detail: Detail | None = None
    accepted: bool = False
    copy_blocker: CopyBlocker | None = None
    bought: BoughtBefore | None = None
    was_made: bool = False
    earlier: Earlier = ""


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the fields in which two requests differ, in the order of *new*; each field of ``params`` by itself."""
    before, after = dict(_flatten(old)), dict(_flatten(new))
    names = [*after, *(name for name in before if name not in after)]
    return tuple(
        Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )


def _flatten(request: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in request.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
