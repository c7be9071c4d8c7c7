"""A step that waits for a worker has not begun, and is not shown as running."""

import asyncio
import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from storyboard.core.build_events import StepMade, StepReused, StepStarted
from storyboard.engine.executor import Executor
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.report.progress import LiveProgress
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


def test_the_bar_counts_what_turned_out_to_be_there_and_shows_what_runs() -> None:
    planned = plan(film(shot("a"), shot("b")), FakeMemory())
    steps = {step.action.id: step for step in planned.steps}
    out = io.StringIO()
    with LiveProgress(Console(file=out, force_terminal=True, width=100), planned) as live:
        live(StepStarted(steps["take:a"]))
        live(StepMade(steps["take:a"], 0.1))
        for name in steps.keys() - {"take:a"}:
            live(StepReused(steps[name]))
        live._progress.refresh()
        assert f"{len(steps)} of {len(steps)}" in out.getvalue()
    assert "take:b" not in out.getvalue()
