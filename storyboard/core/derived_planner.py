"""Plan the steps derived from takes at no cost: frames, segments, the sound and the cut."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from storyboard.core.audio import SoundMix, TrackOutsideFilm, film_sound, sound_request
from storyboard.core.built_film import FilmChanges, FilmTerms, new_piece
from storyboard.core.graph import CUT, Action, Graph, sound_id, take_id
from storyboard.core.keys import Request, action_key, cut_request, frame_request
from storyboard.core.model import Json, Storyboard
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
from storyboard.core.render_spec import render_request
from storyboard.core.segments import CopyRange, Segments
from storyboard.core.take_planner import PlanOptions
from storyboard.core.timeline import TrimOutOfRange


class DerivedPlanner:
    """Planner of the actions that need no provider.

    *segments* are those of each film, by the name of its output; *is_selected* returns whether this build may make a
    shot.
    """

    def __init__(
        self,
        graph: Graph,
        cache: ActionCache,
        state: PlanState,
        segments: Mapping[str, Segments],
        options: PlanOptions,
        is_selected: Callable[[str], bool],
    ) -> None:
        self._graph = graph
        self._cache = cache
        self._state = state
        self._segments = segments
        self._options = options
        self._is_selected = is_selected
        self._changes: dict[str, FilmChanges | None] = {}
        self._first: set[str] = set()

    def explain(self, step: Step) -> Step:
        """Return *step*, of footage, a piece, a sound or a film, with the changes since its film was built last."""
        # footage is imported for all films together
        output = step.action.output if step.action.kind != "take" else self._graph.storyboard.output.name
        if output not in self._changes:
            path = self._graph.films[output].output.film
            before = self._cache.built_film(path)
            self._changes[output] = FilmChanges(before, self.film_terms(output)) if before is not None else None
            if before is None and self._cache.film_digest(path) is None:
                self._first.add(output)
        changes = self._changes[output]
        if changes is not None:
            return changes.explain(step)
        return new_piece(step) if output in self._first and step.action.kind == "segment" else step

    def film_terms(self, output: str) -> FilmTerms:
        """Return the terms of a film, by the takes that exist."""
        film, options, segments = self._graph.films[output], self._options, self._segments[output]
        return FilmTerms(film, options.files, options.renderer, self._state.take_digest, segments)

    def _look_up(self, action: Action, kind: str, request: Request, read: Callable[[CachedResult], Result]) -> Step:
        """Return the step that reuses a record of *request*, or else makes its result."""
        key = action_key(kind, request)
        records = self._cache.find(key)
        if records:
            return Step(action, "reuse", Reason("cached"), key, request, result=read(records[0]))
        if not self._is_selected(action.shot) and kind not in ("frame", "sound"):
            return Step(action, "skip", Reason("not-selected"), key, request)
        return Step(action, "make", Reason("damaged" if self._cache.is_damaged(key) else "new"), key, request)

    def frame(self, action: Action) -> Step:
        """Return the step of one exact frame of a take."""
        take = self._state.take(action.shot)
        if take is None:
            return self._without_take(action, action.shot)
        request = frame_request(take.digest, action.at)
        return self._look_up(action, "frame", request, _read_frame)

    def segment(self, action: Action) -> Step:
        """Return the step of one segment of the film."""
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
        request = render_request(content, self._graph.films[action.output].output, self._options.renderer)
        step = self._look_up(
            action,
            "segment",
            request,
            lambda record: SegmentResult(record.outputs["clip"], content.frames, copied=False),
        )
        if step.do not in ("make", "reuse"):
            return step
        why = "not-copied" if step.reason.why == "new" else step.reason.why
        blocker = self._segments[action.output].piece_copy_blocker(action)
        return msgspec.structs.replace(step, reason=Reason(why, copy_blocker=blocker))

    def _missing_take(self, action: Action) -> str | None:
        """Return the first shot that *action* needs and that has no take yet."""
        results = self._state.results
        missing = (name for name in action.inputs if not isinstance(results.get(name), TakeResult))
        return next((self._graph.action(name).shot for name in missing), None)

    def _without_take(self, action: Action, shot: str) -> Step:
        reason = self._state.upstream(take_id(shot), shot)
        return Step(action, "wait" if reason.why == "upstream-changes" else "blocked", reason)

    def sound(self, action: Action) -> Step:
        """Return the step of the sound of a film."""
        missing = self._missing_take(action)
        if missing is not None:
            return self._without_take(action, missing)
        try:
            return self.sound_step(action, self.film_sound(action.output))
        except (TrimOutOfRange, TransitionTooLong, TrackOutsideFilm) as problem:
            return Step(action, "blocked", Reason("too-short", detail=problem.detail))

    def film_sound(self, film: str) -> SoundMix:
        """Return the sound of a film with the takes that exist.

        Raises ``TrimOutOfRange`` and ``TrackOutsideFilm``.
        """
        pieces = self._segments[film].timeline()
        is_filled = self._options.pinned is not None
        return film_sound(self._graph.films[film], pieces, self._state.take, self._options.files, is_filled=is_filled)

    def sound_step(self, action: Action, sound: SoundMix) -> Step:
        """Return the step that mixes *sound*; nothing to do if it is silent."""
        if not sound.voices and not sound.beds:
            return Step(action, "reuse", Reason("unchanged"), result=SoundResult(""))
        return self._look_up(action, "sound", sound_request(sound, self._options.renderer), _read_sound)

    def cut(self, action: Action) -> Step:
        """Return the step of the film."""
        wanted = self._graph.pieces_of(action.output)
        made = [self._state.results.get(piece.id) for piece in wanted]
        pieces = [piece for piece in made if isinstance(piece, SegmentResult)]
        if len(pieces) < len(made):
            return self._incomplete(action, [p for p, found in zip(wanted, made, strict=True) if not found])
        sound = self._graph.sound_of(action.output)
        if sound is not None and sound.id not in self._state.results:
            return self._incomplete(action, [sound])
        return self._cut_step(action, pieces, self._cache.film_digest(self._graph.films[action.output].output.film))

    def _incomplete(self, action: Action, missing: list[Action]) -> Step:
        states = {self._state.steps[piece.id].do for piece in missing}
        shots = tuple(dict.fromkeys(piece.shot for piece in missing))
        if self._state.failed & {piece.id for piece in missing} or states & {"blocked", "skip"}:
            return Step(action, "blocked", Reason("upstream-missing", shots=shots))
        return Step(action, "wait", Reason("upstream-changes", shots=shots))

    def _cut_step(self, action: Action, made: Sequence[SegmentResult], film: str | None) -> Step:
        """Return the step that joins the segments *made* into the film; *film* is the digest of the existing file."""
        storyboard = self._graph.films[action.output]
        output = storyboard.output
        pieces = [
            (piece.digest, piece.frames, piece.start) if piece.start else (piece.digest, piece.frames)
            for piece in made
            if piece.frames
        ]
        extras = self._extras(storyboard, self._state.results.get(sound_id(output.name)))
        request = cut_request(pieces, output.fps, output.size, storyboard.title, self._options.renderer, extras)
        key = action_key(CUT, request)
        known = {record.values["film"] for record in self._cache.find(key)}
        if film is not None and film in known:
            return Step(action, "reuse", Reason("unchanged"), key, request, result=CutResult(film))
        why = Reason("new" if not known else "output-missing" if film is None else "output-changed")
        return Step(action, "make", why, key, request)

    def _extras(self, storyboard: Storyboard, sound: Result | None) -> dict[str, Json]:
        output = storyboard.output
        heard = sound.digest if isinstance(sound, SoundResult) else ""
        always: dict[str, Json] = {"comment": output.comment, "sound": heard, "made_of": list(storyboard.made_of)}
        segments = self._segments[output.name]
        captions: list[Json] = [[cue.text, cue.first, cue.end] for cue in segments.film_cues()]
        chapters: list[Json] = [[chapter.title, chapter.first, chapter.end] for chapter in segments.chapters()]
        extras = always | {"captions": captions, "chapters": chapters}
        inside = captions and output.captions == "stream"
        return extras | ({"caption_stream": output.language or "und"} if inside else {})


def _read_sound(record: CachedResult) -> Any:
    return SoundResult(record.outputs["sound"], record.info.get("loudness"), record.info.get("peak"))


def _read_frame(record: CachedResult) -> Any:
    return FrameResult(record.values["planes"], record.outputs["picture"])
