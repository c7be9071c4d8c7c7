"""Durable file operations: staged writes, syncs, renames and removals.

Only this module and ``operating_system``, which makes the calls, unlink, rename or replace files (a test checks this).
So everything that can be removed is visible here: single files and links that the program made itself, never a tree,
and nothing behind a link. A write stages a file in the folder of its path, syncs it, renames it and syncs the folder.
The content is left to the callers.
"""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storyboard.operating_system import (
    POSIX,
    Folder,
    cannot_link,
    change_time_ns,
    open_carefully,
    open_new,
    open_to_sync,
    rename,
    rename_new,
    set_mode,
    unlink,
)

CHUNK = 1 << 20
# Errors for a path at which nothing is: the second one for a file in place of a folder on the way.
NOTHING_THERE = (FileNotFoundError, NotADirectoryError)
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
# File names have at most 255 bytes; the rest is for what is added to a staged name.
_NAME_BYTES = 200
# The end of a name from ``temp_path`` or ``staged_path``, and any such name.
_STAGED_END = r"\.(?:[0-9a-f]{16}\.tmp|part-[0-9a-f]{8})"
STAGED = re.compile(rf"\..+{_STAGED_END}", re.DOTALL)


class NotAFile(OSError):
    """A symlink, folder, pipe, socket or device in place of a regular file, at ``filename``."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", os.fspath(path))


class LinkOnTheWay(OSError):
    """A link in place of a folder of this program, at ``filename``."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.ELOOP, "a link, which storyboard does not follow", os.fspath(path))


class errors_for_path:  # noqa: N801 - called like a function; contextmanager is too slow for the 100,000 calls of a film
    """Set the ``filename`` of every ``OSError`` in the block to *path*; descriptor calls leave it empty."""

    __slots__ = ("_path",)

    def __init__(self, path: Path | str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if problem is not None and isinstance(problem, OSError):
            problem.filename = os.fspath(self._path)
            del problem.filename2  # None would be printed


def open_regular(path: Path | str, *, follow: bool = False, to_sync: bool = False) -> int:
    """Open a regular file for reading, waiting for no pipe. Return the descriptor.

    Links are refused unless *follow*; with *to_sync* the descriptor can be synced. A pipe, socket or device is not even
    opened, since opening one may already have an effect. Raises ``NotAFile``, or ``OSError`` if it cannot be opened.
    """
    if not stat.S_ISREG(os.stat(path, follow_symlinks=follow).st_mode):
        raise NotAFile(path)
    try:
        descriptor = open_carefully(path, follow=follow, to_sync=to_sync)
    except OSError as problem:  # changed since
        if problem.errno in (errno.ELOOP, errno.ENXIO):
            raise NotAFile(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(path)
    return descriptor


def read_regular(path: Path | str, *, follow: bool = False) -> bytes:
    """Return all bytes of a regular file. Raises like ``open_regular``."""
    with errors_for_path(path), os.fdopen(open_regular(path, follow=follow), "rb", buffering=0) as file:
        return file.readall()


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of *data*: a single ``os.write`` may write less without an error."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def temp_path(path: Path) -> Path:
    """Return an unguessable hidden path in the folder of *path*, with an ending that no file of the program has."""
    return path.with_name(f".{_shorten(path.name)}.{os.urandom(8).hex()}.tmp")


def staged_names(path: Path) -> re.Pattern[str]:
    """Return a pattern of the names of staged files for *path* that a crash may have left in its folder."""
    return re.compile(rf"\.{re.escape(_shorten(path.name))}{_STAGED_END}")


def _shorten(name: str) -> str:
    return os.fsencode(name)[:_NAME_BYTES].decode(errors="ignore")


class OpenFolder:
    """A folder that is open to be synced. Errors name it. Raises ``OSError`` if it cannot be opened."""

    __slots__ = ("_folder", "path")

    def __init__(self, path: Path | str) -> None:
        self.path = path
        with errors_for_path(path):
            self._folder = Folder(path)

    def sync(self) -> None:
        """Sync the folder, where the file system supports that. Raises ``OSError``."""
        with errors_for_path(self.path):
            try:
                self._folder.sync()
            except OSError as problem:
                if problem.errno not in _NO_FOLDER_SYNC:
                    raise

    def close(self) -> None:
        """Close the folder."""
        self._folder.close()


def fsync_folder(path: Path | str) -> None:
    """Sync a folder, so that its names survive a power cut, where supported. Raises ``OSError``."""
    folder = OpenFolder(path)
    try:
        folder.sync()
    finally:
        folder.close()


def make_folders(path: Path, mode: int = 0o777) -> None:
    """Create *path* and the missing folders above it, each synced before the next."""
    if path.is_dir():
        return
    make_folders(path.parent)
    try:
        path.mkdir(mode)
    except FileExistsError:
        if not path.is_dir():
            raise
    fsync_folder(path.parent)


@contextmanager
def real_folder(top: Path | str, *parts: str) -> Iterator[Folder]:
    """Open the folder *parts* below *top*, each part from the one above, and yield it.

    Raises ``LinkOnTheWay`` that names a link, and ``OSError`` that names a folder that cannot be opened.
    """
    with errors_for_path(top):
        folder = Folder(top)
    try:
        for part in parts:
            try:
                below = Folder(part, folder)
            except OSError as problem:
                problem.filename = os.path.join(folder.path, part)
                if folder.has_link(part):
                    raise LinkOnTheWay(problem.filename) from None
                raise
            folder.close()
            folder = below
        yield folder
    finally:
        folder.close()


def remove(path: Path | str) -> None:
    """Remove a file or link that this program made, if it exists. Raises ``OSError`` that names it."""
    with suppress(FileNotFoundError):
        unlink(path)


# Files that ``remove_quietly`` could not remove while this process held a project; the next build sweeps them away.
not_removed: list[str] = []


def remove_quietly(path: Path | str) -> None:
    """Remove a file or link that this program made; what an error leaves is listed in ``not_removed``."""
    try:
        unlink(path)
    except FileNotFoundError:
        pass
    except OSError:
        not_removed.append(os.fspath(path))


def remove_below(top: Path | str, *parts: str) -> None:
    """Remove the file *parts* below *top*, if it exists, following no link.

    Raises ``LinkOnTheWay`` and ``OSError``.
    """
    with (
        suppress(FileNotFoundError),
        real_folder(top, *parts[:-1]) as folder,
        errors_for_path(os.path.join(top, *parts)),
    ):
        folder.remove(parts[-1])


def remove_folder_if_empty(top: Path | str, *parts: str) -> None:
    """Remove the folder *parts* below *top* if it is empty, following no link; ignore errors."""
    with suppress(OSError), real_folder(top, *parts[:-1]) as folder:
        folder.remove_folder(parts[-1])


def sweep(name: re.Pattern[str], top: Path | str, *parts: str, depth: int = 0) -> None:
    """Remove regular files whose names match *name* in the folder *parts* below *top*, up to *depth* folders deeper.

    Links and folders stay, and no link is followed. A missing folder is no error.

    Raises ``LinkOnTheWay`` if *parts* lead over a link, and ``OSError``.
    """
    with suppress(FileNotFoundError), real_folder(top, *parts) as folder:
        found = [(entry.name, entry.is_dir(follow_symlinks=False), _is_file(entry)) for entry in folder.entries()]
        for below, is_folder, is_file in found:
            if is_file and name.fullmatch(below):
                with suppress(FileNotFoundError), errors_for_path(os.path.join(top, *parts, below)):
                    folder.remove(below)
            elif is_folder and depth > 0:
                sweep(name, top, *parts, below, depth=depth - 1)


def keep_youngest(name: re.Pattern[str], most: int, top: Path | str, *parts: str) -> None:
    """Remove all but the *most* youngest regular files that match *name* in a folder. Raises like ``sweep``.

    Files from the future, written while the clock was ahead, count as the oldest.
    """
    now = time.time_ns()
    with real_folder(top, *parts) as folder:
        files = [entry for entry in folder.entries() if name.fullmatch(entry.name) and _is_file(entry)]
        times = {entry.name: entry.stat(follow_symlinks=False).st_mtime_ns for entry in files}
        for old in sorted(times, key=lambda file: (times[file] <= now, times[file], file))[:-most]:
            with suppress(FileNotFoundError), errors_for_path(os.path.join(top, *parts, old)):
                folder.remove(old)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file(follow_symlinks=False)


def move(source: Path | str, target: Path | str) -> None:
    """Rename a file of this program, replacing *target*. Raises ``OSError`` with both names."""
    rename(source, target)


def put_link(path: Path, target: str) -> None:
    """Create a link to *target* at *path*, replacing what is there. Raises ``OSError``."""
    temp = temp_path(path)
    os.symlink(target.replace("/", os.sep), temp)
    try:
        rename(temp, path)
    except BaseException:
        remove_quietly(temp)
        raise


class StagedFile:
    """A complete file at *temp*, not synced and not yet renamed to *path*. Errors name *path*.

    It stays open until it is published or dropped: errors of writing back are reported to open descriptors only. With
    *ours* false it was made by another program, and dropping it leaves it at *temp*. ``looks`` is its stat result from
    before it was read, if every later change shows in that.
    """

    __slots__ = ("_descriptor", "_is_settled", "_ours", "looks", "path", "temp")

    def __init__(
        self, temp: str, path: str, descriptor: int, *, ours: bool = True, looks: os.stat_result | None = None
    ) -> None:
        self.temp = temp
        self.path = path
        self.looks = looks
        self._descriptor: int | None = descriptor
        self._ours = ours
        self._is_settled = False

    def sync(self) -> None:
        """Sync the content, so that it survives a power cut. Raises ``OSError``."""
        if self._descriptor is not None:
            with errors_for_path(self.path):
                os.fsync(self._descriptor)

    def publish(self) -> None:
        """Rename the file to its path, replacing what is there. Raises ``OSError``."""
        if not POSIX:  # a file that is open cannot be renamed
            self._close_descriptor()
        with errors_for_path(self.path):
            rename(self.temp, self.path)
        self.close()

    def drop(self) -> None:
        """Remove the file, if it has not been published; one that is not ours stays."""
        if not self._is_settled:
            self.close()
            if self._ours:
                remove_quietly(self.temp)

    def close(self) -> None:
        """Close the file and leave it where it is."""
        self._is_settled = True
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def stage(temp: str, path: str, data: bytes, mode: int = 0o644) -> StagedFile:
    """Stage *data* at *temp*, which must not exist, for *path*. A partial file is removed. Raises ``OSError``."""
    with errors_for_path(path):
        descriptor = open_new(temp)
        try:
            write_all(descriptor, data)
            set_mode(descriptor, mode)
        except BaseException:
            os.close(descriptor)
            remove_quietly(temp)
            raise
    return StagedFile(temp, path, descriptor)


def write_temp(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write and sync a file that must not exist. A partial file is removed. Raises ``OSError``."""
    name = os.fspath(path)
    staged = stage(name, name, data, mode)
    try:
        staged.sync()
    except BaseException:
        staged.drop()
        raise
    staged.close()


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write *data* to *path*, replacing what is there; readers see the old or the new content, whole.

    The new content is durable on return. Raises ``OSError`` that names *path*; the old content is kept unless only the
    final sync of the folder failed.
    """
    with errors_for_path(path):
        temp = temp_path(path)
        write_temp(temp, data, mode)
        try:
            rename(temp, path)
        except BaseException:
            remove_quietly(temp)
            raise
        fsync_folder(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write *data* to *path* like ``write_atomic``. Raises ``FileExistsError``, changing nothing, if *path* exists."""
    with errors_for_path(path):
        temp = temp_path(path)
        write_temp(temp, data, mode)
        try:
            _link_or_rename(temp, path)
        finally:
            remove_quietly(temp)
        fsync_folder(path.parent)


def _link_or_rename(temp: Path, path: Path) -> None:
    try:
        os.link(temp, path)
    except OSError as problem:
        if not cannot_link(problem):
            raise
        rename_new(temp, path)


def write_disposable(path: Path | str, data: bytes) -> None:
    """Write *data* to *path* without a sync, replacing what is there: for files whose loss costs only time.

    Raises ``OSError`` that names *path*.
    """
    temp = os.fspath(temp_path(Path(path)))
    staged = stage(temp, os.fspath(path), data)
    try:
        staged.publish()
    finally:
        staged.drop()


@contextmanager
def staged_path(target: Path) -> Iterator[Path]:
    """Yield the path of an empty file beside *target*, which replaces *target* when the block ends.

    File and folder are synced on return. If the block raises, the file is removed and *target* is unchanged. Raises
    ``OSError``.
    """
    part = target.with_name(f".{_shorten(target.name)}.part-{secrets.token_hex(4)}")
    os.close(open_new(part, 0o666))
    try:
        yield part
        sync_file(part)
        rename(part, target)
    except BaseException:
        remove_quietly(part)
        raise
    fsync_folder(target.parent)


def sync_file(path: Path) -> None:
    """Sync a file, by whichever process it was written. Raises ``OSError``."""
    descriptor = open_to_sync(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Below the step of file systems that stamp in seconds: a build does not wait for those.
_CLOCK_TIMEOUT_S = 0.1


def clock(folder: Path) -> tuple[int, int]:
    """Wait for a step of the file system's clock. Return its time (ns) after the step, and the device of *folder*.

    After 0.1 s without a step, return the time of the last one. Raises ``OSError``.
    """
    probe = temp_path(folder / "clock")
    descriptor = open_new(probe)
    try:
        first = change_time_ns(os.fstat(descriptor))
        deadline = time.monotonic() + _CLOCK_TIMEOUT_S
        while True:
            with errors_for_path(folder):
                os.write(descriptor, b"?")
            looks = os.fstat(descriptor)
            if change_time_ns(looks) > first or time.monotonic() > deadline:
                return change_time_ns(looks), looks.st_dev
            time.sleep(0.001)
    finally:
        os.close(descriptor)
        remove(probe)
