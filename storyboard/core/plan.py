"""Plan of a build: steps, their results and what the planner reads of earlier builds, as values.

``planner`` decides the steps, ``report`` words them. ``PlanState`` has the results and failures of the actions planned
so far.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, take_id
from storyboard.core.keys import Request, has_bar, is_drawn, is_panel
from storyboard.core.reason import CopyBlocker, Reason

if TYPE_CHECKING:
    from storyboard.core.built_film import BuiltFilm

Do = Literal["reuse", "copy", "resume", "make", "wait", "held", "blocked", "skip"]
"""reuse: the result exists; copy: packets of a take are copied into the film; resume: paid for already, as a job in
flight or as the locked take, which is fetched by its task id, or perhaps paid for, then with its price as
``cost_at_most``; make: it is made; wait: its key needs an input that does
not exist yet (counted as make); held: stale, but the author holds it; blocked: an input cannot be made; skip: not
selected."""


FREE = Decimal(0)

ShotState = Literal["make", "change", "resume", "unchanged", "held", "blocked", "left_out"]
"""make: a shot is made for the first time, or its result is missing; change: its result is replaced; resume: paid for
already; left_out: not selected."""
# Reasons of a step whose earlier result is replaced.
_REPLACED = frozenset(("request-changed", "input-changed", "renderer-changed", "forced"))


# Forms of the numbers in a lockfile, which comes from elsewhere: a rate of 12/0 divides by zero, and a sum of
# 1e999999999 is computed for hours.
_RATE = r"\A[1-9][0-9]{0,9}/[1-9][0-9]{0,9}\Z"
_AMOUNT = r"\A[0-9]{1,12}(\.[0-9]{1,20})?(E(\+[0-9]|-[0-9]{1,2}))?\Z"


class LockInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """The facts of a clip that decide the length of the cut; ``rate`` in frames a second as ``"24/1"``."""

    frames: Annotated[int, Meta(ge=0, le=10**9)]
    rate: Annotated[str, Meta(pattern=_RATE)]


class LockEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The take of one shot by one provider.

    ``frames`` maps the moment of a frame (``first``, ``last``, seconds) to the digest of its planes; ``cost`` is in US
    dollars as decimal text.
    """

    key: str
    take: str
    info: LockInfo
    seed: int | None = None
    task_id: str | None = None
    cost: Annotated[str, Meta(pattern=_AMOUNT)] | None = None
    frames: dict[str, str] = {}


class Step(Struct, frozen=True):
    """One line of a plan. ``result`` exists already.

    ``cost`` is what it is expected to cost in US dollars. ``cost_at_least`` and ``cost_at_most`` are what it may cost
    instead, ``None`` where they do not differ.

    ``locked`` is the lockfile's entry of a take that is fetched by its task id: such a step submits nothing.
    """

    action: Action
    do: Do
    reason: Reason
    key: str | None = None
    request: Request | None = None
    cost: Decimal = FREE
    result: "Result | None" = None
    locked: "LockEntry | None" = None
    cost_at_least: Decimal | None = None
    cost_at_most: Decimal | None = None


class Drawing(Struct, frozen=True):
    """The text that an animatic was drawn from, and its seed: its slate shows both, and of a panel the text large."""

    prompt: str
    seed: int
    is_panel: bool = False


def drawing_of(request: Request) -> Drawing | None:
    """Return what the slate of a take shows; ``None`` for takes that have none, since they are bought or have a bar."""
    if not is_drawn(request) or has_bar(request):
        return None
    return Drawing(request["prompt"], request["seed"], is_panel(request))


class TakeResult(Struct, frozen=True):
    """A stored take: digest and facts of its clip.

    *jump* is the difference, of 255, between its start and the linked first frame; ``None`` without a link or a
    measurement. *drawing* is set for an animatic that may be shown with a slate.
    """

    digest: str
    info: ClipInfo
    jump: float | None = None
    drawing: Drawing | None = None


class FrameResult(Struct, frozen=True):
    """A stored frame: the digests of its decoded planes and of its picture file."""

    planes: str
    picture: str


class SegmentResult(Struct, frozen=True):
    """A stored segment of the film; without frames it is empty.

    ``copied`` says that the digest is that of the take; the segment begins at its frame *start*.
    """

    digest: str
    frames: int
    copied: bool
    start: int = 0


class CutResult(Struct, frozen=True):
    """The film: digest of the output file."""

    digest: str


class SoundResult(Struct, frozen=True):
    """The encoded sound of the film; an empty digest means silence.

    *loudness* in LUFS and *peak* in dBTP are set where the film has a target loudness.
    """

    digest: str
    loudness: float | None = None
    peak: float | None = None


Result = TakeResult | FrameResult | SegmentResult | SoundResult | CutResult


class CachedResult(Protocol):
    """The part of a record that the planner reads. ``accepted``: its bytes were made for another request."""

    @property
    def accepted(self) -> bool: ...
    @property
    def outputs(self) -> Mapping[str, str]: ...
    @property
    def values(self) -> Mapping[str, str]: ...
    @property
    def info(self) -> Mapping[str, Any]: ...


class ActionCache(Protocol):
    """Results of earlier builds. Its methods change nothing."""

    def find(self, key: str) -> Sequence[CachedResult]:
        """Return the complete records of *key*, newest first, then results that only the lockfile names."""

    def request_of(self, key: str) -> Request | None:
        """Return the request behind *key* if a record of it is known, complete or not."""

    def is_damaged(self, key: str) -> bool:
        """Return whether bytes stored under *key* have changed."""

    def is_paid_for(self, key: str) -> bool:
        """Return whether a job for *key* was begun whose take is not stored."""

    def may_be_unpaid(self, key: str) -> bool:
        """Return whether the provider has not confirmed that it accepted the job begun for *key*."""

    def was_bought(self, key: str) -> bool:
        """Return whether the ledger has an attempt for *key* that succeeded."""

    def was_accepted(self, key: str) -> bool:
        """Return whether the provider accepted a job for *key* that has ended, with a take or without."""

    def is_refused(self, key: str) -> bool:
        """Return whether the provider refused the request of *key* by its policy, and never made a take of it."""

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """Return the lockfile's entry of a shot."""

    def named(self, key: str) -> Sequence[LockEntry]:
        """Return the lockfile's entries of the request behind *key*, of any shot."""

    def planes(self, take: str, at: str) -> str | None:
        """Return the digest of the planes of a frame of *take*, from the lockfile."""

    def film_digest(self, file: str) -> str | None:
        """Return the digest of the film at that path of the project; ``None`` without a film."""

    def built_film(self, file: str) -> "BuiltFilm | None":
        """Return the film that a build has last written to that path of the project; ``None`` if it is not known."""


class Plan(Struct, frozen=True, dict=True):
    """The steps in an order in which they can be done."""

    steps: tuple[Step, ...]

    def shots(self) -> list[Step]:
        """Return one step a shot: that of its take, or of its segment if it has no take.

        Of a segment in several films, a step that has to be done is preferred.
        """
        takes = self.of("take")
        taken = {step.action.shot for step in takes}
        drawn: dict[str, Step] = {}
        for step in self.of("segment"):
            if step.action.at == "" and step.action.shot not in taken:
                before = drawn.get(step.action.shot)
                drawn[step.action.shot] = step if before is None or before.do in ("reuse", "copy") else before
        if not drawn:
            return takes
        return [step for step in self.steps if step.action.kind == "take" or drawn.get(step.action.shot) is step]

    def of(self, kind: str) -> list[Step]:
        """Return the steps of one kind of action."""
        return list(self._kinds.get(kind, ()))

    @cached_property
    def _kinds(self) -> dict[str, list[Step]]:
        kinds: dict[str, list[Step]] = {}
        for step in self.steps:
            kinds.setdefault(step.action.kind, []).append(step)
        return kinds

    def segments(self, output: str) -> list[Step]:
        """Return the steps of the segments of one film, by the name of its output."""
        return [step for step in self.of("segment") if step.action.output == output]

    def takes(self) -> list[Step]:
        """Return the steps of the takes in the cut, without alternate takes."""
        return [step for step in self.of("take") if step.action.seed is None]

    def cost(self) -> Decimal:
        """Return what all steps are expected to cost, in US dollars."""
        return sum((step.cost for step in self.steps if step.cost is not FREE), FREE)

    def cost_at_least(self) -> Decimal:
        """Return what all steps cost in the best case, in US dollars."""
        spared = (s.cost - s.cost_at_least for s in self.steps if s.cost_at_least is not None)
        return self.cost() - sum(spared, FREE)

    def cost_at_most(self) -> Decimal:
        """Return what all steps cost in the worst case, in US dollars."""
        added = (s.cost_at_most - s.cost for s in self.steps if s.cost_at_most is not None)
        return self.cost() + sum(added, FREE)

    def nothing_to_do(self) -> bool:
        """Return whether all results exist."""
        return all(step.do in ("reuse", "copy", "held") for step in self.steps)


class PlanState:
    """State of planning: the planner writes it; the planners of takes and of derived results read it.

    ``expected`` maps a shot whose locked take is not in the cache to the digest of that take.
    """

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self.expected: dict[str, str] = {}
        self.failed: set[str] = set()
        self.steps: dict[str, Step] = {}

    def keep(self, steps: Mapping[str, Step]) -> None:
        """Take over steps that have their results."""
        self.steps.update(steps)
        self.results.update((name, step.result) for name, step in steps.items() if step.result is not None)

    def take(self, shot: str) -> TakeResult | None:
        """Return the take of a shot if it exists."""
        result = self.results.get(take_id(shot))
        return result if isinstance(result, TakeResult) else None

    def take_digest(self, shot: str) -> str | None:
        """Return the digest of the take of a shot if the take exists."""
        take = self.take(shot)
        return take.digest if take is not None else None

    def digest(self, shot: str) -> str | None:
        """Return the digest of a shot's take, or of its locked take that is not in the cache."""
        take = self.take(shot)
        return take.digest if take is not None else self.expected.get(shot)

    def upstream(self, name: str, shot: str) -> Reason:
        """Return why the action *name*, made of the take of *shot*, has no result."""
        step = self.steps.get(name)
        if name in self.failed or take_id(shot) in self.failed:
            return Reason("upstream-failed", shots=(shot,))
        if step is not None and step.do in ("skip", "blocked"):
            return Reason("upstream-missing", shots=(shot,))
        return Reason("upstream-changes", shots=(shot,))


def planned_state(step: Step) -> ShotState:
    """Return what happens to a shot by its step, as plan, build and status count it."""
    match step.do:
        case "reuse" | "copy":
            return "unchanged"
        case "wait" if step.reason.bought is not None:
            return "resume"
        case "make" | "wait":
            is_other_piece = step.action.kind == "segment" and bool(step.reason.changes)
            return "change" if step.reason.why in _REPLACED or step.reason.was_made or is_other_piece else "make"
        case "skip":
            return "left_out"
    return step.do


class ShotCounts(Struct, frozen=True):
    """Numbers of shots of a film by their state; *more* counts takes beyond those in the film that are made.

    Skipped shots do not count. A take beyond the film is an alternate take, or of a skipped shot with a linked frame.
    """

    by_state: Mapping[ShotState, int]
    more: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_state.values())

    def __getitem__(self, state: ShotState) -> int:
        return self.by_state.get(state, 0)


def count_shots(steps: Iterable[Step], shown: Collection[str]) -> ShotCounts:
    """Count the shots of *steps*, one step a shot as of ``Plan.shots``; *shown* are the shots of the film."""
    counts: Counter[ShotState] = Counter()
    more = 0
    for step in steps:
        state = planned_state(step)
        if step.action.seed is None and step.action.shot in shown:
            counts[state] += 1
        else:
            more += state in ("make", "change", "resume")
    return ShotCounts(dict(counts), more)


class EncodeCounts(Struct, frozen=True):
    """Numbers of frames that are copied, and of frames that are encoded, by what blocks a copy."""

    copied: int
    why: Mapping[CopyBlocker | None, int]

    @property
    def encoded(self) -> int:
        return sum(self.why.values())

    @property
    def frames(self) -> int:
        return self.copied + self.encoded


def encode_counts(steps: Iterable[Step]) -> EncodeCounts:
    """Count the frames of the segments among *steps*. Segments that wait for a take do not count."""
    copied = 0
    why: Counter[CopyBlocker | None] = Counter()
    for step in steps:
        if step.action.kind != "segment":
            continue
        if isinstance(step.result, SegmentResult) and step.result.copied:
            copied += step.result.frames
        elif step.request is not None:
            why[step.reason.copy_blocker] += int(step.request["frames"])
    return EncodeCounts(copied, dict(why))
