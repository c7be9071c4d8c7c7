"""A film with slates in the place of what is not there, beside the film and not in its place.

What is made for it is made and kept as ``making`` does all things.
"""

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
from storyboard.engine.film import FilmFailed, assemble, why_not_writable
from storyboard.engine.project_store import partial_of
from storyboard.engine.worker_tasks import draw_slate


async def partial_film(making: Executor, step: Step, failed: Mapping[str, str]) -> tuple[StepResult, FilmFile]:
    """The film of *step*, a cut. *failed* are reasons by action id, for the slates. Raises as ``Executor.make``."""
    name = step.action.output
    pieces = making.pieces(step.action)
    if all(made is None for _, made in pieces):
        raise FilmFailed("no shot is there to make a film of")
    target = partial_of(making.shelf.films[name])
    reason = await making.in_thread(partial(why_not_writable, making.shelf.root, target))
    if reason is not None:
        raise FilmFailed(f"{target}: {reason}")
    ready = [made if made is not None else await _slate(making, action, failed) for action, made in pieces]
    frames = sum(piece.frames for piece in ready)
    sound = await _sound(making, name, frames)
    shown = [(action, one.frames, made is not None) for (action, made), one in zip(pieces, ready, strict=True)]
    own = film_text(making.planner.segments[name], shown)
    cut = making.planner.derived.cut_step(step.action, ready, None, sound, own)
    film = making.graph.films[name]
    beside = own.chapters, own.cues, sound
    made = await making.joined(partial(assemble, making.shelf, cut, ready, film, target, *beside))
    return made, FilmFile(name, os.fspath(target), frames, film.output.fps, partial=True, sound=sound, cues=own.cues)


async def _sound(making: Executor, film: str, frames: int) -> SoundResult:
    """The sound of a film with slates in its holes, where it is silent but for the tracks."""
    sound = making.planner.derived.partial_sound(film, frames)
    action = Action(f"partial:{sound_id(film)}", "sound", output=film)
    step = making.planner.derived.sound_step(action, sound)
    return step.result if isinstance(step.result, SoundResult) else (await making.mixed(step, sound))[0]


async def _slate(making: Executor, piece: Action, failed: Mapping[str, str]) -> SegmentResult:
    output = making.graph.films[piece.output].output
    frames = making.planner.segments[piece.output].frames(piece)
    if not frames:
        return SegmentResult("", 0, copied=False)
    lines = (piece.shot, failed.get(take_id(piece.shot), "not made yet"))
    request = slate_request(lines, frames, output.fps, output.size, making.shelf.renderer) | encoding_request(output)
    step = making.planner.derived.slate_step(piece, frames, request)
    if isinstance(step.result, SegmentResult):
        return step.result
    return (await making.rendered(step, frames, draw_slate, lines, frames, making.canvas(piece)))[0]
