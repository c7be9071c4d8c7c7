"""Decides what has to be done for one action after the other.

``plan`` walks the whole graph at once with what is there; the engine asks again for each action when its inputs have
been made. Both get their answers here, so that a build does what the plan said.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.course import Course
from storyboard.core.free import Free
from storyboard.core.graph import Action, Graph, frame_id, take_id
from storyboard.core.keys import (
    Request,
    action_key,
    footage_request,
    take_request,
)
from storyboard.core.model import Clip, FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import (
    Change,
    Found,
    FrameMade,
    Locked,
    Memory,
    Plan,
    Reason,
    Result,
    Step,
    TakeMade,
    changes,
)
from storyboard.core.recall import Held, Recalled, holding
from storyboard.core.segments import Segments

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

    def __init__(self, graph: Graph, memory: Memory, wishes: Wishes, recalled: Recalled | None = None) -> None:
        self.graph = graph
        self._recalled = recalled
        self._memory = memory
        self._wishes = wishes
        self._course = Course()
        self._claims: dict[str, str] = {}
        self._plan: Plan | None = None
        self._final: dict[str, Step] | None = None
        self.segments = {name: Segments(graph, self._course.take, wishes.files, name) for name in graph.films}
        self._free = Free(graph, memory, self._course, self.segments, wishes, self._selected)
        self.cut_step = self._free.cut_step
        self.sound_step = self._free.sound_step
        self.film_sound = self._free.film_sound
        self.partial_sound = self._free.partial_sound
        self.slate_step = self._free.slate_step

    @property
    def settled(self) -> dict[str, Result]:
        """What has been made or found, by action id."""
        return self._course.settled

    def plan(self) -> Plan:
        """The whole graph, with nothing made."""
        held = self._recall()
        self._decide(action for action in self.graph.taken if action.id not in held.takes)
        known: set[str] = set()
        for output, pieces in held.pieces.items():
            if self._is_common(output):
                self._course.keep(pieces)
                known |= pieces.keys()
        self._decide(action for action in self.graph.joined if action.id not in known)
        steps = self._course.steps
        self._plan = Plan(tuple([steps[action.id] for action in self.graph.order]))
        return self._plan

    def _decide(self, actions: Iterable[Action]) -> None:
        for action in actions:
            step = self.step(action)
            if step.found is not None:
                self.settle(action, step.found)

    def _is_common(self, output: str) -> bool:
        """Whether the same parameter sets can be copied as in the plan that is remembered; all takes are weighed."""
        return self._recalled is not None and self.segments[output].common() == self._recalled.plan.common[output]

    def _recall(self) -> Held:
        """What is known to be in place from an earlier plan; its takes are weighed at once."""
        if self._recalled is None:
            return Held()
        held = holding(self._recalled, self.graph, self._memory, self._wishes)
        self._course.keep(held.takes)
        known = self._recalled.plan
        weighed = [take for take in known.takes if take.shot in held.weighed and take_id(take.shot) in held.takes]
        sets = [info.parameter_sets for info in known.infos]
        for number, film in enumerate(self.segments.values()):
            film.weigh_known((take.shot, sets[take.info], take.weights[number]) for take in weighed)
        for take in known.takes:
            if take.shot not in held.weighed and take_id(take.shot) in held.takes:
                self._weigh(take.shot)
        return held

    def plan_after(self) -> Plan:
        """The plan of a build that follows one in which all that is made here has been settled."""
        final = self._in_place().items()
        self._final = {name: step for name, step in final if step.reason.why in ("unchanged", "held")}
        return Plan(tuple(self.step(action) for action in self.graph.order))

    def _in_place(self) -> dict[str, Step]:
        """What ``plan`` has found, and what stays so."""
        if self._final is None and self._plan is not None:
            # which takes are copied depends on all of them, so pieces are final only together
            pieces = ("segment",) if all(step.found for step in self._plan.of("take")) else ()
            kinds = ("take", "frame", *pieces)
            steps = self._plan.steps
            self._final = {s.action.id: s for s in steps if s.found is not None and s.action.kind in kinds}
        return self._final or {}

    def step(self, action: Action) -> Step:
        """What *action* needs now; what it is made of should be settled, or has failed.

        What ``plan`` has found in place stays so.
        """
        final = self._in_place().get(action.id)
        if final is not None:
            return final
        decide = {
            "take": self._take,
            "frame": self._free.frame,
            "segment": self._free.segment,
            "sound": self._free.sound,
            "cut": self._free.cut,
        }
        step = decide[action.kind](action)
        self._course.steps[action.id] = step
        return step

    def settle(self, action: Action, result: Result) -> None:
        """*action* has been made or found."""
        self.settled[action.id] = result
        if isinstance(result, TakeMade) and action.seed is None:
            self._weigh(action.shot)

    def _weigh(self, shot: str) -> None:
        if not self.graph.shot(shot).skip:
            for film in self.segments.values():
                film.weigh(shot)

    def fail(self, action: Action) -> None:
        """*action* could not be made."""
        self._course.failed.add(action.id)

    def take(self, shot: str) -> TakeMade | None:
        """The settled take of a shot."""
        return self._course.take(shot)

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
            result = _read_take(found)
            return Step(action, "reuse", self._reuse(found, key, request, locked), key, request, found=result)
        if not self._take_selected(shot):
            return Step(action, "skip", Reason("not-selected"), key, request)
        reason = Reason("forced") if remake else self._stale(key, request, locked)
        owner = self._claims.setdefault(key, action.id)
        if owner in self._course.failed:
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
            result = _read_take(found)
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
                        return self._course.upstream(frame_id(shot, at), shot)
                    known[field] = f"picture:{result.planes}"
        return known

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


def _read_take(record: Found) -> TakeMade:
    """The take of a record; one that was accepted for another request has begun with another frame."""
    jump = None if record.accepted else record.info.get("jump")
    return TakeMade(record.outputs["clip"], msgspec.convert(record.info, ClipInfo), jump)


def _generated(shot: Shot) -> Generated:
    if not isinstance(shot.source, Generated):
        raise TypeError(f"shot {shot.id} is not generated")
    return shot.source
