"""Decides what has to be done for takes: which are there, which have to be made, what they would ask for and cost."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.course import Course
from storyboard.core.graph import Action, Graph, frame_id, take_id
from storyboard.core.keys import (
    Request,
    action_key,
    footage_request,
    take_request,
)
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import Change, Found, FrameMade, Locked, Memory, Reason, Step, TakeMade, changes

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


class Taking:
    """Answers for the takes of one storyboard, given what has been settled so far."""

    def __init__(self, graph: Graph, memory: Memory, course: Course, wishes: Wishes) -> None:
        self._graph = graph
        self._memory = memory
        self._course = course
        self._wishes = wishes
        self._claims: dict[str, str] = {}

    def owner(self, key: str) -> str:
        """The first action that asked for *key* to be made. Raises ``KeyError``."""
        return self._claims[key]

    def asked(self, action: Action) -> tuple[str, Request] | Reason:
        """Key and request of a take as the storyboard has it, or why they cannot be known yet."""
        source = _generated(self._graph.shot_of(action))
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
        source = _generated(self._graph.shot_of(action))
        known = take_request(source, self._wishes.engines.get(source.provider), {})
        return changes({name: value for name, value in old.items() if name not in _INPUT_FIELDS}, known)

    def is_selected(self, shot: str) -> bool:
        """Whether a shot is to be made in this build."""
        return self._wishes.only is None or shot in self._wishes.only

    def _take_selected(self, shot: Shot) -> bool:
        seeds = self._wishes.seeds
        return self.is_selected(shot.id) and (seeds is None or _generated(shot).seed in seeds)

    # takes

    def step(self, action: Action) -> Step:
        """What a take needs now."""
        shot = self._graph.shot_of(action)
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
            result = _read_take(found)
            return Step(action, "reuse", self._reuse(found, key, request, locked), key, request, found=result)
        if not self._take_selected(shot):
            return Step(action, "skip", Reason("not-selected"), key, request)
        reason = Reason("forced") if remake else self._stale(key, request, locked)
        owner = self._claims.setdefault(key, action.id)
        if owner in self._course.failed:
            return Step(
                action, "blocked", Reason("upstream-failed", shots=(self._graph.action(owner).shot,)), key, request
            )
        if owner != action.id and not remake:
            same = Reason("same-request", shots=(self._graph.action(owner).shot,))
            return Step(action, "wait", same, key, request)
        return Step(action, "make", reason, key, request, self._wishes.price(source))

    def _held(self, action: Action) -> Step | None:
        """The step of a shot whose author keeps the locked take, if its request is another one than that take's."""
        shot = self._graph.shot(action.shot)
        locked = self._memory.locked(shot.id, _generated(shot).provider)
        if not shot.hold or locked is None or shot.id in self._wishes.remake:
            return None
        asked = self.asked(self._graph.action(take_id(shot.id)))
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
            result = _read_take(found)
            return Step(action, "reuse", Reason("unchanged"), key, request, found=result)
        if not self.is_selected(action.shot):
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
                    result = self._course.settled.get(frame_id(shot, at))
                    if not isinstance(result, FrameMade):
                        return self._course.upstream(frame_id(shot, at), shot)
                    known[field] = f"picture:{result.planes}"
        return known

    def _cannot_key(self, action: Action, source: Generated, reason: Reason) -> Step:
        if not self._take_selected(self._graph.shot_of(action)):
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


def _read_take(record: Found) -> TakeMade:
    """The take of a record; one that was accepted for another request has begun with another frame."""
    jump = None if record.accepted else record.info.get("jump")
    return TakeMade(record.outputs["clip"], msgspec.convert(record.info, ClipInfo), jump)


def _generated(shot: Shot) -> Generated:
    if not isinstance(shot.source, Generated):
        raise TypeError(f"shot {shot.id} is not generated")
    return shot.source
