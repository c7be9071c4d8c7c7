"""How soon the program answers: ``--version``, ``--help`` and the first sign of a build on a terminal.

They are held against an interpreter that does nothing.
"""

import os
import pty
import subprocess
import sys
import tempfile
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
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", "from storyboard.cli.entry import main; main()", "init", folder]
        command(words)()
        nothing, sign = alternating(runs, NOTHING, lambda: _first_byte(folder))
    yield Row("start", "first sign of life of a build with work to do", sign, _REFERENCE, nothing, target=5)


def _first_byte(folder: str) -> None:
    """Begin a build on a terminal, and end it with the first byte that it prints."""
    terminal, end = pty.openpty()
    words = [sys.executable, "-c", "from storyboard.cli.entry import main; main()", "build", folder]
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(words, stdin=end, stdout=end, stderr=end, env=environment, start_new_session=True)
    try:
        os.read(terminal, 1)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(end)


if __name__ == "__main__":
    for row in rows(quick="--quick" in sys.argv):
        print(f"{row.name:32} {row.ratio:7.1f} x {row.reference}, at most {row.target:g}")
