"""The digest of a film, computed while the film is written and verified, before it gets its name.

A film is the largest file of a build, so it is read only once for its digest. That digest is valid as long as the
file's stamp does not change. The stamp is taken when the file is complete and the file system's clock has advanced,
before the verification (which finds any later write), and again before the rename, the only change after that.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

from storyboard.durable import clock
from storyboard.operating_system import change_time_ns
from storyboard.store.digest_cache import DigestCache
from storyboard.store.file_stamps import stamp_of

_CHUNK = 1 << 20
# Seconds between two looks for more bytes of the film.
_POLL_INTERVAL_S = 0.005


class FilmDigest:
    """The digest of one file that is about to be renamed; *state* is a folder of ours on which to read the clock."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._digest = ""
        self._complete_looks: os.stat_result | None = None
        self._looks: os.stat_result | None = None
        self._is_complete = threading.Event()

    @contextmanager
    def compute(self, part: Path, growing: bool) -> Iterator[Callable[[], None]]:
        """Read *part* in a thread during the block.

        A *growing* file is complete when the block calls the function that it gets. Raises ``OSError``.
        """
        from concurrent.futures import ThreadPoolExecutor

        if not growing:
            self._mark_complete(part)
        with ThreadPoolExecutor(1, thread_name_prefix="digest") as thread:
            reading = thread.submit(_sha256, part, self._is_complete)
            try:
                yield partial(self._mark_complete, part) if growing else _no_op
            finally:
                self._is_complete.set()
            digest = reading.result()
        looks, complete = os.lstat(part), self._complete_looks
        if complete is not None and stamp_of(looks) == stamp_of(complete):
            self._digest, self._looks = digest, looks

    def _mark_complete(self, part: Path) -> None:
        looks = os.lstat(part)
        self._is_complete.set()
        now, device = clock(self._state)
        if device == looks.st_dev and now > change_time_ns(looks):
            self._complete_looks = looks

    def store_in(self, cache: DigestCache, target: Path) -> None:
        """Store the digest of *target* in *cache*, if *target* is the file that was read, renamed."""
        if self._looks is not None:
            cache.add_renamed(target, self._looks, self._digest)


def _no_op() -> None:
    pass


def _sha256(path: Path, is_complete: threading.Event) -> str:
    """Return the digest of a file that grows until it is complete."""
    state = sha256()
    with path.open("rb", buffering=0) as file:
        while True:
            is_last_read = is_complete.is_set()
            while chunk := file.read(_CHUNK):
                state.update(chunk)
            if is_last_read:
                return state.hexdigest()
            is_complete.wait(_POLL_INTERVAL_S)
