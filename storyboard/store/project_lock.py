"""Project lock: one build at a time in a project. The only module that imports filelock.

Owns ``.storyboard/builder.lock`` (the lock, held by the kernel) and ``builder.json`` (its owner, for messages only).
The kernel frees the lock of a killed build at once; a lock is never the mere presence of a file. Leaves the message
while waiting to the caller.
"""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec
from msgspec import Struct

from storyboard.durable import errors_for_path, not_removed, read_regular, remove_quietly, write_atomic
from storyboard.store.state import FOLDER, State

if TYPE_CHECKING:
    from filelock import BaseFileLock

_WAIT_STEP_S = 0.1
_UNSUPPORTED_ERRNOS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


class LockUnsupported(Exception):
    """A file system without flock at ``path``: nothing would keep two builds apart."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def make_lock(path: Path, poll_s: float = 0.05) -> "BaseFileLock":
    """Return a lock that is not yet held. Keep the object: the lock ends with it."""
    from filelock import FileLock

    return FileLock(path, thread_local=False, poll_interval=poll_s, fallback_to_soft=False)


def acquire(lock: "BaseFileLock", timeout_s: float) -> bool:
    """Try to acquire the lock for *timeout_s* (0: one try) and return whether it is held.

    Raises ``LockUnsupported``, ``OSError``.
    """
    from filelock import Timeout

    try:
        with errors_for_path(Path(lock.lock_file)):
            try:
                lock.acquire(timeout=timeout_s)
            except RuntimeError:  # its last release failed, and has to be repeated first
                lock.release()
                lock.acquire(timeout=timeout_s)
    except Timeout:
        return False
    except OSError as problem:
        if problem.errno in _UNSUPPORTED_ERRNOS:
            raise LockUnsupported(Path(lock.lock_file)) from problem
        raise
    return True


def wait_for_lock(lock: "BaseFileLock", step_s: float = 0.1, waited: Callable[[], None] | None = None) -> None:
    """Wait for the lock in steps of *step_s*, so that an interrupt is handled; call *waited* after each step."""
    while not acquire(lock, step_s):
        if waited is not None:
            waited()


class LockOwner(Struct, frozen=True):
    """The build that holds the lock: process id, host, storyboard, and start in epoch seconds."""

    pid: int
    host: str
    storyboard: str
    since: float


class ProjectLocked(Exception):
    """A project locked by another build; ``owner`` is ``None`` until that build has written its note."""

    def __init__(self, owner: LockOwner | None) -> None:
        super().__init__(owner)
        self.owner = owner


class LockLost(Exception):
    """A lock file at ``path`` that was removed or replaced while held: another build may be running."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


class ProjectLock:
    """The lock on the project of *state*, held for the length of a ``with`` block.

    If another build holds it, *on_wait* is called once with its ``LockOwner`` (or ``None``); then this waits at most
    *timeout_s* seconds (``None``: without limit; 0: not at all). ``after_crash`` tells that the last owner left its
    note: it was killed, or could not remove a temporary file. Call ``swept`` once such files are removed.

    Raises ``ProjectLocked``, ``LockUnsupported``, ``OSError``.
    """

    def __init__(
        self,
        state: State,
        storyboard: str,
        *,
        on_wait: Callable[[LockOwner | None], None] | None = None,
        timeout_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._folder = state.folder
        self._path = self._folder / "builder.lock"
        self._note = self._folder / "builder.json"
        self._lock = make_lock(self._path)
        self._storyboard = storyboard
        self._on_wait = on_wait
        self._timeout_s = timeout_s
        self._clock = clock
        self._identity = (0, 0)
        self.after_crash = False

    def __enter__(self) -> Self:
        self._state.prepare()
        if not acquire(self._lock, 0):
            self._wait()
        try:
            self._identity = _file_identity(self._path)
            self.after_crash = os.path.lexists(self._note)
            not_removed.clear()
            import socket

            owner = LockOwner(os.getpid(), socket.gethostname(), self._storyboard, self._clock())
            write_atomic(self._note, msgspec.json.encode(owner))
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # while there are temporary files to sweep, the note stays for the next owner
        if self._is_held() and not (self.after_crash or not_removed):
            remove_quietly(self._note)
        self._lock.release()

    def swept(self) -> None:
        """Note that the temporary files of earlier owners are removed."""
        self.after_crash = False

    def check(self) -> None:
        """Check that the lock still guards the project; call this before money is spent.

        Raises ``LockLost`` if the lock file was deleted, because a second build could then start.
        """
        if not self._is_held():
            raise LockLost(self._path)

    def _is_held(self) -> bool:
        return _file_identity(self._path) == self._identity

    def _wait(self) -> None:
        if self._timeout_s == 0:
            raise ProjectLocked(read_owner(self._folder.parent))
        if self._on_wait is not None:
            self._on_wait(read_owner(self._folder.parent))
        deadline = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        while not acquire(self._lock, _WAIT_STEP_S):
            if deadline is not None and time.monotonic() >= deadline:
                raise ProjectLocked(read_owner(self._folder.parent))


def read_owner(root: Path) -> LockOwner | None:
    """Return the last build that noted its start in *root*; meaningful only while the lock is held."""
    try:
        return msgspec.json.decode(read_regular(root / FOLDER / "builder.json"), type=LockOwner)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _file_identity(path: Path) -> tuple[int, int]:
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return (-1, -1)
    return (seen.st_dev, seen.st_ino)
