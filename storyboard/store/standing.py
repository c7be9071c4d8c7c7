"""Notes of builds that left nothing to do: what was looked at, how it looked, and what such a build says.

As long as everything a note names looks as it did, a build would find nothing to make. Reading one takes a stat for
each path and no library: this module imports nothing that an interpreter has not loaded already, or has within itself.
Which paths are named is the business of ``build.watch``. A note that is damaged or missing costs time and nothing else.

    .storyboard/standing/<crc of the question>.note
        a line with a checksum, a line with the lengths of the parts, and the parts: the question, paths, how they
        looked, paths whose identity counts, that identity, paths that were not there, and answers by mode
"""

import os
import zlib
from array import array
from itertools import accumulate, chain
from operator import attrgetter

FOLDER = "standing"
_MAGIC = b"storyboard standing 1 %08x\n"
_MOST = 8
Stamp = tuple[int, int, int, int]
Identity = tuple[int, int, int]

# Everything about a file that changes when its content, its mode or its place does. The time of change (ctime) is the
# kernel's own: no program can set it, so that a file of equal size with its old mtime is another one all the same.
stamp_of = attrgetter("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
identity_of = attrgetter("st_dev", "st_ino", "st_mode")


class Looks:
    """How things looked: files and folders by all their stamps, folders on the way by identity, and what was not there.

    Paths are absolute; a link is looked at and not followed.
    """

    def __init__(self) -> None:
        self.stamps: dict[str, Stamp] = {}
        self.identities: dict[str, Identity] = {}
        self.absent: set[str] = set()

    def still(self) -> bool:
        """Whether everything looks so now."""
        return (
            _packed(self.stamps, stamp_of) == _flat(self.stamps.values())
            and _packed(self.identities, identity_of) == _flat(self.identities.values())
            and not any(map(os.path.lexists, self.absent))
        )


def name_of(question: bytes) -> str:
    """The file of the note that answers *question*."""
    return f"{zlib.crc32(question):08x}.note"


def write(state: str, question: bytes, looks: Looks, answers: dict[str, str]) -> None:
    """Keep a note in the folder *state*, with the text to print by mode. Raises ``OSError``, ``OverflowError``."""
    parts = [
        question,
        _joined(looks.stamps),
        _flat(looks.stamps.values()),
        _joined(looks.identities),
        _flat(looks.identities.values()),
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
        and _packed(_split(on_the_way), identity_of) == identities
        and _packed(_split(paths), stamp_of) == stamps
    )


def _packed(
    paths: "list[str] | dict[str, Stamp] | dict[str, Identity]", fields: "attrgetter[tuple[int, ...]]"
) -> bytes:
    """How *paths* look now; nothing if one of them is not there."""
    try:
        return _flat(map(fields, map(os.lstat, paths)))
    except OSError:
        return b"gone"


def _flat(looks: "map[tuple[int, ...]] | object") -> bytes:
    return array("q", chain.from_iterable(looks)).tobytes()  # type: ignore[arg-type]


def _joined(paths: "dict[str, Stamp] | dict[str, Identity] | set[str]") -> bytes:
    return os.fsencode("\0".join(paths))


def _split(paths: bytes) -> list[str]:
    return os.fsdecode(paths).split("\0") if paths else []


def _cut(data: bytes, lengths: list[int]) -> list[bytes]:
    starts = list(accumulate(lengths, initial=0))
    return [data[start : start + length] for start, length in zip(starts, lengths, strict=False)]
