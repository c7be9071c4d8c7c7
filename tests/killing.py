"""Kills a build at every write, sync, rename and network exchange in turn, or at random moments, and builds again.

``python -m tests.killing FOLDER --start 1 --stride 1 --lanes 2``: FOLDER holds a ``storyboard.yaml`` in which ``POINT``
is replaced by the number of the point, so that every round asks for takes of its own. The lanes share the points and
run beside each other. One JSON line a round on stdout: ``{"point", "at", "code", "again", "film"}``; a lane ends with
the round that survives. ``--moments 200`` kills as many builds by the clock instead, spread over the time that the
first one takes.

With ``--forgetful`` the provider is not trusted to know a task by our id: what a build then tells as unknown is bought
again with ``--remake``, as it says.

Everything is loaded once and every build runs in a fork of this process, which has no threads. What worker processes do
runs in threads of the build here: the point is what is on disk and on the wire, not who draws.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storyboard.cli.output import Exit
from tests import tiny
from tests.project import digest
from tests.runners import InlineRunner

_CALLS = ("open", "write", "fsync", "replace", "rename", "link", "unlink", "mkdir", "ftruncate", "symlink")


class Killer:
    """Ends the process, as SIGKILL would, right before the *point*-th call that changes something."""

    def __init__(self, point: int, told: Path) -> None:
        self._left = point
        self._told = told

    def install(self) -> None:
        for name in _CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        from asyncio import selector_events

        transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
        transport.write = self._wrapped("send", transport.write)
        transport._read_ready = self._wrapped("receive", transport._read_ready)

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **named)
            self._left -= 1
            if self._left == 0:
                with self._told.open("w") as file:
                    file.write(f"{name} {[argument for argument in arguments if isinstance(argument, str | Path)]}")
                os._exit(137)
            return real(*arguments, **named)

        return call


def load_everything(*, forgetful: bool) -> None:
    """What a build imports late is imported here, once."""
    import networkx

    import storyboard.animatic.request
    import storyboard.cli.commands.build
    import storyboard.document.load
    import storyboard.engine.paid.generator
    import storyboard.engine.session
    import storyboard.media.join.join
    import storyboard.media.probe
    import storyboard.report.build_result
    import storyboard.report.diagnostics
    import storyboard.report.progress
    from storyboard.engine import build
    from storyboard.providers.runware.wire import Runware

    del networkx, storyboard
    Runware.client_task_ids = not forgetful

    build.WorkerPool = InlineRunner  # type: ignore[misc, assignment]
    tiny.install()


def log_of(folder: Path) -> Path:
    """What the last build in *folder* said."""
    return folder.parent / f"{folder.name}.log"


def build(folder: Path, killer: Killer | None, within_s: float | None = None, *words: str) -> int:
    """One build in a fork of this process, killed after *within_s* seconds; its exit code, 137 if it was killed."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        out = os.open(log_of(folder), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if killer is not None:
            killer.install()
        from storyboard.cli.main import run

        os._exit(run(["build", "--json", "-j", "2", *words]))
    if within_s is not None:
        time.sleep(within_s)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 137 if code == -signal.SIGKILL else code


def round_of(template: Path, point: int, within_s: float | None = None) -> dict[str, Any]:
    """Kill at *point*, or *within_s* seconds, and build again; what happened."""
    folder = template.parent / f"{template.name}-{point}"
    shutil.copytree(template, folder)
    board = folder / "storyboard.yaml"
    board.write_text(board.read_text().replace("POINT", str(point)))
    told = template.parent / f"{template.name}-{point}.at"
    code = build(folder, Killer(point, told)) if within_s is None else build(folder, None, within_s)
    partial = [str(path) for path in folder.rglob("*.mp4") if not path.is_symlink() and _is_short(path)]
    again = build(folder, None)
    unknown: list[str] = []
    while again == Exit.DECISION and (shots := unknown_shots(folder)):
        unknown += shots
        again = build(folder, None, None, *(word for shot in shots for word in ("--remake", shot)))
    film = folder / "out" / "film.mp4"
    found = {
        "point": point,
        "at": told.read_text() if told.exists() else "",
        "code": code,
        "again": again,
        "unknown": unknown,
        "partial": partial,
        "film": digest(film) if film.exists() else None,
        "journal": len(list((folder / ".storyboard/journal").glob("*.json"))),
        "left": [path.name for path in folder.rglob(".*") if path.name.endswith(".tmp") or ".part-" in path.name],
    }
    if again == 0 and film.exists():
        shutil.rmtree(folder)
        log_of(folder).unlink()
    return found


def unknown_shots(folder: Path) -> list[str]:
    """The shots of which the last build said that nobody knows whether they were paid, and how to buy them again."""
    told = re.findall(
        r"the state of task \S+ is unknown, and \S+ may have been paid; [^\n]*?--remake (\w+)",
        log_of(folder).read_text(),
    )
    return sorted(set(told))


def _is_short(path: Path) -> bool:
    import av

    if ".storyboard" in path.parts or path.name.startswith("."):
        return False
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0)) != container.streams.video[0].frames
    except (av.error.FFmpegError, IndexError):
        return True


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--moments", type=int, default=0)
    parser.add_argument("--forgetful", action="store_true")
    arguments = parser.parse_args()
    load_everything(forgetful=arguments.forgetful)
    if arguments.moments:
        at_random_moments(arguments.folder.resolve(), arguments.moments)
        return 0
    lanes: list[int] = []
    for lane in range(arguments.lanes):
        child = os.fork()
        if child == 0:
            run_lane(
                arguments.folder.resolve(),
                arguments.start + lane * arguments.stride,
                arguments.stride * arguments.lanes,
            )
            os._exit(0)
        lanes.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in lanes)


def at_random_moments(template: Path, count: int) -> None:
    """Kill *count* builds, each after a random share of the time that one takes when nothing kills it."""
    whole = template.parent / f"{template.name}-whole"
    shutil.copytree(template, whole)
    began = time.monotonic()
    if build(whole, None):
        raise SystemExit(log_of(whole).read_text())
    length = time.monotonic() - began
    for number in range(1, count + 1):
        tell(round_of(template, number, random.uniform(0, length)))


def tell(found: dict[str, Any]) -> None:
    """One line, whole, whoever else writes."""
    os.write(1, json.dumps(found).encode() + b"\n")


def run_lane(template: Path, point: int, stride: int) -> None:
    """Kill at every *stride*-th point from *point* on, until one survives."""
    while True:
        found = round_of(template, point)
        tell(found)
        if found["code"] == 0:
            return
        point += stride


if __name__ == "__main__":
    sys.exit(main())
