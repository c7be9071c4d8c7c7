"""What comes while the disk is busy is kept together, nothing waits, and nothing that was handed in is lost."""

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
    """Keeps a batch when it is told to; *bad* labels cannot be kept."""

    def __init__(self, *, bad: str = "") -> None:
        self.batches: list[list[str]] = []
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.bad = bad

    def keep(self, deposits: Sequence[PendingRecord]) -> list[Committed | OSError]:
        names = [deposit.record.made.label for deposit in deposits]
        self.batches.append(names)
        self.began.set()
        assert self.go_on.wait(10)
        if self.bad == "everything":
            raise RuntimeError("no disk")
        return [
            OSError(28, "No space left on device") if name == self.bad else Committed(deposit.record, new=True)
            for name, deposit in zip(names, deposits, strict=True)
        ]

    def both_began(self) -> None:
        while len(self.batches) < 2:
            time.sleep(0.01)


def deposit(name: str, content: bytes | Path = b"clip") -> PendingRecord:
    return PendingRecord(Record("5e" * 32, "take", {}, {}, Provenance(at="", label=name)), "clip", content)


async def began(disk: SlowDisk) -> None:
    assert await asyncio.to_thread(disk.began.wait, 10)


def test_what_comes_while_the_disk_is_busy_goes_together() -> None:
    async def scene() -> None:
        disk = SlowDisk()
        keeper = CommitQueue(disk.keep, THREADS)
        first = asyncio.create_task(keeper.keep(deposit("first")))
        await began(disk)  # alone, and at once
        others = [asyncio.create_task(keeper.keep(deposit(f"{number:03d}"))) for number in range(100)]
        await asyncio.sleep(0)
        assert not first.done()
        disk.go_on.set()
        assert (await first).made.label == "first"
        assert [(await other).made.label for other in others] == [f"{number:03d}" for number in range(100)]
        await keeper.close()
        assert [len(batch) for batch in disk.batches] == [1, 64, 36]
        assert list(chain(*disk.batches)) == ["first", *(f"{number:03d}" for number in range(100))]

    asyncio.run(scene())


def test_what_was_handed_in_is_kept_though_nobody_waits_any_more() -> None:
    async def scene() -> None:
        disk = SlowDisk(bad="2")
        keeper = CommitQueue(disk.keep, THREADS)
        tasks = [asyncio.create_task(keeper.keep(deposit(str(number)))) for number in range(3)]
        tasks.append(asyncio.create_task(keeper.keep_made(lambda: deposit("made"))))
        await began(disk)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        disk.go_on.set()
        await keeper.close()
        assert sorted(chain(*disk.batches)) == ["0", "1", "2", "made"]

    asyncio.run(scene())


def test_what_goes_wrong_is_told_to_whom_it_concerns() -> None:
    def unmade() -> PendingRecord:
        raise TaskFailed("no such frame")

    async def scene() -> None:
        disk = SlowDisk(bad="b")
        disk.go_on.set()
        keeper = CommitQueue(disk.keep, THREADS)
        a, b, c = await asyncio.gather(
            keeper.keep(deposit("a")), keeper.keep(deposit("b")), keeper.keep_made(unmade), return_exceptions=True
        )
        assert isinstance(a, Record)
        assert isinstance(b, OSError)
        assert b.errno == 28
        assert isinstance(c, TaskFailed)
        disk.bad = "everything"
        with pytest.raises(RuntimeError, match="no disk"):
            await keeper.keep(deposit("d"))
        await keeper.close()

    asyncio.run(scene())


def test_what_is_large_is_not_waited_for(tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes((1 << 20) + 1))

    async def scene() -> None:
        disk = SlowDisk()
        keeper = CommitQueue(disk.keep, THREADS)
        tasks = [asyncio.create_task(keeper.keep(deposit("large", large)))]
        await began(disk)
        tasks += [asyncio.create_task(keeper.keep(deposit(name))) for name in ("a", "b")]
        tasks.append(asyncio.create_task(keeper.keep(deposit("gone", tmp_path / "gone.mp4"))))
        await asyncio.to_thread(disk.both_began)
        disk.go_on.set()
        await asyncio.gather(*tasks)
        await keeper.close()
        assert disk.batches == [["large"], ["a", "b", "gone"]]

    asyncio.run(scene())
