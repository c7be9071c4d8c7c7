"""Records that are ready while the disk is busy are committed together, none waits, and none is lost."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pytest

from storyboard.core.results import Provenance, Record
from storyboard.engine.commit import CommitQueue
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.records import Committed, PendingRecord

THREADS = ThreadPoolExecutor(4)


class SlowDisk:
    """Commits a batch when ``go_on`` is set; *bad* labels cannot be committed."""

    def __init__(self, *, bad: str = "") -> None:
        self.batches: list[list[str]] = []
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.bad = bad

    def commit(self, pending: Sequence[PendingRecord]) -> list[Committed | OSError]:
        names = [one.record.made.label for one in pending]
        self.batches.append(names)
        self.began.set()
        assert self.go_on.wait(10)
        if self.bad == "everything":
            raise RuntimeError("no disk")
        return [
            OSError(28, "No space left on device") if name == self.bad else Committed(one.record, new=True)
            for name, one in zip(names, pending, strict=True)
        ]

    def both_began(self) -> None:
        while len(self.batches) < 2:
            time.sleep(0.01)


def pending(name: str, content: bytes | Path = b"clip") -> PendingRecord:
    return PendingRecord(Record("5e" * 32, "take", {}, {}, Provenance(at="", label=name)), "clip", content)


async def began(disk: SlowDisk) -> None:
    assert await asyncio.to_thread(disk.began.wait, 10)


def test_what_comes_while_the_disk_is_busy_goes_together() -> None:
    async def scene() -> None:
        disk = SlowDisk()
        queue = CommitQueue(disk.commit, THREADS)
        first = asyncio.create_task(queue.commit(pending("first")))
        await began(disk)  # alone, and at once
        others = [asyncio.create_task(queue.commit(pending(f"{number:03d}"))) for number in range(100)]
        await asyncio.sleep(0)
        assert not first.done()
        disk.go_on.set()
        assert (await first).made.label == "first"
        assert [(await other).made.label for other in others] == [f"{number:03d}" for number in range(100)]
        await queue.close()
        assert [len(batch) for batch in disk.batches] == [1, 64, 36]
        assert list(chain(*disk.batches)) == ["first", *(f"{number:03d}" for number in range(100))]

    asyncio.run(scene())


def test_what_was_handed_in_is_kept_though_nobody_waits_any_more() -> None:
    async def scene() -> None:
        disk = SlowDisk(bad="2")
        queue = CommitQueue(disk.commit, THREADS)
        tasks = [asyncio.create_task(queue.commit(pending(str(number)))) for number in range(3)]
        tasks.append(asyncio.create_task(queue.commit_made(lambda: pending("made"))))
        await began(disk)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        disk.go_on.set()
        await queue.close()
        assert sorted(chain(*disk.batches)) == ["0", "1", "2", "made"]

    asyncio.run(scene())


def test_what_goes_wrong_is_told_to_whom_it_concerns() -> None:
    def unmade() -> PendingRecord:
        raise TaskFailed("no such frame")

    async def scene() -> None:
        disk = SlowDisk(bad="b")
        disk.go_on.set()
        queue = CommitQueue(disk.commit, THREADS)
        a, b, c = await asyncio.gather(
            queue.commit(pending("a")), queue.commit(pending("b")), queue.commit_made(unmade), return_exceptions=True
        )
        assert isinstance(a, Record)
        assert isinstance(b, OSError)
        assert b.errno == 28
        assert isinstance(c, TaskFailed)
        disk.bad = "everything"
        with pytest.raises(RuntimeError, match="no disk"):
            await queue.commit(pending("d"))
        await queue.close()

    asyncio.run(scene())


def test_what_is_large_is_not_waited_for(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes((1 << 20) + 1))

    async def scene() -> None:
        disk = SlowDisk()
        queue = CommitQueue(disk.commit, THREADS)
        tasks = [asyncio.create_task(queue.commit(pending("large", large)))]
        await began(disk)
        tasks += [asyncio.create_task(queue.commit(pending(name))) for name in ("a", "b")]
        tasks.append(asyncio.create_task(queue.commit(pending("gone", tmp_path / "gone.mp4"))))
        await asyncio.to_thread(disk.both_began)
        disk.go_on.set()
        await asyncio.gather(*tasks)
        await queue.close()
        assert disk.batches == [["large"], ["a", "b", "gone"]]

    asyncio.run(scene())
