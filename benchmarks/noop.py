"""Films at rest: what a build costs that has nothing to do, a plan after one edit, and a check that knows nothing.

All against an interpreter that does nothing, in CPU time (user and system) of the whole process: the files are in the
kernel's memory, so there is nothing to wait for.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import big
from benchmarks.footage import HERE
from benchmarks.measure import Row, Sample

_REFERENCE = "python -c pass"
_NOTHING = [sys.executable, "-c", "pass"]
_PROGRAM = [sys.executable, "-m", "storyboard"]
# Films of these sizes, with the largest ratio that a build with nothing to do may take.
_RESTING = {12: 8.0, 1_000: 10.0, 10_000: 25.0}
_MEMORY_MB = 400


def rows(quick: bool) -> Iterator[Row]:
    """*quick* leaves out the film of ten thousand shots."""
    sizes = (12, 100) if quick else (12, 100, 1_000, 10_000)
    runs = 3 if quick else 9
    with tempfile.TemporaryDirectory() as folder:
        plans, rests = {}, {}
        for shots in sizes:
            film = Path(folder) / str(shots)
            big.storyboard(film, shots)
            big.build(film)
            nothing, rests[shots] = _alternating(runs, film, [*_PROGRAM, "build"])
            name = f"build with nothing to do, {shots} shots"
            yield Row("at rest", name, rests[shots], _REFERENCE, nothing, _RESTING.get(shots))
            _edit(film)
            nothing, plans[shots] = _alternating(max(3, runs // 3), film, [*_PROGRAM, "plan"])
            target = 60.0 if shots == 10_000 else None
            yield Row("one edit", f"plan after one edit in {shots} shots", plans[shots], _REFERENCE, nothing, target)
        yield from _growth("build with nothing to do", rests)
        yield from _growth("plan", plans)
        yield _memory(film, sizes[-1], "after one edit")
        shutil.rmtree(film / ".storyboard")
        nothing, check = _alternating(max(3, runs // 3), film, [*_PROGRAM, "check"])
        yield Row("cold", f"check of {sizes[-1]} shots that nobody has seen", check, _REFERENCE, nothing)
        yield _memory(film, sizes[-1], "that nobody has seen")


def _edit(film: Path) -> None:
    path = film / "scenes/s000.yaml"
    path.write_text(path.read_text().replace("dark water", "calm water", 1))


def _growth(name: str, samples: dict[int, Sample]) -> Iterator[Row]:
    """CPU time a shot of the largest film against the film of a hundred; flat is 1, less is better."""
    largest = max(samples)
    if largest > 100:
        each = {shots: Sample(tuple(value / shots for value in samples[shots].values)) for shots in (100, largest)}
        yield Row("growth", f"{name}, a shot of {largest}", each[largest], "a shot of 100", each[100], target=1.5)


def _memory(film: Path, shots: int, state: str) -> Row:
    """The most memory that a plan of the whole film has at once."""
    program = (
        "import sys; from storyboard.searchpath import leave_out_working_folder; leave_out_working_folder(); "
        "from storyboard.cli.entry import run; run(['plan', '--json']); sys.path.append(sys.argv[1]); "
        "from benchmarks.measure import peak_mb; print(peak_mb(), file=sys.stderr)"
    )
    words = [sys.executable, "-c", program, str(HERE)]
    done = subprocess.run(words, cwd=film, capture_output=True, text=True, check=True)
    found = Sample((float(done.stderr.split()[-1]),), "MB")
    limit = Sample((float(_MEMORY_MB),), "MB")
    return Row("memory", f"plan of {shots} shots {state}", found, f"{_MEMORY_MB} MB", limit, target=1)


def _alternating(runs: int, film: Path, words: Sequence[str]) -> tuple[Sample, Sample]:
    """CPU seconds of an idle interpreter and of *words*, run in turn; the first run of *words* does not count."""
    cpu_seconds(film, words)
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for values, task in zip(taken, (_NOTHING, words), strict=True):
            values.append(cpu_seconds(film, task))
    return Sample(tuple(taken[0])), Sample(tuple(taken[1]))


def cpu_seconds(film: Path, words: Sequence[str]) -> float:
    """Run *words* in the folder *film* and return the CPU time, user and system, of the process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=film, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        at_most = f", at most {row.target:g}" if row.target is not None else ""
        print(f"{row.name:48} {row.ratio:8.2f} x {row.reference}{at_most}", flush=True)
