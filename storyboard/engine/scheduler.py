"""Runs a plan: each step when its inputs are there, what fails beside what succeeds, and the cut at the end.

Decisions are the planner's, how things are made is for ``making``, bytes are the store's; here is only the order of
things.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from storyboard.core.build_events import (
    BuildResult,
    FilmFile,
    Listener,
    Notice,
    StepBlocked,
    StepFailed,
    StepMade,
    StepReused,
    StepStarted,
)
from storyboard.core.graph import Action
from storyboard.core.model import Generated
from storyboard.core.plan import CutResult, FrameResult, Result, Step, TakeResult
from storyboard.engine.executor import Executor, How, StepResult
from storyboard.engine.film import FilmFailed
from storyboard.engine.partial_film import partial_film
from storyboard.engine.worker_main import wait_for_turn
from storyboard.engine.worker_pool import WorkerDied
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.journal import Job

_SHARED = ("segment", "sound")  # kinds that two actions may ask for with one key


class Scheduler:
    """One build of one storyboard."""

    def __init__(
        self,
        making: Executor,
        tell: Listener,
        *,
        partial_film: bool = False,
        jobs: Callable[[], Sequence[Job]] = tuple,
        refused: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._making = making
        self._graph = making.graph
        self._planner = making.planner
        self._shelf = making.shelf
        self._tell = tell
        self._partial = partial_film
        self._jobs = jobs
        self._refused = refused
        self._films: dict[str, FilmFile] = {}
        self._rendering: dict[str, asyncio.Future[None]] = {}
        self._keys: set[str | None] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: dict[str, asyncio.Future[None]] = {}
        self._takes_left = {action.id for action in self._graph.takes()}
        self._takes_ended: asyncio.Future[None]
        self._made: dict[str, Step] = {}
        self._reused: dict[str, Step] = {}
        self._failed: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._blocked: dict[str, Step] = {}
        self._cost = Decimal(0)
        self._stopped_by = 0

    async def run(self) -> BuildResult:
        """Do everything that can be done. Errors of a step stay with that step."""
        loop = asyncio.get_running_loop()
        self._ends = {action.id: loop.create_future() for action in self._graph.order}
        self._takes_ended = loop.create_future()
        try:
            async with asyncio.TaskGroup() as group:
                self._tasks = [group.create_task(self._through(action)) for action in self._graph.order]
            for job in self._jobs():
                if job.key not in self._keys and not self._stopped_by:
                    await self._pick_up(job)
        except* asyncio.CancelledError:
            pass
        finally:
            await self._making.close()
            self._shelf.finish(keep=self._kept())
        return BuildResult(
            self._made,
            self._reused,
            self._failed,
            self._codes,
            self._blocked,
            tuple(self._films[name] for name in self._graph.films if name in self._films),
            self._cost,
            self._stopped_by,
        )

    def _kept(self) -> set[str] | None:
        """The shots that the lockfile is about; ``None`` leaves it as wide as it is."""
        return None if self._stopped_by else {shot.id for shot in self._graph.storyboard.shots()}

    def stop(self, signal_number: int) -> None:
        """Start nothing more, and end as soon as what is being stored is stored."""
        self._stopped_by = signal_number
        for task in self._tasks:
            task.cancel()

    async def _through(self, action: Action) -> None:
        """Do *action*, and let those go on that wait for its end, however it ended."""
        try:
            await self._do(action)
        finally:
            _end(self._ends[action.id])
            self._takes_left.discard(action.id)
            if not self._takes_left:
                _end(self._takes_ended)

    async def _do(self, action: Action) -> None:
        if action.output in self._refused:
            if action.kind == "cut":
                self._fail(action, self._refused[action.output])
            return
        await self._inputs_of(action)
        step = self._planner.step(action)
        if action.kind in _SHARED and step.do == "make" and step.key in self._rendering:
            # two films, or two shots, show or sound the very same
            await self._rendering[step.key]
            step = self._planner.step(action)
        while step.do == "wait" and step.reason.why == "same-request":
            await self._ends[self._planner.takes.owner(action.id)]
            step = self._planner.step(action)
        self._keys.add(step.key)
        if step.result is not None:
            await self._adopt(step)
            self._settle(step, step.result)
            self._making.ahead.found(action, step.result)
            self._reused[action.id] = step
            self._tell(StepReused(step))
        elif step.do in ("make", "resume"):
            await self._make(step, self._making.make)
        elif action.kind == "cut" and self._partial and not self._stopped_by:
            await self._make(step, self._partial_film)
        else:
            self._no_film()
            self._blocked[action.id] = step
            self._tell(StepBlocked(step))
        if self._shelf.locking.is_due():
            await self._making.in_thread(self._shelf.locking.write)

    async def _inputs_of(self, action: Action) -> None:
        for name in action.inputs:
            if not self._ends[name].done():
                await self._ends[name]
        copying = action.kind == "segment" and action.at in ("", "head", "tail")
        if copying and self._planner.segments[action.output].shot_copy_blocker(action.shot) is None:
            # whether a take can be copied depends on what the others are like
            await self._takes_ended

    async def _adopt(self, step: Step) -> None:
        """Let later builds find by a record what this one has found by the lockfile alone."""
        record = self._shelf.unrecorded(step)
        if record is not None:
            try:
                await self._making.adopt(record, step)
            except OSError as problem:
                text = f"{problem.filename or self._shelf.folder}: {problem.strerror or problem}"
                self._tell(Notice(f"{step.action.shot}: its take is here, but its record could not be kept: {text}"))

    def _settle(self, step: Step, result: Result) -> None:
        self._planner.record(step.action, result)
        if isinstance(result, TakeResult) and step.key is not None and step.action.seed is None:
            self._tell_if_drawn_otherwise(step, result)
            self._shelf.lock_take(step, self._graph.shot(step.action.shot), result)
        if isinstance(result, FrameResult):
            self._shelf.lock_frame(step.action, result, self._graph.shot(step.action.shot))
        if isinstance(result, CutResult) and step.action.output not in self._films:
            self._films[step.action.output] = self._film(step.action, joined=step.result is None)

    def _tell_if_drawn_otherwise(self, step: Step, take: TakeResult) -> None:
        """A take that was drawn again since it was missing may come out otherwise on another machine."""
        source = self._graph.shot(step.action.shot).source
        locked = self._shelf.locked(step.action.shot, source.provider) if isinstance(source, Generated) else None
        missing = step.do == "make" and step.reason.why in ("missing", "damaged")
        if missing and locked is not None and locked.key == step.key and locked.take != take.digest:
            text = f"made again, and not as it was: {take.digest[:12]} instead of the locked {locked.take[:12]}"
            self._tell(Notice(f"{step.action.shot}: {text}"))

    def _film(self, cut: Action, *, joined: bool) -> FilmFile:
        name = cut.output
        frames = sum(made.frames for _, made in self._making.pieces(cut) if made is not None)
        rate = self._graph.films[name].output.fps
        return FilmFile(name, os.fspath(self._shelf.films[name]), frames, rate, joined, sound=self._making.sound(name))

    async def _partial_film(self, step: Step) -> StepResult:
        made, self._films[step.action.output] = await partial_film(self._making, step, self._failed)
        return made

    async def _make(self, step: Step, how: How) -> None:
        action = step.action
        wait_for_turn(action.kind, lambda: self._tell(StepStarted(step)))
        if action.kind in _SHARED and step.key is not None:
            self._rendering.setdefault(step.key, self._ends[action.id])
        try:
            product = await how(step)
        except (TaskFailed, FilmFailed) as problem:
            self._codes[action.id] = getattr(problem, "code", "failed")
            self._fail(action, str(problem))
        except WorkerDied as died:
            self._fail(action, str(died))
        except OSError as problem:
            self._fail(action, f"{problem.filename or self._shelf.folder}: {problem.strerror or problem}")
        except asyncio.CancelledError:
            if not _cut_off():
                raise
            self._fail(action, "was cut off by a fault of this program; build again")
        else:
            self._settle(step, product.result)
            self._made[action.id] = step
            self._cost += product.cost
            self._tell(StepMade(step, product.seconds, product.cost))

    async def _pick_up(self, job: Job) -> None:
        try:
            told = await self._making.pick_up(job)
        except asyncio.CancelledError:
            if not _cut_off():
                raise
            told = f"a job for {job.shot} that was paid for was not asked about; a later build picks it up"
        self._tell(Notice(told))

    def _no_film(self) -> None:
        """Something that films need is not there."""
        if not self._partial:
            self._making.ahead.end()

    def _fail(self, action: Action, reason: str) -> None:
        self._no_film()
        self._planner.fail(action)
        self._failed[action.id] = reason
        self._tell(StepFailed(action, reason))


def _end(waited_for: asyncio.Future[None]) -> None:
    """It may have been cancelled, if those who waited for it were."""
    if not waited_for.done():
        waited_for.set_result(None)


def _cut_off() -> bool:
    """Whether this task is cancelled though nobody asked for that: a task group would lose it without a word."""
    task = asyncio.current_task()
    return task is not None and not task.cancelling()
