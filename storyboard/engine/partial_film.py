"""The partial film: placeholder slates in place of missing segments, at a path beside that of the whole film."""

import os
from collections.abc import Mapping
from functools import partial

from storyboard.core.build_events import FilmFile
from storyboard.core.graph import Action, sound_id, take_id
from storyboard.core.keys import slate_request
from storyboard.core.plan import SegmentResult, SoundResult, Step
from storyboard.core.render_spec import encoding_request
from storyboard.core.segments import film_text
from storyboard.engine.executor import Executor, StepResult
from storyboard.engine.film import FilmFailed, join_film, why_not_writable
from storyboard.engine.project_store import partial_film_path
from storyboard.engine.worker_tasks import draw_slate


async def make_partial_film(executor: Executor, step: Step, failed: Mapping[str, str]) -> tuple[StepResult, FilmFile]:
    """Make the partial film of *step*, a cut; *failed* are reasons by action id, for the slates.

    Raises as ``Executor.run``.
    """
    name = step.action.output
    results = executor.segment_results(step.action)
    if all(result is None for _, result in results):
        raise FilmFailed("no shot is there to make a film of")
    target = partial_film_path(executor.store.films[name])
    reason = await executor.in_thread(partial(why_not_writable, executor.store.root, target))
    if reason is not None:
        raise FilmFailed(f"{target}: {reason}")
    segments = [result or await _slate(executor, action, failed) for action, result in results]
    frames = sum(segment.frames for segment in segments)
    sound = await _sound(executor, name, frames)
    shown = [
        (action, segment.frames, result is not None)
        for (action, result), segment in zip(results, segments, strict=True)
    ]
    texts = film_text(executor.planner.segments[name], shown)
    cut = executor.planner.derived.cut_step(step.action, segments, None, sound, texts)
    film = executor.graph.films[name]
    join = partial(join_film, executor.store, cut, segments, film, target, texts.chapters, texts.cues, sound)
    joined = await executor.join(cut, join)
    return joined, FilmFile(
        name, os.fspath(target), frames, film.output.fps, partial=True, sound=sound, cues=texts.cues
    )


async def _sound(executor: Executor, film: str, frames: int) -> SoundResult:
    """Return the sound of the film, in which slates are silent but for the tracks."""
    mix = executor.planner.derived.partial_sound(film, frames)
    action = Action(f"partial:{sound_id(film)}", "sound", output=film)
    step = executor.planner.derived.sound_step(action, mix)
    return step.result if isinstance(step.result, SoundResult) else (await executor.mix(step, mix))[0]


async def _slate(executor: Executor, segment: Action, failed: Mapping[str, str]) -> SegmentResult:
    planner, output = executor.planner, executor.graph.films[segment.output].output
    frames = planner.segments[segment.output].frames(segment)
    if not frames:
        return SegmentResult("", 0, copied=False)
    lines = (segment.shot, failed.get(take_id(segment.shot), "not made yet"))
    request = slate_request(lines, frames, output.fps, output.size, planner.options.renderer)
    step = planner.derived.slate_step(segment, frames, request | encoding_request(output))
    if isinstance(step.result, SegmentResult):
        return step.result
    return (await executor.render(step, frames, draw_slate, lines, frames, executor.canvas(segment)))[0]
