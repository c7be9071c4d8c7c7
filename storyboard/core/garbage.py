"""Spells without garbage collection: what is built there stays, so looking through it again and again finds nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class End:
    """The end of a process that has nothing left to do: what is held until then is not taken apart piece by piece."""

    def __init__(self) -> None:
        self.is_near = False
        self._held: list[object] = []

    def hold(self, *values: object) -> None:
        """Keep *values*, if the process ends with what it is doing now."""
        if self.is_near:
            self._held.extend(values)


THE_END = End()


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
