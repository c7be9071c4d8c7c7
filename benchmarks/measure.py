"""What a benchmark gives back: rows, each a ratio to its reference measured in the same run.

Every module here that measures has ``rows(quick: bool) -> Iterator[Row]``; *quick* takes fewer samples of smaller
things, to see that the benchmark works.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """Repeated measures of one thing, in *unit* (seconds unless said)."""

    values: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half the distance between the smallest and the largest, against the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0


@dataclass(frozen=True)
class Row:
    """One line of the table. *target* is the largest ratio we want; ``None`` where a row only informs."""

    group: str
    name: str
    ours: Sample
    reference: str
    theirs: Sample | None = None
    target: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours.median / self.theirs.median if self.theirs is not None and self.theirs.median else None


def alternating(runs: int, *tasks: Callable[[], None]) -> Iterator[Sample]:
    """A sample of wall seconds for each of *tasks*, run in turn *runs* times, so that noise meets all of them."""
    taken: list[list[float]] = [[] for _ in tasks]
    for _ in range(runs):
        for task, values in zip(tasks, taken, strict=True):
            began = time.perf_counter()
            task()
            values.append(time.perf_counter() - began)
    return (Sample(tuple(values)) for values in taken)


def command(arguments: Sequence[str], **options: object) -> Callable[[], None]:
    """A task that runs a command to its end, silent; it raises if the command fails."""
    keep: dict[str, object] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
    return lambda: subprocess.run(list(arguments), **keep)  # type: ignore[call-overload]


NOTHING = command([sys.executable, "-c", "pass"])
