"""Every removal, rename and replacement of a file, and the writing of files that are whole or absent.

No other module of the program unlinks, renames or replaces (a test holds it to that), so that one place shows what may
go: single files and links that the program has made itself, never a tree, and nothing behind a link. A file that is
written is staged beside its place, synced, renamed, and its folder synced. Leaves to others what the bytes are.
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

CHUNK = 1 << 20
_NO_LINKS_HERE = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_NO_FOLDER_SYNC_HERE = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
# Room for what is added to a name, within the 255 bytes that a name may have.
_NAME_BYTES = 200
# The ends of the names that ``temp_beside`` and ``written_beside`` give, and these names, whatever file they are for.
_STAGED_END = r"\.(?:[0-9a-f]{16}\.tmp|part-[0-9a-f]{8})"
STAGED = re.compile(rf"\..+{_STAGED_END}", re.DOTALL)


class NotAFile(OSError):
    """A symlink, folder, pipe, socket or device stands where a regular file is needed; ``filename`` says where."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", os.fspath(path))


class LinkOnTheWay(OSError):
    """A link stands where a folder of our own is needed; ``filename`` says where."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(errno.ELOOP, "a link, where storyboard follows none", os.fspath(path))


class errors_for_path:  # noqa: N801  a function to those who use it; written out since a film passes it a hundred thousand times
    """Make every ``OSError`` of the block name *path*: calls on descriptors name nothing, and a temp tells nobody."""

    __slots__ = ("_path",)

    def __init__(self, path: Path | str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if problem is not None and isinstance(problem, OSError):
            problem.filename = os.fspath(self._path)
            del problem.filename2  # None would be printed


def open_regular(path: Path | str) -> int:
    """Open for reading without following a link or waiting for a pipe; returns the descriptor.

    Raises ``NotAFile``, or ``OSError`` if it cannot be opened.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.ENXIO):
            raise NotAFile(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(path)
    return descriptor


def read_regular(path: Path | str) -> bytes:
    """All bytes of a regular file. Raises as ``open_regular`` does."""
    with errors_for_path(path), os.fdopen(open_regular(path), "rb", buffering=0) as file:
        return file.readall()


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte: a single ``os.write`` may write fewer and say nothing."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def temp_beside(path: Path) -> Path:
    """A name in the folder of *path* that nobody can guess; hidden, and never ending like a file of ours."""
    return path.with_name(f".{_cut(path.name)}.{os.urandom(8).hex()}.tmp")


def staged_for(path: Path) -> re.Pattern[str]:
    """Matches the names under which a file for *path* may have been left half written, in its folder."""
    return re.compile(rf"\.{re.escape(_cut(path.name))}{_STAGED_END}")


def _cut(name: str) -> str:
    return os.fsencode(name)[:_NAME_BYTES].decode(errors="ignore")


class OpenFolder:
    """A folder whose names are to survive a power cut. Errors name it. Raises ``OSError`` if it cannot be opened."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self._descriptor: int | None = None
        if os.name != "nt":
            with errors_for_path(path):
                self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def sync(self) -> None:
        """Sync it; nothing where a file system has no such call. Raises ``OSError``."""
        if self._descriptor is not None:
            with errors_for_path(self.path):
                try:
                    os.fsync(self._descriptor)
                except OSError as problem:
                    if problem.errno not in _NO_FOLDER_SYNC_HERE:
                        raise

    def close(self) -> None:
        """Let it go."""
        if self._descriptor is not None:
            os.close(self._descriptor)


def fsync_folder(path: Path | str) -> None:
    """Make names in a folder survive a power cut; nothing where a file system has no such call. Raises ``OSError``."""
    folder = OpenFolder(path)
    try:
        folder.sync()
    finally:
        folder.close()


def make_folders(path: Path, mode: int = 0o777) -> None:
    """Make *path* and the folders above it that are missing, each one durable before the next."""
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
def real_folder(top: Path | str, *parts: str) -> Iterator[int]:
    """A descriptor of the folder *parts* below *top*, each step opened from the one before.

    Raises ``LinkOnTheWay`` naming the link, else ``OSError`` naming the folder that cannot be opened.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    path = os.fspath(top)
    with errors_for_path(path):
        folder = os.open(path, flags)
    try:
        for part in parts:
            path = os.path.join(path, part)
            try:
                below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as problem:
                problem.filename = path
                if _is_link(part, folder):
                    raise LinkOnTheWay(path) from None
                raise
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def _is_link(name: str, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def remove(path: Path | str) -> None:
    """Remove one file or link that this program has made; nothing if it is gone. Raises ``OSError`` naming it."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def remove_quietly(path: Path | str) -> None:
    """The same; what cannot be removed stays."""
    with suppress(OSError):
        os.unlink(path)


def remove_below(top: Path | str, *parts: str) -> None:
    """Remove the file *parts* below *top*, reached through no link; nothing if it is gone.

    Raises ``LinkOnTheWay`` and ``OSError``.
    """
    with (
        suppress(FileNotFoundError),
        real_folder(top, *parts[:-1]) as folder,
        errors_for_path(os.path.join(top, *parts)),
    ):
        os.unlink(parts[-1], dir_fd=folder)


def remove_folder_if_empty(top: Path | str, *parts: str) -> None:
    """Remove the folder *parts* below *top*, reached through no link, if nothing is in it."""
    with suppress(OSError), real_folder(top, *parts[:-1]) as folder:
        os.rmdir(parts[-1], dir_fd=folder)


def sweep(name: re.Pattern[str], top: Path | str, *parts: str, depth: int = 0) -> None:
    """Remove the regular files with such a *name* in the folder *parts* below *top*, and up to *depth* folders deeper.

    Links and folders stay whatever their names are, and no link is followed. A missing folder is no error.

    Raises ``LinkOnTheWay`` if *parts* lead over a link, and ``OSError``.
    """
    with suppress(FileNotFoundError), real_folder(top, *parts) as folder:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False), _is_file(entry)) for entry in entries]
        for below, is_folder, is_file in found:
            if is_file and name.fullmatch(below):
                with suppress(FileNotFoundError), errors_for_path(os.path.join(top, *parts, below)):
                    os.unlink(below, dir_fd=folder)
            elif is_folder and depth > 0:
                sweep(name, top, *parts, below, depth=depth - 1)


def keep_youngest(name: re.Pattern[str], most: int, top: Path | str, *parts: str) -> None:
    """Remove all but the *most* youngest of the regular files with such a *name* in a folder. Raises as ``sweep``."""
    with real_folder(top, *parts) as folder:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if name.fullmatch(entry.name) and _is_file(entry)]
            ages = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name) for entry in files)
        for _, old in ages[:-most]:
            with suppress(FileNotFoundError), errors_for_path(os.path.join(top, *parts, old)):
                os.unlink(old, dir_fd=folder)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    return entry.is_file(follow_symlinks=False)


def move(source: Path | str, target: Path | str) -> None:
    """Give a file of our own another name, replacing what has it. Raises ``OSError`` with both names."""
    os.replace(source, target)


def put_link(path: Path, target: str) -> None:
    """Put a link to *target* at *path*, replacing what is there. Raises ``OSError``."""
    temp = temp_beside(path)
    os.symlink(target, temp)
    try:
        os.replace(temp, path)
    except BaseException:
        remove_quietly(temp)
        raise


class StagedFile:
    """A whole file under the name *temp*, not synced and not yet at its *path*: nobody has seen it.

    It stays open until it is published or dropped, since an error of writing back is told to who has the file open.
    With *ours* false somebody else has made it, who finds it where it was if it is dropped. Errors name *path*.
    ``looks`` is how it looked before it was read, if a later change shows in that.
    """

    __slots__ = ("_descriptor", "_ours", "looks", "path", "temp")

    def __init__(
        self, temp: str, path: str, descriptor: int, *, ours: bool = True, looks: os.stat_result | None = None
    ) -> None:
        self.temp = temp
        self.path = path
        self.looks = looks
        self._descriptor: int | None = descriptor
        self._ours = ours

    def sync(self) -> None:
        """Make its content survive a power cut. Raises ``OSError``."""
        if self._descriptor is not None:
            with errors_for_path(self.path):
                os.fsync(self._descriptor)

    def publish(self) -> None:
        """Put it at its path, replacing what is there. Raises ``OSError``."""
        with errors_for_path(self.path):
            os.replace(self.temp, self.path)
        self.close()

    def drop(self) -> None:
        """Let it go, if it has not been published."""
        if self._descriptor is not None:
            self.close()
            if self._ours:
                remove_quietly(self.temp)

    def close(self) -> None:
        """Have it open no longer; the file stays where it is."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def write_beside(temp: str, path: str, data: bytes, mode: int = 0o644) -> StagedFile:
    """Write *data* to *temp*, which must not exist yet; a half file is removed again. Raises ``OSError``."""
    with errors_for_path(path):
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, data)
            os.fchmod(descriptor, mode)
        except BaseException:
            os.close(descriptor)
            remove_quietly(temp)
            raise
    return StagedFile(temp, path, descriptor)


def write_temp(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file that must not exist yet and sync it; a half one is removed again."""
    name = os.fspath(path)
    beside = write_beside(name, name, data, mode)
    try:
        beside.sync()
    except BaseException:
        beside.drop()
        raise
    beside.close()


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put *data* at *path*, replacing what is there: at no moment is less than one of the two to be seen.

    When this returns, it survives a power cut. Raises ``OSError`` that names *path*, with the old content kept unless
    only the last sync of the folder failed.
    """
    with errors_for_path(path):
        temp = temp_beside(path)
        write_temp(temp, data, mode)
        try:
            os.replace(temp, path)
        except BaseException:
            remove_quietly(temp)
            raise
        fsync_folder(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Like ``write_atomic`` for a name that must not exist: raises ``FileExistsError`` and changes nothing."""
    with errors_for_path(path):
        temp = temp_beside(path)
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
        if problem.errno not in _NO_LINKS_HERE:
            raise
        # A file system without hard links: the project's lock keeps other builders away between look and rename.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)) from None
        os.replace(temp, path)


def write_disposable(path: Path | str, data: bytes) -> None:
    """Put *data* at *path*, replacing what is there; nothing is synced, since only time is lost with it.

    Raises ``OSError`` naming *path*.
    """
    temp = os.fspath(temp_beside(Path(path)))
    beside = write_beside(temp, os.fspath(path), data)
    try:
        beside.publish()
    finally:
        beside.drop()


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """An empty file in the folder of *target* to write to; it takes the place of *target* when the block ends.

    Both are on disk before this returns. If the block raises, the file is removed and *target* stays as it was.
    Raises ``OSError``.
    """
    part = target.with_name(f".{_cut(target.name)}.part-{secrets.token_hex(4)}")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    try:
        yield part
        sync_file(part)
        os.replace(part, target)
    except BaseException:
        remove_quietly(part)
        raise
    fsync_folder(target.parent)


def sync_file(path: Path) -> None:
    """Make what has been written to a file survive a power cut, whoever wrote it. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Nobody waits for a file system that stamps in seconds.
_PATIENCE_S = 0.1


def clock(folder: Path) -> tuple[int, int]:
    """The time in *folder* in nanoseconds once the clock there has made a step, and the device it is on.

    The time is that of the last step if there was none for a tenth of a second. Raises ``OSError``.
    """
    probe = temp_beside(folder / "clock")
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        first = os.fstat(descriptor).st_ctime_ns
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            os.pwrite(descriptor, b"?", 0)
            looks = os.fstat(descriptor)
            if looks.st_ctime_ns > first or time.monotonic() > deadline:
                return looks.st_ctime_ns, looks.st_dev
            time.sleep(0.001)
    finally:
        os.close(descriptor)
        remove(probe)
