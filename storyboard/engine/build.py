"""A build: runs the plan of a session with workers, generators and signal handlers, then writes links and captions."""

import asyncio
import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from storyboard.core.build_events import BuildResult, ClipWarning, Listener, Notice, clip_warnings, repeated_clips
from storyboard.core.fill import FillStyle
from storyboard.core.graph import cut_id
from storyboard.core.model import CAPTION_SUFFIXES, FOOTAGE
from storyboard.core.plan import CutResult, Plan, Step, TakeResult
from storyboard.core.planner import Planner
from storyboard.engine.executor import Executor
from storyboard.engine.film import MATERIALS, has_tag, why_not_writable, write_captions
from storyboard.engine.generators import LOCAL, AnimaticGenerator, FootageImporter, TakeGenerator
from storyboard.engine.paid.budget import Budget
from storyboard.engine.scheduler import Scheduler
from storyboard.engine.session import Session
from storyboard.engine.take_links import link_takes, replaced_takes, takes_in_use
from storyboard.engine.worker_pool import TaskRunner, WorkerPool
from storyboard.operating_system import require_memory, stop_signals, use_one_thread_in_numpy
from storyboard.store.ledger import Bill
from storyboard.store.written_files import has_built_film, write_built_film

if TYPE_CHECKING:  # a build without paid steps does not load their generator
    from storyboard.engine.paid.generator import PaidOptions

# Below this, libraries or threads do not start: NumPy then ends the process. A small build takes 680 MB.
_LEAST_MEMORY = 600_000_000
# Frames made and to make of every running task, by label.
Progress = Callable[[], Mapping[str, tuple[int, int]]]


class OutputRefused(Exception):
    """An output path at which no film can be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class FinishedBuild:
    """A build that has ended: its result, and the planner with the results of all steps."""

    def __init__(self, session: Session, planner: Planner, result: BuildResult, *, has_notices: bool) -> None:
        self.session = session
        self.planner = planner
        self.result = result
        self._has_notices = has_notices

    def next_result(self) -> BuildResult | None:
        """Return the result of an immediate next build; ``None`` unless it finds everything and reports nothing."""
        session, result = self.session, self.result
        films = tuple(replace(film, joined=False) for film in result.films if film.fill is None)
        unfinished = result.stopped_by or result.failed or result.blocked or len(films) < len(session.store.films)
        warned = self._has_notices or bool(session.left_jobs())
        if unfinished or warned or session.remake or session.options.seeds:
            return None
        plan = self.planner.plan_after()
        if not plan.nothing_to_do():
            return None
        reused = {step.action.id: step for step in plan.steps}
        return replace(result, made={}, reused=reused, films=films, cost=Decimal(0), chosen=(), remarks=())


def run_build(
    session: Session,
    listener: Listener,
    paid: "PaidOptions | None" = None,
    *,
    watch: Callable[[Progress], None] | None = None,
    abort: Callable[[int], object],
) -> FinishedBuild:
    """Make all missing results and the films of *session*, which holds the project's lock.

    *watch* gets the function that returns the progress of the running tasks. The first of ``STOP_SIGNALS`` stops the
    build; a second one calls *abort* with the exit code. Raises ``OutputRefused`` and ``MemoryError`` before any work,
    and ``PaidFailed`` without a usable key.
    """
    return Build(session, listener, paid).run(watch, abort)


class Build:
    """One build of *session*. *paid* says how to reach paid providers."""

    def __init__(self, session: Session, listener: Listener, paid: "PaidOptions | None") -> None:
        self._session = session
        self._store = session.store
        self._plan = session.plan()
        self._planner = session.planner()
        self._listener = listener
        self._paid = paid
        self._budget: Budget | None = None
        self._has_notices = False

    def run(self, watch: Callable[[Progress], None] | None, abort: Callable[[int], object]) -> FinishedBuild:
        """Run the plan, then write links and captions. Raises as ``run_build``."""
        require_memory(_LEAST_MEMORY)
        before = takes_in_use(self._store, self._session.storyboard)
        result = self._run_plan(watch, abort)
        replaced = [] if self._session.filled is not None else [*replaced_takes(result.reused.values(), before)]
        films = set(self._session.graph.films)
        for style in self._styles():
            ended = {film.name for film in result.films} | {name for name in films if cut_id(name) in result.failed}
            if result.stopped_by or ended == films:
                break
            result = self._fill(style, films - ended, result, watch, abort)
        for trouble in self._store.records.troubles:
            self._notify(f"{trouble.path}: {trouble.reason}; quarantined as {trouble.kept_at}", "quarantined")
        self._report_old_films()
        bill = self._budget.bill() if self._budget is not None else Bill(Decimal(0), Decimal(0))
        result = replace(
            result,
            cost=bill.cost,
            failed_cost=bill.failed,
            chosen=tuple(replaced),
        )
        return FinishedBuild(self._session, self._planner, result, has_notices=self._has_notices)

    def _styles(self) -> Sequence[FillStyle]:
        """Return the styles in which to fill what is still missing after the plan was carried out, in turn."""
        options = self._session.options
        if options.fill is not None:
            return ("none",) if options.fill == "none" else ("slate",)
        return ("animatic", "slate") if options.partial else ()

    def _run_plan(self, watch: Callable[[Progress], None] | None, abort: Callable[[int], object]) -> BuildResult:
        """Carry out the plan of the session, then write links and captions. Raises as ``run_build``."""
        scheduler = self._prepare(watch)
        self._session.forget_plan()
        result = asyncio.run(_run_until_signal(scheduler, abort))
        if self._session.filled is not None:
            result = replace(result, films=tuple(replace(one, fill=self._session.filled) for one in result.films))
        self._link_takes()
        self._write_captions(result)
        self._write_terms(result)
        return replace(result, remarks=tuple(self._clip_warnings(result)))

    def _fill(
        self,
        style: FillStyle,
        films: Collection[str],
        before: BuildResult,
        watch: Callable[[Progress], None] | None,
        abort: Callable[[int], object],
    ) -> BuildResult:
        """Make *films* with stand-ins for the shots that keep them from being joined; return both results together."""
        session = self._session
        fill = session.fill(style, self._planner, self._planner.failed_shots(), films)
        self._plan, self._planner = session.plan(), session.planner()
        return _together(before, self._run_plan(watch, abort), fill.missing)

    def _prepare(self, watch: Callable[[Progress], None] | None) -> Scheduler:
        """Start workers and open generators. Raises as ``run_build``."""
        session, plan = self._session, self._plan
        is_filled = session.filled is not None
        makes_any = any((step.do == "make" and step.action.kind != "cut") or step.locked for step in plan.steps)
        runner: TaskRunner = WorkerPool(session.options.jobs, warm=makes_any)
        try:
            refused = self._refused_films()
            generators = self._open_generators(plan, runner)
        except BaseException:
            runner.close()
            raise
        if not plan.nothing_to_do():
            _load_media()
        if watch is not None:
            watch(runner.progress)
        priced = frozenset(
            step.action.id
            for step in plan.of("take")
            if (step.do in ("make", "wait") and step.reason.bought is None) or step.cost_at_most
        )
        return Scheduler(
            self._planner,
            Executor(self._planner, self._store, runner, generators, priced),
            self._listener,
            jobs=tuple if is_filled else session.collectable_jobs,
            refused=refused,
            locks=not is_filled,
        )

    def _notify(self, text: str, code: str) -> None:
        """Report a warning of this build alone, which keeps the next one from being a no-op."""
        self._has_notices = True
        self._listener(Notice(text, code))

    def _refused_films(self) -> dict[str, str]:
        """Return why films cannot be written, by output. Raises ``OutputRefused`` if none can be written."""
        reasons = {name: why_not_writable(self._store, path) for name, path in self._store.films.items()}
        refused = {name: reason for name, reason in reasons.items() if reason is not None}
        if len(refused) == len(reasons) and self._session.filled is None:
            name, reason = next(iter(refused.items()))
            raise OutputRefused(self._store.films[name], reason)
        return {name: f"{self._store.films[name]}: {reason}" for name, reason in refused.items()}

    def _open_generators(self, plan: Plan, runner: TaskRunner) -> dict[str, TakeGenerator]:
        session, store = self._session, self._store
        rates = {model: card.fps for model, card in session.cards.items()}
        generators: dict[str, TakeGenerator] = {
            LOCAL: AnimaticGenerator(runner, rates),
            FOOTAGE: FootageImporter(runner, store.root),
        }
        reachable = self._paid.accounts if self._paid is not None and session.filled is None else {}
        orphaned = {job.provider for job in session.orphaned_jobs(plan) if job.provider in reachable}
        names = sorted({*session.remote_providers(plan), *orphaned})
        if names:
            from storyboard.engine.paid.generator import PaidOptions, open_generator

            budget = self._budget = Budget(store.ledger, session.options.cap)
            budget.release_all_but({job.task_id for job in store.journal.jobs()} | store.journal.damaged_ids())
            for name in names:
                generators[name] = open_generator(
                    name,
                    self._paid or PaidOptions(),
                    store.folder,
                    store.journal,
                    runner,
                    budget,
                    session.prices,
                    session.remake,
                    session.check_lock,
                    self._listener,
                )
        return generators

    def _link_takes(self) -> None:
        folder, copied = link_takes(self._store, self._session.storyboard, self._planner.results)
        if copied:
            takes = "1 take was" if copied == 1 else f"{copied} takes were"
            # not by _notify: the next build copies none again
            self._listener(Notice(f"links cannot be made in {folder}, so {takes} copied there", "takes-copied"))
        if folder.is_symlink() or not folder.is_dir():
            kind = "a link" if folder.is_symlink() else "a file"
            advice = "move it away, or name another `output.file`"
            self._notify(f"{folder} is {kind}, so takes were not linked in it; {advice}", "take-links")

    def _write_captions(self, result: BuildResult) -> None:
        """Write the captions of all films, and write down what is there now, films and captions."""
        in_place = {cut.digest for cut in self._planner.results.values() if isinstance(cut, CutResult)}
        files: list[Path] = []
        for film in result.films:
            path, output = Path(film.path), self._session.graph.films[film.name].output
            cues = self._planner.segments[film.name].film_cues()
            sidecar_cues = cues if output.captions == "sidecar" else ()
            foreign = write_captions(self._store, path, sidecar_cues, output.fps)
            for other in foreign:
                text = f"{other} was not made by storyboard, so captions were not written to it; move it away"
                self._notify(text, "captions-not-written")
            # of captions that are missing the no-op check of the next build needs the stamps as well
            captions = [path.with_suffix(suffix) for suffix in CAPTION_SUFFIXES]
            is_ours = self._store.has_written(path) or self._store.file_digest(path) in in_place
            files += [*([path] if is_ours else []), *(one for one in captions if one not in foreign)]
        self._store.settle(files)

    def _write_terms(self, result: BuildResult) -> None:
        """Write the terms of the films that were joined, and of films without terms, for the reasons of later plans."""
        folder = self._store.folder
        steps = {**result.reused, **result.made}
        for film in result.films:
            path = self._session.graph.films[film.name].output.film
            if not film.joined and has_built_film(folder, path):
                continue
            parts = {name: step for name, step in steps.items() if step.action.output == film.name}
            own = {name: step for name, step in parts.items() if step.action.kind in ("segment", "sound")}
            with suppress(OSError):  # reasons are worth no failure
                write_built_film(folder, path, self._planner.derived.film_terms(film.name).built(own))

    def _report_old_films(self) -> None:
        """Report the films that are no outputs any more, and animatics where the final film goes, each once."""
        made = set(self._store.films.values())
        for film in self._store.final_films():
            path = self._store.root / film.path
            is_early = not film.reported and path not in made and not has_tag(path, MATERIALS)
            if is_early and self._store.holds_animatics(film):
                self._notify(f"{path} holds animatics of an earlier version; the final film replaces it", "old-film")
                self._store.written.mark_reported(film)
        for old in self._store.old_films():
            if not old.reported:
                path = self._store.root / old.path
                self._notify(f"{path} is a film of an earlier output; it stays until you delete it", "old-film")
                self._store.written.mark_reported(old)

    def _clip_warnings(self, result: BuildResult) -> list[ClipWarning]:
        made = ((step.action, self._planner.results[name]) for name, step in result.made.items())
        takes = [(action, take) for action, take in made if isinstance(take, TakeResult)]
        steps = {**result.reused, **result.made}
        found = ((step, self._planner.results.get(name, step.result)) for name, step in steps.items())
        every = [(step, take) for step, take in found if isinstance(take, TakeResult)]
        new = {action.shot for action, _ in takes}
        repeated = (one for one in repeated_clips(self._session.storyboard, every) if {one.shot, one.other} & new)
        return [*clip_warnings(self._session.storyboard, takes), *repeated]


def _together(first: BuildResult, second: BuildResult, filled: Collection[str]) -> BuildResult:
    """Return the result of a build and of the one after it, in which the shots *filled* have stand-ins for takes."""

    def is_stand_in(step: Step) -> bool:
        return step.action.kind == "take" and step.action.shot in filled

    made = {name: step for name, step in second.made.items() if not is_stand_in(step)}
    reused = {name: step for name, step in second.reused.items() if not is_stand_in(step)}
    blocked = {name: step for name, step in first.blocked.items() if name not in made and name not in reused}
    return replace(
        second,
        made={**first.made, **made},
        reused={**first.reused, **{name: step for name, step in reused.items() if name not in first.made}},
        failed={**first.failed, **second.failed},
        codes={**first.codes, **second.codes},
        blocked={**blocked, **second.blocked},
        films=(*first.films, *second.films),
        cost=first.cost,
        remarks=first.remarks,
    )


def _load_media() -> None:
    """Import what the threads of a build use of PyAV, while workers start.

    Modules of PyAV import each other, so two threads that import them for the first time at once can fail: of 25 trials
    two ended with an ImportError or a deadlock.
    """
    use_one_thread_in_numpy()
    importlib.import_module("storyboard.media.frames")
    importlib.import_module("storyboard.media.join.join")


async def _run_until_signal(scheduler: Scheduler, abort: Callable[[int], object]) -> BuildResult:
    """Run *scheduler*; stop it at the first signal, and call *abort* at the second."""
    stopped = False

    def on_signal(number: int) -> None:
        nonlocal stopped
        if stopped:
            abort(128 + number)
        stopped = True
        scheduler.stop(number)

    with stop_signals(asyncio.get_running_loop(), on_signal):
        return await scheduler.run()
