"""How a take is made: one maker a provider. Makers write beside; only the engine puts into the store.

Own footage: a file of the project is taken into the store once, through the same gate as a take that was made.
"""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from storyboard.animatic.request import ANIMATIC_VERSION, Animatic
from storyboard.core.clip import ClipInfo
from storyboard.core.model import FOOTAGE, Clip, Generated, Shot
from storyboard.core.plan import LockEntry, Step
from storyboard.engine.worker_tasks import draw_take, take_in
from storyboard.store.journal import Job

if TYPE_CHECKING:
    from storyboard.engine.worker_pool import WorkerPool


LOCAL = "local"
FREE_MAKERS = frozenset({LOCAL, FOOTAGE})
# The drawing versions of providers that draw by themselves; they count in keys.
ENGINES = {LOCAL: f"animatic {ANIMATIC_VERSION}"}


class GenerationRequest(Struct, frozen=True):
    """One take to be made: what was planned, the pictures that go in, and where to put the clip.

    *locked* is the take that the lockfile names for what the step asks for, if it names one.
    """

    step: Step
    shot: Shot
    pictures: dict[str, bytes]
    out: Path
    locked: LockEntry | None = None


class GeneratedClip(Struct, frozen=True):
    """A clip that has passed the gate and lies at the order's path.

    ``was_bought`` says that no build of this project had it under way: another machine bought it, or an earlier build
    whose take is lost. Its *cost* is not spent anew. ``seconds`` is how long it took since somebody was
    free to make it.
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
        """What this build has spent on it, in US dollars."""
        return Decimal(0) if self.was_bought else self.cost


class TakeGenerator(Protocol):
    """Makes takes for one provider."""

    async def make(self, order: GenerationRequest) -> GeneratedClip:
        """Make the take. Raises ``TaskFailed`` and its kind."""

    async def pick_up(self, job: Job, out: Path) -> GeneratedClip | None:
        """The take of a job that no shot asks for any more, if it is ready. Raises ``TaskFailed`` and its kind."""

    def stored(self, delivery: GeneratedClip) -> None:
        """The take of *delivery* is in the store."""

    async def close(self) -> None:
        """Nothing more will be asked for."""


class UnpaidGenerator:
    """What makers have in common that ask nobody: they have no jobs, and nothing is owed for what they make."""

    async def pick_up(self, job: Job, out: Path) -> GeneratedClip | None:
        """There are no jobs."""
        return None

    def stored(self, delivery: GeneratedClip) -> None:
        """Nothing is owed."""

    async def close(self) -> None:
        """The workers are the engine's to close."""


class AnimaticGenerator(UnpaidGenerator):
    """The animatic, drawn in a worker process. *rates* maps a model to the frames a second of its clips."""

    def __init__(self, workers: "WorkerPool", rates: dict[str, int]) -> None:
        self._workers = workers
        self._rates = rates

    async def make(self, order: GenerationRequest) -> GeneratedClip:
        source = order.shot.source
        if not isinstance(source, Generated):
            raise TypeError(f"shot {order.shot.id} is not generated")
        request = Animatic(
            prompt=source.prompt,
            seed=source.seed,
            duration=source.duration,
            size=source.size,
            fps=Fraction(self._rates[source.model]),
            label=order.shot.id,
            slate=_slate(dict(source.params)),
        )
        first = order.pictures.get("first_frame")
        info, seconds = await self._workers.timed(order.step.action.id, draw_take, request, first, order.out)
        return GeneratedClip(info, seconds, source.seed)


def _slate(params: dict[str, Any]) -> bool:
    return params.get("slate", True) is not False


class FootageImporter(UnpaidGenerator):
    """Takes clips out of the project at *root*; nothing is paid and nothing drawn."""

    def __init__(self, workers: "WorkerPool", root: Path) -> None:
        self._workers = workers
        self._root = root

    async def make(self, order: GenerationRequest) -> GeneratedClip:
        """Copy the clip beside the store and judge the copy. Raises ``TaskFailed``."""
        source = order.shot.source
        if not isinstance(source, Clip):
            raise TypeError(f"shot {order.shot.id} is no footage")
        wanted = str((order.step.request or {})["clip"]).removeprefix("file:")
        path = (self._root / source.file.path).resolve()
        name = source.file.path
        info, seconds = await self._workers.timed(order.step.action.id, take_in, path, name, wanted, order.out)
        return GeneratedClip(info, seconds, None)
