"""Blobs, read-only files named by the sha256 of their content, verified before each use.

Owns ``.storyboard/cache/blobs``, ``tmp`` and ``damaged``. Leaves the meaning of the bytes to ``records``. A blob with
another hash than its name is never returned and never deleted: it is moved to ``damaged``.
"""

import hashlib
import os
import re
import stat
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from storyboard.durable import (
    CHUNK,
    NOTHING_THERE,
    NotAFile,
    StagedFile,
    errors_for_path,
    make_folders,
    move,
    open_regular,
    read_regular,
    remove_below,
    remove_quietly,
    stage,
    sweep,
    write_all,
)
from storyboard.operating_system import change_time_ns, open_new, set_mode
from storyboard.store.batch_writer import BatchWriter, Write
from storyboard.store.digest_cache import DigestCache
from storyboard.store.integrity import find_quarantined, quarantine

_DIGEST = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o444
# The names that ``BlobStore.temp_path`` gives.
_TEMP = re.compile(r"[0-9a-f]{32}(?:\.[0-9a-z]{1,16})?")


class Missing(Exception):
    """A digest without a blob in the cache."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


class Damaged(Exception):
    """A blob with another hash than its name, now quarantined at ``kept_at``."""

    def __init__(self, digest: str, kept_at: Path) -> None:
        super().__init__(digest, kept_at)
        self.digest = digest
        self.kept_at = kept_at


def is_digest(text: str) -> bool:
    """Return whether *text* is a sha256 in lower-case hex, as digests and keys are."""
    return _DIGEST.fullmatch(text) is not None


class BlobStore:
    """The blobs under *folder* (``.storyboard/cache``). Safe for any number of threads and processes at once.

    With *writable* false a damaged blob is reported without being moved.
    """

    def __init__(self, folder: Path, *, writable: bool = True) -> None:
        self.writable = writable
        self.writer = BatchWriter()
        self._publishing = threading.Lock()
        self.cache = folder
        self.temps = folder / "tmp"
        self._temp_folder = os.fspath(self.temps)
        self.folder = folder / "blobs"
        self._damaged = folder / "damaged"
        self._shards = ShardDirs(os.fspath(self.folder), self._damaged)

    def path(self, digest: str) -> Path:
        """Return the place of a blob, which may be missing. Raises ``ValueError`` for a malformed digest."""
        if not is_digest(digest):
            raise ValueError(f"not a sha256: {digest!r}")
        return self.folder / digest[:2] / digest

    def size(self, digest: str) -> int:
        """Return the size of a blob in bytes. Raises ``Missing``."""
        try:
            return os.lstat(self.path(digest)).st_size
        except NOTHING_THERE:
            raise Missing(digest) from None

    def put_bytes(self, data: bytes) -> str:
        """Store *data* and return its digest. The blob survives a power cut then. Raises ``OSError``."""
        return self.writer.run(self._put(data))

    def put_file(self, path: Path) -> str:
        """Store the content of a regular file and return its digest.

        A file under a name from ``temp_path`` is moved in, and stays in its place if that fails; any other is copied,
        hashed and stored from one single read. Raises ``NotAFile`` or ``OSError``.
        """
        return self.writer.run(self._put(path))

    def _put(self, content: bytes | Path) -> Write[str]:
        digest, staged = self.stage(content)
        with errors_for_path(self.path(digest)):
            try:
                yield (staged,)
                yield from self.publish(digest, staged)
            finally:
                staged.drop()
        return digest

    def stage(self, content: bytes | Path) -> tuple[str, StagedFile]:
        """Write the bytes of a new blob to a temporary file, or take over the file, as for ``put_bytes``, ``put_file``.

        Returns the digest and the file, which the caller has to sync, hand to ``publish``, and drop.
        """
        if isinstance(content, bytes):
            digest = hashlib.sha256(content).hexdigest()
            with errors_for_path(self._blob_name(digest)):
                return digest, stage(os.fspath(self.temp_path()), self._blob_name(digest), content, _READ_ONLY)
        is_temp = os.path.dirname(content) == self._temp_folder
        return self._adopt(content) if is_temp else self._copy(content)

    def publish(self, digest: str, staged: StagedFile) -> Write[None]:
        """Move a synced file to its place unless a good blob is there, and sync the folders. Raises ``OSError``."""
        shard = self._shards.path_of(digest)
        with self._publishing:  # no good blob is replaced: on exFAT by FUSE readers would miss it for a moment
            if self._has_good_blob(digest):
                staged.close()
                remove_quietly(staged.temp)
            else:
                try:
                    staged.publish()
                except NOTHING_THERE:
                    self._shards.make(shard)
                    staged.publish()
        folders = self._shards.unsynced_folders(shard)
        yield folders
        self._shards.mark_synced(folders)

    def verify(self, digest: str) -> None:
        """Hash a whole blob. Raises ``Missing``, or ``Damaged`` after moving the blob to quarantine."""
        path = self.path(digest)
        try:
            with errors_for_path(path), os.fdopen(open_regular(path), "rb", buffering=0) as file:
                seen = os.fstat(file.fileno())
                good = hashlib.file_digest(file, "sha256").hexdigest() == digest
        except NOTHING_THERE:
            raise self._missing_or_damaged(digest) from None
        except NotAFile:
            seen, good = None, False
        if not good:
            self._quarantine(digest, seen)

    def verified(self, digest: str, index: DigestCache) -> Path:
        """Return the path of a verified blob, read only if *index* has no valid digest of it. Raises as ``verify``."""
        path = self.path(digest)
        try:
            if index.digest_of(path) == digest:
                return path
        except (*NOTHING_THERE, NotAFile):
            pass
        self.verify(digest)
        return path

    def read(self, digest: str) -> bytes:
        """Return the bytes of a blob, verified. Raises as ``verify``."""
        path = self.path(digest)
        while True:
            with suppress(*NOTHING_THERE, NotAFile):
                data = read_regular(path)
                if hashlib.sha256(data).hexdigest() == digest:
                    return data
            self.verify(digest)

    def all(self) -> list[str]:
        """Return the digests of all blobs, sorted and unverified."""
        return sorted(path.name for path in self.folder.glob("*/*") if is_digest(path.name))

    def remove(self, digest: str) -> None:
        """Delete a blob that no record names. Only for the holder of the project's lock.

        Raises ``OSError``, and ``ValueError`` for a malformed digest.
        """
        self.path(digest)
        remove_below(self.cache, "blobs", digest[:2], digest)

    def temp_path(self, suffix: str = "") -> Path:
        """Return a new random path in the cache for a file that is still being made; the file is not created."""
        if not os.path.isdir(self._temp_folder):
            make_folders(self.temps, 0o700)
        return self.temps / f"{os.urandom(16).hex()}{suffix}"

    def sweep(self) -> None:
        """Remove the temporary files of killed builds. Only for the holder of the project's lock."""
        sweep(_TEMP, self.cache, "tmp")

    def _blob_name(self, digest: str) -> str:
        return f"{self._shards.path_of(digest)}/{digest}"

    def _adopt(self, path: Path) -> tuple[str, StagedFile]:
        with errors_for_path(path):
            descriptor = open_regular(path, to_sync=True)
            try:
                set_mode(descriptor, _READ_ONLY)
                looks = os.fstat(descriptor)
                sha256 = hashlib.sha256()
                while chunk := os.read(descriptor, min(CHUNK, looks.st_size + 1)):
                    sha256.update(chunk)
            except BaseException:
                os.close(descriptor)
                raise
        digest = sha256.hexdigest()
        # the mode was changed after the last write, at another ctime: any later write changes the mtime too
        settled = looks if change_time_ns(looks) > looks.st_mtime_ns else None
        return digest, StagedFile(os.fspath(path), self._blob_name(digest), descriptor, ours=False, looks=settled)

    def _copy(self, path: Path) -> tuple[str, StagedFile]:
        with errors_for_path(path):
            source = open_regular(path)
        temp = os.fspath(self.temp_path())
        try:
            digest, descriptor = _copy_to_temp(source, path, temp)
        finally:
            os.close(source)
        return digest, StagedFile(temp, self._blob_name(digest), descriptor)

    def _has_good_blob(self, digest: str) -> bool:
        """Return whether the blob is in its place and intact."""
        if not os.path.lexists(self._blob_name(digest)):
            return False
        try:
            self.verify(digest)
        except (Missing, Damaged):
            return False
        return True

    def _missing_or_damaged(self, digest: str) -> Missing | Damaged:
        kept_at = find_quarantined(digest, self._damaged)
        return Missing(digest) if kept_at is None else Damaged(digest, kept_at)

    def _quarantine(self, digest: str, seen: os.stat_result | None) -> None:
        """Move a bad blob to quarantine, unless another process has replaced it by a good one meanwhile."""
        path = self.path(digest)
        if not self.writable:
            raise Damaged(digest, path)
        kept_at = quarantine(path, self._damaged)
        try:
            moved = os.lstat(kept_at)
        except FileNotFoundError:
            raise self._missing_or_damaged(digest) from None
        if kept_at == path or not _is_other_file(moved, seen):
            raise Damaged(digest, kept_at)
        move(kept_at, path)
        self.verify(digest)


def _is_other_file(moved: os.stat_result, seen: os.stat_result | None) -> bool:
    """Return whether the file that was moved is another one than the file that was read (``None``: no regular file)."""
    if seen is None:
        return stat.S_ISREG(moved.st_mode)
    return (moved.st_dev, moved.st_ino) != (seen.st_dev, seen.st_ino)


def _copy_to_temp(source: int, path: Path, temp: str) -> tuple[str, int]:
    """Copy the rest of *source* to *temp*, read-only; return the digest of these bytes and the open file."""
    sha256 = hashlib.sha256()
    with errors_for_path(temp):
        target = open_new(temp)
    try:
        while chunk := _read(source, path):
            sha256.update(chunk)
            with errors_for_path(temp):
                write_all(target, chunk)
        with errors_for_path(temp):
            set_mode(target, _READ_ONLY)
    except BaseException:
        os.close(target)
        remove_quietly(temp)
        raise
    return sha256.hexdigest(), target


def _read(source: int, path: Path) -> bytes:
    with errors_for_path(path):
        return os.read(source, CHUNK)


class ShardDirs:
    """The shard folders in *root*, for any number of threads. A file in the place of one is moved to *damaged*.

    Remembers which folders survive a power failure, so that *root* is synced once for each folder, not for every file.
    """

    def __init__(self, root: str, damaged: Path) -> None:
        self.root = root
        self._damaged = damaged
        self._durable: set[str] = set()

    def path_of(self, name: str) -> str:
        """Return the shard folder of *name*."""
        return f"{self.root}/{name[:2]}"

    def make(self, shard: str) -> None:
        """Make a missing folder, and mark it as not yet durable. Raises ``OSError``."""
        self._durable.discard(shard)
        with errors_for_path(shard), suppress(FileExistsError):
            try:
                os.mkdir(shard)
            except FileNotFoundError:
                make_folders(Path(self.root))
                os.mkdir(shard)
            except FileExistsError:
                if not os.path.isdir(shard):
                    quarantine(Path(shard), self._damaged)
                    os.mkdir(shard)

    def unsynced_folders(self, shard: str) -> tuple[str, ...]:
        """Return the folders to sync before a new name in *shard* counts."""
        return (shard,) if shard in self._durable else (shard, self.root)

    def mark_synced(self, folders: Collection[str]) -> None:
        """Record that *folders* were synced after they were made; folders outside *root* are ignored."""
        if self.root in folders:
            self._durable.update(folder for folder in folders if folder.rpartition("/")[0] == self.root)
