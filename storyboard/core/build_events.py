"""What a build tells while it runs. Whoever listens decides how it is shown."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from storyboard.core.graph import Action
from storyboard.core.plan import Step


class Started(Struct, frozen=True):
    """A step that makes something has begun; its turn has come, if it had to wait for one."""

    step: Step


class Made(Struct, frozen=True):
    """A step has made something, in so many seconds since it began to be made, for so many dollars."""

    step: Step
    seconds: float
    cost: Decimal = Decimal(0)


class Reused(Struct, frozen=True):
    """What a step would make is there already."""

    step: Step


class Failed(Struct, frozen=True):
    """A step could not be done; *reason* is one line, *help* a way out."""

    action: Action
    reason: str
    help: str | None = None


class Blocked(Struct, frozen=True):
    """A step was left out because of its inputs, or because it was not selected."""

    step: Step


class Told(Struct, frozen=True):
    """Something that a person should know, and that stops nothing."""

    text: str


Event = Started | Made | Reused | Failed | Blocked | Told
Listener = Callable[[Event], None]
