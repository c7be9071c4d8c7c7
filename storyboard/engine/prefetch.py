"""Reads what a film is joined from while other parts of it are still being made.

Nothing depends on it: what has not been read by then, the join reads itself, and it is the join that tells what cannot
be read.
"""

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from storyboard.core.graph import Action
from storyboard.core.plan import Result, SegmentResult, TakeResult
from storyboard.core.planner import Planner
from storyboard.engine.project_store import Shelf
from storyboard.engine.worker_tasks import TaskFailed

if TYPE_CHECKING:
    from storyboard.media.join.copy_source import ClipPacketsCache


class JoinPrefetcher:
    """Reads clips in one thread, in the order in which they are found, once something has to be made."""

    def __init__(self, shelf: Shelf, planner: Planner) -> None:
        self._shelf = shelf
        self._planner = planner
        self._wanted: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._asked: set[str] = set()
        self._thread: ThreadPoolExecutor | None = None
        self._reels: Future[ClipPacketsCache] | None = None
        self._ended = False

    def found(self, action: Action, result: Result) -> None:
        """*action* has its result from before; if it goes into a film as it is, that is read soon."""
        match result:
            case SegmentResult(digest, frames, copied=False) if frames:
                self._want(digest)
            case TakeResult(digest) if action.seed is None and self._is_copied(action.shot):
                self._want(digest)

    def _is_copied(self, shot: str) -> bool:
        """Whether packets of the take can go into a film, as far as can be told."""
        return any(segments.shot_copy_blocker(shot) is None for segments in self._planner.segments.values())

    def _want(self, digest: str) -> None:
        if digest not in self._asked:
            self._asked.add(digest)
            self._wanted.put(digest)

    def begin_beside(self, action: Action) -> None:
        """*action* is being made. Unless it is the film or a take beside the one in it, the film waits for it."""
        if action.kind == "cut" or action.seed is not None:
            return
        if self._thread is None and not self._ended:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
            self._reels = self._thread.submit(_no_reels)
            self._thread.submit(self._read, self._reels)

    def end(self) -> None:
        """There will be no film; what is being read is read to its end, and nothing more."""
        self._ended = True
        self._wanted.put(None)

    def close(self) -> None:
        """The same, and wait for the thread."""
        self.end()
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    @property
    def reels(self) -> "ClipPacketsCache | None":
        """What has been read and is still being read; ``None`` if nothing had to be made."""
        return self._reels.result() if self._reels is not None else None

    def _read(self, made: "Future[ClipPacketsCache]") -> None:
        from storyboard.media.reader import InvalidMedia

        reels = made.result()
        while (digest := self._wanted.get()) is not None and not self._ended:
            try:
                reels.of(self._shelf.blob(digest))
            except (TaskFailed, InvalidMedia, OSError):
                continue


def _no_reels() -> "ClipPacketsCache":
    from storyboard.media.join.copy_source import ClipPacketsCache

    return ClipPacketsCache()
