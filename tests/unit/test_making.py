"""How long a step takes to make: from when somebody was free to make it, however long it waited before."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storyboard.core.build_events import Event, StepMade
from storyboard.core.graph import Graph
from storyboard.core.plan import CutResult
from storyboard.core.planner import Planner
from storyboard.engine import commit, executor, generators, worker_main
from storyboard.engine.executor import Executor
from storyboard.engine.generators import AnimaticGenerator
from storyboard.engine.project_store import Shelf, Workspace
from storyboard.engine.scheduler import Scheduler
from storyboard.engine.worker_pool import WorkerPool
from storyboard.store.lockfile import Lockfile
from storyboard.store.state import State
from tests.unit.films import CLIP, film, shot, wishes

DRAWING_S = 5.0


class Clock:
    """Goes on only while something is drawn."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def draw(self, *arguments: Any) -> Any:
        self.now += DRAWING_S
        arguments[-1].write_bytes(b"clip %d" % self.now)
        return CLIP


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """One worker in this very process, and nothing to join."""
    clock = Clock()

    async def here(self: WorkerPool, label: str, function: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(0)
        return function(*arguments)

    def assemble(shelf: Shelf, step: Any, *others: Any, **more: Any) -> CutResult:
        shelf.keep(commit.film(step, "0" * 64, 0.0))
        return CutResult("0" * 64)

    monkeypatch.setattr(worker_main, "monotonic", clock)
    monkeypatch.setattr(WorkerPool, "_again_if_it_dies", here)
    monkeypatch.setattr(generators, "draw_take", clock.draw)
    monkeypatch.setattr(executor, "assemble", assemble)
    return clock


def test_waiting_for_a_free_worker_does_not_count(tmp_path: Path, clock: Clock) -> None:
    board = film(*(shot(name, seed=number) for number, name in enumerate("abcd")))
    (tmp_path / ".storyboard").mkdir()
    events: list[Event] = []
    with Workspace(State(tmp_path), board, writable=True) as workspace:
        shelf = Shelf(workspace, Lockfile(), {"renderer": 1})
        graph = Graph(board)
        planner = Planner(graph, shelf, wishes())
        one = WorkerPool(1)
        maker = AnimaticGenerator(one, {graph.shot("a").source.model: 24})  # type: ignore[union-attr]
        outcome = asyncio.run(Scheduler(Executor(graph, planner, shelf, one, {"local": maker}), events.append).run())
        takes = [event for event in events if isinstance(event, StepMade) and event.step.action.kind == "take"]
        kept = [workspace.records.find(event.step.key or "")[0].made.seconds for event in takes]
    assert not outcome.failed
    assert clock.now == 100.0 + 4 * DRAWING_S
    assert [event.seconds for event in takes] == kept == [DRAWING_S] * 4
