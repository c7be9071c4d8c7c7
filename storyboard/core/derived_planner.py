"""Decides what has to be done for what costs nothing: frames of takes, pieces of the film, and the film itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from storyboard.core.audio import SoundMix, TrackOutsideFilm, film_sound, partial_sound, sound_request
from storyboard.core.graph import CUT, Action, Graph, sound_id, take_id
from storyboard.core.keys import Request, action_key, cut_request, frame_request
from storyboard.core.model import Json, Output
from storyboard.core.plan import (
    ActionCache,
    CachedResult,
    CutResult,
    FrameResult,
    PlanState,
    Result,
    SegmentResult,
    SoundResult,
    Step,
    TakeResult,
)
from storyboard.core.ranges import TransitionTooLong
from storyboard.core.reason import Reason
from storyboard.core.render_spec import drawn_request
from storyboard.core.segments import CopyRange, FilmText, Segments
from storyboard.core.timeline import TrimOutOfRange


class Given(Protocol):
    """What has to be known from outside: digests of files by path, and what renders."""

    @property
    def files(self) -> Mapping[str, str]: ...

    @property
    def renderer(self) -> Mapping[str, Json]: ...


class DerivedPlanner:
    """Answers for the actions that no provider is asked for.

    *segments* are those of each film by its output's name; *is_selected* says whether a shot is to be made in this
    build.
    """

    def __init__(
        self,
        graph: Graph,
        memory: ActionCache,
        course: PlanState,
        segments: Mapping[str, Segments],
        given: Given,
        is_selected: Callable[[str], bool],
    ) -> None:
        self._graph = graph
        self._memory = memory
        self._course = course
        self._segments = segments
        self._given = given
        self._is_selected = is_selected

    def _look_up(self, action: Action, kind: str, request: Request, read: Callable[[CachedResult], Result]) -> Step:
        key = action_key(kind, request)
        records = self._memory.find(key)
        if records:
            return Step(action, "reuse", Reason("cached"), key, request, result=read(records[0]))
        if not self._is_selected(action.shot) and kind not in ("frame", "sound"):
            return Step(action, "skip", Reason("not-selected"), key, request)
        return Step(action, "make", Reason("damaged" if self._memory.is_damaged(key) else "new"), key, request)

    def frame(self, action: Action) -> Step:
        """One exact picture of a take."""
        take = self._course.take(action.shot)
        if take is None:
            return self._without_take(action, action.shot)
        request = frame_request(take.digest, action.at)
        return self._look_up(action, "frame", request, _read_frame)

    def segment(self, action: Action) -> Step:
        """One piece of the film."""
        missing = self._missing_take(action)
        if missing is not None:
            return self._without_take(action, missing)
        try:
            content = self._segments[action.output].content(action)
        except (TrimOutOfRange, TransitionTooLong) as problem:
            return Step(action, "blocked", Reason("too-short", detail=problem.detail))
        if isinstance(content, CopyRange):
            made = SegmentResult(content.digest, content.frames, copied=True, start=content.start)
            return Step(action, "copy", Reason("unchanged"), result=made)
        request = drawn_request(content, self._graph.films[action.output].output, self._given.renderer)
        step = self._look_up(
            action,
            "segment",
            request,
            lambda record: SegmentResult(record.outputs["clip"], content.frames, copied=False),
        )
        if step.do not in ("make", "reuse"):
            return step
        why = "not-copied" if step.do == "make" else step.reason.why
        blocker = self._segments[action.output].piece_copy_blocker(action)
        return msgspec.structs.replace(step, reason=Reason(why, copy_blocker=blocker))

    def slate_step(self, piece: Action, frames: int, request: Request) -> Step:
        """The step that draws a slate of so many *frames* in the place of *piece*."""
        action = Action(f"slate:{piece.id}", "segment", piece.shot, output=piece.output)
        key = action_key("segment", request)
        for record in self._memory.find(key):
            made = SegmentResult(record.outputs["clip"], frames, copied=False)
            return Step(action, "reuse", Reason("cached"), key, request, result=made)
        return Step(action, "make", Reason("new"), key, request)

    def _missing_take(self, action: Action) -> str | None:
        """The first shot that goes into *action* and has no take yet."""
        results = self._course.results
        missing = (name for name in action.inputs if not isinstance(results.get(name), TakeResult))
        return next((self._graph.action(name).shot for name in missing), None)

    def _without_take(self, action: Action, shot: str) -> Step:
        reason = self._course.upstream(take_id(shot), shot)
        return Step(action, "wait" if reason.why == "upstream-changes" else "blocked", reason)

    def sound(self, action: Action) -> Step:
        """What a film sounds like."""
        missing = self._missing_take(action)
        if missing is not None:
            return self._without_take(action, missing)
        try:
            return self.sound_step(action, self.film_sound(action.output))
        except (TrimOutOfRange, TransitionTooLong, TrackOutsideFilm) as problem:
            return Step(action, "blocked", Reason("too-short", detail=problem.detail))

    def film_sound(self, film: str) -> SoundMix:
        """What a film sounds like by the takes that are there. Raises ``TrimOutOfRange`` and ``TrackOutsideFilm``."""
        pieces = self._segments[film].timeline()
        return film_sound(self._graph.films[film], pieces, self._course.take, self._given.files)

    def partial_sound(self, film: str, frames: int) -> SoundMix:
        """The same over a film of so many *frames* with slates in the place of what is not there."""
        return partial_sound(self._graph.films[film], self._course.take, self._given.files, frames)

    def sound_step(self, action: Action, sound: SoundMix) -> Step:
        """The step that mixes *sound*; without anything to be heard there is nothing to do."""
        if not sound.voices and not sound.beds:
            return Step(action, "reuse", Reason("unchanged"), result=SoundResult(""))
        return self._look_up(action, "sound", sound_request(sound, self._given.renderer), _read_sound)

    def cut(self, action: Action) -> Step:
        """The film."""
        wanted = self._graph.pieces_of(action.output)
        made = [self._course.results.get(piece.id) for piece in wanted]
        pieces = [piece for piece in made if isinstance(piece, SegmentResult)]
        if len(pieces) < len(made):
            return self._incomplete(action, [p for p, found in zip(wanted, made, strict=True) if not found])
        sound = self._graph.sound_of(action.output)
        if sound is not None and sound.id not in self._course.results:
            return self._incomplete(action, [sound])
        return self.cut_step(action, pieces, self._memory.film_digest(self._graph.films[action.output].output.file))

    def _incomplete(self, action: Action, missing: list[Action]) -> Step:
        states = {self._course.steps[piece.id].do for piece in missing}
        shots = tuple(dict.fromkeys(piece.shot for piece in missing))
        if self._course.failed & {piece.id for piece in missing} or states & {"blocked", "skip"}:
            return Step(action, "blocked", Reason("upstream-missing", shots=shots))
        return Step(action, "wait", Reason("upstream-changes", shots=shots))

    def cut_step(
        self,
        action: Action,
        made: Sequence[SegmentResult],
        film: str | None,
        sound: SoundResult | None = None,
        told: FilmText | None = None,
    ) -> Step:
        """The step that joins what was *made* into the film; *film* is the digest of what is there.

        *sound* and what is *told* beside the pictures are the film's own unless others are given.
        """
        storyboard = self._graph.films[action.output]
        output = storyboard.output
        pieces = [
            (piece.digest, piece.frames, piece.start) if piece.start else (piece.digest, piece.frames)
            for piece in made
            if piece.frames
        ]
        extras = self._extras(output, sound or self._course.results.get(sound_id(output.name)), told)
        request = cut_request(pieces, output.fps, output.size, storyboard.title, self._given.renderer, extras)
        key = action_key(CUT, request)
        known = {record.values["film"] for record in self._memory.find(key)}
        if film is not None and film in known:
            return Step(action, "reuse", Reason("unchanged"), key, request, result=CutResult(film))
        why = Reason("new" if not known else "output-missing" if film is None else "output-changed")
        return Step(action, "make", why, key, request)

    def _extras(self, output: Output, sound: Result | None, told: FilmText | None) -> dict[str, Json]:
        heard = sound.digest if isinstance(sound, SoundResult) else ""
        always: dict[str, Json] = {"comment": output.comment, "sound": heard}
        segments = self._segments[output.name]
        own = told or FilmText(tuple(segments.chapters()), tuple(segments.film_cues()))
        captions = [[cue.text, cue.first, cue.end] for cue in own.cues]
        chapters = [[chapter.title, chapter.first, chapter.end] for chapter in own.chapters]
        extras = always | {"captions": list(captions), "chapters": list(chapters)}
        inside = captions and output.captions == "stream"
        return extras | ({"caption_stream": output.language or "und"} if inside else {})


def _read_sound(record: CachedResult) -> Any:
    return SoundResult(record.outputs["sound"], record.info.get("loudness"), record.info.get("peak"))


def _read_frame(record: CachedResult) -> Any:
    return FrameResult(record.values["planes"], record.outputs["picture"])
