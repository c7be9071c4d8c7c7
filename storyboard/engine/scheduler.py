"""The order of a build: runs each step when its inputs have results, the cut last, and collects what happened.

The planner decides what a step needs; the executor makes and commits its result. An error of a step stays with it.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
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
from storyboard.core.planner import Planner
from storyboard.engine.executor import Execute, Executor
from storyboard.engine.film import FilmFailed
from storyboard.engine.worker_tasks import TaskFailed, WorkerDied
from storyboard.operating_system import shortage
from storyboard.store.journal import Job

_SHARED = ("segment", "sound")  # kinds of which two actions can have one key


class Scheduler:
    """One run through the actions of a storyboard.

    *jobs* returns the open paid jobs. *refused* are reasons why films cannot be written, by output. A build that
    *locks* lets the lockfile name the takes that it has made or found.
    """

    def __init__(
        self,
        planner: Planner,
        executor: Executor,
        listener: Listener,
        *,
        jobs: Callable[[], Sequence[Job]] = tuple,
        refused: Mapping[str, str] = MappingProxyType({}),
        locks: bool = True,
    ) -> None:
        self._planner = planner
        self._graph = planner.graph
        self._executor = executor
        self._store = executor.store
        self._notify = listener
        self._jobs = jobs
        self._refused = refused
        self._locks = locks
        self._films: dict[str, FilmFile] = {}
        self._makers: dict[str, asyncio.Future[None]] = {}
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
        """Run all steps, collect orphaned paid jobs, and write the lockfile."""
        loop = asyncio.get_running_loop()
        self._ends = {action.id: loop.create_future() for action in self._graph.order}
        self._takes_ended = loop.create_future()
        try:
            async with asyncio.TaskGroup() as group:
                self._tasks = [group.create_task(self._run_action(action)) for action in self._graph.order]
            for job in self._jobs():
                if job.key not in self._keys and not self._stopped_by:
                    await self._collect(job)
        except* asyncio.CancelledError:
            pass
        finally:
            await self._executor.close()
            self._store.finish(keep=self._lockfile_shots())
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

    def _lockfile_shots(self) -> set[str] | None:
        """Return the shots to keep in the lockfile; ``None``, for all of them, if it stays or the build was stopped."""
        return None if self._stopped_by or not self._locks else {shot.id for shot in self._graph.storyboard.shots()}

    def stop(self, signal_number: int) -> None:
        """Start no further step, and end after the commits that are under way."""
        self._stopped_by = signal_number
        for task in self._tasks:
            task.cancel()

    async def _run_action(self, action: Action) -> None:
        """Run the step of *action*, then wake those that wait for its end, however it ended."""
        try:
            await self._run_step(action)
        finally:
            _wake(self._ends[action.id])
            self._takes_left.discard(action.id)
            if not self._takes_left:
                _wake(self._takes_ended)

    async def _run_step(self, action: Action) -> None:
        if action.output in self._refused:
            if action.kind == "cut":
                self._fail(action, self._refused[action.output])
            return
        await self._wait_for_inputs(action)
        step = self._planner.step(action)
        if action.kind in _SHARED and step.do == "make" and step.key in self._makers:
            # another action with this key is being made
            await self._makers[step.key]
            step = self._planner.step(action)
        while step.do == "wait" and step.reason.why == "same-request":
            await self._ends[self._planner.takes.owner(action.id)]
            step = self._planner.step(action)
        self._keys.add(step.key)
        if step.result is not None:
            await self._reuse(step, step.result)
        elif step.do in ("make", "resume"):
            await self._make(step, self._executor.run)
        else:
            self._stop_prefetch()
            self._blocked[action.id] = step
            self._notify(StepBlocked(step))
        if self._store.lockfile.is_due():
            await self._executor.in_thread(self._store.lockfile.write)

    async def _wait_for_inputs(self, action: Action) -> None:
        for name in action.inputs:
            if not self._ends[name].done():
                await self._ends[name]
        may_copy = action.kind == "segment" and action.at in ("", "head", "tail")
        if may_copy and self._planner.segments[action.output].shot_copy_blocker(action.shot) is None:
            # whether a take is copied depends on the parameter sets of all takes
            await self._takes_ended

    async def _reuse(self, step: Step, result: Result) -> None:
        await self._add_missing_record(step)
        self._record(step, result)
        self._executor.prefetcher.add(step.action, result)
        self._reused[step.action.id] = step
        self._notify(StepReused(step))

    async def _add_missing_record(self, step: Step) -> None:
        """Add the record of a take that *step* has found by the lockfile alone, for later builds."""
        record = self._store.missing_record(step)
        if record is not None:
            try:
                await self._executor.add_record(record, step)
            except OSError as problem:
                text = f"its take is in the cache, but its record could not be written: {self._os_error_text(problem)}"
                self._notify(Notice(f"{step.action.shot}: {text}", "unwritten"))

    def _record(self, step: Step, result: Result) -> None:
        self._planner.record(step.action, result)
        if isinstance(result, TakeResult) and step.key is not None and step.action.seed is None and self._locks:
            self._notify_if_drawn_differently(step, result)
            shot = step.action.shot
            earlier = partial(self._planner.takes.earlier.moments, shot)
            self._store.lock_take(step, self._graph.shot(shot), result, earlier)
        if isinstance(result, FrameResult) and self._locks:
            self._store.lock_frame(step.action, result, self._graph.shot(step.action.shot))
        if isinstance(result, CutResult) and step.action.output not in self._films:
            self._films[step.action.output] = self._film_file(step.action, joined=step.result is None)

    def _notify_if_drawn_differently(self, step: Step, take: TakeResult) -> None:
        """Notify that a missing take differs from the locked one after it was drawn again: machines can differ."""
        source = self._graph.shot(step.action.shot).source
        locked = self._store.locked(step.action.shot, source.provider) if isinstance(source, Generated) else None
        missing = step.do == "make" and step.reason.why in ("missing", "damaged")
        if missing and locked is not None and locked.key == step.key and locked.take != take.digest:
            text = f"the remade take {take.digest[:12]} differs from the locked take {locked.take[:12]}"
            self._notify(Notice(f"{step.action.shot}: {text}", "drawn-otherwise"))

    def _film_file(self, cut: Action, *, joined: bool) -> FilmFile:
        name = cut.output
        frames = sum(result.frames for _, result in self._executor.segment_results(cut) if result is not None)
        path, rate = os.fspath(self._store.films[name]), self._graph.films[name].output.fps
        sound, made_of = self._executor.sound_result(name), self._graph.films[name].made_of
        return FilmFile(name, path, frames, rate, joined, sound=sound, made_of=made_of)

    async def _make(self, step: Step, execute: Execute) -> None:
        action = step.action
        if action.kind in _SHARED and step.key is not None:
            self._makers.setdefault(step.key, self._ends[action.id])
        try:
            made = await execute(step, lambda: self._notify(StepStarted(step)))
        except (TaskFailed, FilmFailed) as problem:
            self._fail(action, str(problem), getattr(problem, "code", "failed"))
        except WorkerDied as died:
            self._fail(action, str(died))
        except OSError as problem:
            self._fail(action, self._os_error_text(problem))
        except asyncio.CancelledError:
            if not _is_unrequested_cancel():
                raise
            self._fail(action, "stopped by an internal error; build again")
        except (MemoryError, ImportError, RuntimeError) as problem:
            lacking = shortage(problem)
            if lacking is None:
                raise
            self._fail(action, lacking)
        else:
            self._record(step, made.result)
            self._made[action.id] = step
            self._cost += made.cost
            self._notify(StepMade(step, made.seconds, made.cost))

    async def _collect(self, job: Job) -> None:
        try:
            notice = await self._executor.collect(job)
        except asyncio.CancelledError:
            if not _is_unrequested_cancel():
                raise
            notice = Notice(f"the paid job for {job.shot} was not queried; a later build collects it", "job-left")
        self._notify(notice)

    def _stop_prefetch(self) -> None:
        """End the prefetch for a film that will not be joined."""
        self._executor.prefetcher.end()

    def _fail(self, action: Action, reason: str, code: str = "failed") -> None:
        self._stop_prefetch()
        self._planner.fail(action)
        self._failed[action.id] = reason
        self._codes[action.id] = code
        self._notify(StepFailed(action, reason, code))

    def _os_error_text(self, problem: OSError) -> str:
        lacking = shortage(problem)
        if lacking is not None and problem.filename is None:
            return lacking
        return f"{problem.filename or self._store.folder}: {lacking or problem.strerror or problem}"


def _wake(end: asyncio.Future[None]) -> None:
    """Resolve *end*, unless it was cancelled together with those that wait for it."""
    if not end.done():
        end.set_result(None)


def _is_unrequested_cancel() -> bool:
    """Return whether the task was cancelled without a call to ``cancel()``. A TaskGroup would swallow this."""
    task = asyncio.current_task()
    return task is not None and not task.cancelling()
