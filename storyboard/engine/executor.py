"""Execution of steps: generators make takes, the task runner segments and sound, threads frames and the join.

Every result is committed before its step ends. Leaves the order of steps to ``scheduler``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from storyboard.core.audio import SoundMix
from storyboard.core.build_events import Notice
from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, frame_id, sound_id
from storyboard.core.keys import input_digest
from storyboard.core.model import FrameLink, Generated, Shot, maker_of
from storyboard.core.plan import (
    CutResult,
    FrameResult,
    LockEntry,
    Result,
    SegmentResult,
    SoundResult,
    Step,
    TakeResult,
    drawing_of,
)
from storyboard.core.planner import Planner
from storyboard.core.render_spec import Canvas
from storyboard.core.results import Record
from storyboard.core.segments import CopyRange
from storyboard.durable import remove
from storyboard.engine import commit
from storyboard.engine.commit import CommitQueue
from storyboard.engine.film import JoinPrefetcher, join_film
from storyboard.engine.generators import FREE_GENERATORS, GeneratedClip, GenerationRequest, TakeGenerator
from storyboard.engine.locked_takes import was_accepted
from storyboard.engine.paid.context import request_of_job
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.worker_pool import OnStart, TaskRunner
from storyboard.engine.worker_tasks import (
    PaidFailed,
    TaskFailed,
    WorkerDied,
    check_clip,
    clip_facts,
    mix_sound,
    render_segment,
    timed,
)
from storyboard.store.journal import Job

if TYPE_CHECKING:
    from storyboard.media.audio.soundtrack import SoundFacts

T = TypeVar("T")
# Threads for slow work outside of the event loop: reading pictures, decoding frames, joining, syncing long files.
_THREADS = 8
# Takes of one generator under way at once; more of them wait without their pictures, which may be large.
_MAX_TAKES = 256
_UNPRICED = (
    "its request differs from the one in the lockfile, so it would be bought again, at a price that was not in the "
    "plan; nothing was bought; run `storyboard plan` to see the price"
)


class StepResult(Struct, frozen=True):
    """The result of a step, the seconds since it left the queue, and its cost in US dollars."""

    result: Result
    seconds: float
    cost: Decimal = Decimal(0)


Execute = Callable[[Step, OnStart], Awaitable[StepResult]]


class Executor:
    """Makes the results of steps and commits them.

    *generators* are those of takes, by provider. *priced* are the actions of takes that the plan announced at their
    price: no other take is bought.
    """

    def __init__(
        self,
        planner: Planner,
        store: ProjectStore,
        runner: TaskRunner,
        generators: Mapping[str, TakeGenerator],
        priced: Collection[str] = (),
    ) -> None:
        self.planner = planner
        self.graph = planner.graph
        self.store = store
        self._runner = runner
        self._generators = generators
        self._priced = priced
        self._slots = {name: asyncio.Semaphore(_MAX_TAKES) for name in generators}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._commits = CommitQueue(store.commit, self._threads)
        self.prefetcher = JoinPrefetcher(store, planner)
        self._by_kind: dict[str, Execute] = {
            "take": self.take,
            "frame": self.frame,
            "segment": self.segment,
            "sound": self.sound,
            "cut": self.cut,
        }

    async def run(self, step: Step, on_start: OnStart) -> StepResult:
        """Make and commit the result of *step*, and call *on_start* when it leaves the queue.

        Raises ``TaskFailed`` and its subclasses, ``FilmFailed``, ``WorkerDied``, ``OSError``.
        """
        self.prefetcher.start_during(step.action)
        return await self._by_kind[step.action.kind](step, on_start)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Run *function* in a thread, to its end even if the caller is cancelled."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, function))

    async def close(self) -> None:
        """End generators and tasks, and wait for all commits."""
        for generator in self._generators.values():
            await generator.close()
        self._runner.close()
        self.prefetcher.close()
        await self._commits.close()
        self._threads.shutdown(wait=True)

    # takes

    async def take(self, step: Step, on_start: OnStart) -> StepResult:
        """Generate a take, or fetch the one that the lockfile names."""
        shot = self.graph.shot_of(step.action)
        name = maker_of(shot.source)
        if name is None:
            raise TypeError(f"shot {shot.id} has no take")
        if step.do == "make" and name not in FREE_GENERATORS and step.action.id not in self._priced:
            raise PaidFailed(_UNPRICED, "unpriced")
        async with self._slots[name]:
            return await self._generate(self._generators[name], step, shot, on_start)

    async def _generate(self, generator: TakeGenerator, step: Step, shot: Shot, on_start: OnStart) -> StepResult:
        locked = self.store.locked_entry(step, shot)
        # a locked take is fetched without its input pictures, which may be gone
        pictures = await self._input_pictures(step, shot) if step.locked is None else {}
        priced = step.action.id in self._priced
        request = GenerationRequest(step, shot, pictures, self.store.blobs.temp_path(".mp4"), locked, priced)
        with _removed_on_failure(request.out):
            clip = await generator.generate(request, on_start)
        accepted = step.locked is not None and locked is not None and was_accepted(maker_of(shot.source) or "", locked)
        first_frame = await self._linked_first_frame(step, shot, pictures) if not accepted else None
        make_record = partial(commit.take_record, step, shot, request.out, clip, first_frame, accepted=accepted)
        # with a first frame the record takes a while: a frame of the take is decoded
        record = await (
            self._commits.commit(make_record()) if first_frame is None else self._commits.commit_made(make_record)
        )
        await self._close_job(generator, clip)
        if step.locked is not None and record.digest != step.locked.take:
            raise PaidFailed(_other_take_text(shot.id, record.digest, step.locked), "another-take")
        result = TakeResult(record.digest, clip.info, record.info.get("jump"), drawing_of(step.request or {}))
        return StepResult(result, clip.seconds, clip.spent)

    async def _input_pictures(self, step: Step, shot: Shot) -> dict[str, bytes]:
        source = shot.source
        if not isinstance(source, Generated) or source.first_frame is source.last_frame is None:
            return {}
        frames = self.planner.linked_frames(step, shot)
        return await self.in_thread(partial(self.store.input_pictures, step, shot, frames))

    async def _linked_first_frame(self, step: Step, shot: Shot, pictures: Mapping[str, bytes]) -> bytes | None:
        """Return the frame of another shot that a take should begin with, if it is in the cache."""
        link = shot.source.first_frame if isinstance(shot.source, Generated) else None
        if not isinstance(link, FrameLink) or step.reason.why == "held":
            return None
        if step.locked is None:
            return pictures.get("first_frame")
        frame = self.planner.results.get(frame_id(link.shot, link.at))
        value = str((step.request or {}).get("first_frame", ""))
        if not isinstance(frame, FrameResult) or input_digest(value) != frame.planes:
            return None
        return await self.in_thread(partial(self.store.linked_picture, value, frame))

    async def _close_job(self, generator: TakeGenerator, clip: GeneratedClip) -> None:
        """Close the generator's remote job after its take is committed."""
        if clip.task_id is not None:
            await self.in_thread(partial(generator.close_job, clip))

    async def collect(self, job: Job) -> Notice:
        """Commit the take of a paid job that no shot needs any more, if it is ready; return a notice about it."""
        generator = self._generators.get(job.provider)
        out = self.store.blobs.temp_path(".mp4")
        try:
            clip = await generator.collect(job, out) if generator is not None else None
            if clip is None or generator is None:
                text = f"the take of a paid job for {job.shot} is not available yet; a later build collects it"
                return Notice(text, "job-left" if generator is not None else "")  # warned of before the build
            request = request_of_job(job, out)
            await self._commits.commit(commit.take_record(request.step, request.shot, out, clip))
            await self._close_job(generator, clip)
        except TaskFailed as problem:
            return Notice(f"paid job for {job.shot}: {problem}", "job-left")
        else:
            return Notice(f"the take of a paid job for {job.shot} is now in the cache")
        finally:
            remove(out)

    async def add_record(self, record: Record, step: Step) -> None:
        """Commit the *record* of a take that *step* has found by the lockfile alone. Raises ``OSError``."""
        facts = record.info
        with suppress(TaskFailed, WorkerDied):  # its digest is right: the check only adds facts for warnings
            path = await self.in_thread(partial(self.store.blob_path, record.digest))
            facts = clip_facts(await self._runner.run(step.action.id, check_clip, path, None, None))
        await self._commits.commit(commit.locked_take_record(record, facts))
        # read once now, so that the next no-op check has its stamp
        await self.in_thread(partial(self.store.find, record.key))

    # frames and segments

    async def frame(self, step: Step, on_start: OnStart) -> StepResult:
        """Decode one frame of a take."""
        on_start()
        take = self.planner.take(step.action.shot)
        if take is None:
            raise TaskFailed(f"the take of {step.action.shot} is missing")
        record = await self._commits.commit_made(lambda: commit.frame_record(step, self.store.blob_path(take.digest)))
        return StepResult(FrameResult(record.values["planes"], record.digest), record.made.seconds)

    async def segment(self, step: Step, on_start: OnStart) -> StepResult:
        """Render one segment of a film."""
        spec = self.planner.segments[step.action.output].content(step.action)
        if isinstance(spec, CopyRange):
            raise TypeError(f"{step.action.id} is not rendered")
        verified = self.store.verified_sources(spec)
        files = await self.in_thread(partial(self.store.sources, spec)) if verified is None else verified
        arguments = spec, files, self.canvas(step.action)
        return StepResult(*await self.render(step, spec.frames, render_segment, *arguments, on_start=on_start))

    def canvas(self, segment: Action) -> Canvas:
        """Return the size, rate and encoding of a segment."""
        output = self.graph.films[segment.output].output
        return Canvas(output.size, output.fps, output.crf, output.preset)

    async def render(
        self,
        step: Step,
        frames: int,
        task: Callable[..., ClipInfo],
        *arguments: object,
        on_start: OnStart | None = None,
    ) -> tuple[SegmentResult, float]:
        """Render a segment of so many *frames* by *task*; return its result and its seconds. Raises as ``run``."""
        out = self.store.blobs.temp_path(".mp4")
        with _removed_on_failure(out):
            info, seconds = await self._runner.run(step.action.id, timed, task, *arguments, out, on_start=on_start)
            pending = commit.segment_record(step, out, info, frames, seconds)
        record = await self._commits.commit(pending)
        return SegmentResult(record.digest, frames, copied=False), seconds

    # sound

    async def sound(self, step: Step, on_start: OnStart) -> StepResult:
        """Mix the sound of a film."""
        mix = self.planner.derived.film_sound(step.action.output)
        return StepResult(*await self.mix(step, mix, on_start))

    async def mix(self, step: Step, mix: SoundMix, on_start: OnStart | None = None) -> tuple[SoundResult, float]:
        """Mix a soundtrack; return its result and its seconds. Raises as ``run``."""
        files = await self.in_thread(partial(self.store.sound_sources, mix))
        out = self.store.blobs.temp_path(".m4a")
        facts: SoundFacts
        with _removed_on_failure(out):
            facts, seconds = await self._runner.run(
                step.action.id, timed, mix_sound, mix, files, out, on_start=on_start
            )
        record = await self._commits.commit(commit.sound_record(step, out, facts, seconds))
        return SoundResult(record.digest, facts.loudness, facts.peak), seconds

    def sound_result(self, film: str) -> SoundResult | None:
        """Return the sound of a film, if it has been made or found."""
        result = self.planner.results.get(sound_id(film))
        return result if isinstance(result, SoundResult) else None

    # films

    async def cut(self, step: Step, on_start: OnStart) -> StepResult:
        """Join a film."""
        on_start()
        name = step.action.output
        results = [result for _, result in self.segment_results(step.action) if result is not None]
        segments = self.planner.segments[name]
        film, target = self.graph.films[name], self.store.films[name]
        texts = segments.chapters(), segments.film_cues()
        sound, packets = self.sound_result(name), self.prefetcher.packets
        return await self.join(
            step, partial(join_film, self.store, step, results, film, target, *texts, sound, packets)
        )

    async def join(self, step: Step, join: Callable[[], str]) -> StepResult:
        """Run *join*, which returns the digest of the film, in a thread, and commit its record. Raises as ``run``."""
        began = time.monotonic()
        # joined and committed as one: a film without a record would be joined again by the next build
        record = await self._commits.commit_made(lambda: commit.cut_record(step, join(), time.monotonic() - began))
        return StepResult(CutResult(record.values["film"]), time.monotonic() - began)

    def segment_results(self, cut: Action) -> Sequence[tuple[Action, SegmentResult | None]]:
        """Return the segments of a film in order, each with its result, if any."""
        results = [(action, self.planner.results.get(action.id)) for action in self.graph.pieces_of(cut.output)]
        return [(action, result if isinstance(result, SegmentResult) else None) for action, result in results]


def _other_take_text(shot: str, digest: str, locked: LockEntry) -> str:
    text = f"the clip of task {locked.task_id}, {digest[:12]}, differs from the locked take {locked.take[:12]}"
    pick = f"run `storyboard pick {shot} {digest[:12]}` to put it into the cut"
    return f"{text}; the lockfile is unchanged; {pick}, or buy another take with `--remake {shot}`"


@contextmanager
def _removed_on_failure(out: Path) -> Iterator[None]:
    """Remove *out* if the block fails."""
    try:
        yield
    except BaseException:
        remove(out)
        raise
