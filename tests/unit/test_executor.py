"""How long a step takes to make: from when somebody was free to make it, however long it waited before."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from storyboard.core.build_events import Event, StepMade
from storyboard.core.graph import Graph
from storyboard.core.planner import Planner
from storyboard.engine import executor, generators, worker_tasks
from storyboard.engine.executor import Executor
from storyboard.engine.generators import AnimaticGenerator
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.scheduler import Scheduler
from storyboard.store.lockfile import Lockfile
from storyboard.store.state import State
from tests.runners import InlineRunner
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
    """Nothing to draw and to join."""
    clock = Clock()
    monkeypatch.setattr(worker_tasks, "monotonic", clock)
    monkeypatch.setattr(generators, "draw_take", clock.draw)
    monkeypatch.setattr(executor, "join_film", lambda *arguments: "0" * 64)
    return clock


def test_waiting_for_a_free_worker_does_not_count(tmp_path: Path, clock: Clock) -> None:
    board = film(*(shot(name, seed=number) for number, name in enumerate("abcd")))
    (tmp_path / ".storyboard").mkdir()
    events: list[Event] = []
    with ProjectStore(State(tmp_path), board, Lockfile(), writable=True) as store:
        graph = Graph(board)
        planner = Planner(graph, store, wishes())
        one = InlineRunner(1)
        generator = AnimaticGenerator(one, {graph.shot("a").source.model: 24})  # type: ignore[union-attr]
        executing = Executor(planner, store, one, {"local": generator})
        outcome = asyncio.run(Scheduler(planner, executing, events.append).run())
        takes = [event for event in events if isinstance(event, StepMade) and event.step.action.kind == "take"]
        kept = [store.records.find(event.step.key or "")[0].made.seconds for event in takes]
    assert not outcome.failed
    assert clock.now == 100.0 + 4 * DRAWING_S
    assert [event.seconds for event in takes] == kept == [DRAWING_S] * 4
