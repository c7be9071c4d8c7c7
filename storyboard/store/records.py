"""What was made, under the key of what was asked: ``records/ab/<key>/<digest>.json``, plain files.

Several takes of one key lie side by side and none is ever replaced. A record counts only while everything it names is
in the cache and whole. Leaves bytes to ``cas`` and the meaning of a request to the core.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from storyboard.core.results import Kind, Record
from storyboard.durable import (
    StagedFile,
    errors_for_path,
    fsync_folder,
    remove_below,
    remove_folder_if_empty,
    stage,
)
from storyboard.store.blobs import BlobStore, Damaged, Missing, is_digest
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
from storyboard.store.shard_dirs import ShardDirs


class RecordState(Struct, frozen=True):
    """A record and the digests of its outputs that are not in the cache, or were there but damaged."""

    record: Record
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it counts."""
        return not self.missing and not self.damaged


class RecordStore:
    """The records under *folder* (``.storyboard/cache``). What could not be believed is told in ``troubles``."""

    def __init__(self, folder: Path, blobs: BlobStore, index: DigestCache) -> None:
        self.troubles: list[Quarantined] = []
        self._cache = folder
        self._records = folder / "records"
        # text, since a film asks for tens of thousands and paths take longer to put together than to be looked at
        self._blobs_place = os.fspath(blobs.folder.absolute())
        self.fans = ShardDirs(os.fspath(self._records.absolute()))
        self._damaged = folder / "damaged"
        self._blobs = blobs
        self._index = index

    def add(self, record: Record) -> bool:
        """Keep a record; when this returns, it survives a power cut. Its blobs must be in the cache before.

        The same outputs under the same key are recorded once, the first time: returns whether this was it. Raises
        ``Missing`` or ``Damaged`` for a blob, ``ValueError`` for what is no digest, ``OSError``.
        """
        for digest in record.outputs.values():
            self._blobs.verified(digest, self._index)
        beside, folders = self.lay(record)
        try:
            if beside is not None:
                beside.sync()
                for folder in folders:
                    fsync_folder(folder)
                self.fans.mark_synced(folders)
                folders = self.publish(beside)
            for folder in folders:
                fsync_folder(folder)
        finally:
            if beside is not None:
                beside.drop()
        return beside is not None

    def lay(self, record: Record) -> tuple[StagedFile | None, tuple[str, ...]]:
        """Write *record* beside its place; nothing is written if it is recorded already.

        Returns the file, which has to be synced, handed to ``publish``, and dropped; and the folders that have to be
        synced before it is published. Raises ``ValueError`` for what is no digest, ``OSError``.
        """
        folder = self.folder(record.key)
        digest = record.digest
        path = f"{folder}/{digest}.json"
        if not self._made(folder) and os.path.lexists(path) and self._read(path) is not None:
            return None, (folder,)
        temp = f"{folder}/.{digest}.{os.urandom(8).hex()}.tmp"
        return stage(temp, path, encode_with_checksum(record)), self.fans.unsynced_folders(
            self.fans.path_of(record.key)
        )

    def publish(self, beside: StagedFile) -> tuple[str, ...]:
        """Let a synced record count; returns the folders to be synced before anybody is told. Raises ``OSError``."""
        beside.publish()
        return (beside.path.rpartition("/")[0],)

    def _made(self, folder: str) -> bool:
        """Make the folder of a key; whether it was not there."""
        with errors_for_path(folder):
            try:
                os.mkdir(folder)
            except FileExistsError:
                if not os.path.islink(folder):
                    return False
                self._distrust(Path(folder), "it is a link")
                os.mkdir(folder)
            except FileNotFoundError:
                self.fans.make(os.path.dirname(folder))
                with suppress(FileExistsError):
                    os.mkdir(folder)
        return True

    def find(self, key: str) -> list[Record]:
        """The whole records of *key*, newest first; every blob they name has just been verified."""
        return [found.record for found in self.all(key) if found.whole]

    def all(self, key: str) -> list[RecordState]:
        """Every readable record of *key*, newest first, with what of it cannot be used."""
        records = [record for path in self._files(self.folder(key)) if (record := self._read(path)) is not None]
        records.sort(key=lambda record: (record.made.at, record.digest), reverse=True)
        return [self._judge(record) for record in records]

    def takes_of(self, kind: Kind | None = "take") -> Iterator[Record]:
        """Every readable record of one kind (``None``: of all) in the cache, by keys; blobs are not looked at."""
        for fan in _sorted(self._records):
            for folder in _sorted(fan):
                for path in self._files(os.fspath(folder)):
                    record = self._read(path)
                    if record is not None and kind in (None, record.kind):
                        yield record

    def remove(self, record: Record) -> None:
        """Forget a record; its blobs stay. Only for the holder of the builder's lock. Raises ``OSError``."""
        self.folder(record.key)
        place = ("records", record.key[:2], record.key)
        remove_below(self._cache, *place, f"{record.digest}.json")
        remove_folder_if_empty(self._cache, *place)  # other takes of the key may be in there

    def folder(self, key: str) -> str:
        """Where the records of *key* are, or would be. Raises ``ValueError`` if it is no key."""
        if not is_digest(key):
            raise ValueError(f"not a key: {key!r}")
        return f"{self.fans.path_of(key)}/{key}"

    def _judge(self, record: Record) -> RecordState:
        missing: list[str] = []
        damaged: list[str] = []
        for digest in record.outputs.values():
            if self._index.cached_digest(f"{self._blobs_place}/{digest[:2]}/{digest}") == digest:
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
                    self._distrust(Path(folder), "it is a link")
                    return []
                with os.scandir(folder) as entries:
                    names = sorted([entry.name for entry in entries])
                self._index.stat_log.add_folder(folder, looks, names)
                return [f"{folder}/{name}" for name in names if name.endswith(".json")]
            return []
        except NotADirectoryError:
            self._distrust(Path(folder), "it is not a folder")
            return []

    def _read(self, path: str) -> Record | None:
        try:
            looks = os.lstat(path)
            data = read(path)
            record = decode_with_checksum(data, Record)
            _check_names(path, record)
            self._index.stat_log.add_file(path, looks, hashlib.sha256(data).hexdigest())
        except FileNotFoundError:
            return None
        except NewerVersion as problem:
            reason = f"a later version of this tool wrote it (version {problem.version})"
            self.troubles.append(Quarantined(Path(path), reason, Path(path)))
            return None
        except ChecksumMismatch as problem:
            self._distrust(Path(path), problem.reason)
            return None
        return record

    def _distrust(self, path: Path, reason: str) -> None:
        kept_at = quarantine(path, self._damaged) if self._blobs.writable else path
        self.troubles.append(Quarantined(path, reason, kept_at))


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _check_names(path: str, record: Record) -> None:
    if not path.endswith(f"/{record.key}/{record.digest}.json"):
        raise ChecksumMismatch("its name does not fit what it holds")
    if not all(is_digest(digest) for digest in record.outputs.values()):
        raise ChecksumMismatch("it names something that is no digest")
