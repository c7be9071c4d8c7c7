"""Disposable cache of content digests by stat result, and of facts by digest: ``.storyboard/index.sqlite``.

The cache is never authoritative. Damage, another version, a read-only folder or a concurrent writer cost time and
nothing else. A file whose time stamps lie within two seconds of its hashing is not cached: it could change once more
without a change of its stat result ("racily clean" in git's words).
"""

import contextlib
import hashlib
import os
import sqlite3
import stat
import threading
import zlib
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from storyboard.durable import errors_for_path, open_regular, remove_quietly
from storyboard.operating_system import change_time_ns
from storyboard.store.file_stamps import StatLog

VERSION = 1
RACY_NS = 2_000_000_000
_BUSY_S = 0.05
_TABLE = """
CREATE TABLE IF NOT EXISTS files
(path BLOB PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID
"""
# named for the first facts that it held
_FACTS_TABLE = """
CREATE TABLE IF NOT EXISTS lengths
(digest TEXT NOT NULL, kind TEXT NOT NULL, length TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (digest, kind))
WITHOUT ROWID
"""
_SELECT_FACT = "SELECT CAST(length AS TEXT), crc FROM lengths WHERE digest = ? AND kind = ?"
_SELECT = "SELECT CAST(stamp AS TEXT), CAST(digest AS TEXT), crc FROM files WHERE path = ?"
_SELECT_ALL = "SELECT path, CAST(stamp AS TEXT), CAST(digest AS TEXT), crc FROM files"
# Above 64 lookups, one full table read is faster than single queries.
_MAX_SINGLE_QUERIES = 64

Clock = Callable[[], float]


def stat_text(seen: os.stat_result) -> str:
    """Return the fields of a stat result that change with the content, and the identity of the file, as text."""
    return f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_ino} {seen.st_dev}"


class DigestCache:
    """Digests of files, cached in *path*, or in memory if *path* cannot be opened.

    *clock* returns epoch seconds. ``stat_log`` records each path that was looked up. Safe for any number of threads.
    New digests are written by ``flush`` and at the end of the ``with`` block; with *writable* false no file appears or
    changes.
    """

    def __init__(self, path: Path, clock: Clock, *, writable: bool = True) -> None:
        self._writable = writable
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._added: dict[bytes, tuple[str, str]] = {}
        self._added_facts: dict[tuple[str, str], str] = {}
        self.stat_log = StatLog()
        self._all_rows: dict[bytes, tuple[str, str, int]] | None = None
        self._lookups = 0
        self._db = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def digest_of(self, path: Path) -> str:
        """Return the sha256 of the content of a regular file, in hex; read the file only if its stat result changed.

        Links are not followed: pass a resolved path. Raises ``NotAFile`` or ``OSError``.
        """
        text = os.fspath(path if path.is_absolute() else path.absolute())
        name = os.fsencode(text)
        digest = self._lookup(text, name)
        if digest is not None:
            return digest
        with errors_for_path(path), os.fdopen(open_regular(path), "rb", buffering=0) as file:
            return self._read_digest(text, name, file)

    def digest_of_open(self, path: str, descriptor: int) -> str:
        """Return the sha256 of the regular file open as *descriptor*, which was found at the absolute *path*.

        The file is read only if its stat result changed. Its position moves. Raises ``OSError``.
        """
        name = os.fsencode(path)
        digest = self._find_digest(name, stat_text(os.fstat(descriptor)))
        if digest is not None:
            return digest
        with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
            file.seek(0)
            return self._read_digest(path, name, file)

    def _read_digest(self, text: str, name: bytes, file: FileIO) -> str:
        before = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        after = os.fstat(file.fileno())
        if stat_text(before) == stat_text(after):
            self.stat_log.add_file(text, after, digest)
            if not self._racy(after):
                with self._lock:
                    self._added[name] = (stat_text(after), digest)
        return digest

    def find_fact(self, digest: str, kind: str) -> str | None:
        """Return the cached fact about the content with that *digest*, as passed to ``add_fact``."""
        with self._lock:
            added = self._added_facts.get((digest, kind))
            if added is not None:
                return added
            try:
                found = self._db.execute(_SELECT_FACT, (digest, kind)).fetchone()
            except sqlite3.OperationalError:  # busy, or written by a version without lengths
                return None
            except sqlite3.DatabaseError:
                self._rebuild()
                return None
        return found[0] if found is not None and _crc(f"{digest} {kind}", found[0]) == found[1] else None

    def add_fact(self, digest: str, kind: str, fact: str) -> None:
        """Cache a *fact* about a content as text, for one *kind* of measurement, such as its length."""
        with self._lock:
            self._added_facts[digest, kind] = fact

    def add_renamed(self, path: Path | str, then: os.stat_result, digest: str) -> None:
        """Cache *digest* for *path* if its stat result still matches *then*, taken before the file was read.

        The file may have been renamed in between. The caller ensures that the clock of the file system advanced after
        the last write, so that a later write gets another modification time. Raises ``OSError``.
        """
        looks = os.lstat(path)
        if _rename_invariants(looks) != _rename_invariants(then):
            return
        text = os.fspath(Path(path).absolute())
        self.stat_log.add_file(text, looks, digest)
        self.stat_log.settled.add(text)
        with self._lock:
            self._added[os.fsencode(text)] = (stat_text(looks), digest)

    def cached_digest(self, path: str) -> str | None:
        """Return the digest of the regular file at an absolute path if its stat result is unchanged, else ``None``."""
        return self._lookup(path, os.fsencode(path))

    def _lookup(self, text: str, name: bytes) -> str | None:
        try:
            looks = os.lstat(text)
        except OSError:
            self.stat_log.add_absent(text)
            return None
        digest = self._find_digest(name, stat_text(looks)) if stat.S_ISREG(looks.st_mode) else None
        if digest is not None:
            self.stat_log.add_file(text, looks, digest)
        return digest

    def flush(self) -> None:
        """Write the new digests in one transaction, or drop them if another process is writing."""
        with self._lock:
            rows = [(name, *row, _crc(*row)) for name, row in self._added.items()]
            facts = [(*key, text, _crc(" ".join(key), text)) for key, text in self._added_facts.items()]
            self._added.clear()
            self._added_facts.clear()
            self._all_rows = None
            if not (rows or facts) or not self._writable:
                return
            try:
                with self._db:
                    self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
                    self._db.executemany("INSERT OR REPLACE INTO lengths VALUES (?, ?, ?, ?)", facts)
            except sqlite3.OperationalError:
                pass
            except sqlite3.DatabaseError:
                self._rebuild()

    def close(self) -> None:
        """Write the new digests and close the database."""
        self.flush()
        with self._lock:
            self._db.close()

    def _racy(self, seen: os.stat_result) -> bool:
        now = int(self._clock() * 1_000_000_000)
        return now - max(seen.st_mtime_ns, change_time_ns(seen)) < RACY_NS

    def _find_digest(self, name: bytes, stamp: str) -> str | None:
        with self._lock:
            row = self._added.get(name) or self._find_row(name)
        return row[1] if row is not None and row[0] == stamp else None

    def _find_row(self, name: bytes) -> tuple[str, str] | None:
        self._lookups += 1
        try:
            if self._all_rows is None and self._lookups > _MAX_SINGLE_QUERIES:
                self._all_rows = {row[0]: row[1:] for row in self._db.execute(_SELECT_ALL)}
            found = (
                self._all_rows.get(name)
                if self._all_rows is not None
                else self._db.execute(_SELECT, (name,)).fetchone()
            )
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            self._rebuild()
            return None
        if found is None or _crc(found[0], found[1]) != found[2]:
            return None
        return (found[0], found[1])

    def _open(self) -> sqlite3.Connection:
        if os.path.lexists(self._path) and not self._path.is_file():  # SQLite would wait for a pipe
            return _connect(":memory:")
        if not self._writable:
            return _connect_read_only(self._path)
        if not self._path.parent.is_dir():
            return _connect(":memory:")
        for _ in range(2):
            try:
                return _connect(os.fspath(self._path))
            except sqlite3.OperationalError:  # busy or not writable; the file itself may be intact
                break
            except sqlite3.DatabaseError:
                self._remove()
        return _connect(":memory:")

    def _rebuild(self) -> None:
        self._all_rows = None
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        if self._writable:
            self._remove()
            self._db = self._open()
        else:
            self._db = _connect(":memory:")

    def _remove(self) -> None:
        for ending in ("", "-journal"):
            remove_quietly(self._path.with_name(self._path.name + ending))


def _rename_invariants(looks: os.stat_result) -> tuple[int, int, int, int]:
    """Return the fields of a stat result that a rename leaves unchanged."""
    return looks.st_dev, looks.st_ino, looks.st_size, looks.st_mtime_ns


def _crc(stamp: str, digest: str) -> int:
    """Return a checksum of one row: SQLite does not detect a flipped bit in a cell.

    A wrong digest would look like an edited input.
    """
    return zlib.crc32(f"{stamp} {digest}".encode())


def _connect_read_only(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        base = sqlite3.connect(address, uri=True, timeout=_BUSY_S, check_same_thread=False)
    except sqlite3.Error:
        return _connect(":memory:")
    try:
        if base.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return base
    except sqlite3.Error:
        pass
    base.close()
    return _connect(":memory:")


def _connect(target: str) -> sqlite3.Connection:
    base = sqlite3.connect(target, timeout=_BUSY_S, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode = DELETE")
        base.execute("PRAGMA synchronous = NORMAL")
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"version {version}")
        base.execute(_TABLE)
        base.execute(_FACTS_TABLE)
        if version == 0:
            base.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        base.close()
        raise
    return base
