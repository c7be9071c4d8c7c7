"""How each kind of action is made: takes by their makers, frames, pieces and sound by the workers, the film by a join.

When each is due, and what follows, is for ``engine``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar

from storyboard.build import deposits
from storyboard.build.ahead import Ahead
from storyboard.build.film import Film, FilmFailed, assemble, why_not_writable
from storyboard.build.keeper import Keeper
from storyboard.build.makers import Delivery, Maker, Order
from storyboard.build.requests import order_of
from storyboard.build.shelf import Shelf
from storyboard.build.sounding import mix, sources, track_of
from storyboard.build.tasks import Canvas, TaskFailed, draw_slate, render_piece
from storyboard.build.workers import Workers
from storyboard.build.workspace import partial_of
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, Graph, sound_id, take_id
from storyboard.core.holes import told
from storyboard.core.keys import slate_request
from storyboard.core.layers import encoding_request
from storyboard.core.model import FrameLink, Generated, Shot, maker_of
from storyboard.core.plan import CutMade, FrameMade, Result, SegmentMade, SoundMade, Step, TakeMade
from storyboard.core.planner import Planner
from storyboard.core.segments import Kept
from storyboard.core.sound import Sound
from storyboard.store.journal import Job

T = TypeVar("T")
# Threads for what takes a while beside the event loop: reading pictures, decoding frames, joining, syncing long files.
_THREADS = 8
# Takes of one maker that are under way at once: more wait without their pictures, which may be large.
_UNDER_WAY = 256
How = Callable[[Step], Awaitable[tuple[Result, Decimal]]]


class Making:
    """Makes what the engine asks for, and keeps it. *failed* are reasons by action id, for the slates of a film."""

    def __init__(
        self,
        graph: Graph,
        planner: Planner,
        shelf: Shelf,
        workers: Workers,
        makers: Mapping[str, Maker],
        failed: Mapping[str, str],
    ) -> None:
        self._graph = graph
        self._planner = planner
        self._shelf = shelf
        self._workers = workers
        self._makers = makers
        self._failed = failed
        self._room = {name: asyncio.Semaphore(_UNDER_WAY) for name in makers}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._keeper = Keeper(shelf.keep_all, self._threads)
        self.ahead = Ahead(shelf, planner)
        self._ways: dict[str, How] = {
            "take": self._take,
            "frame": self._frame,
            "segment": self._segment,
            "sound": self._film_sound,
            "cut": self._cut,
        }

    async def make(self, step: Step) -> tuple[Result, Decimal]:
        """Do one step; what it has made is in the store then. Returns it and what it cost, in US dollars.

        Raises ``TaskFailed`` and its kind, ``FilmFailed``, ``WorkerDied``, ``OSError``.
        """
        self.ahead.begin_beside(step.action)
        return await self._ways[step.action.kind](step)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run in a thread; it is finished even if we are cancelled meanwhile."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, function))

    async def close(self, *, kill: bool) -> None:
        """Nothing more will be made: end makers and workers, and wait for what is being stored."""
        for maker in self._makers.values():
            await maker.close()
        self._workers.kill() if kill else self._workers.close()
        self.ahead.close()
        await self._keeper.close()
        self._threads.shutdown(wait=True)

    async def pick_up(self, job: Job) -> str:
        """Keep the take of a job that no shot asks for any more, if it is ready; returns what became of it."""
        maker = self._makers.get(job.provider)
        out = self._shelf.beside(".mp4")
        try:
            delivery = await maker.pick_up(job, out) if maker is not None else None
            if delivery is None or maker is None:
                return f"a job for {job.shot} that was paid for is not here yet; a later build picks it up"
            order = order_of(job, out)
            await self._keeper.keep(deposits.take(order.step, order.shot, out, delivery))
            await self._settled(maker, delivery)
        except TaskFailed as problem:
            return f"a job for {job.shot} that was paid for: {problem}"
        else:
            return f"a take of {job.shot} that was paid for earlier is in the cache now"
        finally:
            out.unlink(missing_ok=True)

    async def _take(self, step: Step) -> tuple[Result, Decimal]:
        shot = self._graph.shot_of(step.action)
        name = maker_of(shot.source)
        if name is None:
            raise TypeError(f"shot {shot.id} has no take")
        async with self._room[name]:
            return await self._made_by(self._makers[name], step, shot)

    async def _made_by(self, maker: Maker, step: Step, shot: Shot) -> tuple[Result, Decimal]:
        pictures = await self._pictures(step, shot)
        order = Order(step, shot, pictures, self._shelf.beside(".mp4"), self._shelf.locked_task(step, shot))
        with _removed_if_it_fails(order.out):
            delivery = await maker.make(order)
        began_with = pictures.get("first_frame") if _begins_with_a_frame(shot) else None
        deposit = partial(deposits.take, step, shot, order.out, delivery, began_with)
        # what a take begins with is decoded, which takes a while
        kept = await (self._keeper.keep(deposit()) if began_with is None else self._keeper.keep_made(deposit))
        await self._settled(maker, delivery)
        return TakeMade(kept.digest, delivery.info, kept.info.get("jump")), delivery.spent

    async def _pictures(self, step: Step, shot: Shot) -> dict[str, bytes]:
        source = shot.source
        if not isinstance(source, Generated) or source.first_frame is source.last_frame is None:
            return {}
        return await self.in_thread(partial(self._shelf.pictures, step, shot, self._planner.settled))

    async def _settled(self, maker: Maker, delivery: Delivery) -> None:
        """The maker is told that its take is safe, if it has a job that it keeps open until then."""
        if delivery.task_id is not None:
            await self.in_thread(partial(maker.stored, delivery))

    async def _frame(self, step: Step) -> tuple[Result, Decimal]:
        take = self._planner.take(step.action.shot)
        if take is None:
            raise TaskFailed(f"the take of {step.action.shot} is not there")
        kept = await self._keeper.keep_made(lambda: deposits.frame(step, self._shelf.blob(take.digest)))
        return FrameMade(kept.values["planes"], kept.digest), Decimal(0)

    async def _segment(self, step: Step) -> tuple[Result, Decimal]:
        content = self._planner.segments[step.action.output].content(step.action)
        if isinstance(content, Kept):
            raise TypeError(f"{step.action.id} is not rendered")
        at_hand = self._shelf.sources_at_hand(content)
        files = await self.in_thread(partial(self._shelf.sources, content)) if at_hand is None else at_hand
        made = await self._rendered(step, content.frames, render_piece, content, files, self._canvas(step.action))
        return made, Decimal(0)

    def _canvas(self, piece: Action) -> Canvas:
        output = self._graph.films[piece.output].output
        return Canvas(output.size, output.fps, output.crf, output.preset)

    async def _rendered(
        self, step: Step, frames: int, task: Callable[..., ClipInfo], *arguments: object
    ) -> SegmentMade:
        out = self._shelf.beside(".mp4")
        began = time.monotonic()
        with _removed_if_it_fails(out):
            info = await self._workers.run(step.action.id, task, *arguments, out)
            deposit = deposits.segment(step, out, info, frames, time.monotonic() - began)
        kept = await self._keeper.keep(deposit)
        return SegmentMade(kept.digest, frames, copied=False)

    async def _cut(self, step: Step) -> tuple[Result, Decimal]:
        name = step.action.output
        pieces = [made for _, made in self.pieces(step.action) if made is not None]
        segments = self._planner.segments[name]
        beside = segments.chapters(), segments.film_cues(), self.sound(name)
        film, target = self._graph.films[name], self._shelf.films[name]
        join = partial(assemble, self._shelf, step, pieces, film, target, *beside, reels=self.ahead.reels)
        return await self.in_thread(join), Decimal(0)

    async def partial_film(self, step: Step) -> tuple[CutMade, Film]:
        """A film with slates in its holes, beside the film and not in its place. Raises as ``make``."""
        name = step.action.output
        pieces = self.pieces(step.action)
        if all(made is None for _, made in pieces):
            raise FilmFailed("no shot is there to make a film of")
        target = partial_of(self._shelf.films[name])
        reason = await self.in_thread(partial(why_not_writable, target))
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
        made = await self.in_thread(partial(assemble, self._shelf, cut, ready, film, target, *beside))
        return made, Film(name, target, frames, film.output.fps, partial=True, sound=sound, cues=own.cues)

    def sound(self, film: str) -> SoundMade | None:
        """What a film sounds like, once that has been made."""
        made = self._planner.settled.get(sound_id(film))
        return made if isinstance(made, SoundMade) else None

    async def _film_sound(self, step: Step) -> tuple[Result, Decimal]:
        return await self._mixed(step, self._planner.film_sound(step.action.output)), Decimal(0)

    async def _mixed(self, step: Step, sound: Sound) -> SoundMade:
        files = await self.in_thread(partial(sources, self._shelf, sound))
        out = self._shelf.beside(".m4a")
        began = time.monotonic()
        with _removed_if_it_fails(out):
            facts = await self._workers.run(step.action.id, mix, sound, files, out)
        kept = await self._keeper.keep(track_of(step, out, facts, time.monotonic() - began))
        return SoundMade(kept.digest, facts.loudness, facts.peak)

    async def _partial_sound(self, film: str, frames: int) -> SoundMade:
        """The sound of a film with slates in its holes, where it is silent but for the tracks."""
        sound = self._planner.partial_sound(film, frames)
        action = Action(f"partial:{sound_id(film)}", "sound", output=film)
        step = self._planner.sound_step(action, sound)
        return step.found if isinstance(step.found, SoundMade) else await self._mixed(step, sound)

    def pieces(self, cut: Action) -> list[tuple[Action, SegmentMade | None]]:
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
        return await self._rendered(step, frames, draw_slate, lines, frames, self._canvas(piece))


def _begins_with_a_frame(shot: Shot) -> bool:
    return isinstance(shot.source, Generated) and isinstance(shot.source.first_frame, FrameLink)


@contextmanager
def _removed_if_it_fails(out: Path) -> Iterator[None]:
    """What is not handed to the store is not left behind."""
    try:
        yield
    except BaseException:
        out.unlink(missing_ok=True)
        raise
