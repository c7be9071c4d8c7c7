"""Worker processes for work that keeps a core busy: drawing, rendering, checking clips.

Each worker is a new interpreter, started by one command line: it does not search the working folder for modules (a
project may hold any file, ``socket.py`` for example) and loads only what its tasks need. It reads from a pipe whose
other end only the builder has, so no worker outlives its builder. A worker that dies takes only its own task with it.
"""

import asyncio
import pickle
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from subprocess import TimeoutExpired
from time import monotonic
from typing import Any, Protocol, TypeVar

from storyboard.engine.worker_main import PROGRESS, RAISED, READY, MessagePipe
from storyboard.engine.worker_tasks import WorkerDied
from storyboard.operating_system import start_worker
from storyboard.searchpath import module_path

R = TypeVar("R")
# Called once when a task leaves the queue and begins.
OnStart = Callable[[], None]

_SERVE = "import sys; sys.path[:] = sys.argv[1:]; from storyboard.engine.worker_main import serve; serve()"
# Seconds for a process to exit after it has closed its pipe.
_EXIT_TIMEOUT_S = 5.0
# A further worker is started if the tasks that wait take this many times as long as a worker takes to start. Started
# for less, it uses more processor time than the work itself.
_LEAST_WORK = 10.0
_LONG_TASK = 2.0  # a task that takes this many times as long is a reason for one, too
_CONSIDER_S = 0.05  # seconds between two considerations


class TaskRunner(Protocol):
    """Runs the tasks of one build."""

    async def run(self, label: str, function: Callable[..., R], *arguments: Any, on_start: OnStart | None = None) -> R:
        """Return ``function(*arguments)`` and call *on_start* when it begins.

        Raises what the function raises, or ``WorkerDied``.
        """

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """Return the frames made and to make of every running task, by label."""

    def close(self) -> None:
        """End all tasks at once; their work is lost."""


class Worker:
    """One worker process, started at once. ``progress`` is the frames made and to make of its task.

    ``start_s`` is how long it took to start, ``None`` before it has, and ``began`` when it began its task.
    """

    def __init__(self) -> None:
        self.progress = (0, 0)
        self.start_s: float | None = None
        self.began = monotonic()
        self.has_worked = False
        self._process = start_worker([sys.executable, *_interpreter_flags(), "-c", _SERVE, *module_path()])
        self._pipe = MessagePipe(self._process.stdout, self._process.stdin)  # type: ignore[arg-type]

    def run_task(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
        """Run ``function(*arguments)`` in the process; return ``MADE`` and the result, or ``RAISED`` and the exception.

        Raises ``WorkerDied``.
        """
        self.progress, self.began = (0, 0), monotonic()
        try:
            self._pipe.send(pickle.dumps((function, arguments)))
            while True:
                kind, value = pickle.loads(self._pipe.receive())  # noqa: S301 - only the worker has the other end
                if kind == PROGRESS:
                    self.progress = value
                elif kind == READY:
                    self.start_s, self.began = value, monotonic()
                else:
                    return kind, value
        except (EOFError, OSError) as gone:
            raise WorkerDied(self._exit_code(), started=self.start_s is not None) from gone

    def kill(self) -> None:
        """End the process at once; ``run_task`` raises ``WorkerDied`` then."""
        self._process.kill()

    def close(self) -> None:
        """Release the process and its pipes, after ``kill`` and the end of ``run_task``."""
        self._process.wait()
        self._pipe.close()

    def _exit_code(self) -> int:
        try:
            return self._process.wait(_EXIT_TIMEOUT_S)
        except TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class WorkerPool:
    """A ``TaskRunner`` with at most *count* worker processes. Tasks are functions of modules.

    With *warm* the first worker starts at once, so that it is ready for the first task. Further ones start while enough
    work waits.
    """

    def __init__(self, count: int, *, warm: bool = False) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: list[Worker] = []
        self._all: list[Worker] = []
        self._count, self._places, self._waiting = count, 1, 0
        self._free = asyncio.Semaphore(self._places)
        self._ended, self._seconds = (
            0,
            0.0,
        )  # of the tasks that ended, without the first one of each worker, which loads libraries
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[Worker, str] = {}
        self._is_closed = False
        if warm:
            self._idle.append(self._start_worker())

    async def run(self, label: str, function: Callable[..., R], *arguments: Any, on_start: OnStart | None = None) -> R:
        """Run a task in the next free worker, and once more if the worker dies."""
        self._waiting += 1
        self._grow()
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            if on_start is not None:
                on_start()
            try:
                return await self._run_once(label, function, *arguments)
            except WorkerDied:
                if self._is_closed:
                    raise
            return await self._run_once(label, function, *arguments)
        finally:
            self._free.release()

    def progress(self) -> Mapping[str, tuple[int, int]]:
        return {label: worker.progress for worker, label in list(self._running.items())}

    def close(self) -> None:
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.close()
        self._all.clear()

    async def _run_once(self, label: str, function: Callable[..., R], *arguments: Any) -> R:
        worker = self._idle.pop() if self._idle else self._start_worker()
        self._running[worker] = label
        try:
            task = asyncio.get_running_loop().run_in_executor(self._threads, worker.run_task, function, arguments)
            kind, value = await task
        except asyncio.CancelledError:
            worker.kill()  # its result is not needed any more
            raise
        finally:
            del self._running[worker]
        self._idle.append(worker)
        if worker.has_worked:
            self._ended, self._seconds = self._ended + 1, self._seconds + monotonic() - worker.began
        worker.has_worked = True
        if kind == RAISED:
            raise value
        result: R = value
        return result

    def _grow(self) -> None:
        """Make room for a further worker if the tasks that wait are worth its start, and consider it again soon."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_closed or not self._waiting or self._places == self._count:
            return
        if self._is_worth_a_worker():
            self._places += 1
            self._free.release()
        self._timer = asyncio.get_running_loop().call_later(_CONSIDER_S, self._grow)

    def _is_worth_a_worker(self) -> bool:
        """Return whether a running task takes longer than a start, or the tasks that wait will take much longer."""
        started = [worker for worker in self._running if worker.start_s is not None]
        if not started:
            return False
        start = min(worker.start_s or 0.0 for worker in started)
        if monotonic() - min(worker.began for worker in started) > _LONG_TASK * start:
            return True
        expected = self._waiting * self._seconds / max(1, self._ended)
        return expected > _LEAST_WORK * start * self._places

    def _start_worker(self) -> Worker:
        worker = Worker()
        self._all.append(worker)
        return worker


def _interpreter_flags() -> list[str]:
    """Return the options of this interpreter for its workers; ``-P`` keeps the working folder out of their path."""
    given = {
        "-P": True,
        "-E": sys.flags.ignore_environment,
        "-s": sys.flags.no_user_site,
        "-B": sys.flags.dont_write_bytecode,
    }
    return [*(flag for flag, is_set in given.items() if is_set), "-X", f"utf8={sys.flags.utf8_mode}"]
