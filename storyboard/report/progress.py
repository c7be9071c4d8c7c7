"""Progress of a build: a line for every running step on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from storyboard.core.build_events import (
    DECISION_CODES,
    Event,
    Notice,
    StepBlocked,
    StepFailed,
    StepMade,
    StepReused,
    StepStarted,
)
from storyboard.core.plan import Plan
from storyboard.core.results import dollars
from storyboard.report.reason import reason_text
from storyboard.report.text import clean, clean_block, clean_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

Frames = Callable[[], Mapping[str, tuple[int, int]]]


def failure_label(code: str) -> str:
    """Return the word before a take that was not made: ``decide`` if the user has to decide about it first."""
    return "decide" if code in DECISION_CODES else "failed"


def event_line(event: Event) -> str | None:
    """Return one event of a build as a line; ``None`` for events that are not shown."""
    match event:
        case StepMade():
            price = f", {dollars(event.cost)}" if event.cost else ""
            done = "made" if event.step.locked is None else "download"
            return (
                f"{done:<8} {clean(event.step.action.id)}  in {event.seconds:.1f} s{price}  ({reason_text(event.step)})"
            )
        case StepFailed():
            help_line = f"\n         {clean_lines(event.help)}" if event.help else ""
            return f"{failure_label(event.code):<8} {event.action.id}  {clean_lines(event.reason)}{help_line}"
        case StepBlocked() if event.step.action.kind == "take" and event.step.do == "blocked":
            return f"blocked  {clean(event.step.action.id)}  {reason_text(event.step)}"
        case Notice():
            return f"note     {clean_lines(event.text)}"
    return None


class PlainProgress:
    """One line for each event, for pipes and logs."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def watch(self, frames: Frames) -> None:
        """Ignore *frames*: plain lines report finished steps only."""

    def __call__(self, event: Any) -> None:
        line = event_line(event)
        if line is not None:
            self._write(line)


class LiveProgress:
    """Lines of events above, and below them the running steps, the total and the time left."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._frames: Frames = dict
        self._tasks: dict[str, Any] = {}
        self._began: dict[str, float] = {}
        self._progress = _progress(console, self._refresh)
        self._awaited = {step.action.id for step in plan.steps if step.do in ("make", "wait", "resume")}
        todo = len(self._awaited)
        self._total = self._progress.add_task("film", total=todo, shown=f"0 of {todo}")
        self._todo = todo
        self._done = 0

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.update(self._total, visible=False)
        self._progress.stop()

    def watch(self, frames: Frames) -> None:
        """Read the progress of the running steps from *frames* at each refresh."""
        self._frames = frames

    def __call__(self, event: Event) -> None:
        match event:
            case StepStarted(step):
                action = step.action
                self._tasks[action.id] = self._progress.add_task(clean(action.id), total=None, shown="")
                self._began[action.id] = time.monotonic()
            case StepMade(step):
                self._finish(step.action.id)
            case StepFailed(action):
                self._finish(action.id)
            case StepReused(step) | StepBlocked(step) if step.action.id in self._awaited:
                self._finish(step.action.id)
        line = event_line(event)
        if line is not None:
            from rich.text import Text

            self._progress.console.print(Text(clean_block(line), style=_STYLES.get(type(event), "")))

    def _finish(self, action: str) -> None:
        task = self._tasks.pop(action, None)
        if task is not None:
            self._progress.remove_task(task)
        self._done += 1
        self._todo = max(self._todo, self._done)
        self._progress.update(
            self._total, completed=self._done, total=self._todo, shown=f"{self._done} of {self._todo}"
        )

    def _refresh(self) -> None:
        for action, (done, total) in self._frames().items():
            task = self._tasks.get(action)
            if task is not None and total:
                self._progress.update(task, completed=done, total=total, shown=f"{done}/{total} {_unit(action)}")


def _unit(action: str) -> str:
    return "s" if action in ("sound", "partial:sound") else "frames"


_STYLES: dict[type[Event], str] = {StepFailed: "red", StepBlocked: "red", Notice: "yellow", StepMade: "green"}


def _progress(console: Console, refresh: Callable[[], None]) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    class _Progress(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            refresh()
            return super().get_renderables()

    return _Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[shown]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=5,
    )
