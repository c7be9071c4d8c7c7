"""State of a project: shots with their takes, the films, and what is out of date in the lockfile."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from storyboard.core.build_events import ClipWarning, clip_warnings, repeated_clips
from storyboard.core.lockfile_plan import OutdatedEntry
from storyboard.core.model import Storyboard
from storyboard.core.plan import LockEntry, Plan, Step, TakeResult, encode_counts, planned_state
from storyboard.core.timebase import in_words
from storyboard.report.build_result import warning_line, warnings_data
from storyboard.report.plan import (
    Paint,
    ShotRows,
    counts_data,
    encode_counts_data,
    encode_counts_text,
    heading,
    in_film_order,
    shot_counts,
    shot_spans,
    span_data,
    summary,
    timeline_data,
)
from storyboard.report.reason import reason_text
from storyboard.report.sound import sound_lines
from storyboard.report.text import clean, listed, paid

_STATES = {
    "reuse": "up to date",
    "copy": "up to date",
    "make": "stale",
    "wait": "stale",
    "held": "held",
    "blocked": "blocked",
}
STATE_COLORS = {"up to date": "green", "stale": "yellow", "missing": "yellow", "new": "yellow", "blocked": "red"}


class DisplayedFilms(Struct, frozen=True):
    """The files of the films as they are displayed: *paths* and *drafts* by the names of their outputs.

    *missing* are the outputs whose film is not there; *drafts* are those that are there; *old* are the paths of films
    that no build makes any more, with what to do.
    """

    paths: Mapping[str, str]
    missing: Collection[str]
    drafts: Mapping[str, str]
    old: Mapping[str, str]


def status_text(
    plan: Plan,
    storyboard: Storyboard,
    locked: Mapping[str, LockEntry | None],
    films: DisplayedFilms,
    paint: Paint,
    width: int | None,
    readings: Mapping[str, Mapping[str, Any]],
    *,
    verbose: bool = False,
) -> str:
    """Return a line for each shot, then the films.

    *width* is that of the terminal in cells, if there is one. *readings* hold what a drawing takes from the prompts
    of shots; with *verbose*, all words that it does not take are listed.
    """
    shown = [step for step in plan.shots() if step.action.seed is None or step.do not in ("reuse", "held")]
    takes = in_film_order(shown, storyboard)
    rows = ShotRows(plan, storyboard, width)
    aligned = rows.aligned(takes, {})
    lines = [heading(storyboard, plan), ""]
    words = {
        state: paint(f"{state:<10}", STATE_COLORS.get(state, "")) for state in dict.fromkeys(map(shot_state, takes))
    }
    for step in takes:
        entry = locked.get(step.action.shot) if step.action.seed is None else None
        text = f"{_take(step, entry)}{reason_text(step)}"
        lines += rows.lines(words[shot_state(step)], step, aligned[step.action.id], text)
        if step.action.seed is None and step.action.shot in readings:
            lines.append(f"{'':13}{reading_text(readings[step.action.shot], verbose=verbose)}")
    lines += [f"  warning: {warning_line(one)}" for one in _warnings(plan, storyboard)]
    lines.append("")
    outputs = {output.name: output for output in storyboard.outputs}
    for cut in plan.of("cut"):
        counted = encode_counts(plan.segments(cut.action.output))
        lines.append(f"film: {clean(films.paths[cut.action.output])} is {_FILM_WORDS[_film(cut, films)]}")
        if counted.frames and cut.do != "wait":
            lines.append(encode_counts_text(counted, outputs[cut.action.output], verbose=verbose))
    lines += [f"draft: {clean(path)}" for path in films.drafts.values()]
    lines += [f"old film: {clean(path)} {what}" for path, what in films.old.items()]
    lines += sound_lines(plan, storyboard)
    lines.append(paint(f"Next build: {summary(plan, storyboard)}", "bold"))
    return "\n".join(lines)


_SHOWN_WORDS = 5


def reading_text(reading: Mapping[str, Any], *, verbose: bool = False) -> str:
    """Return what a drawing takes from a prompt, and some of the words that it does not take; all with *verbose*."""
    camera = [reading[name] for name in ("size", "view") if reading[name]]
    camera += [f"{reading['angle']} angle"] if reading["angle"] else []
    camera += [*(["dutch angle"] if reading["dutch"] else []), *reading["moves"]]
    camera += ["handheld"] if reading["handheld"] else []
    shown = [*map(_subject_text, reading["subjects"]), *(f"{_subject_text(one)} in hand" for one in reading["held"])]
    shown += ["no people"] if reading["empty"] else []
    where = [reading["setting"] or reading["place"], reading["time"], *reading["weather"]]
    parts = [", ".join(dict.fromkeys(filter(None, part))) for part in (camera, shown, where)]
    drawn = "; ".join(filter(None, parts)) or "nothing, a neutral panel"
    unknown = list(dict.fromkeys(reading["unknown"]))
    named = [clean(word) for word in (unknown if verbose else unknown[:_SHOWN_WORDS])]
    more = f" and {len(unknown) - len(named)} more" if len(named) < len(unknown) else ""
    return f"drawn: {drawn}" + (f" | not drawn: {', '.join(named)}{more}" if unknown else "")


def _subject_text(subject: Mapping[str, Any]) -> str:
    age = f"{subject['age']} " if subject["age"] in ("old", "young") else ""
    part = f"'s {subject['part']}" if subject["part"] else ""
    count = {0: " (several)", 1: ""}.get(subject["count"], f" ({subject['count']})")
    return f"{age}{subject['kind']}{part}{count if subject['kind'] != 'crowd' else ''}"


def _warnings(plan: Plan, storyboard: Storyboard) -> list[ClipWarning]:
    """Return the warnings about existing takes."""
    found = [(step, step.result) for step in plan.of("take") if isinstance(step.result, TakeResult)]
    repeated = repeated_clips(storyboard, found)
    return [*clip_warnings(storyboard, [(step.action, take) for step, take in found]), *repeated]


def shot_state(step: Step) -> str:
    """Return the state of a shot by the step of its take or segment: ``up to date``, ``new``, ``stale`` and so on."""
    if step.locked is not None or step.reason.why == "missing":
        return "missing"
    if step.reason.why == "new" or (step.do == "wait" and planned_state(step) == "make"):
        return "new"
    return _STATES.get(step.do, step.do)


def _take(step: Step, entry: LockEntry | None) -> str:
    digest = step.result.digest if isinstance(step.result, TakeResult) else entry.take if entry is not None else None
    if digest is None:
        return ""
    parts = [f"take {digest[:12]}"]
    if isinstance(step.result, TakeResult):
        parts.append(in_words(step.result.info.duration))
    if entry is not None and entry.seed is not None:
        parts.append(f"seed {entry.seed}")
    if entry is not None and entry.cost:
        parts.append(paid(entry.cost))
    return f"{', '.join(parts)}; "


# The states of a film in JSON, which stay as they are, and in text.
_FILM_WORDS = {
    "up to date": "up to date",
    "out of date": "out of date",
    "not there": "missing",
}


def _film(cut: Step, films: DisplayedFilms) -> str:
    if cut.do == "reuse":
        return "up to date"
    return "not there" if cut.action.output in films.missing else "out of date"


def status_data(
    plan: Plan,
    storyboard: Storyboard,
    locked: Mapping[str, LockEntry | None],
    films: DisplayedFilms,
    readings: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the state as JSON data, of the same values as the text; ``film`` is the first one."""
    shots = []
    spans = shot_spans(plan, storyboard)
    first = {span.shot: span for span in spans[storyboard.output.name]}
    in_cut = [step for step in plan.shots() if step.action.seed is None]
    for step in in_film_order(in_cut, storyboard):
        entry = locked.get(step.action.shot)
        shots.append(
            {
                "shot": step.action.shot,
                "state": shot_state(step),
                "reason": reason_text(step),
                "take": step.result.digest if isinstance(step.result, TakeResult) else None,
                "locked": entry.take if entry is not None else None,
                "seed": entry.seed if entry is not None else None,
                "cost": entry.cost if entry is not None else None,
                **span_data(first.get(step.action.shot)),
                **({"understood": readings[step.action.shot]} if step.action.shot in readings else {}),
            }
        )
    film_data = [
        _film_data(plan, cut, films)
        | {"made_of": list(storyboard.made_of), "draft": films.drafts.get(cut.action.output)}
        | {"timeline": timeline_data(spans[cut.action.output])}
        for cut in plan.of("cut")
    ]
    return {"title": storyboard.title, "shots": shots, "film": film_data[0], "films": film_data} | {
        "counts": counts_data(shot_counts(plan, storyboard)),
        "remarks": warnings_data(_warnings(plan, storyboard)),
        **({"old_films": list(films.old)} if films.old else {}),
    }


def _film_data(plan: Plan, cut: Step, films: DisplayedFilms) -> dict[str, Any]:
    name = cut.action.output
    copied = encode_counts_data(encode_counts(plan.segments(name)))
    return {"name": name or None, "path": films.paths[name], "state": _film(cut, films), "copied": copied}


def locked_line(found: OutdatedEntry) -> str:
    """Return a shot and what is out of date in its lockfile entry."""
    shots = listed(found.shots)
    words = {
        "stale": "the locked take is stale: the request changed",
        "redrawn": "the locked take is an animatic that another version of storyboard drew",
        "not-locked": "no locked take",
        "upstream": f"starts from a frame of {shots}, which is stale or not in the lockfile",
        "unknown": "not checked: it depends on a picture by URL or on footage that is not in this cache",
        "extra": "in the lockfile, but not in the storyboard",
    }
    return f"{clean(found.shot)}: {words[found.state]}"
