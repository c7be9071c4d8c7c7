"""Worker processes for what keeps a core busy: drawing, rendering, judging clips.

Each is an interpreter of its own that is started here, by one command line: it does not look for modules in the working
folder (a project may have any file, ``socket.py`` for example), and loads only what its tasks need. It hangs on a
socket whose other end only the builder has, so that none outlives it, however it ends. A worker that dies takes its own
task with it and no other.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import Any, TypeVar

from storyboard.engine.worker_main import PROGRESS, RAISED, READY, has_come, timed
from storyboard.searchpath import module_path

R = TypeVar("R")

_SERVE = (
    "import sys; sys.path[:] = sys.argv[2:]; from storyboard.engine.worker_main import serve; serve(int(sys.argv[1]))"
)
# Seconds that a process has to leave in after it has closed its socket.
_LEAVING_S = 5.0


class WorkerDied(Exception):
    """A worker process ended in the middle of its task, twice; the text says how."""


class Worker:
    """One worker process; it begins to start at once. ``progress`` is frames done and to do of its task."""

    def __init__(self) -> None:
        self.progress = (0, 0)
        self._ready = False
        self._connection, theirs = Pipe()
        with theirs, _ctrl_c_held_back():
            channel = theirs.fileno()
            words = [sys.executable, *_flags(), "-c", _SERVE, str(channel), *module_path()]
            self._process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                words, stdin=subprocess.DEVNULL, pass_fds=[channel]
            )

    def do(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
        """Have ``function(*arguments)`` done, and wait for its end: how it ended, and what it returned or raised.

        Raises ``WorkerDied``.
        """
        self.progress = (0, 0)
        try:
            self._connection.send((function, arguments))
            while True:
                told, value = self._connection.recv()
                if told == PROGRESS:
                    self.progress = value
                elif told == READY:
                    self._ready = True
                else:
                    return told, value
        except (EOFError, OSError) as gone:
            raise WorkerDied(_death(self._exit_code(), started=self._ready)) from gone

    def kill(self) -> None:
        """End it at once; whoever waits for its task is told so."""
        self._process.kill()

    def close(self) -> None:
        """Put away what is left of it, once it has been killed and nobody waits for it."""
        self._process.wait()
        self._connection.close()

    def _exit_code(self) -> int:
        try:
            return self._process.wait(_LEAVING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class WorkerPool:
    """At most *count* tasks at once, each in a worker process. A task is a function of a module."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._idle: list[Worker] = []
        self._all: list[Worker] = []
        self._turn = asyncio.Semaphore(count)
        self._running: dict[Worker, str] = {}
        self._ended = False

    async def run(self, label: str, function: Callable[..., R], *arguments: Any) -> R:
        """Run ``function(*arguments)`` in a worker. Raises what it raises, or ``WorkerDied``."""
        async with self._turn:
            has_come()
            return await self._again_if_it_dies(label, function, *arguments)

    async def timed(self, label: str, function: Callable[..., R], *arguments: Any) -> tuple[R, float]:
        """The same, with the seconds it took once a worker was free for it."""
        return await self.run(label, timed, function, *arguments)

    def warm(self) -> None:
        """Begin to start a worker, so that it is there when the first task is."""
        self._idle.append(self._started())

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """Frames done and to do of every running task, by label."""
        return {label: worker.progress for worker, label in list(self._running.items())}

    def close(self) -> None:
        """End all workers at once; what they are doing is lost."""
        self._ended = True
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.close()
        self._all.clear()

    async def _again_if_it_dies(self, label: str, function: Callable[..., R], *arguments: Any) -> R:
        try:
            return await self._once(label, function, *arguments)
        except WorkerDied:
            if self._ended:
                raise
        return await self._once(label, function, *arguments)

    async def _once(self, label: str, function: Callable[..., R], *arguments: Any) -> R:
        worker = self._idle.pop() if self._idle else self._started()
        self._running[worker] = label
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, worker.do, function, arguments)
            told, value = await asked
        except asyncio.CancelledError:
            worker.kill()  # nobody wants what it does
            raise
        finally:
            del self._running[worker]
        self._idle.append(worker)
        if told == RAISED:
            raise value
        result: R = value
        return result

    def _started(self) -> Worker:
        worker = Worker()
        self._all.append(worker)
        return worker


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """A process that is started in here does not get Ctrl-C before it can say that it ignores it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _flags() -> list[str]:
    """Options of this interpreter that its workers have too; ``-P`` keeps the working folder out of their search."""
    given = {
        "-P": True,
        "-E": sys.flags.ignore_environment,
        "-s": sys.flags.no_user_site,
        "-B": sys.flags.dont_write_bytecode,
    }
    return [*(flag for flag, is_set in given.items() if is_set), "-X", f"utf8={sys.flags.utf8_mode}"]


def _death(code: int, *, started: bool) -> str:
    """How a worker process ended that was to do a task."""
    when = "" if started else ", before it could begin"
    if code >= 0:
        way_out = "" if started else "; what it said is on stderr; run `storyboard doctor`"
        return f"its worker process ended twice{when}, with exit code {code}{way_out}"
    killed = -code == signal.SIGKILL
    way_out = "; if memory was short, build with fewer at once, for example -j 1" if killed else ""
    return f"its worker process ended twice{when}, by {_name(-code)}{way_out}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
