"""What an earlier plan has found in place, and how much of it still holds.

A step is remembered with the shot, the take and the frames that it rests on. It holds as long as these are the same,
its record and its bytes look as they did, and the lockfile names the take. What hangs on a step that does not hold does
not hold either, and is decided anew. So a plan that is given what an earlier one has found says what it would say
without.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Graph
from storyboard.core.keys import Request
from storyboard.core.model import FileInput, Generated, Json, Shot, Storyboard, UrlInput
from storyboard.core.plan import FREE, ActionCache, Do, FrameResult, Plan, SegmentResult, Step, TakeResult
from storyboard.core.reason import CopyBlocker, Reason, Why
from storyboard.core.segments import Segments
from storyboard.core.timebase import as_text


class KnownTake(Struct, frozen=True, array_like=True, gc=False):
    """A take in the cut that the lockfile names. *info* is its number among the infos.

    *votes* has for every film how many frames of it count for its parameter sets; -1 where it has no say.
    """

    shot: str
    key: str
    digest: str
    info: int
    jump: float | None
    accepted: bool
    votes: tuple[int, ...]


class KnownFrame(Struct, frozen=True, array_like=True, gc=False):
    """A frame whose key has one record alone."""

    id: str
    key: str
    planes: str
    picture: str


class KnownSegment(Struct, frozen=True, array_like=True, gc=False):
    """A piece of a film; one that is copied has no key."""

    id: str
    do: Do
    why: Why
    copy_blocker: CopyBlocker | None
    digest: str
    frames: int
    copied: bool
    start: int
    key: str | None
    request: Request | None


class KnownPlan(Struct, frozen=True):
    """A plan in which things were in place, and what it was made of beside the shots.

    *given* is a digest of that: outputs, renderer, engines. *files* maps paths and addresses to the digests of what was
    there, *renderer* what rendered; *common* has the parameter sets that could be copied, by film.
    """

    given: str
    renderer: dict[str, Any]
    files: dict[str, str]
    common: dict[str, str]
    infos: list[ClipInfo]
    takes: list[KnownTake]
    frames: list[KnownFrame]
    pieces: list[KnownSegment]


class PlanSnapshot(Struct, frozen=True):
    """A known plan with its *shots*, and *changed_entries*: keys and digests whose files look different now."""

    plan: KnownPlan
    shots: Sequence[Shot]
    changed_entries: Collection[str]


class Given(Protocol):
    """What a plan is asked with, as far as it counts here."""

    @property
    def files(self) -> Mapping[str, str]: ...

    @property
    def engines(self) -> Mapping[str, str]: ...

    @property
    def renderer(self) -> Mapping[str, Json]: ...

    @property
    def remake(self) -> frozenset[str]: ...


def given_digest(storyboard: Storyboard, given: Given) -> str:
    """What everything in a film depends on beside its shots and files."""
    fonts = [output.font and given.files.get(output.font.path) for output in storyboard.outputs]
    told = [storyboard.outputs, fonts, given.renderer, given.engines]
    return sha256(msgspec.json.encode(told, enc_hook=as_text, order="sorted")).hexdigest()


class ReusableSteps(Struct, frozen=True):
    """The steps of *takes*, with their frames, that hold, by action, and by film those of *pieces* made of them.

    Pieces hold only as long as the same parameter sets can be copied; *voters* are the shots whose takes have the say
    in these that they had.
    """

    takes: Mapping[str, Step] = {}
    pieces: Mapping[str, Mapping[str, Step]] = {}
    voters: Collection[str] = ()


def reusable_steps(recalled: PlanSnapshot, graph: Graph, memory: ActionCache, given: Given) -> ReusableSteps:
    """What still holds."""
    if recalled.plan.given != given_digest(graph.storyboard, given):
        return ReusableSteps()
    same = _Same(recalled, graph, given)
    takes = _takes(recalled, graph, memory, same) | _frames(recalled, graph, same)
    pieces = _pieces(recalled, graph, same)
    _drop_what_hangs_on_others([takes, *pieces.values()], graph)
    return ReusableSteps(takes, pieces, same.settled)


class _Same:
    """Which shots are what they were, and in the same place between the same two."""

    def __init__(self, recalled: PlanSnapshot, graph: Graph, given: Given) -> None:
        before = {shot.id: shot for shot in recalled.shots}
        shots = {shot.id: shot for shot in graph.storyboard.shots()}
        then, now = recalled.plan.files, given.files
        changed = {path for path in then.keys() | now.keys() if then.get(path) != now.get(path)}
        self.shots = {
            name: shot
            for name, shot in shots.items()
            if ((old := before.get(name)) is shot or old == shot)
            and name not in given.remake
            and not (changed and changed & set(_files(shot)))
        }
        here = [shot.id for shot in shots.values() if not shot.skip]
        there = [shot.id for shot in recalled.shots if not shot.skip]
        unlike = shots.keys() - self.shots.keys()
        beside = _neighbours(here)
        touched = unlike | {name for other in unlike for name in beside.get(other, ())}
        if here != there:
            before_here = _neighbours(there)
            touched |= {name for name, two in beside.items() if before_here.get(name) != two}
        self.settled = set(here) - touched


def _neighbours(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    ends = ["", *names, ""]
    return {name: (before, after) for name, before, after in zip(names, ends, ends[2:], strict=False)}


def _files(shot: Shot) -> Iterator[str]:
    source: Any = shot.source
    for part in (getattr(source, name, None) for name in ("first_frame", "last_frame", "file", "font")):
        if isinstance(part, FileInput):
            yield part.path
        elif isinstance(part, UrlInput):
            yield part.url


def _takes(recalled: PlanSnapshot, graph: Graph, memory: ActionCache, same: _Same) -> dict[str, Step]:
    known, changed, find, steps = recalled.plan, recalled.changed_entries, graph.find, dict[str, Step]()
    reasons = {accepted: Reason("unchanged", accepted=accepted) for accepted in (False, True)}
    for take in known.takes:
        shot, action = same.shots.get(take.shot), find(f"take:{take.shot}")
        if shot is None or action is None or shot.hold or take.key in changed or take.digest in changed:
            continue
        source = shot.source
        if isinstance(source, Generated):
            locked = memory.locked(take.shot, source.provider)
            if locked is None or locked.key != take.key or locked.take != take.digest:
                continue
        if memory.is_paid_for(take.key):
            continue
        found = TakeResult(take.digest, known.infos[take.info], take.jump)
        steps[action.id] = Step(action, "reuse", reasons[take.accepted], take.key, None, FREE, found)
    return steps


def _frames(recalled: PlanSnapshot, graph: Graph, same: _Same) -> dict[str, Step]:
    reason, changed, find, steps = Reason("cached"), recalled.changed_entries, graph.find, dict[str, Step]()
    for frame in recalled.plan.frames:
        action = find(frame.id)
        if action is None or frame.key in changed or frame.picture in changed or action.shot not in same.shots:
            continue
        found = FrameResult(frame.planes, frame.picture)
        steps[frame.id] = Step(action, "reuse", reason, frame.key, None, FREE, found)
    return steps


def _pieces(recalled: PlanSnapshot, graph: Graph, same: _Same) -> dict[str, dict[str, Step]]:
    changed, find = recalled.changed_entries, graph.find
    steps: dict[str, dict[str, Step]] = {name: {} for name in graph.films}
    reasons: dict[tuple[Why, CopyBlocker | None], Reason] = {}
    for piece in recalled.plan.pieces:
        action = find(piece.id)
        if action is None or action.shot not in same.settled or piece.key in changed or piece.digest in changed:
            continue
        told = (piece.why, piece.copy_blocker)
        reason = reasons.get(told) or reasons.setdefault(told, Reason(piece.why, copy_blocker=piece.copy_blocker))
        found = SegmentResult(piece.digest, piece.frames, piece.copied, piece.start)
        steps[action.output][piece.id] = Step(action, piece.do, reason, piece.key, piece.request, FREE, found)
    return steps


def _drop_what_hangs_on_others(steps: Sequence[dict[str, Step]], graph: Graph) -> None:
    """What is made of something that does not hold does not hold, and so on; *steps* begin with those of takes."""
    gone = {action.id for action in graph.taken if action.seed is None and action.id not in steps[0]}
    if not gone:
        return
    for action in graph.order:
        if not gone.isdisjoint(action.inputs):
            gone.add(action.id)
    for held in steps:
        for name in gone & held.keys():
            del held[name]


def known_plan(
    plan: Plan, graph: Graph, given: Given, segments: Mapping[str, Segments], vouched: Callable[[Step], bool]
) -> KnownPlan:
    """What to remember of *plan*: steps that found something which the store *vouched* for."""
    infos: dict[ClipInfo, int] = {}
    films = list(segments.values())
    takes, frames, pieces = [], [], []
    for step in plan.steps:
        action, found, key = step.action, step.result, step.key
        if step.do not in ("reuse", "copy") or (key is not None and not vouched(step)):
            continue
        if isinstance(found, TakeResult) and key is not None and step.reason.why == "unchanged" and action.seed is None:
            number = infos.setdefault(found.info, len(infos))
            votes = tuple(film.votes(action.shot) for film in films)
            takes.append(KnownTake(action.shot, key, found.digest, number, found.jump, step.reason.accepted, votes))
        elif isinstance(found, FrameResult) and key is not None:
            frames.append(KnownFrame(action.id, key, found.planes, found.picture))
        elif isinstance(found, SegmentResult):
            said = (action.id, step.do, step.reason.why, step.reason.copy_blocker, found.digest)
            pieces.append(KnownSegment(*said, found.frames, found.copied, found.start, key, step.request))
    return KnownPlan(
        given=given_digest(graph.storyboard, given),
        renderer=dict(given.renderer),
        files=dict(given.files),
        common={name: film.common_parameter_sets() for name, film in segments.items()},
        infos=list(infos),
        takes=takes,
        frames=frames,
        pieces=pieces,
    )
