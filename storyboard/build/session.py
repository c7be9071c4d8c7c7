"""One storyboard and its store, opened for reading or for building.

A reading session never waits, never writes and calls nobody. A building session holds the project's lock.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from storyboard.build.engine import Engine, Outcome
from storyboard.build.events import Listener
from storyboard.build.film import link_shots, why_not_writable
from storyboard.build.makers import LOCAL, LocalMaker, Maker
from storyboard.build.shelf import Shelf
from storyboard.build.workers import Workers
from storyboard.build.workspace import Workspace
from storyboard.core.cards import ModelCard
from storyboard.core.graph import Graph
from storyboard.core.model import Generated, Json, Shot, Storyboard
from storyboard.core.plan import Plan, Step, TakeMade
from storyboard.core.planner import Planner, Wishes
from storyboard.providers.local import ANIMATIC_VERSION
from storyboard.store.guard import Builder, Holder
from storyboard.store.lockfile import read as read_lockfile


class Choices(Struct, frozen=True):
    """What the command line adds to a storyboard."""

    select: tuple[str, ...] = ()
    remake: tuple[str, ...] = ()
    jobs: int = 1
    partial: bool = False


class OutputRefused(Exception):
    """The film cannot be written where the storyboard wants it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Session:
    """A storyboard with its graph, its lockfile and what the cache knows of it.

    Raises ``LockfileProblem`` if the lockfile cannot be read, ``BadSelection`` if a selector names nothing, ``OSError``
    if a picture cannot be read.
    """

    def __init__(
        self,
        root: Path,
        storyboard: Storyboard,
        cards: Mapping[str, ModelCard],
        choices: Choices,
        on_wait: Callable[[Holder | None], None] | None = None,
    ) -> None:
        self.storyboard = storyboard
        self.cards = cards
        self.choices = choices
        self.graph = Graph(storyboard)
        selected = self.graph.select(choices.select) if choices.select else None
        remake = self.graph.select(choices.remake)
        with ExitStack() as stack:
            if on_wait is not None:
                stack.enter_context(Builder(root, storyboard.file, on_wait=on_wait))
            self.workspace = stack.enter_context(Workspace(root, storyboard))
            lockfile = read_lockfile(self.workspace.lockfile)
            self.shelf = Shelf(self.workspace, lockfile, renderer())
            if on_wait is not None:
                self.workspace.blobs.sweep()
            self._wishes = Wishes(
                files=self.workspace.digests(storyboard),
                engines={LOCAL: f"animatic {ANIMATIC_VERSION}"},
                renderer=self.shelf.renderer,
                price=self._price,
                remake=frozenset(remake),
                only=frozenset(selected) if selected is not None else None,
            )
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def plan(self) -> Plan:
        """What a build would do now."""
        return self.planner().plan()

    def lockfile_is_current(self, plan: Plan) -> bool:
        """Whether a build would leave the lockfile as it is: every take there, and each the one it names."""
        shots = {shot.id: shot for shot in self.storyboard.shots()}
        if not set(self.shelf.lockfile.shots) <= set(shots):
            return False
        return all(self._is_locked(step, shots[step.action.shot]) for step in plan.of("take"))

    def needs_network(self, plan: Plan) -> list[str]:
        """Shots that a provider elsewhere would have to make."""
        steps = [step for step in plan.of("take") if step.do in ("make", "wait", "resume")]
        sources = {step.action.shot: self.graph.shot(step.action.shot).source for step in steps}
        return [shot for shot, source in sources.items() if isinstance(source, Generated) and source.provider != LOCAL]

    def _is_locked(self, step: Step, shot: Shot) -> bool:
        source = shot.source
        locked = self.shelf.locked(shot.id, source.provider) if isinstance(source, Generated) else None
        found = step.found
        return (
            isinstance(found, TakeMade) and locked is not None and (locked.key, locked.take) == (step.key, found.digest)
        )

    def planner(self) -> Planner:
        """A planner that has settled nothing yet."""
        return Planner(self.graph, self.shelf, self._wishes)

    def build(self, tell: Listener, watch: Callable[[Workers], None] | None = None) -> Outcome:
        """Make what is missing, then the film. Only in a session that holds the lock.

        *watch* is handed the workers, to look at their progress. Raises ``OutputRefused`` before any work.
        """
        reason = why_not_writable(self.workspace.film)
        if reason is not None:
            raise OutputRefused(self.workspace.film, reason)
        workers = Workers(self.choices.jobs)
        if watch is not None:
            watch(workers)
        planner = self.planner()
        engine = Engine(
            self.graph, planner, self.shelf, workers, self._makers(workers), tell, partial_film=self.choices.partial
        )
        outcome = asyncio.run(_stoppable(engine))
        link_shots(self.shelf, self.storyboard, planner.settled)
        return outcome

    def _makers(self, workers: Workers) -> dict[str, Maker]:
        return {LOCAL: LocalMaker(workers, {model: card.fps for model, card in self.cards.items()})}

    def _price(self, source: Generated) -> Decimal:
        return Decimal(0) if source.provider == LOCAL else self.cards[source.model].price(source)


async def _stoppable(engine: Engine) -> Outcome:
    """Run *engine*; the first SIGINT or SIGTERM stops it, a second one ends the process at once."""
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


def renderer() -> Mapping[str, Json]:
    """What renders segments: our own version of it and those of the libraries it stands on."""
    from storyboard.media.identity import renderer_id

    return renderer_id()
