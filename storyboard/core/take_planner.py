"""Plan the step of each take: reuse, generate, resume or wait, with reason and cost."""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.clip import ClipInfo
from storyboard.core.earlier_frames import EarlierFrames
from storyboard.core.graph import Action, Graph, frame_id, links, moment, take_id
from storyboard.core.keys import (
    DRAWN_FIELDS,
    Request,
    action_key,
    draws_as_much,
    file_input,
    footage_request,
    frame_input,
    is_prepared,
    take_request,
    unprepared,
    whole_drawing,
    without_slate,
)
from storyboard.core.model import PICTURE_FIELDS, Clip, FileInput, FrameLink, Generated, Json, Shot, UrlInput
from storyboard.core.plan import (
    FREE,
    ActionCache,
    CachedResult,
    FrameResult,
    LockEntry,
    PlanState,
    Step,
    TakeResult,
    drawing_of,
)
from storyboard.core.ranges import SeenPart, seen_parts
from storyboard.core.reason import BoughtBefore, Change, PendingDownload, Reason, RemakeCost, Why, changes
from storyboard.core.render_spec import FindFonts

_INPUT_FIELDS = frozenset(PICTURE_FIELDS)
_MADE_BEFORE = ("missing", "damaged", "renderer-changed", "unchanged", "cached")
_NO_INPUT = ("upstream-missing", "upstream-failed")


class PlanOptions(Struct, frozen=True):
    """Options of the caller.

    *files* maps project paths and URLs of pictures to digests, *converted* has the digests of the pictures that are
    converted before they are sent; *engines* has the drawing version of local providers;
    *renderer* the version of the renderer; *price* returns the estimate of a take; *remake* are shots to make again;
    *only* limits the build to some shots, *seeds* to some of their takes. Without *alternates* no alternate takes are
    made, *offline* none that a remote provider makes. *pinned* are the steps of takes that stay whatever their request
    is, by action id, in the plan of a filled film. *fonts* finds the fonts of this machine for a text.
    """

    files: Mapping[str, str]
    engines: Mapping[str, str]
    renderer: Mapping[str, Json]
    price: Callable[[Generated], Decimal]
    remake: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    seeds: frozenset[int] | None = None
    alternates: bool = True
    offline: bool = False
    converted: Collection[str] = frozenset()
    pinned: Mapping[str, Step] | None = None
    fonts: FindFonts = lambda *_: None


class TakePlanner:
    """Planner of the takes of one storyboard, with the results recorded so far."""

    def __init__(self, graph: Graph, cache: ActionCache, state: PlanState, options: PlanOptions) -> None:
        self._graph = graph
        self._cache = cache
        self._state = state
        self._options = options
        self.earlier = EarlierFrames(graph, cache, options.engines, self._planes, self._current_key, self._file_value)
        self._claims: dict[tuple[str, str], str] = {}
        self._owners: dict[str, str] = {}

    @cached_property
    def _seen(self) -> dict[str, SeenPart]:
        board = self._graph.storyboard
        return seen_parts(list(board.shots()), board.outputs, self._options.engines)

    def owner(self, action: str) -> str:
        """Return the action that makes the take *action* waits for. Raises ``KeyError``."""
        return self._owners[action]

    def asked(self, action: Action) -> tuple[str, Request] | Reason:
        """Return key and request of a take as the storyboard has it, or why they are not known yet.

        A take that was made or bought before input pictures were prepared keeps the request of then, in which they are
        as they lie, until it is made again; and so does a take that was bought with a frame of an animatic as an
        earlier version drew it. No other version of this program buys it again.
        """
        return self._asked(action, self.prepared(action))

    def _asked(self, action: Action, prepared: tuple[str, Request] | Reason) -> tuple[str, Request] | Reason:
        for request in self._earlier_requests(action, prepared):
            before = action_key("take", request)
            if self._stays(action, None if isinstance(prepared, Reason) else prepared[0], before):
                return before, request
        return prepared

    def _earlier_requests(self, action: Action, prepared: tuple[str, Request] | Reason) -> Iterator[Request]:
        """Yield the requests for which earlier versions of this program may have made the take."""
        if not isinstance(prepared, Reason) and any(is_prepared(prepared[1].get(field)) for field in PICTURE_FIELDS):
            yield unprepared(prepared[1])
        yield from self.earlier.requests(self._graph.shot_of(action))

    def prepared(self, action: Action) -> tuple[str, Request] | Reason:
        """Return key and request of a take that is made now, with its pictures prepared, as ``asked`` does."""
        source = _generated_source(self._graph.shot_of(action))
        frames = self._input_digests(source)
        if isinstance(frames, Reason):
            return frames
        seen = self._seen.get(action.shot)
        request = take_request(source, self._options.engines.get(source.provider), frames, seen)
        key = action_key("take", request)
        return self._drawn(action, key, request) if self._is_drawn_here(source) else (key, request)

    def _drawn(self, action: Action, key: str, request: Request) -> tuple[str, Request]:
        """Return key and request of a drawn take: of one of which as much or more is drawn already, else as given."""
        whole = whole_drawing(request)
        if whole == request or self._is_remade(action):
            return key, request
        own = self._cache.locked(action.shot, str(request["provider"])) if action.seed is None else None
        whole_key = action_key("take", whole)
        if own is not None and own.key != key:
            old = whole if own.key == whole_key else self._cache.request_of(own.key)
            if old is not None and draws_as_much(old, request):
                return own.key, old
        if not self._cache.find(key) and self._cache.find(whole_key):
            return whole_key, whole
        return key, request

    def _stays(self, action: Action, prepared: str | None, before: str) -> bool:
        """Return whether there is a take, or a job, of the key *before* and none that was asked for since.

        *prepared* is the key of now, ``None`` while it is not known.
        """
        if self._is_remade(action):
            return False
        source = _generated_source(self._graph.shot_of(action))
        own = self._cache.locked(action.shot, source.provider) if action.seed is None else None
        if prepared == before or (prepared is not None and self._cache.is_paid_for(prepared)):
            return False
        if own is not None and own.key in (prepared, before):
            return own.key == before
        if self._cache.is_paid_for(before):
            return True
        if prepared is not None and (self._cache.find(prepared) or self._cache.named(prepared)):
            return False
        return bool(self._cache.find(before) or self._cache.named(before)) or self._cache.was_bought(before)

    def differs(self, action: Action, old: Request) -> tuple[Change, ...]:
        """Return the fields in which the request of a take differs from *old*.

        While its input frames are not known, they are left out. A picture counts by what it is, prepared or not.
        """
        asked = self.asked(action)
        if not isinstance(asked, Reason):
            return _changes(unprepared(old), unprepared(asked[1]))
        source = _generated_source(self._graph.shot_of(action))
        known = take_request(source, self._options.engines.get(source.provider), {}, self._seen.get(action.shot))
        return _changes({name: value for name, value in old.items() if name not in _INPUT_FIELDS}, known)

    def is_selected(self, shot: str) -> bool:
        """Return whether this build may make a shot."""
        return self._options.only is None or shot in self._options.only

    def _take_selected(self, action: Action) -> bool:
        seeds, wanted = self._options.seeds, self._options.alternates or action.seed is None
        source = _generated_source(self._graph.shot_of(action))
        reachable = not self._options.offline or self._is_drawn_here(source)
        return wanted and reachable and self.is_selected(action.shot) and (seeds is None or source.seed in seeds)

    def _skipped(self, action: Action, key: str | None = None, request: Request | None = None) -> Step:
        why: Why = "offline" if self._options.offline and self.is_selected(action.shot) else "not-selected"
        return Step(action, "skip", Reason(why), key, request)

    def step(self, action: Action) -> Step:
        """Return the step that a take needs now."""
        pinned = (self._options.pinned or {}).get(action.id)
        if pinned is not None:
            return pinned
        shot = self._graph.shot_of(action)
        if isinstance(shot.source, Clip):
            return self._footage_step(action, shot.source)
        source = _generated_source(shot)
        own = self._cache.locked(shot.id, source.provider) if action.seed is None else None
        if action.seed is None:
            self._state.expected.pop(shot.id, None)
        prepared = self.prepared(action)
        asked = self._asked(action, prepared)
        held = self._held_step(action)
        if held is not None:
            return held
        if isinstance(asked, Reason):
            return self._unknown_request_step(action, source, asked)
        key, request = asked
        selected = self._take_selected(action)
        without = self._missing_input(source)
        if self._cache.is_paid_for(key) and selected:
            if without is not None:
                return Step(action, "blocked", without, key, request)
            return self._resume_step(action, key, request)
        remake = self._is_remade(action)
        named = None if remake else self._locked_entry(key, own)
        found = None if remake else self._choose_record(source, key, own, named)
        if found is not None:
            result = _read_take(found, request)
            if prepared != asked:
                reason = self._unprepared_reason(shot, request, prepared)
                return Step(action, "held", reason, key, request, result=result)
            return Step(action, "reuse", self._reuse_reason(found, key, request, own), key, request, result=result)
        if named is not None and action.seed is None:
            self._state.expected[shot.id] = named.take
        if not selected:
            return self._skipped(action, key, request)
        if named is not None and not self._is_drawn_here(source):
            reason = Reason("damaged" if self._cache.is_damaged(key) else "missing")
            return self._fetch_step(action, reason, key, request, named)
        if without is not None:
            return Step(action, "blocked", without, key, request)
        if self._cache.is_refused(key) and not remake:
            # a job that failed after it was accepted is asked for again, and not submitted again
            accepted = self._cache.was_accepted(key)
            return Step(action, "resume" if accepted else "blocked", Reason("refused"), key, request)
        if self._cache.was_bought(key) and not remake:
            return self._bought_step(action, key, request)
        reason = Reason("forced") if remake else self._make_reason(action, key, request, own)
        if reason.why == "new" and action.seed is not None:
            reason = self._alternate_reason(shot, source, request)
        other = self._claim(action, key, request)
        if other is not None and (not remake or other.do == "blocked"):
            return other
        return Step(action, "make", reason, key, request, self._options.price(source))

    def _unprepared_reason(self, shot: Shot, request: Request, prepared: tuple[str, Request] | Reason) -> Reason:
        """Return why a take stays that was made for *request*, where a new one would be made for *prepared*."""
        if not isinstance(prepared, Reason) and unprepared(prepared[1]) == request:
            return Reason("unprepared", changes(request, prepared[1]))
        redrawn = tuple(dict.fromkeys(name for name, _ in self.earlier.drawn_links(shot)))
        return Reason("unprepared", () if isinstance(prepared, Reason) else changes(request, prepared[1]), redrawn)

    def _is_remade(self, action: Action) -> bool:
        return self._is_named(action) and action.seed is None

    def _is_named(self, action: Action) -> bool:
        """Return whether ``--remake`` names the shot: its alternate takes are bought again only if they are lost."""
        return action.shot in self._options.remake

    def _bought_step(self, action: Action, key: str, request: Request) -> Step:
        """Return the step of a take that only the ledger names: it is asked for, and never bought without --remake."""
        other = self._claim(action, key, request)
        if other is None and self._is_named(action):
            return self._resume_step(action, key, request)
        why: Why = "damaged" if self._cache.is_damaged(key) else "missing"
        bought = BoughtBefore("", self._options.price(_generated_source(self._graph.shot_of(action))))
        return other or Step(action, "resume", Reason(why, bought=bought), key, request)

    def _resume_step(self, action: Action, key: str, request: Request) -> Step:
        """Return the step of an open job. It has a price if the take may be bought after all."""
        if not self._cache.may_be_unpaid(key) and not self._is_named(action):
            return Step(action, "resume", Reason("paid-for"), key, request)
        price = self._options.price(_generated_source(self._graph.shot_of(action)))
        return Step(action, "resume", Reason("perhaps-paid"), key, request, cost_at_most=price)

    def _claim(self, action: Action, key: str, request: Request, take: str = "") -> Step | None:
        """Return the step that waits for another action of this request; ``None`` for the first one.

        *take* is the digest of the take that is fetched; without it a take is made.
        """
        owner = self._claims.setdefault((key, take), action.id)
        self._owners[action.id] = owner
        shots = (self._graph.action(owner).shot,)
        if owner in self._state.failed:
            return Step(action, "blocked", Reason("upstream-failed", shots=shots), key, request)
        return Step(action, "wait", Reason("same-request", shots=shots), key, request) if owner != action.id else None

    def _locked_entry(self, key: str, own: LockEntry | None) -> LockEntry | None:
        """Return the lockfile's entry of this request: that of this shot, or else of another one."""
        if own is not None and own.key == key:
            return own
        return next(iter(self._cache.named(key)), None)

    def _fetch_step(self, action: Action, reason: Reason, key: str, request: Request, named: LockEntry) -> Step:
        """Return the step of a locked take that is not in the cache and is never generated again without --remake."""
        source = _generated_source(self._graph.shot_of(action))
        if named.task_id is None or self._is_drawn_here(source):
            why: Why = "held-missing" if reason.why == "held" else "locked-missing"
            detail = RemakeCost(self._options.price(source))
            return Step(action, "blocked", replace(reason, why=why, detail=detail), key, request)
        other = self._claim(action, key, request, named.take)
        bought = BoughtBefore(named.task_id, self._options.price(source))
        return other or Step(action, "resume", replace(reason, bought=bought), key, request, locked=named)

    def _is_drawn_here(self, source: Generated) -> bool:
        """Return whether this program draws the take of *source*: then it is drawn again, never fetched."""
        return source.provider in self._options.engines

    def _held_step(self, action: Action) -> Step | None:
        """Return the step of a held shot whose request differs from that of its locked take."""
        shot = self._graph.shot(action.shot)
        locked = self._cache.locked(shot.id, _generated_source(shot).provider)
        if not shot.hold or locked is None or shot.id in self._options.remake:
            return None
        asked = self.asked(self._graph.action(take_id(shot.id)))
        if not isinstance(asked, Reason) and asked[0] == locked.key:
            return None
        if action.seed is not None:
            asks_for_it = self._options.seeds is not None and action.seed in self._options.seeds
            return None if asks_for_it else Step(action, "held", Reason("held"))
        return self._held_take_step(action, locked, asked)

    def _held_take_step(self, action: Action, locked: LockEntry, asked: tuple[str, Request] | Reason) -> Step:
        old = self._cache.request_of(locked.key)
        changed = self.differs(action, old) if old is not None else ()
        reason = Reason("held", changed, asked.shots if isinstance(asked, Reason) else ())
        found = next((one for one in self._cache.find(locked.key) if one.outputs.get("clip") == locked.take), None)
        if found is not None:
            result = msgspec.structs.replace(_read_take(found, old or {}), jump=None)
            return Step(action, "held", reason, locked.key, result=result)
        self._state.expected[action.shot] = locked.take
        if not self._take_selected(action):
            return self._skipped(action, locked.key)
        return self._fetch_step(action, reason, locked.key, old or {}, locked)

    def kept(self, action: Action) -> Step | None:
        """Return the step that keeps the stored take that the lockfile names, though its request has changed."""
        source = self._graph.shot(action.shot).source
        locked = self._cache.locked(action.shot, source.provider) if isinstance(source, Generated) else None
        if locked is None:
            return None
        step = self._held_take_step(action, locked, self.asked(action))
        return None if step.result is None else replace(step, reason=replace(step.reason, why="kept"))

    def _footage_step(self, action: Action, source: Clip) -> Step:
        """Return the step that imports own footage into the store, once for its content."""
        request = footage_request(self._options.files[source.file.path])
        key = action_key("take", request)
        found = None if action.shot in self._options.remake else next(iter(self._cache.find(key)), None)
        if found is not None:
            result = _read_take(found, request)
            return Step(action, "reuse", Reason("unchanged"), key, request, result=result)
        if not self.is_selected(action.shot):
            return Step(action, "skip", Reason("not-selected"), key, request)
        return Step(action, "make", Reason("damaged" if self._cache.is_damaged(key) else "new"), key, request)

    def _input_digests(self, source: Generated) -> dict[str, str] | Reason:
        """Return the digests of the input pictures, or why they are not known."""
        known: dict[str, str] = {}
        for field in PICTURE_FIELDS:
            match getattr(source, field):
                case FileInput(place) | UrlInput(place):
                    value = self._file_value(place)
                    if value is None:
                        return Reason("upstream-changes", detail=PendingDownload(place))
                    known[field] = value
                case FrameLink(shot, at):
                    planes = self._planes(shot, moment(at))
                    if planes is None:
                        return self._state.upstream(frame_id(shot, at), shot)
                    known[field] = frame_input(planes, with_bar=self._has_bar(shot, at))
        return known

    def _has_bar(self, shot: str, at: str | Fraction) -> bool:
        """Return whether a frame of a shot has a slate bar: its take is an animatic of an earlier drawing version."""
        source, take = self._graph.shot(shot).source, self._state.take(shot)
        if not isinstance(source, Generated) or not self._is_drawn_here(source):
            return False
        if take is not None:
            return take.drawing is None and self.earlier.had_bar(shot, at)
        # a take that only the lockfile has: of now, or else held since before
        locked = self._cache.locked(shot, source.provider)
        return locked is not None and locked.key != self._current_key(shot) and self.earlier.had_bar(shot, at)

    def _current_key(self, shot: str) -> str | None:
        """Return the key of the take of a shot in the film, if it is known."""
        asked = self.asked(self._graph.action(take_id(shot)))
        return None if isinstance(asked, Reason) else asked[0]

    def _file_value(self, place: str) -> str | None:
        """Return the value of a picture in a request, by its path or address; ``None`` before it is downloaded."""
        digest = self._options.files.get(place)
        return None if digest is None else file_input(digest, converted=digest in self._options.converted)

    def _planes(self, shot: str, at: str) -> str | None:
        """Return the digest of the planes of a frame: of the existing one, or from the lockfile."""
        result = self._state.results.get(frame_id(shot, at))
        if isinstance(result, FrameResult):
            return result.planes
        take = self._state.digest(shot)
        return self._cache.planes(take, at) if take is not None else None

    def _missing_input(self, source: Generated) -> Reason | None:
        """Return why input pictures cannot be made, although their digests may be known."""
        for frame in (source.first_frame, source.last_frame):
            if isinstance(frame, FrameLink):
                name = frame_id(frame.shot, frame.at)
                if name in self._state.results:
                    continue
                reason = self._state.upstream(name, frame.shot)
                if reason.why in _NO_INPUT:
                    return reason
        return None

    def _unknown_request_step(self, action: Action, source: Generated, reason: Reason) -> Step:
        if not self._take_selected(action):
            return self._skipped(action)
        if reason.why in _NO_INPUT:
            return Step(action, "blocked", reason)
        price, shot = self._options.price(source), self._graph.shot_of(action)
        own = self._cache.locked(action.shot, source.provider)
        old = self._cache.request_of(own.key) if own is not None else None
        reason = replace(reason, was_made=own is not None and action.seed is None)
        if not price or self._is_remade(action):
            return Step(action, "wait", reason, cost=price)
        if own is None:
            return Step(action, "wait", reason, cost=price, cost_at_least=FREE if self._may_keep_frames(shot) else None)
        if old is None and own.task_id is not None and action.seed is None and self._keeps_frames(shot):
            # nothing here contradicts the lockfile: its take is fetched, or the shot is left out
            return Step(action, "wait", replace(reason, bought=BoughtBefore(own.task_id, price)))
        # with the frames it started from before, the request is the one of its earlier take
        return Step(action, "wait", reason, cost=price, cost_at_least=FREE)

    def _may_keep_frames(self, shot: Shot) -> bool:
        """Return whether a shot that *shot* is linked to had a take before: its next one may have equal frames."""
        steps = [self._state.steps.get(take_id(link.shot)) for _, link in links(shot)]
        return any(step is not None and step.reason.why in _MADE_BEFORE for step in steps)

    def _keeps_frames(self, shot: Shot) -> bool:
        """Return whether no frame that *shot* starts from or ends with is of a shot whose take will change."""
        return all(self._keeps_take(link.shot) for _, link in links(shot))

    def _keeps_take(self, shot: str) -> bool:
        step = self._state.steps.get(take_id(shot))
        if step is None or step.do in ("skip", "blocked"):
            return False
        if isinstance(self._graph.shot(shot).source, Clip) or step.locked is not None or step.reason.bought is not None:
            return True
        return step.reason.why in ("unchanged", "held", "missing", "damaged")

    def _choose_record(
        self, source: Generated, key: str, own: LockEntry | None, named: LockEntry | None
    ) -> CachedResult | None:
        """Return the take that the lockfile names; without one that could be fetched, the newest of the request."""
        records = self._cache.find(key)
        if named is not None:
            for record in records:
                if record.outputs.get("clip") == named.take:
                    return record
        if named is not None and named is own and own.task_id is not None and not self._is_drawn_here(source):
            return None
        return records[0] if records else None

    def _reuse_reason(self, found: CachedResult, key: str, request: Request, locked: LockEntry | None) -> Reason:
        if locked is None:
            return Reason("cached", accepted=found.accepted)
        if locked.key != key:
            old = self._cache.request_of(locked.key)
            return Reason("cached", _changes(old, request) if old is not None else (), accepted=found.accepted)
        why: Why = "unchanged" if locked.take == found.outputs["clip"] else "other-take"
        return Reason(why, accepted=found.accepted)

    def _make_reason(self, action: Action, key: str, request: Request, locked: LockEntry | None) -> Reason:
        if self._cache.is_damaged(key):
            return Reason("damaged")
        if locked is None:
            return Reason("new" if self._cache.request_of(key) is None else "missing")
        if locked.key == key:
            return Reason("missing")
        old = self._cache.request_of(locked.key)
        if old is None:
            redrawn = self.earlier.drew(_generated_source(self._graph.shot_of(action)), locked.key)
            return Reason("renderer-changed" if redrawn else "request-changed")
        return _change_reason(_changes(old, request))

    def _alternate_reason(self, shot: Shot, source: Generated, request: Request) -> Reason:
        """Return why an alternate take is made: its seed is new, or the request of all takes has changed."""
        locked = self._cache.locked(shot.id, source.provider)
        old = self._cache.request_of(locked.key) if locked is not None else None
        differing = tuple(change for change in _changes(old, request) if change.field != "seed") if old else ()
        return _change_reason(differing) if differing else Reason("new")


def _changes(old: Request, new: Request) -> tuple[Change, ...]:
    """Return the fields in which the requests of two takes differ, without those that are drawn over a take."""
    return changes(without_slate(old), new)


def _change_reason(differing: tuple[Change, ...]) -> Reason:
    fields = {change.field for change in differing}
    if "engine" in fields and fields <= {"engine", *DRAWN_FIELDS}:
        return Reason("renderer-changed", differing)
    return Reason("input-changed" if fields and fields <= _INPUT_FIELDS else "request-changed", differing)


def _read_take(record: CachedResult, request: Request) -> TakeResult:
    """Return the take of a record, made for *request*.

    The jump of an accepted take is unknown: it began from another frame.
    """
    jump = None if record.accepted else record.info.get("jump")
    drawing = drawing_of(request) if not record.info.get("bar") else None
    return TakeResult(record.outputs["clip"], msgspec.convert(record.info, ClipInfo), jump, drawing)


def _generated_source(shot: Shot) -> Generated:
    if not isinstance(shot.source, Generated):
        raise TypeError(f"shot {shot.id} is not generated")
    return shot.source
