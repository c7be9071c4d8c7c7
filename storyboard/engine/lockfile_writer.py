"""The lockfile of one storyboard during a build: its content, its changes, and the times to write it.

The lockfile follows the records: a crash between the two loses no take.
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

# Seconds between two writes: at least one, and 20 times as long as the last one took.
_INTERVAL_S = 1.0
_DURATION_FACTOR = 20


class LockfileWriter:
    """The lockfile at *path*. ``content`` is *content* at first, and then with the changes that may be unwritten."""

    def __init__(self, path: Path, content: Lockfile) -> None:
        self.path = path
        self.content = content
        self._entries: dict[str, dict[str, LockEntry]] = {}
        self._copy = Lockfile(self._entries)
        self._is_dirty = False
        self._next_write = 0.0
        self._writing = Lock()

    def put(self, shot: str, provider: str, entry: LockEntry) -> None:
        """Set the entry of a shot for a provider."""
        if self.content is not self._copy:  # changed in place from now on: a copy for each of n takes has n² entries
            self._entries = {name: dict(entries) for name, entries in self.content.shots.items()}
            self.content = self._copy = Lockfile(self._entries)
        self._entries[shot] = {**self._entries.get(shot, {}), provider: entry}
        self._is_dirty = True

    def put_take(
        self,
        shot: str,
        source: Generated,
        key: str,
        take: str,
        info: ClipInfo,
        provenance: Callable[[], Provenance | None],
        earlier_frames: Callable[[], dict[str, str]],
    ) -> None:
        """Set the take of a shot.

        Both functions are called only if the take changes: *provenance* returns where it came from, *earlier_frames*
        the frames to keep of the take before (``core.earlier_frames``).
        """
        entry = self.content.entry(shot, source.provider)
        if entry is not None and (entry.key, entry.take) == (key, take):
            return
        by = provenance()
        changed = LockEntry(
            key=key,
            take=take,
            seed=source.seed if by is None or by.seed is None else by.seed,
            task_id=by.task_id if by is not None else None,
            cost=by.cost if by is not None else None,
            info=LockInfo(info.frames, info.rate),
            # frames depend on the take alone, not on the request
            frames=entry.frames if entry is not None and entry.take == take else earlier_frames(),
        )
        self.put(shot, source.provider, changed)

    def put_frame(self, shot: str, provider: str, at: str, planes: str) -> None:
        """Record the planes of a frame that another shot takes from this one."""
        entry = self.content.entry(shot, provider)
        if entry is not None and entry.frames.get(at) != planes:
            self.put(shot, provider, msgspec.structs.replace(entry, frames={**entry.frames, at: planes}))

    def finish(self, *, keep: set[str] | None) -> None:
        """Write all changes. If *keep* names the shots of a complete build, all other shots are dropped.

        Raises ``OSError``, ``LockfileProblem``.
        """
        dropped = [shot for shot in self.content.shots if keep is not None and shot not in keep]
        if dropped:
            self.content = self.content.without(*dropped)
            self._is_dirty = True
        with self._writing:
            self._write()

    def is_due(self) -> bool:
        """Return whether changes should be written now, in the middle of a build."""
        return self._is_dirty and time.monotonic() > self._next_write and not self._writing.locked()

    def write(self) -> None:
        """Write the changes unless another thread does. Errors are left to ``finish``, which writes again."""
        if self._writing.acquire(blocking=False):
            try:
                with suppress(OSError, LockfileProblem):
                    self._write()
            finally:
                self._writing.release()

    def _write(self) -> None:
        if not self._is_dirty:
            return
        began = time.monotonic()
        self._is_dirty = False
        try:
            write_lockfile(self.path, Lockfile(dict(self.content.shots)))
        except BaseException:
            self._is_dirty = True
            raise
        finally:
            took = time.monotonic() - began
            self._next_write = began + took + max(_INTERVAL_S, _DURATION_FACTOR * took)
