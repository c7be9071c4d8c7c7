"""Files that are whole or absent."""

import errno
import os
import stat
from pathlib import Path

import pytest

from storyboard.store import atomic
from storyboard.store.aside import kept_aside, set_aside


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_replaces_the_old_content_and_leaves_no_temp(tmp_path: Path) -> None:
    path = tmp_path / "film.lock"
    atomic.write_atomic(path, b"old")
    atomic.write_atomic(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["film.lock"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    atomic.write_atomic(tmp_path / "a", b"0123456789")
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
    atomic.write_atomic(tmp_path / "a", b"x")
    assert calls == ["sync file", "rename", "sync folder"]


def test_new_folders_are_synced_into_their_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(atomic, "fsync_folder", synced.append)
    atomic.make_folders(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    atomic.make_folders(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(FileExistsError):
        atomic.make_folders(tmp_path / "a")


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
            atomic.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["film.lock"]


def test_write_new_refuses_a_name_that_is_taken(tmp_path: Path) -> None:
    atomic.write_new(tmp_path / "job", b"first")
    with pytest.raises(FileExistsError):
        atomic.write_new(tmp_path / "job", b"second")
    assert (tmp_path / "job").read_bytes() == b"first"
    assert names(tmp_path) == ["job"]


def test_write_new_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    atomic.write_new(tmp_path / "job", b"first")
    with pytest.raises(FileExistsError):
        atomic.write_new(tmp_path / "job", b"second")
    assert (tmp_path / "job").read_bytes() == b"first"
    assert names(tmp_path) == ["job"]


def test_folder_without_sync_on_this_file_system_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", unsupported)
    atomic.fsync_folder(tmp_path)


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
    with pytest.raises(atomic.NotAFile) as caught:
        atomic.read_regular(path)
    assert caught.value.filename == str(path)


def test_what_is_set_aside_is_found_again_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"odd")
    assert kept_aside("a", tmp_path / "damaged") is None
    kept = set_aside(tmp_path / "a", tmp_path / "damaged")
    assert kept.read_bytes() == b"odd"
    assert not (tmp_path / "a").exists()
    assert kept_aside("a", tmp_path / "damaged") == kept


def test_what_cannot_be_moved_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"odd")

    def read_only(source: Path, target: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", read_only)
    assert set_aside(tmp_path / "a", tmp_path / "damaged") == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == b"odd"
