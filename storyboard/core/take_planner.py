"""Decides what has to be done for takes: which are there, which have to be made, what they would ask for and cost."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, Graph, frame_id, moment, take_id
from storyboard.core.keys import (
    Request,
    action_key,
    footage_request,
    take_request,
)
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import ActionCache, CachedResult, FrameResult, LockEntry, PlanState, Step, TakeResult
from storyboard.core.reason import Change, PendingDownload, Reason, RemakeCost, Why, changes

_INPUT_FIELDS = frozenset({"first_frame", "last_frame"})
_GONE = ("upstream-missing", "upstream-failed")


class PlanOptions(Struct, frozen=True):
    """What the caller wants beside the storyboard.

    *files* maps project paths and URLs of pictures to digests; *engines* names the drawing version of providers that
    draw by themselves; *renderer* says what renders segments; *only* limits the build to some shots,
    *seeds* to some of their takes. Without *alternates* no alternate takes are made.
    """

    files: Mapping[str, str]
    engines: Mapping[str, str]
    renderer: Mapping[str, Json]
    price: Callable[[Generated], Decimal]
    remake: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    seeds: frozenset[int] | None = None
    alternates: bool = True


class TakePlanner:
    """Answers for the takes of one storyboard, given what has been settled so far."""

    def __init__(self, graph: Graph, memory: ActionCache, course: PlanState, wishes: PlanOptions) -> None:
        self._graph = graph
        self._memory = memory
        self._course = course
        self._wishes = wishes
        self._claims: dict[tuple[str, str], str] = {}
        self._owners: dict[str, str] = {}

    def owner(self, action: str) -> str:
        """The action that gets what *action* waits for as well. Raises ``KeyError``."""
        return self._owners[action]

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

    def _take_selected(self, action: Action) -> bool:
        seeds, wanted = self._wishes.seeds, self._wishes.alternates or action.seed is None
        seed = _generated(self._graph.shot_of(action)).seed
        return wanted and self.is_selected(action.shot) and (seeds is None or seed in seeds)

    # takes

    def step(self, action: Action) -> Step:
        """What a take needs now."""
        shot = self._graph.shot_of(action)
        if isinstance(shot.source, Clip):
            return self._footage(action, shot.source)
        source = _generated(shot)
        own = self._memory.locked(shot.id, source.provider) if action.seed is None else None
        if action.seed is None:
            self._course.expected.pop(shot.id, None)
        asked = self.asked(action)
        held = self._held(action)
        if held is not None:
            return held
        if isinstance(asked, Reason):
            return self._cannot_key(action, source, asked)
        key, request = asked
        selected = self._take_selected(action)
        without = self._without_frames(source)
        if self._memory.is_paid_for(key) and selected:
            if without is not None:
                return Step(action, "blocked", without, key, request)
            return Step(action, "resume", Reason("paid-for"), key, request)
        remake = shot.id in self._wishes.remake and action.seed is None
        named = None if remake else self._named(key, own)
        found = None if remake else self._choose(source, key, own, named)
        if found is not None:
            result = _read_take(found)
            return Step(action, "reuse", self._reuse(found, key, request, own), key, request, result=result)
        if named is not None and action.seed is None:
            self._course.expected[shot.id] = named.take
        if not selected:
            return Step(action, "skip", Reason("not-selected"), key, request)
        if named is not None and not self._is_drawn_here(source):
            reason = Reason("damaged" if self._memory.is_damaged(key) else "missing")
            return self._elsewhere(action, reason, key, request, named)
        if without is not None:
            return Step(action, "blocked", without, key, request)
        reason = Reason("forced") if remake else self._stale(key, request, own)
        if reason.why == "new" and action.seed is not None:
            reason = self._alternate_reason(shot, source, request)
        other = self._claim(action, key, request)
        if other is not None and (not remake or other.do == "blocked"):
            return other
        return Step(action, "make", reason, key, request, self._wishes.price(source))

    def _claim(self, action: Action, key: str, request: Request, take: str = "") -> Step | None:
        """The step of an action that waits for another one which gets the very same; ``None`` for the first to ask.

        *take* is the digest of the take that is fetched; without one, a take is made.
        """
        owner = self._claims.setdefault((key, take), action.id)
        self._owners[action.id] = owner
        shots = (self._graph.action(owner).shot,)
        if owner in self._course.failed:
            return Step(action, "blocked", Reason("upstream-failed", shots=shots), key, request)
        return Step(action, "wait", Reason("same-request", shots=shots), key, request) if owner != action.id else None

    def _named(self, key: str, own: LockEntry | None) -> LockEntry | None:
        """The lockfile's entry for this request: that of this shot, or else of one with another name."""
        if own is not None and own.key == key:
            return own
        return next(iter(self._memory.named(key)), None)

    def _elsewhere(self, action: Action, reason: Reason, key: str, request: Request, named: LockEntry) -> Step:
        """The step of a take that the lockfile names, that is not here, and that nobody may buy again unasked."""
        source = _generated(self._graph.shot_of(action))
        if named.task_id is None or self._is_drawn_here(source):
            why: Why = "held-missing" if reason.why == "held" else "locked-missing"
            detail = RemakeCost(self._wishes.price(source))
            return Step(action, "blocked", replace(reason, why=why, detail=detail), key, request)
        other = self._claim(action, key, request, named.take)
        return other or Step(action, "resume", reason, key, request, locked=named)

    def _is_drawn_here(self, source: Generated) -> bool:
        """Return whether a take of *source* is drawn by this program: it is then drawn again, and never fetched."""
        return source.provider in self._wishes.engines

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
            return None if asks_for_it else Step(action, "held", Reason("held"))
        return self._held_take(action, locked, asked)

    def _held_take(self, action: Action, locked: LockEntry, asked: tuple[str, Request] | Reason) -> Step:
        old = self._memory.request_of(locked.key)
        changed = self.differs(action, old) if old is not None else ()
        reason = Reason("held", changed, asked.shots if isinstance(asked, Reason) else ())
        found = next((one for one in self._memory.find(locked.key) if one.outputs.get("clip") == locked.take), None)
        if found is not None:
            result = TakeResult(locked.take, msgspec.convert(found.info, ClipInfo))
            return Step(action, "held", reason, locked.key, result=result)
        self._course.expected[action.shot] = locked.take
        if not self._take_selected(action):
            return Step(action, "skip", Reason("not-selected"), locked.key)
        return self._elsewhere(action, reason, locked.key, old or {}, locked)

    def _footage(self, action: Action, source: Clip) -> Step:
        """Own footage is taken into the store once, by its content."""
        request = footage_request(self._wishes.files[source.file.path])
        key = action_key("take", request)
        found = None if action.shot in self._wishes.remake else next(iter(self._memory.find(key)), None)
        if found is not None:
            result = _read_take(found)
            return Step(action, "reuse", Reason("unchanged"), key, request, result=result)
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
                    return Reason("upstream-changes", detail=PendingDownload(url))
                case FrameLink(shot, at):
                    planes = self._planes(shot, moment(at))
                    if planes is None:
                        return self._course.upstream(frame_id(shot, at), shot)
                    known[field] = f"picture:{planes}"
        return known

    def _planes(self, shot: str, at: str) -> str | None:
        """The digest of the planes of a frame: of the one that is there, or as the lockfile has it."""
        result = self._course.results.get(frame_id(shot, at))
        if isinstance(result, FrameResult):
            return result.planes
        take = self._course.digest(shot)
        return self._memory.planes(take, at) if take is not None else None

    def _without_frames(self, source: Generated) -> Reason | None:
        """Why the pictures that go in cannot be had, though it may be known what they look like."""
        for frame in (source.first_frame, source.last_frame):
            if isinstance(frame, FrameLink):
                name = frame_id(frame.shot, frame.at)
                if name in self._course.results:
                    continue
                reason = self._course.upstream(name, frame.shot)
                if reason.why in _GONE:
                    return reason
        return None

    def _cannot_key(self, action: Action, source: Generated, reason: Reason) -> Step:
        if not self._take_selected(action):
            return Step(action, "skip", Reason("not-selected"))
        if reason.why in _GONE:
            return Step(action, "blocked", reason)
        return Step(action, "wait", reason, cost=self._wishes.price(source))

    def _choose(
        self, source: Generated, key: str, own: LockEntry | None, named: LockEntry | None
    ) -> CachedResult | None:
        """The take that the lockfile names; without one that could be fetched, the newest that answers the request."""
        records = self._memory.find(key)
        if named is not None:
            for record in records:
                if record.outputs.get("clip") == named.take:
                    return record
        if named is not None and named is own and own.task_id is not None and not self._is_drawn_here(source):
            return None
        return records[0] if records else None

    def _reuse(self, found: CachedResult, key: str, request: Request, locked: LockEntry | None) -> Reason:
        if locked is None:
            return Reason("cached", accepted=found.accepted)
        if locked.key != key:
            old = self._memory.request_of(locked.key)
            return Reason("cached", changes(old, request) if old is not None else (), accepted=found.accepted)
        why: Why = "unchanged" if locked.take == found.outputs["clip"] else "other-take"
        return Reason(why, accepted=found.accepted)

    def _stale(self, key: str, request: Request, locked: LockEntry | None) -> Reason:
        if self._memory.is_damaged(key):
            return Reason("damaged")
        if locked is None:
            return Reason("new" if self._memory.request_of(key) is None else "missing")
        if locked.key == key:
            return Reason("missing")
        old = self._memory.request_of(locked.key)
        if old is None:
            return Reason("request-changed")
        return _changed(changes(old, request))

    def _alternate_reason(self, shot: Shot, source: Generated, request: Request) -> Reason:
        """Why a take beside the one in the cut is made: its seed is new, or the request of both has changed."""
        locked = self._memory.locked(shot.id, source.provider)
        old = self._memory.request_of(locked.key) if locked is not None else None
        differing = tuple(change for change in changes(old, request) if change.field != "seed") if old else ()
        return _changed(differing) if differing else Reason("new")


def _changed(differing: tuple[Change, ...]) -> Reason:
    fields = {change.field for change in differing}
    if fields and fields <= {"engine"}:
        return Reason("renderer-changed", differing)
    return Reason("input-changed" if fields and fields <= _INPUT_FIELDS else "request-changed", differing)


def _read_take(record: CachedResult) -> TakeResult:
    """The take of a record; one that was accepted for another request has begun with another frame."""
    jump = None if record.accepted else record.info.get("jump")
    return TakeResult(record.outputs["clip"], msgspec.convert(record.info, ClipInfo), jump)


def _generated(shot: Shot) -> Generated:
    if not isinstance(shot.source, Generated):
        raise TypeError(f"shot {shot.id} is not generated")
    return shot.source
