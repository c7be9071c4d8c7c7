"""A step that waits for a worker has not begun, and is not shown as running."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from storyboard.core.build_events import StepMade, StepReused, StepStarted
from storyboard.engine.worker_main import wait_for_turn
from storyboard.engine.worker_pool import WorkerPool
from storyboard.report.progress import LiveProgress
from tests.unit.films import FakeMemory, film, plan, shot


def test_a_step_begins_when_a_worker_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def here(self: WorkerPool, label: str, function: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(0.01)
        return function(*arguments)

    async def step(workers: WorkerPool, name: str) -> None:
        wait_for_turn("take", lambda: told.append(f"{name} begins"))
        await workers.run(name, told.append, f"{name} ends")

    async def both() -> None:
        workers = WorkerPool(1)
        await asyncio.gather(step(workers, "a"), step(workers, "b"))
        workers.close()

    monkeypatch.setattr(WorkerPool, "_again_if_it_dies", here)
    asyncio.run(both())
    assert told == ["a begins", "a ends", "b begins", "b ends"]


def test_a_frame_waits_for_nobody() -> None:
    told: list[str] = []
    wait_for_turn("frame", lambda: told.append("begins"))
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
