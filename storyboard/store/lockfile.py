"""Lockfile ``storyboard.lock``: the selected take of each shot, committed next to the storyboard.

Owns the layout: JSON with sorted keys and one block a shot. Nearly every line is unique, the last line of a block
included, and no comma moves when a neighbour is added or removed (``~`` sorts after every id). So git merges two
branches that change, add or remove different shots. Two shots added between one pair of neighbours, or two adjacent
shots removed, touch one place and conflict.
"""

import json
import re
import shlex
from collections.abc import Mapping
from functools import lru_cache
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
# The number of fields of an entry and its info, each of which is written.
_FIELD_COUNT = len(LockEntry.__struct_fields__) + len(LockInfo.__struct_fields__)
_SPACED_COLONS = (" :", "\n:", "\t:", "\r:")
_KEEP_ONE = "keep the block whose take you want"
# In helps: the name of the lockfile, which the text of one does not say.
_NAME = "{lockfile}"
_RESTORE = f"restore it from git: `git checkout -- {_NAME}`; if another program wrote it, move it away"

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False).encode
_quote = json.encoder.encode_basestring


# How msgspec words a text that does not have the form of its field.
_PATTERN = re.compile(r"Expected `str` matching regex '.*?'(?= - at|$)")


class LockfileProblem(Exception):
    """Text that is no lockfile of this version. ``line`` counts from 1, ``None`` if no line is to blame."""

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
        self._help = help

    def help(self, name: str) -> str | None:
        """Return what to do about the lockfile called *name* on the command line."""
        return self._help and self._help.replace(_NAME, shlex.quote(name))


class Lockfile(Struct, frozen=True):
    """Immutable entries by shot and provider."""

    shots: Mapping[str, Mapping[str, LockEntry]] = {}

    def entry(self, shot: str, provider: str) -> LockEntry | None:
        """Return the locked entry, if any."""
        entries = self.shots.get(shot)
        return entries.get(provider) if entries is not None else None

    def without(self, *shots: str) -> "Lockfile":
        """Return a copy without those shots."""
        return replace(self, shots={shot: entries for shot, entries in self.shots.items() if shot not in shots})

    def dumps(self) -> str:
        """Return the text, ending in a newline; equal values give equal text."""
        lines = ["{", f'  "lockfile_version": {VERSION},', '  "shots": {']
        for shot in sorted(self.shots):
            lines.append(f"    {_quote(shot)}: {{")
            for provider in sorted(self.shots[shot]):
                lines += [f"      {_quote(provider)}: {{", *_entry_lines(self.shots[shot][provider]), "      },"]
            lines += [f"      {_quote(_END)}: {_quote(f'end of {shot}')}", "    },"]
        lines += [f"    {_quote(_END)}: {_quote('end of shots')}", "  }", "}"]
        return "\n".join(lines) + "\n"


@lru_cache(maxsize=1)  # a command reads its lockfile twice: for the lengths of takes, and with the project's lock
def loads(text: str) -> Lockfile:
    """Parse the text of a lockfile. Raises ``LockfileProblem``."""
    lockfile = _load_canonical(text)
    return lockfile if lockfile is not None else _load_strictly(text)


def read(path: Path) -> Lockfile:
    """Return the lockfile at *path*, an empty one if there is none. Raises ``LockfileProblem`` or ``OSError``."""
    return _read(path)[0]


def write(path: Path, lockfile: Lockfile) -> bool:
    """Write the lockfile if it differs from the file; return whether it did.

    A file that cannot be parsed is not overwritten, because it holds an author's work: raises ``LockfileProblem``.
    ``OSError`` names *path*, and the old file is kept.
    """
    old, exists = _read(path)
    if old == lockfile and (exists or not lockfile.shots):
        return False
    write_atomic(path, lockfile.dumps().encode())
    return True


def _entry_lines(entry: LockEntry) -> list[str]:
    """Return two lines, each with a digest: git's diff could match a line that occurs in several blocks wrongly.

    Formatted field by field for speed: a build writes all entries every few seconds.
    """
    frames = _encode(entry.frames) if entry.frames else "{}"
    info = f'{{"frames": {entry.info.frames}, "rate": {_quote(entry.info.rate)}}}'
    return [
        f'        "cost": {_nullable(entry.cost)}, "frames": {frames}, "info": {info}, "key": {_quote(entry.key)},',
        f'        "seed": {_encode(entry.seed)}, "take": {_quote(entry.take)}, "task_id": {_nullable(entry.task_id)}',
    ]


def _nullable(text: str | None) -> str:
    return "null" if text is None else _quote(text)


class _CanonicalFile(Struct, frozen=True, forbid_unknown_fields=True):
    lockfile_version: int
    shots: dict[str, dict[str, LockEntry | str] | str]


def _load_canonical(text: str) -> Lockfile | None:
    """Return the lockfile if *text* has every field of every entry and no repeated key, else ``None``.

    The decoder keeps the last of two equal keys, so the keys in the text are counted and compared with the result.
    """
    try:
        written = msgspec.json.decode(text, type=_CanonicalFile)
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
                keys += _FIELD_COUNT + len(entry.frames)
            shots[shot] = body
        elif shot != _END:
            return None
    right = written.lockfile_version == VERSION and text.count('":') == keys and _END not in shots
    # a colon that follows no key lies in a text, or spaces separate it from its key
    return (
        Lockfile(shots)
        if right and (text.count(":") == keys or not any(map(text.__contains__, _SPACED_COLONS)))
        else None
    )


def _load_strictly(text: str) -> Lockfile:
    """Parse any text and explain what is wrong with it. Raises ``LockfileProblem``."""
    _check_conflict_markers(text)
    data = _parse(text)
    if not isinstance(data, dict):
        raise LockfileProblem("shape", "a lockfile is a JSON object")
    _check_version(data.get("lockfile_version"), text)
    shots = data.get("shots")
    if not isinstance(shots, dict):
        raise LockfileProblem("shape", "`shots` is not an object", _find_line(text, "shots"))
    unknown = sorted(data.keys() - {"lockfile_version", "shots"})
    if unknown:
        raise LockfileProblem("shape", f"`{unknown[0]}` is not a field of a lockfile", _find_line(text, unknown[0]))
    return Lockfile({shot: _read_entries(shot, body, text) for shot, body in shots.items() if shot != _END})


def _read(path: Path) -> tuple[Lockfile, bool]:
    try:
        text = read_regular(path).decode()
    except FileNotFoundError:
        return Lockfile(), False
    except NotAFile as problem:
        reason = "the lockfile is a link, a folder or a device"
        raise LockfileProblem("shape", reason, None, "replace it with a file") from problem
    except UnicodeDecodeError as problem:
        raise LockfileProblem("syntax", f"not UTF-8 text: {problem.reason}") from problem
    return loads(text), True


def _check_conflict_markers(text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if _MARKER.match(line):
            advice = "keep the blocks of both sides, one for each shot, and remove the marker lines; "
            advice += f"where both have one shot, run `git checkout --ours {_NAME}`, or with `--theirs`"
            raise LockfileProblem("conflict", "git left a merge conflict here", number, advice)


def _parse(text: str) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(found)
        if len(result) != len(found):
            names = [name for name, _ in found]
            name = next(name for position, name in enumerate(names) if name in names[:position])
            raise LockfileProblem("repeated", f"`{name}` is repeated", _find_repeat(text, name), _KEEP_ONE)
        return result

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=_reject_constant)
    except json.JSONDecodeError as problem:
        raise LockfileProblem("syntax", f"not JSON: {problem.msg}", problem.lineno, _RESTORE) from problem
    except (RecursionError, ValueError) as problem:
        raise LockfileProblem("syntax", f"not JSON: {problem}", None, _RESTORE) from problem


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check_version(version: object, text: str) -> None:
    line = _find_line(text, "lockfile_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise LockfileProblem("shape", "`lockfile_version` is not a whole number", line)
    if version > VERSION:
        reason = f"the lockfile has version {version}, but this storyboard reads versions up to {VERSION}"
        raise LockfileProblem("version", reason, line, "use the version of storyboard that wrote it or a later one")


def _read_entries(shot: str, body: object, text: str) -> dict[str, LockEntry]:
    if not isinstance(body, dict):
        raise LockfileProblem("shape", f"shot `{shot}` is not an object", _find_line(text, shot, depth=2))
    found: dict[str, LockEntry] = {}
    for provider, entry in body.items():
        if provider == _END:
            continue
        try:
            found[provider] = msgspec.convert(entry, LockEntry)
        except msgspec.ValidationError as problem:
            line = _find_line(text, shot, depth=2)
            reason = _PATTERN.sub("not a value that storyboard writes", str(problem))
            raise LockfileProblem("shape", f"shot `{shot}`, provider `{provider}`: {reason}", line) from problem
    return found


def _find_line(text: str, name: str, depth: int = 1) -> int | None:
    """Return the line of the key *name* at nesting level *depth*, in the layout written here."""
    start = f"{'  ' * depth}{json.dumps(name, ensure_ascii=False)}:"
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start)), None)


def _find_repeat(text: str, name: str) -> int | None:
    """Return the line of the second occurrence of a key in one block, in the layout written here."""
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
