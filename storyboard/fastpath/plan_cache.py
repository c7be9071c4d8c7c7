"""What a build remembers for plans to come: a text that others give meaning to, and how everything looked behind it.

    .storyboard/memory/<crc of what it is about>.bin

A disposable file beside the notes of ``standing``, and trusted by the same rules: it is written with stamps that have
been proven to tell a later change. Paths are absolute. A damaged file, or one of another version, is none.

What a build leaves for plans to come, and what a plan makes of it: scenes that need not be read, steps that hold.

It spares time and decides nothing: without it every answer is the same.

Which steps of a plan may be remembered: those whose record and bytes have been looked at, and how these looked.
"""

import os
import re
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from storyboard.core.model import Shot
from storyboard.core.plan import FrameResult, SegmentResult, Step, TakeResult
from storyboard.core.plan_reuse import KnownPlan, PlanSnapshot
from storyboard.core.timebase import as_text, from_text
from storyboard.document.scene_cache import KnownScene
from storyboard.durable import keep_youngest, write_disposable
from storyboard.fastpath.shot_codec import PackedShots, pack, unpack
from storyboard.store.file_stamps import Look, PathStamps, Stamp, names_witness, stamp_of

if TYPE_CHECKING:
    from storyboard.core.plan import Plan
    from storyboard.engine.project_store import Workspace
    from storyboard.engine.session import Session


FOLDER = "memory"
_MAGIC = b"storyboard memory 1\n"
_MOST = 8
_NAME = re.compile(r"[0-9a-f]{8}\.bin")
_HEAD = len(_MAGIC) + 4
_SIZE = 4 * 8
_GONE: Stamp = (-1, -1, -1, -1)


class _Looks(Struct, frozen=True, array_like=True):
    paths: bytes
    stamps: bytes


class _File(Struct, frozen=True, array_like=True):
    about: str
    program: _Looks
    texts: _Looks
    kept: _Looks
    content: bytes


class CacheFile(Struct, frozen=True):
    """What was written, the *texts* that look as they did, and what of the store does not: keys and digests."""

    content: bytes
    texts: frozenset[str]
    changed_entries: frozenset[str]


def path_of(state: Path, about: str) -> Path:
    """The file for what is remembered *about* something, in the folder *state*."""
    return state / FOLDER / f"{zlib.crc32(about.encode()):08x}.bin"


def read(path: Path, about: str) -> CacheFile | None:
    """What is remembered *about* something, if the program looks as it did; ``None`` if nothing is."""
    try:
        data = path.read_bytes()
        body = memoryview(data)[_HEAD:]
        if not data.startswith(_MAGIC) or zlib.crc32(body) != int.from_bytes(data[len(_MAGIC) : _HEAD], "big"):
            return None
        file = msgspec.msgpack.decode(body, type=_File)
        if file.about != about or _changed(file.program):
            return None
        texts = frozenset(_paths(file.texts)) - frozenset(_changed(file.texts))
        return CacheFile(file.content, texts, frozenset(_names(_changed(file.kept))))
    except (OSError, msgspec.DecodeError, ValueError):
        return None


def write(
    path: Path,
    about: str,
    program: Mapping[str, Stamp],
    texts: Mapping[str, Stamp],
    kept: Mapping[str, Stamp],
    content: bytes,
) -> None:
    """Remember *content* about something; *kept* are blobs, records and their folders.

    Raises ``OSError`` or ``OverflowError``.
    """
    body = msgspec.msgpack.encode(_File(about, _packed(program), _packed(texts), _packed(kept), content))
    path.parent.mkdir(exist_ok=True)
    write_disposable(path, _MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)
    keep_youngest(_NAME, _MOST, path.parent.parent, FOLDER)


def _packed(looks: Mapping[str, Stamp]) -> _Looks:
    return _Looks(os.fsencode("\0".join(looks)), array("q", chain.from_iterable(looks.values())).tobytes())


def _paths(looks: _Looks) -> list[str]:
    return os.fsdecode(looks.paths).split("\0") if looks.paths else []


def _changed(looks: _Looks) -> list[str]:
    """The paths that look otherwise now, or are not there. Raises ``ValueError``."""
    paths = _paths(looks)
    try:
        now = array("q", chain.from_iterable(map(stamp_of, map(os.lstat, paths)))).tobytes()
    except OSError:
        now = array("q", chain.from_iterable(map(_look, paths))).tobytes()
    if now == looks.stamps:
        return []
    starts = range(0, len(now), _SIZE)
    both = zip(paths, starts, strict=True)
    return [path for path, at in both if now[at : at + _SIZE] != looks.stamps[at : at + _SIZE]]


def _look(path: str) -> Stamp:
    try:
        return stamp_of(os.lstat(path))
    except OSError:
        return _GONE


def _names(paths: Iterable[str]) -> Iterator[str]:
    """The keys and digests in the paths of blobs, of records and of the folders of records."""
    for path in paths:
        yield from (name.removesuffix(".json") for name in path.rsplit("/", 2)[1:])


class _Content(Struct, frozen=True):
    shots: PackedShots
    scenes: dict[str, KnownScene]
    plan: KnownPlan


class CachedPlan:
    """What is remembered of one storyboard; ``document`` asks it for scenes, the planner gets ``recalled``."""

    def __init__(self, root: Path, found: CacheFile) -> None:
        """Raises ``msgspec.DecodeError``, ``LookupError`` or ``ValueError`` if it was not written here."""
        content = msgspec.msgpack.decode(found.content, type=_Content, dec_hook=from_text)
        self._root = os.path.realpath(root)
        self._texts = found.texts
        self._scenes = content.scenes
        self._shots = unpack(content.shots)
        self.recalled = PlanSnapshot(content.plan, self._shots, found.changed_entries)

    def scene(self, path: str) -> KnownScene | None:
        """The scene in the file at *path* of the project, if the file looks as it did when it was read."""
        known = self._scenes.get(path)
        return known if known is not None and os.path.realpath(f"{self._root}/{path}") in self._texts else None

    def shots(self, scene: KnownScene) -> Sequence[Shot]:
        """Its shots, the same objects as in ``recalled``."""
        return self._shots[scene.first : scene.end]


def read_cached_plan(root: Path, file: Path, provider: str | None, cache: Path | None) -> CachedPlan | None:
    """What is remembered of the storyboard *file*, if anything is."""
    about = _about(root, cache, file, provider)
    found = read(path_of(root / ".storyboard", about), about)
    if found is None:
        return None
    with suppress(msgspec.DecodeError, LookupError, ValueError):
        return CachedPlan(root, found)
    return None


def write_cached_plan(
    session: "Session",
    scenes: "Mapping[str, KnownScene]",
    cache: Path | None,
    provider: str | None,
    plan: "Plan",
    looks: "PathStamps",
    program: "Mapping[str, Stamp]",
) -> None:
    """Remember a plan in which everything is in place. *looks* are proven; *program* is how the program looks."""
    board, root = session.storyboard, session.workspace.root
    vouched = StampCheck(session.workspace, looks)
    known = session.known_plan(plan, vouched)
    paths = {name: os.path.realpath(root / name) for name in scenes}
    texts = {path: looks.stamps[path] for path in paths.values() if path in looks.stamps}
    content = _Content(pack(board.shots()), dict(scenes), known)
    about = _about(root, cache, root / board.file, provider)
    encoded = msgspec.msgpack.encode(content, enc_hook=as_text)
    path = path_of(session.workspace.state, about)
    with suppress(OSError, OverflowError):
        write(path, about, program, texts, vouched.stamps, encoded)


def _about(root: Path, cache: Path | None, file: Path, provider: str | None) -> str:
    told: list[Any] = [os.path.realpath(root), cache, os.path.realpath(file), provider, sys.version, *sys.path]
    return "\0".join(map(str, told)).encode(errors="backslashreplace").decode()  # names of folders may be no text


class StampCheck:
    """Answers for steps of one build, by what is proven to tell every later change (``looks_of``).

    ``stamps`` are those of all paths behind the steps that have been vouched for.
    """

    def __init__(self, workspace: "Workspace", looks: PathStamps) -> None:
        self.stamps: dict[str, Stamp] = {}
        self._proven = looks.stamps
        self._seen: dict[str, Look] = workspace.index.seen.looks
        self._records = os.fspath((workspace.cache / "records").absolute())
        self._blobs = os.fspath(workspace.blobs.folder.absolute())

    def __call__(self, step: Step) -> bool:
        """Whether the answer to the step's key is here whole; and, but for a take, whether there is no other."""
        key, digest = step.key, _digest(step)
        if key is None or digest is None:
            return False
        folder = f"{self._records}/{key[:2]}/{key}"
        name = f"{digest}.json"
        paths = [f"{folder}/{name}", f"{self._blobs}/{digest[:2]}/{digest}"]
        if not isinstance(step.result, TakeResult):  # the lockfile says which take it is, whatever else there is
            paths.append(folder)
            if self._seen.get(folder, (None, ""))[1] != names_witness([name]):
                return False
        stamps = {path: self._proven[path] for path in paths if path in self._proven}
        if len(stamps) < len(paths):
            return False
        self.stamps |= stamps
        return True


def _digest(step: Step) -> str | None:
    match step.result:
        case TakeResult(digest) | SegmentResult(digest):
            return digest
        case FrameResult(_, picture):
            return picture
    return None
