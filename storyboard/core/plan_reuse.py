"""Reuse of an earlier plan: the steps whose results were in place, and which of them are still valid.

A step is stored with the shot, the take and the frames it depends on. It stays valid while these are equal, its record
and its bytes have unchanged stamps, and the lockfile names the take. Steps that depend on an invalid step are invalid
as well and are planned anew. A plan that reuses steps therefore equals one that does not.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Graph
from storyboard.core.keys import Request
from storyboard.core.model import FileInput, Generated, Shot, Storyboard, UrlInput
from storyboard.core.plan import FREE, ActionCache, Do, Drawing, FrameResult, Plan, SegmentResult, Step, TakeResult
from storyboard.core.ranges import links_to_seen, seen_parts
from storyboard.core.reason import CopyBlocker, Reason, Why
from storyboard.core.render_spec import names_fonts
from storyboard.core.segments import Segments
from storyboard.core.take_planner import PlanOptions
from storyboard.core.timebase import as_text


class KnownTake(Struct, frozen=True, array_like=True, gc=False):
    """A take in the cut that the lockfile names. *info* is an index into the infos of the plan.

    *votes* has, for every film, the frames with which the take votes for its parameter sets; -1 where it has no vote.
    *has_slate* says that it may be shown with a slate.
    """

    shot: str
    key: str
    digest: str
    info: int
    jump: float | None
    accepted: bool
    votes: tuple[int, ...]
    has_slate: bool


class KnownFrame(Struct, frozen=True, array_like=True, gc=False):
    """A frame whose key has exactly one record."""

    id: str
    key: str
    planes: str
    picture: str


class KnownSegment(Struct, frozen=True, array_like=True, gc=False):
    """A segment of a film; a copied one has no key."""

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
    """A plan whose results were in place, and what it depended on, without the shots.

    *given* is a digest of outputs, renderer and engines. *files* maps paths and URLs to the digests of their content,
    *renderer* is the version that rendered; *common* has the parameter sets that can be copied, by film.
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
    """A known plan with its *shots*, and *changed_entries*: keys and digests whose files have other stamps now."""

    plan: KnownPlan
    shots: Sequence[Shot]
    changed_entries: Collection[str]


def given_digest(storyboard: Storyboard, options: PlanOptions) -> str:
    """Return a digest of everything that a film depends on, except for its shots and files."""
    fonts = [output.font and options.files.get(output.font.path) for output in storyboard.outputs]
    inputs = [storyboard.outputs, fonts, options.renderer, options.engines]
    return sha256(msgspec.json.encode(inputs, enc_hook=as_text, order="sorted")).hexdigest()


class ReusableSteps(Struct, frozen=True):
    """Valid steps of an earlier plan: takes and frames by action id, and segments by film.

    Segments are valid only while the parameter sets to copy are unchanged; *voters* are the shots whose votes for these
    are unchanged.
    """

    takes: Mapping[str, Step] = {}
    pieces: Mapping[str, Mapping[str, Step]] = {}
    voters: Collection[str] = ()


def reusable_steps(snapshot: PlanSnapshot, graph: Graph, cache: ActionCache, options: PlanOptions) -> ReusableSteps:
    """Return the steps of the earlier plan that are still valid."""
    if snapshot.plan.given != given_digest(graph.storyboard, options):
        return ReusableSteps()
    same = _UnchangedShots(snapshot, graph, options)
    takes = _valid_takes(snapshot, graph, cache, same) | _valid_frames(snapshot, graph, same)
    pieces = _valid_segments(snapshot, graph, same)
    _drop_dependents([takes, *pieces.values()], graph)
    return ReusableSteps(takes, pieces, same.in_place)


class _UnchangedShots:
    """Shots whose fields and inputs are unchanged, and of these the ones whose neighbours in the film are unchanged."""

    def __init__(self, snapshot: PlanSnapshot, graph: Graph, options: PlanOptions) -> None:
        before = {shot.id: shot for shot in snapshot.shots}
        shots = {shot.id: shot for shot in graph.storyboard.shots()}
        then, now = snapshot.plan.files, options.files
        changed = {path for path in then.keys() | now.keys() if then.get(path) != now.get(path)}
        equal = {name: shot for name, shot in shots.items() if (old := before.get(name)) is shot or old == shot}
        seen_otherwise = _seen_otherwise(before, shots, equal, graph, options)
        self.shots = {
            name: shot
            for name, shot in equal.items()
            if name not in options.remake
            and name not in seen_otherwise
            and not (changed and changed & set(_files(shot)))
        }
        here = [shot.id for shot in shots.values() if not shot.skip]
        there = [shot.id for shot in snapshot.shots if not shot.skip]
        unlike = shots.keys() - self.shots.keys()
        neighbours = _neighbours(here)
        touched = unlike | {name for other in unlike for name in neighbours.get(other, ())}
        if here != there:
            before_here = _neighbours(there)
            touched |= {name for name, two in neighbours.items() if before_here.get(name) != two}
        self.in_place = set(here) - touched


def _seen_otherwise(
    before: Mapping[str, Shot], now: Mapping[str, Shot], equal: Collection[str], graph: Graph, options: PlanOptions
) -> Collection[str]:
    """Return the *equal* shots of which another part is seen now, which other shots decide by their links."""
    unequal = ([shot for name, shot in film.items() if name not in equal] for film in (before, now))
    then, here = ({links_to_seen(shot, options.engines) for shot in shots} for shots in unequal)
    if then == here:
        return ()
    outputs = graph.storyboard.outputs
    old, new = (seen_parts(film.values(), outputs, options.engines) for film in (before, now))
    return {name for name in equal if old.get(name) != new.get(name)}


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


def _valid_takes(snapshot: PlanSnapshot, graph: Graph, cache: ActionCache, same: _UnchangedShots) -> dict[str, Step]:
    known, changed, find, steps = snapshot.plan, snapshot.changed_entries, graph.find, dict[str, Step]()
    reasons = {accepted: Reason("unchanged", accepted=accepted) for accepted in (False, True)}
    for take in known.takes:
        shot, action = same.shots.get(take.shot), find(f"take:{take.shot}")
        if shot is None or action is None or shot.hold or take.key in changed or take.digest in changed:
            continue
        source = shot.source
        if isinstance(source, Generated):
            locked = cache.locked(take.shot, source.provider)
            if locked is None or locked.key != take.key or locked.take != take.digest:
                continue
        if cache.is_paid_for(take.key):
            continue
        drawing = None
        if take.has_slate and isinstance(source, Generated):
            drawing = Drawing(source.prompt, source.seed, source.is_panel)
        found = TakeResult(take.digest, known.infos[take.info], take.jump, drawing)
        steps[action.id] = Step(action, "reuse", reasons[take.accepted], take.key, None, FREE, found)
    return steps


def _valid_frames(snapshot: PlanSnapshot, graph: Graph, same: _UnchangedShots) -> dict[str, Step]:
    reason, changed, find, steps = Reason("cached"), snapshot.changed_entries, graph.find, dict[str, Step]()
    for frame in snapshot.plan.frames:
        action = find(frame.id)
        if action is None or frame.key in changed or frame.picture in changed or action.shot not in same.shots:
            continue
        found = FrameResult(frame.planes, frame.picture)
        steps[frame.id] = Step(action, "reuse", reason, frame.key, None, FREE, found)
    return steps


def _valid_segments(snapshot: PlanSnapshot, graph: Graph, same: _UnchangedShots) -> dict[str, dict[str, Step]]:
    changed, find = snapshot.changed_entries, graph.find
    steps: dict[str, dict[str, Step]] = {name: {} for name in graph.films}
    reasons: dict[tuple[Why, CopyBlocker | None], Reason] = {}
    for piece in snapshot.plan.pieces:
        action = find(piece.id)
        if action is None or action.shot not in same.in_place or piece.key in changed or piece.digest in changed:
            continue
        if piece.request is not None and names_fonts(piece.request):
            continue  # another font may be installed now
        identity = (piece.why, piece.copy_blocker)
        reason = reasons.get(identity) or reasons.setdefault(
            identity, Reason(piece.why, copy_blocker=piece.copy_blocker)
        )
        found = SegmentResult(piece.digest, piece.frames, piece.copied, piece.start)
        steps[action.output][piece.id] = Step(action, piece.do, reason, piece.key, piece.request, FREE, found)
    return steps


def _drop_dependents(steps: Sequence[dict[str, Step]], graph: Graph) -> None:
    """Remove the steps that depend on an invalid one; *steps* begin with those of takes."""
    gone = {action.id for action in graph.taken if action.seed is None and action.id not in steps[0]}
    if not gone:
        return
    for action in graph.order:
        if not gone.isdisjoint(action.inputs):
            gone.add(action.id)
    for valid in steps:
        for name in gone & valid.keys():
            del valid[name]


def known_plan(
    plan: Plan, graph: Graph, options: PlanOptions, segments: Mapping[str, Segments], vouched: Callable[[Step], bool]
) -> KnownPlan:
    """Return what to store of *plan*: the steps with results that the store vouches for (*vouched*)."""
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
            facts = (found.digest, number, found.jump, step.reason.accepted, votes, found.drawing is not None)
            takes.append(KnownTake(action.shot, key, *facts))
        elif isinstance(found, FrameResult) and key is not None:
            frames.append(KnownFrame(action.id, key, found.planes, found.picture))
        elif isinstance(found, SegmentResult):
            said = (action.id, step.do, step.reason.why, step.reason.copy_blocker, found.digest)
            pieces.append(KnownSegment(*said, found.frames, found.copied, found.start, key, step.request))
    return KnownPlan(
        given=given_digest(graph.storyboard, options),
        renderer=dict(options.renderer),
        files=dict(options.files),
        common={name: film.common_parameter_sets() for name, film in segments.items()},
        infos=list(infos),
        takes=takes,
        frames=frames,
        pieces=pieces,
    )
