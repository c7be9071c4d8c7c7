"""Verbs of the program, each in a fork of this process: everything is loaded once, and a verb takes milliseconds.

What worker processes do runs in threads of the fork. This process itself has no threads, so it may fork.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaign.seams import Clock, Seams, Watch, set_clock, shim_time

KILLED = 137
# A verb that takes longer hangs; the slowest takes some seconds on a busy machine.
PATIENCE_S = 90.0
# More than any verb needs: one that reads without end dies of it, and not the machine.
_MEMORY = 6 << 30


@dataclass(frozen=True)
class Ran:
    """How a verb ended."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    outside: str = ""
    seam: str = ""
    left: tuple[int, ...] = ()
    hung: bool = False

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON envelope, or an empty one if nothing readable was printed."""
        try:
            found = json.loads(self.out)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.envelope.get("errors") or []
        return found

    def __str__(self) -> str:
        said = "; ".join(f"{each['code']}: {each['message']}" for each in self.errors)
        if not said:
            said = "done" if self.code == 0 else self.text[-400:]
        at = f", at {self.seam.strip()}" if self.seam else ""
        return f"`{' '.join(self.words)}` exit {self.code}{at}: {said}"


@dataclass
class Fault:
    """What is wrong around one verb."""

    seams: Seams | None = None
    clock: Clock | None = None
    limits: dict[str, float] = field(default_factory=dict)
    after_s: float | None = None


def load_everything() -> None:
    """Import what verbs import late, and let this process and its forks know the tiny model."""
    shim_time()
    import networkx

    import storyboard.animatic.request
    import storyboard.cli.commands.build
    import storyboard.cli.commands.cache
    import storyboard.cli.commands.check
    import storyboard.cli.commands.cost
    import storyboard.cli.commands.plan
    import storyboard.cli.commands.status
    import storyboard.cli.commands.take
    import storyboard.cli.commands.takes
    import storyboard.document.load
    import storyboard.engine.build
    import storyboard.engine.paid.generator
    import storyboard.engine.session
    import storyboard.media.join.join
    import storyboard.media.probe
    import storyboard.media.render.compositor
    import storyboard.providers.runware.wire
    import storyboard.report.build_result
    import storyboard.report.diagnostics
    import storyboard.report.progress
    from tests.inside import hasty

    del networkx, storyboard, hasty


class Running:
    """A verb that has been started."""

    def __init__(
        self,
        folder: Path,
        words: Sequence[str],
        environment: dict[str, str],
        inside: Sequence[Path],
        fault: Fault | None = None,
        forgetful: bool = False,
    ) -> None:
        self._words = tuple(words)
        self._fault = fault or Fault()
        self._began = time.monotonic()
        self._files = [tempfile.TemporaryFile() for _ in range(4)]  # noqa: SIM115 - read and closed in wait
        self.pid = os.fork()
        if self.pid == 0:
            self._become(folder, environment, inside, forgetful)

    def _become(self, folder: Path, environment: dict[str, str], inside: Sequence[Path], forgetful: bool) -> None:
        try:
            os.setsid()
            os.chdir(folder)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for given, descriptor in ((nothing, 0), (self._files[0].fileno(), 1), (self._files[1].fileno(), 2)):
                os.dup2(given, descriptor)
            os.environ.clear()
            os.environ.update(environment)
            tempfile.tempdir = None
            sys.dont_write_bytecode = True
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            if self._fault.clock is not None:
                set_clock(self._fault.clock)
            Watch(self._files[2].fileno(), inside).install()
            from storyboard.cli.main import run
            from storyboard.providers.runware.wire import Runware
            from tests.inside import hasty

            Runware.client_task_ids = not forgetful
            with hasty(**self._fault.limits):
                if self._fault.seams is not None:
                    self._fault.seams.install(self._files[3].fileno())
                code = run(list(self._words))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        except BaseException:  # what the program lets through is a fault of it, and is printed for the judge
            import traceback

            os.write(2, traceback.format_exc().encode())
        os._exit(99)

    def wait(self) -> Ran:
        """Wait for the end of the verb; end it if it hangs."""
        status, hung = self._status()
        outs = []
        for file in self._files:
            file.seek(0)
            outs.append(file.read().decode(errors="replace"))
            file.close()
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGKILL and self._fault.after_s is not None:
            code = KILLED
        left = tuple(members(self.pid))
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return Ran(self._words, code, *outs, left=left, hung=hung)

    def _status(self) -> tuple[int, bool]:
        deadline = self._began + PATIENCE_S
        kill_at = self._began + (PATIENCE_S if self._fault.after_s is None else self._fault.after_s)
        nap = 0.001
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status, False
            now = time.monotonic()
            if now > min(deadline, kill_at):
                os.killpg(self.pid, signal.SIGKILL)
                return os.waitpid(self.pid, 0)[1], now > deadline
            time.sleep(nap)
            nap = min(nap * 1.5, 0.02)


# Fields of /proc/PID/stat behind the name of the program (man 5 proc).
GROUP, SESSION = 2, 3


def alive(number: int, field: int) -> list[int]:
    """Processes of the group or session *number* that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[field]) == number and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def members(session: int) -> list[int]:
    """Processes of a session that have not ended, given two seconds for it."""
    deadline = time.monotonic() + 2
    while (found := alive(session, SESSION)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
