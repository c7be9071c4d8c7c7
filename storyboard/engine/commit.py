"""Hands what actions leave to the store: whatever has come while the disk was busy goes together, at once.

Nobody waits for others to come: with nothing under way, a single deposit begins as soon as it is there. What was handed
in is kept even if the step that made it is cancelled meanwhile.

What each kind of action leaves in the store: the record of it, and what is kept under which name.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from storyboard import __version__
from storyboard.core.clip import ClipInfo
from storyboard.core.model import Generated, Shot
from storyboard.core.plan import Step
from storyboard.core.results import ACCEPTED, Provenance, Record
from storyboard.engine.generators import GeneratedClip
from storyboard.engine.worker_tasks import TaskFailed, clip_facts
from storyboard.store.records import Committed, PendingRecord

# Deposits that go together at most; each has up to three files or folders open.
_MOST = 64
# Bytes. What is larger takes long to read and to sync: it goes beside the others, and none of them waits for it.
_LARGE = 1 << 20

_Waiting = tuple[PendingRecord, asyncio.Future[Record]]


class CommitQueue:
    """Keeps deposits by *keep*, and makes those that take a while in *threads*. For one event loop."""

    def __init__(
        self, keep: Callable[[Sequence[PendingRecord]], Sequence[Committed | OSError]], threads: ThreadPoolExecutor
    ) -> None:
        self._keep = keep
        self._threads = threads
        self._own = ThreadPoolExecutor(1, thread_name_prefix="keep")
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._under_way = 0
        self._idle: asyncio.Future[None] | None = None

    async def keep(self, deposit: PendingRecord) -> Record:
        """Returns the record once it survives a power cut, and its blob too. Raises ``OSError``."""
        kept = self._expected()
        self._hand_in(deposit, kept)
        return await kept

    async def keep_made(self, make: Callable[[], PendingRecord]) -> Record:
        """The same for a deposit that *make* puts together in a thread. Raises what that raises too."""
        kept = self._expected()
        making = asyncio.get_running_loop().run_in_executor(self._threads, make)
        making.add_done_callback(partial(self._made, kept))
        return await kept

    async def close(self) -> None:
        """Wait for everything that was handed in."""
        while self._under_way:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        self._own.shutdown(wait=True)

    def _expected(self) -> asyncio.Future[Record]:
        self._under_way += 1
        return asyncio.get_running_loop().create_future()

    def _tell(self, kept: asyncio.Future[Record], end: Committed | BaseException) -> None:
        """Tell the end to whoever waits for it, if anybody still does."""
        self._under_way -= 1
        if kept.done():
            pass
        elif isinstance(end, Committed):
            kept.set_result(end.record)
        else:
            kept.set_exception(end)
        if not self._under_way and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _made(self, kept: asyncio.Future[Record], making: asyncio.Future[PendingRecord]) -> None:
        problem = making.exception()
        if problem is not None:
            self._tell(kept, problem)
        else:
            self._hand_in(making.result(), kept)

    def _hand_in(self, deposit: PendingRecord, kept: asyncio.Future[Record]) -> None:
        if _is_large(deposit.content):
            self._run(self._threads, [(deposit, kept)])
        else:
            self._waiting.append((deposit, kept))
            if len(self._waiting) == 1:
                asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if not self._busy and self._waiting:
            self._busy = True
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            self._run(self._own, batch).add_done_callback(self._go_on)

    def _go_on(self, _: object) -> None:
        self._busy = False
        self._next()

    def _run(
        self, threads: ThreadPoolExecutor, batch: Sequence[_Waiting]
    ) -> asyncio.Future[Sequence[Committed | OSError]]:
        deposits = [deposit for deposit, _ in batch]
        done = asyncio.get_running_loop().run_in_executor(threads, self._keep, deposits)
        done.add_done_callback(partial(self._tell_all, batch))
        return done

    def _tell_all(self, batch: Sequence[_Waiting], done: asyncio.Future[Sequence[Committed | OSError]]) -> None:
        problem = done.exception()
        ends: Sequence[Committed | BaseException] = done.result() if problem is None else [problem] * len(batch)
        for (_, kept), end in zip(batch, ends, strict=True):
            self._tell(kept, end)


def _is_large(content: bytes | Path | None) -> bool:
    if isinstance(content, Path):
        try:
            return content.stat().st_size > _LARGE
        except OSError:  # whoever reads it tells
            return False
    return content is not None and len(content) > _LARGE


def take(
    step: Step,
    shot: Shot,
    clip: Path,
    delivery: GeneratedClip,
    began_with: bytes | None = None,
    *,
    accepted: bool = False,
) -> PendingRecord:
    """A finished take. *began_with* is the picture of another shot that it was asked to begin with.

    *accepted* says that it was made for another request than it answers.
    """
    jump = _jump(clip, began_with) if began_with is not None else None
    source = shot.source
    return deposit(
        step,
        "clip",
        clip,
        clip_facts(delivery.info) | ({"jump": jump} if jump is not None else {}),
        seconds=delivery.seconds,
        provider=source.provider if isinstance(source, Generated) else "",
        seed=delivery.seed,
        task_id=delivery.task_id,
        cost=str(delivery.cost) if delivery.cost else None,
        note=ACCEPTED if accepted else "; ".join(delivery.notes),
    )


def named(record: Record, facts: Mapping[str, Any]) -> PendingRecord:
    """The record of a take that is here, and of which only the lockfile told until now."""
    return PendingRecord(replace(record, info=dict(facts), made=replace(record.made, at=_now())))


def _jump(clip: Path, began_with: bytes) -> float | None:
    from storyboard.media.frames import first_frame_distance
    from storyboard.media.reader import InvalidMedia

    try:
        return first_frame_distance(clip, began_with)
    except InvalidMedia:  # it has passed its gate; what is only worth a remark stops nothing
        return None


def frame(step: Step, clip: Path) -> PendingRecord:
    """One frame of *clip*, decoded. Raises ``TaskFailed``."""
    from storyboard.media.frames import UnreadableMedia, extract_frame

    at = step.action.at
    moments: dict[str, Literal["first", "last"]] = {"first": "first", "last": "last"}
    began = time.monotonic()
    try:
        picture = extract_frame(clip, moments[at] if at in moments else Fraction(at))
    except UnreadableMedia as problem:
        raise TaskFailed(f"frame `{at}` of {step.action.shot}: {problem}") from problem
    facts, values = {"size": str(picture.size)}, {"planes": picture.planes}
    return deposit(step, "picture", picture.png, facts, values, seconds=time.monotonic() - began)


def segment(step: Step, clip: Path, info: ClipInfo, frames: int, seconds: float) -> PendingRecord:
    """A rendered stretch; it counts only with the frames it should have. Raises ``TaskFailed``."""
    if info.frames != frames:
        raise TaskFailed(f"the segment of {step.action.shot} has {info.frames} frames instead of {frames}")
    return deposit(step, "clip", clip, clip_facts(info), seconds=seconds)


def film(step: Step, digest: str, seconds: float) -> PendingRecord:
    """Which film a cut gave; its bytes stay at the output path alone."""
    return deposit(step, "", None, {}, {"film": digest}, seconds=seconds)


def deposit(
    step: Step,
    name: str,
    content: bytes | Path | None,
    info: Mapping[str, Any],
    values: Mapping[str, str] | None = None,
    **made: Any,
) -> PendingRecord:
    """What *step* has made. *made* are fields of the record's ``Provenance``."""
    if step.key is None or step.request is None:
        raise TypeError(f"{step.action.id} has no key")
    record = Record(
        key=step.key,
        kind=step.action.kind,
        request=step.request,
        outputs={},
        values=dict(values or {}),
        info=dict(info),
        made=Provenance(at=_now(), tool=__version__, label=step.action.shot, **made),
    )
    return PendingRecord(record, name, content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
