"""Events and result of a build. ``report`` decides how they are shown."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from storyboard.core.captions import Cue
from storyboard.core.clip_warnings import ClipWarning
from storyboard.core.graph import Action
from storyboard.core.plan import SoundResult, Step


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
    """A step failed; *reason* is one line, *help* a way out."""

    action: Action
    reason: str
    help: str | None = None


class StepBlocked(Struct, frozen=True):
    """A step was left out because of its inputs, or because it was not selected."""

    step: Step


class Notice(Struct, frozen=True):
    """A message for the author that stops nothing."""

    text: str


Event = StepStarted | StepMade | StepReused | StepFailed | StepBlocked | Notice
Listener = Callable[[Event], None]


class FilmFile(Struct, frozen=True):
    """A film in place at the end of a build: name of its output, path, frames and rate.

    *joined* says that this build joined it; *partial* that placeholder slates replace missing shots, and that the file
    has the name of a partial film. *cues* are its captions where they differ from those of the whole film.
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
    """A stored take that has come into the cut, and the digest of the take that it replaces."""

    step: Step
    instead: str


class BuildResult(Struct, frozen=True):
    """The end of a build: steps and reasons by action id; ``stopped_by`` is the signal that ended it, or 0.

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

    def __repr__(self) -> str:
        """Return a short text: asyncio formats the result of its main task at the end of every build."""
        return f"BuildResult({len(self.made)} made, {len(self.reused)} reused, {len(self.failed)} failed)"
