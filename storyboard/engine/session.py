"""A session: one storyboard with the open store of its project, for planning or for a build.

A session for planning does not wait, makes no network requests and changes nothing that matters; one for a build holds
the project's lock. ``build`` runs the plan; only a build imports it.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from storyboard.core.fill import Fill, FillStyle, fill_of, filled
from storyboard.core.graph import Graph, take_id
from storyboard.core.model import Generated, Json, Shot, Storyboard, UrlInput
from storyboard.core.model_cards import ModelCard
from storyboard.core.plan import Plan, Step, TakeResult
from storyboard.core.plan_reuse import PlanSnapshot
from storyboard.core.planner import Planner
from storyboard.core.render_spec import FoundFont, FoundFonts
from storyboard.core.selection import select
from storyboard.core.take_planner import PlanOptions
from storyboard.durable import read_regular
from storyboard.engine.generators import ENGINES, LOCAL
from storyboard.engine.paid.budget import Prices
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.url_inputs import check_downloaded, converted_pictures, fetch_pictures, known_pictures
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.fonts import UnreadableFont, missing_letters
from storyboard.media.render.encoder import renderer_id
from storyboard.store.journal import Job
from storyboard.store.lockfile import read as read_lockfile
from storyboard.store.project_lock import LockLost, LockOwner, ProjectLock
from storyboard.store.state import State

if TYPE_CHECKING:
    from storyboard.fonts.installed import InstalledFonts


class BuildOptions(Struct, frozen=True):
    """The options of the command line. *cap* is in US dollars, for this build.

    *seeds* limits the build to the takes with these seeds, *locked* to those that the lockfile names, *offline* to
    those that no remote provider makes. *partial* fills the film after the build if shots are missing then; *fill*
    fills it before, so that nothing is bought.
    """

    select: tuple[str, ...] = ()
    remake: tuple[str, ...] = ()
    jobs: int = 1
    partial: bool = False
    cap: Decimal | None = None
    seeds: tuple[int, ...] = ()
    locked: bool = False
    offline: bool = False
    fill: FillStyle | None = None


class FilmFonts:
    """The fonts for letters that the font of a text lacks, by digest; what they depend on is noted in the store."""

    def __init__(self, store: ProjectStore, storyboard: Storyboard) -> None:
        self._store = store
        self._storyboard = storyboard
        self._contents: dict[str, bytes] = {}
        self._found: dict[tuple[str | None, ...], FoundFonts] = {}

    def __call__(self, text: str, font: str | None, other: str | None, language: str | None) -> FoundFonts:
        """Return the fonts for the letters of *text* that *font* lacks, ``None`` if it lacks none: first *other*."""
        asked = (text, font, other, language)
        if asked not in self._found:
            self._found[asked] = self._find(text, font, other, language)
        return self._found[asked]

    def _find(self, text: str, font: str | None, other: str | None, language: str | None) -> FoundFonts:
        missing = self._missing(text, font)
        if not missing:
            return None
        found, missing = list[FoundFont](), missing_letters(missing)
        lacking = self._missing(missing, other) if other is not None and missing else missing
        if other is not None and lacking != missing:
            file = os.path.realpath(self._store.root / other)
            found.append(FoundFont(self._store.digests.digest_of(Path(file)), 0, file))
        if not lacking:
            return tuple(found)
        faces, _ = self._installed.find(lacking, language or self._language)
        self._note_reads()
        for face in faces:
            with suppress(OSError):
                file = os.path.realpath(face.file)
                found.append(FoundFont(self._store.digests.digest_of(Path(file)), face.index, file))
        return tuple(found)

    def _missing(self, text: str, font: str | None) -> str:
        if font is None:
            return missing_letters(text)
        try:
            if font not in self._contents:
                self._contents[font] = read_regular(self._store.root / font, follow=True)
            return missing_letters(text, self._contents[font])
        except (UnreadableFont, OSError):  # the build reports it
            return ""

    def _note_reads(self) -> None:
        log = self._store.digests.stat_log
        for folder, look in self._installed.folders.items():
            log.add_folder(folder, look.stat, look.names)
        for path in self._installed.absent:
            log.add_absent(path)

    @cached_property
    def _installed(self) -> "InstalledFonts":
        from storyboard.fonts.installed import InstalledFonts  # most films need the built-in font only

        return InstalledFonts(self._store.digests)

    @cached_property
    def _language(self) -> str | None:
        """The language of the film by its letters: kana stand in Japanese only, hangul in Korean only."""
        from storyboard.fonts.installed import spoken_language

        return spoken_language(text for shot in self._storyboard.shots() for text in shot.texts())


class LeftJob(Struct, frozen=True):
    """An open paid job that this installation cannot collect; *reason* is a clause."""

    job: Job
    reason: str


class Session:
    """A storyboard, its graph, and the project's store, which is open during the ``with`` block.

    With *on_wait* it is a session for a build: it waits for the project's lock, after a call with the lock's owner.
    *snapshot* holds the steps of an earlier plan. Raises ``BadSelection`` for a selector without a shot; the block
    raises ``LockfileProblem``, ``JournalTooNew``, ``OSError``.
    """

    store: ProjectStore
    prices: Prices
    _renderer: Mapping[str, Json]
    _fonts: FilmFonts

    def __init__(
        self,
        state: State,
        storyboard: Storyboard,
        cards: Mapping[str, ModelCard],
        options: BuildOptions,
        on_wait: Callable[[LockOwner | None], None] | None = None,
        snapshot: PlanSnapshot | None = None,
    ) -> None:
        self.storyboard = storyboard
        self.options = options
        self.cards = cards
        self.graph = Graph(storyboard)
        self.remake = frozenset(select(self.graph, options.remake))
        self._selected = frozenset(select(self.graph, options.select)) if options.select else None
        self._state = state
        self._snapshot = snapshot
        self._lock = ProjectLock(state, storyboard.file, on_wait=on_wait) if on_wait else None
        self._files: dict[str, str] = {}
        self._converted: frozenset[str] = frozenset()
        self._planner: Planner | None = None
        self._plan: Plan | None = None
        self.filled: Fill | None = None
        self._pinned: Mapping[str, Step] | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._lock is not None:
                stack.enter_context(self._lock)
            lockfile = read_lockfile(self._state.root / self.storyboard.lockfile)
            writable = self._lock is not None
            self.store = stack.enter_context(ProjectStore(self._state, self.storyboard, lockfile, writable=writable))
            if self._lock is not None:
                self.store.sweep(after_crash=self._lock.after_crash)
                self._lock.swept()
            # a snapshot is valid only for the program and the libraries that made it
            self._renderer = self._snapshot.plan.renderer if self._snapshot is not None else renderer_id()
            self.prices = Prices(self.cards, self.store.ledger)
            self._files = self.store.input_digests() | known_pictures(self.store, self._urls())
            self._converted = converted_pictures(self.store, self.storyboard, self._files)
            self._fonts = FilmFonts(self.store, self.storyboard)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    # planning

    def plan(self) -> Plan:
        """Return the plan of a build, worked out once until ``forget_plan``."""
        if self._plan is None:
            self._planner = Planner(self.graph, self.store, self.plan_options(), self._snapshot)
            self._plan = self._planner.plan()
        return self._plan

    def planner(self) -> Planner:
        """Return the planner of ``plan``."""
        self.plan()
        if self._planner is None:
            raise AssertionError("a plan has a planner")
        return self._planner

    def forget_plan(self) -> None:
        """Let ``plan`` work out a new plan, since the store is about to change."""
        self._plan = self._planner = None

    @property
    def selected(self) -> frozenset[str] | None:
        """The shots that may be made; ``None`` for all."""
        return self._selected

    def fill_before(self, style: FillStyle) -> Fill:
        """Fill the film before a build, which then buys nothing; return how."""
        return self.fill(style, self.planner(), self.planner().missing_shots())

    def fill(
        self, style: FillStyle, planner: Planner, gone: Collection[str], outputs: Collection[str] | None = None
    ) -> Fill:
        """Let the session be one of the film with stand-ins for the shots *gone*, and the takes that *planner* found.

        With *outputs* only these films are made. A shot whose earlier take is in the cache keeps it.
        """
        without = sorted(shot for shot in gone if planner.take(shot) is None)
        kept = planner.kept_takes(without) if self.filled is None else {}
        missing = [shot for shot in gone if take_id(shot) not in kept]
        fill = fill_of(self.storyboard, style, missing, {step.action.shot for step in kept.values()})
        self.storyboard = filled(self.storyboard, fill, self._files, outputs)
        self._pinned = {name: step for name, step in {**planner.pinned_takes(), **kept}.items() if _stays(step, fill)}
        self.filled = fill if self.filled is None else self.filled.and_then(fill)
        self.graph = Graph(self.storyboard)
        self.store.show(self.storyboard)
        self.remake, self._selected, self._snapshot = frozenset(), None, None
        self.forget_plan()
        return self.filled

    def plan_options(self) -> PlanOptions:
        """Return what the command line and the project add to the storyboard."""
        return PlanOptions(
            files=self._files,
            engines=ENGINES,
            renderer=self._renderer,
            price=self._price,
            remake=self.remake,
            only=self._selected,
            seeds=frozenset(self.options.seeds) or None,
            alternates=not self.options.locked and self._pinned is None,
            offline=self.options.offline,
            converted=self._converted,
            pinned=self._pinned,
            fonts=self._fonts,
        )

    @property
    def files(self) -> Mapping[str, str]:
        """Digests of the input files, by path or address."""
        return self._files

    @property
    def converted(self) -> frozenset[str]:
        """Digests of the input pictures that are converted before they are sent."""
        return self._converted

    # what a plan means for the lockfile and for paid providers

    def lockfile_is_current(self, plan: Plan) -> bool:
        """Return whether a build would leave the lockfile unchanged: every take is there, or is fetched as locked.

        Own footage is in no lockfile. A shot that waits for a frame of it is fetched as locked, or left out.
        """
        shots = {shot.id: shot for shot in self.storyboard.shots()}
        if not set(self.store.lockfile.content.shots) <= set(shots):
            return False
        return all(self._is_locked(step, shots[step.action.shot]) for step in plan.takes())

    def remote_shots(self, plan: Plan) -> list[str]:
        """Return the shots that need a remote provider."""
        return list(dict.fromkeys(self._remote_shots(plan)))

    def remote_providers(self, plan: Plan) -> list[str]:
        """Return the remote providers that *plan* needs, sorted."""
        return sorted({self._provider(shot) for shot in self._remote_shots(plan)})

    def orphaned_jobs(self, plan: Plan) -> list[Job]:
        """Return the open paid jobs that *plan* does not resume, whose takes a build stores as well."""
        wanted = {step.key for step in plan.of("take") if step.do == "resume"}
        return [job for job in self.collectable_jobs() if job.key not in wanted]

    def left_jobs(self) -> list[LeftJob]:
        """Return the open paid jobs that stay as they are: their provider or model is not there any more."""
        return [LeftJob(job, reason) for job, reason in self._open_jobs() if reason is not None]

    def collectable_jobs(self) -> list[Job]:
        """Return the open paid jobs that a build resumes or collects: all but the left ones."""
        return [job for job, reason in self._open_jobs() if reason is None]

    def _open_jobs(self) -> list[tuple[Job, str | None]]:
        """Return the open paid jobs, each with the reason why it is left as it is, if there is one."""
        jobs = self.store.journal.jobs()
        if not jobs:
            return []
        # only a project with open jobs loads the providers
        from storyboard.engine.paid.context import why_left

        return [(job, why_left(job, self.cards)) for job in jobs]

    # during a build

    def fetch_pictures(self) -> None:
        """Download the input pictures that ``missing_pictures`` lists. Raises ``TaskFailed``."""
        missing = self.missing_pictures()
        if missing:
            self._files |= fetch_pictures(self.store, missing)
            self._converted = converted_pictures(self.store, self.storyboard, self._files)
            self.forget_plan()
        check_downloaded(self.store, self.storyboard, self._files)

    def missing_pictures(self) -> list[str]:
        """Return the addresses of input pictures to download: unknown ones, and those of shots to remake."""
        again = {
            frame.url
            for shot, frame in self.storyboard.pictures()
            if isinstance(frame, UrlInput) and shot in self.remake
        }
        return [url for url in self._urls() if url not in self._files or url in again]

    def check_lock(self) -> None:
        """Raise ``TaskFailed`` if the project's lock has been lost."""
        try:
            if self._lock is not None:
                self._lock.check()
        except LockLost as lost:
            raise TaskFailed(f"the lock {lost.path} was removed during the build; nothing more is bought") from lost

    def _urls(self) -> list[str]:
        return list(dict.fromkeys(f.url for _, f in self.storyboard.pictures() if isinstance(f, UrlInput)))

    def _remote_shots(self, plan: Plan) -> Iterator[str]:
        steps = (step for step in plan.of("take") if step.do in ("make", "wait", "resume"))
        return (step.action.shot for step in steps if self._provider(step.action.shot) != LOCAL)

    def _provider(self, shot: str) -> str:
        source = self.graph.shot(shot).source
        return source.provider if isinstance(source, Generated) else LOCAL

    def _price(self, source: Generated) -> Decimal:
        return Decimal(0) if source.provider == LOCAL else self.prices.estimate(source)

    def _is_locked(self, step: Step, shot: Shot) -> bool:
        if not isinstance(shot.source, Generated):
            return step.do in ("make", "reuse")
        if step.do == "wait" and step.reason.bought is not None:
            return True
        if step.do not in ("reuse", "held") and step.locked is None:
            return False
        entry = self.store.locked(shot.id, self._provider(shot.id))
        result, locked = step.result, step.locked
        take = result.digest if isinstance(result, TakeResult) else locked.take if locked is not None else None
        return entry is not None and (entry.key, entry.take) == (step.key, take)


def _stays(step: Step, fill: Fill) -> bool:
    """Return whether the take of *step* is used in a film filled in this way."""
    return step.action.shot not in fill.missing
