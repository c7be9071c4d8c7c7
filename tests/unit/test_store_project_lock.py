"""One build at a time in a project, with nothing to clean up."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import pytest

from storyboard import durable
from storyboard.durable import remove_quietly, temp_path
from storyboard.store.project_lock import (
    LockLost,
    LockOwner,
    LockUnsupported,
    ProjectLock,
    ProjectLocked,
    acquire,
    make_lock,
    read_owner,
    wait_for_lock,
)
from storyboard.store.state import State

HOLD = """
import sys
from pathlib import Path
from storyboard.store.project_lock import ProjectLock
from storyboard.store.state import State
with ProjectLock(State(Path(sys.argv[1])), "river.yaml"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_builder(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the project until its stdin closes."""
    command = [sys.executable, "-c", HOLD, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_holder_is_written_down_while_the_lock_is_held(tmp_path: Path) -> None:
    with ProjectLock(State(tmp_path), "storyboard.yaml", clock=lambda: 1234.5) as builder:
        holder = read_owner(tmp_path)
        assert holder is not None
        assert (holder.pid, holder.storyboard, holder.since) == (os.getpid(), "storyboard.yaml", 1234.5)
        builder.check()
    assert read_owner(tmp_path) is None
    with ProjectLock(State(tmp_path), "storyboard.yaml"):
        pass


def test_held_project_is_refused_with_the_name_of_its_holder(tmp_path: Path) -> None:
    with another_builder(tmp_path) as process:
        with pytest.raises(ProjectLocked) as caught, ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0):
            pass
        assert caught.value.owner is not None
        assert (caught.value.owner.pid, caught.value.owner.storyboard) == (process.pid, "river.yaml")
        with pytest.raises(ProjectLocked), ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0.15):
            pass


def test_waiting_builder_is_told_once_for_whom_and_gets_the_project_then(tmp_path: Path) -> None:
    told: list[LockOwner | None] = []
    with another_builder(tmp_path) as process:

        def leave(holder: LockOwner | None) -> None:
            told.append(holder)
            assert process.stdin is not None
            process.stdin.close()

        with ProjectLock(State(tmp_path), "storyboard.yaml", on_wait=leave) as builder:
            builder.check()
            assert read_owner(tmp_path) != told[0]
    assert [holder.pid for holder in told if holder] == [process.pid]


def test_killed_builder_frees_the_project_at_once(tmp_path: Path) -> None:
    with another_builder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0):
            holder = read_owner(tmp_path)
            assert holder is not None
            assert holder.pid == os.getpid()


def test_temporary_file_that_could_not_be_removed_is_swept_away_like_one_of_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(errno.EACCES, "permission denied", os.fspath(str(path)))

    state = State(tmp_path)
    with ProjectLock(state, "river.yaml"):
        left = temp_path(state.folder / "journal.json")
        left.write_text("{")
        with monkeypatch.context() as patched:
            patched.setattr(durable, "unlink", refuse)
            remove_quietly(left)
    with ProjectLock(state, "river.yaml") as second:
        assert second.after_crash  # it ends before it sweeps, for example over a damaged lockfile
    with ProjectLock(state, "river.yaml") as third:
        assert third.after_crash
        remove_quietly(left)
        remove_quietly(left)
        third.swept()
    with ProjectLock(state, "river.yaml") as fourth:
        assert not fourth.after_crash


def test_lock_whose_release_failed_is_released_and_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    lock, real = make_lock(tmp_path / "ledger.lock"), fcntl.flock
    assert acquire(lock, 0)

    def refuse(descriptor: int, operation: int) -> None:
        if operation & fcntl.LOCK_UN:
            raise PermissionError(errno.EACCES, "permission denied")
        real(descriptor, operation)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", refuse)
        with suppress(OSError):
            lock.release()
    wait_for_lock(lock)
    assert lock.is_locked
    lock.release()


def test_program_started_by_a_builder_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with ProjectLock(State(tmp_path), "storyboard.yaml"):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        with ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0):
            assert child.poll() is None
    finally:
        child.communicate()


def test_lock_file_deleted_while_held_is_noticed_by_its_holder(tmp_path: Path) -> None:
    with ProjectLock(State(tmp_path), "storyboard.yaml") as first:
        (tmp_path / ".storyboard" / "builder.lock").unlink()
        with pytest.raises(LockLost):
            first.check()
        with another_builder(tmp_path):
            with pytest.raises(LockLost):
                first.check()
            written = read_owner(tmp_path)
            assert written is not None
            assert written.storyboard == "river.yaml"


def test_loser_does_not_wipe_the_note_of_the_one_after_it(tmp_path: Path) -> None:
    with another_builder(tmp_path) as process:
        (tmp_path / ".storyboard" / "builder.lock").unlink()
        with ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0):
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
            holder = read_owner(tmp_path)
            assert holder is not None
            assert holder.pid == os.getpid()


def test_failure_inside_frees_the_project(tmp_path: Path) -> None:
    with pytest.raises(KeyError), ProjectLock(State(tmp_path), "storyboard.yaml"):
        raise KeyError
    with ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0):
        pass


def test_full_disk_at_the_start_leaves_no_lock_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProjectLock(State(tmp_path), "storyboard.yaml"):
        pass

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match=r"builder\.json"), ProjectLock(State(tmp_path), "storyboard.yaml"):
            pass
    with ProjectLock(State(tmp_path), "storyboard.yaml", timeout_s=0):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_file_system_without_flock_is_refused_and_never_left_unlocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    import fcntl

    def missing(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", missing)
    with pytest.raises(LockUnsupported) as caught, ProjectLock(State(tmp_path), "storyboard.yaml"):
        pass
    assert caught.value.path == tmp_path / ".storyboard" / "builder.lock"
    assert read_owner(tmp_path) is None


def test_lock_is_the_kernels(tmp_path: Path) -> None:
    assert isinstance(make_lock(tmp_path / "x"), filelock.UnixFileLock)


def test_only_one_of_many_threads_has_the_lock(tmp_path: Path) -> None:
    inside, most, rounds = 0, 0, 0

    def work() -> None:
        nonlocal inside, most, rounds
        lock = make_lock(tmp_path / "x", 0.001)
        for _ in range(10):
            while not acquire(lock, 0.05):
                pass
            inside += 1
            most = max(most, inside)
            rounds += 1
            inside -= 1
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, rounds) == (1, 80)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"pid": "x"}'])
def test_unreadable_note_is_no_holder(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".storyboard").mkdir()
    (tmp_path / ".storyboard" / "builder.json").write_bytes(content)
    assert read_owner(tmp_path) is None
