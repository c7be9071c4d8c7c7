"""What a build would do, step by step, and why: values only, decided in ``planner`` and worded in ``report``.

What has become of each action so far while a graph is walked: results, failures, and the step each was given.

How much of a film is the takes' own picture, and why the rest is not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, Protocol

from msgspec import Struct

from storyboard.core.clip import ClipInfo
from storyboard.core.graph import Action, take_id
from storyboard.core.keys import Request
from storyboard.core.reason import CopyBlocker, Reason

Do = Literal["reuse", "copy", "resume", "make", "wait", "held", "blocked", "skip"]
"""reuse: it is there; copy: a take goes into the film by its own packets; resume: it is already paid for: a job in
flight, or the locked take, which is fetched by its task id; make: it is made; wait: its key needs something that does
not exist yet, counted as make; held: stale, but the author locked it; blocked: an input cannot be had; skip: it is not
selected."""


FREE = Decimal(0)


class LockInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """As much of a clip as the cut's length needs; ``rate`` in frames a second as ``"24/1"``."""

    frames: int
    rate: str


class LockEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The take of one shot by one provider.

    ``frames`` map where a frame was taken of it (``first``, ``last``, seconds) to the digest of its planes;
    ``cost`` in US dollars as decimal text.
    """

    key: str
    take: str
    info: LockInfo
    seed: int | None = None
    task_id: str | None = None
    cost: str | None = None
    frames: dict[str, str] = {}


class Step(Struct, frozen=True):
    """One line of a plan. ``cost`` is an estimate in US dollars; ``result`` is what is there already.

    ``locked`` is the lockfile's entry whose take is fetched by its task id: nothing is ever submitted for such a step.
    """

    action: Action
    do: Do
    reason: Reason
    key: str | None = None
    request: Request | None = None
    cost: Decimal = FREE
    result: "Result | None" = None
    locked: "LockEntry | None" = None


class TakeResult(Struct, frozen=True):
    """A take that is in the store: digest of the clip, facts of the clip.

    *jump* is by how much, of 255, it begins away from the linked frame it was asked to begin with; ``None`` where
    there is none, or nobody has measured.
    """

    digest: str
    info: ClipInfo
    jump: float | None = None


class FrameResult(Struct, frozen=True):
    """A frame that is in the store: what its decoded planes hash to, and the digest of its picture file."""

    planes: str
    picture: str


class SegmentResult(Struct, frozen=True):
    """A stretch of the film that is in the store; one without frames is nothing.

    ``copied`` says that the digest is the take's own; the stretch begins at frame *start* of it.
    """

    digest: str
    frames: int
    copied: bool
    start: int = 0


class CutResult(Struct, frozen=True):
    """The film: digest of the output file."""

    digest: str


class SoundResult(Struct, frozen=True):
    """The sound of the film, encoded; an empty digest is a film without sound.

    *loudness* in LUFS and *peak* in dBTP are told where the film has a loudness to be brought to.
    """

    digest: str
    loudness: float | None = None
    peak: float | None = None


Result = TakeResult | FrameResult | SegmentResult | SoundResult | CutResult


class CachedResult(Protocol):
    """What the planner reads of a record. ``accepted`` says that its bytes were made for another request."""

    @property
    def accepted(self) -> bool: ...
    @property
    def outputs(self) -> Mapping[str, str]: ...
    @property
    def values(self) -> Mapping[str, str]: ...
    @property
    def info(self) -> Mapping[str, Any]: ...


class ActionCache(Protocol):
    """What is known from earlier builds; asking changes nothing."""

    def find(self, key: str) -> Sequence[CachedResult]:
        """Whole records of that key, newest first; then what the lockfile names for it and no record does."""

    def request_of(self, key: str) -> Request | None:
        """The request behind a key, if it is remembered, whole or not."""

    def is_damaged(self, key: str) -> bool:
        """Whether something was kept under *key* whose bytes are not what they were."""

    def is_paid_for(self, key: str) -> bool:
        """Whether a job for *key* has been submitted and its take has not been stored."""

    def locked(self, shot: str, provider: str) -> LockEntry | None:
        """What the lockfile says of a shot."""

    def named(self, key: str) -> Sequence[LockEntry]:
        """The lockfile's entries for the request behind *key*, whatever the shot is called there."""

    def planes(self, take: str, at: str) -> str | None:
        """The digest of the planes of a frame of a take, as the lockfile has it."""

    def film_digest(self, file: str) -> str | None:
        """Digest of the film at that path of the project; ``None`` if there is none."""


class Plan(Struct, frozen=True, dict=True):
    """The steps in the order in which they can be done."""

    steps: tuple[Step, ...]

    def shots(self) -> list[Step]:
        """One step a shot: that of its take, or of its picture where there is no take to make.

        Of a picture in several films it is one that has to be made, if there is one.
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
        """The steps of one kind of action."""
        return list(self._kinds.get(kind, ()))

    @cached_property
    def _kinds(self) -> dict[str, list[Step]]:
        kinds: dict[str, list[Step]] = {}
        for step in self.steps:
            kinds.setdefault(step.action.kind, []).append(step)
        return kinds

    def segments(self, output: str) -> list[Step]:
        """The steps of the pieces of one film, by its output's name."""
        return [step for step in self.of("segment") if step.action.output == output]

    def takes(self) -> list[Step]:
        """The takes in the cut; not those that are made beside them."""
        return [step for step in self.of("take") if step.action.seed is None]

    def cost(self) -> Decimal:
        """Estimate of the whole in US dollars."""
        return sum((step.cost for step in self.steps if step.cost is not FREE), FREE)

    def nothing_to_do(self) -> bool:
        """Whether a build would find everything in place."""
        return all(step.do in ("reuse", "copy", "held") for step in self.steps)


class PlanState:
    """The state of one walk; the planner writes it, and what decides on frames, pieces and the cut reads it.

    ``expected`` maps a shot whose locked take is not there to the digest of that take.
    """

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self.expected: dict[str, str] = {}
        self.failed: set[str] = set()
        self.steps: dict[str, Step] = {}

    def keep(self, steps: Mapping[str, Step]) -> None:
        """These steps have found what they ask for."""
        self.steps.update(steps)
        self.results.update((name, step.result) for name, step in steps.items() if step.result is not None)

    def take(self, shot: str) -> TakeResult | None:
        """The settled take of a shot."""
        result = self.results.get(take_id(shot))
        return result if isinstance(result, TakeResult) else None

    def digest(self, shot: str) -> str | None:
        """The digest of a shot's take: the settled one, or the locked one that is not there yet."""
        take = self.take(shot)
        return take.digest if take is not None else self.expected.get(shot)

    def upstream(self, name: str, shot: str) -> Reason:
        """Why there is no result of the action *name*, which is made of the take of *shot*."""
        step = self.steps.get(name)
        if name in self.failed or take_id(shot) in self.failed:
            return Reason("upstream-failed", shots=(shot,))
        if step is not None and step.do in ("skip", "blocked"):
            return Reason("upstream-missing", shots=(shot,))
        return Reason("upstream-changes", shots=(shot,))


class EncodeCounts(Struct, frozen=True):
    """Numbers of frames that are copied, and of frames that are encoded, by what keeps them from being copied."""

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
