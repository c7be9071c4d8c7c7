"""Decides what has to be done for one action after the other.

``plan`` walks the whole graph at once with what is there; the engine asks again for each action when its inputs have
been made. Both get their answers here, so that a build does what the plan said.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import CUT, Action, Graph, frame_id, segment_id, take_id
from storyboard.core.keys import (
    Request,
    action_key,
    cut_request,
    frame_request,
    segment_request,
    take_request,
)
from storyboard.core.model import FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import (
    CutMade,
    Found,
    FrameMade,
    Locked,
    Memory,
    Plan,
    Reason,
    Result,
    SegmentMade,
    Step,
    TakeMade,
    changes,
)
from storyboard.core.timeline import Piece, TooShort, common_parameter_sets, not_copied_because, place

_INPUT_FIELDS = frozenset({"first_frame", "last_frame"})


class Wishes(Struct, frozen=True):
    """What the caller wants beside the storyboard.

    *files* maps project paths and URLs of pictures to digests; *engines* names the drawing version of providers that
    draw by themselves; *renderer* says what renders segments; *only* limits the build to some shots.
    """

    files: Mapping[str, str]
    engines: Mapping[str, str]
    renderer: Mapping[str, Json]
    price: Callable[[Generated], Decimal]
    remake: frozenset[str] = frozenset()
    only: frozenset[str] | None = None


class Planner:
    """Answers for one storyboard: which step an action needs, given what has been settled so far."""

    def __init__(self, graph: Graph, memory: Memory, wishes: Wishes) -> None:
        self.graph = graph
        self.settled: dict[str, Result] = {}
        self.failed: set[str] = set()
        self._memory = memory
        self._wishes = wishes
        self._steps: dict[str, Step] = {}
        self._claims: dict[str, str] = {}
        self._weights: Counter[str] = Counter()

    def plan(self) -> Plan:
        """The whole graph, with nothing made."""
        for action in self.graph.order:
            step = self.step(action)
            if step.found is not None:
                self.settle(action, step.found)
        return Plan(tuple(self._steps[action.id] for action in self.graph.order))

    def step(self, action: Action) -> Step:
        """What *action* needs now; what it is made of should be settled, or has failed."""
        decide = {"take": self._take, "frame": self._frame, "segment": self._segment, "cut": self._cut}
        step = decide[action.kind](action)
        self._steps[action.id] = step
        return step

    def settle(self, action: Action, result: Result) -> None:
        """*action* has been made or found."""
        self.settled[action.id] = result
        if isinstance(result, TakeMade) and not self.graph.shot(action.shot).skip and self.misfit(action.shot) is None:
            self._weights[result.info.parameter_sets] += result.info.frames

    def fail(self, action: Action) -> None:
        """*action* could not be made."""
        self.failed.add(action.id)

    def take(self, shot: str) -> TakeMade | None:
        """The settled take of a shot."""
        result = self.settled.get(take_id(shot))
        return result if isinstance(result, TakeMade) else None

    def _selected(self, shot: str) -> bool:
        return self._wishes.only is None or shot in self._wishes.only

    # takes

    def _take(self, action: Action) -> Step:
        shot = self.graph.shot(action.shot)
        source = shot.source
        if not isinstance(source, Generated):
            raise TypeError(f"shot {shot.id} is not generated")
        locked = self._memory.locked(shot.id, source.provider)
        frames = self._frames(source)
        if isinstance(frames, Reason):
            return self._cannot_key(action, source, frames)
        request = take_request(source, self._wishes.engines.get(source.provider), frames)
        key = action_key("take", request)
        cost = self._wishes.price(source)
        if self._memory.is_paid_for(key) and self._selected(shot.id):
            return Step(action, "resume", Reason("paid-for"), key, request)
        found = None if shot.id in self._wishes.remake else self._choose(key, locked)
        if found is not None:
            result = TakeMade(found.outputs["clip"], msgspec.convert(found.info, ClipInfo))
            return Step(action, "reuse", _reuse_reason(result, key, locked), key, request, found=result)
        if not self._selected(shot.id):
            return Step(action, "skip", Reason("not-selected"), key, request)
        reason = Reason("forced") if shot.id in self._wishes.remake else self._stale(key, request, locked)
        owner = self._claims.setdefault(key, action.id)
        if owner in self.failed:
            return Step(
                action, "blocked", Reason("upstream-failed", shots=(self.graph.action(owner).shot,)), key, request
            )
        if owner != action.id and shot.id not in self._wishes.remake:
            same = Reason("same-request", shots=(self.graph.action(owner).shot,))
            return Step(action, "wait", same, key, request)
        return Step(action, "make", reason, key, request, cost)

    def _frames(self, source: Generated) -> dict[str, str] | Reason:
        """Digests of the pictures that go in, or why they are not known."""
        known: dict[str, str] = {}
        for field in ("first_frame", "last_frame"):
            match getattr(source, field):
                case FileInput(path):
                    known[field] = f"file:{self._wishes.files[path]}"
                case UrlInput(url) if url in self._wishes.files:
                    known[field] = f"file:{self._wishes.files[url]}"
                case UrlInput(url):
                    return Reason("upstream-changes", text=f"{url} is fetched first")
                case FrameLink(shot, at):
                    result = self.settled.get(frame_id(shot, at))
                    if not isinstance(result, FrameMade):
                        return self._upstream(frame_id(shot, at), shot)
                    known[field] = f"picture:{result.planes}"
        return known

    def _upstream(self, name: str, shot: str) -> Reason:
        step = self._steps.get(name)
        if name in self.failed or take_id(shot) in self.failed:
            return Reason("upstream-failed", shots=(shot,))
        if step is not None and step.do in ("skip", "blocked"):
            return Reason("upstream-missing", shots=(shot,))
        return Reason("upstream-changes", shots=(shot,))

    def _cannot_key(self, action: Action, source: Generated, reason: Reason) -> Step:
        if not self._selected(action.shot):
            return Step(action, "skip", Reason("not-selected"))
        if reason.why in ("upstream-missing", "upstream-failed"):
            return Step(action, "blocked", reason)
        return Step(action, "wait", reason, cost=self._wishes.price(source))

    def _choose(self, key: str, locked: Locked | None) -> Found | None:
        """The take that the lockfile names, or else the newest that answers the request."""
        records = self._memory.find(key)
        if locked is not None:
            for record in records:
                if record.outputs.get("clip") == locked.take:
                    return record
        return records[0] if records else None

    def _stale(self, key: str, request: Request, locked: Locked | None) -> Reason:
        if self._memory.is_damaged(key):
            return Reason("damaged")
        if locked is None:
            return Reason("new")
        if locked.key == key:
            return Reason("missing")
        old = self._memory.request_of(locked.key)
        if old is None:
            return Reason("request-changed")
        differing = changes(old, request)
        fields = {change.field for change in differing}
        if fields and fields <= {"engine"}:
            return Reason("renderer-changed", differing)
        return Reason("input-changed" if fields and fields <= _INPUT_FIELDS else "request-changed", differing)

    # frames, segments, the cut: all free

    def _free(self, action: Action, kind: str, request: Request, read: Callable[[Found], Result]) -> Step:
        key = action_key(kind, request)
        records = self._memory.find(key)
        if records:
            return Step(action, "reuse", Reason("cached"), key, request, found=read(records[0]))
        if not self._selected(action.shot) and kind != "frame":
            return Step(action, "skip", Reason("not-selected"), key, request)
        return Step(action, "make", Reason("damaged" if self._memory.is_damaged(key) else "new"), key, request)

    def _frame(self, action: Action) -> Step:
        take = self.take(action.shot)
        if take is None:
            return self._without_take(action)
        request = frame_request(take.digest, action.at)
        return self._free(action, "frame", request, _read_frame)

    def _segment(self, action: Action) -> Step:
        take = self.take(action.shot)
        if take is None:
            return self._without_take(action)
        output = self.graph.storyboard.output
        try:
            piece = place(self.graph.shot(action.shot), 0, output, take.info)
        except TooShort as problem:
            return Step(action, "blocked", Reason("too-short", text=str(problem)))
        why = self.not_copied(action.shot)
        if why is None:
            made = SegmentMade(take.digest, piece.frames, copied=True)
            return Step(action, "copy", Reason("unchanged"), found=made)
        request = segment_request(
            take.digest,
            piece.start,
            piece.frames,
            output.fps,
            output.size,
            self._wishes.renderer,
            self.graph.shot(action.shot).speed,
        )
        step = self._free(
            action, "segment", request, lambda record: SegmentMade(record.outputs["clip"], piece.frames, copied=False)
        )
        return msgspec.structs.replace(step, reason=Reason("not-copied", text=why)) if step.do == "make" else step

    def slate_step(self, piece: Piece, request: Request) -> Step:
        """The step that draws a slate in the place of *piece*."""
        action = Action(f"slate:{piece.shot}", "segment", piece.shot)
        key = action_key("segment", request)
        for record in self._memory.find(key):
            made = SegmentMade(record.outputs["clip"], piece.frames, copied=False)
            return Step(action, "reuse", Reason("cached"), key, request, found=made)
        return Step(action, "make", Reason("new"), key, request)

    def not_copied(self, shot: str) -> str | None:
        """Why the settled take of *shot* has to be encoded for the film; ``None`` if its packets can be copied."""
        why = self.misfit(shot)
        take = self.take(shot)
        if why is not None or take is None:
            return why
        if take.info.parameter_sets != common_parameter_sets(self._weights):
            return "most takes have other parameter sets"
        return None

    def misfit(self, shot: str) -> str | None:
        """Why the settled take of *shot* does not agree with the output, its neighbours left aside."""
        take = self.take(shot)
        if take is None:
            return "it is not there"
        output = self.graph.storyboard.output
        found = self.graph.shot(shot)
        try:
            return not_copied_because(take.info, place(found, 0, output, take.info), output, found.speed)
        except TooShort as problem:
            return str(problem)

    def _cut_shots(self) -> list[Shot]:
        return [shot for shot in self.graph.storyboard.shots() if not shot.skip]

    def _without_take(self, action: Action) -> Step:
        reason = self._upstream(take_id(action.shot), action.shot)
        return Step(action, "wait" if reason.why == "upstream-changes" else "blocked", reason)

    def _cut(self, action: Action) -> Step:
        segments = {shot.id: self.settled.get(segment_id(shot.id)) for shot in self._cut_shots()}
        pieces = [(made.digest, made.frames) for made in segments.values() if isinstance(made, SegmentMade)]
        if len(pieces) < len(segments):
            return self._incomplete(action, [shot for shot, made in segments.items() if made is None])
        return self.cut_step(action, pieces, self._memory.film_digest())

    def _incomplete(self, action: Action, missing: list[str]) -> Step:
        states = {self._steps[segment_id(shot)].do for shot in missing}
        if self.failed & {segment_id(shot) for shot in missing} or states & {"blocked", "skip"}:
            return Step(action, "blocked", Reason("upstream-missing", shots=tuple(missing)))
        return Step(action, "wait", Reason("upstream-changes", shots=tuple(missing)))

    def cut_step(self, action: Action, pieces: list[tuple[str, int]], film: str | None) -> Step:
        """The step that joins *pieces* (digest and frames) into the film; *film* is the digest of what is there."""
        storyboard = self.graph.storyboard
        output = storyboard.output
        request = cut_request(pieces, output.fps, output.size, storyboard.title, self._wishes.renderer)
        key = action_key(CUT, request)
        known = {record.values["film"] for record in self._memory.find(key)}
        if film is not None and film in known:
            return Step(action, "reuse", Reason("unchanged"), key, request, found=CutMade(film))
        why = Reason("new" if not known else "output-missing" if film is None else "output-changed")
        return Step(action, "make", why, key, request)


def _reuse_reason(result: TakeMade, key: str, locked: Locked | None) -> Reason:
    if locked is None or locked.key != key:
        return Reason("cached")
    return Reason("unchanged" if locked.take == result.digest else "other-take")


def _read_frame(record: Found) -> Any:
    return FrameMade(record.values["planes"], record.outputs["picture"])
