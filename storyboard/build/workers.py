"""Worker processes for what keeps a core busy: drawing, rendering, judging clips.

They are spawned, never forked; they ignore Ctrl-C, which the builder answers for them; and each hangs on a pipe whose
other end only the builder holds, so that none outlives it, however it ends. A worker that dies takes its own task with
it and no other.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.sharedctypes import RawArray
from typing import Any, ParamSpec, TypeVar

from storyboard.build.turns import has_come
from storyboard.build.worker import begin, get_ready, timed

P = ParamSpec("P")
R = TypeVar("R")


class WorkerDied(Exception):
    """A worker process ended in the middle of its task, twice."""


class Workers:
    """At most *count* tasks at once. A task is a module-level function whose first argument is its progress slot."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._context = get_context("spawn")
        self._counters = RawArray("l", 2 * count)
        self._lifeline, self._held = self._context.Pipe(duplex=False)
        self._pool: ProcessPoolExecutor | None = None
        self._free = list(range(count))[::-1]
        self._turn = asyncio.Semaphore(count)
        self._running: dict[int, str] = {}
        self._ended = False
        self._warming: Future[None] | None = None

    async def run(self, label: str, function: Callable[..., R], *arguments: Any) -> R:
        """Run ``function(slot, *arguments)`` in a worker. Raises what it raises, or ``WorkerDied``."""
        async with self._turn:
            slot = self._free.pop()
            self._counters[2 * slot] = self._counters[2 * slot + 1] = 0
            self._running[slot] = label
            has_come()
            try:
                return await self._again_if_broken(function, slot, *arguments)
            finally:
                del self._running[slot]
                self._free.append(slot)

    async def timed(self, label: str, function: Callable[..., R], *arguments: Any) -> tuple[R, float]:
        """The same, with the seconds it took once a worker was free for it."""
        return await self.run(label, timed, function, *arguments)

    def warm(self) -> None:
        """Begin to start a worker, so that it is there when the first task is."""
        self._warming = self._opened().submit(get_ready)

    def progress(self) -> Mapping[str, tuple[int, int]]:
        """Frames done and to do of every running task, by label."""
        return {
            label: (self._counters[2 * slot], self._counters[2 * slot + 1]) for slot, label in self._running.items()
        }

    def kill(self) -> None:
        """End all workers at once; what they were doing is lost."""
        self._ended = True
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """End the workers after their tasks; those that have none at once, without taking leave of their libraries."""
        if not self._running:
            self.kill()
        elif self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._held.close()
        self._lifeline.close()

    async def _again_if_broken(self, function: Callable[..., R], *arguments: Any) -> R:
        loop = asyncio.get_running_loop()
        warming, self._warming = self._warming, None
        if warming is not None:  # else the first task would have another worker started
            await asyncio.wait([asyncio.wrap_future(warming)])
        for _ in range(2):
            pool = self._opened()
            try:
                return await loop.run_in_executor(pool, function, *arguments)
            except BrokenProcessPool:
                if self._ended:
                    break
                if self._pool is pool:
                    self._pool = None
                    pool.shutdown(wait=False, cancel_futures=True)
        raise WorkerDied

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.count, mp_context=self._context, initializer=begin, initargs=(self._lifeline, self._counters)
            )
        return self._pool
