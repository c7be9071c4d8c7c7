"""What one process has looked at in files and folders: how it looked, and a witness of what was in it then.

The clock by which a file system stamps changes: it goes in steps, and what changes twice in one looks alike.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from storyboard.durable import remove, temp_beside
from storyboard.fastpath.noop import Stamp, stamp_of

Look = tuple[Stamp, str]
NOWHERE: Stamp = (-1, -1, -1, -1)


class Seen:
    """The last look at each path. ``looks`` maps an absolute path to its stamp and a witness.

    The witness of a file is its sha256, that of a folder the names in it, each behind a slash; what was not there has
    the stamp ``NOWHERE``. ``settled`` are files that were read after the clock of the file system had gone on since
    they were changed, so that a later change shows in their stamps.
    """

    def __init__(self) -> None:
        self.looks: dict[str, Look] = {}
        self.settled: set[str] = set()

    def file(self, path: str, looks: os.stat_result, digest: str) -> None:
        """A file was found with that content."""
        self.looks[path] = (stamp_of(looks), digest)

    def folder(self, path: str, looks: os.stat_result, names: Iterable[str]) -> None:
        """A folder was found with those names in it, in order."""
        self.looks[path] = (stamp_of(looks), names_witness(names))

    def nothing(self, path: str) -> None:
        """Nothing was found."""
        self.looks[path] = (NOWHERE, "")


def names_witness(names: Iterable[str]) -> str:
    """The witness of a folder that holds *names*."""
    return "/" + "/".join(names)


# Nobody waits for a file system that stamps in seconds.
_PATIENCE_S = 0.1


def clock(folder: Path) -> tuple[int, int]:
    """The time in *folder* in nanoseconds once the clock there has made a step, and the device it is on.

    The time is that of the last step if there was none for a tenth of a second. Raises ``OSError``.
    """
    probe = temp_beside(folder / "clock")
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        first = os.fstat(descriptor).st_ctime_ns
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            os.pwrite(descriptor, b"?", 0)
            looks = os.fstat(descriptor)
            if looks.st_ctime_ns > first or time.monotonic() > deadline:
                return looks.st_ctime_ns, looks.st_dev
            time.sleep(0.001)
    finally:
        os.close(descriptor)
        remove(probe)
