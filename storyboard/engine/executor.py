"""How each kind of action is made: takes by their makers, frames, pieces and sound by the workers, the film by a join.

When each is due, and what follows, is for ``engine``.

The sound of the film in a build: its sources out of the store, the mix in a worker process, the finished track.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct

from storyboard.core.audio import SoundMix
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, Graph, frame_id, sound_id
from storyboard.core.model import FrameLink, Generated, Shot, maker_of
from storyboard.core.plan import CutResult, FrameResult, LockEntry, Result, SegmentResult, SoundResult, Step, TakeResult
from storyboard.core.planner import Planner
from storyboard.core.render_spec import Canvas
from storyboard.core.results import Record
from storyboard.core.segments import CopyRange
from storyboard.durable import remove
from storyboard.engine import commit
from storyboard.engine.commit import CommitQueue, deposit
from storyboard.engine.film import assemble
from storyboard.engine.generators import FREE_MAKERS, GeneratedClip, GenerationRequest, TakeGenerator
from storyboard.engine.locked_takes import was_accepted
from storyboard.engine.paid.context import order_of
from storyboard.engine.prefetch import JoinPrefetcher
from storyboard.engine.project_store import Shelf
from storyboard.engine.worker_main import report_progress
from storyboard.engine.worker_pool import WorkerDied, WorkerPool
from storyboard.engine.worker_tasks import PaidFailed, TaskFailed, clip_facts, judge_clip, render_piece
from storyboard.store.journal import Job
from storyboard.store.records import PendingRecord

if TYPE_CHECKING:
    from storyboard.media.audio.soundtrack import SoundFacts


def sources(shelf: Shelf, sound: SoundMix) -> dict[str, Path]:
    """The files behind *sound*, by digest; tracks are taken into the store first.

    Raises ``TaskFailed`` if one has been edited since the plan.
    """
    takes = {voice.take: shelf.blob(voice.take) for voice in sound.voices}
    return takes | {bed.digest: shelf.taken_in(bed.file, bed.digest) for bed in sound.beds}


def mix(sound: SoundMix, files: Mapping[str, Path], out: Path) -> "SoundFacts":
    """Make the sound of the film at *out*."""
    from storyboard.media.audio.mix import MixFailed
    from storyboard.media.audio.soundtrack import write_sound

    try:
        return write_sound(sound, files, out, report_progress)
    except MixFailed as problem:
        raise TaskFailed(str(problem)) from problem


def track_of(step: Step, track: Path, facts: "SoundFacts", seconds: float) -> PendingRecord:
    """The finished track, for the store."""
    return deposit(step, "sound", track, msgspec.to_builtins(facts), seconds=seconds)


T = TypeVar("T")
# Threads for what takes a while beside the event loop: reading pictures, decoding frames, joining, syncing long files.
_THREADS = 8
# Takes of one maker that are under way at once: more wait without their pictures, which may be large.
_UNDER_WAY = 256
_UNPRICED = (
    "what it starts from is not as the lockfile says, so it would be bought again, and the plan of this build did not "
    "say so; nothing was bought. `storyboard plan` shows the price now"
)


class StepResult(Struct, frozen=True):
    """What a step has made, in how many seconds since it began to be made, and what that cost in US dollars."""

    result: Result
    seconds: float
    cost: Decimal = Decimal(0)


How = Callable[[Step], Awaitable[StepResult]]


class Executor:
    """Makes what the engine asks for, and keeps it."""

    def __init__(
        self,
        graph: Graph,
        planner: Planner,
        shelf: Shelf,
        workers: WorkerPool,
        makers: Mapping[str, TakeGenerator],
        priced: Collection[str] = (),
    ) -> None:
        """*priced* are the takes, by their actions, of which the plan has told that they are made and at what price."""
        self.graph = graph
        self.planner = planner
        self.shelf = shelf
        self._workers = workers
        self._makers = makers
        self._priced = priced
        self._room = {name: asyncio.Semaphore(_UNDER_WAY) for name in makers}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._keeper = CommitQueue(shelf.keep_all, self._threads)
        self.ahead = JoinPrefetcher(shelf, planner)
        self._ways: dict[str, How] = {
            "take": self._take,
            "frame": self._frame,
            "segment": self._segment,
            "sound": self._film_sound,
            "cut": self._cut,
        }

    async def make(self, step: Step) -> StepResult:
        """Do one step; what it has made is in the store then.

        Raises ``TaskFailed`` and its kind, ``FilmFailed``, ``WorkerDied``, ``OSError``.
        """
        self.ahead.begin_beside(step.action)
        return await self._ways[step.action.kind](step)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run in a thread; it is finished even if we are cancelled meanwhile."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, function))

    async def close(self) -> None:
        """Nothing more will be made: end makers and workers, and wait for what is being stored."""
        for maker in self._makers.values():
            await maker.close()
        self._workers.close()
        self.ahead.close()
        await self._keeper.close()
        self._threads.shutdown(wait=True)

    async def pick_up(self, job: Job) -> str:
        """Keep the take of a job that no shot asks for any more, if it is ready; returns what became of it."""
        maker = self._makers.get(job.provider)
        out = self.shelf.beside(".mp4")
        try:
            delivery = await maker.pick_up(job, out) if maker is not None else None
            if delivery is None or maker is None:
                return f"a job for {job.shot} that was paid for is not here yet; a later build picks it up"
            order = order_of(job, out)
            await self._keeper.keep(commit.take(order.step, order.shot, out, delivery))
            await self._settled(maker, delivery)
        except TaskFailed as problem:
            return f"a job for {job.shot} that was paid for: {problem}"
        else:
            return f"a take of {job.shot} that was paid for earlier is in the cache now"
        finally:
            remove(out)

    async def _take(self, step: Step) -> StepResult:
        shot = self.graph.shot_of(step.action)
        name = maker_of(shot.source)
        if name is None:
            raise TypeError(f"shot {shot.id} has no take")
        if step.do == "make" and name not in FREE_MAKERS and step.action.id not in self._priced:
            raise TaskFailed(_UNPRICED)
        async with self._room[name]:
            return await self._made_by(self._makers[name], step, shot)

    async def _made_by(self, maker: TakeGenerator, step: Step, shot: Shot) -> StepResult:
        locked = self.shelf.locked_entry(step, shot)
        # what is fetched is sent no pictures, and those that it began with may be gone
        pictures = await self._pictures(step, shot) if step.locked is None else {}
        order = GenerationRequest(step, shot, pictures, self.shelf.beside(".mp4"), locked)
        with _removed_if_it_fails(order.out):
            delivery = await maker.make(order)
        accepted = step.locked is not None and locked is not None and was_accepted(maker_of(shot.source) or "", locked)
        began_with = await self._began_with(step, shot, pictures) if not accepted else None
        deposit = partial(commit.take, step, shot, order.out, delivery, began_with, accepted=accepted)
        # what a take begins with is decoded, which takes a while
        kept = await (self._keeper.keep(deposit()) if began_with is None else self._keeper.keep_made(deposit))
        await self._settled(maker, delivery)
        if step.locked is not None and kept.digest != step.locked.take:
            raise PaidFailed(_another(shot.id, kept.digest, step.locked), "another-take")
        return StepResult(
            TakeResult(kept.digest, delivery.info, kept.info.get("jump")), delivery.seconds, delivery.spent
        )

    async def _began_with(self, step: Step, shot: Shot, pictures: Mapping[str, bytes]) -> bytes | None:
        """The picture of another shot that a take was to begin with, if it is here."""
        link = shot.source.first_frame if isinstance(shot.source, Generated) else None
        if not isinstance(link, FrameLink) or step.reason.why == "held":
            return None
        if step.locked is None:
            return pictures.get("first_frame")
        frame = self.planner.results.get(frame_id(link.shot, link.at))
        return await self.in_thread(partial(self.shelf.picture, frame)) if isinstance(frame, FrameResult) else None

    async def adopt(self, record: Record, step: Step) -> None:
        """Keep the *record* of the take that *step* has found by the lockfile alone. Raises ``OSError``."""
        facts = record.info
        with suppress(TaskFailed, WorkerDied):  # it is whole, byte by byte: what is looked for is what to say of it
            path = await self.in_thread(partial(self.shelf.blob, record.digest))
            facts = clip_facts(await self._workers.run(step.action.id, judge_clip, path, None, None))
        await self._keeper.keep(commit.named(record, facts))
        # read once, so that the next build may rest on how it looks
        await self.in_thread(partial(self.shelf.find, record.key))

    async def _pictures(self, step: Step, shot: Shot) -> dict[str, bytes]:
        source = shot.source
        if not isinstance(source, Generated) or source.first_frame is source.last_frame is None:
            return {}
        return await self.in_thread(partial(self.shelf.pictures, step, shot, self.planner.results))

    async def _settled(self, maker: TakeGenerator, delivery: GeneratedClip) -> None:
        """The maker is told that its take is safe, if it has a job that it keeps open until then."""
        if delivery.task_id is not None:
            await self.in_thread(partial(maker.stored, delivery))

    async def _frame(self, step: Step) -> StepResult:
        take = self.planner.take(step.action.shot)
        if take is None:
            raise TaskFailed(f"the take of {step.action.shot} is not there")
        kept = await self._keeper.keep_made(lambda: commit.frame(step, self.shelf.blob(take.digest)))
        return StepResult(FrameResult(kept.values["planes"], kept.digest), kept.made.seconds)

    async def _segment(self, step: Step) -> StepResult:
        content = self.planner.segments[step.action.output].content(step.action)
        if isinstance(content, CopyRange):
            raise TypeError(f"{step.action.id} is not rendered")
        at_hand = self.shelf.sources_at_hand(content)
        files = await self.in_thread(partial(self.shelf.sources, content)) if at_hand is None else at_hand
        return StepResult(
            *await self.rendered(step, content.frames, render_piece, content, files, self.canvas(step.action))
        )

    def canvas(self, piece: Action) -> Canvas:
        """What a piece is drawn on."""
        output = self.graph.films[piece.output].output
        return Canvas(output.size, output.fps, output.crf, output.preset)

    async def rendered(
        self, step: Step, frames: int, task: Callable[..., ClipInfo], *arguments: object
    ) -> tuple[SegmentResult, float]:
        """A piece of so many *frames*, drawn by *task* and kept, and the seconds that took. Raises as ``make``."""
        out = self.shelf.beside(".mp4")
        with _removed_if_it_fails(out):
            info, seconds = await self._workers.timed(step.action.id, task, *arguments, out)
            deposit = commit.segment(step, out, info, frames, seconds)
        kept = await self._keeper.keep(deposit)
        return SegmentResult(kept.digest, frames, copied=False), seconds

    async def _cut(self, step: Step) -> StepResult:
        name = step.action.output
        pieces = [made for _, made in self.pieces(step.action) if made is not None]
        segments = self.planner.segments[name]
        beside = segments.chapters(), segments.film_cues(), self.sound(name)
        film, target = self.graph.films[name], self.shelf.films[name]
        join = partial(assemble, self.shelf, step, pieces, film, target, *beside, reels=self.ahead.reels)
        return await self.joined(join)

    async def joined(self, join: Callable[[], CutResult]) -> StepResult:
        """The film that *join* puts in its place, in a thread. Raises as ``make``."""
        began = time.monotonic()
        return StepResult(await self.in_thread(join), time.monotonic() - began)

    def sound(self, film: str) -> SoundResult | None:
        """What a film sounds like, once that has been made."""
        made = self.planner.results.get(sound_id(film))
        return made if isinstance(made, SoundResult) else None

    async def _film_sound(self, step: Step) -> StepResult:
        return StepResult(*await self.mixed(step, self.planner.derived.film_sound(step.action.output)))

    async def mixed(self, step: Step, sound: SoundMix) -> tuple[SoundResult, float]:
        """*sound*, mixed and kept, and the seconds that took. Raises as ``make``."""
        files = await self.in_thread(partial(sources, self.shelf, sound))
        out = self.shelf.beside(".m4a")
        with _removed_if_it_fails(out):
            facts, seconds = await self._workers.timed(step.action.id, mix, sound, files, out)
        kept = await self._keeper.keep(track_of(step, out, facts, seconds))
        return SoundResult(kept.digest, facts.loudness, facts.peak), seconds

    def pieces(self, cut: Action) -> list[tuple[Action, SegmentResult | None]]:
        """The pieces of a film in order, with what has been made of them."""
        found = [(action, self.planner.results.get(action.id)) for action in self.graph.pieces_of(cut.output)]
        return [(action, made if isinstance(made, SegmentResult) else None) for action, made in found]


def _another(shot: str, digest: str, locked: LockEntry) -> str:
    text = f"task {locked.task_id} gives another clip than the locked take {locked.take[:12]}: {digest[:12]}"
    keep = f"`storyboard pick {shot} {digest[:12]}` puts it into the cut"
    return f"{text}. The lockfile stays as it is; {keep}, `--remake {shot}` buys another take"


@contextmanager
def _removed_if_it_fails(out: Path) -> Iterator[None]:
    """What is not handed to the store is not left behind."""
    try:
        yield
    except BaseException:
        remove(out)
        raise
