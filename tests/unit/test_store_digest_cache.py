"""The digest cache may forget, and is never wrong."""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storyboard.durable import NotAFile
from storyboard.store import digest_cache as module
from storyboard.store.digest_cache import DigestCache

LATER = 4e9
Opener = Callable[[Path, float], DigestCache]


@pytest.fixture
def remember() -> Iterator[Opener]:
    """Opens indexes and closes them in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda path, now: stack.enter_context(DigestCache(path, lambda: now))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hashing that really happens."""
    done: list[str] = []
    real = hashlib.file_digest

    def spy(file: object, name: str) -> object:
        result = real(file, name)  # type: ignore[arg-type]
        done.append(result.hexdigest())
        return result

    monkeypatch.setattr(hashlib, "file_digest", spy)
    return done


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_unchanged_file_is_read_once_by_any_number_of_processes(tmp_path: Path, reads: list[str]) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    with DigestCache(tmp_path / "index.sqlite", lambda: LATER) as index:
        assert index.digest_of(own) == index.digest_of(own) == sha(b"temple")
    with DigestCache(tmp_path / "index.sqlite", lambda: LATER) as index:
        assert index.digest_of(own) == sha(b"temple")
    assert len(reads) == 1


def test_file_changed_at_the_moment_of_hashing_is_read_again(
    tmp_path: Path, remember: Opener, reads: list[str]
) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    now = max(own.stat().st_mtime, own.stat().st_ctime)
    index = remember(tmp_path / "index.sqlite", now + 1.9)
    index.digest_of(own)
    index.digest_of(own)
    assert len(reads) == 2
    later = remember(tmp_path / "index.sqlite", now + 2.1)
    later.digest_of(own)
    later.digest_of(own)
    assert len(reads) == 3


def test_clock_behind_the_file_remembers_nothing(tmp_path: Path, remember: Opener, reads: list[str]) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    index = remember(tmp_path / "index.sqlite", 1000.0)
    index.digest_of(own)
    index.digest_of(own)
    assert len(reads) == 2


def _same_size_same_mtime(own: Path) -> None:
    seen = own.stat()
    own.write_bytes(b"tempel")
    os.utime(own, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _another_inode(own: Path) -> None:
    seen = own.stat()
    twin = own.with_name("twin")
    twin.write_bytes(b"tempel")
    os.utime(twin, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    twin.replace(own)


@pytest.mark.parametrize("edit", [_same_size_same_mtime, _another_inode])
def test_edit_is_seen_though_size_and_mtime_are_the_same(
    tmp_path: Path, remember: Opener, edit: Callable[[Path], None]
) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    index = remember(tmp_path / "index.sqlite", LATER)
    index.digest_of(own)
    ctime = own.stat().st_ctime_ns
    while own.stat().st_ctime_ns == ctime:  # kernels stamp in steps of some milliseconds
        edit(own)
    assert index.digest_of(own) == sha(own.read_bytes()) == sha(b"tempel")


def test_file_that_changes_under_the_reader_is_not_remembered(
    tmp_path: Path, remember: Opener, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    index = remember(tmp_path / "index.sqlite", LATER)
    real = hashlib.file_digest

    def grow(file: object, name: str) -> object:
        result = real(file, name)  # type: ignore[arg-type]
        with own.open("ab") as more:
            more.write(b"!")
        return result

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", grow)
        index.digest_of(own)
    assert index.digest_of(own) == sha(b"temple!")


@pytest.mark.parametrize(
    "junk", [b"", b"not a database, just text of some length" * 10, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_broken_memory_is_made_again(tmp_path: Path, reads: list[str], junk: bytes) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    path = tmp_path / "index.sqlite"
    path.write_bytes(junk)
    for _ in range(2):
        with DigestCache(path, lambda: LATER) as index:
            assert index.digest_of(own) == sha(b"temple")
    assert len(reads) == 1


def test_memory_broken_while_open_costs_only_time(tmp_path: Path) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    path = tmp_path / "index.sqlite"
    with DigestCache(path, lambda: LATER) as index:
        index.digest_of(own)
    with DigestCache(path, lambda: LATER) as index:
        path.write_bytes(b"\x00\xff" * 8192)
        path.with_name("index.sqlite-wal").write_bytes(b"\xff" * 5000)
        assert index.digest_of(own) == sha(b"temple")
        index.flush()
    with DigestCache(path, lambda: LATER) as index:
        assert index.digest_of(own) == sha(b"temple")


def test_memory_of_another_version_is_made_again(tmp_path: Path, reads: list[str]) -> None:
    path = tmp_path / "index.sqlite"
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE files (something TEXT)")
    base.execute(f"PRAGMA user_version = {module.VERSION + 1}")
    base.commit()
    base.close()
    for _ in range(2):
        with DigestCache(path, lambda: LATER) as index:
            index.digest_of(own)
    assert len(reads) == 1


@pytest.mark.parametrize("column", ["stamp", "digest"])
def test_changed_cell_is_not_believed(tmp_path: Path, column: str) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    path = tmp_path / "index.sqlite"
    with DigestCache(path, lambda: LATER) as index:
        index.digest_of(own)
    base = sqlite3.connect(path)
    assert base.execute(f"UPDATE files SET {column} = {column} || '0'").rowcount == 1
    base.commit()
    base.close()
    with DigestCache(path, lambda: LATER) as index:
        assert index.digest_of(own) == sha(b"temple")


def test_writer_elsewhere_is_not_waited_for(tmp_path: Path, remember: Opener, reads: list[str]) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    path = tmp_path / "index.sqlite"
    index = remember(path, LATER)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    assert index.digest_of(own) == sha(b"temple")
    index.flush()
    other.rollback()
    other.close()
    index.digest_of(own)
    assert len(reads) == 2


def test_project_without_a_folder_is_remembered_in_memory_only(tmp_path: Path, reads: list[str]) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    with DigestCache(tmp_path / ".storyboard" / "index.sqlite", lambda: LATER) as index:
        index.digest_of(own)
        index.flush()
        index.digest_of(own)
    assert len(reads) == 1
    assert not (tmp_path / ".storyboard").exists()


def test_folder_in_the_place_of_the_memory_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.mkdir()
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    with DigestCache(path, lambda: LATER) as index:
        assert index.digest_of(own) == sha(b"temple")
    assert path.is_dir()


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with DigestCache(tmp_path / "index.sqlite", lambda: LATER) as index, pytest.raises(NotAFile):
        index.digest_of(tmp_path / "link")


def test_a_length_is_remembered_by_content_and_kind(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with DigestCache(path, lambda: LATER) as index:
        assert index.find_fact(sha(b"x"), "sound 1") is None
        index.add_fact(sha(b"x"), "sound 1", "5/2")
        assert index.find_fact(sha(b"x"), "sound 1") == "5/2"
    with DigestCache(path, lambda: LATER) as index:
        assert index.find_fact(sha(b"x"), "sound 1") == "5/2"
        assert index.find_fact(sha(b"x"), "clip 1") is None
        assert index.find_fact(sha(b"y"), "sound 1") is None


def test_a_length_whose_cells_were_damaged_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    with DigestCache(path, lambda: LATER) as index:
        index.add_fact(sha(b"x"), "sound 1", "5/2")
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE lengths SET length = '6/2'")
    with DigestCache(path, lambda: LATER) as index:
        assert index.find_fact(sha(b"x"), "sound 1") is None


@pytest.mark.parametrize("writable", [True, False])
def test_a_memory_that_kept_no_lengths_yet_serves_on(tmp_path: Path, writable: bool, reads: list[str]) -> None:
    path, own = tmp_path / "index.sqlite", tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    with DigestCache(path, lambda: LATER) as index:
        index.digest_of(own)
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        base.execute("DROP TABLE lengths")
    with DigestCache(path, lambda: LATER, writable=writable) as index:
        assert index.find_fact(sha(b"x"), "sound 1") is None
        assert index.digest_of(own) == sha(b"temple")
        index.add_fact(sha(b"x"), "sound 1", "5/2")
    with DigestCache(path, lambda: LATER) as index:
        assert index.find_fact(sha(b"x"), "sound 1") == ("5/2" if writable else None)
    assert len(reads) == 1


def test_an_open_file_is_known_by_its_stat_and_not_by_its_path(
    tmp_path: Path, remember: Opener, reads: list[str]
) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"temple")
    index = remember(tmp_path / "index.sqlite", LATER)
    with own.open("rb", buffering=0) as file:
        assert index.digest_of_open(os.fspath(own), file.fileno()) == sha(b"temple")
        assert index.digest_of_open(os.fspath(own), file.fileno()) == index.digest_of(own) == sha(b"temple")
        own.unlink()
        own.write_bytes(b"another")
        assert index.digest_of_open(os.fspath(own), file.fileno()) == sha(b"temple")
    assert len(reads) == 2, "the path leads to another file by now, whose stat is not the remembered one"
