"""Decides what has to be done for what costs nothing: frames of takes, pieces of the film, and the film itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from storyboard.core.course import Course
from storyboard.core.cutting import TooLong
from storyboard.core.graph import CUT, Action, Graph, take_id
from storyboard.core.keys import Request, action_key, cut_request, frame_request
from storyboard.core.layers import drawn_request
from storyboard.core.model import Json
from storyboard.core.plan import CutMade, Found, FrameMade, Memory, Reason, Result, SegmentMade, Step, TakeMade
from storyboard.core.segments import Kept, Segments
from storyboard.core.timeline import TooShort


class Free:
    """Answers for the actions that no provider is asked for.

    *renderer* says what renders segments; *is_selected* whether a shot is to be made in this build.
    """

    def __init__(
        self,
        graph: Graph,
        memory: Memory,
        course: Course,
        segments: Segments,
        renderer: Mapping[str, Json],
        is_selected: Callable[[str], bool],
    ) -> None:
        self._graph = graph
        self._memory = memory
        self._course = course
        self._segments = segments
        self._renderer = renderer
        self._is_selected = is_selected

    def _look_up(self, action: Action, kind: str, request: Request, read: Callable[[Found], Result]) -> Step:
        key = action_key(kind, request)
        records = self._memory.find(key)
        if records:
            return Step(action, "reuse", Reason("cached"), key, request, found=read(records[0]))
        if not self._is_selected(action.shot) and kind != "frame":
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
        missing = [
            name for name in self._graph.inputs(action.id) if not isinstance(self._course.settled.get(name), TakeMade)
        ]
        if missing:
            return self._without_take(action, self._graph.action(missing[0]).shot)
        try:
            content = self._segments.content(action)
        except (TooShort, TooLong) as problem:
            return Step(action, "blocked", Reason("too-short", text=str(problem)))
        if isinstance(content, Kept):
            made = SegmentMade(content.digest, content.frames, copied=True, start=content.start)
            return Step(action, "copy", Reason("unchanged"), found=made)
        request = drawn_request(content, self._graph.storyboard.output, self._renderer)
        step = self._look_up(
            action, "segment", request, lambda record: SegmentMade(record.outputs["clip"], content.frames, copied=False)
        )
        why = self._segments.why_drawn(action)
        told = Reason("not-copied", text=why) if step.do == "make" else msgspec.structs.replace(step.reason, text=why)
        return msgspec.structs.replace(step, reason=told) if step.do in ("make", "reuse") else step

    def slate_step(self, piece: Action, frames: int, request: Request) -> Step:
        """The step that draws a slate of so many *frames* in the place of *piece*."""
        action = Action(f"slate:{piece.id}", "segment", piece.shot)
        key = action_key("segment", request)
        for record in self._memory.find(key):
            made = SegmentMade(record.outputs["clip"], frames, copied=False)
            return Step(action, "reuse", Reason("cached"), key, request, found=made)
        return Step(action, "make", Reason("new"), key, request)

    def _without_take(self, action: Action, shot: str) -> Step:
        reason = self._course.upstream(take_id(shot), shot)
        return Step(action, "wait" if reason.why == "upstream-changes" else "blocked", reason)

    def cut(self, action: Action) -> Step:
        """The film."""
        made = [self._course.settled.get(piece.id) for piece in self._graph.pieces]
        pieces = [piece for piece in made if isinstance(piece, SegmentMade)]
        if len(pieces) < len(made):
            return self._incomplete(action, [p for p, found in zip(self._graph.pieces, made, strict=True) if not found])
        return self.cut_step(action, pieces, self._memory.film_digest())

    def _incomplete(self, action: Action, missing: list[Action]) -> Step:
        states = {self._course.steps[piece.id].do for piece in missing}
        shots = tuple(dict.fromkeys(piece.shot for piece in missing))
        if self._course.failed & {piece.id for piece in missing} or states & {"blocked", "skip"}:
            return Step(action, "blocked", Reason("upstream-missing", shots=shots))
        return Step(action, "wait", Reason("upstream-changes", shots=shots))

    def cut_step(self, action: Action, made: Sequence[SegmentMade], film: str | None) -> Step:
        """The step that joins what was *made* into the film; *film* is the digest of what is there."""
        storyboard = self._graph.storyboard
        output = storyboard.output
        pieces = [
            (piece.digest, piece.frames, piece.start) if piece.start else (piece.digest, piece.frames)
            for piece in made
            if piece.frames
        ]
        request = cut_request(pieces, output.fps, output.size, storyboard.title, self._renderer, self._extras())
        key = action_key(CUT, request)
        known = {record.values["film"] for record in self._memory.find(key)}
        if film is not None and film in known:
            return Step(action, "reuse", Reason("unchanged"), key, request, found=CutMade(film))
        why = Reason("new" if not known else "output-missing" if film is None else "output-changed")
        return Step(action, "make", why, key, request)

    def _extras(self) -> dict[str, Json]:
        comment = self._graph.storyboard.output.comment
        try:
            captions = [[cue.text, cue.first, cue.end] for cue in self._segments.film_cues()]
            chapters = [[chapter.title, chapter.first, chapter.end] for chapter in self._segments.chapters()]
        except TooShort:  # a film of what is there has a slate in that place
            return {"comment": comment}
        return {"comment": comment, "captions": list(captions), "chapters": list(chapters)}


def _read_frame(record: Found) -> Any:
    return FrameMade(record.values["planes"], record.outputs["picture"])
