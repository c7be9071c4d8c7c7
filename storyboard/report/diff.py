"""Differences of two versions of a film: a table, JSON data, and markdown for a pull request."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from storyboard.core.compare import Comparison
from storyboard.core.plan import Plan, Step, TakeResult
from storyboard.core.reason import Change
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import in_words, plain_number
from storyboard.report.plan import Paint, plain, price
from storyboard.report.reason import change_data, change_lines, reason_text
from storyboard.report.text import clean, listed

_COLORS = {"added": "green", "removed": "red", "changed": "yellow", "follows": "yellow"}


class Between(Struct, frozen=True):
    """The differences of two versions.

    *plan* is that of the newer one, whose shots are in *order*; *counts* are the shots of both; *elsewhere* are shots
    whose take a lockfile names and this cache lacks.
    """

    names: tuple[str, str]
    comparison: Comparison
    plan: Plan
    counts: tuple[int, int]
    order: tuple[str, ...]
    elsewhere: tuple[str, ...]


class _Row(Struct):
    kind: str
    shot: str
    about: list[str]
    lines: list[str]
    step: Step | None = None

    @property
    def price(self) -> str:
        return dollars(self.step.cost) if self.step is not None and self.step.cost else ""


def _rows(between: Between) -> list[_Row]:
    """Return a row for every shot with a difference; a shot with several has the kind of the most important one."""
    comparison = between.comparison
    steps = {step.action.shot: step for step in between.plan.takes()}
    rows: dict[str, _Row] = {}

    def row(shot: str, kind: str, about: str = "", lines: Sequence[str] = ()) -> None:
        found = rows.setdefault(shot, _Row(kind, shot, [], [], steps.get(shot)))
        found.about += [about] if about else []
        found.lines += lines

    for shot in comparison.added:
        row(shot, "added")
    for old, new in comparison.renamed:
        row(new, "renamed", f"from {clean(old)}")
    for change in comparison.changed:
        row(change.shot, "changed", _fields(change.changes), _lines(change.changes))
    for timed in comparison.retimed:
        row(timed.shot, "re-timed", f"{in_words(timed.old)} -> {in_words(timed.new)}")
    for shot in comparison.moved:
        row(shot, "moved", "moved" if shot in rows else "")
    for shot, step in steps.items():
        if _is_made(step) and shot not in rows and step.reason.why in ("upstream-changes", "input-changed"):
            row(shot, "follows", reason_text(step))
    for found in rows.values():
        found.about += _work(found)
    place = {shot: position for position, shot in enumerate(between.order)}
    ordered = sorted(rows.values(), key=lambda row: place[row.shot])
    return [*ordered, *(_Row("removed", shot, [], []) for shot in comparison.removed)]


def _work(row: _Row) -> list[str]:
    step = row.step
    if step is None or row.kind == "follows":
        return []
    if _is_made(step):
        return ["to make"]
    return ["take exists"] if row.kind in ("added", "changed") and step.do == "reuse" else []


def _is_made(step: Step) -> bool:
    return step.do in ("make", "wait", "resume")


def _fields(changes: Sequence[Change]) -> str:
    return ", ".join(dict.fromkeys(change.field for change in changes))


def _lines(changes: Sequence[Change]) -> list[str]:
    return [line for change in changes for line in change_lines(change)]


def diff_text(between: Between, paint: Paint = plain) -> str:
    """Return the differences of the shots, then of the film, then the cost of making the newer version."""
    rows = _rows(between)
    width = max((len(row.shot) for row in rows), default=0)
    lines = [_heading(between), ""]
    for row in rows:
        price = f"  {row.price}" if row.price else ""
        word = paint(f"{row.kind:<8}", _COLORS.get(row.kind, ""))
        lines.append(f"  {word} {clean(row.shot):<{width}}  {'; '.join(row.about)}{price}".rstrip())
        lines += [f"           {'':<{width}}  {line}" for line in row.lines]
    lines += [f"  film     {line}" for line in _lines(between.comparison.film)]
    if between.comparison.same():
        lines.append("  no differences")
    return "\n".join([*lines, "", *_bill(between)])


def _heading(between: Between) -> str:
    old, new = between.comparison.seconds
    shots, time = between.counts, "" if old == new else f"{in_words(old)} -> "
    count = f"{shots[0]} -> {shots[1]}" if shots[0] != shots[1] else str(shots[1])
    return f"{clean(between.names[0])} -> {clean(between.names[1])}: {count} shots, {time}{in_words(new)}"


def _bill(between: Between) -> list[str]:
    takes = between.plan.takes()
    made = sum(1 for step in takes if _is_made(step))
    there = sum(1 for step in takes if isinstance(step.result, TakeResult))
    lines = [f"newer version: {made} to make, {there} to reuse; {price(between.plan)}"]
    if between.elsewhere:
        lines.append(
            f"note: takes that a lockfile names and this cache lacks: {len(between.elsewhere)} ("
            f"{listed(between.elsewhere)})"
        )
    return lines


def diff_data(between: Between) -> dict[str, Any]:
    """Return the differences as JSON data; running times in seconds, costs in dollars as text."""
    comparison = between.comparison
    steps = {step.action.shot: step for step in between.plan.takes()}
    return {
        "from": between.names[0],
        "to": between.names[1],
        "shots": {"old": between.counts[0], "new": between.counts[1]},
        "seconds": {"old": plain_number(comparison.seconds[0]), "new": plain_number(comparison.seconds[1])},
        "added": list(comparison.added),
        "removed": list(comparison.removed),
        "renamed": [{"old": old, "new": new} for old, new in comparison.renamed],
        "moved": list(comparison.moved),
        "changed": [{"shot": one.shot, "changes": _changes_data(one.changes)} for one in comparison.changed],
        "retimed": [
            {"shot": one.shot, "old": plain_number(one.old), "new": plain_number(one.new)} for one in comparison.retimed
        ],
        "film": _changes_data(comparison.film),
        "make": [
            {"shot": shot, "why": step.reason.why, "cost": money_data(step.cost)}
            for shot, step in steps.items()
            if _is_made(step)
        ],
        "cost": money_data(between.plan.cost()),
        "not_in_this_cache": list(between.elsewhere),
    }


def _changes_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [change_data(change) for change in changes]


def diff_markdown(between: Between) -> str:
    """Return the differences for a pull request; text of authors stands in fences, where no markup works."""
    comparison, rows = between.comparison, _rows(between)
    old, new = comparison.seconds
    lines = [
        f"### Storyboard: {_cell(between.names[0])} → {_cell(between.names[1])}",
        "",
        "| | before | after |",
        "|---|---|---|",
        f"| shots | {between.counts[0]} | {between.counts[1]} |",
        f"| running time | {in_words(old)} | {in_words(new)} |",
        f"| estimated cost | | {dollars(between.plan.cost())} |",
        "",
    ]
    if comparison.same():
        return "\n".join([*lines, "No differences."])
    if rows:
        lines += ["| | shot | | cost |", "|---|---|---|---|"]
        lines += [f"| {row.kind} | {_cell(row.shot)} | {_cell('; '.join(row.about))} | {row.price} |" for row in rows]
    words = [f"{row.shot}: {line}" for row in rows for line in row.lines]
    words += [f"film: {line}" for line in _lines(comparison.film)]
    if words:
        lines += ["", "<details><summary>Changed fields</summary>", "", *_fenced(words), "", "</details>"]
    return "\n".join([*lines, "", *(_bill(between)[1:])]).rstrip()


def _cell(text: str) -> str:
    """Return foreign text for a table cell: markup escaped, and no mention of a user by ``@``."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", clean(text).replace("&", "&amp;").replace("<", "&lt;"))
    return escaped.replace("@", "@\N{WORD JOINER}").replace("->", "→")


def _fenced(lines: Sequence[str]) -> list[str]:
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]
