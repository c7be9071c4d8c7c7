"""How a build ended: what was made, reused, failed, how long it took, where the film is."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from storyboard.core.model import Storyboard
from storyboard.core.plan import Step
from storyboard.core.tally import Tally, tally
from storyboard.core.timebase import in_words, seconds_of
from storyboard.report.tallies import tally_data, tally_text
from storyboard.report.words import clean, dollars, reason


class Ended(Protocol):
    """What is read of a build's outcome."""

    @property
    def made(self) -> Mapping[str, Step]: ...
    @property
    def reused(self) -> Mapping[str, Step]: ...
    @property
    def failed(self) -> Mapping[str, str]: ...
    @property
    def blocked(self) -> Mapping[str, Step]: ...
    @property
    def frames(self) -> int: ...
    @property
    def cost(self) -> Decimal: ...


def outcome_text(ended: Ended, storyboard: Storyboard, film: str | None, seconds: float, *, verbose: bool) -> str:
    """A few lines for the end of a build."""
    takes = _count(ended.made, "take"), _count(ended.reused, "take")
    segments = _count(ended.made, "segment")
    joined = "cut" in ended.made
    lines = [f"failed   {name}: {clean(why)}" for name, why in ended.failed.items()]
    left_out = [step for step in ended.blocked.values() if is_left_out(step)]
    lines += [f"blocked  {step.action.id}: {reason(step)}" for step in left_out]
    if verbose:
        lines += [f"reused   {step.action.id}: {reason(step)}" for step in ended.reused.values()]
    if not ended.made and not ended.failed:
        lines.append(f"nothing to make: {_shots(takes[1])} reused")
    else:
        rendered = f", {segments} segments rendered" if segments else ""
        cost = f", {dollars(ended.cost)} spent" if ended.cost else ""
        lines.append(f"{_shots(takes[0])} made, {takes[1]} reused{rendered}{cost}, in {seconds:.1f} s")
    if film is not None:
        length = in_words(seconds_of(ended.frames, storyboard.output.fps))
        lines.append(f"{film}: {ended.frames} frames, {length}{'' if joined else ', as it was'}")
        counted = _tally(ended)
        lines += [tally_text(counted)] if counted.frames == ended.frames else []
    elif not ended.failed:
        lines.append("the film was not made: not all of its shots are there")
    return "\n".join(lines)


def outcome_data(ended: Ended, film: str | None, seconds: float) -> dict[str, Any]:
    """The end of a build as data."""
    return {
        "made": list(ended.made),
        "reused": list(ended.reused),
        "failed": dict(ended.failed),
        "blocked": {name: reason(step) for name, step in ended.blocked.items()},
        "film": film,
        "frames": ended.frames,
        "copied": tally_data(_tally(ended)),
        "cost": str(ended.cost),
        "seconds": round(seconds, 3),
    }


def is_left_out(step: Step) -> bool:
    """Whether a shot is missing because of this step: its take could not be had, or it is too short."""
    return step.do == "blocked" and (step.action.kind == "take" or step.reason.why == "too-short")


def _tally(ended: Ended) -> Tally:
    return tally([*ended.reused.values(), *ended.made.values()])


def _count(steps: Mapping[str, Step], kind: str) -> int:
    return sum(1 for step in steps.values() if step.action.kind == kind)


def _shots(number: int) -> str:
    return f"{number} shot" if number == 1 else f"{number} shots"
