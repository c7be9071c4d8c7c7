"""What the engine and the store take for an action when making it takes nothing: ``python -m benchmarks.engine``.

A film in which every second shot starts from the last frame of the one before it, and every piece is drawn. The maker
answers at once with the bytes of a tiny clip and what a gate would say of it; frames are not decoded, pieces not drawn
and the film is not joined. All the rest is real: planning, blobs, records, their syncs, the lockfile.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from benchmarks.measure import Row, Sample
from storyboard.core.build_events import BuildResult
from storyboard.core.graph import Graph
from storyboard.core.model import Size, Storyboard
from storyboard.core.planner import Planner
from storyboard.engine import executor
from storyboard.engine.executor import Executor
from storyboard.engine.generators import ENGINES, FreeGenerator, GeneratedClip, GenerationRequest
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.scheduler import Scheduler
from storyboard.engine.worker_pool import OnStart
from storyboard.media import frames
from storyboard.store.lockfile import read as read_lockfile
from storyboard.store.state import State
from tests.unit.films import CLIP, film, shot, wishes

ALLOWED_S = 0.002
# Not the size of the film, so that every piece is drawn.
_INFO = msgspec.structs.replace(CLIP, width=640, height=360)


@dataclass(frozen=True)
class Cost:
    """Seconds an action: on the clock, of CPU in all threads, and the actions there were."""

    wall: float
    cpu: float
    actions: int


class InstantGenerator(FreeGenerator):
    """Has every clip ready; each has bytes of its own."""

    def __init__(self) -> None:
        self._numbers = count()

    async def generate(self, request: GenerationRequest, on_start: OnStart) -> GeneratedClip:
        on_start()
        request.out.write_bytes(b"clip %d" % next(self._numbers))
        return GeneratedClip(_INFO, 0.0, 1)


class InstantRunner:
    """A ``TaskRunner`` that writes a few bytes in place of each segment; each has bytes of its own."""

    def __init__(self) -> None:
        self._numbers = count()

    async def run(
        self, label: str, function: Callable[..., Any], *arguments: Any, on_start: OnStart | None = None
    ) -> Any:
        if on_start is not None:
            on_start()
        arguments[-1].write_bytes(b"piece %d" % next(self._numbers))
        return msgspec.structs.replace(_INFO, frames=192), 0.0

    def progress(self) -> dict[str, tuple[int, int]]:
        return {}

    def close(self) -> None:
        pass


def rows(quick: bool) -> Iterator[Row]:
    """10,000 actions, the first time and again when all of it is there."""
    shots = 800 if quick else 4000
    for name, cost in zip(("made", "looked up"), measured(shots), strict=True):
        what = f"{cost.actions:,} actions {name}"
        yield Row("engine", f"{what}: CPU an action", Sample((cost.cpu,)), "2 ms", Sample((ALLOWED_S,)), 1.0)
        yield Row("engine", f"{what}: wall an action", Sample((cost.wall,)), "2 ms", Sample((ALLOWED_S,)), 1.0)
    bare = files_alone(shots)
    yield Row("engine", "CPU of what it leaves, by bare system calls", Sample((bare.cpu,)), "told alone")


def files_alone(actions: int) -> Cost:
    """Blobs and records as so many actions leave them, one after the other, by the system calls that takes and no more.

    A file system may take much longer for new files where many have just been deleted (ext4 without a journal does).
    """
    with tempfile.TemporaryDirectory() as folder:
        fans = [f"{folder}/{number:02x}" for number in range(256)]
        for fan in fans:
            os.mkdir(fan)
        began, busy = time.perf_counter(), time.process_time()
        for number in range(actions):
            fan, other = fans[number % 256], fans[number * 7 % 256]
            key = f"{fan}/{number:064x}"
            os.mkdir(key)
            _put(f"{other}/{number:064x}.mp4", other)
            _synced(fan)
            _put(f"{key}/{number:064x}.json", key)
        return Cost((time.perf_counter() - began) / actions, (time.process_time() - busy) / actions, actions)


def _put(path: str, folder: str) -> None:
    descriptor = os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    os.write(descriptor, b"x" * 800)
    os.fsync(descriptor)
    os.rename(f"{path}.tmp", path)
    os.close(descriptor)
    _synced(folder)


def _synced(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def measured(shots: int) -> list[Cost]:
    """A build of so many shots, and the build after it."""
    with tempfile.TemporaryDirectory() as folder, _nothing_to_draw():
        board = storyboard(shots)
        return [built(Path(folder), board), built(Path(folder), board)]


def storyboard(shots: int) -> Storyboard:
    """Every second shot starts from a frame of the one before it: 5 actions for 2 shots, and the cut."""
    names = [f"s{number}" for number in range(shots)]
    return film(
        *(shot(name, after=names[number - 1] if number % 2 else None, seed=number) for number, name in enumerate(names))
    )


def built(root: Path, board: Storyboard) -> Cost:
    """One build by the engine, from the graph to the lockfile."""
    (root / ".storyboard").mkdir(exist_ok=True)
    with ProjectStore(State(root), board, read_lockfile(root / board.lockfile), writable=True) as store:
        began, busy = time.perf_counter(), time.process_time()
        graph = Graph(board)
        planner = Planner(graph, store, wishes(engines=ENGINES))
        executing = Executor(planner, store, InstantRunner(), {"local": InstantGenerator()})
        engine = Scheduler(planner, executing, lambda event: None)
        outcome: BuildResult = asyncio.run(engine.run())
        actions = len(outcome.made) + len(outcome.reused)
        wall, cpu = time.perf_counter() - began, time.process_time() - busy
    if outcome.failed or outcome.blocked or len(store.lockfile.content.shots) != len(list(board.shots())):
        raise SystemExit(f"the build failed: {list(outcome.failed.items())[:3]}")
    return Cost(wall / actions, cpu / actions, actions)


def _nothing_to_draw() -> ExitStack:
    """Frames are known, the film is not joined."""
    numbers = count()

    def extract(path: Path, at: Any) -> frames.ExtractedFrame:
        number = next(numbers)
        return frames.ExtractedFrame(b"picture %d" % number, f"{number:064x}", Size(640, 360))

    stack = ExitStack()
    stack.enter_context(mock.patch.object(frames, "extract_frame", extract))
    stack.enter_context(mock.patch.object(executor, "join_film", return_value="0" * 64))
    return stack


def _slow_down(seconds: float) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        time.sleep(seconds)

    os.fsync = fsync


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shots", type=int, default=4000)
    parser.add_argument("--sync-ms", type=float, default=0.0, help="what every sync takes longer, as on a slow disk")
    wanted = parser.parse_args()
    if wanted.sync_ms:
        _slow_down(wanted.sync_ms / 1000)
    bare = files_alone(wanted.shots)
    print(f"bare system calls for what an action leaves: {bare.wall * 1000:.2f} ms, of CPU {bare.cpu * 1000:.2f} ms")
    for name, cost in zip(("made", "looked up"), measured(wanted.shots), strict=True):
        print(f"{cost.actions} actions {name}: {cost.wall * 1000:.2f} ms each, of CPU {cost.cpu * 1000:.2f} ms")


if __name__ == "__main__":
    main()
