"""The digest of a film, worked out beside the proof of it and before it is in its place.

A film is the largest file that a build writes, so it is read for this once, as it is written. What is known then can be
trusted as long as the file looks the same: its looks are taken when it is whole and the clock of the file system has
gone on, before the proof, which finds what is not as it was written; and again before it is renamed, which is the one
change that comes after.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

from storyboard.durable import clock
from storyboard.store.digest_cache import DigestCache
from storyboard.store.file_stamps import stamp_of

_CHUNK = 1 << 20
# Until more of a film is looked for.
_PAUSE_S = 0.005


class FilmDigest:
    """The digest of one file that is about to be put in its place; *state* is a folder of ours to see the clock in."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._digest = ""
        self._written: os.stat_result | None = None
        self._looks: os.stat_result | None = None
        self._whole = threading.Event()

    @contextmanager
    def taken(self, part: Path, growing: bool) -> Iterator[Callable[[], None]]:
        """Read *part* in a thread while the block runs.

        If it is *growing*, the block adds to it until it calls what it is given. Raises ``OSError``.
        """
        from concurrent.futures import ThreadPoolExecutor

        if not growing:
            self._is_whole(part)
        with ThreadPoolExecutor(1, thread_name_prefix="fingerprint") as thread:
            reading = thread.submit(_sha256, part, self._whole)
            try:
                yield partial(self._is_whole, part) if growing else _nothing
            finally:
                self._whole.set()
            digest = reading.result()
        looks, written = os.lstat(part), self._written
        if written is not None and stamp_of(looks) == stamp_of(written):
            self._digest, self._looks = digest, looks

    def _is_whole(self, part: Path) -> None:
        written = os.lstat(part)
        self._whole.set()
        now, device = clock(self._state)
        if device == written.st_dev and now > written.st_ctime_ns:
            self._written = written

    def known(self, target: Path, index: DigestCache) -> None:
        """Tell *index* what is at *target* if that is what was read, renamed."""
        if self._looks is not None:
            index.add_renamed(target, self._looks, self._digest)


def _nothing() -> None:
    """There was nothing to add."""


def _sha256(path: Path, whole: threading.Event) -> str:
    """The digest of a file that grows until it is *whole*."""
    state = sha256()
    with path.open("rb", buffering=0) as file:
        while True:
            ended = whole.is_set()
            while chunk := file.read(_CHUNK):
                state.update(chunk)
            if ended:
                return state.hexdigest()
            whole.wait(_PAUSE_S)
