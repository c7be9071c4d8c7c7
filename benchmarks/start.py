"""How soon the program answers: ``--version`` and ``--help`` against an interpreter that does nothing."""

import sys
from collections.abc import Iterator

from benchmarks.measure import NOTHING, Row, alternating, command

_REFERENCE = "python -c pass"


def rows(quick: bool) -> Iterator[Row]:
    """Wall time of a start, as the console script begins it."""
    runs = 5 if quick else 25
    program = "from storyboard.cli.entry import main; main()"
    tasks = [command([sys.executable, "-c", program, word]) for word in ("--version", "--help")]
    nothing, version, help_ = alternating(runs, NOTHING, *tasks)
    yield Row("start", "storyboard --version", version, _REFERENCE, nothing, target=5)
    yield Row("start", "storyboard --help", help_, _REFERENCE, nothing, target=7)


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(f"{row.name:32} {row.ratio:7.1f} x {row.reference}, at most {row.target:g}")
