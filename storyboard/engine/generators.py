"""Generators of takes, one for each provider, and the two that work on this machine: animatics and own footage.

Generators write to temporary files; only the executor commits to the store.
"""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from storyboard.animatic.request import ANIMATIC_VERSION, Animatic
from storyboard.core.clip import ClipInfo
from storyboard.core.keys import drawn_part
from storyboard.core.model import FOOTAGE, Clip, Generated, Shot
from storyboard.core.plan import LockEntry, Step
from storyboard.engine.worker_tasks import TaskFailed, WorkerDied, draw_take, import_clip, timed
from storyboard.store.journal import Job

if TYPE_CHECKING:
    from storyboard.engine.worker_pool import OnStart, TaskRunner


LOCAL = "local"
FREE_GENERATORS = frozenset({LOCAL, FOOTAGE})
# The drawing versions of providers that draw on this machine; they are part of keys.
ENGINES = {LOCAL: f"animatic {ANIMATIC_VERSION}"}


class GenerationRequest(Struct, frozen=True):
    """One take to generate: its step and shot, the input pictures by field, and the path for the clip.

    *locked* is the take that the lockfile names for the request of the step, if any. With *may_buy* the plan has the
    price of the take; without it, nothing is submitted.
    """

    step: Step
    shot: Shot
    pictures: dict[str, bytes]
    out: Path
    locked: LockEntry | None = None
    may_buy: bool = False


class GeneratedClip(Struct, frozen=True):
    """A clip that has been checked and is at the path of its request.

    ``was_bought`` is set if no build of this project had a job for it: another machine bought it, or an earlier build
    whose take is lost. Its *cost*, in US dollars, is not spent again. ``seconds`` excludes the time in the queue.
    """

    info: ClipInfo
    seconds: float
    seed: int | None
    cost: Decimal = Decimal(0)
    task_id: str | None = None
    notes: tuple[str, ...] = ()
    was_bought: bool = False

    @property
    def spent(self) -> Decimal:
        """US dollars that this build has spent on the clip."""
        return Decimal(0) if self.was_bought else self.cost


class TakeGenerator(Protocol):
    """Generates the takes of one provider."""

    async def generate(self, request: GenerationRequest, on_start: "OnStart") -> GeneratedClip:
        """Generate a take, and call *on_start* when it leaves the queue. Raises ``TaskFailed`` and its subclasses."""

    async def collect(self, job: Job, out: Path) -> GeneratedClip | None:
        """Fetch the take of a job that no shot needs any more; ``None`` if it is not ready. Raises ``TaskFailed``."""

    def close_job(self, clip: GeneratedClip) -> None:
        """Close the remote job of *clip*, which is in the store now."""

    async def close(self) -> None:
        """End all connections."""


class FreeGenerator:
    """Base class of generators without remote jobs."""

    async def collect(self, job: Job, out: Path) -> GeneratedClip | None:
        return None

    def close_job(self, clip: GeneratedClip) -> None:
        pass

    async def close(self) -> None:
        pass


class AnimaticGenerator(FreeGenerator):
    """Draws animatics. *rates* maps a model to the frames a second of its clips."""

    def __init__(self, runner: "TaskRunner", rates: dict[str, int]) -> None:
        self._runner = runner
        self._rates = rates

    async def generate(self, request: GenerationRequest, on_start: "OnStart") -> GeneratedClip:
        source = request.shot.source
        if not isinstance(source, Generated):
            raise TypeError(f"shot {request.shot.id} is not generated")
        drawn = drawn_part(request.step.request or {})
        animatic = Animatic(
            prompt=source.prompt,
            seed=source.seed,
            duration=source.duration,
            size=drawn.size,
            fps=Fraction(self._rates[source.model]),
            is_panel=source.is_panel,
            moments=drawn.moments,
        )
        label, first_frame = request.step.action.id, request.pictures.get("first_frame")
        info, seconds = await self._runner.run(
            label, timed, draw_take, animatic, first_frame, request.out, on_start=on_start
        )
        return GeneratedClip(info, seconds, source.seed)


class FootageImporter(FreeGenerator):
    """Imports clips from the project at *root*."""

    def __init__(self, runner: "TaskRunner", root: Path) -> None:
        self._runner = runner
        self._root = root

    async def generate(self, request: GenerationRequest, on_start: "OnStart") -> GeneratedClip:
        source = request.shot.source
        if not isinstance(source, Clip):
            raise TypeError(f"shot {request.shot.id} is no footage")
        digest = str((request.step.request or {})["clip"]).removeprefix("file:")
        label, name = request.step.action.id, source.file.path
        path = (self._root / name).resolve()
        try:
            info, seconds = await self._runner.run(
                label, timed, import_clip, path, name, digest, request.out, on_start=on_start
            )
        except WorkerDied as died:
            if not died.crashed:
                raise
            advice = "convert it, for example with FFmpeg's options `-c:v libx264 -c:a aac -ac 2`"
            raise TaskFailed(f"{name} crashes the decoder: a process ended twice {died.cause}; {advice}") from died
        return GeneratedClip(info, seconds, None)
