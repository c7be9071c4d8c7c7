"""The shots of a film as rows: a table for the terminal, CSV for spreadsheets, Markdown for pages, and JSON data."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct

from storyboard.core.model import Clip, Generated, Shot, Still, Storyboard, TitleCard
from storyboard.core.plan import LockEntry, Plan, Step
from storyboard.core.ranges import FilmSpan
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import in_words, plain_number, seconds_of
from storyboard.report.plan import Paint, shot_spans
from storyboard.report.status import STATE_COLORS, shot_state
from storyboard.report.text import cells, clean, clean_lines, several, width_of

_GAP = 2
_LEAST_PROMPT = 20
# Columns of the table that are left out where it is too narrow, the first of them first.
_DISPENSABLE = ("out", "cost", "in", "length")
# A spreadsheet takes a cell that begins so for a formula; the last four are the wide forms that it reads alike.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_TO_RENDER = "to render"
_COLORS = STATE_COLORS | {_TO_RENDER: "yellow"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")


class ShotRow(Struct, frozen=True):
    """One shot of the film.

    *number* counts the shots of the film from 1; a skipped shot has none, and no *span*. *text* is its prompt, the text
    of its card, or the path of its file. *paid* is what its take has cost and *estimate* what a build is expected to
    pay for it, in US dollars.
    """

    number: int | None
    shot: Shot
    text: str
    span: FilmSpan | None
    state: str
    paid: Decimal | None
    estimate: Decimal | None


def shot_rows(
    plan: Plan, storyboard: Storyboard, locked: Mapping[str, LockEntry | None], chosen: Collection[str] | None = None
) -> list[ShotRow]:
    """Return the shots in the order of the film, skipped ones included; with *chosen* only those."""
    steps = {step.action.shot: step for step in plan.shots() if step.action.seed is None}
    spans = {span.shot: span for span in next(iter(shot_spans(plan, storyboard).values()))}
    rows, number = [], 0
    for shot in storyboard.shots():
        number += not shot.skip
        if chosen is not None and shot.id not in chosen:
            continue
        step, entry = steps.get(shot.id), locked.get(shot.id)
        rows.append(
            ShotRow(
                number=None if shot.skip else number,
                shot=shot,
                text=_text(shot),
                span=None if shot.skip else spans.get(shot.id),
                state="skipped" if shot.skip or step is None else _state(step),
                paid=Decimal(entry.cost) if entry is not None and entry.cost and not shot.skip else None,
                estimate=_estimate(step),
            )
        )
    return rows


def _state(step: Step) -> str:
    """Return the state of a shot; a card or still, which has no take, is either rendered or to render."""
    return _TO_RENDER if step.action.kind == "segment" and step.do in ("make", "wait") else shot_state(step)


def _text(shot: Shot) -> str:
    match shot.source:
        case Generated(prompt=prompt):
            return prompt
        case TitleCard(text=text):
            return text
        case Clip(file=file) | Still(file=file):
            return file.path


def _estimate(step: Step | None) -> Decimal | None:
    return step.cost if step is not None and step.do in ("make", "wait", "resume") and step.cost else None


def _source(shot: Shot) -> str:
    return {Generated: "prompt", Clip: "clip", Still: "image", TitleCard: "card"}[type(shot.source)]


def _length(row: ShotRow) -> Fraction | None:
    return row.span.seconds if row.span is not None else None


def ls_data(rows: Sequence[ShotRow], readings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the shots as JSON data; *readings* hold what a drawing takes from the prompts of shots."""
    taken = {shot: {"understood": reading} for shot, reading in readings.items()}
    return {"shots": [_row_data(row) | taken.get(row.shot.id, {}) for row in rows]}


def _row_data(row: ShotRow) -> dict[str, Any]:
    span, seconds = row.span, _length(row)
    return {
        "number": row.number,
        "shot": row.shot.id,
        "scene": row.shot.scene,
        "title": row.shot.title,
        "tags": list(row.shot.tags),
        "timecode_in": span.timecode_in if span is not None else None,
        "timecode_out": span.timecode_out if span is not None else None,
        "seconds": None if seconds is None else plain_number(seconds),
        "source": _source(row.shot),
        "text": row.text,
        "state": row.state,
        "paid": money_data(row.paid) if row.paid is not None else None,
        "estimate": money_data(row.estimate) if row.estimate is not None else None,
    }


def ls_csv(rows: Sequence[ShotRow]) -> str:
    """Return the shots as CSV (RFC 4180), with a head line and line ends of CR LF.

    A text that a spreadsheet would take for a formula has an apostrophe in front. With letters outside of ASCII the
    file begins with a byte order mark, by which Excel recognises UTF-8.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    heads = list(_row_data(rows[0])) if rows else ["number", "shot"]
    writer.writerow(heads)
    for row in rows:
        data = _row_data(row)
        data["tags"] = " ".join(row.shot.tags)
        writer.writerow([_csv_cell(data[name]) for name in heads])
    content = text.getvalue()
    return content if content.isascii() else f"\N{ZERO WIDTH NO-BREAK SPACE}{content}"


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = clean_lines(value)
    return f"'{text}" if value.startswith(_FORMULA) else text


def ls_markdown(rows: Sequence[ShotRow]) -> str:
    """Return the shots as a table of GitHub's Markdown."""
    heads = ("#", "shot", "in", "out", "length", "prompt", "state", "cost")
    lines = [f"| {' | '.join(heads)} |", f"| --: |{' --- |' * (len(heads) - 1)}"]
    for row in rows:
        found = {**_table_cells(row), "prompt": clean_lines(row.text)}
        escaped = [_MARKDOWN.sub(r"\\\1", found[name]) for name in heads]
        lines.append(f"| {' | '.join(escaped)} |")
    return "\n".join(lines)


def ls_text(rows: Sequence[ShotRow], paint: Paint, width: int | None) -> str:
    """Return the shots as a table that is at most *width* cells wide, and their number, length and cost in a line.

    Prompts are cut to what is left, and columns are left out where less than twenty cells would be.
    """
    table = [_table_cells(row) for row in rows]
    heads = [name for name in ("#", "shot", "in", "out", "length", "state", "cost") if _is_used(name, table)]
    widths = {name: max([len(name), *(width_of(cell[name]) for cell in table)]) for name in heads}
    for name in _DISPENSABLE:
        if width is not None and name in heads and _room(heads, widths, width) < _LEAST_PROMPT:
            heads.remove(name)
    room = None if width is None else max(_room(heads, widths, width), 1)
    lines = ["".join(_padded(name, name, widths) for name in heads) + "prompt"] if rows else []
    for row, cell in zip(rows, table, strict=True):
        parts = [_padded(name, cell[name], widths) for name in heads]
        if "state" in heads:
            at = heads.index("state")
            parts[at] = paint(parts[at], _COLORS.get(row.state, ""))
        lines.append(f"{''.join(parts)}{_cut(clean_lines(row.text), room)}".rstrip())
    return "\n".join([*lines, *([""] if rows else []), _sum_text(rows)])


def _table_cells(row: ShotRow) -> dict[str, str]:
    span, seconds = row.span, _length(row)
    costs = [dollars(row.paid)] if row.paid is not None else []
    costs += [f"about {dollars(row.estimate)}"] if row.estimate is not None else []
    return {
        "#": "" if row.number is None else str(row.number),
        "shot": clean(row.shot.id),
        "in": (span.timecode_in if span is not None else None) or "",
        "out": (span.timecode_out if span is not None else None) or "",
        "length": "" if seconds is None else in_words(seconds),
        "state": row.state,
        "cost": ", ".join(costs),
    }


def _is_used(name: str, table: Iterable[Mapping[str, str]]) -> bool:
    return any(cell[name] for cell in table)


def _room(heads: Sequence[str], widths: Mapping[str, int], width: int) -> int:
    return width - sum(widths[name] + _GAP for name in heads)


def _padded(name: str, text: str, widths: Mapping[str, int]) -> str:
    space = " " * (widths[name] - width_of(text))
    return f"{space}{text}{' ' * _GAP}" if name in ("#", "length") else f"{text}{space}{' ' * _GAP}"


def _cut(text: str, room: int | None) -> str:
    """Return *text* in at most *room* cells of a terminal, with an ellipsis where it is cut."""
    if room is None or width_of(text) <= room:
        return text
    kept, used = [], 1
    for character in text:
        used += cells(character)
        if used > room:
            break
        kept.append(character)
    head, space, _ = "".join(kept).rpartition(" ")
    # at the end of a word, unless that would leave much of the room empty
    return f"{head if space and width_of(head) > room // 2 else ''.join(kept)}".rstrip() + "…"


def _sum_text(rows: Sequence[ShotRow]) -> str:
    shown = [row for row in rows if row.number is not None]
    parts = [several(len(shown), "shot")]
    parts += [text] if (text := _length_text(row.span for row in shown if row.span is not None)) else []
    skipped = len(rows) - len(shown)
    parts += [f"{skipped} skipped"] if skipped else []
    paid = sum((row.paid for row in rows if row.paid is not None), Decimal(0))
    to_pay = sum((row.estimate for row in rows if row.estimate is not None), Decimal(0))
    parts += [f"{dollars(paid)} paid"] if paid else []
    parts += [f"about {dollars(to_pay)} to pay"] if to_pay else []
    return ", ".join(parts)


def _length_text(spans: Iterable[FilmSpan]) -> str:
    """Return the length of the film in which at least one of the shots is seen; empty if none is known."""
    rate, frames, end, is_open = Fraction(1), 0, 0, False
    for span in spans:
        rate = span.rate
        is_open = is_open or span.frames is None
        first = end if span.first is None else max(span.first, end)
        last = first if span.frames is None else (first if span.first is None else span.first) + span.frames
        frames += max(last - first, 0)
        end = max(end, last)
    return f"{'at least ' if is_open else ''}{in_words(seconds_of(frames, rate))}" if frames else ""
