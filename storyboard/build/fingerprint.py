"""The digest of a film, worked out beside the proof of it and before it is in its place.

A film is the largest file that a build writes, so it is read for this once. What is known then can be trusted as long
as the file looks the same: it is read when the clock of the file system has gone on since it was written, and looked at
again before it is renamed, which is the one change that comes after.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

from storyboard.store.clock import clock
from storyboard.store.index import Index
from storyboard.store.standing import stamp_of


class Fingerprint:
    """The digest of one file that is about to be put in its place; *state* is a folder of ours to see the clock in."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._digest = ""
        self._looks: os.stat_result | None = None

    @contextmanager
    def taken(self, part: Path) -> Iterator[None]:
        """Read *part* in a thread while the block runs. Raises ``OSError``."""
        from concurrent.futures import ThreadPoolExecutor

        written = os.lstat(part)
        now, device = clock(self._state)
        settled = device == written.st_dev and now > written.st_ctime_ns
        with ThreadPoolExecutor(1, thread_name_prefix="fingerprint") as thread:
            reading = thread.submit(_sha256, part)
            yield
            digest = reading.result()
        looks = os.lstat(part)
        if settled and stamp_of(looks) == stamp_of(written):
            self._digest, self._looks = digest, looks

    def known(self, target: Path, index: Index) -> None:
        """Tell *index* what is at *target* if that is what was read, renamed."""
        if self._looks is not None:
            index.renamed(target, self._looks, self._digest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
