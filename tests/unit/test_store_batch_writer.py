"""Records that are committed together: each as safe as alone, in one order, and errors stay with their own."""

import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storyboard.core.results import Provenance, Record
from storyboard.store.blobs import BlobStore, Damaged
from storyboard.store.digest_cache import DigestCache
from storyboard.store.integrity import decode_with_checksum
from storyboard.store.records import Committed, PendingRecord, RecordStore

CALLS = ("open", "write", "fsync", "replace", "mkdir", "fchmod", "read")


class Store:
    """The blobs and records of a cache in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = BlobStore(folder)
        self.index = DigestCache(folder / "none" / "index.sqlite", clock=lambda: 4e9)
        self.records = RecordStore(folder, self.blobs, self.index)

    def deposit(self, number: int, data: bytes | None = None, *, file: bool = True) -> PendingRecord:
        made = Provenance(at="2026-11-22T10:00:00Z", label=f"shot-{number}")
        content: bytes | Path = data if data is not None else b"clip %d" % number
        if file and isinstance(content, bytes):
            path = self.blobs.temp_path(".mp4")
            path.write_bytes(content)
            content = path
        return PendingRecord(Record(key_of(number), "take", {"number": number}, {}, made), "clip", content)

    def all_kept(self) -> list[str]:
        """The labels of what counts; everything that is visible is whole."""
        for path in self.folder.glob("blobs/*/*"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        for path in self.folder.glob("records/*/*/*.json"):
            [found] = [one for one in self.records.states(path.parent.name) if one.record.digest == path.stem]
            assert found.complete
        assert self.records.troubles == []
        return sorted(record.made.label for record in self.records.scan())

    def left(self) -> list[Path]:
        return [*self.folder.glob("tmp/*"), *self.folder.glob("records/**/.*")]


def key_of(number: int) -> str:
    return hashlib.sha256(b"key %d" % number).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "cache")
    yield store
    store.blobs.writer.close()
    store.index.close()


class Disk:
    """What would be there after a power cut by the letter: synced content under names in folders that were synced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._content: set[int] = set()
        self._names: set[str] = {os.fspath(root)}
        self._pending: dict[str, set[str]] = {}
        self.records: list[Path] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        real_fsync, real_replace, real_mkdir = os.fsync, os.replace, os.mkdir

        def fsync(descriptor: int) -> None:
            looks = os.fstat(descriptor)
            folder = str(Path(f"/proc/self/fd/{descriptor}").readlink()) if stat.S_ISDIR(looks.st_mode) else None
            with self._lock:
                new = self._pending.pop(folder, set()) if folder is not None else set()
            real_fsync(descriptor)
            with self._lock:
                self._names |= new
                if folder is None:
                    self._content.add(looks.st_ino)

        def replace(source: Any, target: Any) -> None:
            real_replace(source, target)
            self._named(target)
            if os.fspath(target).endswith(".json"):
                self._counts(Path(target))

        def mkdir(path: Any, mode: int = 0o777) -> None:
            real_mkdir(path, mode)
            self._named(path)

        patch.setattr(os, "fsync", fsync)
        patch.setattr(os, "replace", replace)
        patch.setattr(os, "mkdir", mkdir)

    def survives(self, path: Path) -> bool:
        with self._lock:
            way = [os.fspath(one) for one in (path, *path.parents) if one == self.root or self.root in one.parents]
            return all(name in self._names for name in way) and (path.is_dir() or path.stat().st_ino in self._content)

    def _named(self, path: Any) -> None:
        with self._lock:
            self._pending.setdefault(os.fspath(Path(path).parent), set()).add(os.fspath(path))

    def _counts(self, path: Path) -> None:
        """A record is visible from now on: what it names has to be there whatever happens."""
        self.records.append(path)
        for digest in decode_with_checksum(path.read_bytes(), Record).outputs.values():
            assert self.survives(self.root / "blobs" / digest[:2] / digest)


def together(store: Store, deposits: list[PendingRecord]) -> list[Record]:
    return [end.record for end in store.records.commit(deposits) if isinstance(end, Committed)]


def one_by_one(store: Store, deposits: list[PendingRecord]) -> list[Record]:
    return [record for deposit in deposits for record in together(store, [deposit])]


def by_hand(store: Store, deposits: list[PendingRecord]) -> list[Record]:
    kept = []
    for deposit in deposits:
        assert isinstance(deposit.content, Path)
        outputs = {deposit.name: store.blobs.put_file(deposit.content)}
        record = Record(deposit.record.key, "take", deposit.record.request, outputs, deposit.record.made)
        store.records.add(record)
        kept.append(record)
    return kept


@pytest.mark.parametrize("how", [together, one_by_one, by_hand])
def test_no_record_counts_before_its_blob_is_safe_and_nobody_is_told_before_all_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Callable[[Store, list[PendingRecord]], list[Record]]
) -> None:
    root = tmp_path / "cache"
    root.mkdir()
    disk = Disk(root)
    disk.install(monkeypatch)
    store = Store(root)
    # more than there are folders of two digits in a row, so that some are shared, and one blob under two keys
    deposits = [store.deposit(number, b"same" if number in (3, 7) else None) for number in range(40)]
    kept = how(store, deposits)
    assert len(kept) == 40
    assert len(disk.records) == 40
    for record in kept:
        assert disk.survives(root / "records" / record.key[:2] / record.key / f"{record.digest}.json")
        assert disk.survives(root / "blobs" / record.digest[:2] / record.digest)
    assert len(store.all_kept()) == 40
    assert store.left() == []
    store.blobs.writer.close()
    store.index.close()


def test_what_is_recorded_already_is_said_and_stays(store: Store) -> None:
    [first] = store.records.commit([store.deposit(1)])
    ends = store.records.commit(
        [
            store.deposit(1),
            store.deposit(1, b"another take"),
            PendingRecord(Record(key_of(2), "cut", {}, {}, Provenance(at="x"))),
        ]
    )
    assert isinstance(first, Committed)
    assert [isinstance(end, Committed) and end.new for end in ends] == [False, True, True]
    assert ends[0] == Committed(first.record, new=False)
    assert len(store.records.states(key_of(1))) == 2
    assert store.left() == []


@pytest.mark.parametrize("settled", [True, False])
def test_a_file_is_not_read_again_if_it_was_written_before_the_clock_went_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, settled: bool
) -> None:
    deposit = store.deposit(1)
    assert isinstance(deposit.content, Path)
    written = time.time() + (-1 if settled else 3600)
    os.utime(deposit.content, (written, written))
    [end] = store.records.commit([deposit])
    assert isinstance(end, Committed)
    blob = store.blobs.path(end.record.digest)
    assert (os.fspath(blob) in store.index.stat_log.settled) is settled
    with monkeypatch.context() as patch:
        patch.setattr("storyboard.store.digest_cache.open_regular", Unopened)
        if settled:
            assert store.blobs.verified(end.record.digest, store.index) == blob
        else:
            with pytest.raises(Unopened):
                store.blobs.verified(end.record.digest, store.index)


class Unopened(Exception):
    """A file was to be opened."""

    def __init__(self, path: Path) -> None:
        raise self


def test_a_blob_that_is_written_to_after_it_was_kept_is_read_again(store: Store) -> None:
    deposit = store.deposit(1)
    assert isinstance(deposit.content, Path)
    os.utime(deposit.content, (1e9, 1e9))
    [end] = store.records.commit([deposit])
    assert isinstance(end, Committed)
    blob = store.blobs.path(end.record.digest)
    blob.chmod(0o644)
    blob.write_bytes(b"other!")
    with pytest.raises(Damaged):
        store.blobs.verified(end.record.digest, store.index)


def test_a_file_that_is_written_to_while_it_is_kept_is_not_believed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deposit = store.deposit(1)
    assert isinstance(deposit.content, Path)
    os.utime(deposit.content, (1e9, 1e9))
    real = os.replace

    def replace(source: str, target: str) -> None:
        if source == os.fspath(deposit.content):
            Path(source).chmod(0o644)
            Path(source).write_bytes(b"other!")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    [end] = store.records.commit([deposit])
    assert isinstance(end, Committed)
    with pytest.raises(Damaged):
        store.blobs.verified(end.record.digest, store.index)


def test_bytes_and_files_are_kept_alike(store: Store) -> None:
    ends = store.records.commit([store.deposit(1, b"one", file=False), store.deposit(2, b"two")])
    assert [end.record.digest for end in ends if isinstance(end, Committed)] == [
        hashlib.sha256(data).hexdigest() for data in (b"one", b"two")
    ]
    for path in store.folder.glob("blobs/*/*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o444


@pytest.mark.parametrize("call", CALLS)
def test_an_error_at_any_call_names_a_path_of_the_store_and_the_next_try_goes_on(tmp_path: Path, call: str) -> None:
    failed = 0
    for number in range(1, 100):
        store = Store(tmp_path / f"{call}-{number}" / "cache")
        deposits = [store.deposit(each) for each in range(3)]
        left = [number]
        real = getattr(os, call)

        def fail(*arguments: Any, left: list[int] = left, real: Any = real, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*arguments, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, call, fail)
            ends = store.records.commit(deposits)
        problems = [end for end in ends if isinstance(end, OSError)]
        assert all(str(store.folder) in str(problem.filename) for problem in problems), problems
        whole = [end.record.made.label for end in ends if isinstance(end, Committed)]
        assert set(whole) <= set(store.all_kept())
        assert store.left() == []
        assert len(problems) < 3 or call in ("fsync", "open", "mkdir")
        failed += bool(problems)
        ends = store.records.commit([store.deposit(each) for each in range(3)])
        assert all(isinstance(end, Committed) for end in ends)
        assert store.all_kept() == ["shot-0", "shot-1", "shot-2"]
        store.blobs.writer.close()
        store.index.close()
        if left[0] > 0:
            break
    assert left[0] > 0
    assert failed >= 3


def test_groups_from_several_threads_do_not_meet(store: Store) -> None:
    ends: list[Committed | OSError] = []

    def keep(start: int) -> None:
        ends.extend(store.records.commit([store.deposit(start + number) for number in range(10)]))

    threads = [threading.Thread(target=keep, args=(start,)) for start in range(0, 60, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [end for end in ends if isinstance(end, OSError)] == []
    assert len(store.all_kept()) == 65
    assert store.left() == []
