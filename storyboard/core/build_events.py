"""What a build tells while it runs. Whoever listens decides how it is shown."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from storyboard.core.captions import Cue
from storyboard.core.clip_warnings import ClipWarning
from storyboard.core.graph import Action
from storyboard.core.plan import SoundResult, Step


class StepStarted(Struct, frozen=True):
    """A step that makes something has begun; its turn has come, if it had to wait for one."""

    step: Step


class StepMade(Struct, frozen=True):
    """A step has made something, in so many seconds since it began to be made, for so many dollars."""

    step: Step
    seconds: float
    cost: Decimal = Decimal(0)


class StepReused(Struct, frozen=True):
    """What a step would make is there already."""

    step: Step


class StepFailed(Struct, frozen=True):
    """A step could not be done; *reason* is one line, *help* a way out."""

    action: Action
    reason: str
    help: str | None = None


class StepBlocked(Struct, frozen=True):
    """A step was left out because of its inputs, or because it was not selected."""

    step: Step


class Notice(Struct, frozen=True):
    """Something that a person should know, and that stops nothing."""

    text: str


Event = StepStarted | StepMade | StepReused | StepFailed | StepBlocked | Notice
Listener = Callable[[Event], None]


class FilmFile(Struct, frozen=True):
    """A film that is in its place when a build ends: the name of its output, its path, frames and rate.

    *joined* says that this build has put it together; *partial* that slates stand in for shots that are not there,
    and that it lies beside the place of the whole film. *cues* are its captions if those are not the whole film's.
    """

    name: str
    path: str
    frames: int
    rate: Fraction
    joined: bool = True
    partial: bool = False
    sound: SoundResult | None = None
    cues: tuple[Cue, ...] | None = None


class ReplacedTake(Struct, frozen=True):
    """A take that was there already and has come into the cut, and the digest of the one that it replaces."""

    step: Step
    instead: str


class BuildResult(Struct, frozen=True):
    """How a build ended: steps and reasons by action id; ``stopped_by`` is the signal that ended it, or 0.

    ``chosen`` are the takes that replaced others in the cut without being made; ``remarks`` are about those made.
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

    def __repr__(self) -> str:
        """In short: asyncio writes out what its main task returns, which nobody reads, at the end of every build."""
        return f"Outcome({len(self.made)} made, {len(self.reused)} reused, {len(self.failed)} failed)"
