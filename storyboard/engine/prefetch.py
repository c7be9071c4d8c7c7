"""The prefetch of clips for the join, while other parts of the film are still being made.

It is optional: the join reads what has not been read by then, and reports what cannot be read.
"""

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from storyboard.core.graph import Action
from storyboard.core.plan import Result, SegmentResult, TakeResult
from storyboard.core.planner import Planner
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.worker_tasks import TaskFailed

if TYPE_CHECKING:
    from storyboard.media.join.copy_source import ClipPacketsCache


class JoinPrefetcher:
    """Reads the packets of reused clips in one thread, in the order in which they are added."""

    def __init__(self, store: ProjectStore, planner: Planner) -> None:
        self._store = store
        self._planner = planner
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._added: set[str] = set()
        self._thread: ThreadPoolExecutor | None = None
        self._packets: Future[ClipPacketsCache] | None = None
        self._is_ended = False

    def add(self, action: Action, result: Result) -> None:
        """Add the reused *result* of *action* to what is read, if packets of it are copied into a film."""
        match result:
            case SegmentResult(digest, frames, copied=False) if frames:
                self._enqueue(digest)
            case TakeResult(digest) if action.seed is None and self._may_be_copied(action.shot):
                self._enqueue(digest)

    def _may_be_copied(self, shot: str) -> bool:
        return any(segments.shot_copy_blocker(shot) is None for segments in self._planner.segments.values())

    def _enqueue(self, digest: str) -> None:
        if digest not in self._added:
            self._added.add(digest)
            self._queue.put(digest)

    def start_during(self, action: Action) -> None:
        """Start the thread while *action* is made, if the film waits for it: not for a cut or an alternate take."""
        if action.kind == "cut" or action.seed is not None:
            return
        if self._thread is None and not self._is_ended:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
            self._packets = self._thread.submit(_new_cache)
            self._thread.submit(self._read_all, self._packets)

    def end(self) -> None:
        """Read no further clip."""
        self._is_ended = True
        self._queue.put(None)

    def close(self) -> None:
        """Read no further clip, and wait for the thread."""
        self.end()
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    @property
    def packets(self) -> "ClipPacketsCache | None":
        """The packets that have been read, and those still being read; ``None`` if the thread was not started."""
        return self._packets.result() if self._packets is not None else None

    def _read_all(self, packets: "Future[ClipPacketsCache]") -> None:
        from storyboard.media.reader import InvalidMedia

        cache = packets.result()
        while (digest := self._queue.get()) is not None and not self._is_ended:
            try:
                cache.of(self._store.blob_path(digest))
            except (TaskFailed, InvalidMedia, OSError):
                continue


def _new_cache() -> "ClipPacketsCache":
    from storyboard.media.join.copy_source import ClipPacketsCache

    return ClipPacketsCache()
