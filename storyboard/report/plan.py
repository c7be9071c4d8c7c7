"""A plan as a table and as data, with the length of the film and how much of it is copied, as far as known."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import groupby
from typing import Any

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Generated, Output, Storyboard
from storyboard.core.plan import Do, EncodeCounts, Plan, SegmentResult, Step, TakeResult, encode_counts
from storyboard.core.ranges import FilmSpan, film_spans, placed_shots
from storyboard.core.reason import CopyBlocker
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import in_words, plain_number, seconds_of
from storyboard.core.timeline import has_unknown_length, total_frames
from storyboard.report.cost import TakePrices, planned_share
from storyboard.report.reason import blocker_key, blocker_text, change_lines, reason_text, shot_names, take_name
from storyboard.report.sound import sound_lines
from storyboard.report.text import clean, clean_lines, listed, several


class FilmLength(Struct, frozen=True):
    """Frames of a film; *open* says that footage of unknown length is in it and not counted."""

    frames: int
    open: bool

    def seconds(self, output: Output) -> str:
        """Return ``40 s``, ``at least 8 s``."""
        return f"{'at least ' if self.open else ''}{in_words(seconds_of(self.frames, output.fps))}"

    def frames_at_rate(self, output: Output) -> str:
        """Return ``960 frames at 24 fps``."""
        return f"{'at least ' if self.open else ''}{several(self.frames, 'frame')} at {float(output.fps):g} fps"


def length(film: Storyboard, takes: Mapping[str, ClipInfo]) -> FilmLength:
    """Return the length of a film of one output; existing takes count by their real length."""
    pieces = placed_shots(film, takes)
    unmeasured = {shot.id for shot in film.shots() if has_unknown_length(shot) and shot.id not in takes}
    uncounted = sum(piece.frames for piece in pieces if piece.shot in unmeasured)
    return FilmLength(max(0, total_frames(pieces) - uncounted), open=bool(uncounted))


def shot_spans(plan: Plan, storyboard: Storyboard) -> dict[str, list[FilmSpan]]:
    """Return, by the name of its output, where the shots of each film are in it."""
    takes = _takes(plan)
    return {film.output.name: film_spans(film, takes) for film in storyboard.films()}


def span_data(span: FilmSpan | None) -> dict[str, Any]:
    """Return where a shot is in the film as JSON data; nothing but ``null`` for a shot that is not in the film."""
    seconds = span.seconds if span is not None else None
    return {
        "seconds": None if seconds is None else plain_number(seconds),
        "timecode_in": span.timecode_in if span is not None else None,
        "timecode_out": span.timecode_out if span is not None else None,
    }


_REASONS = 4


def encode_counts_text(counted: EncodeCounts, output: Output) -> str:
    """Return ``1,812 of 2,304 frames copied, 492 encoded: 480 (trimmed), 12 (dissolve)`` for a film of *output*."""
    if not counted.encoded:
        return f"{'1 frame' if counted.frames == 1 else f'all {counted.frames:,} frames'} copied"
    text_of = partial(blocker_text, size=str(output.size), rate=str(output.fps))
    first = blocker_counts(counted, text_of)[:_REASONS]
    why = [f"{frames:,} ({clean(text)})" for text, frames in first if text]
    others = counted.encoded - sum(frames for _, frames in first)
    why += [f"{others:,} for other reasons"] if others else []
    reasons = f": {', '.join(why)}" if why else ""
    return f"{counted.copied:,} of {several(counted.frames, 'frame')} copied, {counted.encoded:,} encoded{reasons}"


def encode_counts_data(counted: EncodeCounts) -> dict[str, Any]:
    """Return the numbers of copied and encoded frames as JSON data."""
    why = dict(blocker_counts(counted, blocker_key))
    return {"frames": counted.frames, "copied": counted.copied, "encoded": counted.encoded, "why": why}


def blocker_counts(counted: EncodeCounts, name: Callable[[CopyBlocker | None], str]) -> list[tuple[str, int]]:
    """Return the numbers of encoded frames by the name of what blocks a copy, the largest first."""
    counts: Counter[str] = Counter()
    for blocker, frames in counted.why.items():
        counts[name(blocker)] += frames
    return counts.most_common()


# A run of up to this many unchanged shots is shown shot by shot.
_LONG = 50
Paint = Callable[[str, str], str]
_COLORS = {"make": "yellow", "wait": "yellow", "reuse": "green", "copy": "green", "blocked": "red", "held": "cyan"}


def plain(text: str, _style: str) -> str:
    """Return *text* without colour."""
    return text


def heading(storyboard: Storyboard, plan: Plan) -> str:
    """Return title, shots, length, size and providers of the film. Existing takes count by their real length."""
    shots = [shot for shot in storyboard.shots() if not shot.skip]
    providers = sorted({shot.source.provider for shot in shots if isinstance(shot.source, Generated)})
    takes, output = _takes(plan), storyboard.output
    main = length(storyboard, takes)
    facts = f"{main.seconds(output)} ({main.frames_at_rate(output)}), {output.size}"
    if output.name:
        facts = f"{main.seconds(output)}, {several(len(storyboard.outputs), 'film')}"
    name = clean_lines(storyboard.title or storyboard.file)
    lines = [f"{name}: {several(len(shots), 'shot')}, {facts}, {_providers_text(providers)}"]
    for film in storyboard.films() if output.name else ():
        one = film.output
        lines.append(f"  {one.name}: {clean(one.film)}, {length(film, takes).frames_at_rate(one)}, {one.size}")
    return "\n".join(lines)


def _providers_text(names: list[str]) -> str:
    if not names:
        return "no generated shots"
    return f"{'provider' if len(names) == 1 else 'providers'}: {', '.join(names)}"


def _takes(plan: Plan) -> dict[str, ClipInfo]:
    return {step.action.shot: step.result.info for step in plan.takes() if isinstance(step.result, TakeResult)}


def plan_text(
    plan: Plan,
    storyboard: Storyboard,
    paint: Paint = plain,
    *,
    prices: TakePrices | None = None,
    verbose: bool = False,
) -> str:
    """Return the plan as a table of shots, a line for each cut, and the sum.

    With *prices* it says how much of the takes that it buys is seen. Unless *verbose*, a long run of unchanged shots is
    one line.
    """
    takes = in_film_order(plan.shots(), storyboard)
    rows = [[step] for step in takes] if verbose else list(_rows(takes))
    width = max((len(take_name(row[0])) for row in rows if len(row) == 1), default=0)
    lines = [heading(storyboard, plan), ""]
    words = {do: paint(f"{do:<7}", _COLORS.get(do, "")) for do in dict.fromkeys(step.do for step in takes)}
    for step, *more in rows:
        if more:
            lines.append(
                f"  {words[step.do]} {step.action.shot} to {more[-1].action.shot}: {len(more) + 1:,} shots, unchanged"
            )
            continue
        price = f"  {dollars(step.cost)}" if step.cost else ""
        if step.cost_at_most:
            price += f"  at most {dollars(step.cost_at_most)}"
        lines.append(f"  {words[step.do]} {take_name(step):<{width}}  {reason_text(step)}{price}")
        if (
            step.do in ("make", "held") or step.locked
        ) and step.action.seed is None:  # alternate takes have the same changes
            lines += [
                f"          {'':<{width}}  {line}" for change in step.reason.changes for line in change_lines(change)
            ]
    if verbose:
        shown = {step.action.id for step in takes}
        others = [step for step in plan.steps if step.action.id not in shown and not is_empty_segment(step)]
        lines += [f"  {step.do:<7} {step.action.id}  {reason_text(step)}" for step in others]
    outputs = {output.name: output for output in storyboard.outputs}
    cuts = [_cut_line(plan, cut, outputs[cut.action.output]) for cut in plan.of("cut")]
    lengths = _kept_length_lines(storyboard)
    seen = planned_share(plan, storyboard, prices) if prices is not None else None
    lengths += [seen.text()] if seen is not None and 0 < seen.film_s < seen.takes_s else []
    return "\n".join([*lines, "", *lengths, *cuts, *sound_lines(plan, storyboard), _sum_text(plan, takes)])


def _kept_length_lines(storyboard: Storyboard) -> list[str]:
    """Return a line for each length that shots without a duration keep, with the way out."""
    groups: dict[tuple[Fraction, Fraction], list[str]] = {}
    for shot in storyboard.shots() if storyboard.kept_lengths else ():
        default = storyboard.kept_lengths.get(shot.id)
        if default is not None and isinstance(shot.source, Generated):
            groups.setdefault((shot.source.duration, default), []).append(shot.id)
    lines = []
    for (length, default), shots in groups.items():
        keep = "keeps the {} of its take" if len(shots) == 1 else "keep the {} of their takes"
        way_out = f"write `duration: {plain_number(default)}` for the default of the model"
        lines.append(f"without `duration`: {listed(shots)} {keep.format(in_words(length))}; {way_out}")
    return lines


def _rows(takes: list[Step]) -> Iterator[list[Step]]:
    """Yield shots one by one, and long runs of unchanged shots together."""
    for unchanged, group in groupby(takes, _is_unchanged):
        row = list(group)
        if unchanged and len(row) > _LONG:
            yield row
        else:
            yield from ([step] for step in row)


def _is_unchanged(step: Step) -> bool:
    return step.do == "reuse" and step.reason.why == "unchanged"


def in_film_order(steps: list[Step], storyboard: Storyboard) -> list[Step]:
    """Return the steps in the order of their shots in the film."""
    place = {shot.id: number for number, shot in enumerate(storyboard.shots())}
    return sorted(steps, key=lambda step: place[step.action.shot])


def summary(plan: Plan) -> str:
    """Return ``2 to make, 3 to reuse; estimated cost $1.92``."""
    return _sum_text(plan, plan.shots())


def _sum_text(plan: Plan, shots: list[Step]) -> str:
    counts = Counter(step.do for step in shots)
    bought = sum(step.do == "wait" and step.reason.bought is not None for step in shots)
    make, resume = counts["make"] + counts["wait"] - bought, counts["resume"] + bought
    parts = [f"{make} to make"]
    parts += [f"{resume} to resume"] if resume else []
    parts += [f"{counts['reuse'] + counts['copy']} to reuse"]
    words: dict[Do, str] = {"held": "held", "blocked": "blocked", "skip": "skipped"}
    parts += [f"{counts[do]} {word}" for do, word in words.items() if counts[do]]
    text = ", ".join(parts)
    if plan.nothing_to_do():
        text = f"nothing to do: {text}"
    return f"{text}; {price(plan)}"


def price(plan: Plan) -> str:
    """Return ``estimated cost $2.88``, with what it may be instead.

    The best case is ``; $1.92 less if frames of linked shots stay as they are``, the worst ``, at most $3.84``.
    """
    cost, least, most = plan.cost(), plan.cost_at_least(), plan.cost_at_most()
    worst = f", at most {dollars(most)}" if most != cost else ""
    best = f"; {dollars(cost - least)} less if frames of linked shots stay as they are" if least != cost else ""
    return f"estimated cost {dollars(cost)}{worst}{best}"


def _cut_line(plan: Plan, cut: Step, output: Output) -> str:
    segments = [step for step in plan.segments(cut.action.output) if not is_empty_segment(step)]
    counts = Counter(step.do for step in segments)
    name = f"{cut.action.id}: {_cut_state(cut, len(segments), counts)}"
    counted = encode_counts(segments)
    return f"{name}; {encode_counts_text(counted, output)}" if counted.frames and not counts["wait"] else name


def _cut_state(cut: Step, total: int, counts: Mapping[Do, int]) -> str:
    """Return ``51 segments to render, then joined`` or what else happens to the segments; *counts* are by ``do``."""
    segments, ready = several(total, "segment"), counts["copy"] + counts["reuse"]
    copied = f"{counts['copy']} copied, {counts['make'] + counts['reuse']} encoded"
    match cut.do:
        case "reuse":
            return f"{segments} up to date: {copied}"
        case "make":
            return f"{segments} to join: {copied}"
        case "wait" if ready == total:
            return f"{segments} to join after the sound is mixed"
        case "wait":
            return f"{f'{total - ready} of ' if ready else ''}{segments} to render, then joined"
    return f"{segments}, not joined: {reason_text(cut)}"


def is_empty_segment(step: Step) -> bool:
    """Return whether *step* is a segment without frames."""
    return isinstance(step.result, SegmentResult) and not step.result.frames


def plan_data(plan: Plan, storyboard: Storyboard, prices: TakePrices | None = None) -> dict[str, Any]:
    """Return the plan as JSON data: every step with its reason and changes, costs in dollars as text.

    ``copied`` is that of the first film.
    """
    spans = shot_spans(plan, storyboard)
    films = [_film_data(plan, cut, spans[cut.action.output]) for cut in plan.of("cut")]
    seen = planned_share(plan, storyboard, prices) if prices is not None else None
    kept = {shot: plain_number(default) for shot, default in storyboard.kept_lengths.items()}
    return {
        "steps": [_step_data(step) for step in plan.steps],
        "cost": money_data(plan.cost()),
        "cost_at_least": money_data(plan.cost_at_least()),
        "cost_at_most": money_data(plan.cost_at_most()),
        "nothing_to_do": plan.nothing_to_do(),
        "copied": films[0]["copied"],
        "films": films,
        **({"default_durations": kept} if kept else {}),
        **({"seen": seen.data()} if seen is not None else {}),
    }


def _film_data(plan: Plan, cut: Step, spans: Sequence[FilmSpan]) -> dict[str, Any]:
    copied = encode_counts_data(encode_counts(plan.segments(cut.action.output)))
    film = {"name": cut.action.output or None, "do": cut.do, "why": cut.reason.why, "copied": copied}
    return film | {"timeline": timeline_data(spans)}


def timeline_data(spans: Iterable[FilmSpan]) -> list[dict[str, Any]]:
    """Return where every shot is in a film, in order, as JSON data."""
    return [{"shot": span.shot, **span_data(span)} for span in spans]


def _step_data(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.id,
        "kind": step.action.kind,
        "shot": step.action.shot or None,
        "output": step.action.output or None,
        "do": step.do,
        "why": step.reason.why,
        "reason": reason_text(step),
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in step.reason.changes],
        "shots": shot_names(step.reason),
        **_step_costs(step),
        "key": step.key,
    }


def _step_costs(step: Step) -> dict[str, str]:
    """Return the expected cost of a step in dollars, and what it may be instead, where that differs."""
    others = {"cost_at_least": step.cost_at_least, "cost_at_most": step.cost_at_most}
    return {
        "cost": money_data(step.cost),
        **{name: money_data(cost) for name, cost in others.items() if cost is not None},
    }
