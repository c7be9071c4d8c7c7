"""Every call of the operating system fails once, or is the last one: nothing partial is ever seen.

The n-th call fails for n = 1, 2, 3 … until the whole scene survives, as SQLite tests its own writes.
"""

import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from storyboard.core.plan import LockEntry, LockInfo
from storyboard.core.results import Provenance, Record
from storyboard.store import lockfile
from storyboard.store.blobs import BlobStore
from storyboard.store.digest_cache import DigestCache
from storyboard.store.integrity import decode_with_checksum
from storyboard.store.journal import Job, Journal
from storyboard.store.ledger import Ledger, LedgerEntry
from storyboard.store.lockfile import Lockfile
from storyboard.store.records import RecordStore

CALLS = ("open", "write", "fsync", "replace", "link", "mkdir", "unlink")
TAKE = b"take" * 1000
KEY = "ab" * 32
JOB = Job("task-1", KEY, 1, "glide", "runware", "runway:1@2", "cd" * 32, {}, "0.964", 1.0)
OLD = Lockfile({"temple": {"local": LockEntry(KEY, "ef" * 32, LockInfo(1, "24/1"))}})
GLIDE = LockEntry(KEY, hashlib.sha256(TAKE).hexdigest(), LockInfo(192, "24/1"))
NEW = Lockfile({**OLD.shots, "glide": {"runware": GLIDE}})


def money(event: Any) -> LedgerEntry:
    return LedgerEntry(1.0, event, JOB.task_id, KEY, 1, "glide", "runware", "runway:1@2", 8, "1280x720", "0.964")


class Project:
    """A project folder and one whole paid shot in it, as a build would do it."""

    def __init__(self, root: Path, index: DigestCache) -> None:
        self.root = root
        self.lock = root / "storyboard.lock"
        self.blobs = BlobStore(root / "cache")
        self.journal = Journal(root / "journal")
        self.ledger = Ledger(root / "ledger.jsonl")
        self.records = RecordStore(root / "cache", self.blobs, index)

    def prepare(self) -> None:
        self.root.mkdir()
        lockfile.write(self.lock, OLD)

    def make_a_take(self) -> None:
        if self.records.find(KEY):
            return self.finish()
        if JOB.task_id not in self.ledger.spend().reserved:
            assert self.ledger.reserve(money("reserved"), Decimal(1))
        self.journal.open(JOB)
        self.journal.advance(JOB.task_id, "submitted")
        temp = self.blobs.temp_path(".mp4")
        temp.write_bytes(TAKE)
        digest = self.blobs.put_file(temp)
        self.blobs.put_bytes(TAKE[:100])
        self.records.add(Record(KEY, "take", {}, {"video": digest}, Provenance(at="2026-11-22T10:00:00Z")))
        return self.finish()

    def finish(self) -> None:
        lockfile.write(self.lock, NEW)
        self.ledger.append(money("settled"))
        self.journal.close(JOB.task_id)

    def everything_visible_is_whole(self) -> None:
        for path in self.root.glob("cache/blobs/*/*"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        for path in self.root.glob("cache/records/*/*/*.json"):
            assert decode_with_checksum(path.read_bytes(), Record).key == KEY
        for path in self.root.glob("journal/*.json"):
            assert decode_with_checksum(path.read_bytes(), Job).task_id == JOB.task_id
        assert lockfile.read(self.lock) in (OLD, NEW)
        assert not (self.root / "cache" / "damaged").exists()

    def is_done(self) -> None:
        self.everything_visible_is_whole()
        assert [record.digest for record in self.records.find(KEY)] == [hashlib.sha256(TAKE).hexdigest()]
        assert lockfile.read(self.lock) == NEW
        assert self.journal.jobs() == []
        spend = self.ledger.spend()
        assert (spend.spent, spend.reserved) == (Decimal("0.964"), {})


def memory(folder: Path) -> DigestCache:
    """An index that writes nothing, so that its calls do not count."""
    return DigestCache(folder / "no folder" / "index.sqlite", clock=lambda: 4e9)


class Fuse:
    """Counts calls of ``os`` in the project, and acts at the n-th."""

    def __init__(self, number: int, act: Callable[[Any], None]) -> None:
        self.left = number
        self.act = act

    def guard(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.act(args[0])
            return real(*args, **kwargs)

        return call


@contextmanager
def fused(fuse: Fuse) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, fuse.guard(name))
        yield


def error_of(project: Project, fuse: Fuse) -> OSError | None:
    """What one run with a fault ends in."""
    try:
        with fused(fuse):
            project.make_a_take()
    except OSError as problem:
        return problem
    return None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_error_at_any_call_names_a_path_shows_nothing_partial_and_is_made_good_by_the_next_run(
    tmp_path: Path, number: int
) -> None:
    def fail(place: Any) -> None:
        if isinstance(place, int):  # calls on descriptors name no file
            raise OSError(number, os.strerror(number))
        raise OSError(number, os.strerror(number), os.fspath(place))

    failures = 0
    with memory(tmp_path) as index:
        for n in range(1, 500):
            project = Project(tmp_path / str(n), index)
            project.prepare()
            fuse = Fuse(n, fail)
            problem = error_of(project, fuse)
            if problem is not None:
                failures += 1
                assert problem.errno == number
                assert str(project.root) in str(problem.filename), n
                project.everything_visible_is_whole()
                project = Project(project.root, index)
                project.make_a_take()
            project.is_done()
            if fuse.left > 0:
                break
    assert fuse.left > 0
    assert failures > 40


def kill_at_every_call(folder: Path, index: DigestCache) -> int:
    """In a process without threads: fork for each n, die at the n-th call, look, and let the parent go on."""
    for n in range(1, 500):
        project = Project(folder / str(n), index)
        project.prepare()
        child = os.fork()
        if child == 0:
            with fused(Fuse(n, lambda _: os._exit(137))):
                Project(project.root, index).make_a_take()
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        project.everything_visible_is_whole()
        Project(project.root, index).make_a_take()
        project.blobs.sweep()
        project.is_done()
        assert list(project.blobs.temps.iterdir()) == []
        if status == 0:
            return n - 1
        assert status == 137
    raise AssertionError("never survived")


def test_death_at_any_call_shows_nothing_partial_and_the_next_run_goes_on(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, __file__, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


if __name__ == "__main__":
    with memory(Path(sys.argv[1])) as index:
        print(kill_at_every_call(Path(sys.argv[1]), index))
