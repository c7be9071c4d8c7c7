"""A shot through git: each version of what it asks for, with the take that answered it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from storyboard.core.results import Commit
from storyboard.core.shot_history import ShotVersion
from storyboard.report.reason import change_lines
from storyboard.report.text import clean, paid
from storyboard.report.why import commit_data


class Answer(Struct, frozen=True):
    """The take that answered a request. *state*: ``locked`` in some version's lockfile, ``cached`` here, or ``none``;
    ``drawn`` is a shot that has no take, because its picture goes right into the film.

    *here* says whether its bytes are in this cache; *footage* that it is the author's own.
    """

    state: str
    take: str | None = None
    seed: int | None = None
    cost: str | None = None
    here: bool = False
    footage: bool = False


class LogEntry(Struct, frozen=True):
    """One version of a shot's request; *commit* is ``None`` for the files as they are, in no commit yet."""

    moment: ShotVersion
    commit: Commit | None
    answer: Answer


def log_text(shot: str, entries: Sequence[LogEntry]) -> str:
    """The newest version first; for each the commit, what changed, and the take."""
    return "\n\n".join("\n".join(_block(shot, entry)) for entry in entries)


def _block(shot: str, entry: LogEntry) -> list[str]:
    commit, moment = entry.commit, entry.moment
    head = (
        f"{commit.id[:10]}  {commit.at[:10]}  {clean(commit.author)}: {clean(commit.subject)}"
        if commit is not None
        else "not committed yet"
    )
    lines = [head]
    if moment.was and moment.was != moment.shot:
        lines.append(f"  renamed: {clean(moment.was)} -> {clean(moment.shot)}")
    elif moment.shot != shot:
        lines.append(f"  called {clean(moment.shot)}")
    for change in moment.changes:
        told = change_lines(change)
        lines += [f"  {line}" if moment.was else f"  {_first(line)}" for line in told]
    return [*lines, f"  {_answered(entry.answer)}"]


def _first(line: str) -> str:
    """A field of the first version: there is nothing before it."""
    return line.replace("(not set) -> ", "", 1)


def _answered(answer: Answer) -> str:
    if answer.state == "drawn":
        return "drawn into the film, so it has no take"
    if answer.footage:
        return f"own footage, taken in as {answer.take[:12]}" if answer.take else "own footage, not in this cache"
    if answer.take is None:
        return "no take is known for it"
    seed = f", seed {answer.seed}" if answer.seed is not None else ""
    cost = f", {paid(answer.cost)}" if answer.cost else ""
    return f"take {answer.take[:12]}{seed}{cost}{'' if answer.here else ', not in this cache'}"


def log_data(shot: str, entries: Sequence[LogEntry]) -> dict[str, Any]:
    """The same as data."""
    return {"shot": shot, "versions": [_entry_data(entry) for entry in entries]}


def _entry_data(entry: LogEntry) -> dict[str, Any]:
    moment, answer = entry.moment, entry.answer
    return {
        "commit": commit_data(entry.commit) if entry.commit is not None else None,
        "shot": moment.shot,
        "was": moment.was or None,
        "changes": [{"field": one.field, "old": one.old, "new": one.new} for one in moment.changes],
        "take": answer.take,
        "answered": answer.state,
        "seed": answer.seed,
        "cost": answer.cost,
        "in_this_cache": answer.here,
    }
