"""Result of a build as text and data: what was made, reused and failed, where the film is, and warnings about takes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from storyboard.core.build_events import BuildResult, ClipWarning, FilmFile, ReplacedTake
from storyboard.core.model import Output, Storyboard
from storyboard.core.plan import EncodeCounts, Step, TakeResult, encode_counts
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import in_words, seconds_of
from storyboard.report.plan import encode_counts_data, encode_counts_text
from storyboard.report.progress import failure_label
from storyboard.report.reason import reason_text
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
    ended: BuildResult, storyboard: Storyboard, seconds: float, typed: Typed = str, *, verbose: bool
) -> str:
    """Return a few lines for the end of a build. *typed* returns a path as the user types it."""
    made = {name: step for name, step in ended.made.items() if step.locked is None}
    fetched = {name: step for name, step in ended.made.items() if step.locked is not None}
    takes = _count(made, "take"), _count(ended.reused, "take"), _count(fetched, "take")
    alternates = sum(1 for step in ended.made.values() if step.action.seed is not None)
    segments = _count(ended.made, "segment")
    lines = failure_lines(ended)
    left_out = [step for step in ended.blocked.values() if is_left_out(step)]
    lines += _blocked_lines(left_out)
    lines += [f"take     {replaced_line(one)}" for one in ended.chosen]
    lines += [f"warning: {warning_line(one)}" for one in ended.remarks]
    if verbose:
        lines += [f"reused   {step.action.id}: {reason_text(step)}" for step in ended.reused.values()]
    if not (ended.made or ended.failed or left_out or ended.stopped_by):
        lines.append(f"nothing to do: {several(takes[1], 'shot')} reused")
    else:
        more = f" and {several(alternates, 'alternate take')}" if alternates else ""
        got = f", downloaded {several(takes[2], 'take')}" if takes[2] else ""
        rendered = f", rendered {several(segments, 'segment')}" if segments else ""
        cost = spent_text(ended)
        done = f"made {several(takes[0], 'shot')}{more}{got}, reused {takes[1]}"
        lines.append(f"{done}{rendered}{cost}, in {seconds:.1f} s")
    outputs = {output.name: output for output in storyboard.outputs}
    for film in ended.films:
        lines += _film_lines(ended, film, outputs[film.name], typed)
    missing = [name for name in outputs if name not in {film.name for film in ended.films}]
    if missing and not ended.failed:
        what = "the film" if missing == [""] else f"{listed(missing)}"
        were = "was" if len(missing) == 1 else "were"
        silent = bool(left_out) and all(step.action.kind == "sound" for step in left_out)
        lines.append(f"{what} {were} not joined: {'the sound is' if silent else 'shots are'} missing")
    return "\n".join(lines)


def spent_text(ended: BuildResult) -> str:
    """Return ``, spent $0.24 ($0.12 of it on failed attempts, possibly not charged)``; empty if nothing was spent."""
    lost = (
        f" ({dollars(ended.failed_cost)} of it on failed attempts, possibly not charged)" if ended.failed_cost else ""
    )
    return f", spent {dollars(ended.cost)}{lost}" if ended.cost else ""


def failure_lines(ended: BuildResult) -> list[str]:
    """Return one line for each step that was not made, with its reason."""
    return [
        f"{failure_label(ended.codes.get(name, '')):<8} {name}: {clean_lines(why)}"
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


def _film_lines(ended: BuildResult, film: FilmFile, output: Output, typed: Typed) -> list[str]:
    length = in_words(seconds_of(film.frames, film.rate))
    how = ", with placeholders for missing shots" if film.partial else "" if film.joined else ", unchanged"
    counted = _encode_counts(ended, film.name)
    details = [encode_counts_text(counted, output)] if counted.frames == film.frames else []
    heard = loudness_line(film.sound, output.loudness)
    details += [heard] if heard else []
    return [f"{clean(typed(film.path))}: {several(film.frames, 'frame')}, {length}{how}", *details]


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
    films = {film.name: _film_data(ended, film, typed) for film in ended.films}
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


def _film_data(ended: BuildResult, film: FilmFile, typed: Typed) -> dict[str, Any]:
    return {
        "name": film.name or None,
        "film": typed(film.path),
        "frames": film.frames,
        "seconds": round(float(seconds_of(film.frames, film.rate)), 3),
        "joined": film.joined,
        "partial": film.partial,
        "copied": encode_counts_data(_encode_counts(ended, film.name)),
        "sound": sound_data(film.sound),
    }


def _encode_counts(ended: BuildResult, output: str) -> EncodeCounts:
    steps = [*ended.reused.values(), *ended.made.values()]
    return encode_counts(step for step in steps if step.action.output == output)


def _count(steps: Mapping[str, Step], kind: str) -> int:
    """Return the number of actions of that kind, without alternate takes."""
    return sum(1 for step in steps.values() if step.action.kind == kind and step.action.seed is None)
