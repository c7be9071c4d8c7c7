"""The lockfile of one storyboard while it is built: what it says, what changes, and when it is written.

Records are the truth while takes come in; the lockfile follows them.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec

from storyboard.core.clip import ClipInfo
from storyboard.core.model import Generated
from storyboard.core.plan import LockEntry, LockInfo
from storyboard.core.results import Provenance
from storyboard.store.lockfile import Lockfile, LockfileProblem
from storyboard.store.lockfile import write as write_lockfile

# It is written at most this often, and so seldom that writing takes a twentieth of the time.
_INTERVAL_S = 1.0
_SHARE = 20


class LockfileWriter:
    """The lockfile at *path*, which was *lockfile* when the build began."""

    def __init__(self, path: Path, lockfile: Lockfile) -> None:
        self.lockfile = lockfile
        self._path = path
        self._entries: dict[str, dict[str, LockEntry]] = {}
        self._open = Lockfile(self._entries)
        self._unwritten = False
        self._write_again = 0.0
        self._writing = Lock()

    def put(self, shot: str, provider: str, entry: LockEntry) -> None:
        """The lockfile says this of a shot from now on."""
        if self.lockfile is not self._open:  # changed in place from now on: a copy for each of n takes is n² entries
            self._entries = {name: dict(entries) for name, entries in self.lockfile.shots.items()}
            self.lockfile = self._open = Lockfile(self._entries)
        self._entries[shot] = {**self._entries.get(shot, {}), provider: entry}
        self._unwritten = True

    def put_take(
        self, shot: str, source: Generated, key: str, take: str, info: ClipInfo, made: Callable[[], Provenance | None]
    ) -> None:
        """It names the take that is used; *made* tells where that came from, and is asked only if it is another one."""
        entry = self.lockfile.entry(shot, source.provider)
        if entry is not None and (entry.key, entry.take) == (key, take):
            return
        by = made()
        changed = LockEntry(
            key=key,
            take=take,
            seed=source.seed if by is None or by.seed is None else by.seed,
            task_id=by.task_id if by is not None else None,
            cost=by.cost if by is not None else None,
            info=LockInfo(info.frames, info.rate),
            # a frame is one of the take, whatever the take answers
            frames=entry.frames if entry is not None and entry.take == take else {},
        )
        self.put(shot, source.provider, changed)

    def put_frame(self, shot: str, provider: str, at: str, planes: str) -> None:
        """It remembers the picture that another shot takes from this one."""
        entry = self.lockfile.entry(shot, provider)
        if entry is not None and entry.frames.get(at) != planes:
            self.put(shot, provider, msgspec.structs.replace(entry, frames={**entry.frames, at: planes}))

    def finish(self, *, keep: set[str] | None) -> None:
        """Write what has not been written; *keep* names the shots of a complete build, others leave the lockfile.

        Raises ``OSError``, ``LockfileProblem``.
        """
        gone = [shot for shot in self.lockfile.shots if keep is not None and shot not in keep]
        if gone:
            self.lockfile = self.lockfile.without(*gone)
            self._unwritten = True
        with self._writing:
            self._write()

    def is_due(self) -> bool:
        """Whether it is time to write it, in the middle of a build."""
        return self._unwritten and time.monotonic() > self._write_again and not self._writing.locked()

    def write(self) -> None:
        """Write it if nobody does; if that fails, it is for ``finish`` to write it, or to say why it cannot be."""
        if self._writing.acquire(blocking=False):
            try:
                with suppress(OSError, LockfileProblem):
                    self._write()
            finally:
                self._writing.release()

    def _write(self) -> None:
        if not self._unwritten:
            return
        began = time.monotonic()
        self._unwritten = False
        try:
            write_lockfile(self._path, Lockfile(dict(self.lockfile.shots)))
        except BaseException:
            self._unwritten = True
            raise
        finally:
            took = time.monotonic() - began
            self._write_again = began + took + max(_INTERVAL_S, _SHARE * took)
