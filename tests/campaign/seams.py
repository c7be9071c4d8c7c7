"""Faults by call number, a clock that lies, and an eye on what a process opens: all in the process of one verb.

A call that a fault may act on is a *seam*: whatever changes a file, and each exchange with the network. The count of
seams is the same from run to run as far as the order of threads is, so a number finds its place again.
"""

import datetime
import errno
import fcntl
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHANGES = (
    "open", "write", "pwrite", "fsync", "replace", "rename", "link", "unlink", "mkdir", "rmdir", "ftruncate",
    "symlink", "fchmod",
)  # fmt: skip
READS = ("read", "pread", "fstat", "lstat", "scandir")
ERRORS = ("ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES", "EMFILE")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_REAL_TIME, _REAL_TIME_NS = time.time, time.time_ns
_REAL_WRITE = os.write

# Events of the interpreter that change a path, and which of their arguments are paths.
_CHANGED_PATHS = {
    "os.remove": (0,), "os.rename": (0, 1), "os.mkdir": (0,), "os.rmdir": (0,), "os.symlink": (1,),
    "os.link": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,),
}  # fmt: skip


@dataclass
class Seams:
    """What happens at the *number*-th seam: the end of the process, or *error* for as many calls as *times*.

    With *short* a write takes half of its bytes instead. With *reads* calls that only read are seams too. With *calls*
    only calls of these names are seams.
    """

    number: int
    error: str = ""
    times: int = 1
    short: bool = False
    reads: bool = False
    calls: tuple[str, ...] = ()
    passed: int = 0
    said: int | None = None

    def install(self, said: int | None = None) -> None:
        """Put the seams in place; where the fault acts is written to the descriptor *said*."""
        self.said = said
        for name in (*CHANGES, *(READS if self.reads else ())):
            setattr(os, name, self._seam(name, getattr(os, name)))
        fcntl.flock = self._seam("flock", fcntl.flock)
        sqlite3.connect = self._seam("sqlite", sqlite3.connect)
        from asyncio import selector_events

        transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
        if not self.error and not self.short:
            transport.write = self._seam("send", transport.write)
            transport._read_ready = self._seam("receive", transport._read_ready)

    def _seam(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        if self.calls and name not in self.calls:
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not self.reads and not arguments[1] & os.O_CREAT:
                return real(*arguments, **named)
            self.passed += 1
            if self.number <= self.passed < self.number + self.times:
                self._say(name, arguments)
                if self.short:
                    half = name == "write" and len(arguments[1]) > 1
                    return (
                        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                        if half
                        else real(*arguments, **named)
                    )
                if not self.error:
                    os._exit(137)
                number = getattr(errno, self.error)
                paths = [argument for argument in arguments[:1] if isinstance(argument, str | Path)]
                raise OSError(number, os.strerror(number), *map(os.fspath, paths))
            return real(*arguments, **named)

        return call

    def _say(self, name: str, arguments: Sequence[Any]) -> None:
        if self.said is not None and self.passed == self.number:
            paths = [os.fspath(argument) for argument in arguments if isinstance(argument, str | Path)]
            _REAL_WRITE(self.said, f"{name} {' '.join(map(str, paths))}\n".encode(errors="replace"))


@dataclass
class Clock:
    """A wall clock that is off by *offsets* seconds in turn, *calls* questions long each; files keep the real time."""

    offsets: tuple[float, ...] = ()
    calls: int = 1
    _asked: int = field(default=0)

    def offset(self) -> float:
        self._asked += 1
        return self.offsets[(self._asked - 1) // self.calls % len(self.offsets)] if self.offsets else 0.0


clock = Clock()


def shim_time() -> None:
    """Let ``time.time`` go by ``clock``; before the program is imported, which keeps it as a default of parameters."""
    time.time = lambda: _REAL_TIME() + clock.offset()
    time.time_ns = lambda: _REAL_TIME_NS() + int(clock.offset() * 1e9)


def set_clock(wanted: Clock) -> None:
    """Let the clocks of the program be off like *wanted*, for the rest of this process."""
    global clock
    clock = wanted

    class Off(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Off":
            return cls.fromtimestamp(time.time(), tz)

    for name, module in list(sys.modules.items()):
        if name.startswith("storyboard") and getattr(module, "datetime", None) is datetime.datetime:
            module.datetime = Off  # type: ignore[attr-defined]


class Watch:
    """Writes down, on *descriptor*, each change outside *inside* and each connection to anything but this machine."""

    def __init__(self, descriptor: int, inside: Sequence[Path]) -> None:
        self._descriptor = descriptor
        self._inside = tuple(f"{os.path.realpath(path)}{os.sep}" for path in inside)

    def install(self) -> None:
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            if isinstance(arguments[2], int) and arguments[2] & _WRITES:
                self._judge(event, arguments[0])
        elif event in _CHANGED_PATHS:
            for position in _CHANGED_PATHS[event]:
                if isinstance(arguments[position], str | bytes | os.PathLike):
                    self._judge(event, arguments[position])
        elif event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
                self._say(f"connected to {address}")

    def _judge(self, event: str, given: Any) -> None:
        path = Path(os.fsdecode(given))
        # a relative path may be below a descriptor, whose folder was opened by a path that was judged
        if path.is_absolute() and path != Path(os.devnull):
            real = path.parent.resolve() / path.name
            if not f"{real}{os.sep}".startswith(self._inside):
                self._say(f"{event} outside: {path}")

    def _say(self, text: str) -> None:
        _REAL_WRITE(self._descriptor, text.encode(errors="replace") + b"\n")
