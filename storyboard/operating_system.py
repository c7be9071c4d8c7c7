"""Differences between operating systems: descriptors, folders, permissions, links, signals, memory limits and names.

Owns every call that Linux and macOS have and Windows lacks, with the way in which it is done there; the other modules
hold no test of the system. ``POSIX`` is read from what ``os`` offers, so that tests can take these calls away. A rule
of Windows shapes the callers as well: a file that is open can neither be renamed nor removed.
"""

import errno
import os
import re
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import subprocess
    from asyncio import AbstractEventLoop

# True where folders have descriptors, from which the files in them are opened without following links.
POSIX: Final[bool] = hasattr(os, "O_DIRECTORY") and hasattr(os, "O_NOFOLLOW") and os.open in os.supports_dir_fd
# Python opens descriptors that no other program inherits (PEP 446); Windows translates line ends without O_BINARY.
_PLAIN = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
# Seconds to wait for a file that another program has open: virus scanners and indexers read every new file.
_IN_USE_TIMEOUT_S = 2.0
# Links of Windows that lead to another place. Files of OneDrive have other tags, and are files.
# IO_REPARSE_TAG_SYMLINK, IO_REPARSE_TAG_MOUNT_POINT
_LINK_TAGS = {0xA000000C, 0xA0000003}
# Where folders have no descriptors that could be locked, at least the threads of this process take turns.
_NAMING = threading.Lock()
_CANNOT_LINK = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EINVAL}
# ERROR_PRIVILEGE_NOT_HELD, ERROR_INVALID_FUNCTION
_CANNOT_LINK_ON_WINDOWS = {1314, 1}


# files


def open_new(path: Path | str, mode: int = 0o600) -> int:
    """Create a file that must not exist and return its descriptor for writing. Raises ``OSError``."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, mode)


def is_own(entry: os.stat_result) -> bool:
    """Return whether a file or folder belongs to the user of this process, as git decides it.

    The user who has become root by ``sudo`` counts too. Without owners, as on Windows, every file is the user's.
    """
    if not hasattr(os, "geteuid"):
        return True
    user = os.geteuid()
    return entry.st_uid == user or (user == 0 and str(entry.st_uid) == os.environ.get("SUDO_UID"))


def open_carefully(path: Path | str, *, follow: bool = False, to_sync: bool = False) -> int:
    """Open *path* for reading, waiting for no pipe, and following a link only with *follow*; return the descriptor.

    With *to_sync* it can be synced, for which Windows wants the right to write. Raises ``OSError``, with ``ELOOP`` for
    a link.
    """
    access = os.O_RDWR if to_sync and not POSIX else os.O_RDONLY
    descriptor = os.open(path, access | _PLAIN | _NO_WAIT | (0 if follow else _NO_LINK))
    if not POSIX and not follow:
        _refuse_link(path, descriptor)
    return descriptor


def open_to_append(path: Path | str, mode: int = 0o644) -> int:
    """Open or create a file for reading and for writing at its end, following no link. Raises ``OSError``."""
    if not POSIX and os.path.lexists(path):
        with suppress(FileNotFoundError):
            _refuse_link(path)
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _PLAIN | _NO_LINK, mode)


def open_to_sync(path: Path | str) -> int:
    """Open a file that another process has written, in the way in which its content can be synced."""
    return os.open(path, (os.O_RDONLY if POSIX else os.O_RDWR) | _PLAIN)


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Return at most *size* bytes from *offset*; the position of the descriptor stays. Raises ``OSError``."""
    if sys.platform != "win32" and POSIX:
        return os.pread(descriptor, size, offset)
    before = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
    finally:
        os.lseek(descriptor, before, os.SEEK_SET)


def set_mode(descriptor: int, mode: int) -> None:
    """Set the permissions of an open file, where files have them. Raises ``OSError``.

    Windows has a read-only flag in their place, which would also keep the program from removing its own files.
    """
    if sys.platform != "win32" and POSIX:
        os.fchmod(descriptor, mode)


def change_time_ns(looks: os.stat_result) -> int:
    """Return the time of the last change of a file's content or entry. Windows keeps only that of its content.

    There ``st_ctime`` is the time at which the file was made.
    """
    return looks.st_ctime_ns if POSIX else looks.st_mtime_ns


def rename(source: Path | str, target: Path | str) -> None:
    """Rename a file, replacing *target*. On Windows wait up to 2 s for programs that have one of them open.

    Raises ``OSError``.
    """
    _when_not_in_use(lambda: os.replace(source, target))


def rename_new(source: Path | str, target: Path | str) -> None:
    """Rename a file to a name that must not be taken, where the file system has no hard links for that.

    The folder is locked between check and rename, against other threads and other processes of this program; Windows
    needs no lock. Raises ``OSError``, for a name that is taken ``FileExistsError``.
    """
    if sys.platform == "win32":
        _when_not_in_use(lambda: os.rename(source, target))
    else:
        with _NAMING, _locked_folder(os.path.dirname(os.path.abspath(target))):
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
            os.rename(source, target)


@contextmanager
def _locked_folder(folder: str) -> Iterator[None]:
    """Hold the lock of *folder* in the block; without one where folders have no descriptors or no locks."""
    if sys.platform == "win32" or not POSIX:
        yield
    else:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def unlink(path: Path | str) -> None:
    """Remove a file or link; on Windows wait up to 2 s for programs that have it open. Raises ``OSError``."""
    _when_not_in_use(lambda: os.unlink(path))


def _when_not_in_use(act: Callable[[], None]) -> None:
    if POSIX:
        return act()
    deadline = time.monotonic() + _IN_USE_TIMEOUT_S
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def cannot_link(problem: OSError) -> bool:
    """Return whether *problem*, of a link that was not made, is one of the file system or of missing rights."""
    return problem.errno in _CANNOT_LINK or getattr(problem, "winerror", None) in _CANNOT_LINK_ON_WINDOWS


def read_link(path: Path | str) -> str:
    """Return the target of a link, written with ``/``. Raises ``OSError``."""
    return os.readlink(path).removeprefix("\\\\?\\" if os.sep == "\\" else "").replace(os.sep, "/")


def relative_path(path: Path, start: Path) -> str:
    """Return *path* as seen from the folder *start*, written with ``/``; whole, if it is on another drive."""
    try:
        return os.path.relpath(path, start).replace(os.sep, "/")
    except ValueError:
        return path.as_posix()


def is_link(looks: os.stat_result) -> bool:
    """Return whether this result of ``lstat`` is of a link, or of a junction of Windows."""
    return stat.S_ISLNK(looks.st_mode) or getattr(looks, "st_reparse_tag", 0) in _LINK_TAGS


def _refuse_link(path: Path | str, descriptor: int | None = None) -> None:
    """Raise ``OSError`` with ``ELOOP`` if *path* is a link, or not the file at *descriptor*, which is closed then."""
    try:
        looks = os.lstat(path)
        if is_link(looks) or (descriptor is not None and not os.path.samestat(looks, os.fstat(descriptor))):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    except BaseException:
        if descriptor is not None:
            os.close(descriptor)
        raise


# folders


class Folder:
    """An open folder. Folders and files below it are opened from it by name, and no link among them is followed.

    Where folders have no descriptors, the names are looked at one by one before they are opened. Raises ``OSError``,
    with ``ELOOP`` for a link.
    """

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path | str, inside: "Folder | None" = None) -> None:
        """Open *path*; with *inside*, the folder of that name in it."""
        self.path: str = os.fspath(path) if inside is None else os.path.join(inside.path, path)
        self._descriptor: int | None = None
        if sys.platform != "win32" and POSIX:
            if inside is None:
                self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            else:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                self._descriptor = os.open(path, flags, dir_fd=inside._descriptor)
            return
        looks = os.stat(self.path) if inside is None else os.lstat(self.path)
        if is_link(looks):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self.path)
        if not stat.S_ISDIR(looks.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def sync(self) -> None:
        """Sync the names in the folder, where systems support that. Raises ``OSError``."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def open_file(self, name: str) -> int:
        """Open a file in the folder for reading, as ``open_carefully`` does."""
        if self._descriptor is None:
            return open_carefully(os.path.join(self.path, name))
        return os.open(name, os.O_RDONLY | _PLAIN | _NO_LINK | _NO_WAIT, dir_fd=self._descriptor)

    def has_link(self, name: str) -> bool:
        """Return whether *name* is a link in the folder."""
        try:
            if self._descriptor is None:
                return is_link(os.lstat(os.path.join(self.path, name)))
            return is_link(os.stat(name, dir_fd=self._descriptor, follow_symlinks=False))
        except OSError:
            return False

    def entries(self) -> "list[os.DirEntry[str]]":
        """Return what is in the folder, which has to stay open while the entries are in use. Raises ``OSError``."""
        place: Any = self.path if self._descriptor is None else self._descriptor
        with os.scandir(place) as entries:
            return list(entries)

    def remove(self, name: str) -> None:
        """Remove a file or link from the folder. Raises ``OSError``."""
        if self._descriptor is None:
            unlink(os.path.join(self.path, name))
        else:
            os.unlink(name, dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder from the folder. Raises ``OSError``."""
        if self._descriptor is None:
            os.rmdir(os.path.join(self.path, name))
        else:
            os.rmdir(name, dir_fd=self._descriptor)


# processes and signals

# Signals that stop a build. SIGHUP: its terminal was closed. SIGBREAK: Ctrl-Break, and the end of a console of Windows.
STOP_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
# Signals of a process that has run into a fault of its own: of a library in C, mostly.
_CRASHES = {"SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"}
# Exit codes from here on are faults by NTSTATUS; the C library of Windows ends with code 3 when it aborts.
_FIRST_NTSTATUS_ERROR = 0xC0000000
# STATUS_CONTROL_C_EXIT
_NTSTATUS_CTRL_C = 0xC000013A


@contextmanager
def stop_signals(loop: "AbstractEventLoop", handler: Callable[[int], object]) -> Iterator[None]:
    """Call *handler* in *loop* with the number of each stop signal that arrives during the block.

    A SIGHUP that this process was started to ignore (``nohup``) stays ignored.
    """
    before: dict[int, Any] = {}
    added = []
    for number in STOP_SIGNALS:
        if number == getattr(signal, "SIGHUP", 0) and signal.getsignal(number) == signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, handler, number)
            added.append(number)
        except NotImplementedError:  # the loop of Windows
            before[number] = signal.signal(number, lambda got, _: loop.call_soon_threadsafe(handler, got))
    try:
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)


def font_folders(environment: Mapping[str, str], home: str, data: str) -> list[str]:
    """Return the folders in which the system keeps fonts; *data* is the folder for data of programs on Linux."""
    if sys.platform == "darwin":
        found = [f"{home}/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts"]
    elif sys.platform == "win32":
        local = environment.get("LOCALAPPDATA")
        found = [os.path.join(environment.get("WINDIR", "C:\\Windows"), "Fonts")]
        found += [os.path.join(local, "Microsoft", "Windows", "Fonts")] if local else []
    else:
        shared = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        found = [f"{data}/fonts", f"{home}/.fonts", *(f"{folder}/fonts" for folder in shared.split(":") if folder)]
    return found


def has_display() -> bool:
    """Return whether a window that this process opens is seen by its user: not over ssh, and not without a display."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    has_own = hasattr(os, "startfile") or sys.platform == "darwin"
    return has_own or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_document(path: str, seconds: float = 1.0) -> bool:
    """Open *path* with the program that the user has chosen for its kind; return whether that worked.

    The program runs on after this process. Its failure is noticed for *seconds*.
    """
    start = getattr(os, "startfile", None)
    if start is not None:
        with suppress(OSError):
            start(path)
            return True
        return False
    import shutil
    import subprocess

    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        return False
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([opener, path], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)  # noqa: S603
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return True


def start_worker(command: list[str]) -> "subprocess.Popen[bytes]":
    """Start *command* with a pipe to its stdin and one from its stdout. Raises ``OSError``.

    Ctrl-C does not reach it before it has called ``ignore_ctrl_c``.
    """
    import subprocess

    if sys.platform != "win32" and hasattr(signal, "pthread_sigmask"):
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    # A new process group of Windows gets no Ctrl-C.
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    return subprocess.Popen(  # noqa: S603 - a list of words, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, creationflags=flags
    )


def use_one_thread_in_numpy() -> None:
    """Keep numpy, imported later, from starting a thread for each core: nothing here multiplies large matrices."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def ignore_ctrl_c() -> None:
    """Ignore Ctrl-C in this process, which ``start_worker`` has started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32" and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class ProcessEnd:
    """The end of a process by its exit code, as ``subprocess`` returns it.

    ``crashed``: by a fault of its own. ``killed``: from outside, as the kernel does when memory runs out.
    """

    def __init__(self, code: int) -> None:
        name = _signal_name(-code) if code < 0 else ""
        is_fault = code >= _FIRST_NTSTATUS_ERROR and code != _NTSTATUS_CTRL_C
        self.crashed = name in _CRASHES or is_fault
        self.killed = name == "SIGKILL"
        if name:
            self.text = f"by {name}"
        elif is_fault:
            self.text = f"by a fault (0x{code:08X})"
        else:
            self.text = f"with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# limits

_NO_MEMORY = re.compile(r"cannot allocate memory|failed to map segment|cannot create shared object|out of memory", re.I)
_MB = 1_000_000


def shortage(problem: BaseException) -> str | None:
    """Return which resource of this process ran out, its limit and a way out; ``None`` for other problems."""
    for one in _causes(problem):
        number = one.errno if isinstance(one, OSError) else None
        text = str(one)
        if number in (errno.EMFILE, errno.ENFILE):
            return f"too many open files{_limit('NOFILE', 1, '')}; allow more, for example by `ulimit -n 256`"
        if number == errno.EFBIG:
            return f"the file is too large{_limit('FSIZE', _MB, ' MB')}; allow more, or use another disk"
        if number in (errno.EAGAIN, errno.EWOULDBLOCK) or "can't start new thread" in text:
            limit = memory_limit() or _limit("NPROC", 1, "")  # each thread takes address space
            return f"no thread or process could be started{limit}; allow more, or end other programs"
        if isinstance(one, MemoryError) or number == errno.ENOMEM or _NO_MEMORY.search(text):
            needed = f", and {text}" if text.endswith("are needed") else ""
            return f"memory ran out{memory_limit()}{needed}; allow more, end other programs, or build with `-j 1`"
    return None


def require_memory(least: int) -> None:
    """Raise ``MemoryError`` if this process may use less than *least* bytes of address space."""
    try:
        import resource
    except ImportError:
        return
    if sys.platform != "win32":
        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY and most < least:
            raise MemoryError(f"{least / _MB:.4g} MB are needed")


def memory_limit() -> str:
    """Return the limit of this process's memory, as a part of a sentence; empty if there is none."""
    return _limit("AS", _MB, " MB")


def _limit(name: str, unit: int, unit_name: str) -> str:
    """Return the limit RLIMIT_*name* as a part of a sentence; empty if there is none, as on Windows."""
    options = {"NOFILE": "n", "FSIZE": "f", "NPROC": "u", "AS": "v"}
    try:
        import resource
    except ImportError:
        return ""
    if sys.platform != "win32":
        most = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]
        if most != resource.RLIM_INFINITY:
            amount = f"{most / unit:.4g}" if unit > 1 else str(most)
            return f" (`ulimit -{options[name]}` allows {amount}{unit_name})"
    return ""


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """Yield *problem*, the problems that it groups, and those that it was raised from or during."""
    seen: list[BaseException] = []
    rest: list[BaseException | None] = [problem]
    while rest:
        one = rest.pop(0)
        if one is not None and one not in seen:
            seen.append(one)
            yield one
            rest += [*(one.exceptions if isinstance(one, BaseExceptionGroup) else ()), one.__cause__, one.__context__]


@contextmanager
def limited_memory(most: int) -> Iterator[None]:
    """Let this process grow by at most *most* bytes in the block, where the system can limit that."""
    try:
        import resource
    except ImportError:
        yield
        return
    if sys.platform != "win32":
        before = resource.getrlimit(resource.RLIMIT_AS)
        with suppress(OSError, ValueError):
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
            size = pages * resource.getpagesize() + most
            if before[0] == resource.RLIM_INFINITY or size < before[0]:
                resource.setrlimit(resource.RLIMIT_AS, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


# names

_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE | re.DOTALL)
_BAD_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]')


def why_not_on_windows(name: str) -> str | None:
    """Return why Windows cannot have a file called *name*, ``None`` if it can.

    Names of devices are reserved with any ending: ``aux.mp4``.
    """
    if _DEVICE.match(name):
        return f"`{name.partition('.')[0]}` is a device there"
    if name.endswith((".", " ")):
        return "names there do not end in a dot or a space"
    found = _BAD_ON_WINDOWS.search(name)
    return f"names there have no `{found.group()}`" if found is not None else None
