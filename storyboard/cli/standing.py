"""Asks the notes of earlier builds whether this very build would have nothing to do, before anything is loaded.

The question is everything beside files that a build is told or finds out by itself: the words and settings, the folder,
the terminal, the interpreter and where it looks for libraries. Equal questions about things that look alike have equal
answers, so the answer of the earlier build is printed again.
"""

import gc
import os
import sys

from storyboard.store.standing import FOLDER, answers, name_of

TYPE_CHECKING = False  # typing takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = {"json": ("--json",), "quiet": ("-q", "--quiet"), "verbose": ("-v", "--verbose")}
JSON, TEXT, DETAILS = "json", "text", "details"
# What goes to stderr, where anything but the result is told.
NOTES = "notes"
# Stands in the answer where the time goes that it took.
SECONDS = -1.0
_NOTED = f'"seconds": {SECONDS}'
_TRUE = frozenset(("1", "true", "t", "yes", "y", "on"))
_LOOKS = ("COLUMNS", "FORCE_COLOR", "HOME", "NO_COLOR", "TERM", "XDG_CONFIG_HOME")
_SHOWING = frozenset(word for words in _SHOWN.values() for word in words)


def question(words: "Sequence[str]") -> bytes:
    """What a build with these words is asked, but for the mode in which it answers."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    settings = [f"{name}={os.environ[name]}" for name in sorted(os.environ) if _counts(name)]
    terminals = [str(stream.isatty()) for stream in (sys.stdin, sys.stdout, sys.stderr)]
    told = [word for word in words if word not in _SHOWING]
    parts = (told, settings, terminals, [os.getcwd(), package, sys.version], sys.path)
    return os.fsencode("\0\0".join("\0".join(part) for part in parts))


def shown(words: "Sequence[str]") -> dict[str, bool]:
    """Whether the answer is wanted as ``json``, ``quiet`` or ``verbose``."""
    return {
        name: any(word in options for word in words) or _is_set(f"STORYBOARD_{name.upper()}")
        for name, options in _SHOWN.items()
    }


def standing(words: "Sequence[str]") -> tuple[str, str] | None:
    """What the build prints to stdout and stderr, if nothing has changed since one that left nothing to do."""
    if not words or words[0] != "build":
        return None
    asked = question(words)
    name = name_of(asked)
    for path in _places(words, name):
        gc.disable()  # there is nothing to be found among a hundred thousand stamps
        found = answers(path, asked)
        gc.enable()
        if found is not None:
            wanted = shown(words)
            kind = JSON if wanted["json"] else DETAILS if wanted["verbose"] else TEXT
            return found[kind], "" if wanted["json"] or wanted["quiet"] else found[NOTES]
    return None


def timed(text: str, seconds: float) -> str:
    """The answer with the time that this build took."""
    head, noted, tail = text.rpartition(_NOTED)
    return f'{head}"seconds": {round(seconds, 3)}{tail}' if noted else text


def _places(words: "Sequence[str]", name: str) -> "list[str]":
    """Where a note of that name lies upwards of this folder and of whatever the words may name."""
    found = []
    for start in dict.fromkeys(os.path.realpath(word) for word in (*words[1:], ".") if not word.startswith("-")):
        folder = start
        while True:
            path = f"{folder.rstrip('/')}/.storyboard/{FOLDER}/{name}"
            if os.path.exists(path):
                found.append(path)
                break
            above = os.path.dirname(folder)
            if above == folder:
                break
            folder = above
    return found


def _counts(name: str) -> bool:
    return name.startswith("STORYBOARD_") or name in _LOOKS


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() in _TRUE
