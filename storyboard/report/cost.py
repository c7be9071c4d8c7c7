"""The bill as a table and as data, and how much of what is bought can be seen in the film."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.model import FrameLink, Generated, Storyboard
from storyboard.core.plan import Plan
from storyboard.core.ranges import overlaps
from storyboard.core.results import CostTotal, dollars, money_data
from storyboard.core.timebase import in_words, plain_number, seconds_of
from storyboard.core.timeline import timeline
from storyboard.report.text import clean, several


def cost_text(lines: Sequence[CostTotal], bound: Mapping[str, Decimal], seen: "SeenShare | None" = None) -> str:
    """Return a line for each name, failures apart, then the sum, the part found bought, and what is reserved.

    The last line says how much of the takes is seen.
    """
    if not lines and not bound:
        return "nothing spent"
    width = max([len(line.name) for line in lines] + [5])
    text = []
    for line in lines:
        word = "attempt" if line.attempts == 1 else "attempts"
        note = "  failed; possibly not charged" if line.failed else ""
        text.append(f"{clean(line.name):<{width}}  {dollars(line.cost):>9}  {line.attempts} {word}{note}")
    text.append(f"{'total':<{width}}  {dollars(_sum(lines)):>9}")
    found = sum((line.found for line in lines), Decimal(0))
    if found:
        parts = {"bought here": _sum(lines) - found, "found bought, as by another clone": found}
        text += [f"{'':<{width}}  {dollars(part):>9}  {name}" for name, part in parts.items()]
    if bound:
        reserved = dollars(sum(bound.values(), Decimal(0)))
        text.append(f"about {reserved} more reserved for {several(len(bound), 'unfinished job')}")
    text += [seen.text()] if seen is not None else []
    return "\n".join(text)


def cost_data(
    by: str, lines: Sequence[CostTotal], bound: Mapping[str, Decimal], seen: "SeenShare | None" = None
) -> dict[str, Any]:
    """Return the bill as JSON data; dollars as text."""
    found = sum((line.found for line in lines), Decimal(0))
    return {
        "by": by,
        "lines": [
            {
                "name": line.name,
                "failed": line.failed,
                "attempts": line.attempts,
                "cost": money_data(line.cost),
                "found_bought": money_data(line.found),
            }
            for line in lines
        ],
        "total": money_data(_sum(lines)),
        "bought_here": money_data(_sum(lines) - found),
        "found_bought": money_data(found),
        "bound": {task: money_data(amount) for task, amount in bound.items()},
        **({"seen": seen.data()} if seen is not None else {}),
    }


def _sum(lines: Sequence[CostTotal]) -> Decimal:
    return sum((line.cost for line in lines), Decimal(0))


class TakePrices(Protocol):
    """Prices and durations of the models."""

    def estimate(self, source: Generated) -> Decimal:
        """Return the expected cost of one take in US dollars."""

    def durations(self, model: str) -> Sequence[int]:
        """Return the seconds of the clips that a model makes."""


class PaidTake(Struct, frozen=True):
    """A take that is bought: its length in seconds, its cost in US dollars, its shot, and its request.

    Without a *source* the film shows nothing of it.
    """

    seconds: Fraction
    cost: Decimal
    shot: str
    source: Generated | None = None


class SeenShare(Struct, frozen=True):
    """Share of bought takes that is in the film: lengths in seconds, and the cost of the takes.

    *shorter* are the shots for which shorter clips would do, which would cost *saved* US dollars less.
    """

    film_s: Fraction
    takes_s: Fraction
    cost: Decimal
    shorter: tuple[str, ...]
    saved: Decimal

    def text(self) -> str:
        """Return ``46 s of film from 215 s of takes: $25.80; shorter clips would do for 12 shots: $7.20 less``."""
        seen = f"{in_words(self.film_s)} of film from {in_words(self.takes_s)} of takes: {dollars(self.cost)}"
        if not self.shorter:
            return seen
        return f"{seen}; shorter clips would do for {several(len(self.shorter), 'shot')}: {dollars(self.saved)} less"

    def data(self) -> dict[str, Any]:
        """Return the share as JSON data; lengths in seconds, dollars as text."""
        return {
            "film_seconds": plain_number(self.film_s),
            "take_seconds": plain_number(self.takes_s),
            "cost": money_data(self.cost),
            "shorter": list(self.shorter),
            "less": money_data(self.saved),
        }


def planned_share(plan: Plan, storyboard: Storyboard, prices: TakePrices) -> SeenShare | None:
    """Return how much is seen of the takes that *plan* buys; ``None`` if it buys none."""
    sources = {shot.id: shot.source for shot in storyboard.shots()}
    bought = []
    for step in plan.of("take"):
        source = sources[step.action.shot]
        if step.cost and isinstance(source, Generated):
            shown = source if step.action.seed is None else None
            bought.append(PaidTake(source.duration, step.cost, step.action.shot, shown))
    return seen_share(bought, storyboard, prices)


def seen_share(bought: Sequence[PaidTake], storyboard: Storyboard, prices: TakePrices) -> SeenShare | None:
    """Return how much of the *bought* takes is in the film; ``None`` without any."""
    if not bought:
        return None
    lengths, needed = _film_lengths(storyboard), _needed_lengths(storyboard)
    saved: dict[str, Decimal] = {}
    for take in bought:
        would_do = _shorter_duration(take.source, needed.get(take.shot), prices) if take.source is not None else None
        if take.source is not None and would_do is not None:
            less = prices.estimate(take.source) - prices.estimate(replace(take.source, duration=would_do))
            saved[take.shot] = saved.get(take.shot, Decimal(0)) + less
    shown = {take.shot for take in bought if take.source is not None}
    return SeenShare(
        film_s=sum((lengths.get(shot, Fraction(0)) for shot in shown), Fraction(0)),
        takes_s=sum((take.seconds for take in bought), Fraction(0)),
        cost=sum((take.cost for take in bought), Decimal(0)),
        shorter=tuple(shot for shot in needed if saved.get(shot, Decimal(0)) > 0),
        saved=sum((less for less in saved.values() if less > 0), Decimal(0)),
    )


def _film_lengths(storyboard: Storyboard) -> dict[str, Fraction]:
    """Return the seconds that each shot adds to the first film; a transition counts for the shot before it."""
    shared = {name: overlap.before for name, overlap in overlaps(storyboard).items()}
    rate, first = storyboard.output.fps, True
    found = {}
    for piece in timeline(storyboard, {}, shared):
        found[piece.shot] = seconds_of(piece.frames - (0 if first else shared.get(piece.shot, 0)), rate)
        first = False
    return found


def _needed_lengths(storyboard: Storyboard) -> dict[str, Fraction]:
    """Return up to which second each generated shot is used: by the film, or by shots that start from its frames."""
    needed = {}
    for shot in storyboard.shots():
        if isinstance(shot.source, Generated):
            needed[shot.id] = shot.source.duration if shot.trim.end is None else shot.trim.end
    for _, frame in storyboard.pictures():
        if isinstance(frame, FrameLink) and frame.shot in needed and isinstance(frame.at, Fraction):
            needed[frame.shot] = max(needed[frame.shot], frame.at)
    return needed


def _shorter_duration(source: Generated, needed: Fraction | None, prices: TakePrices) -> Fraction | None:
    """Return the shortest duration of the model that would do; ``None`` if that of *source* is it."""
    enough = (seconds for seconds in prices.durations(source.model) if needed is not None and seconds >= needed)
    shortest = min(enough, default=None)
    return Fraction(shortest) if shortest is not None and shortest < source.duration else None
