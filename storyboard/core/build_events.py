"""Events and result of a build. ``report`` decides how they are shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from storyboard.core.fill import Fill
from storyboard.core.graph import Action, moment
from storyboard.core.model import DEFAULT_PROVIDER, FOOTAGE, FrameLink, Generated, MadeOf, Shot, Storyboard, maker_of
from storyboard.core.plan import SoundResult, Step, TakeResult


class StepStarted(Struct, frozen=True):
    """A step has begun to run, after waiting for its turn if it had to."""

    step: Step


class StepMade(Struct, frozen=True):
    """A step is done: *seconds* since it began to run, *cost* in US dollars."""

    step: Step
    seconds: float
    cost: Decimal = Decimal(0)


class StepReused(Struct, frozen=True):
    """The result of a step exists already."""

    step: Step


class StepFailed(Struct, frozen=True):
    """A step failed; *reason* is one line, *code* is stable, *help* a way out."""

    action: Action
    reason: str
    code: str = "failed"
    help: str | None = None


# Codes of takes that were left out until the user decides: bought before and gone, perhaps paid for, not in the plan at
# their price, or refused after a cost that cannot be believed. They are no failures.
DECISION_CODES = frozenset({"another-take", "conflict", "doubtful-cost", "gone", "unknown", "unpriced"})


class StepBlocked(Struct, frozen=True):
    """A step was left out because of its inputs, or because it was not selected."""

    step: Step


class Notice(Struct, frozen=True):
    """A message for the author that stops nothing; with a *code* it is a warning."""

    text: str
    code: str = ""


class JobState(Struct, frozen=True):
    """The state of a paid job in the words of its provider, such as ``queued``; *action* is the id of its take.

    *progress* is in percent where the provider states it.
    """

    action: str
    provider: str
    text: str
    progress: int | None = None


Event = StepStarted | StepMade | StepReused | StepFailed | StepBlocked | JobState | Notice
Listener = Callable[[Event], None]


class FilmFile(Struct, frozen=True):
    """A film in place at the end of a build: name of its output, path, frames and rate.

    *made_of* are its materials; *joined* says that this build joined it; *fill*, how its missing shots are filled.
    """

    name: str
    path: str
    frames: int
    rate: Fraction
    joined: bool = True
    sound: SoundResult | None = None
    fill: Fill | None = None
    made_of: tuple[MadeOf, ...] = ()


class ReplacedTake(Struct, frozen=True):
    """A stored take that has come into the cut, and the digest of the take that it replaces."""

    step: Step
    instead: str


class ClipWarning(Struct, frozen=True):
    """One warning about the take of *shot*; *seed* is set for an alternate take.

    *start* and *end* are seconds of the take. A jump has *difference*, 0 to 255, to the frame *at* of the shot *frame*.
    The bytes of a repeated clip are also those of the take of *frame*, which was bought by another request.
    """

    shot: str
    seed: int | None
    kind: Literal["black", "frozen", "jump", "repeated"]
    start: float = 0.0
    end: float = 0.0
    difference: float = 0.0
    frame: str = ""
    at: str = ""

    @property
    def other(self) -> str:
        """The shot of the take that the warning also is about; empty if there is none."""
        return self.frame.partition("#")[0]


class BuildResult(Struct, frozen=True):
    """The end of a build: steps and reasons by action id; ``stopped_by`` is the signal that ended it, or 0.

    ``cost`` is in US dollars, ``failed_cost`` the part of it for attempts without a take, possibly not charged.
    ``chosen`` are the takes that replaced others in the cut without being made; ``remarks`` are warnings about new
    takes.
    """

    made: Mapping[str, Step]
    reused: Mapping[str, Step]
    failed: Mapping[str, str]
    codes: Mapping[str, str]
    blocked: Mapping[str, Step]
    films: tuple[FilmFile, ...]
    cost: Decimal
    stopped_by: int
    chosen: tuple[ReplacedTake, ...] = ()
    remarks: tuple[ClipWarning, ...] = ()
    failed_cost: Decimal = Decimal(0)

    def __repr__(self) -> str:
        """Return a short text: asyncio formats the result of its main task at the end of every build."""
        return f"BuildResult({len(self.made)} made, {len(self.reused)} reused, {len(self.failed)} failed)"


# Mean difference of thumbnails, of 255, from which a start counts as a jump; encoding alone stays below 3.
JUMP = 10.0


def clip_warnings(storyboard: Storyboard, takes: Iterable[tuple[Action, TakeResult]]) -> list[ClipWarning]:
    """Return all warnings about *takes*, in the order of the film."""
    place = {shot.id: number for number, shot in enumerate(storyboard.shots())}
    links = {shot.id: _first_frame_link(shot.source) for shot in storyboard.shots()}
    ordered = sorted(takes, key=lambda one: (place[one[0].shot], one[0].seed is not None))
    return [warning for action, take in ordered for warning in _take_warnings(action, take, links[action.shot])]


def repeated_clips(storyboard: Storyboard, takes: Iterable[tuple[Step, TakeResult]]) -> Iterator[ClipWarning]:
    """Yield a warning for each bought take with a clip that was also delivered for another request of the film."""
    shots = {shot.id: shot for shot in storyboard.shots()}
    place = {name: number for number, name in enumerate(shots)}
    first: dict[str, Step] = {}
    for step, take in sorted(takes, key=lambda one: (place[one[0].action.shot], one[0].action.seed or -1)):
        other = first.setdefault(take.digest, step)
        if other.key != step.key and _is_bought(shots[step.action.shot]) and _is_bought(shots[other.action.shot]):
            seed = other.action.seed
            name = other.action.shot if seed is None else f"{other.action.shot}#{seed}"
            yield ClipWarning(step.action.shot, step.action.seed, "repeated", frame=name)


def _is_bought(shot: Shot) -> bool:
    return maker_of(shot.source) not in (None, FOOTAGE, DEFAULT_PROVIDER)


def _take_warnings(action: Action, take: TakeResult, link: FrameLink | None) -> Iterator[ClipWarning]:
    for start, end in take.info.black:
        yield ClipWarning(action.shot, action.seed, "black", start, end)
    for start, end in take.info.frozen:
        yield ClipWarning(action.shot, action.seed, "frozen", start, end)
    if take.jump is not None and take.jump >= JUMP and link is not None:
        yield ClipWarning(action.shot, action.seed, "jump", difference=take.jump, frame=link.shot, at=moment(link.at))


def _first_frame_link(source: object) -> FrameLink | None:
    frame = source.first_frame if isinstance(source, Generated) else None
    return frame if isinstance(frame, FrameLink) else None
