"""A plan as a table for people and as data for programs."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from storyboard.core.clip import ClipInfo
from storyboard.core.cutting import overlaps
from storyboard.core.model import Generated, Storyboard
from storyboard.core.plan import Plan, SegmentMade, Step, TakeMade
from storyboard.core.tally import tally
from storyboard.core.timebase import in_words
from storyboard.core.timeline import TooShort, running_time, timeline, total_frames
from storyboard.report.sounds import sound_line
from storyboard.report.tallies import tally_data, tally_text
from storyboard.report.words import change_lines, clean, dollars, reason, take_name

Paint = Callable[[str, str], str]
_COLORS = {"make": "yellow", "wait": "yellow", "reuse": "green", "copy": "green", "blocked": "red", "held": "cyan"}


def plain(text: str, _style: str) -> str:
    """No colour."""
    return text


def heading(storyboard: Storyboard, plan: Plan) -> str:
    """What the film is: name, shots, length, size, who makes it. Takes count by their length if they are there."""
    shots = [shot for shot in storyboard.shots() if not shot.skip]
    into = {name: overlap.before for name, overlap in overlaps(storyboard).items()}
    try:
        pieces = timeline(storyboard, _takes(plan), into)
    except TooShort:
        pieces = timeline(storyboard, {}, into)
    output = storyboard.output
    providers = sorted({shot.source.provider for shot in shots if isinstance(shot.source, Generated)})
    rate = f"{float(output.fps):g} fps"
    return (
        f"{clean(storyboard.title or storyboard.file)}: {_count(len(shots), 'shot')}, "
        f"{in_words(running_time(pieces, output))} ({total_frames(pieces)} frames at {rate}), {output.size}, "
        f"made by {', '.join(providers) or 'nobody: nothing is generated'}"
    )


def _takes(plan: Plan) -> dict[str, ClipInfo]:
    return {step.action.shot: step.found.info for step in plan.takes() if isinstance(step.found, TakeMade)}


def plan_text(plan: Plan, storyboard: Storyboard, paint: Paint = plain, *, verbose: bool = False) -> str:
    """The plan as a table of shots, then one line for the cut, then the sum."""
    takes = in_film_order(plan.shots(), storyboard)
    width = max((len(take_name(step)) for step in takes), default=0)
    lines = [heading(storyboard, plan), ""]
    for step in takes:
        price = f"  {dollars(step.cost)}" if step.cost else ""
        word = paint(f"{step.do:<7}", _COLORS.get(step.do, ""))
        lines.append(f"  {word} {take_name(step):<{width}}  {reason(step)}{price}")
        if step.do in ("make", "held"):
            lines += [
                f"          {'':<{width}}  {line}" for change in step.reason.changes for line in change_lines(change)
            ]
    if verbose:
        told = {step.action.id for step in takes}
        others = [step for step in plan.steps if step.action.id not in told and not is_nothing(step)]
        lines += [f"  {step.do:<7} {step.action.id}  {reason(step)}" for step in others]
    heard = sound_line(plan, storyboard)
    return "\n".join([*lines, "", _cut_line(plan), *([heard] if heard else []), summary(plan)])


def in_film_order(steps: list[Step], storyboard: Storyboard) -> list[Step]:
    """The steps of shots as the shots stand in the film."""
    place = {shot.id: number for number, shot in enumerate(storyboard.shots())}
    return sorted(steps, key=lambda step: place[step.action.shot])


def summary(plan: Plan) -> str:
    """``2 to make, 3 to reuse; estimated cost $1.92``."""
    counts = Counter(step.do for step in plan.shots())
    make = counts["make"] + counts["wait"]
    parts = [f"{make} to make", f"{counts['reuse'] + counts['copy']} to reuse"]
    parts += [f"{counts[do]} {do}" for do in ("held", "blocked", "skip") if counts[do]]
    text = ", ".join(parts)
    if plan.nothing_to_do():
        text = f"nothing to do: {text}"
    return f"{text}; {price(plan)}"


def price(plan: Plan) -> str:
    """``estimated cost $0.96, at most $2.88 with the linked shots``."""
    sure = sum((step.cost for step in plan.steps if step.do != "wait"), Decimal(0))
    worst = f", at most {dollars(plan.cost())} with the linked shots" if sure != plan.cost() else ""
    return f"estimated cost {dollars(sure)}{worst}"


def _cut_line(plan: Plan) -> str:
    segments = [step for step in plan.of("segment") if not is_nothing(step)]
    counts = Counter(step.do for step in segments)
    [cut] = plan.of("cut")
    state = {"reuse": "is in place", "make": "is joined", "wait": "is joined when they are there"}
    copied = f"{counts['copy']} copied, {counts['make'] + counts['reuse']} encoded"
    copied += f" ({counts['reuse']} of them before)" if counts["reuse"] else ""
    known = f": {copied}" if not counts["wait"] else ""
    counted = tally(segments)
    frames = f"; {tally_text(counted)}" if counted.frames and not counts["wait"] else ""
    made = state.get(cut.do, "is not made: " + reason(cut))
    return f"the cut of {_count(len(segments), 'segment')}{known} {made}{frames}"


def is_nothing(step: Step) -> bool:
    """Whether it stands for a piece of the film that has no frames."""
    return isinstance(step.found, SegmentMade) and not step.found.frames


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as data: every step with its reason, changes field by field, cost in dollars as text."""
    return {
        "steps": [_step_data(step) for step in plan.steps],
        "cost": str(plan.cost()),
        "nothing_to_do": plan.nothing_to_do(),
        "copied": tally_data(tally(plan.of("segment"))),
    }


def _step_data(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.id,
        "kind": step.action.kind,
        "shot": step.action.shot or None,
        "do": step.do,
        "why": step.reason.why,
        "reason": reason(step),
        "changes": [{"field": change.field, "old": change.old, "new": change.new} for change in step.reason.changes],
        "shots": list(step.reason.shots),
        "cost": str(step.cost),
        "key": step.key,
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
