"""What is shown of running steps: a step that waits for a worker has not begun, and is not shown as running."""

import asyncio
import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from storyboard.core.build_events import JobState, StepFailed, StepMade, StepReused, StepStarted
from storyboard.core.plan import Plan
from storyboard.engine.executor import Executor
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.report.progress import LiveProgress, event_line
from tests.runners import InlineRunner
from tests.unit.films import FakeMemory, film, plan, shot


def test_a_frame_waits_for_nobody() -> None:
    told: list[str] = []
    planner = SimpleNamespace(graph=None, take=lambda shot: None)
    steps = {step.action.id: step for step in plan(film(shot("a"), shot("b", after="a")), FakeMemory()).steps}

    async def frame() -> None:
        executing = Executor(planner, SimpleNamespace(commit=None), InlineRunner(1), {})  # type: ignore[arg-type]
        with pytest.raises(TaskFailed):
            await executing.frame(steps["frame:a@last"], lambda: told.append("begins"))
        await executing.close()

    asyncio.run(frame())
    assert told == ["begins"]


class Terminal:
    """A terminal of *width* cells with the live progress of *planned*, and a clock that is set."""

    def __init__(self, planned: Plan, width: int = 100) -> None:
        self.out = io.StringIO()
        self.now = 0.0
        console = Console(file=self.out, force_terminal=True, width=width, height=24)
        self.live = LiveProgress(console, planned, clock=lambda: self.now)

    def lines(self) -> list[str]:
        return list(self.live._lines())


def test_the_live_lines_count_what_turned_out_to_be_there_and_show_what_runs() -> None:
    planned = plan(film(shot("a"), shot("b")), FakeMemory())
    steps = {step.action.id: step for step in planned.steps}
    terminal = Terminal(planned)
    terminal.live(StepStarted(steps["take:a"]))
    terminal.now = 65.0
    assert terminal.lines() == ["  a  drawing, for 1 min 5 s", "  0 of 2 takes; elapsed 1 min 5 s"]
    terminal.live(StepMade(steps["take:a"], 0.1))
    for name in steps.keys() - {"take:a"}:
        terminal.live(StepReused(steps[name]))
    assert terminal.lines()[0].startswith("  1 of 1 take; elapsed 1 min 5 s")
    assert "take:b" not in terminal.out.getvalue()


def test_a_paid_job_is_shown_in_the_words_of_its_provider_with_the_time_since() -> None:
    planned = plan(film(shot("a", provider="runware")), FakeMemory())
    terminal = Terminal(planned)
    terminal.live(StepStarted(planned.steps[0]))
    assert terminal.lines()[0] == "  a  in preparation, for 0 s"
    terminal.now = 12.0
    terminal.live(JobState("take:a", "runware", "queued"))
    terminal.now = 20.0
    terminal.live(JobState("take:a", "runware", "processing", 10))
    terminal.now = 60.0
    terminal.live(JobState("take:a", "runware", "processing", 84))
    assert terminal.lines() == [
        "  a  runware: processing 40 s (84 %), for 1 min 0 s in all",
        "  0 of 1 take; elapsed 1 min 0 s",
    ]


def test_more_steps_than_lines_are_counted_and_pieces_have_no_line_of_their_own() -> None:
    planned = plan(film(*(shot(f"s{number:02}") for number in range(40))), FakeMemory())
    terminal = Terminal(planned)
    for step in planned.of("take"):
        terminal.live(StepStarted(step))
    lines = terminal.lines()
    assert len(lines) < 24
    assert lines[-2:] == ["  and 22 more", "  0 of 40 takes; elapsed 0 s"]
    piece = planned.of("segment")[0]
    assert event_line(StepMade(piece, 1.0)) is None
    assert event_line(StepMade(piece, 1.0), verbose=True) == "made     segment:s00  in 1.0 s  (waits for s00)"


@pytest.mark.parametrize("width", [50, 80, 100])
def test_no_line_of_the_progress_is_wider_than_the_terminal(width: int) -> None:
    planned = plan(film(*(shot(f"the-{number}th-shot-of-the-film") for number in range(9))), FakeMemory())
    terminal = Terminal(planned, width)
    with terminal.live:
        for step in planned.of("take"):
            terminal.live(StepStarted(step))
            terminal.live(JobState(step.action.id, "runware", "processing", 84))
        terminal.live(StepFailed(planned.steps[0].action, "the provider " * 20, "failed", "a way out " * 10))
        terminal.live._live.refresh()
    moved = re.sub(r"\x1b\[\d*[AKG]|\r", "\n", terminal.out.getvalue())
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", moved)
    assert max(map(len, shown.split("\n"))) <= width
    assert all(line.strip() != "provi" for line in shown.split("\n"))
