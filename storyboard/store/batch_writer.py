"""Durable writes in batches: the store's one sync protocol, with the syncs of all writes of a batch side by side.

A disk takes hardly longer to sync many files than one, if all are requested at once. The order within each write is:

    1. files are staged beside their places, and synced together with the folders they go into
    2. blobs are renamed to their places, and the folders of these names are synced
    3. records are renamed to their places, and the folders of these names are synced

A record therefore counts only after its blob survives a power cut, and a write returns only after all of this. An
error of one write leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from storyboard.durable import OpenFolder, StagedFile

if TYPE_CHECKING:  # a process that commits nothing loads no thread pool
    from concurrent.futures import ThreadPoolExecutor

R = TypeVar("R")
# A staged file, or the path of a folder.
SyncTarget = StagedFile | str
# One durable write. It yields what has to be synced before it continues, and gets the OSError of a sync that failed.
Write = Generator[Iterable[SyncTarget], None, R]

# Syncs at once: a disk handles the requests that arrive during one sync together in its next round.
_CONCURRENT_SYNCS = 32


class BatchWriter:
    """Runs durable writes, any number at once, from any number of threads. Close it after use."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None

    def run(self, write: Write[R]) -> R:
        """Run one write in this thread and return its result, which survives a power cut. Raises ``OSError``."""
        [end] = self._run([write], threads=False)
        if isinstance(end, OSError):
            raise end
        return end

    def run_all(self, writes: Sequence[Write[R]]) -> list[R | OSError]:
        """Run *writes* together; the results survive a power cut. An error names the file and is its write's result.

        As many files and folders are open meanwhile as the writes yield at once.
        """
        return self._run(writes, threads=True)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def _run(self, writes: Sequence[Write[R]], *, threads: bool) -> list[R | OSError]:
        running = [_RunningWrite(write) for write in writes]
        try:
            targets = {one: tuple(one.advance(None)) for one in running}
            while targets := {one: wanted for one, wanted in targets.items() if not one.ends}:
                unique = dict.fromkeys(target for wanted in targets.values() for target in wanted)
                failures = self._sync(list(unique), threads=threads)
                targets = {
                    one: tuple(one.advance(next((failures[each] for each in wanted if each in failures), None)))
                    for one, wanted in targets.items()
                }
        finally:
            for one in running:
                one.write.close()
        return [end for one in running for end in one.ends]

    def _sync(self, targets: Sequence[SyncTarget], *, threads: bool) -> dict[SyncTarget, OSError]:
        """Sync each of *targets*, and return the errors by target."""
        failures: dict[SyncTarget, OSError] = {}
        opened: list[tuple[SyncTarget, StagedFile | OpenFolder]] = []
        # opened in this thread: threads that only sync do not contend for the interpreter's lock
        for target in targets:
            try:
                opened.append((target, OpenFolder(target) if isinstance(target, str) else target))
            except OSError as problem:
                failures[target] = problem
        count = min(_CONCURRENT_SYNCS, len(opened)) if threads else 1
        own, *others = [opened[start::count] for start in range(count)] or [[]]
        pool = self._threads() if others else None
        futures = [pool.submit(_sync_each, share) for share in others] if pool is not None else []
        failures |= _sync_each(own)
        for future in futures:
            failures |= future.result()
        for _, one in opened:
            if isinstance(one, OpenFolder):
                one.close()
        return failures

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(_CONCURRENT_SYNCS, thread_name_prefix="sync")
            return self._pool


class _RunningWrite(Generic[R]):
    """A write between two syncs. ``ends`` is empty until it has ended, and then holds its result or its error."""

    __slots__ = ("ends", "write")

    def __init__(self, write: Write[R]) -> None:
        self.write = write
        self.ends: list[R | OSError] = []

    def advance(self, failure: OSError | None) -> Iterable[SyncTarget]:
        """Continue up to the next sync after the last one went well, or with its *failure*; return what to sync."""
        try:
            return next(self.write) if failure is None else self.write.throw(failure)
        except StopIteration as done:
            self.ends.append(done.value)
        except OSError as problem:
            self.ends.append(problem)
        return ()


def _sync_each(opened: Sequence[tuple[SyncTarget, StagedFile | OpenFolder]]) -> dict[SyncTarget, OSError]:
    failures: dict[SyncTarget, OSError] = {}
    for target, one in opened:
        try:
            one.sync()
        except OSError as problem:
            failures[target] = problem
    return failures
