"""One builder at a time in a project.

Owns ``.storyboard/builder.lock`` (the lock, held by the kernel) and ``builder.json`` (who holds it, only to be told).
A killed builder frees the lock at once and leaves nothing to clean up. What to say while waiting is the caller's.

Locks that the kernel frees when their holder dies, or none at all: never a file whose mere presence locks.

The one place that knows filelock.
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

from storyboard.durable import errors_for_path, read_regular, remove_quietly, write_atomic
from storyboard.store.state import FOLDER, State

if TYPE_CHECKING:
    from filelock import BaseFileLock


_UNSUPPORTED = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}


class LockUnsupported(Exception):
    """The file system of ``path`` has no flock, so nothing would keep two builders apart."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def lock_at(path: Path, poll_s: float = 0.05) -> "BaseFileLock":
    """A lock, not yet held. Keep the object: the lock ends with it."""
    from filelock import FileLock

    return FileLock(path, thread_local=False, poll_interval=poll_s, fallback_to_soft=False)


def take(lock: "BaseFileLock", timeout_s: float) -> bool:
    """Whether the lock was had within *timeout_s* (0: one try). Raises ``LockUnsupported``, ``OSError``."""
    from filelock import Timeout

    try:
        with errors_for_path(Path(lock.lock_file)):
            lock.acquire(timeout=timeout_s)
    except Timeout:
        return False
    except OSError as problem:
        if problem.errno in _UNSUPPORTED:
            raise LockUnsupported(Path(lock.lock_file)) from problem
        raise
    return True


def take_patiently(lock: "BaseFileLock", step_s: float = 0.1, waited: Callable[[], None] | None = None) -> None:
    """Wait for the lock in short steps, so that an interrupt gets through; *waited* is called after each."""
    while not take(lock, step_s):
        if waited is not None:
            waited()


_STEP_S = 0.1


class LockOwner(Struct, frozen=True):
    """Who builds: process id on that host, the storyboard it builds, since when (epoch seconds)."""

    pid: int
    host: str
    storyboard: str
    since: float


class ProjectLocked(Exception):
    """Another builder holds the project; ``holder`` is ``None`` in the moment before it has written who it is."""

    def __init__(self, holder: LockOwner | None) -> None:
        super().__init__(holder)
        self.holder = holder


class LockLost(Exception):
    """The lock file at ``path`` was removed or replaced while it was held: another builder may be at work."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


class ProjectLock:
    """Holds the project of *state* for the length of a ``with`` block.

    If another builder has it, *on_wait* is called once with its ``LockOwner`` (or ``None``), then it is waited for, at
    most *patience_s* seconds (``None``: for ever; 0: not at all). Raises ``ProjectLocked``, ``LockUnsupported``,
    ``OSError``.
    """

    def __init__(
        self,
        state: State,
        storyboard: str,
        *,
        on_wait: Callable[[LockOwner | None], None] | None = None,
        patience_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._folder = state.folder
        self._path = self._folder / "builder.lock"
        self._note = self._folder / "builder.json"
        self._lock = lock_at(self._path)
        self._storyboard = storyboard
        self._on_wait = on_wait
        self._patience_s = patience_s
        self._clock = clock
        self._identity = (0, 0)
        self.after_crash = False

    def __enter__(self) -> Self:
        self._state.prepare()
        if not take(self._lock, 0):
            self._wait()
        try:
            self._identity = _identity(self._path)
            self.after_crash = os.path.lexists(self._note)
            import socket

            holder = LockOwner(os.getpid(), socket.gethostname(), self._storyboard, self._clock())
            write_atomic(self._note, msgspec.json.encode(holder))
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._still_ours():
            remove_quietly(self._note)
        self._lock.release()

    def check(self) -> None:
        """Make sure that the lock still guards the project; to be asked before money is spent.

        Raises ``LockLost`` if somebody deleted the lock file: then the next builder would not be kept out.
        """
        if not self._still_ours():
            raise LockLost(self._path)

    def _still_ours(self) -> bool:
        return _identity(self._path) == self._identity

    def _wait(self) -> None:
        if self._patience_s == 0:
            raise ProjectLocked(holder_of(self._folder.parent))
        if self._on_wait is not None:
            self._on_wait(holder_of(self._folder.parent))
        deadline = None if self._patience_s is None else time.monotonic() + self._patience_s
        while not take(self._lock, _STEP_S):
            if deadline is not None and time.monotonic() >= deadline:
                raise ProjectLocked(holder_of(self._folder.parent))


def holder_of(root: Path) -> LockOwner | None:
    """Who wrote last that it builds in *root*; only worth something while the lock is held."""
    try:
        return msgspec.json.decode(read_regular(root / FOLDER / "builder.json"), type=LockOwner)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _identity(path: Path) -> tuple[int, int]:
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return (-1, -1)
    return (seen.st_dev, seen.st_ino)
