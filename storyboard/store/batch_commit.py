"""What several actions have made goes into the store together: the syncs of all run beside each other.

A disk takes hardly longer to sync many things than one, if it is asked for all of them at once. What counts is the
order, which is that of one action alone:

    1. blobs and records are written beside their places, and synced, with the folders they are to lie in
    2. blobs get their names, and the folders of these are synced
    3. records get their names, and the folders of these are synced

So a record never counts before its blob survives a power cut, and nobody is told that something is kept before it is.
What goes wrong with one action stays with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.results import Record
from storyboard.durable import OpenFolder, StagedFile, remove_quietly
from storyboard.store.blobs import BlobStore
from storyboard.store.digest_cache import DigestCache
from storyboard.store.records import RecordStore

if TYPE_CHECKING:  # who keeps nothing does not load what it takes to
    from concurrent.futures import ThreadPoolExecutor

# Syncs at once: what a disk is asked for while it syncs goes together in its next round.
_AT_ONCE = 32


class PendingRecord(Struct, frozen=True):
    """What one action leaves: a record, and the blob that the record is to call *name*, if there is one.

    *content* is the blob's bytes, or a file under a name from ``BlobStore.temp``, which is moved in, or removed if that
    fails.
    """

    record: Record
    name: str = ""
    content: bytes | Path | None = None


class Committed(Struct, frozen=True):
    """A deposit that is safe: the record with the digest of its blob, and whether it is a new one."""

    record: Record
    new: bool


class _Going:
    """A deposit on its way."""

    def __init__(self, deposit: PendingRecord) -> None:
        self.deposit = deposit
        self.record = deposit.record
        self.digest = ""
        self.blob: StagedFile | None = None
        self.entry: StagedFile | None = None
        self.problem: OSError | None = None

    def drop(self) -> None:
        for beside in (self.blob, self.entry):
            if beside is not None:
                beside.drop()
        if self.problem is not None and isinstance(self.deposit.content, Path):
            remove_quietly(self.deposit.content)

    @property
    def end(self) -> Committed | OSError:
        return self.problem or Committed(self.record, self.entry is not None)


_Target = StagedFile | str
_Stage = Callable[[_Going], Iterable[_Target]]


class BatchWriter:
    """Keeps deposits, any number at once, from any number of threads."""

    def __init__(self, blobs: BlobStore, records: RecordStore, index: DigestCache) -> None:
        self._blobs = blobs
        self._records = records
        self._index = index
        self._opening = Lock()
        self._opened: ThreadPoolExecutor | None = None

    def keep(self, deposits: Sequence[PendingRecord]) -> list[Committed | OSError]:
        """Keep them all; what is returned as kept survives a power cut. An error names the file and stays with its own.

        Up to three files or folders are open for each of *deposits* meanwhile.
        """
        going = [_Going(deposit) for deposit in deposits]
        try:
            for stage in (self._write, self._publish_blob, self._publish_record):
                self._through(stage, going)
        finally:
            for one in going:
                one.drop()
        return [one.end for one in going]

    def close(self) -> None:
        """Nothing more is kept."""
        if self._opened is not None:
            self._opened.shutdown(wait=True)

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        with self._opening:
            self._opened = self._opened or ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sync")
            return self._opened

    def _write(self, one: _Going) -> Iterable[_Target]:
        if one.deposit.content is not None:
            one.digest, one.blob = self._blobs.lay(one.deposit.content)
            one.record = replace(one.record, outputs={one.deposit.name: one.digest})
            yield one.blob
        one.entry, folders = self._records.lay(one.record)
        if one.entry is not None:
            yield one.entry
        yield from folders

    def _publish_blob(self, one: _Going) -> Iterable[_Target]:
        if one.blob is None:
            return ()
        folders = self._blobs.publish(one.digest, one.blob)
        if one.blob.looks is not None:
            self._index.add_renamed(one.blob.path, one.blob.looks, one.digest)
        return folders

    def _publish_record(self, one: _Going) -> Iterable[_Target]:
        return self._records.publish(one.entry) if one.entry is not None else ()

    def _through(self, stage: _Stage, going: Iterable[_Going]) -> None:
        """Do one thing for all that are well, then sync what that has touched, each once; who cannot is out."""
        touched: dict[_Target, list[_Going]] = {}
        for one in going:
            try:
                if one.problem is None:
                    for target in stage(one):
                        touched.setdefault(target, []).append(one)
            except OSError as problem:
                one.problem = problem
        failures = self._sync(list(touched))
        for target, failure in failures.items():
            for one in touched[target]:
                one.problem = one.problem or failure
        folders = {target for target in touched if isinstance(target, str) and target not in failures}
        self._blobs.fans.mark_synced(folders)
        self._records.fans.mark_synced(folders)

    def _sync(self, targets: Sequence[_Target]) -> dict[_Target, OSError]:
        """Sync all of *targets*; the errors of those that could not be."""
        failures: dict[_Target, OSError] = {}
        opened: list[tuple[_Target, StagedFile | OpenFolder]] = []
        # opened here: threads that do nothing but sync do not wait for each other
        for target in targets:
            try:
                opened.append((target, OpenFolder(target) if isinstance(target, str) else target))
            except OSError as problem:
                failures[target] = problem
        mine, *others = [opened[start::_AT_ONCE] for start in range(min(_AT_ONCE, len(opened)))] or [[]]
        threads = self._threads() if others else None
        running = [threads.submit(_sync_each, share) for share in others] if threads is not None else []
        failures |= _sync_each(mine)
        for share in running:
            failures |= share.result()
        for _, one in opened:
            if isinstance(one, OpenFolder):
                one.close()
        return failures


def _sync_each(opened: Sequence[tuple[_Target, StagedFile | OpenFolder]]) -> dict[_Target, OSError]:
    failures: dict[_Target, OSError] = {}
    for target, one in opened:
        try:
            one.sync()
        except OSError as problem:
            failures[target] = problem
    return failures
