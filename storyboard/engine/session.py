"""One storyboard and its store, opened for reading or for building, and the plan of it.

A reading session never waits, writes nothing that matters and calls nobody; a building one holds the project's lock.
How a plan is carried out is in ``building``, which only a build loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from storyboard.core.graph import Graph
from storyboard.core.model import Generated, Shot, Storyboard, UrlInput
from storyboard.core.model_cards import ModelCard
from storyboard.core.plan import Plan, Result, Step, TakeResult
from storyboard.core.plan_reuse import KnownPlan, PlanSnapshot, known_plan
from storyboard.core.planner import Planner
from storyboard.core.selection import select
from storyboard.core.take_planner import PlanOptions
from storyboard.engine.generators import ENGINES, LOCAL
from storyboard.engine.paid.budget import Prices
from storyboard.engine.project_store import Shelf, Workspace
from storyboard.engine.url_inputs import fetch_pictures, known_pictures
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.media.renderer_version import renderer_id
from storyboard.store.journal import Job
from storyboard.store.lockfile import read as read_lockfile
from storyboard.store.project_lock import LockLost, LockOwner, ProjectLock
from storyboard.store.state import State

if TYPE_CHECKING:  # whoever looks at a plan does not load what it takes to build
    from storyboard.core.build_events import BuildResult, Listener
    from storyboard.engine.build import Build
    from storyboard.engine.paid.generator import PaidOptions
    from storyboard.engine.worker_pool import WorkerPool


class BuildOptions(Struct, frozen=True):
    """What the command line adds to a storyboard. *cap* in US dollars, for this build.

    *seeds* limits the build to the takes with these seeds, *locked* to what the lockfile names.
    """

    select: tuple[str, ...] = ()
    remake: tuple[str, ...] = ()
    jobs: int = 1
    partial: bool = False
    cap: Decimal | None = None
    seeds: tuple[int, ...] = ()
    locked: bool = False


class OutputRefused(Exception):
    """The film cannot be written where the storyboard wants it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Session:
    """A storyboard with its graph, its lockfile and what the cache knows of it.

    With *on_wait* it is a building session: it waits for another builder after telling who that is. Raises
    ``LockfileProblem`` if the lockfile cannot be read, ``BadSelection`` if a selector names nothing, ``OSError`` if a
    picture cannot be read.
    """

    def __init__(
        self,
        state: State,
        storyboard: Storyboard,
        cards: Mapping[str, ModelCard],
        choices: BuildOptions,
        on_wait: Callable[[LockOwner | None], None] | None = None,
        recalled: PlanSnapshot | None = None,
    ) -> None:
        self.storyboard = storyboard
        self.choices = choices
        self.graph = Graph(storyboard)
        self._recalled = recalled
        self.cards = cards
        self.remake = frozenset(select(self.graph, choices.remake))
        self._only = frozenset(select(self.graph, choices.select)) if choices.select else None
        with ExitStack() as stack:
            self._builder = builder = (
                stack.enter_context(ProjectLock(state, storyboard.file, on_wait=on_wait)) if on_wait else None
            )
            self.workspace = stack.enter_context(Workspace(state, storyboard, writable=builder is not None))
            if builder is not None:
                self.workspace.sweep(after_crash=builder.after_crash)
            # what is remembered is remembered of this very program and its libraries
            renderer = recalled.plan.renderer if recalled is not None else renderer_id()
            self.shelf = Shelf(self.workspace, read_lockfile(self.workspace.lockfile), renderer)
            self.prices = Prices(cards, self.workspace.ledger)
            self._files = self.workspace.digests(storyboard) | known_pictures(self.workspace, self._urls())
            self._planned: tuple[Planner, Plan] | None = None
            self._building: Build | None = None
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def plan(self) -> Plan:
        """What a build would do now."""
        return self.planned()[1]

    def planned(self) -> tuple[Planner, Plan]:
        """The same, with the planner that knows what every shot asks for. Worked out once, until something is made."""
        if self._planned is None:
            planner = self._planner()
            self._planned = planner, planner.plan()
        return self._planned

    def lockfile_is_current(self, plan: Plan) -> bool:
        """Return whether a build would leave the lockfile as it is: every take is there, or is fetched as locked."""
        shots = {shot.id: shot for shot in self.storyboard.shots()}
        if not set(self.shelf.lockfile.shots) <= set(shots):
            return False
        if any(step.do not in ("reuse", "held") and step.locked is None for step in plan.takes()):
            return False
        return all(self._is_locked(step, shots[step.action.shot]) for step in plan.takes())

    def needs_network(self, plan: Plan) -> list[str]:
        """Shots that a provider elsewhere would have to make."""
        steps = [step for step in plan.of("take") if step.do in ("make", "wait", "resume")]
        return list(dict.fromkeys(s.action.shot for s in steps if self._provider(s.action.shot) != LOCAL))

    def fetch_pictures(self) -> None:
        """Fetch the pictures given by address that are not here. Only in a building session. Raises ``TaskFailed``."""
        wanted = self.unfetched()
        if wanted:
            self._files |= fetch_pictures(self.workspace, wanted)
            self._planned = None

    def unfetched(self) -> list[str]:
        """Addresses of pictures that have to be fetched before a build."""
        again = {
            frame.url
            for shot, frame in self.storyboard.pictures()
            if isinstance(frame, UrlInput) and shot in self.remake
        }
        return [url for url in self._urls() if url not in self._files or url in again]

    def _urls(self) -> list[str]:
        return list(dict.fromkeys(f.url for _, f in self.storyboard.pictures() if isinstance(f, UrlInput)))

    def paid_providers(self, plan: Plan) -> list[str]:
        """The providers elsewhere that would be asked."""
        return sorted({self._provider(shot) for shot in self.needs_network(plan)})

    def build(
        self,
        tell: Listener,
        spending: PaidOptions | None = None,
        watch: Callable[[WorkerPool], None] | None = None,
    ) -> BuildResult:
        """Make what is missing, then the film. Only in a building session.

        *spending* says how to reach paid providers; *watch* is handed the workers, to look at their progress. Raises
        ``OutputRefused`` before any work, and ``PaidFailed`` without a usable key.
        """
        from storyboard.engine.build import Build

        self._building = Build(self, tell, spending)
        return self._building.run(watch)

    def after(self, outcome: BuildResult) -> BuildResult | None:
        """What a build would end with that follows at once; ``None`` unless it finds everything and has nothing to say.

        Only after ``build``.
        """
        return self._building.after(outcome) if self._building is not None else None

    @property
    def results(self) -> Mapping[str, Result]:
        """What ``build`` has made or found, by action."""
        return self._building.results if self._building is not None else {}

    @property
    def files(self) -> Mapping[str, str]:
        """Digests of the files that go in, by path or address."""
        return self._files

    def orphans(self, plan: Plan) -> list[Job]:
        """Paid jobs that perhaps no shot asks for any more: their takes are kept all the same."""
        wanted = {step.key for step in plan.of("take") if step.do == "resume"}
        return [job for job in self.workspace.journal.jobs() if job.key not in wanted]

    def open_jobs(self) -> int:
        """Paid jobs that are not finished and that the next build picks up."""
        return len(self.workspace.journal.jobs())

    def forget_plan(self) -> None:
        """Something is about to be made: the next plan is worked out anew."""
        self._planned = None

    def check_lock(self) -> None:
        """Raise ``TaskFailed`` unless the project's lock is still held."""
        try:
            if self._builder is not None:
                self._builder.check()
        except LockLost as lost:
            raise TaskFailed(f"{lost.path} was removed while this build held it; nothing more is bought") from lost

    def known_plan(self, plan: Plan, vouched: Callable[[Step], bool]) -> KnownPlan:
        """What to remember of *plan*, in which everything is in place, where the store *vouched* for it."""
        planner = self._building.planner if self._building is not None else None
        if planner is None:
            raise ValueError("nothing has been built")
        return known_plan(plan, self.graph, self.wishes(), planner.segments, vouched)

    def wishes(self) -> PlanOptions:
        """What the command line and this project add to the storyboard."""
        return PlanOptions(
            files=self._files,
            engines=ENGINES,
            renderer=self.shelf.renderer,
            price=self._price,
            remake=self.remake,
            only=self._only,
            seeds=frozenset(self.choices.seeds) or None,
            alternates=not self.choices.locked,
        )

    def _planner(self) -> Planner:
        return Planner(self.graph, self.shelf, self.wishes(), self._recalled)

    def _provider(self, shot: str) -> str:
        source = self.graph.shot(shot).source
        return source.provider if isinstance(source, Generated) else LOCAL

    def _price(self, source: Generated) -> Decimal:
        return Decimal(0) if source.provider == LOCAL else self.prices.estimate(source)

    def _is_locked(self, step: Step, shot: Shot) -> bool:
        if not isinstance(shot.source, Generated):
            return True
        locked = self.shelf.locked(shot.id, self._provider(shot.id))
        found = step.result
        take = found.digest if isinstance(found, TakeResult) else step.locked.take if step.locked is not None else None
        return locked is not None and (locked.key, locked.take) == (step.key, take)
