"""``storyboard.lock``: which take each shot has, committed beside the storyboard.

Owns the layout. JSON with sorted keys and one block a shot. Nearly every line is unlike all others, the last of a block
too, and no comma moves when a neighbour comes or goes (``~`` sorts after every id). So git merges two branches that
change, add or remove different shots. Two shots added into the same gap between two others, or two neighbours removed,
are one place for git, and conflict.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.plan import LockEntry, LockInfo
from storyboard.durable import NotAFile, read_regular, write_atomic

VERSION = 1
_END = "~"
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})( |$)")
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)":')


class LockfileProblem(Exception):
    """The text is no lockfile that this version can use. ``line`` counts from 1, ``None`` if no line is to blame."""

    def __init__(
        self,
        code: Literal["conflict", "syntax", "version", "shape", "repeated"],
        reason: str,
        line: int | None = None,
        help: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.line = line
        self.help = help


class Lockfile(Struct, frozen=True):
    """Entries by shot and provider; a value: changes give a new one."""

    shots: Mapping[str, Mapping[str, LockEntry]] = {}

    def entry(self, shot: str, provider: str) -> LockEntry | None:
        """What is locked, if anything is."""
        entries = self.shots.get(shot)
        return entries.get(provider) if entries is not None else None

    def without(self, *shots: str) -> "Lockfile":
        """The same without those shots."""
        return replace(self, shots={shot: entries for shot, entries in self.shots.items() if shot not in shots})

    def dumps(self) -> str:
        """The text, ending in a newline; equal values give equal text."""
        lines = ["{", f'  "lockfile_version": {VERSION},', '  "shots": {']
        for shot in sorted(self.shots):
            lines.append(f"    {_text(shot)}: {{")
            for provider in sorted(self.shots[shot]):
                lines += [f"      {_text(provider)}: {{", *_fields(self.shots[shot][provider]), "      },"]
            lines += [f"      {_text(_END)}: {_text(f'end of {shot}')}", "    },"]
        lines += [f"    {_text(_END)}: {_text('end of shots')}", "  }", "}"]
        return "\n".join(lines) + "\n"


def _fields(entry: LockEntry) -> list[str]:
    """Two lines, each with a digest: a line that other blocks have too may lead git's diff to match it with theirs.

    Written out by name, since a build writes all of them every few seconds.
    """
    frames = _json(entry.frames) if entry.frames else "{}"
    info = f'{{"frames": {entry.info.frames}, "rate": {_text(entry.info.rate)}}}'
    return [
        f'        "cost": {_or_null(entry.cost)}, "frames": {frames}, "info": {info}, "key": {_text(entry.key)},',
        f'        "seed": {_json(entry.seed)}, "take": {_text(entry.take)}, "task_id": {_or_null(entry.task_id)}',
    ]


_json = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False).encode
_text = json.encoder.encode_basestring


def _or_null(text: str | None) -> str:
    return "null" if text is None else _text(text)


def loads(text: str) -> Lockfile:
    """From the text of a lockfile. Raises ``LockfileProblem``."""
    known = _as_we_write(text)
    return known if known is not None else _loads(text)


class _Written(Struct, frozen=True, forbid_unknown_fields=True):
    lockfile_version: int
    shots: dict[str, dict[str, LockEntry | str] | str]


# The fields of an entry and its info, all of which we write.
_FIELDS = len(LockEntry.__struct_fields__) + len(LockInfo.__struct_fields__)
_SPACED = (" :", "\n:", "\t:", "\r:")


def _as_we_write(text: str) -> Lockfile | None:
    """The lockfile, if *text* is one with every field of every entry and nothing twice; else ``None``.

    The decoder keeps the last of two equal keys: so as many keys have to be written as there are in what it gives.
    """
    try:
        written = msgspec.json.decode(text, type=_Written)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    shots: dict[str, Any] = {}
    keys = 2 + len(written.shots)
    for shot, body in written.shots.items():
        if isinstance(body, dict):
            keys += len(body)
            if not isinstance(body.pop(_END, ""), str):
                return None
            for entry in body.values():
                if isinstance(entry, str):
                    return None
                keys += _FIELDS + len(entry.frames)
            shots[shot] = body
        elif shot != _END:
            return None
    right = written.lockfile_version == VERSION and text.count('":') == keys and _END not in shots
    # a colon behind anything but a key is one in a text, or one that spaces keep from its key
    return Lockfile(shots) if right and (text.count(":") == keys or not any(map(text.__contains__, _SPACED))) else None


def _loads(text: str) -> Lockfile:
    """The same for any text, with the words for what is wrong with it."""
    _refuse_conflicts(text)
    data = _parse(text)
    if not isinstance(data, dict):
        raise LockfileProblem("shape", "a lockfile is a JSON object")
    _check_version(data.get("lockfile_version"), text)
    shots = data.get("shots")
    if not isinstance(shots, dict):
        raise LockfileProblem("shape", "`shots` is not an object", _line_of(text, "shots"))
    unknown = sorted(data.keys() - {"lockfile_version", "shots"})
    if unknown:
        raise LockfileProblem("shape", f"`{unknown[0]}` is not a field of a lockfile", _line_of(text, unknown[0]))
    return Lockfile({shot: _entries(shot, body, text) for shot, body in shots.items() if shot != _END})


def read(path: Path) -> Lockfile:
    """The lockfile at *path*; an empty one if there is none. Raises ``LockfileProblem`` or ``OSError``."""
    return _read(path)[0]


def write(path: Path, lockfile: Lockfile) -> bool:
    """Write it if it says anything new; returns whether it did.

    A file that cannot be read is somebody's work and is not overwritten: raises ``LockfileProblem``. ``OSError``
    names *path*, and the old file is kept.
    """
    old, exists = _read(path)
    if old == lockfile and (exists or not lockfile.shots):
        return False
    write_atomic(path, lockfile.dumps().encode())
    return True


def _read(path: Path) -> tuple[Lockfile, bool]:
    try:
        text = read_regular(path).decode()
    except FileNotFoundError:
        return Lockfile(), False
    except NotAFile as problem:
        reason = "it is a link, a folder or a device; the lockfile has to be a file"
        raise LockfileProblem("shape", reason, None, "put the file itself in its place") from problem
    except UnicodeDecodeError as problem:
        raise LockfileProblem("syntax", f"it is not UTF-8 text: {problem.reason}") from problem
    return loads(text), True


def _refuse_conflicts(text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if _MARKER.match(line):
            advice = "keep the blocks of both sides, one for each shot, and remove the marker lines; "
            advice += "where both have the same shot, `git checkout --ours storyboard.lock` or `--theirs` will do"
            raise LockfileProblem("conflict", "git left a merge conflict here", number, advice)


def _parse(text: str) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            names = [name for name, _ in found]
            name = next(name for position, name in enumerate(names) if name in names[:position])
            raise LockfileProblem("repeated", f"`{name}` stands here twice", _line_of_repeat(text, name), _KEEP_ONE)
        return result

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        raise LockfileProblem("syntax", f"it is not JSON: {problem.msg}", problem.lineno, _RESTORE) from problem
    except (RecursionError, ValueError) as problem:
        raise LockfileProblem("syntax", f"it is not JSON: {problem}", None, _RESTORE) from problem


_KEEP_ONE = "keep the block whose take you want"
_RESTORE = "restore it from git: `git checkout -- storyboard.lock`"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _check_version(version: object, text: str) -> None:
    line = _line_of(text, "lockfile_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise LockfileProblem("shape", "`lockfile_version` is not a whole number", line)
    if version > VERSION:
        reason = f"it has version {version}, this storyboard reads up to {VERSION}"
        raise LockfileProblem("version", reason, line, "use the version of storyboard that wrote it, or a later one")


def _entries(shot: str, body: object, text: str) -> dict[str, LockEntry]:
    if not isinstance(body, dict):
        raise LockfileProblem("shape", f"shot `{shot}` is not an object", _line_of(text, shot, depth=2))
    found: dict[str, LockEntry] = {}
    for provider, entry in body.items():
        if provider == _END:
            continue
        try:
            found[provider] = msgspec.convert(entry, LockEntry)
        except msgspec.ValidationError as problem:
            line = _line_of(text, shot, depth=2)
            raise LockfileProblem("shape", f"shot `{shot}`, provider `{provider}`: {problem}", line) from problem
    return found


def _line_of(text: str, name: str, depth: int = 1) -> int | None:
    """The line where that key stands so many blocks deep, in the layout that we write."""
    start = f"{'  ' * depth}{json.dumps(name, ensure_ascii=False)}:"
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start)), None)


def _line_of_repeat(text: str, name: str) -> int | None:
    """The line where a key stands for the second time in one block, in the layout that we write."""
    blocks: list[set[str]] = [set()]
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("}") and len(blocks) > 1:
            blocks.pop()
        found = _KEY.match(stripped)
        if found is not None:
            if found[1] == name and name in blocks[-1]:
                return number
            blocks[-1].add(found[1])
        if stripped.endswith("{"):
            blocks.append(set())
    return None
