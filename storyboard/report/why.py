"""Causes of a step: the reason why it is done, and what its result was made from, as text and data."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from storyboard.core.diagnostics import Span
from storyboard.core.plan import Step, TakeResult
from storyboard.core.reason import Change, changes
from storyboard.core.results import Commit, Provenance, dollars, money_data
from storyboard.core.timebase import in_words
from storyboard.report.diagnostics import place_data
from storyboard.report.plan import decision_data
from storyboard.report.reason import change_data, change_lines, reason_text, take_name
from storyboard.report.status import reading_text
from storyboard.report.text import clean, clean_lines, listed, paid, several


class Cause(Struct, frozen=True):
    """A changed field: where it is written, and the commit that changed it.

    ``commit`` is ``None`` without git; ``committed`` is false for an uncommitted change.
    """

    change: Change
    place: Span | None
    commit: Commit | None
    committed: bool | None


class Part(Struct, frozen=True):
    """The causes of one step of a film or of a frame; *details* are lines about its result."""

    step: Step
    causes: Sequence[Cause]
    details: Sequence[str] = ()


class Story(Struct, frozen=True):
    """The causes of one shot's step, and of its *pieces* in the films.

    *upstream* are the steps it waits for, nearest first; *follows* the shots that are made because of it; *made* is the
    provenance of the take in use, *request* what that was made from. *reading* holds what the drawing of the shot takes
    from its prompt; ``None`` for a shot that is not drawn.
    """

    step: Step
    causes: Sequence[Cause]
    pieces: Sequence[Part]
    upstream: Sequence[Step]
    follows: Sequence[Step]
    made: Provenance | None
    request: Mapping[str, Any] | None
    reading: Mapping[str, Any] | None = None


def why_text(story: Story) -> str:
    """Return the reason, the changed fields with their origin, the shots that follow, and the pieces in the film."""
    step = story.step
    price = f", {dollars(step.cost)}" if step.cost else ""
    name = take_name(step) if step.action.kind == "take" else step.action.shot
    lines = [f"{clean(name)}: {step.do}: {reason_text(step)}{price}", *_cause_lines(story.causes)]
    for above in story.upstream:
        lines.append(f"  {clean(above.action.shot)}: {above.do}: {reason_text(above)}")
        lines += [f"    {line}" for change in above.reason.changes for line in change_lines(change)]
    lines += _follower_lines(story)
    lines += _take_lines(story)
    # a piece that waits for its take has no reason yet but that take
    others = [piece for piece in story.pieces if piece.step is not step and piece.step.do != "wait"]
    lines += ["in the film:"] if others else []
    lines += [f"  {line}" for piece in others for line in _part_lines(piece)]
    lines += [] if story.reading is None else [reading_text(story.reading, verbose=True)]
    return "\n".join(lines)


def part_text(part: Part) -> str:
    """Return the reason of a step of the film, its changed fields with their origin, and its details."""
    return "\n".join(_part_lines(part))


def _part_lines(part: Part) -> list[str]:
    head = f"{clean(part.step.action.id)}: {part.step.do}: {reason_text(part.step)}"
    return [head, *_cause_lines(part.causes), *(f"  {line}" for line in part.details)]


def _cause_lines(causes: Sequence[Cause]) -> Iterator[str]:
    for cause in causes:
        yield from (f"  {line}" for line in change_lines(cause.change))
        yield from (f"    {line}" for line in _origin_lines(cause))


def _origin_lines(cause: Cause) -> list[str]:
    place = f"{clean(cause.place.file)}:{cause.place.line}" if cause.place is not None else ""
    if cause.commit is not None:
        commit = cause.commit
        return [f"{place}  {commit.id[:10]} {commit.at[:10]} {clean(commit.author)}: {clean(commit.subject)}".strip()]
    return [f"{place}  not committed yet".strip()] if cause.committed is False else [place] if place else []


def _follower_lines(story: Story) -> list[str]:
    if not story.follows:
        return []
    count = len(story.follows)
    cost = sum((step.cost for step in story.follows), Decimal(0))
    shots = listed(step.action.shot for step in story.follows)
    return [f"{several(count, 'linked shot')} to make after it: {dollars(cost)} ({shots})"]


def _take_lines(story: Story) -> list[str]:
    found, made = story.step.result, story.made
    if not isinstance(found, TakeResult):
        return []
    lines = [f"take {found.digest[:12]}, {in_words(found.info.duration)}"]
    if made is None:
        return lines
    cost = f", {paid(made.cost)}"
    seed = f", seed {made.seed}" if made.seed is not None else ""
    is_footage = "clip" in (story.request or {})
    lines[0] += (
        f", own footage, imported {made.at}"
        if is_footage
        else f", made{f' {made.at}' if made.at else ''} by {made.provider or 'an unknown provider'}{seed}{cost}"
    )
    if made.task_id:
        lines.append(f"  task {made.task_id}")
    if made.label and made.label != story.step.action.shot:
        lines.append(f"  the shot had the id {clean(made.label)}")
    if made.note:
        lines.append(f"  note: {clean_lines(made.note)}")
    if story.request is not None:
        lines.append("  made from:")
        lines += [f"    {line}" for line in request_lines(story.request)]
    return lines


def request_lines(request: Mapping[str, Any]) -> list[str]:
    """Return each field of a request with its value."""
    lines = []
    for change in changes({}, request):
        [line] = change_lines(Change(change.field, None, change.new))
        lines.append(line.replace("(not set) -> ", ""))
    return lines


def why_data(story: Story) -> dict[str, Any]:
    """Return the reason as JSON data; costs in dollars as text."""
    step, made = story.step, story.made
    return {
        "shot": step.action.shot,
        "do": step.do,
        "why": step.reason.why,
        "reason": reason_text(step),
        "cost": money_data(step.cost),
        "key": step.key,
        "changes": [_cause_data(cause) for cause in story.causes],
        "upstream": [
            {"shot": above.action.shot, "do": above.do, "why": above.reason.why, "reason": reason_text(above)}
            for above in story.upstream
        ],
        "follows": {
            "shots": [after.action.shot for after in story.follows],
            "cost": money_data(sum((after.cost for after in story.follows), Decimal(0))),
        },
        "take": step.result.digest if isinstance(step.result, TakeResult) else None,
        "made": None if made is None else _made_data(made),
        "request": story.request,
        **({} if story.reading is None else {"understood": story.reading}),
        "pieces": [part_data(piece) for piece in story.pieces],
    }


def part_data(part: Part) -> dict[str, Any]:
    """Return the reason of a step of the film as JSON data."""
    step = part.step
    return {
        **decision_data(step),
        "key": step.key,
        "changes": [_cause_data(cause) for cause in part.causes],
        "request": step.request,
    }


def _made_data(made: Provenance) -> dict[str, Any]:
    names = ("at", "provider", "tool", "label", "seed", "task_id", "cost", "note")
    return {name: getattr(made, name) for name in names}


def _cause_data(cause: Cause) -> dict[str, Any]:
    return {
        **change_data(cause.change),
        "place": place_data(cause.place),
        "commit": commit_data(cause.commit) if cause.commit is not None else None,
        "committed": cause.committed,
    }


def commit_data(commit: Commit) -> dict[str, str]:
    """Return a commit as JSON data."""
    return {"id": commit.id, "author": commit.author, "at": commit.at, "subject": commit.subject}
