"""A plan as a table and as data, with the length of the film and how much of it is copied, as far as known."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import groupby
from typing import Any

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.fill import Fill, FillStyle
from storyboard.core.model import Generated, Output, Scene, Storyboard
from storyboard.core.plan import (
    FREE,
    Do,
    EncodeCounts,
    Plan,
    SegmentResult,
    ShotCounts,
    ShotState,
    Step,
    TakeResult,
    count_shots,
    encode_counts,
    planned_state,
)
from storyboard.core.ranges import FilmSpan, film_spans, placed_shots
from storyboard.core.reason import Change, CopyBlocker
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import decimal_seconds, in_words, plain_number, seconds_of
from storyboard.core.timeline import has_unknown_length, total_frames
from storyboard.report.cost import TakePrices, planned_share
from storyboard.report.reason import (
    blocker_key,
    blocker_text,
    change_data,
    change_lines,
    changed_text,
    reason_text,
    shot_names,
    take_name,
)
from storyboard.report.sound import sound_lines
from storyboard.report.text import clean, clean_lines, columns, listed, several, width_of


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


def encode_counts_text(counted: EncodeCounts, output: Output, *, verbose: bool) -> str:
    """Return ``1,812 of 2,304 frames copied, 492 encoded`` for a film of *output*.

    If *verbose*, the reasons follow: ``: 480 (trimmed), 12 (dissolve)``.
    """
    if not counted.encoded:
        return f"{'1 frame' if counted.frames == 1 else f'all {counted.frames:,} frames'} copied"
    if not verbose:
        return f"{counted.copied:,} of {several(counted.frames, 'frame')} copied, {counted.encoded:,} encoded"
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


# A film with more shots has totals by scene, and long runs of unchanged shots are one line.
_LONG_FILM = 20
_LONG_RUN = 3
Paint = Callable[[str, str], str]
SYMBOLS: Mapping[ShotState, str] = {
    "make": "+",
    "change": "~",
    "unchanged": "=",
    "resume": ">",
    "held": "!",
    "blocked": "!",
    "left_out": "-",
}
_LEGEND = {
    "+": "make",
    "~": "change",
    "=": "unchanged",
    ">": "resume",
    "!": "held or blocked",
    "-": "not selected",
}
_COLORS = {"make": "green", "change": "yellow", "resume": "cyan", "held": "magenta", "blocked": "red"}
_UNKNOWN = "?"
_INDENT = " " * 6


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
    selected: Collection[str] | None = None,
    verbose: bool = False,
    width: int | None = None,
) -> str:
    """Return the plan as a table of shots by scene, a line for each cut, and the sum.

    With *prices* it says how much of the takes that it buys is seen. Unless *verbose*, only the *selected* shots have
    lines, and a long run of unchanged shots has one. *width* is that of the terminal in cells, if there is one.
    """
    shown = in_film_order(plan.shots(), storyboard)
    rows = [step for step in shown if verbose or selected is None or step.action.shot in selected]
    table = _PlanTable(plan, storyboard, paint, width, verbose=verbose)
    lines = [heading(storyboard, plan), "", *table.lines(rows)]
    if verbose:
        known = {step.action.id for step in shown}
        others = [step for step in plan.steps if step.action.id not in known and not is_empty_segment(step)]
        lines += [line for step in others for line in _step_lines(step)]
    outputs = {output.name: output for output in storyboard.outputs}
    cuts = [
        line for cut in plan.of("cut") for line in _cut_lines(plan, cut, outputs[cut.action.output], verbose=verbose)
    ]
    lengths = _kept_length_lines(storyboard)
    seen = planned_share(plan, storyboard, prices) if prices is not None else None
    lengths += [seen.text()] if seen is not None and 0 < seen.film_s < seen.takes_s else []
    spared = plan.cost() - plan.cost_at_least()
    spares = [f"{dollars(spared)} less if frames of linked shots stay as they are"] if spared else []
    last = paint(f"Plan: {summary(plan, storyboard)}", "bold")
    return "\n".join([*lines, "", *lengths, *cuts, *sound_lines(plan, storyboard), *spares, last])


def _step_lines(step: Step) -> list[str]:
    fields = [line for change in step.reason.changes for line in change_lines(change)]
    return [f"  {step.do:<7} {step.action.id}  {reason_text(step)}", *(f"{_INDENT}{line}" for line in fields)]


# Changes that have a line of their own: those of takes, and those of the whole film.
_NOT_OF_A_SHOT = ("take", "seed", "clip", "output.", "renderer.", "parameter sets")


def film_changes(plan: Plan) -> dict[str, tuple[Change, ...]]:
    """Return by shot the fields of its own whose change changes pieces of a film; takes have their own reasons."""
    found: dict[str, dict[Change, None]] = {}
    for step in plan.of("segment"):
        for change in step.reason.changes:
            if not change.of and not change.field.startswith(_NOT_OF_A_SHOT):
                found.setdefault(step.action.shot, {})[change] = None
    return {shot: tuple(changes) for shot, changes in found.items()}


class ShotRows:
    """Rows of shots with id, title, timecode, length and price aligned.

    The timecode is that of the first film, and of the frame after the last one. *width* is that of the terminal in
    cells, if there is one. Where titles do not fit into it, they follow on lines of their own, and then out points are
    left out.
    """

    def __init__(self, plan: Plan, storyboard: Storyboard, width: int | None) -> None:
        self._shots = {shot.id: shot for shot in storyboard.shots()}
        self._width = width
        self._has_titles = self._has_ends = True
        self._spans = {span.shot: span for span in film_spans(next(iter(storyboard.films())), _takes(plan))}

    def aligned(self, steps: Sequence[Step], prices: Mapping[str, str]) -> dict[str, str]:
        """Return the aligned part of the row of each step, by action; so are *prices*."""
        if not steps:
            return {}
        lines = self._columns(steps, prices)
        if self._is_too_wide(lines):
            self._has_titles = False
            lines = self._columns(steps, prices)
        if self._is_too_wide(lines):
            self._has_ends = False
            lines = self._columns(steps, prices)
        return dict(zip((step.action.id for step in steps), lines, strict=True))

    def _columns(self, steps: Sequence[Step], prices: Mapping[str, str]) -> list[str]:
        return columns([self._row(step, prices.get(step.action.id, "")) for step in steps], right=(3, 4))

    def _is_too_wide(self, lines: list[str]) -> bool:
        return self._width is not None and max(map(width_of, lines)) + len(_INDENT) > self._width

    def _row(self, step: Step, price: str) -> list[str]:
        span = self._spans.get(step.action.shot) if step.action.seed is None else None
        title = self._title(step) if self._has_titles else ""
        if span is None:
            return [take_name(step), title, "", "", price]
        begin, end = span.timecode_in or _UNKNOWN, span.timecode_out or _UNKNOWN
        length = f"{decimal_seconds(span.seconds)} s" if span.seconds is not None else _UNKNOWN
        return [take_name(step), title, f"{begin} - {end}" if self._has_ends else begin, length, price]

    def _title(self, step: Step) -> str:
        return clean_lines(self._shots[step.action.shot].title or "")

    def lines(self, mark: str, step: Step, aligned: str, text: str) -> list[str]:
        """Return the row after its *mark*, with *text*, which follows on a line of its own where it does not fit."""
        row, title = f"  {mark} {aligned}", "" if self._has_titles else self._title(step)
        fits = self._width is None or width_of(row) + 2 + width_of(text) <= self._width
        # the mark says so already
        own = [title, "" if fits or step.reason.why in ("new", "unchanged") else text]
        return [f"{row}  {text}" if fits else row.rstrip(), *(f"{_INDENT}{line}" for line in own if line)]


class _PlanTable:
    """The shots of a plan by scene, each with its symbol, price and reason."""

    def __init__(self, plan: Plan, storyboard: Storyboard, paint: Paint, width: int | None, *, verbose: bool) -> None:
        self._scenes = storyboard.scenes
        self._scene_of = {shot.id: shot.scene for shot in storyboard.shots()}
        self._shown = {shot.id for shot in storyboard.shots() if not shot.skip}
        self._paint, self._verbose = paint, verbose
        self._is_long = len(self._shown) > _LONG_FILM
        self._rows = ShotRows(plan, storyboard, width)
        self._film_changes = film_changes(plan)

    def lines(self, steps: list[Step]) -> list[str]:
        """Return the legend and the lines of *steps*, which are in the order of the film."""
        scenes: dict[str, list[Step]] = {}
        for step in steps:
            scenes.setdefault(self._scene_of[step.action.shot], []).append(step)
        runs = {scene: list(self._runs(found)) for scene, found in scenes.items()}
        single = [run[0] for found in runs.values() for run in found if len(run) == 1]
        aligned = self._rows.aligned(single, {step.action.id: _step_price(step) for step in single})
        lines = self._legend(steps)
        for scene in self._scenes:
            if len(self._scenes) > 1 and scene.id in scenes:
                lines.append(self._scene_line(scene, scenes[scene.id]))
            for run in runs.get(scene.id, ()):
                is_one = len(run) == 1
                lines += self._shot_lines(run[0], aligned[run[0].action.id]) if is_one else [_run_line(run)]
        return lines

    @staticmethod
    def _legend(steps: list[Step]) -> list[str]:
        used = {SYMBOLS[planned_state(step)] for step in steps}
        meanings = [f"{symbol} {word}" for symbol, word in _LEGEND.items() if symbol in used]
        return [f"  {'   '.join(meanings)}", ""] if meanings else []

    def _scene_line(self, scene: Scene, steps: list[Step]) -> str:
        name = f"{scene.id}: {clean_lines(scene.title)}" if scene.title else scene.id
        if not self._is_long:
            return name
        counts, cost = count_shots(steps, self._shown), sum((step.cost for step in steps), FREE)
        price = f"; {dollars(cost)}" if cost else ""
        return f"{name} ({several(counts.total, 'shot')}: {counts_text(counts)}{price})"

    def _runs(self, steps: list[Step]) -> Iterator[list[Step]]:
        """Yield steps one by one, and long runs of unchanged shots together."""
        for unchanged, group in groupby(steps, self._is_unchanged):
            run = list(group)
            if unchanged and self._is_long and len(run) > _LONG_RUN and not self._verbose:
                yield run
            else:
                yield from ([step] for step in run)

    def _is_unchanged(self, step: Step) -> bool:
        return step.do == "reuse" and step.reason.why == "unchanged" and step.action.shot not in self._film_changes

    def _shot_lines(self, step: Step, aligned: str) -> list[str]:
        state = planned_state(step)
        symbol = self._paint(SYMBOLS[state], _COLORS.get(state, ""))
        # alternate takes have the same changes
        is_main = step.action.seed is None
        in_film = self._film_changes.get(step.action.shot, ()) if is_main and step.action.kind == "take" else ()
        text = "; ".join([reason_text(step), *([f"in the film {changed_text(in_film)}"] if in_film else [])])
        has_lines = is_main and (step.do in ("make", "held") or step.locked is not None)
        changes = [*(step.reason.changes if has_lines else ()), *in_film]
        lines = self._rows.lines(symbol, step, aligned, text)
        return [*lines, *(f"{_INDENT}{line}" for change in changes for line in change_lines(change))]


def _run_line(run: list[Step]) -> str:
    return f"  = {run[0].action.shot} to {run[-1].action.shot}: {several(len(run), 'shot')}, unchanged"


def _step_price(step: Step) -> str:
    price = dollars(step.cost) if step.cost else ""
    most = f"at most {dollars(step.cost_at_most)}" if step.cost_at_most else ""
    return ", ".join(part for part in (price, most) if part)


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


def in_film_order(steps: list[Step], storyboard: Storyboard) -> list[Step]:
    """Return the steps in the order of their shots in the film."""
    place = {shot.id: number for number, shot in enumerate(storyboard.shots())}
    return sorted(steps, key=lambda step: place[step.action.shot])


def shot_counts(plan: Plan, storyboard: Storyboard) -> ShotCounts:
    """Return how many shots of the film are made, changed, unchanged and so on."""
    return count_shots(plan.shots(), {shot.id for shot in storyboard.shots() if not shot.skip})


def summary(plan: Plan, storyboard: Storyboard) -> str:
    """Return ``5 to make, 2 to change, 14 unchanged; $3.60, at most $4.80``."""
    cost, most = plan.cost(), plan.cost_at_most()
    worst = f", at most {dollars(most)}" if most != cost else ""
    nothing = "nothing to do: " if plan.nothing_to_do() else ""
    return f"{nothing}{counts_text(shot_counts(plan, storyboard))}; {dollars(cost)}{worst}"


def counts_text(counts: ShotCounts) -> str:
    """Return ``5 to make, 2 to change, 14 unchanged``, with a number for each other state that a shot has."""
    parts = [f"{counts[state]} {word}" for state, word in _COUNTED.items() if counts[state]]
    parts += [f"{counts.more} more {'take' if counts.more == 1 else 'takes'} to make"] if counts.more else []
    return ", ".join(parts) or "no shots"


def counts_data(counts: ShotCounts) -> dict[str, int]:
    """Return the numbers of shots by state as JSON data."""
    return {"total": counts.total, **{state: counts[state] for state in SYMBOLS}, "more_takes": counts.more}


_COUNTED: Mapping[ShotState, str] = {
    "make": "to make",
    "change": "to change",
    "resume": "to resume",
    "unchanged": "unchanged",
    "held": "held",
    "blocked": "blocked",
    "left_out": "not selected",
}


def price(plan: Plan) -> str:
    """Return ``estimated cost $2.88``, with what it may be instead.

    The best case is ``; $1.92 less if frames of linked shots stay as they are``, the worst ``, at most $3.84``.
    """
    cost, least, most = plan.cost(), plan.cost_at_least(), plan.cost_at_most()
    worst = f", at most {dollars(most)}" if most != cost else ""
    best = f"; {dollars(cost - least)} less if frames of linked shots stay as they are" if least != cost else ""
    return f"estimated cost {dollars(cost)}{worst}{best}"


def _cut_lines(plan: Plan, cut: Step, output: Output, *, verbose: bool) -> list[str]:
    """Return the line of a film, and one for each changed field of the film itself."""
    own = [line for change in cut.reason.changes if not change.of for line in change_lines(change)]
    return [_cut_line(plan, cut, output, verbose=verbose), *(f"{_INDENT}{line}" for line in own)]


def _cut_line(plan: Plan, cut: Step, output: Output, *, verbose: bool) -> str:
    pieces = [step for step in plan.segments(cut.action.output) if not is_empty_segment(step)]
    counts = Counter(step.do for step in pieces)
    line, counted = f"{cut.action.id}: {_cut_state(cut, counts)}", encode_counts(pieces)
    if not counted.frames or counts["wait"]:
        return line
    return f"{line}; {encode_counts_text(counted, output, verbose=verbose)}"


def _cut_state(cut: Step, counts: Mapping[Do, int]) -> str:
    """Return ``to join, with 44 pieces to render``, or what else happens to the film; *counts* are by ``do``."""
    if cut.do == "reuse":
        return "up to date"
    if cut.do not in ("make", "wait"):
        return f"not joined: {reason_text(cut)}"
    rendered = f", with {several(counts['make'], 'piece')} to render" if counts["make"] else ""
    if not (counts["wait"] or counts["make"]) and cut.do == "wait":
        return "to join after the sound is mixed"
    return f"to join{rendered}{' when its takes are made' if counts['wait'] else ''}"


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
        "counts": counts_data(shot_counts(plan, storyboard)),
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


def decision_data(step: Step) -> dict[str, Any]:
    """Return what a step is for, what is done and why, as JSON data."""
    return {
        "action": step.action.id,
        "kind": step.action.kind,
        "shot": step.action.shot or None,
        "output": step.action.output or None,
        "do": step.do,
        "why": step.reason.why,
        "reason": reason_text(step),
    }


def _step_data(step: Step) -> dict[str, Any]:
    return {
        **decision_data(step),
        "changes": [change_data(change) for change in step.reason.changes],
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


def filled_text(fill: Fill, storyboard: Storyboard) -> str:
    """Return how the missing shots of a film are filled: ``with b drawn, c with its earlier take``."""
    missing, kept = _filled_shots(fill, storyboard)
    words: Mapping[FillStyle, str] = {
        "animatic": "drawn",
        "panels": "drawn as panels",
        "slate": "as a card",
        "none": "left out",
    }
    parts = [f"{listed(names)} {text}" for style, text in words.items() if (names := missing.get(style))]
    parts += [f"{listed(kept)} with {'its earlier take' if len(kept) == 1 else 'their earlier takes'}"] if kept else []
    return f"with {', '.join(parts)}" if parts else "with every shot"


def filled_data(fill: Fill | None, storyboard: Storyboard) -> dict[str, Any]:
    """Return how the missing shots of a film are filled as JSON data; *partial* says that there are such shots."""
    missing, kept = _filled_shots(fill or Fill(), storyboard)
    styles = {shot: style for style, shots in missing.items() for shot in shots}
    return {"partial": bool(styles or kept), "missing": styles, "kept": kept}


def _filled_shots(fill: Fill, storyboard: Storyboard) -> tuple[dict[FillStyle, list[str]], list[str]]:
    """Return the missing shots of the film by the style of their fill, and those that keep an earlier take."""
    missing: dict[FillStyle, list[str]] = {}
    shown = [shot.id for shot in storyboard.shots() if not shot.skip]
    for shot in shown:
        if shot in fill.missing:
            missing.setdefault(fill.missing[shot], []).append(shot)
    return missing, [shot for shot in shown if shot in fill.kept]
