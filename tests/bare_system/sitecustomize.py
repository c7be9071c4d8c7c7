"""A stand-in for Windows on Linux: what ``os`` and ``signal`` lack there is taken away, and its rules are enforced.

Python loads this module at its start where this folder is in ``PYTHONPATH``; it acts if ``STORYBOARD_TEST_SYSTEM`` is
``bare``, in the process of the tests, in each program that they start, and in its workers. Calls of the tests and
of libraries are left alone: only a call by a module of ``storyboard`` is refused.

It stands for: descriptors of folders, flags of ``os.open``, ``fchmod``, ``pread``, signals, signal handlers of
asyncio, ``resource``; links that cannot be made; files in use that can be neither renamed nor removed; syncs of
descriptors that were opened for reading. It does not stand for ``\\``, drive letters, long paths, capitals, the
console, or how Windows ends processes.
"""

import asyncio
import builtins
import errno
import fcntl
import os
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_OF_OS = {
    "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "fchmod", "fchown", "pread", "pwrite", "preadv", "pwritev",
    "fork", "copy_file_range", "sched_getaffinity",
}  # fmt: skip
_OF_SIGNAL = {"SIGHUP", "pthread_sigmask", "siginterrupt"}
_BETWEEN = {"pathlib", "os", "contextlib", "shutil", "genericpath", "posixpath", "tests.campaign.seams"}


def _is_program(depth: int) -> bool:
    """Whether a module of the program made the call, itself or by a module between it and the system."""
    frame = sys._getframe(depth)
    while frame.f_back is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith("storyboard")


class _BareModule(ModuleType):
    """A module that lacks some attributes where the program looks for them; libraries of this system need them."""

    def __getattribute__(self, name: str) -> Any:
        if name in _OF_OS | _OF_SIGNAL and str(sys._getframe(1).f_globals.get("__name__")).startswith("storyboard"):
            raise AttributeError(f"module {self!r} has no attribute {name!r}")
        return super().__getattribute__(name)


def _replace(name: str, check: Callable[..., None]) -> None:
    """Make the program's calls of ``os.NAME`` pass *check* before."""
    real = getattr(os, name)

    def call(*arguments: Any, **named: Any) -> Any:
        if _is_program(2):
            if {"dir_fd", "src_dir_fd", "dst_dir_fd"} & named.keys():
                raise NotImplementedError(f"{name}: dir_fd unavailable on this platform")
            check(*arguments, **named)
        return real(*arguments, **named)

    call.__name__ = name
    setattr(os, name, call)


def _refuse_link(source: Any, target: Any, *_: Any, **__: Any) -> None:
    # ERROR_PRIVILEGE_NOT_HELD comes with this errno
    raise OSError(
        errno.EINVAL, "A required privilege is not held by the client", os.fspath(source), 1314, os.fspath(target)
    )


def _refuse_open_files(*paths: Any, **_: Any) -> None:
    names = {os.path.realpath(path) for path in paths}
    for number in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{number}") in names:
                raise PermissionError(
                    errno.EACCES, "The process cannot access the file: it is in use", os.fspath(paths[0])
                )
        except FileNotFoundError:
            pass


def _refuse_folder(path: Any, *_: Any, **__: Any) -> None:
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))


def _refuse_read_only(descriptor: int) -> None:
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _refuse_descriptor(path: Any = ".", *_: Any, **__: Any) -> None:
    if isinstance(path, int):
        raise TypeError("path should be string, bytes, os.PathLike or None, not int")


def _no_handlers(*_: Any, **__: Any) -> None:
    raise NotImplementedError


def _refuse_resource() -> None:
    """Let the program find no module ``resource``; the campaign limits its own processes by it."""
    real = builtins.__import__

    def find(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "resource" and _is_program(2):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **named)

    builtins.__import__ = find


def install() -> None:
    """Make this process a bare system."""
    os.__class__ = signal.__class__ = _BareModule
    _refuse_resource()
    asyncio.SelectorEventLoop.add_signal_handler = _no_handlers  # type: ignore[method-assign]
    for name in ("symlink", "link"):
        _replace(name, _refuse_link)
    for name in ("replace", "rename", "unlink", "remove"):
        _replace(name, _refuse_open_files)
    _replace("open", _refuse_folder)
    _replace("fsync", _refuse_read_only)
    for name in ("scandir", "listdir", "stat"):
        _replace(name, _refuse_descriptor)


if os.environ.get("STORYBOARD_TEST_SYSTEM") == "bare" and os.__class__ is ModuleType:
    install()
