"""Where the program begins: what can be said at once is said without loading the command line.

Only what an interpreter has loaded already is imported at the top: where other modules are looked for is set first.
"""

import os
import sys
from time import perf_counter

import storyboard
from storyboard.searchpath import leave_out_working_folder

TYPE_CHECKING = False  # typing takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


# What only looks and leaves nothing behind that would have to be put away.
_LOOKING = ("plan", "status")


def run(words: "Sequence[str]") -> int:
    """Run the command line and return its exit code; nothing is raised."""
    began = perf_counter()
    if not hasattr(storyboard, "__version__"):
        from storyboard.cli.installation import BROKEN

        print(BROKEN, file=sys.stderr)  # noqa: T201
        return 1
    if list(words) == ["--version"]:
        return _say(f"storyboard {storyboard.__version__}")
    from storyboard.fastpath.noop import noop_answer, timed

    found = noop_answer(words)
    if found is not None:
        result, notes = found
        return _say(timed(result, perf_counter() - began), notes)
    from storyboard.cli.main import run

    return run(words)


def _say(text: str, notes: str = "") -> int:
    try:
        if notes:
            print(notes, file=sys.stderr)  # noqa: T201
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:  # whoever read our output has gone; the interpreter shall not complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def main() -> "NoReturn":
    """The console script."""
    leave_out_working_folder()
    words = sys.argv[1:]
    if not words or words[0] not in _LOOKING:
        sys.exit(run(words))
    from storyboard.cli.process import THE_END

    THE_END.is_near = True
    code = run(words)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 1
    os._exit(code)  # taking a large film apart takes time and helps nobody
