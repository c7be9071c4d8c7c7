"""Decides what has to be done for one action after the other.

``plan`` walks the whole graph at once with what is there; the engine asks again for each action when its inputs have
been made. Both get their answers here, so that a build does what the plan said.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.cutting import TooLong
from storyboard.core.graph import CUT, SOUND, Action, Graph, frame_id, take_id
from storyboard.core.keys import (
    Request,
    action_key,
    cut_request,
    footage_request,
    frame_request,
    take_request,
)
from storyboard.core.layers import drawn_request
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import (
    Change,
    CutMade,
    Found,
    FrameMade,
    Locked,
    Memory,
    Plan,
    Reason,
    Result,
    SegmentMade,
    SoundMade,
    Step,
    TakeMade,
    changes,
)
from storyboard.core.segments import Kept, Segments
from storyboard.core.sound import OffFilm, Sound, film_sound, partial_sound, sound_request
from storyboard.core.timeline import TooShort

_INPUT_FIELDS = frozenset({"first_frame", "last_frame"})


class Wishes(Struct, frozen=True):
    """What the caller wants beside the storyboard.

    *files* maps project paths and URLs of pictures to digests; *engines* names the drawing version of providers that
    draw by themselves; *renderer* says what renders segments; *only* limits the build to some shots,
    *seeds* to some of their takes.
    """

    files: Mapping[str, str]
    engines: Mapping[str, str]
    renderer: Mapping[str, Json]
    price: Callable[[Generated], Decimal]
    remake: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    seeds: frozenset[int] | None = None


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
        self.segments = Segments(graph, self.take, wishes.files)

    def plan(self) -> Plan:
        """The whole graph, with nothing made."""
        for action in self.graph.order:
            step = self.step(action)
            if step.found is not None:
                self.settle(action, step.found)
        return Plan(tuple(self._steps[action.id] for action in self.graph.order))

    def step(self, action: Action) -> Step:
        """What *action* needs now; what it is made of should be settled, or has failed."""
        decide = {"take": self._take, "frame": self._frame, "segment": self._segment}
        decide |= {"sound": self._sound, "cut": self._cut}
        step = decide[action.kind](action)
        self._steps[action.id] = step
        return step

    def settle(self, action: Action, result: Result) -> None:
        """*action* has been made or found."""
        self.settled[action.id] = result
        if not isinstance(result, TakeMade) or action.seed is not None:
            return
        if not self.graph.shot(action.shot).skip:
            self.segments.weigh(action.shot)

    def fail(self, action: Action) -> None:
        """*action* could not be made."""
        self.failed.add(action.id)

    def take(self, shot: str) -> TakeMade | None:
        """The settled take of a shot."""
        result = self.settled.get(take_id(shot))
        return result if isinstance(result, TakeMade) else None

    def owner(self, key: str) -> str:
        """The first action that asked for *key* to be made. Raises ``KeyError``."""
        return self._claims[key]

    def asked(self, action: Action) -> tuple[str, Request] | Reason:
        """Key and request of a take as the storyboard has it, or why they cannot be known yet."""
        source = _generated(self.graph.shot_of(action))
        frames = self._frames(source)
        if isinstance(frames, Reason):
            return frames
        request = take_request(source, self._wishes.engines.get(source.provider), frames)
        return action_key("take", request), request

    def differs(self, action: Action, old: Request) -> tuple[Change, ...]:
        """In what the request of a take differs from *old*; while its frames are not known, in the other fields."""
        asked = self.asked(action)
        if not isinstance(asked, Reason):
            return changes(old, asked[1])
        source = _generated(self.graph.shot_of(action))
        known = take_request(source, self._wishes.engines.get(source.provider), {})
        return changes({name: value for name, value in old.items() if name not in _INPUT_FIELDS}, known)

    def _selected(self, shot: str) -> bool:
        return self._wishes.only is None or shot in self._wishes.only

    def _take_selected(self, shot: Shot) -> bool:
        seeds = self._wishes.seeds
        return self._selected(shot.id) and (seeds is None or _generated(shot).seed in seeds)

    # takes

    def _take(self, action: Action) -> Step:
        shot = self.graph.shot_of(action)
        if isinstance(shot.source, Clip):
            return self._footage(action, shot.source)
        source = _generated(shot)
        locked = self._memory.locked(shot.id, source.provider) if action.seed is None else None
        asked = self.asked(action)
        held = self._held(action)
        if held is not None:
            return held
        if isinstance(asked, Reason):
            return self._cannot_key(action, source, asked)
        key, request = asked
        remake = shot.id in self._wishes.remake and action.seed is None
        if self._memory.is_paid_for(key) and self._take_selected(shot):
            return Step(action, "resume", Reason("paid-for"), key, request)
        found = None if remake else self._choose(key, locked)
        if found is not None:
            result = TakeMade(found.outputs["clip"], msgspec.convert(found.info, ClipInfo))
            return Step(action, "reuse", self._reuse(found, key, request, locked), key, request, found=result)
        if not self._take_selected(shot):
            return Step(action, "skip", Reason("not-selected"), key, request)
        reason = Reason("forced") if remake else self._stale(key, request, locked)
        owner = self._claims.setdefault(key, action.id)
        if owner in self.failed:
            return Step(
                action, "blocked", Reason("upstream-failed", shots=(self.graph.action(owner).shot,)), key, request
            )
        if owner != action.id and not remake:
            same = Reason("same-request", shots=(self.graph.action(owner).shot,))
            return Step(action, "wait", same, key, request)
        return Step(action, "make", reason, key, request, self._wishes.price(source))

    def _held(self, action: Action) -> Step | None:
        """The step of a shot whose author keeps the locked take, if its request is another one than that take's."""
        shot = self.graph.shot(action.shot)
        locked = self._memory.locked(shot.id, _generated(shot).provider)
        if not shot.hold or locked is None or shot.id in self._wishes.remake:
            return None
        asked = self.asked(self.graph.action(take_id(shot.id)))
        if not isinstance(asked, Reason) and asked[0] == locked.key:
            return None
        if action.seed is not None:
            asks_for_it = self._wishes.seeds is not None and action.seed in self._wishes.seeds
            return None if asks_for_it else Step(action, "held", Reason("held", text="beside"))
        return self._held_take(action, locked, asked)

    def _held_take(self, action: Action, locked: Locked, asked: tuple[str, Request] | Reason) -> Step:
        old = self._memory.request_of(locked.key)
        changed = self.differs(action, old) if old is not None else ()
        reason = Reason("held", changed, asked.shots if isinstance(asked, Reason) else ())
        found = next((one for one in self._memory.find(locked.key) if one.outputs.get("clip") == locked.take), None)
        if found is None:
            return Step(action, "blocked", msgspec.structs.replace(reason, why="held-missing"), locked.key)
        result = TakeMade(locked.take, msgspec.convert(found.info, ClipInfo))
        return Step(action, "held", reason, locked.key, found=result)

    def _footage(self, action: Action, source: Clip) -> Step:
        """Own footage is taken into the store once, by its content."""
        request = footage_request(self._wishes.files[source.file.path])
        key = action_key("take", request)
        found = None if action.shot in self._wishes.remake else self._choose(key, None)
        if found is not None:
            result = TakeMade(found.outputs["clip"], msgspec.convert(found.info, ClipInfo))
            return Step(action, "reuse", Reason("unchanged"), key, request, found=result)
        if not self._selected(action.shot):
            return Step(action, "skip", Reason("not-selected"), key, request)
        return Step(action, "make", Reason("damaged" if self._memory.is_damaged(key) else "new"), key, request)

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
        if not self._take_selected(self.graph.shot_of(action)):
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

    def _reuse(self, found: Found, key: str, request: Request, locked: Locked | None) -> Reason:
        text = "accepted" if found.accepted else ""
        if locked is None:
            return Reason("cached", text=text)
        if locked.key != key:
            old = self._memory.request_of(locked.key)
            return Reason("cached", changes(old, request) if old is not None else (), text=text)
        return Reason("unchanged" if locked.take == found.outputs["clip"] else "other-take", text=text)

    def _stale(self, key: str, request: Request, locked: Locked | None) -> Reason:
        if self._memory.is_damaged(key):
            return Reason("damaged")
        if locked is None:
            return Reason("new" if self._memory.request_of(key) is None else "missing")
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
        if not self._selected(action.shot) and kind not in ("frame", "sound"):
            return Step(action, "skip", Reason("not-selected"), key, request)
        return Step(action, "make", Reason("damaged" if self._memory.is_damaged(key) else "new"), key, request)

    def _frame(self, action: Action) -> Step:
        take = self.take(action.shot)
        if take is None:
            return self._without_take(action, action.shot)
        request = frame_request(take.digest, action.at)
        return self._free(action, "frame", request, _read_frame)

    def _segment(self, action: Action) -> Step:
        missing = [name for name in self.graph.inputs(action.id) if not isinstance(self.settled.get(name), TakeMade)]
        if missing:
            return self._without_take(action, self.graph.action(missing[0]).shot)
        try:
            content = self.segments.content(action)
        except (TooShort, TooLong) as problem:
            return Step(action, "blocked", Reason("too-short", text=str(problem)))
        if isinstance(content, Kept):
            made = SegmentMade(content.digest, content.frames, copied=True, start=content.start)
            return Step(action, "copy", Reason("unchanged"), found=made)
        request = drawn_request(content, self.graph.storyboard.output, self._wishes.renderer)
        step = self._free(
            action, "segment", request, lambda record: SegmentMade(record.outputs["clip"], content.frames, copied=False)
        )
        why = self.segments.why_drawn(action)
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

    def _sound(self, action: Action) -> Step:
        missing = [name for name in self.graph.inputs(action.id) if not isinstance(self.settled.get(name), TakeMade)]
        if missing:
            return self._without_take(action, self.graph.action(missing[0]).shot)
        try:
            return self.sound_step(action, self.film_sound())
        except (TooShort, TooLong, OffFilm) as problem:
            return Step(action, "blocked", Reason("too-short", text=str(problem)))

    def film_sound(self) -> Sound:
        """What the film sounds like by the takes that are there. Raises ``TooShort`` and ``OffFilm``."""
        return film_sound(self.graph.storyboard, self.segments.timeline(), self.take, self._wishes.files)

    def partial_sound(self, frames: int) -> Sound:
        """The same over a film of so many *frames* with slates in the place of what is not there."""
        return partial_sound(self.graph.storyboard, self.take, self._wishes.files, frames)

    def sound_step(self, action: Action, sound: Sound) -> Step:
        """The step that mixes *sound*; without anything to be heard there is nothing to do."""
        if not sound.voices and not sound.beds:
            return Step(action, "reuse", Reason("unchanged"), found=SoundMade(""))
        return self._free(action, "sound", sound_request(sound, self._wishes.renderer), _read_sound)

    def _without_take(self, action: Action, shot: str) -> Step:
        reason = self._upstream(take_id(shot), shot)
        return Step(action, "wait" if reason.why == "upstream-changes" else "blocked", reason)

    def _cut(self, action: Action) -> Step:
        made = [self.settled.get(piece.id) for piece in self.graph.pieces]
        pieces = [piece for piece in made if isinstance(piece, SegmentMade)]
        if len(pieces) < len(made):
            return self._incomplete(action, [p for p, found in zip(self.graph.pieces, made, strict=True) if not found])
        sound = self.graph.sound
        if sound is not None and sound.id not in self.settled:
            return self._incomplete(action, [sound])
        return self.cut_step(action, pieces, self._memory.film_digest())

    def _incomplete(self, action: Action, missing: list[Action]) -> Step:
        states = {self._steps[piece.id].do for piece in missing}
        shots = tuple(dict.fromkeys(piece.shot or "the sound" for piece in missing))
        if self.failed & {piece.id for piece in missing} or states & {"blocked", "skip"}:
            return Step(action, "blocked", Reason("upstream-missing", shots=shots))
        return Step(action, "wait", Reason("upstream-changes", shots=shots))

    def cut_step(
        self, action: Action, made: Sequence[SegmentMade], film: str | None, sound: SoundMade | None = None
    ) -> Step:
        """The step that joins what was *made* into the film; *film* is the digest of what is there.

        *sound* is the film's own unless another is given.
        """
        storyboard = self.graph.storyboard
        output = storyboard.output
        pieces = [
            (piece.digest, piece.frames, piece.start) if piece.start else (piece.digest, piece.frames)
            for piece in made
            if piece.frames
        ]
        request = cut_request(
            pieces, output.fps, output.size, storyboard.title, self._wishes.renderer, self._extras(sound)
        )
        key = action_key(CUT, request)
        known = {record.values["film"] for record in self._memory.find(key)}
        if film is not None and film in known:
            return Step(action, "reuse", Reason("unchanged"), key, request, found=CutMade(film))
        why = Reason("new" if not known else "output-missing" if film is None else "output-changed")
        return Step(action, "make", why, key, request)

    def _extras(self, sound: SoundMade | None) -> dict[str, Json]:
        own = self.settled.get(SOUND)
        heard = sound if sound is not None else own if isinstance(own, SoundMade) else SoundMade("")
        always: dict[str, Json] = {"comment": self.graph.storyboard.output.comment, "sound": heard.digest}
        try:
            captions = [[cue.text, cue.first, cue.end] for cue in self.segments.film_cues()]
            chapters = [[chapter.title, chapter.first, chapter.end] for chapter in self.segments.chapters()]
        except TooShort:  # a film of what is there has a slate in that place
            return always
        return always | {"captions": list(captions), "chapters": list(chapters)}


def _generated(shot: Shot) -> Generated:
    if not isinstance(shot.source, Generated):
        raise TypeError(f"shot {shot.id} is not generated")
    return shot.source


def _read_sound(record: Found) -> Any:
    return SoundMade(record.outputs["sound"], record.info.get("loudness"), record.info.get("peak"))


def _read_frame(record: Found) -> Any:
    return FrameMade(record.values["planes"], record.outputs["picture"])
