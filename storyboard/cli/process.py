"""Spells without garbage collection: what is built there stays, so looking through it again and again finds nothing.

Keys of paid providers: they leave the environment before this program starts any other, which would inherit them.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


class ProcessEnd:
    """The end of a process that has nothing left to do: what is held until then is not taken apart piece by piece."""

    def __init__(self) -> None:
        self.is_near = False
        self._held: list[object] = []

    def hold(self, *values: object) -> None:
        """Keep *values*, if the process ends with what it is doing now."""
        if self.is_near:
            self._held.extend(values)


THE_END = ProcessEnd()


@contextmanager
def nothing_to_collect() -> Iterator[None]:
    """Put the collector aside while many values are built that all stay; cycles wait until later, or for the end."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on and not THE_END.is_near:
            gc.enable()


_SUFFIX = "_API_KEY"
_taken: dict[str, str] = {}


def take_keys() -> None:
    """Take every provider's key out of the environment and keep it here. To be called before anything is started."""
    _taken.clear()
    for name in [name for name in os.environ if name.endswith(_SUFFIX)]:
        _taken[name] = os.environ.pop(name).strip()


def key_in(variable: str) -> str:
    """The key that the environment had in *variable*; empty if it had none."""
    if variable not in _taken:  # a plug-in may call its variable anything
        _taken[variable] = os.environ.pop(variable, "").strip()
    return _taken[variable]
