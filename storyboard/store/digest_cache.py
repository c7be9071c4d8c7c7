"""The disposable memory ``.storyboard/index.sqlite``: which content a file had when its stat was last seen.

Owns no truth. Whatever is wrong with it (damage, another version, a folder that may not be written, somebody else
writing) costs time and nothing else. A file whose stamps lie within two seconds of its hashing is not remembered: it
could change once more without its stat telling ("racily clean" in git's words).
"""

import contextlib
import hashlib
import os
import sqlite3
import stat
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from storyboard.durable import errors_for_path, open_regular, remove_quietly
from storyboard.store.file_stamps import StatLog

VERSION = 1
RACY_NS = 2_000_000_000
_BUSY_S = 0.05
_TABLE = """
CREATE TABLE IF NOT EXISTS files
(path BLOB PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID
"""
_SELECT = "SELECT CAST(stamp AS TEXT), CAST(digest AS TEXT), crc FROM files WHERE path = ?"
_SELECT_ALL = "SELECT path, CAST(stamp AS TEXT), CAST(digest AS TEXT), crc FROM files"
# Whoever asks for more than so many files asks for most of them: then reading all at once takes less time.
_FEW = 64

Clock = Callable[[], float]


def stamp_of(seen: os.stat_result) -> str:
    """Everything about a file that changes when its content does, and its identity."""
    return f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_ino} {seen.st_dev}"


class DigestCache:
    """Remembers digests in *path*, or in memory alone if that cannot be. *clock* returns epoch seconds.

    ``seen`` is what was asked for. Used from any thread. What is learnt is written by ``flush`` or at the end of the
    ``with`` block; with *writable* false nothing is, and no file appears or changes.
    """

    def __init__(self, path: Path, clock: Clock, *, writable: bool = True) -> None:
        self._writable = writable
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._learnt: dict[bytes, tuple[str, str]] = {}
        self.seen = StatLog()
        self._rows: dict[bytes, tuple[str, str, int]] | None = None
        self._asked = 0
        self._base = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def digest_of(self, path: Path) -> str:
        """sha256 of a regular file's content, in hex; read only if its stat is not the remembered one.

        Links are not followed: hand in a resolved path. Raises ``NotAFile`` or ``OSError``.
        """
        text = os.fspath(path if path.is_absolute() else path.absolute())
        name = os.fsencode(text)
        known = self._at_a_glance(text, name)
        if known is not None:
            return known
        with errors_for_path(path), os.fdopen(open_regular(path), "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
        if stamp_of(before) == stamp_of(after):
            self.seen.file(text, after, digest)
            if not self._racy(after):
                with self._lock:
                    self._learnt[name] = (stamp_of(after), digest)
        return digest

    def renamed(self, path: Path | str, then: os.stat_result, digest: str) -> None:
        """What is at *path* holds what *digest* says, if it is the file that looked like *then* before it was read.

        It may have been renamed since. The clock of the file system had to have gone on since it was written, so that
        whoever wrote to it later gave it another time of modification. Raises ``OSError``.
        """
        looks = os.lstat(path)
        if _unwritten(looks) != _unwritten(then):
            return
        text = os.fspath(Path(path).absolute())
        self.seen.file(text, looks, digest)
        self.seen.settled.add(text)
        with self._lock:
            self._learnt[os.fsencode(text)] = (stamp_of(looks), digest)

    def known(self, path: str) -> str | None:
        """The digest of the regular file at an absolute path, if it looks as it did when it was read."""
        return self._at_a_glance(path, os.fsencode(path))

    def _at_a_glance(self, text: str, name: bytes) -> str | None:
        try:
            looks = os.lstat(text)
        except OSError:
            self.seen.nothing(text)
            return None
        known = self._recall(name, stamp_of(looks)) if stat.S_ISREG(looks.st_mode) else None
        if known is not None:
            self.seen.file(text, looks, known)
        return known

    def flush(self) -> None:
        """Write what was learnt in one transaction; if another process is writing, it is forgotten instead."""
        with self._lock:
            rows = [(name, *known, _crc(*known)) for name, known in self._learnt.items()]
            self._learnt.clear()
            self._rows = None
            if not rows or not self._writable:
                return
            try:
                with self._base:
                    self._base.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
            except sqlite3.OperationalError:
                pass
            except sqlite3.DatabaseError:
                self._rebuild()

    def close(self) -> None:
        """Write what was learnt and let the file go."""
        self.flush()
        with self._lock:
            self._base.close()

    def _racy(self, seen: os.stat_result) -> bool:
        now = int(self._clock() * 1_000_000_000)
        return now - max(seen.st_mtime_ns, seen.st_ctime_ns) < RACY_NS

    def _recall(self, name: bytes, stamp: str) -> str | None:
        with self._lock:
            row = self._learnt.get(name) or self._row(name)
        return row[1] if row is not None and row[0] == stamp else None

    def _row(self, name: bytes) -> tuple[str, str] | None:
        self._asked += 1
        try:
            if self._rows is None and self._asked > _FEW:
                self._rows = {row[0]: row[1:] for row in self._base.execute(_SELECT_ALL)}
            found = self._rows.get(name) if self._rows is not None else self._base.execute(_SELECT, (name,)).fetchone()
        except sqlite3.OperationalError:
            return None
        except sqlite3.DatabaseError:
            self._rebuild()
            return None
        if found is None or _crc(found[0], found[1]) != found[2]:
            return None
        return (found[0], found[1])

    def _open(self) -> sqlite3.Connection:
        if not self._writable:
            return _connect_to_read(self._path)
        if not self._path.parent.is_dir():
            return _connect(":memory:")
        for _ in range(2):
            try:
                return _connect(os.fspath(self._path))
            except sqlite3.OperationalError:  # busy or not to be written; the file itself may be good
                break
            except sqlite3.DatabaseError:
                self._remove()
        return _connect(":memory:")

    def _rebuild(self) -> None:
        self._rows = None
        with contextlib.suppress(sqlite3.Error):
            self._base.close()
        if self._writable:
            self._remove()
            self._base = self._open()
        else:
            self._base = _connect(":memory:")

    def _remove(self) -> None:
        for ending in ("", "-journal"):
            remove_quietly(self._path.with_name(self._path.name + ending))


def _unwritten(looks: os.stat_result) -> tuple[int, int, int, int]:
    """What a rename leaves as it is."""
    return looks.st_dev, looks.st_ino, looks.st_size, looks.st_mtime_ns


def _crc(stamp: str, digest: str) -> int:
    """SQLite does not notice a changed bit in a cell; a wrong digest here would look like an edited input."""
    return zlib.crc32(f"{stamp} {digest}".encode())


def _connect_to_read(path: Path) -> sqlite3.Connection:
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
        if version == 0:
            base.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        base.close()
        raise
    return base
