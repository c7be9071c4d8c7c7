"""Runs a plan: each step when its inputs are there, what fails beside what succeeds, and the cut at the end.

Decisions are the planner's, bytes are the store's; here is only the order of things. Everything that is written into
the store goes through a few threads of its own, so that a step that has begun to store is finished even when the build
is stopped.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct

from storyboard.build.chosen import Chosen
from storyboard.build.events import Blocked, Failed, Listener, Made, Reused, Started, Told
from storyboard.build.film import Film, FilmFailed, assemble, why_not_writable
from storyboard.build.makers import Maker, Order
from storyboard.build.requests import order_of
from storyboard.build.shelf import Shelf
from storyboard.build.sounding import keep_sound, mix, sources
from storyboard.build.tasks import Canvas, TaskFailed, draw_slate, render_piece
from storyboard.build.workers import WorkerDied, Workers
from storyboard.build.workspace import partial_of
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, Graph, sound_id, take_id
from storyboard.core.holes import told
from storyboard.core.keys import slate_request
from storyboard.core.layers import encoding_request
from storyboard.core.model import FrameLink, Generated, Shot, maker_of
from storyboard.core.plan import CutMade, FrameMade, Result, SegmentMade, SoundMade, Step, TakeMade
from storyboard.core.planner import Planner
from storyboard.core.remarks import Remark
from storyboard.core.segments import Kept
from storyboard.core.sound import Sound
from storyboard.store.journal import Job

T = TypeVar("T")
# Threads that write to the store. Most of their time goes into waiting for the disk, which syncs for several at once.
_STORING = 8
_SHARED = ("segment", "sound")  # kinds that two actions may ask for with one key
# Takes of one maker that are under way at once: more wait without their pictures, which may be large.
_UNDER_WAY = 256
How = Callable[[Step], Awaitable[tuple[Result, Decimal]]]


class Outcome(Struct, frozen=True):
    """How a build ended: steps and reasons by action id; ``stopped_by`` is the signal that ended it, or 0.

    ``chosen`` are the takes that replaced others in the cut without being made; ``remarks`` are about those made.
    """

    made: Mapping[str, Step]
    reused: Mapping[str, Step]
    failed: Mapping[str, str]
    codes: Mapping[str, str]
    blocked: Mapping[str, Step]
    films: tuple[Film, ...]
    cost: Decimal
    stopped_by: int
    chosen: tuple[Chosen, ...] = ()
    remarks: tuple[Remark, ...] = ()


class Engine:
    """One build of one storyboard."""

    def __init__(
        self,
        graph: Graph,
        planner: Planner,
        shelf: Shelf,
        workers: Workers,
        makers: Mapping[str, Maker],
        tell: Listener,
        *,
        partial_film: bool = False,
        jobs: Callable[[], Sequence[Job]] = tuple,
        refused: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._graph = graph
        self._planner = planner
        self._shelf = shelf
        self._workers = workers
        self._makers = makers
        self._tell = tell
        self._partial = partial_film
        self._jobs = jobs
        self._refused = refused
        self._films: dict[str, Film] = {}
        self._rendering: dict[str, asyncio.Task[None]] = {}
        self._room = {name: asyncio.Semaphore(_UNDER_WAY) for name in makers}
        self._keys: set[str | None] = set()
        self._storing = ThreadPoolExecutor(_STORING, thread_name_prefix="store")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._takes_ended: asyncio.Task[object] | None = None
        self._made: dict[str, Step] = {}
        self._reused: dict[str, Step] = {}
        self._failed: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._blocked: dict[str, Step] = {}
        self._cost = Decimal(0)
        self._stopped_by = 0

    async def run(self) -> Outcome:
        """Do everything that can be done. Errors of a step stay with that step."""
        try:
            async with asyncio.TaskGroup() as group:
                for action in self._graph.order:
                    self._tasks[action.id] = group.create_task(self._do(action))
            for job in self._jobs():
                if job.key not in self._keys:
                    await self._pick_up(job)
        except* asyncio.CancelledError:
            pass
        finally:
            for maker in self._makers.values():
                await maker.close()
            self._workers.kill() if self._stopped_by else self._workers.close()
            self._storing.shutdown(wait=True)
            self._shelf.finish(keep=self._kept())
        return Outcome(
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
        for task in self._tasks.values():
            task.cancel()

    async def _do(self, action: Action) -> None:
        if action.output in self._refused and action.kind in ("segment", "cut"):
            if action.kind == "cut":
                self._fail(action, self._refused[action.output])
            return
        await self._inputs_of(action)
        step = self._planner.step(action)
        if action.kind in _SHARED and step.do == "make" and step.key in self._rendering:
            # two films, or two shots, show or sound the very same
            await asyncio.wait([self._rendering[step.key]])
            step = self._planner.step(action)
        while step.do == "wait" and step.reason.why == "same-request":
            await self._after(self._planner.owner(step.key or ""))
            step = self._planner.step(action)
        self._keys.add(step.key)
        if step.found is not None:
            self._settle(step, step.found)
            self._reused[action.id] = step
            self._tell(Reused(step))
        elif step.do in ("make", "resume"):
            await self._make(step)
        elif action.kind == "cut" and self._partial and not self._stopped_by:
            await self._make(step, self._make_partial_film)
        else:
            self._blocked[action.id] = step
            self._tell(Blocked(step))
        if self._shelf.lockfile_is_due():
            await self._store(self._shelf.write_lockfile)

    async def _inputs_of(self, action: Action) -> None:
        for name in self._graph.inputs(action.id):
            await self._after(name)
        copying = action.kind == "segment" and action.at in ("", "head", "tail")
        if copying and self._planner.segments[action.output].misfit(action.shot) is None:
            # whether a take can be copied depends on what the others are like
            await self._after_all_takes()

    async def _after_all_takes(self) -> None:
        """One wait that all segments share."""
        if self._takes_ended is None:
            takes = [self._tasks[take.id] for take in self._graph.takes()]
            self._takes_ended = asyncio.create_task(_ended(takes))
        if not self._takes_ended.done():
            await asyncio.wait([self._takes_ended])

    async def _after(self, name: str) -> None:
        if not self._tasks[name].done():
            await asyncio.wait([self._tasks[name]])

    def _settle(self, step: Step, result: Result) -> None:
        self._planner.settle(step.action, result)
        if isinstance(result, TakeMade) and step.key is not None and step.action.seed is None:
            self._shelf.lock_take(step, self._graph.shot(step.action.shot), result)
        if isinstance(result, FrameMade):
            self._shelf.lock_frame(step.action, result, self._graph.shot(step.action.shot))
        if isinstance(result, CutMade) and step.action.output not in self._films:
            self._films[step.action.output] = self._film(step.action, joined=step.found is None)

    def _film(self, cut: Action, *, joined: bool) -> Film:
        frames = sum(made.frames for _, made in self._pieces(cut) if made is not None)
        rate = self._graph.films[cut.output].output.fps
        return Film(cut.output, self._shelf.films[cut.output], frames, rate, joined, sound=self._sound(cut.output))

    async def _make(self, step: Step, how: How | None = None) -> None:
        action = step.action
        self._tell(Started(step))
        began = time.monotonic()
        if action.kind in _SHARED and step.key is not None:
            self._rendering.setdefault(step.key, self._tasks[action.id])
        try:
            result, cost = await (how or self._how(action))(step)
        except (TaskFailed, FilmFailed) as problem:
            self._codes[action.id] = getattr(problem, "code", "failed")
            self._fail(action, str(problem))
        except WorkerDied:
            self._fail(action, "its worker process died twice; is there enough memory?")
        except OSError as problem:
            self._fail(action, f"{problem.filename or self._shelf.folder}: {problem.strerror or problem}")
        else:
            self._settle(step, result)
            self._made[action.id] = step
            self._cost += cost
            self._tell(Made(step, time.monotonic() - began, cost))

    def _how(self, action: Action) -> How:
        ways: dict[str, How] = {
            "take": self._make_take,
            "frame": self._make_frame,
            "segment": self._make_segment,
            "sound": self._make_sound,
            "cut": self._make_cut,
        }
        return ways[action.kind]

    def _fail(self, action: Action, reason: str) -> None:
        self._planner.fail(action)
        self._failed[action.id] = reason
        self._tell(Failed(action, reason))

    async def _store(self, function: Callable[[], T]) -> T:
        """Run in a thread that writes to the store; it is finished even if we are cancelled meanwhile."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._storing, function))

    async def _make_take(self, step: Step) -> tuple[Result, Decimal]:
        shot = self._graph.shot_of(step.action)
        name = maker_of(shot.source)
        if name is None:
            raise TypeError(f"shot {shot.id} has no take")
        async with self._room[name]:
            return await self._made_by(self._makers[name], step, shot)

    async def _made_by(self, maker: Maker, step: Step, shot: Shot) -> tuple[Result, Decimal]:
        pictures = await self._store(partial(self._shelf.pictures, step, shot, self._planner.settled))
        out = self._shelf.beside(".mp4")
        try:
            order = Order(step, shot, pictures, out, self._shelf.locked_task(step, shot))
            delivery = await maker.make(order)
            began_with = pictures.get("first_frame") if _begins_with_a_frame(shot) else None
            made = await self._store(partial(self._shelf.keep_take, step, shot, out, delivery, began_with))
            await self._store(partial(maker.stored, delivery))
            return made, delivery.cost
        finally:
            out.unlink(missing_ok=True)

    async def _pick_up(self, job: Job) -> None:
        """Keep the take of a job that no shot asks for any more, if it is ready."""
        maker = self._makers.get(job.provider)
        out = self._shelf.beside(".mp4")
        try:
            delivery = await maker.pick_up(job, out) if maker is not None else None
            if delivery is None or maker is None:
                self._tell(Told(f"a job for {job.shot} that was paid for is not here yet; a later build picks it up"))
                return
            order = order_of(job, out)
            await self._store(partial(self._shelf.keep_take, order.step, order.shot, out, delivery))
            await self._store(partial(maker.stored, delivery))
            self._tell(Told(f"a take of {job.shot} that was paid for earlier is in the cache now"))
        except TaskFailed as problem:
            self._tell(Told(f"a job for {job.shot} that was paid for: {problem}"))
        finally:
            out.unlink(missing_ok=True)

    async def _make_frame(self, step: Step) -> tuple[Result, Decimal]:
        take = self._planner.take(step.action.shot)
        if take is None:
            raise TaskFailed(f"the take of {step.action.shot} is not there")
        return await self._store(partial(self._shelf.make_frame, step, take)), Decimal(0)

    async def _make_segment(self, step: Step) -> tuple[Result, Decimal]:
        content = self._planner.segments[step.action.output].content(step.action)
        if isinstance(content, Kept):
            raise TypeError(f"{step.action.id} is not rendered")
        files = await self._store(partial(self._shelf.sources, content))
        return await self._render(
            step, content.frames, render_piece, content, files, self._canvas(step.action)
        ), Decimal(0)

    def _canvas(self, piece: Action) -> Canvas:
        output = self._graph.films[piece.output].output
        return Canvas(output.size, output.fps, output.crf, output.preset)

    async def _render(self, step: Step, frames: int, task: Callable[..., ClipInfo], *arguments: object) -> SegmentMade:
        out = self._shelf.beside(".mp4")
        try:
            began = time.monotonic()
            info = await self._workers.run(step.action.id, task, *arguments, out)
            seconds = time.monotonic() - began
            return await self._store(partial(self._shelf.keep_segment, step, out, info, frames, seconds))
        finally:
            out.unlink(missing_ok=True)

    async def _make_cut(self, step: Step) -> tuple[Result, Decimal]:
        name = step.action.output
        pieces = [made for _, made in self._pieces(step.action) if made is not None]
        segments = self._planner.segments[name]
        told = segments.chapters(), segments.film_cues(), self._sound(name)
        join = partial(assemble, self._shelf, step, pieces, self._graph.films[name], self._shelf.films[name], *told)
        return await self._store(join), Decimal(0)

    async def _make_partial_film(self, step: Step) -> tuple[Result, Decimal]:
        """A film with slates in its holes, beside the film and not in its place."""
        name = step.action.output
        pieces = self._pieces(step.action)
        if all(made is None for _, made in pieces):
            raise FilmFailed("no shot is there to make a film of")
        target = partial_of(self._shelf.films[name])
        reason = await self._store(partial(why_not_writable, target))
        if reason is not None:
            raise FilmFailed(f"{target}: {reason}")
        ready = [made if made is not None else await self._slate(action) for action, made in pieces]
        frames = sum(piece.frames for piece in ready)
        sound = await self._partial_sound(name, frames)
        shown = [(action, one.frames, made is not None) for (action, made), one in zip(pieces, ready, strict=True)]
        own = told(self._planner.segments[name], shown)
        cut = self._planner.cut_step(step.action, ready, None, sound, own)
        film = self._graph.films[name]
        beside = own.chapters, own.cues, sound
        made = await self._store(partial(assemble, self._shelf, cut, ready, film, target, *beside))
        self._films[name] = Film(name, target, frames, film.output.fps, partial=True, sound=sound, cues=own.cues)
        return made, Decimal(0)

    def _sound(self, film: str) -> SoundMade | None:
        made = self._planner.settled.get(sound_id(film))
        return made if isinstance(made, SoundMade) else None

    async def _make_sound(self, step: Step) -> tuple[Result, Decimal]:
        return await self._mix(step, self._planner.film_sound(step.action.output)), Decimal(0)

    async def _mix(self, step: Step, sound: Sound) -> SoundMade:
        files = await self._store(partial(sources, self._shelf, sound))
        out = self._shelf.beside(".m4a")
        try:
            began = time.monotonic()
            facts = await self._workers.run(step.action.id, mix, sound, files, out)
            seconds = time.monotonic() - began
            return await self._store(partial(keep_sound, self._shelf, step, out, facts, seconds))
        finally:
            out.unlink(missing_ok=True)

    async def _partial_sound(self, film: str, frames: int) -> SoundMade:
        """The sound of a film with slates in its holes, where it is silent but for the tracks."""
        sound = self._planner.partial_sound(film, frames)
        action = Action(f"partial:{sound_id(film)}", "sound", output=film)
        step = self._planner.sound_step(action, sound)
        return step.found if isinstance(step.found, SoundMade) else await self._mix(step, sound)

    def _pieces(self, cut: Action) -> list[tuple[Action, SegmentMade | None]]:
        """The pieces of a film in order, with what has been made of them."""
        found = [(action, self._planner.settled.get(action.id)) for action in self._graph.pieces_of(cut.output)]
        return [(action, made if isinstance(made, SegmentMade) else None) for action, made in found]

    async def _slate(self, piece: Action) -> SegmentMade:
        output = self._graph.films[piece.output].output
        frames = self._planner.segments[piece.output].frames(piece)
        if not frames:
            return SegmentMade("", 0, copied=False)
        lines = (piece.shot, self._failed.get(take_id(piece.shot), "not made yet"))
        request = slate_request(lines, frames, output.fps, output.size, self._shelf.renderer) | encoding_request(output)
        step = self._planner.slate_step(piece, frames, request)
        if isinstance(step.found, SegmentMade):
            return step.found
        return await self._render(step, frames, draw_slate, lines, frames, self._canvas(piece))


def _begins_with_a_frame(shot: Shot) -> bool:
    return isinstance(shot.source, Generated) and isinstance(shot.source.first_frame, FrameLink)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> object:
    """Return when all of *tasks* have ended, however they did."""
    return await asyncio.wait(tasks)
