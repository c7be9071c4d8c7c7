"""Rows as a table for people and as JSON for programs."""

import platform
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.measure import Row, Sample

_WIDTHS = (9, 46, 10, 6, 34, 10, 7, 7, 4)
_LEFT = {0, 1, 4, 8}
HEADINGS = ("group", "name", "ours", "±", "reference", "theirs", "ratio", "target", "met")


def heading() -> str:
    """The first two lines of the table."""
    return f"{_line(HEADINGS)}\n{_line(['-' * width for width in _WIDTHS])}"


def line(row: Row) -> str:
    """One row; what is too long for its column goes on below."""
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    target = "" if row.target is None else f"{row.target:g}"
    met = {None: "", True: "yes", False: "NO"}[row.met]
    theirs = "" if row.theirs is None else amount(row.theirs)
    spread = f"{row.ours.spread:.0%}" if len(row.ours.values) > 1 else ""
    name = f"{row.name} ({row.note})" if row.note else row.name
    names = textwrap.wrap(name, _WIDTHS[1]) or [""]
    references = textwrap.wrap(row.reference, _WIDTHS[4]) or [""]
    first = _line((row.group, names[0], amount(row.ours), spread, references[0], theirs, ratio, target, met))
    more = max(len(names), len(references))
    names += [""] * (more - len(names))
    references += [""] * (more - len(references))
    rest = [_line(("", n, "", "", r, "", "", "", "")) for n, r in zip(names[1:], references[1:], strict=True)]
    return "\n".join([first, *rest])


def amount(sample: Sample) -> str:
    """A median with its unit, in three digits."""
    value, unit = sample.median, sample.unit
    if unit == "s" and value < 1:
        value, unit = value * 1000, "ms"
    text = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def as_data(rows: Iterable[Row], failures: Sequence[str]) -> dict[str, Any]:
    """The whole run, for ``--json``: every sample, and the machine."""
    machine = {"system": platform.platform(), "python": platform.python_version(), "processor": platform.machine()}
    return {"machine": machine, "failed": list(failures), "rows": [_row_data(row) for row in rows]}


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "group": row.group,
        "name": row.name,
        "note": row.note,
        "unit": row.ours.unit,
        "ours": list(row.ours.values),
        "median": row.ours.median,
        "spread": row.ours.spread,
        "reference": row.reference,
        "theirs": None if row.theirs is None else list(row.theirs.values),
        "ratio": row.ratio,
        "target": row.target,
        "met": row.met,
    }


def _line(cells: Sequence[str]) -> str:
    parts = []
    for number, (cell, width) in enumerate(zip(cells, _WIDTHS, strict=True)):
        parts.append(cell.ljust(width) if number in _LEFT else cell.rjust(width))
    return "  ".join(parts).rstrip()
