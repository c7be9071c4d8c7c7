"""Locks that the kernel frees when their holder dies, or none at all: never a file whose mere presence locks.

The one place that knows filelock.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from storyboard.durable import naming

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
        with naming(Path(lock.lock_file)):
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
