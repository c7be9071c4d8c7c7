"""Worker processes: what they give back, how their deaths are told, and what ends with them."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storyboard.engine import worker_pool as module
from storyboard.engine.worker_main import report_progress
from storyboard.engine.worker_pool import WorkerPool
from storyboard.engine.worker_tasks import WorkerDied
from tests.cli.test_paid import children_of


class Odd(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")


def add(one: int, other: int) -> int:
    return one + other


def fail(text: str) -> None:
    raise ValueError(text)


def fail_oddly() -> None:
    raise Odd("odd", 3)


def unlike_any_other() -> object:
    return threading.Lock()


def leave(code: int) -> None:
    os._exit(code)


def die(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def die_once(mark: Path) -> str:
    """Dies the first time, and is done the second."""
    if mark.exists():
        return "done"
    mark.touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def wait_for(mark: Path, after: Path | None = None) -> int:
    """Come to an end when *mark* is there; *after* is made first. Returns which process that was."""
    if after is not None:
        after.touch()
    deadline = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return os.getpid()


def count_to(total: int, mark: Path) -> None:
    """Tell each step, and stop in the middle until *mark* is there."""
    for done in range(1, total + 1):
        report_progress(done, total)
        if done == 1:
            wait_for(mark)


def who() -> int:
    return os.getpid()


@pytest.fixture
def two() -> Iterator[WorkerPool]:
    workers = WorkerPool(2)
    yield workers
    workers.close()


@pytest.fixture
def warm() -> Iterator[WorkerPool]:
    workers = WorkerPool(2, warm=True)
    yield workers
    workers.close()


def run(workers: WorkerPool, function: Callable[..., Any], *arguments: Any) -> Any:
    return asyncio.run(workers.run("task", function, *arguments))


async def come(is_there: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_there():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.01)


def test_a_task_gives_back_what_it_returns_and_the_next_one_has_the_same_process(two: WorkerPool) -> None:
    assert run(two, add, 2, 3) == 5
    assert run(two, who) == run(two, who) != os.getpid()


def test_many_short_tasks_share_the_first_worker() -> None:
    async def ask(workers: WorkerPool) -> set[int]:
        return set(await asyncio.gather(*(workers.run(f"task {number}", os.getpid) for number in range(40))))

    workers = WorkerPool(4, warm=True)
    try:
        assert len(asyncio.run(ask(workers))) == 1
    finally:
        workers.close()


def test_what_a_task_raises_is_raised_with_the_place_where_it_was(two: WorkerPool) -> None:
    with pytest.raises(ValueError, match="no such thing") as caught:
        run(two, fail, "no such thing")
    assert "in fail" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match="Odd: odd 3"):
        run(two, fail_oddly)
    with pytest.raises(TypeError, match="cannot pickle"):
        run(two, unlike_any_other)
    assert run(two, add, 1, 1) == 2


@pytest.mark.parametrize(
    ("task", "number", "told"),
    [
        (leave, 3, "its worker process ended twice with exit code 3"),
        (die, signal.SIGTERM, "its worker process ended twice by SIGTERM"),
        (
            die,
            signal.SIGSEGV,
            "its worker process ended twice by SIGSEGV: a library crashed on what this step reads",
        ),
        (
            die,
            signal.SIGABRT,
            "its worker process ended twice by SIGABRT: a library crashed on what this step reads",
        ),
        (
            die,
            signal.SIGKILL,
            "its worker process ended twice by SIGKILL; if memory ran out, build with fewer processes, such as `-j 1`",
        ),
    ],
)
def test_a_death_is_told_by_how_the_process_ended(
    two: WorkerPool, task: Callable[..., None], number: int, told: str
) -> None:
    with pytest.raises(WorkerDied) as caught:
        run(two, task, int(number))
    assert str(caught.value) == told


def test_a_worker_that_cannot_begin_is_not_told_as_short_of_memory(
    two: WorkerPool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "module_path", list)
    with pytest.raises(WorkerDied) as caught:
        run(two, add, 1, 1)
    assert str(caught.value) == (
        "its worker process ended twice with exit code 1, before it began; "
        "read its output on stderr, and run `storyboard doctor`"
    )
    assert "ModuleNotFoundError: No module named 'storyboard'" in capfd.readouterr().err


def test_a_task_is_done_again_if_its_worker_dies(two: WorkerPool, tmp_path: Path) -> None:
    assert run(two, die_once, tmp_path / "mark") == "done"


def test_a_worker_that_dies_takes_no_other_task_with_it(two: WorkerPool, tmp_path: Path) -> None:
    began, end = tmp_path / "began", tmp_path / "end"

    async def both() -> tuple[int, list[int]]:
        other = asyncio.create_task(two.run("other", wait_for, end, began))
        await come(began.exists)
        before = [worker._process.pid for worker, label in two._running.items() if label == "other"]
        with pytest.raises(WorkerDied):
            await two.run("task", leave, 1)
        end.touch()
        return await other, before

    done_by, before = asyncio.run(both())
    assert [done_by] == before


def test_a_task_that_is_cancelled_ends_at_once_and_its_worker_gets_no_other(two: WorkerPool, tmp_path: Path) -> None:
    began = tmp_path / "began"

    async def cancel() -> tuple[int, int]:
        task = asyncio.create_task(two.run("task", wait_for, tmp_path / "never", began))
        await come(began.exists)
        [worker] = two._running
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return worker._process.pid, await two.run("next", who)

    ended, next_one = asyncio.run(cancel())
    assert ended != next_one


def test_progress_of_what_runs_is_told_by_its_label(two: WorkerPool, tmp_path: Path) -> None:
    end = tmp_path / "end"

    async def look() -> None:
        task = asyncio.create_task(two.run("take:a", count_to, 5, end))
        await come(lambda: two.progress() == {"take:a": (1, 5)})
        end.touch()
        await task
        assert two.progress() == {}

    asyncio.run(look())


def test_a_worker_that_was_warmed_does_the_first_task(warm: WorkerPool) -> None:
    assert len(warm._all) == 1
    run(warm, add, 1, 1)
    assert len(warm._all) == 1


def test_ctrl_c_does_not_end_a_worker_that_has_only_just_been_started(warm: WorkerPool) -> None:
    [started] = warm._all
    os.kill(started._process.pid, signal.SIGINT)
    assert run(warm, who) == started._process.pid


def test_a_step_begins_when_a_worker_is_free(tmp_path: Path) -> None:
    told: list[str] = []
    began, end = tmp_path / "began", tmp_path / "end"

    async def both() -> None:
        workers = WorkerPool(1)
        a = asyncio.create_task(workers.run("a", wait_for, end, began, on_start=lambda: told.append("a begins")))
        b = asyncio.create_task(workers.run("b", who, on_start=lambda: told.append("b begins")))
        await come(began.exists)
        assert told == ["a begins"]
        end.touch()
        await asyncio.gather(a, b)
        workers.close()

    asyncio.run(both())
    assert told == ["a begins", "b begins"]


def test_there_is_no_process_beside_the_workers(two: WorkerPool) -> None:
    before = children_of(os.getpid())
    run(two, add, 1, 1)
    assert len(children_of(os.getpid()) - before) == 1
    two.close()
    assert children_of(os.getpid()) <= before


def test_a_worker_loads_what_it_needs_and_never_looks_in_the_working_folder(
    two: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    look = "[(set(sys.modules), sys.path, sys.flags.safe_path) for sys in [__import__('sys')]]"
    [(modules, path, safe)] = run(two, eval, look)
    assert safe
    assert not {"", str(tmp_path)} & set(path)
    assert (
        not {"asyncio", "click", "moviepy", "pytest", "rich", "storyboard.cli", "storyboard.engine.worker_pool"}
        & modules
    )
