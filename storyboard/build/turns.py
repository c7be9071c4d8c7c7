"""When a step's turn has come: steps wait for a free worker, or for room among the paid jobs.

Whoever lets them wait calls ``has_come``; what that does was set by the engine. A step is a task of its own, so what is
set there is known to all that it calls, and to nothing else.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar

_COMES: ContextVar[Callable[[], None] | None] = ContextVar("turn", default=None)
# Frames and films are made beside the event loop as soon as their inputs are there.
_AT_ONCE = ("frame", "cut")


class Turn:
    """The turn of one step: *tell* is called when it comes. ``began`` is when that was, or when it began to wait."""

    def __init__(self, kind: str, tell: Callable[[], None]) -> None:
        self.began = time.monotonic()
        self._tell: Callable[[], None] | None = tell
        _COMES.set(self._come)
        if kind in _AT_ONCE:
            self._come()

    def _come(self) -> None:
        if self._tell is not None:
            self.began = time.monotonic()
            self._tell()
            self._tell = None


def has_come() -> None:
    """The turn of the running step has come; said a second time, it means nothing."""
    come = _COMES.get()
    if come is not None:
        come()
