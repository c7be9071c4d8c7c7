"""The commits of a build: the queue that groups them, and the record that each kind of action leaves in the store.

Records that are ready while the disk is busy are committed together, at once. None waits for others: on an idle disk a
single record is committed when it is ready. A record is committed even if the step that made it is cancelled meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import replace

from storyboard import __version__
from storyboard.core.clip import ClipInfo
from storyboard.core.model import Generated, Shot
from storyboard.core.plan import Step
from storyboard.core.results import ACCEPTED, Provenance, Record, money_data
from storyboard.engine.generators import GeneratedClip
from storyboard.engine.worker_tasks import TaskFailed, clip_facts
from storyboard.store.records import Committed, PendingRecord

if TYPE_CHECKING:
    from storyboard.media.audio.soundtrack import SoundFacts

# Records committed together; each has up to three files or folders open.
_MAX_BATCH = 64
# Bytes. A larger blob takes long to read and to sync: it is committed on its own, so that no batch waits for it.
_LARGE_BLOB = 1 << 20

_Pending = tuple[PendingRecord, asyncio.Future[Record]]


class CommitQueue:
    """The queue of all commits of one build, for one event loop.

    *commit* stores a batch; *threads* run what is slow before a commit, and the commits of large blobs.
    """

    def __init__(
        self, commit: Callable[[Sequence[PendingRecord]], Sequence[Committed | OSError]], threads: ThreadPoolExecutor
    ) -> None:
        self._commit_batch = commit
        self._threads = threads
        self._own_thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._queue: list[_Pending] = []
        self._is_busy = False
        self._unfinished = 0
        self._idle: asyncio.Future[None] | None = None

    async def commit(self, pending: PendingRecord) -> Record:
        """Commit a record and return it: then it survives a power cut, and its blob too. Raises ``OSError``."""
        committed = self._new_future()
        self._enqueue(pending, committed)
        return await committed

    async def commit_made(self, make: Callable[[], PendingRecord]) -> Record:
        """Commit the record that *make* returns, which runs in a thread. Raises ``OSError`` and as *make*."""
        making = asyncio.get_running_loop().run_in_executor(self._threads, make)
        committed = self._new_future()
        making.add_done_callback(partial(self._enqueue_made, committed))
        return await committed

    async def close(self) -> None:
        """Wait for all commits."""
        while self._unfinished:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        self._own_thread.shutdown(wait=True)

    def _new_future(self) -> asyncio.Future[Record]:
        self._unfinished += 1
        return asyncio.get_running_loop().create_future()

    def _resolve(self, committed: asyncio.Future[Record], end: Committed | BaseException) -> None:
        """Set the result of a commit, unless its step has been cancelled."""
        self._unfinished -= 1
        if committed.done():
            pass
        elif isinstance(end, Committed):
            committed.set_result(end.record)
        else:
            committed.set_exception(end)
        if not self._unfinished and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _enqueue_made(self, committed: asyncio.Future[Record], making: asyncio.Future[PendingRecord]) -> None:
        problem = making.exception()
        if problem is not None:
            self._resolve(committed, problem)
        else:
            self._enqueue(making.result(), committed)

    def _enqueue(self, pending: PendingRecord, committed: asyncio.Future[Record]) -> None:
        if _is_large(pending.content):
            self._start(self._threads, [(pending, committed)])
        else:
            self._queue.append((pending, committed))
            if len(self._queue) == 1:
                asyncio.get_running_loop().call_soon(self._start_next)

    def _start_next(self) -> None:
        if not self._is_busy and self._queue:
            self._is_busy = True
            batch, self._queue = self._queue[:_MAX_BATCH], self._queue[_MAX_BATCH:]
            self._start(self._own_thread, batch).add_done_callback(self._finish_batch)

    def _finish_batch(self, _: object) -> None:
        self._is_busy = False
        self._start_next()

    def _start(
        self, threads: ThreadPoolExecutor, batch: Sequence[_Pending]
    ) -> asyncio.Future[Sequence[Committed | OSError]]:
        records = [pending for pending, _ in batch]
        loop = asyncio.get_running_loop()
        try:
            done = loop.run_in_executor(threads, self._commit_batch, records)
        except RuntimeError as problem:  # no thread can be started
            done = loop.create_future()
            done.set_exception(problem)
        done.add_done_callback(partial(self._resolve_all, batch))
        return done

    def _resolve_all(self, batch: Sequence[_Pending], done: asyncio.Future[Sequence[Committed | OSError]]) -> None:
        problem = done.exception()
        ends: Sequence[Committed | BaseException] = done.result() if problem is None else [problem] * len(batch)
        for (_, committed), end in zip(batch, ends, strict=True):
            self._resolve(committed, end)


def _is_large(content: bytes | Path | None) -> bool:
    if isinstance(content, Path):
        try:
            return content.stat().st_size > _LARGE_BLOB
        except OSError:  # raised again, with the path, by the commit
            return False
    return content is not None and len(content) > _LARGE_BLOB


def take_record(
    step: Step,
    shot: Shot,
    path: Path,
    clip: GeneratedClip,
    first_frame: bytes | None = None,
    *,
    accepted: bool = False,
) -> PendingRecord:
    """Return the record of a take whose file is at *path*.

    *first_frame* is the linked picture that the take should begin with: the record holds how far it is off. *accepted*
    marks a take that was made for another request. Decodes a frame if there is a *first_frame*.
    """
    jump = _jump(path, first_frame) if first_frame is not None else None
    source = shot.source
    return _pending_record(
        step,
        "clip",
        path,
        clip_facts(clip.info) | ({"jump": jump} if jump is not None else {}),
        seconds=clip.seconds,
        provider=source.provider if isinstance(source, Generated) else "",
        seed=clip.seed,
        task_id=clip.task_id,
        cost=money_data(clip.cost) if clip.cost else None,
        note=ACCEPTED if accepted else "; ".join(clip.notes),
    )


def locked_take_record(record: Record, facts: Mapping[str, Any]) -> PendingRecord:
    """Return the record of a take in the cache that until now only the lockfile named."""
    return PendingRecord(replace(record, info=dict(facts), made=replace(record.made, at=_now())))


def _jump(clip: Path, first_frame: bytes) -> float | None:
    from storyboard.media.frames import first_frame_distance
    from storyboard.media.reader import InvalidMedia

    try:
        return first_frame_distance(clip, first_frame)
    except InvalidMedia:  # the clip has been checked, and a warning is not worth an error
        return None


def frame_record(step: Step, clip: Path) -> PendingRecord:
    """Decode one frame of *clip* and return its record. Raises ``TaskFailed``."""
    from storyboard.media.frames import UnreadableMedia, extract_frame

    at = step.action.at
    names: dict[str, Literal["first", "last"]] = {"first": "first", "last": "last"}
    began = time.monotonic()
    try:
        picture = extract_frame(clip, names[at] if at in names else Fraction(at))
    except UnreadableMedia as problem:
        raise TaskFailed(f"frame `{at}` of {step.action.shot}: {problem}") from problem
    facts, values = {"size": str(picture.size)}, {"planes": picture.planes}
    return _pending_record(step, "picture", picture.png, facts, values, seconds=time.monotonic() - began)


def segment_record(step: Step, path: Path, info: ClipInfo, frames: int, seconds: float) -> PendingRecord:
    """Return the record of a rendered segment. Raises ``TaskFailed`` unless it has the right number of *frames*."""
    if info.frames != frames:
        raise TaskFailed(f"the segment of {step.action.shot} has {info.frames} frames instead of {frames}")
    return _pending_record(step, "clip", path, clip_facts(info), seconds=seconds)


def sound_record(step: Step, path: Path, facts: "SoundFacts", seconds: float) -> PendingRecord:
    """Return the record of a mixed soundtrack."""
    return _pending_record(step, "sound", path, msgspec.to_builtins(facts), seconds=seconds)


def cut_record(step: Step, digest: str, seconds: float) -> PendingRecord:
    """Return the record of a joined film, whose bytes are at the output path only."""
    return _pending_record(step, "", None, {}, {"film": digest}, seconds=seconds)


def _pending_record(
    step: Step,
    name: str,
    content: bytes | Path | None,
    info: Mapping[str, Any],
    values: Mapping[str, str] | None = None,
    **provenance: Any,
) -> PendingRecord:
    if step.key is None or step.request is None:
        raise TypeError(f"{step.action.id} has no key")
    record = Record(
        key=step.key,
        kind=step.action.kind,
        request=step.request,
        outputs={},
        values=dict(values or {}),
        info=dict(info),
        made=Provenance(at=_now(), tool=__version__, label=step.action.shot, **provenance),
    )
    return PendingRecord(record, name, content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
