"""When a step's turn has come: steps wait for a free worker, or for room among the paid jobs.

Whoever lets them wait calls ``has_come``; what that does was set by the engine. A step is a task of its own, so what is
set there is known to all that it calls, and to nothing else.
"""

from collections.abc import Callable
from contextvars import ContextVar

_COMES: ContextVar[Callable[[], None] | None] = ContextVar("turn", default=None)
# Frames and films are made beside the event loop as soon as their inputs are there.
_AT_ONCE = ("frame", "cut")


def wait_for_turn(kind: str, tell: Callable[[], None]) -> None:
    """Have *tell* called, once, when the turn of the running step comes, which is of that *kind*."""
    waiting = [tell]

    def come() -> None:
        if waiting:
            waiting.pop()()

    _COMES.set(come)
    if kind in _AT_ONCE:
        come()


def has_come() -> None:
    """The turn of the running step has come; said a second time, it means nothing."""
    come = _COMES.get()
    if come is not None:
        come()
