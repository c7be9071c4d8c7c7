"""The clock by which a file system stamps changes: it goes in steps, and what changes twice in one looks alike."""

import os
import time
from pathlib import Path

from storyboard.durable import remove, temp_beside

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
