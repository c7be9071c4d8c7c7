"""Shells in a terminal of their own: type a line with tabs, and read the words that the program is called with."""

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.project import HERE

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "--noprofile", "--norc", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
# How each shell loads a script, and does without what takes time or asks.
_LOAD: Mapping[str, str] = {
    "bash": 'PS1="READY> "; bind "set bell-style none"; bind "set completion-query-items 1000"; source {script}',
    "zsh": 'PROMPT="READY> "; unsetopt BEEP; source {script}',
    "fish": 'function fish_prompt; printf "READY> "; end; source {script}',
}
_READY = b"READY> "
_PATIENCE_S = 60


class Shell:
    """A real shell with the completion of the program, in *folder*."""

    def __init__(self, name: str, folder: Path, home: Path, script: str) -> None:
        home.mkdir(exist_ok=True)
        self.calls = home / "calls"
        program = home / "bin" / "storyboard"
        program.parent.mkdir(exist_ok=True)
        # completes like the program with the tiny model; called otherwise, it writes its words down
        program.write_text(
            f'#!/bin/sh\nif [ -n "$_STORYBOARD_COMPLETE" ]; then exec "{sys.executable}" -m tests.tiny; fi\n'
            f'printf "%s\\n" "$@" end >>"{self.calls}"\n'
        )
        program.chmod(0o755)
        file = home / "script"
        file.write_text(script)
        environment = {
            "HOME": os.fspath(home),
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.fspath(HERE),
            "TERM": "dumb" if name != "fish" else "xterm",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
            "LINES": "40",
            "XDG_CONFIG_HOME": os.fspath(home / "config"),
            "XDG_DATA_HOME": os.fspath(home / "data"),
        }
        self._name = name
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            path = shutil.which(COMMANDS[name][0]) or name
            os.execve(path, [path, *COMMANDS[name][1:]], environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.seen = b""
        self.run(_LOAD[name].format(script=file))

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def run(self, line: str) -> None:
        """Type a line and wait until the shell has done it."""
        mark = self.calls.parent / "done"
        self._type(f"{line}\n")
        self._type(f"touch {mark}\n")
        self._wait(mark.exists)
        mark.unlink()

    def words(self, line: str) -> list[str]:
        """Type *line*, with tabs in it, press enter, and return the words that the program was called with."""
        self.calls.unlink(missing_ok=True)
        for at, part in enumerate(line.split("\t")):
            if at:
                self._type("\t")
                self._settle()
            self._type(part)
        self._type("\n")
        self._wait(lambda: self.calls.exists() and self.calls.read_text().endswith("end\n"))
        return self.calls.read_text().splitlines()[:-1]

    def shown(self, line: str) -> str:
        """Type *line*, press tab twice, and return what the terminal shows; the line is given up."""
        self._settle()
        self.seen = b""
        self._type(line)
        for _ in range(2):
            self._type("\t")
            self._settle()
        found = self.seen.decode("utf-8", "replace")
        self._type("\x03")
        self.run("true")
        return found

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _settle(self) -> None:
        """Read until the shell waits for the next key: its completion has ended, and it has written nothing more."""
        end = time.monotonic() + _PATIENCE_S
        quiet = 0
        while quiet < 3 and time.monotonic() < end:
            quiet = 0 if self._read(0.1) or self._is_busy() else quiet + 1

    def _is_busy(self) -> bool:
        """Return whether a process that the shell has started runs, where the system tells."""
        lists = Path(f"/proc/{self._pid}/task").glob("*/children")
        return any(children.read_text().strip() for children in lists)

    def _wait(self, is_done: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not is_done():
            self._read(0.05)
            assert time.monotonic() < end, self.seen[-2000:]

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return False
        with contextlib.suppress(OSError):
            data = os.read(self._terminal, 65536)
            self.seen += data
            if b"\x1b[c" in data or b"\x1b[0c" in data:  # fish asks what the terminal is
                self._type("\x1b[?62c")
        return True
