"""The no-op check: the stored answer of an earlier build, if every path that its note names looks unchanged.

A check takes one stat call for each path. It imports only what an interpreter has loaded at its start.

    .storyboard/standing/<crc of the question>.note
        a line with a checksum, a line with the lengths of the parts, and the parts: the question, paths, their stamps,
        paths that count by identity, their identities, absent paths, and the answer for each mode
"""

import os
import sys
import zlib
from itertools import accumulate

from storyboard.store.file_stamps import PathStamps, flatten, identity_of, pack_stats, stamp_of

TYPE_CHECKING = False  # importing typing takes longer than everything here
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


FOLDER = "standing"
_MAGIC = b"storyboard standing 1 %08x\n"
_MAX_NOTES = 8  # a film is built with a few different command lines

JSON, TEXT, DETAILS = "json", "text", "details"
# The mode of what goes to stderr beside a result in text.
NOTES = "notes"
# Placeholder in a stored answer for the duration of the build that prints it.
SECONDS = -1.0
_SECONDS_FIELD = f'"seconds": {SECONDS}'

_MODE_OPTIONS = {"json": ("--json",), "quiet": ("-q", "--quiet"), "verbose": ("-v", "--verbose")}
_MODE_WORDS = frozenset(word for words in _MODE_OPTIONS.values() for word in words)
_TRUE = frozenset(("1", "true", "t", "yes", "y", "on"))
_ENVIRONMENT = ("COLUMNS", "FORCE_COLOR", "HOME", "NO_COLOR", "TERM", "XDG_CONFIG_HOME")
_FONT_PLACES = ("FONTCONFIG_FILE", "LOCALAPPDATA", "WINDIR", "XDG_DATA_DIRS", "XDG_DATA_HOME")


def question(words: "Sequence[str]") -> bytes:
    """Return everything beside files that decides what a build with these words answers, but for the output mode."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    variables = [f"{name}={os.environ[name]}" for name in sorted(os.environ) if _is_relevant(name)]
    terminals = [str(stream.isatty()) for stream in (sys.stdin, sys.stdout, sys.stderr)]
    terminals.append(str(getattr(sys.stdout, "encoding", "")))
    meaningful = [word for word in words if word not in _MODE_WORDS]
    parts = (meaningful, variables, terminals, [os.getcwd(), package, sys.version], sys.path)
    return os.fsencode("\0\0".join("\0".join(part) for part in parts))


def _is_relevant(variable: str) -> bool:
    return variable.startswith("STORYBOARD_") or variable in _ENVIRONMENT or variable in _FONT_PLACES


def output_mode(words: "Sequence[str]") -> dict[str, bool]:
    """Return whether the words or the environment ask for ``json``, ``quiet`` and ``verbose`` output."""
    return {
        name: any(word in options for word in words) or _is_set(f"STORYBOARD_{name.upper()}")
        for name, options in _MODE_OPTIONS.items()
    }


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in _TRUE


def noop_answer(words: "Sequence[str]") -> tuple[str, str] | None:
    """Return what a build prints to stdout and stderr if nothing changed; ``None`` without an unchanged note."""
    if not words or words[0] != "build":
        return None
    asked = question(words)
    for path in _note_paths(words, note_name(asked)):
        answers = read_note(path, asked)
        if answers is not None:
            mode = output_mode(words)
            kind = JSON if mode["json"] else DETAILS if mode["verbose"] else TEXT
            return answers[kind], "" if mode["json"] else answers[NOTES]
    return None


def insert_seconds(answer: str, seconds: float) -> str:
    """Return *answer* with *seconds* in place of the placeholder, if it has one."""
    head, field, tail = answer.rpartition(_SECONDS_FIELD)
    return f'{head}"seconds": {round(seconds, 3)}{tail}' if field else answer


def _note_paths(words: "Sequence[str]", name: str) -> "list[str]":
    """Return the nearest note called *name* above the working folder and above each path that *words* may name."""
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


def note_name(question: bytes) -> str:
    """Return the file name of the note that answers *question*."""
    return f"{zlib.crc32(question):08x}.note"


def write_note(state: str, question: bytes, stamps: PathStamps, answers: dict[str, str]) -> None:
    """Write a note into the folder *state*; *answers* are by mode. Raises ``OSError`` and ``OverflowError``."""
    parts = [
        question,
        _join(stamps.stamps),
        flatten(stamps.stamps.values()),
        _join(stamps.identities),
        flatten(stamps.identities.values()),
        _join(stamps.absent),
    ]
    for mode, text in answers.items():
        parts += [mode.encode(), text.encode("utf-8", "surrogatepass")]
    body = b"%s\n" % b" ".join(b"%d" % len(part) for part in parts) + b"".join(parts)
    folder = os.path.join(state, FOLDER)
    os.makedirs(folder, exist_ok=True)
    import re  # readers of notes load neither

    from storyboard.durable import keep_youngest, write_disposable

    write_disposable(f"{folder}/{note_name(question)}", _MAGIC % zlib.crc32(body) + body)
    keep_youngest(re.compile(r"[0-9a-f]{8}\.note"), _MAX_NOTES, state, FOLDER)


def read_note(path: str, question: bytes) -> dict[str, str] | None:
    """Return the answers to *question* by mode from the note at *path*; ``None`` if anything that it names changed."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            head, body = file.readline(64), file.read()
        if head != _MAGIC % zlib.crc32(body):
            return None
        line, _, rest = body.partition(b"\n")
        parts = _cut(rest, [int(length) for length in line.split()])
        asked, paths, stamps, folders, identities, absent, *answers = parts
        if (
            asked != question
            or not _names_program(paths)
            or not _is_unchanged(paths, stamps, folders, identities, absent)
        ):
            return None
        texts = [text.decode("utf-8", "surrogatepass") for text in answers]
        return dict(zip(texts[::2], texts[1::2], strict=True))
    except (OSError, ValueError, OverflowError):
        return None


def _open_without_waiting(path: str, flags: int) -> int:
    """Open *path*; a pipe in place of a note answers at once that it is empty."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _names_program(paths: bytes) -> bool:
    """Return whether this file is among *paths*: only a build on this machine can know its ctime."""
    return os.fsencode(os.path.realpath(__file__)) in paths


def _is_unchanged(paths: bytes, stamps: bytes, folders: bytes, identities: bytes, absent: bytes) -> bool:
    return (
        not any(map(os.path.lexists, _split(absent)))
        and pack_stats(_split(folders), identity_of) == identities
        and pack_stats(_split(paths), stamp_of) == stamps
    )


def _join(paths: "Iterable[str]") -> bytes:
    return os.fsencode("\0".join(paths))


def _split(paths: bytes) -> list[str]:
    return os.fsdecode(paths).split("\0") if paths else []


def _cut(data: bytes, lengths: list[int]) -> list[bytes]:
    starts = list(accumulate(lengths, initial=0))
    return [data[start : start + length] for start, length in zip(starts, lengths, strict=False)]
