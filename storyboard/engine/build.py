"""Carries out the plan of a building session: makers, the engine, the films and what lies beside them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from storyboard.core.build_events import BuildResult, Listener, Notice
from storyboard.core.clip_warnings import clip_warnings
from storyboard.core.model import FOOTAGE
from storyboard.core.plan import Result, TakeResult
from storyboard.core.planner import Planner
from storyboard.engine.executor import Executor
from storyboard.engine.film import link_shots, why_not_writable, write_sidecars
from storyboard.engine.generators import LOCAL, AnimaticGenerator, FootageImporter, TakeGenerator
from storyboard.engine.paid.budget import Budget
from storyboard.engine.replaced_takes import in_use, replaced_takes
from storyboard.engine.scheduler import Scheduler
from storyboard.engine.session import OutputRefused, Session
from storyboard.engine.worker_pool import WorkerPool

if TYPE_CHECKING:  # a build that buys nothing does not load what it takes to buy
    from storyboard.engine.paid.generator import PaidOptions


class Build:
    """One build of a session that holds the project's lock. *spending* says how to reach paid providers."""

    def __init__(self, session: Session, tell: Listener, spending: PaidOptions | None) -> None:
        self._session = session
        self._workspace = session.workspace
        self._shelf = session.shelf
        self._listener = tell
        self._spending = spending
        self.planner: Planner | None = None
        self._told = 0

    @property
    def results(self) -> Mapping[str, Result]:
        """What has been made or found, by action."""
        return self.planner.results if self.planner is not None else {}

    def run(self, watch: Callable[[WorkerPool], None] | None = None) -> BuildResult:
        """Make what is missing, then the film; *watch* is handed the workers.

        Raises ``OutputRefused`` before any work, and ``PaidFailed`` without a usable key.
        """
        session, shelf = self._session, self._shelf
        planner, plan = session.planned()
        workers = WorkerPool(session.choices.jobs)
        try:
            if any((step.do == "make" and step.action.kind != "cut") or step.locked for step in plan.steps):
                workers.warm()
            refused = self._refused()
            makers = self._makers(workers)
        except BaseException:
            workers.close()
            raise
        before = in_use(shelf, session.storyboard)
        priced = frozenset(step.action.id for step in plan.of("take") if step.do in ("make", "wait"))
        if watch is not None:
            watch(workers)
        session.forget_plan()
        engine = Scheduler(
            Executor(session.graph, planner, shelf, workers, makers, priced),
            self._listener,
            partial_film=session.choices.partial,
            jobs=self._workspace.journal.jobs,
            refused=refused,
        )
        outcome = asyncio.run(_stoppable(engine))
        self.planner = planner
        for trouble in self._workspace.records.troubles:
            self._tell(f"{trouble.path}: {trouble.reason}; it was kept at {trouble.kept_at}")
        takes = link_shots(shelf, session.storyboard, planner.results)
        if takes.is_symlink():
            advice = "remove that link, or name another `output.file`"
            self._tell(f"{takes} is a link, so the takes were not put there by name; {advice}")
        self._write_sidecars(outcome, planner)
        made = ((step.action, planner.results[name]) for name, step in outcome.made.items())
        told = clip_warnings(
            session.storyboard, [(action, take) for action, take in made if isinstance(take, TakeResult)]
        )
        return replace(outcome, chosen=tuple(replaced_takes(outcome.reused.values(), before)), remarks=tuple(told))

    def after(self, outcome: BuildResult) -> BuildResult | None:
        """What a build would end with that follows at once; ``None`` unless it finds everything and has nothing to say.

        Only after ``run``.
        """
        planner = self.planner
        films = tuple(replace(film, joined=False) for film in outcome.films if not film.partial)
        unfinished = outcome.stopped_by or outcome.failed or outcome.blocked or len(films) < len(self._workspace.films)
        if planner is None or unfinished or self._told or self._session.remake or self._session.choices.seeds:
            return None
        plan = planner.plan_after()
        if not plan.nothing_to_do():
            return None
        reused = {step.action.id: step for step in plan.steps}
        return replace(outcome, made={}, reused=reused, films=films, cost=Decimal(0), chosen=())

    def _tell(self, text: str) -> None:
        """Something that a build without it would not say."""
        self._told += 1
        self._listener(Notice(text))

    def _refused(self) -> dict[str, str]:
        """Why films cannot be put in their places, by output. Raises ``OutputRefused`` if none can."""
        root = self._workspace.root
        found = {name: (path, why_not_writable(root, path)) for name, path in self._workspace.films.items()}
        refused = {name: f"{path}: {reason}" for name, (path, reason) in found.items() if reason is not None}
        if len(refused) == len(found):
            path, reason = next(iter(found.values()))
            raise OutputRefused(path, reason or "")
        return refused

    def _write_sidecars(self, outcome: BuildResult, planner: Planner) -> None:
        for film in outcome.films:
            output = self._session.graph.films[film.name].output
            own = planner.segments[film.name].film_cues() if film.cues is None else film.cues
            cues = own if output.captions == "sidecar" else ()
            for path in write_sidecars(self._shelf, Path(film.path), cues, output.fps):
                self._tell(f"{path}: not written by storyboard, so the captions were not put there")

    def _makers(self, workers: WorkerPool) -> dict[str, TakeGenerator]:
        session = self._session
        rates = {model: card.fps for model, card in session.cards.items()}
        footage = FootageImporter(workers, self._workspace.root)
        makers: dict[str, TakeGenerator] = {LOCAL: AnimaticGenerator(workers, rates), FOOTAGE: footage}
        plan = session.plan()
        needed = session.paid_providers(plan)
        reachable = self._spending.accounts if self._spending is not None else {}
        names = sorted({*needed, *(job.provider for job in session.orphans(plan) if job.provider in reachable)})
        if names:
            from storyboard.engine.paid.generator import PaidOptions, open_maker

            budget = Budget(self._workspace.ledger, session.choices.cap)
            budget.release_all_but({job.task_id for job in self._workspace.journal.jobs()})
            for name in names:
                makers[name] = open_maker(
                    name,
                    self._spending or PaidOptions(),
                    self._workspace,
                    workers,
                    budget,
                    session.prices,
                    session.remake,
                    session.check_lock,
                    lambda text: self._listener(Notice(text)),
                )
        return makers


async def _stoppable(engine: Scheduler) -> BuildResult:
    """Run *engine*; the first SIGINT, SIGTERM or SIGHUP stops it, a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        engine.stop(number)
        for other in _signals():
            loop.add_signal_handler(other, os._exit, 128 + other)

    for number in _signals():
        loop.add_signal_handler(number, on_signal, number)
    try:
        return await engine.run()
    finally:
        for number in _signals():
            loop.remove_signal_handler(number)


def _signals() -> Iterable[signal.Signals]:
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
