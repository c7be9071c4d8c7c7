"""Progress of a build: on a terminal a line for every running step, in a pipe a line for every take that is made."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from storyboard.core.build_events import (
    DECISION_CODES,
    Event,
    JobState,
    Notice,
    StepBlocked,
    StepFailed,
    StepMade,
    StepReused,
    StepStarted,
)
from storyboard.core.model import DEFAULT_PROVIDER
from storyboard.core.plan import Plan, Step
from storyboard.core.results import dollars
from storyboard.report.reason import reason_text, take_name
from storyboard.report.text import clean, clean_block, clean_lines, fold, several, width_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Frames = Callable[[], Mapping[str, tuple[int, int]]]


def failure_label(code: str) -> str:
    """Return the word before a take that was not made: ``decide`` if the user has to decide about it first."""
    return "decide" if code in DECISION_CODES else "failed"


def event_line(event: Event, *, verbose: bool = False) -> str | None:
    """Return one event of a build as a line; ``None`` for events that are not shown.

    What is made of takes is counted in the result; only *verbose* has a line for each.
    """
    match event:
        case StepMade() if verbose or event.step.action.kind == "take":
            price = f", {dollars(event.cost)}" if event.cost else ""
            done = "made" if event.step.locked is None else "download"
            return f"{done:<8} {_name(event.step)}  in {event.seconds:.1f} s{price}  ({reason_text(event.step)})"
        case StepFailed():
            help_line = f"\n         {clean_lines(event.help)}" if event.help else ""
            name = clean(event.action.id.removeprefix("take:"))
            return f"{failure_label(event.code):<8} {name}  {clean_lines(event.reason)}{help_line}"
        case StepBlocked() if event.step.action.kind == "take" and event.step.do == "blocked":
            return f"blocked  {_name(event.step)}  {reason_text(event.step)}"
        case Notice():
            return f"note     {clean_lines(event.text)}"
    return None


def _name(step: Step) -> str:
    return clean(take_name(step) if step.action.kind == "take" else step.action.id)


class PlainProgress:
    """One line for each event, for pipes and logs."""

    def __init__(self, write: Callable[[str], None], *, verbose: bool = False) -> None:
        self._write = write
        self._verbose = verbose

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def watch(self, frames: Frames) -> None:
        """Ignore *frames*: plain lines report finished steps only."""

    def __call__(self, event: Any) -> None:
        line = event_line(event, verbose=self._verbose)
        if line is not None:
            self._write(line)


class _Running(Struct):
    """A step that runs: when it began, and the state of its job with the time since when it is known."""

    step: Step
    began: float
    state: str = ""
    since: float = 0.0
    progress: int | None = None


# Lines of the terminal that the running steps leave free, and the number of these that are shown in any case.
_FREE_LINES = 6
_LEAST_SHOWN = 3
# Parts of the work of a build that a step is counted as, for the time left: a take takes longer than a piece.
_WEIGHTS = {"take": 8, "frame": 0}
# Below this share of the work, the time left is a guess.
_LEAST_SHARE = 0.1
_STYLES: dict[type[Event], str] = {StepFailed: "red", StepBlocked: "red", Notice: "yellow", StepMade: "green"}


class LiveProgress:
    """Lines of events above, and below them the running steps, what is done, and the time left."""

    def __init__(
        self, console: Console, plan: Plan, *, verbose: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        from rich.live import Live

        self._console, self._clock, self._verbose = console, clock, verbose
        self._frames: Frames = dict
        self._began = clock()
        self._running: dict[str, _Running] = {}
        awaited = [step.action for step in plan.steps if step.do in ("make", "wait", "resume")]
        self._awaited = {action.id: action.kind for action in awaited}
        self._todo: Counter[str] = Counter(action.kind for action in awaited)
        self._done: Counter[str] = Counter()
        self._spent = Decimal(0)
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=5, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def watch(self, frames: Frames) -> None:
        """Read the progress of the running steps from *frames* at each refresh."""
        self._frames = frames

    def __call__(self, event: Event) -> None:
        match event:
            case StepStarted(step):
                self._running[step.action.id] = _Running(step, self._clock())
            case JobState():
                self._set_state(event)
            case StepMade(step):
                self._spent += event.cost
                self._finish(step.action.id, was_made=True)
            case StepFailed(action):
                self._finish(action.id, was_made=True)
            case StepReused(step) | StepBlocked(step):
                self._finish(step.action.id, was_made=False)
        line = event_line(event, verbose=self._verbose)
        if line is not None:
            self._print(clean_block(line), _STYLES.get(type(event), ""))

    def _print(self, text: str, style: str) -> None:
        from rich.text import Text

        self._console.print(Text(fold(text, self._console.width), style=style))

    def _set_state(self, event: JobState) -> None:
        running = self._running.get(event.action)
        state = f"{event.provider}: {event.text}"
        if running is None:
            return
        running.progress = event.progress
        if running.state != state:
            running.state, running.since = state, self._clock()

    def _finish(self, action: str, *, was_made: bool) -> None:
        """Count an action that has ended; one that turned out to be there, or to be left out, is not to be made."""
        self._running.pop(action, None)
        kind = self._awaited.pop(action, "")
        if kind and was_made:
            self._done[kind] += 1
        elif kind:
            self._todo[kind] -= 1

    def _render(self) -> Text:
        from rich.text import Text

        text = Text("\n".join(self._lines()))
        text.no_wrap, text.overflow = True, "ellipsis"
        return text

    def _lines(self) -> Iterator[str]:
        frames, shown = self._frames(), max(self._console.height - _FREE_LINES, _LEAST_SHOWN)
        running = list(self._running.values())
        names = [_name(one.step) for one in running[:shown]]
        width = max(map(width_of, names), default=0)
        for name, one in zip(names, running, strict=False):
            yield f"  {name}{' ' * (width - width_of(name))}  {self._state(one, frames)}"
        if len(running) > shown:
            yield f"  and {len(running) - shown} more"
        yield from fold(f"  {self._total(frames)}", self._console.width).split("\n")

    def _state(self, one: _Running, frames: Mapping[str, tuple[int, int]]) -> str:
        """Return ``drawing 120 of 192 frames, for 3 s``, or ``runware: processing 40 s (84 %), for 52 s in all``."""
        now = self._clock()
        done, total = frames.get(one.step.action.id, (0, 0))
        if one.state:
            percent = f" ({one.progress} %)" if one.progress is not None else ""
            return f"{one.state} {_seconds(now - one.since)}{percent}, for {_seconds(now - one.began)} in all"
        unit = "s" if one.step.action.kind == "sound" else "frames"
        part = f" {done} of {total} {unit}" if total else ""
        return f"{_work(one.step)}{part}, for {_seconds(now - one.began)}"

    def _total(self, frames: Mapping[str, tuple[int, int]]) -> str:
        """Return ``3 of 5 takes, 12 of 44 pieces, $1.20; elapsed 18 s, about 40 s left``."""
        takes, pieces = self._todo["take"], self._todo["segment"]
        parts = [f"{self._done['take']} of {several(takes, 'take')}"] if takes else []
        if self._done["take"] < takes:  # which pieces are rendered follows from the takes
            parts += [f"{several(self._done['segment'], 'piece')} rendered"] if self._done["segment"] else []
        else:
            parts += [f"{self._done['segment']} of {several(pieces, 'piece')}"] if pieces else []
        parts += [dollars(self._spent)] if self._spent else []
        elapsed = self._clock() - self._began
        share = self._share(frames)
        left = elapsed / share - elapsed if share > _LEAST_SHARE else 0
        clock = f"elapsed {_seconds(elapsed)}{f', about {_seconds(left)} left' if left else ''}"
        return f"{', '.join(parts) or 'joining the film'}; {clock}"

    def _share(self, frames: Mapping[str, tuple[int, int]]) -> float:
        """Return the share of the work that is done; 0 while a paid job runs, whose length is not known."""
        if any(one.state for one in self._running.values()):
            return 0.0
        parts = ((*frames.get(name, (0, 0)), _weight(one.step.action.kind)) for name, one in self._running.items())
        begun = sum(weight * done / total for done, total, weight in parts if total)
        whole = sum(_weight(kind) * count for kind, count in self._todo.items())
        done = sum(_weight(kind) * count for kind, count in self._done.items())
        return (done + begun) / whole if whole else 0.0


def _weight(kind: str) -> int:
    return _WEIGHTS.get(kind, 1)


def _seconds(seconds: float) -> str:
    """Return ``42 s``, ``3 min 5 s``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _work(step: Step) -> str:
    """Return what a running step does, before its provider has stated anything."""
    request = step.request or {}
    if step.action.kind == "take" and "provider" in request and request["provider"] != DEFAULT_PROVIDER:
        return "in preparation"
    return _WORK[step.action.kind] if "provider" in request or step.action.kind != "take" else "importing"


_WORK = {"take": "drawing", "frame": "reading a frame", "segment": "rendering", "sound": "mixing", "cut": "joining"}
