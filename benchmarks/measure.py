"""What a benchmark gives back: rows, each a ratio to its reference measured in the same run.

Every module here that measures has ``rows(quick: bool) -> Iterator[Row]``; *quick* takes fewer samples of smaller
things, to see that the benchmark works. ``python -m benchmarks`` finds these modules, runs them and prints one table.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


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

    @property
    def met(self) -> bool | None:
        """Whether the ratio is within the target; ``None`` where there is none."""
        return None if self.target is None or self.ratio is None else self.ratio <= self.target


def peak_mb() -> float:
    """The largest resident size of this process so far. That of ``getrusage`` is at least that of its parent."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alternating(runs: int, *tasks: Callable[[], object]) -> Iterator[Sample]:
    """A sample of wall seconds for each of *tasks*, run in turn *runs* times, so that noise meets all of them."""
    return iter(both(runs, *tasks)[0])


def both(runs: int, *tasks: Callable[[], object]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Wall seconds and CPU seconds of *tasks*, measured as ``alternating`` does; of children that have ended, too."""
    turns = [[_timed(task) for task in tasks] for _ in range(runs)]
    wall, cpu = (tuple(Sample(tuple(turn[n][k] for turn in turns)) for n in range(len(tasks))) for k in (0, 1))
    return wall, cpu


def _timed(task: Callable[[], object]) -> tuple[float, float]:
    began, worked = time.perf_counter(), _cpu_seconds()
    task()
    return time.perf_counter() - began, _cpu_seconds() - worked


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def command(arguments: Sequence[str | os.PathLike[str]], **options: object) -> Callable[[], None]:
    """A task that runs a command to its end, silent; it raises if the command fails."""
    keep: dict[str, object] = {
        "check": True,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        **options,
    }
    return lambda: subprocess.run(list(arguments), **keep)  # type: ignore[call-overload]


def at_most(value: float, unit: str) -> Sample:
    """A limit as a reference, for rows that are measured against a fixed number."""
    return Sample((value,), unit)


NOTHING = command([sys.executable, "-c", "pass"])
