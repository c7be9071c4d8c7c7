"""Files that are whole or absent."""

import ast
import contextlib
import errno
import os
import re
import stat
import threading
import time
from pathlib import Path

import pytest

from storyboard import durable
from storyboard.store.integrity import find_quarantined, quarantine


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_replaces_the_old_content_and_leaves_no_temp(tmp_path: Path) -> None:
    path = tmp_path / "film.lock"
    durable.write_atomic(path, b"old")
    durable.write_atomic(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["film.lock"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    durable.write_atomic(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_file_is_synced_before_the_rename_and_the_folder_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(descriptor: int) -> None:
        calls.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def spy_replace(source: Path, target: Path) -> None:
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    durable.write_atomic(tmp_path / "a", b"x")
    assert calls == ["sync file", "rename", "sync folder"]


def test_new_folders_are_synced_into_their_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable, "fsync_folder", synced.append)
    durable.make_folders(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    durable.make_folders(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FileExistsError):
        durable.make_folders(tmp_path / "a")


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_error_names_the_target_keeps_the_old_and_removes_the_temp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "film.lock"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match=r"No space left on device: .*film\.lock'"):
            durable.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["film.lock"]


def test_write_new_refuses_a_name_that_is_taken(tmp_path: Path) -> None:
    durable.write_new(tmp_path / "job", b"first")
    with pytest.raises(FileExistsError):
        durable.write_new(tmp_path / "job", b"second")
    assert (tmp_path / "job").read_bytes() == b"first"
    assert names(tmp_path) == ["job"]


def test_write_new_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    durable.write_new(tmp_path / "job", b"first")
    with pytest.raises(FileExistsError):
        durable.write_new(tmp_path / "job", b"second")
    assert (tmp_path / "job").read_bytes() == b"first"
    assert names(tmp_path) == ["job"]


def test_one_of_many_wins_a_new_name_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def slow_lexists(path: Path) -> bool:
        there = real(path)
        time.sleep(0.02)  # in which another one looks too
        return there

    def write(number: int) -> None:
        start.wait()
        with contextlib.suppress(FileExistsError):
            durable.write_new(tmp_path / "job", b"%d" % number)
            won.append(b"%d" % number)

    real, start, won = os.path.lexists, threading.Barrier(4), list[bytes]()
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os.path, "lexists", slow_lexists)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [(tmp_path / "job").read_bytes()]
    assert names(tmp_path) == ["job"]


def test_folder_without_sync_on_this_file_system_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", unsupported)
    durable.fsync_folder(tmp_path)


@pytest.mark.parametrize("kind", ["symlink", "dangling", "folder", "pipe"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    match kind:
        case "symlink":
            (tmp_path / "real").write_bytes(b"secret")
            path.symlink_to(tmp_path / "real")
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    with pytest.raises(durable.NotAFile) as caught:
        durable.read_regular(path)
    assert caught.value.filename == str(path)


def test_what_is_set_aside_is_found_again_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"odd")
    assert find_quarantined("a", tmp_path / "damaged") is None
    kept = quarantine(tmp_path / "a", tmp_path / "damaged")
    assert kept.read_bytes() == b"odd"
    assert not (tmp_path / "a").exists()
    assert find_quarantined("a", tmp_path / "damaged") == kept


def test_what_cannot_be_moved_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"odd")

    def read_only(source: Path, target: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", read_only)
    assert quarantine(tmp_path / "a", tmp_path / "damaged") == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == b"odd"


# who may remove, rename and replace

HOUSE = Path(durable.__file__).parent
_METHODS = {"unlink", "rmtree", "rmdir", "removedirs", "rename", "renames", "symlink_to", "hardlink_to", "move"}
_OF_OS = {"remove", "replace", "rename", "unlink", "rmdir", "removedirs", "renames", "symlink", "link", "truncate"}


# of shutil: these change nothing
_READERS = ("disk_usage", "get_terminal_size", "which")


def removals(source: str) -> list[int]:
    """Lines that remove, rename or replace a file, or put a link."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil"):
            found += [node.lineno for name in node.names if name.name in _METHODS | _OF_OS]
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        name = node.func.attr
        renames = name == "replace" and len(node.args) == 1 and not node.keywords and owner != "structs"
        if (
            name in _METHODS
            or renames
            or (owner == "os" and name in _OF_OS)
            or (owner == "shutil" and name not in _READERS)
        ):
            found.append(node.lineno)
    return found


def test_only_the_lowest_modules_remove_rename_and_replace_files() -> None:
    places = {
        f"{path.relative_to(HOUSE).as_posix()}:{line}"
        for path in HOUSE.rglob("*.py")
        for line in removals(path.read_text(encoding="utf-8"))
    }
    allowed = {
        "durable.py",
        "operating_system.py",
    }
    assert {place for place in places if place.rpartition(":")[0] not in allowed} == set()


@pytest.mark.parametrize(
    "line",
    [
        "path.unlink()",
        "os.remove(path)",
        "os.replace(a, b)",
        "a.replace(b)",
        "a.rename(b)",
        "shutil.rmtree(a)",
        "shutil.move(a, b)",
        "from shutil import rmtree",
        "os.rmdir(a)",
        "a.rmdir()",
        "a.symlink_to(b)",
    ],
)
def test_removals_are_seen(line: str) -> None:
    assert removals(line) == [1]


@pytest.mark.parametrize(
    "line", ["text.replace(a, b)", "structs.replace(a, x=1)", "replace(a, x=1)", "names.remove(a)"]
)
def test_what_removes_no_file_is_not_taken_for_it(line: str) -> None:
    assert removals(line) == []


def test_sweep_follows_no_link_and_takes_no_tree(tmp_path: Path) -> None:
    top, elsewhere = tmp_path / "top", tmp_path / "elsewhere"
    for folder in (top / "a" / "b" / "c", elsewhere):
        folder.mkdir(parents=True)
        (folder / ".x.0123456789abcdef.tmp").write_text("x")
    (top / "a" / "link").symlink_to(elsewhere)
    (top / "a" / ".x.0123456789abcdef.tmp").mkdir()
    durable.sweep(durable.STAGED, top, "a", depth=1)
    assert (top / "a" / "b" / "c" / ".x.0123456789abcdef.tmp").exists()
    durable.sweep(durable.STAGED, top, "a", depth=2)
    assert names(top / "a" / "b" / "c") == []
    assert names(elsewhere) == [".x.0123456789abcdef.tmp"]
    assert names(top / "a") == [".x.0123456789abcdef.tmp", "b", "link"]


@pytest.mark.parametrize("step", ["a", "a/b"])
def test_removal_below_a_link_is_refused(tmp_path: Path, step: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "b").mkdir(parents=True)
    (elsewhere / "c").write_text("mine")
    (elsewhere / "b" / "c").write_text("mine")
    path = tmp_path / "top" / step
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with pytest.raises(durable.LinkOnTheWay) as caught:
        durable.remove_below(tmp_path / "top", "a", "b", "c")
    assert caught.value.filename == str(path)
    assert (elsewhere / "b" / "c").exists()
    assert (elsewhere / "c").exists()


@pytest.mark.parametrize("name", ["film.mp4", "a" * 250 + ".mp4", "ünïcode [1]*.mp4"])
def test_names_of_staged_files_are_known_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert durable.staged_names(path).fullmatch(durable.temp_path(path).name)
    assert durable.STAGED.fullmatch(durable.temp_path(path).name)
    assert not durable.staged_names(path).fullmatch(durable.temp_path(tmp_path / "another.mp4").name)


def test_a_note_written_while_the_clock_was_ahead_makes_room_for_the_ones_of_today(tmp_path: Path) -> None:
    now = time.time()
    for name, age in (("old", 60), ("today", 1), ("future", -3600), ("far", -86_400)):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (now - age, now - age))
    durable.keep_youngest(re.compile("[a-z]+"), 2, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "today"]


def test_a_disk_that_fills_up_under_the_clock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left on device") as found:
        durable.clock(tmp_path)
    assert found.value.filename == os.fspath(tmp_path)
    assert names(tmp_path) == []
