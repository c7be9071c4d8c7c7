"""History of a shot in git: each version of its request, with the take made for it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from storyboard.core.results import Commit
from storyboard.core.shot_history import ShotVersion
from storyboard.report.reason import change_lines
from storyboard.report.text import clean, paid
from storyboard.report.why import commit_data


class Answer(Struct, frozen=True):
    """The take made for a request. *state*: ``locked`` in the lockfile of some version, ``cached`` here, or ``none``;
    ``drawn`` is a shot without a take, which is drawn into the film.

    *here* says whether its bytes are in this cache; *footage* that it is own footage.
    """

    state: str
    take: str | None = None
    seed: int | None = None
    cost: str | None = None
    here: bool = False
    footage: bool = False


class LogEntry(Struct, frozen=True):
    """One version of the request of a shot; *commit* is ``None`` for uncommitted files."""

    moment: ShotVersion
    commit: Commit | None
    answer: Answer


def log_text(shot: str, entries: Sequence[LogEntry]) -> str:
    """Return the versions, the newest first, each with its commit, its changes and its take."""
    return "\n\n".join("\n".join(_entry_lines(shot, entry)) for entry in entries)


def _entry_lines(shot: str, entry: LogEntry) -> list[str]:
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
        lines.append(f"  named {clean(moment.shot)}")
    for change in moment.changes:
        changed = change_lines(change)
        lines += [f"  {line}" if moment.was else f"  {_new_value(line)}" for line in changed]
    return [*lines, f"  {_answer_text(entry.answer)}"]


def _new_value(line: str) -> str:
    """Return a line of the first version, which has no values before it."""
    return line.replace("(not set) -> ", "", 1)


def _answer_text(answer: Answer) -> str:
    if answer.state == "drawn":
        return "rendered into the film, without a take"
    if answer.footage:
        return f"own footage, imported as {answer.take[:12]}" if answer.take else "own footage, not in this cache"
    if answer.take is None:
        return "no known take"
    seed = f", seed {answer.seed}" if answer.seed is not None else ""
    cost = f", {paid(answer.cost)}" if answer.cost else ""
    return f"take {answer.take[:12]}{seed}{cost}{'' if answer.here else ', not in this cache'}"


def log_data(shot: str, entries: Sequence[LogEntry]) -> dict[str, Any]:
    """Return the history as JSON data."""
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
