"""The entry point: answer ``--version`` and no-op builds without loading the command line.

Imports at the top only what an interpreter has loaded at its start: the module path is corrected before anything else
is imported.
"""

import os
import sys
from time import perf_counter

import storyboard
from storyboard.cli.process import QUICK_EXIT, CleanStreams, FirstSign, GcPause, restart_in_utf8
from storyboard.searchpath import leave_out_working_folder

TYPE_CHECKING = False  # importing typing takes longer than everything here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


# Read-only verbs that build large structures and leave nothing to clean up.
_QUICK_EXIT_VERBS = ("plan", "status")


def run(words: "Sequence[str]") -> int:
    """Run the command line and return its exit code. Raises nothing."""
    with CleanStreams():
        return _run(words)


def _run(words: "Sequence[str]") -> int:
    began = perf_counter()
    if not hasattr(storyboard, "__version__"):
        from storyboard.cli.installation import BROKEN

        print(BROKEN, file=sys.stderr)  # noqa: T201
        return 1
    if list(words) == ["--version"]:
        return _print(f"storyboard {storyboard.__version__}")
    from storyboard.fastpath.noop import insert_seconds, noop_answer

    with GcPause():  # an answer reads up to a hundred thousand stamps
        answer = noop_answer(words)
    if answer is not None:
        result, notes = answer
        return _print(insert_seconds(result, perf_counter() - began), notes)
    FirstSign.show(words)
    from storyboard.cli.main import run

    return run(words)


def _print(text: str, notes: str = "") -> int:
    try:
        if notes:
            print(notes, file=sys.stderr)  # noqa: T201
        print(_folded(text), flush=True)  # noqa: T201
    except BrokenPipeError:  # the reader of the output has gone; the interpreter would complain about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _folded(text: str) -> str:
    """Return *text* with its lines broken between words, if stdout is a terminal that is too narrow for them."""
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return text
    if not width or max(map(len, text.split("\n"))) <= width or text.startswith("{"):
        return text
    from storyboard.report.text import fold

    return fold(text, width)


def main() -> "NoReturn":
    """Run the console script."""
    restart_in_utf8()
    leave_out_working_folder()
    words = sys.argv[1:]
    if not words or words[0] not in _QUICK_EXIT_VERBS:
        sys.exit(run(words))
    QUICK_EXIT.is_planned = True
    QUICK_EXIT.exit(run(words))
