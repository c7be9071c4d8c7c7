"""Notes of builds that left nothing to do: what was looked at, how it looked, and what such a build says.

As long as everything a note names looks as it did, a build would find nothing to make. Reading one takes a stat for
each path and no library: this module imports nothing that an interpreter has not loaded already, or has within itself.
Which paths are named is the business of ``build.watch``. A note that is damaged or missing costs time and nothing else.

    .storyboard/standing/<crc of the question>.note
        a line with a checksum, a line with the lengths of the parts, and the parts: the question, paths, how they
        looked, paths whose identity counts, that identity, paths that were not there, and answers by mode

Asks the notes of earlier builds whether this very build would have nothing to do, before anything is loaded.

The question is everything beside files that a build is told or finds out by itself: the words and settings, the folder,
the terminal, the interpreter and where it looks for libraries. Equal questions about things that look alike have equal
answers, so the answer of the earlier build is printed again.
"""

import os
import sys
import zlib
from itertools import accumulate

from storyboard.store.file_stamps import PathStamps, flat, identity_of, packed, stamp_of

TYPE_CHECKING = False  # typing takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

    from storyboard.store.file_stamps import Identity, Stamp


FOLDER = "standing"
_MAGIC = b"storyboard standing 1 %08x\n"
_MOST = 8


def name_of(question: bytes) -> str:
    """The file of the note that answers *question*."""
    return f"{zlib.crc32(question):08x}.note"


def write(state: str, question: bytes, looks: PathStamps, answers: dict[str, str]) -> None:
    """Keep a note in the folder *state*, with the text to print by mode. Raises ``OSError``, ``OverflowError``."""
    parts = [
        question,
        _joined(looks.stamps),
        flat(looks.stamps.values()),
        _joined(looks.identities),
        flat(looks.identities.values()),
        _joined(looks.absent),
    ]
    for mode, text in answers.items():
        parts += [mode.encode(), text.encode("utf-8", "surrogatepass")]
    body = b"%s\n" % b" ".join(b"%d" % len(part) for part in parts) + b"".join(parts)
    folder = os.path.join(state, FOLDER)
    os.makedirs(folder, exist_ok=True)
    import re  # these two are not loaded by those who only read

    from storyboard.durable import keep_youngest, write_disposable

    write_disposable(f"{folder}/{name_of(question)}", _MAGIC % zlib.crc32(body) + body)
    keep_youngest(re.compile(r"[0-9a-f]{8}\.note"), _MOST, state, FOLDER)  # a film is asked about in a few ways


def answers(path: str, question: bytes) -> dict[str, str] | None:
    """What the note at *path* says to *question*, by mode, if all that it names looks as it did; else ``None``."""
    try:
        with open(path, "rb") as file:
            head, body = file.readline(64), file.read()
        if head != _MAGIC % zlib.crc32(body):
            return None
        line, _, rest = body.partition(b"\n")
        parts = _cut(rest, [int(length) for length in line.split()])
        asked, paths, stamps, on_the_way, identities, absent, *told = parts
        if asked != question or not _names_program(paths) or not _same(paths, stamps, on_the_way, identities, absent):
            return None
        texts = [text.decode("utf-8", "surrogatepass") for text in told]
        return dict(zip(texts[::2], texts[1::2], strict=True))
    except (OSError, ValueError, OverflowError):
        return None


def _names_program(paths: bytes) -> bool:
    """Return whether this file is among *paths*: only a build on this machine can know its time of change."""
    return os.fsencode(os.path.realpath(__file__)) in paths


def _same(paths: bytes, stamps: bytes, on_the_way: bytes, identities: bytes, absent: bytes) -> bool:
    return (
        not any(map(os.path.lexists, _split(absent)))
        and packed(_split(on_the_way), identity_of) == identities
        and packed(_split(paths), stamp_of) == stamps
    )


def _joined(paths: "dict[str, Stamp] | dict[str, Identity] | set[str]") -> bytes:
    return os.fsencode("\0".join(paths))


def _split(paths: bytes) -> list[str]:
    return os.fsdecode(paths).split("\0") if paths else []


def _cut(data: bytes, lengths: list[int]) -> list[bytes]:
    starts = list(accumulate(lengths, initial=0))
    return [data[start : start + length] for start, length in zip(starts, lengths, strict=False)]


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


def noop_answer(words: "Sequence[str]") -> tuple[str, str] | None:
    """What the build prints to stdout and stderr, if nothing has changed since one that left nothing to do."""
    if not words or words[0] != "build":
        return None
    asked = question(words)
    name = name_of(asked)
    for path in _places(words, name):
        found = answers(path, asked)
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
