"""Result of a build as text and data: what was made, reused and failed, where the film is, and warnings about takes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from storyboard.core.build_events import DECISION_CODES, BuildResult, ClipWarning, FilmFile, ReplacedTake
from storyboard.core.graph import take_id
from storyboard.core.model import Output, Storyboard
from storyboard.core.plan import (
    EncodeCounts,
    Plan,
    ShotCounts,
    ShotState,
    Step,
    TakeResult,
    count_shots,
    encode_counts,
)
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import in_words, seconds_of
from storyboard.report.plan import (
    Paint,
    counts_data,
    encode_counts_data,
    encode_counts_text,
    filled_data,
    filled_text,
    plain,
)
from storyboard.report.progress import failure_label
from storyboard.report.reason import change_lines, reason_text
from storyboard.report.sound import loudness_line, sound_data
from storyboard.report.text import clean, clean_lines, listed, several

_MOMENTS = {"first": "the first frame", "last": "the last frame"}


def warning_line(warning: ClipWarning) -> str:
    """Return ``glide is black from 2.0 to 3.5 s``."""
    name = warning.shot if warning.seed is None else f"{warning.shot}#{warning.seed}"
    if warning.kind == "repeated":
        return f"{name} has the clip that was also delivered for {warning.frame}; look at both, and ask the provider"
    if warning.kind == "jump":
        frame = _MOMENTS.get(warning.at, f"the frame at {warning.at} s")
        return f"the first frame of {name} differs from {frame} of {warning.frame} by {warning.difference:.1f} of 255"
    return f"{name} is {warning.kind} from {_seconds_text(warning.start)} to {_seconds_text(warning.end)} s"


def _seconds_text(value: float) -> str:
    short = f"{value:.2f}"
    return short.removesuffix("0")


def warnings_data(remarks: Sequence[ClipWarning]) -> list[dict[str, Any]]:
    """Return warnings as JSON data."""
    return [
        {
            "shot": warning.shot,
            "seed": warning.seed,
            "kind": warning.kind,
            "start": warning.start,
            "end": warning.end,
            "difference": warning.difference,
            "frame": warning.frame or None,
            "at": warning.at or None,
            "text": warning_line(warning),
        }
        for warning in remarks
    ]


Typed = Callable[[str], str]


def outcome_text(
    ended: BuildResult,
    storyboard: Storyboard,
    seconds: float,
    typed: Typed = str,
    paint: Paint = plain,
    *,
    verbose: bool,
    has_progress: bool = False,
    jobs_left: int = 0,
) -> str:
    """Return a few lines for the end of a build, the last one in colour. *typed* returns a path as the user types it.

    With *has_progress* the failures have been shown while it ran. *jobs_left* is the number of paid jobs that go on.
    """
    left_out = [step for step in ended.blocked.values() if is_left_out(step)]
    lines = [] if has_progress else failure_lines(ended)
    lines += _blocked_lines(step for step in left_out if not has_progress or step.action.kind != "take")
    lines += [f"take     {replaced_line(one)}" for one in ended.chosen]
    lines += [f"warning: {warning_line(one)}" for one in ended.remarks]
    if verbose:
        lines += [line for step in ended.made.values() for line in _changed_lines("made", step)]
        lines += [line for step in ended.reused.values() for line in _changed_lines("reused", step)]
    counts, is_whole = build_counts(ended, storyboard), not (ended.failed or left_out or ended.stopped_by)
    if is_whole and not ended.made:
        lines.append(f"nothing to do: {done_text(counts)}")
    else:
        pieces = _count(ended.made, "segment")
        rendered = f", rendered {several(pieces, 'piece')}" if pieces else ""
        lines.append(f"{done_text(counts)}{rendered}")
    outputs = {output.name: output for output in storyboard.outputs}
    missing = [name for name in outputs if name not in {film.name for film in ended.films}]
    films = sorted(ended.films, key=lambda film: film.name == storyboard.output.name)  # the first one comes last
    for film in films:
        lines += [*_film_details(ended, film, outputs[film.name], verbose=verbose), _film_line(film, storyboard, typed)]
    spent = f"{spent_text(ended)}, in {seconds:.1f} s" if ended.made or not is_whole else ""
    if films and is_whole and not missing:
        return "\n".join([*lines[:-1], paint(f"{lines[-1]}{spent}", "bold green")])
    if ended.stopped_by:
        going_on = "continues" if jobs_left == 1 else "continue"
        jobs = f"; {several(jobs_left, 'paid job')} {going_on} at the provider" if jobs_left else ""
        text = f"interrupted{spent}{jobs}; run `storyboard build` to continue"
        return "\n".join([*lines, paint(text, "bold yellow")])
    text = f"{_undone_text(ended, left_out, missing)}; {spent.removeprefix(', ')}"
    return "\n".join([*lines, paint(text, "bold red")])


def _undone_text(ended: BuildResult, left_out: Sequence[Step], missing: Sequence[str]) -> str:
    """Return ``not joined: the film; failed: b, c``, or what else a build has left undone, and why."""
    parts = []
    parts += [f"not joined: {'the film' if list(missing) == [''] else listed(missing)}"] if missing else []
    groups: dict[str, list[str]] = {}
    for name in ended.failed:
        groups.setdefault(_UNDONE[failure_label(ended.codes.get(name, ""))], []).append(_short_name(name))
    for step in left_out:
        groups.setdefault("left out", []).append(_short_name(step.action.id))
    for word, names in groups.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{word}: {', '.join(names[:_NAMED])}{more}")
    return "; ".join(parts)


_UNDONE = {"failed": "failed", "decide": "waits for a decision"}
# Shots named in the last line; the others are counted.
_NAMED = 4


def _short_name(action: str) -> str:
    return clean(action.removeprefix("take:").removeprefix("segment:"))


class BuildCounts(Struct, frozen=True):
    """Numbers of shots by what a build did with them: *shots* as in a plan, and those without a result."""

    shots: ShotCounts
    failed: int = 0
    undecided: int = 0
    not_reached: int = 0


def build_counts(ended: BuildResult, storyboard: Storyboard) -> BuildCounts:
    """Return how many shots of the film were made, changed, unchanged and so on."""
    left_out = {shot for film in ended.films if film.fill is not None for shot in film.fill.shots("none")}
    shown = {shot.id for shot in storyboard.shots() if not shot.skip} - left_out
    plan = Plan((*ended.reused.values(), *ended.made.values(), *ended.blocked.values()))
    made = {step.key for step in ended.made.values() if step.action.kind == "take"}
    failed = {name.partition(":")[2] for name in ended.failed if name.startswith(("take:", "segment:"))}
    steps = {step.action.shot: step for step in plan.shots() if step.action.seed is None}
    steps = {name: step for name, step in steps.items() if name not in failed}
    shared = {name for name, step in steps.items() if step.action.id in ended.reused and step.key in made}
    counts = count_shots([step for name, step in steps.items() if name not in shared], shown)
    by_state = {**counts.by_state, "make": counts["make"] + len(shared & shown)}
    takes = [step.action for step in ended.made.values() if step.action.kind == "take"]
    more = sum(action.seed is not None or action.shot not in shown for action in takes)
    left = shown - steps.keys()
    undecided = {name for name in failed if ended.codes.get(take_id(name)) in DECISION_CODES}
    return BuildCounts(
        ShotCounts(by_state, more),
        failed=len(left & failed - undecided),
        undecided=len(left & undecided),
        not_reached=len(left - failed),
    )


def done_text(counts: BuildCounts) -> str:
    """Return ``5 made, 2 changed, 14 unchanged``, the words of a plan with what became of them."""
    parts = [f"{counts.shots[state]} {word}" for state, word in _DONE.items() if counts.shots[state]]
    more = counts.shots.more
    parts += [f"{more} more {'take' if more == 1 else 'takes'} made"] if more else []
    parts += [f"{counts.failed} failed"] if counts.failed else []
    parts += [f"{counts.undecided} waiting for a decision"] if counts.undecided else []
    parts += [f"{counts.not_reached} not reached"] if counts.not_reached else []
    return ", ".join(parts) or "no shots"


_DONE: Mapping[ShotState, str] = {
    "make": "made",
    "change": "changed",
    "resume": "resumed",
    "unchanged": "unchanged",
    "held": "held",
    "blocked": "blocked",
    "left_out": "not selected",
}


def _changed_lines(word: str, step: Step) -> list[str]:
    """Return a step with its reason, and each changed field."""
    fields = [f"           {line}" for change in step.reason.changes for line in change_lines(change)]
    return [f"{word:<8} {step.action.id}: {reason_text(step)}", *fields]


def spent_text(ended: BuildResult) -> str:
    """Return ``, spent $0.24 ($0.12 of it on failed attempts, possibly not charged)``."""
    lost = (
        f" ({dollars(ended.failed_cost)} of it on failed attempts, possibly not charged)" if ended.failed_cost else ""
    )
    return f", spent {dollars(ended.cost)}{lost}"


def failure_lines(ended: BuildResult) -> list[str]:
    """Return one line for each step that was not made, with its reason."""
    return [
        f"{failure_label(ended.codes.get(name, '')):<8} {_short_name(name)}: {clean_lines(why)}"
        for name, why in ended.failed.items()
    ]


def _blocked_lines(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the blocked actions, each reason once: one shot may block many segments of several films."""
    because: dict[str, list[str]] = {}
    for step in steps:
        because.setdefault(reason_text(step), []).append(step.action.id)
    for why, names in because.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"blocked  {names[0]}{more}: {why}"


def _film_line(film: FilmFile, storyboard: Storyboard, typed: Typed) -> str:
    """Return ``out/river.mp4: 40 s, 960 frames``."""
    length = in_words(seconds_of(film.frames, film.rate))
    how = f", {filled_text(film.fill, storyboard)}" if film.fill is not None else "" if film.joined else ", unchanged"
    return f"{clean(typed(film.path))}: {length}, {several(film.frames, 'frame')}{how}"


def _film_details(ended: BuildResult, film: FilmFile, output: Output, *, verbose: bool) -> list[str]:
    counted = _encode_counts(ended, film.name)
    details = [encode_counts_text(counted, output, verbose=verbose)] if counted.frames == film.frames else []
    heard = loudness_line(film.sound, output.loudness)
    return [*details, *([heard] if heard else [])]


def replaced_line(one: ReplacedTake) -> str:
    """Return ``a: 3f2a91bc0d4e (seed 3) replaces 9c1d20aa77b1: it is in the lockfile``."""
    seed = (one.step.request or {}).get("seed")
    named = f"{_take_digest(one.step)[:12]}{f' (seed {seed})' if seed is not None else ''}"
    return f"{one.step.action.shot}: {named} replaces {one.instead[:12]}: {replaced_why(one)}"


def replaced_why(one: ReplacedTake) -> str:
    """Return why a take replaced the one in the cut."""
    why = one.step.reason
    fields = listed(dict.fromkeys(change.field for change in why.changes))
    if why.why == "cached" and fields:
        return f"it matches the current request; the locked take is stale: {fields} changed"
    if why.why == "unchanged":
        return "it is in the lockfile and matches the current request"
    return reason_text(one.step)


def _take_digest(step: Step) -> str:
    return step.result.digest if isinstance(step.result, TakeResult) else ""


def outcome_data(ended: BuildResult, storyboard: Storyboard, seconds: float, typed: Typed = str) -> dict[str, Any]:
    """Return the end of a build as JSON data; ``film``, ``frames`` and ``copied`` are those of the first film."""
    main = storyboard.output.name
    films = {film.name: _film_data(ended, film, storyboard, typed) for film in ended.films}
    first = films.get(main, {"film": None, "frames": 0})
    return {
        "made": list(ended.made),
        "fetched": [name for name, step in ended.made.items() if step.locked is not None],
        "reused": list(ended.reused),
        "failed": dict(ended.failed),
        "blocked": {name: reason_text(step) for name, step in ended.blocked.items()},
        "film": first["film"],
        "frames": first["frames"],
        "copied": encode_counts_data(_encode_counts(ended, main)),
        "films": list(films.values()),
        "counts": _counts_data(build_counts(ended, storyboard)),
        "cost": money_data(ended.cost),
        "failed_cost": money_data(ended.failed_cost),
        "chosen": [
            {
                "shot": one.step.action.shot,
                "take": _take_digest(one.step),
                "instead": one.instead,
                "why": replaced_why(one),
            }
            for one in ended.chosen
        ],
        "remarks": warnings_data(ended.remarks),
        "seconds": round(seconds, 3),
    }


def _counts_data(counts: BuildCounts) -> dict[str, int]:
    others = {"failed": counts.failed, "undecided": counts.undecided, "not_reached": counts.not_reached}
    return {**counts_data(counts.shots), **others, "total": counts.shots.total + sum(others.values())}


# Reasons of takes that were paid for and that neither this cache nor a provider has.
_GONE = ("held-missing", "locked-missing")


def decision_code(step: Step) -> str | None:
    """Return the code of the error about a take that waits for a decision; ``None`` for one that its inputs block."""
    if step.reason.why == "refused":
        return "moderated"
    return "gone" if step.reason.why in _GONE else None


def is_left_out(step: Step) -> bool:
    """Return whether a shot is missing because of *step*: its take cannot be made, or the shot is too short."""
    return step.do == "blocked" and (step.action.kind == "take" or step.reason.why == "too-short")


def _film_data(ended: BuildResult, film: FilmFile, storyboard: Storyboard, typed: Typed) -> dict[str, Any]:
    return {
        "name": film.name or None,
        "film": typed(film.path),
        "frames": film.frames,
        "seconds": round(float(seconds_of(film.frames, film.rate)), 3),
        "joined": film.joined,
        "made_of": list(film.made_of),
        **filled_data(film.fill, storyboard),
        "copied": encode_counts_data(_encode_counts(ended, film.name)),
        "sound": sound_data(film.sound),
    }


def _encode_counts(ended: BuildResult, output: str) -> EncodeCounts:
    steps = [*ended.reused.values(), *ended.made.values()]
    return encode_counts(step for step in steps if step.action.output == output)


def _count(steps: Mapping[str, Step], kind: str) -> int:
    """Return the number of actions of that kind, without alternate takes."""
    return sum(1 for step in steps.values() if step.action.kind == kind and step.action.seed is None)
