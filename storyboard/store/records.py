"""Records of results, by the key of their request: plain files ``records/ab/<key>/<digest>.json``.

A key can have several records, of which none is ever replaced. A record counts only while all blobs that it names are
in the cache and intact. Leaves bytes to ``blobs`` and the meaning of requests to the core.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.results import Kind, Record
from storyboard.durable import (
    NOTHING_THERE,
    StagedFile,
    errors_for_path,
    remove_below,
    remove_folder_if_empty,
    remove_quietly,
    stage,
)
from storyboard.store.batch_writer import Write
from storyboard.store.blobs import BlobStore, Damaged, Missing, ShardDirs, is_digest
from storyboard.store.digest_cache import DigestCache
from storyboard.store.integrity import (
    ChecksumMismatch,
    NewerVersion,
    Quarantined,
    decode_with_checksum,
    encode_with_checksum,
    quarantine,
    read,
)


class PendingRecord(Struct, frozen=True):
    """A record to be committed, with the blob that the record is to call *name*, if there is one.

    *content* is the blob's bytes, or a file under a name from ``BlobStore.temp_path``, which is moved in, or removed if
    that fails.
    """

    record: Record
    name: str = ""
    content: bytes | Path | None = None


class Committed(Struct, frozen=True):
    """A durable record with the digest of its blob. *new* is false for a record that the store had already."""

    record: Record
    new: bool


class RecordState(Struct, frozen=True):
    """A record and the digests of its outputs that are not in the cache, or were there but damaged."""

    record: Record
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """All outputs are in the cache and intact."""
        return not self.missing and not self.damaged


class RecordStore:
    """The records under *folder* (``.storyboard/cache``). ``troubles`` lists files that could not be used."""

    def __init__(self, folder: Path, blobs: BlobStore, index: DigestCache) -> None:
        self.troubles: list[Quarantined] = []
        self._cache = folder
        self._records = folder / "records"
        # text: a large film looks up tens of thousands, and joining paths takes longer than the lookup
        self._blob_folder = os.fspath(blobs.folder.absolute())
        self._damaged = folder / "damaged"
        self._shards = ShardDirs(os.fspath(self._records.absolute()), self._damaged)
        self._blobs = blobs
        self._index = index

    def add(self, record: Record) -> bool:
        """Store a record whose blobs are in the cache; return whether it is new. It survives a power cut then.

        Equal outputs under one key are recorded once, the first time. Raises ``Missing`` or ``Damaged`` for a blob,
        ``ValueError`` for a malformed digest, ``OSError``.
        """
        for digest in record.outputs.values():
            self._blobs.verified(digest, self._index)
        return self._blobs.writer.run(self._write(PendingRecord(record))).new

    def commit(self, pending: Sequence[PendingRecord]) -> list[Committed | OSError]:
        """Store all of *pending* with their blobs, together. They survive a power cut then; errors stay with their own.

        Up to three files or folders are open for each meanwhile. Raises ``ValueError`` for a malformed digest.
        """
        return self._blobs.writer.run_all([self._write(one) for one in pending])

    def _write(self, pending: PendingRecord) -> Write[Committed]:
        record, content = pending.record, pending.content
        digest, blob, entry = "", None, None
        try:
            if content is not None:
                digest, blob = self._blobs.stage(content)
                record = replace(record, outputs={pending.name: digest})
            entry, folders = self.stage(record)
            yield (*(file for file in (blob, entry) if file is not None), *folders)
            self._shards.mark_synced(folders)
            if blob is not None:
                yield from self._publish_blob(digest, blob)
            if entry is not None:
                entry.publish()
                yield (os.path.dirname(entry.path),)
        except OSError:
            if isinstance(content, Path):
                remove_quietly(content)
            raise
        finally:
            for file in (blob, entry):
                if file is not None:
                    file.drop()
        return Committed(record, entry is not None)

    def _publish_blob(self, digest: str, blob: StagedFile) -> Write[None]:
        for folders in self._blobs.publish(digest, blob):
            if blob.looks is not None:
                self._index.add_renamed(blob.path, blob.looks, digest)
            yield folders

    def stage(self, record: Record) -> tuple[StagedFile | None, tuple[str, ...]]:
        """Write *record* beside its place, unless it is recorded already.

        Returns the file, or ``None``, and the folders that have to be synced before the file is published. Raises
        ``ValueError`` for a malformed digest, ``OSError``.
        """
        folder = self.folder(record.key)
        digest = record.digest
        path = f"{folder}/{digest}.json"
        if not self._make_folder(folder) and os.path.lexists(path) and self._read(path) is not None:
            return None, (folder,)
        temp = f"{folder}/.{digest}.{os.urandom(8).hex()}.tmp"
        folders = self._shards.unsynced_folders(self._shards.path_of(record.key))
        return stage(temp, path, encode_with_checksum(record)), folders

    def _make_folder(self, folder: str) -> bool:
        """Make the folder of a key; return whether it is new."""
        with errors_for_path(folder):
            try:
                os.mkdir(folder)
            except FileExistsError:
                if not os.path.islink(folder):
                    return False
                self._quarantine(Path(folder), "a link")
                os.mkdir(folder)
            except NOTHING_THERE:
                self._shards.make(os.path.dirname(folder))
                with suppress(FileExistsError):
                    os.mkdir(folder)
        return True

    def find(self, key: str) -> list[Record]:
        """Return the complete records of *key*, newest first, with all their blobs verified."""
        return [found.record for found in self.states(key) if found.complete]

    def states(self, key: str) -> list[RecordState]:
        """Return every readable record of *key*, newest first, with the state of its blobs."""
        records = [record for path in self._files(self.folder(key)) if (record := self._read(path)) is not None]
        records.sort(key=lambda record: (record.made.at, record.digest), reverse=True)
        return [self._state(record) for record in records]

    def scan(self, kind: Kind | None = "take") -> Iterator[Record]:
        """Yield every readable record of one kind (``None``: of all kinds), by key, without a look at its blobs."""
        for shard in _sorted_paths(self._records):
            for folder in _sorted_paths(shard):
                for path in self._files(os.fspath(folder)):
                    record = self._read(path)
                    if record is not None and kind in (None, record.kind):
                        yield record

    def remove(self, record: Record) -> None:
        """Delete a record without its blobs. Only for the holder of the project's lock. Raises ``OSError``."""
        self.folder(record.key)
        place = ("records", record.key[:2], record.key)
        remove_below(self._cache, *place, f"{record.digest}.json")
        remove_folder_if_empty(self._cache, *place)  # the key may have other records

    def folder(self, key: str) -> str:
        """Return the folder for the records of *key*. Raises ``ValueError`` for a malformed key."""
        if not is_digest(key):
            raise ValueError(f"not a key: {key!r}")
        return f"{self._shards.path_of(key)}/{key}"

    def _state(self, record: Record) -> RecordState:
        missing: list[str] = []
        damaged: list[str] = []
        for digest in record.outputs.values():
            if self._index.cached_digest(f"{self._blob_folder}/{digest[:2]}/{digest}") == digest:
                continue
            try:
                self._blobs.verified(digest, self._index)
            except Missing:
                missing.append(digest)
            except Damaged:
                damaged.append(digest)
        return RecordState(record, tuple(missing), tuple(damaged))

    def _files(self, folder: str) -> list[str]:
        try:
            with suppress(FileNotFoundError):
                looks = os.lstat(folder)
                if stat.S_ISLNK(looks.st_mode):
                    self._quarantine(Path(folder), "a link")
                    return []
                with os.scandir(folder) as entries:
                    names = sorted([entry.name for entry in entries])
                self._index.stat_log.add_folder(folder, looks, names)
                return [f"{folder}/{name}" for name in names if name.endswith(".json")]
            return []
        except NotADirectoryError:
            if os.path.lexists(folder):  # else the folder above is a file, and is replaced by the next record
                self._quarantine(Path(folder), "not a folder")
            return []

    def _read(self, path: str) -> Record | None:
        try:
            looks = os.lstat(path)
            data = read(path)
            record = decode_with_checksum(data, Record)
            _check_name(path, record)
            self._index.stat_log.add_file(path, looks, hashlib.sha256(data).hexdigest())
        except FileNotFoundError:
            return None
        except NewerVersion as problem:
            reason = f"written by a later version of storyboard (version {problem.version})"
            self.troubles.append(Quarantined(Path(path), reason, Path(path)))
            return None
        except ChecksumMismatch as problem:
            self._quarantine(Path(path), problem.reason)
            return None
        return record

    def _quarantine(self, path: Path, reason: str) -> None:
        kept_at = quarantine(path, self._damaged) if self._blobs.writable else path
        self.troubles.append(Quarantined(path, reason, kept_at))


def _sorted_paths(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except NOTHING_THERE:
        return []


def _check_name(path: str, record: Record) -> None:
    if not path.endswith(f"/{record.key}/{record.digest}.json"):
        raise ChecksumMismatch("the name does not match the content")
    if not all(is_digest(digest) for digest in record.outputs.values()):
        raise ChecksumMismatch("an output has no valid digest")
