"""Worker processes for work that keeps a core busy: drawing, rendering, checking clips.

Each worker is a new interpreter, started by one command line: it does not search the working folder for modules (a
project may hold any file, ``socket.py`` for example) and loads only what its tasks need. It reads from a socket whose
other end only the builder has, so no worker outlives its builder. A worker that dies takes only its own task with it.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import Any, Protocol, TypeVar

from storyboard.engine.worker_main import PROGRESS, RAISED, READY
from storyboard.searchpath import module_path

R = TypeVar("R")
# Called once when a task leaves the queue and begins.
OnStart = Callable[[], None]

_SERVE = (
    "import sys; sys.path[:] = sys.argv[2:]; from storyboard.engine.worker_main import serve; serve(int(sys.argv[1]))"
)
# Seconds for a process to exit after it has closed its socket.
_EXIT_TIMEOUT_S = 5.0


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


class WorkerDied(Exception):
    """A worker process ended during its task, twice; the text says how."""


class Worker:
    """One worker process, started at once. ``progress`` is the frames made and to make of its task."""

    def __init__(self) -> None:
        self.progress = (0, 0)
        self._ready = False
        self._connection, theirs = Pipe()
        with theirs, _ctrl_c_blocked():
            channel = theirs.fileno()
            command = [sys.executable, *_interpreter_flags(), "-c", _SERVE, str(channel), *module_path()]
            self._process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                command, stdin=subprocess.DEVNULL, pass_fds=[channel]
            )

    def run_task(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
        """Run ``function(*arguments)`` in the process; return ``MADE`` and the result, or ``RAISED`` and the exception.

        Raises ``WorkerDied``.
        """
        self.progress = (0, 0)
        try:
            self._connection.send((function, arguments))
            while True:
                kind, value = self._connection.recv()
                if kind == PROGRESS:
                    self.progress = value
                elif kind == READY:
                    self._ready = True
                else:
                    return kind, value
        except (EOFError, OSError) as gone:
            raise WorkerDied(_death_text(self._exit_code(), started=self._ready)) from gone

    def kill(self) -> None:
        """End the process at once; ``run_task`` raises ``WorkerDied`` then."""
        self._process.kill()

    def close(self) -> None:
        """Release the process and its socket, after ``kill`` and the end of ``run_task``."""
        self._process.wait()
        self._connection.close()

    def _exit_code(self) -> int:
        try:
            return self._process.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class WorkerPool:
    """A ``TaskRunner`` with at most *count* worker processes. Tasks are functions of modules.

    With *warm* the first worker starts at once, so that it is ready for the first task.
    """

    def __init__(self, count: int, *, warm: bool = False) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: list[Worker] = []
        self._all: list[Worker] = []
        self._free = asyncio.Semaphore(count)
        self._running: dict[Worker, str] = {}
        self._is_closed = False
        if warm:
            self._idle.append(self._start_worker())

    async def run(self, label: str, function: Callable[..., R], *arguments: Any, on_start: OnStart | None = None) -> R:
        """Run a task in the next free worker, and once more if the worker dies."""
        async with self._free:
            if on_start is not None:
                on_start()
            try:
                return await self._run_once(label, function, *arguments)
            except WorkerDied:
                if self._is_closed:
                    raise
            return await self._run_once(label, function, *arguments)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        return {label: worker.progress for worker, label in list(self._running.items())}

    def close(self) -> None:
        self._is_closed = True
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
        if kind == RAISED:
            raise value
        result: R = value
        return result

    def _start_worker(self) -> Worker:
        worker = Worker()
        self._all.append(worker)
        return worker


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Block SIGINT, so that a process started in the block does not get one before it ignores the signal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interpreter_flags() -> list[str]:
    """Return the options of this interpreter for its workers; ``-P`` keeps the working folder out of their path."""
    given = {
        "-P": True,
        "-E": sys.flags.ignore_environment,
        "-s": sys.flags.no_user_site,
        "-B": sys.flags.dont_write_bytecode,
    }
    return [*(flag for flag, is_set in given.items() if is_set), "-X", f"utf8={sys.flags.utf8_mode}"]


def _death_text(code: int, *, started: bool) -> str:
    """Return the message for a task whose process has ended, with a way out."""
    when = "" if started else ", before it began"
    if code >= 0:
        way_out = "" if started else "; read its output on stderr, and run `storyboard doctor`"
        return f"its worker process ended twice with exit code {code}{when}{way_out}"
    killed = -code == signal.SIGKILL
    way_out = "; if memory ran out, build with fewer processes, such as `-j 1`" if killed else ""
    return f"its worker process ended twice by {_signal_name(-code)}{when}{way_out}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
