"""The plan cache: scenes and steps of the last build that left everything in place, for the next ``plan``.

It spares reading scenes and deciding on steps that are still valid; without it every answer is equal. Its stamps
come from ``noop_proof``.

    .storyboard/memory/<crc of the subject>.bin
        a magic line, a checksum, and in msgpack: the subject, the paths and stamps of program, texts and store files,
        and the content

The *subject* is everything beside files that the content depends on. Paths are absolute.
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
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from storyboard.core.model import Shot
from storyboard.core.plan import FrameResult, Plan, SegmentResult, Step, TakeResult
from storyboard.core.plan_reuse import KnownPlan, PlanSnapshot, known_plan
from storyboard.core.timebase import as_text, from_text
from storyboard.document.scene_cache import KnownScene
from storyboard.durable import keep_youngest, read_regular, write_disposable
from storyboard.fastpath.shot_codec import PackedShots, pack, unpack
from storyboard.store.file_stamps import PathStamps, Stamp, StatEntry, folder_witness, stamp_of

if TYPE_CHECKING:
    from storyboard.engine.build import FinishedBuild
    from storyboard.engine.project_store import ProjectStore


FOLDER = "memory"
_MAGIC = b"storyboard memory 1\n"
_MAX_FILES = 8
_FILE_NAME = re.compile(r"[0-9a-f]{8}\.bin")
_HEAD_BYTES = len(_MAGIC) + 4
_STAMP_BYTES = 4 * 8
_GONE: Stamp = (-1, -1, -1, -1)


class _PathStamps(Struct, frozen=True, array_like=True):
    paths: bytes
    stamps: bytes


class _CacheFileData(Struct, frozen=True, array_like=True):
    subject: str
    program: _PathStamps
    texts: _PathStamps
    stored: _PathStamps
    content: bytes


class CacheFile(Struct, frozen=True):
    """The *content* of a plan cache and what it is still worth.

    *texts* are the paths that look unchanged, *changed_entries* the keys and digests of store files that do not.
    """

    content: bytes
    texts: frozenset[str]
    changed_entries: frozenset[str]


def cache_path(state: Path, subject: str) -> Path:
    """Return the path of the cache for *subject* in the folder *state*."""
    return state / FOLDER / f"{zlib.crc32(subject.encode()):08x}.bin"


def read_cache_file(path: Path, subject: str) -> CacheFile | None:
    """Return the cache at *path*; ``None`` if it is for another subject or program, or cannot be read."""
    try:
        data = read_regular(path)
        body = memoryview(data)[_HEAD_BYTES:]
        if not data.startswith(_MAGIC) or zlib.crc32(body) != int.from_bytes(data[len(_MAGIC) : _HEAD_BYTES], "big"):
            return None
        file = msgspec.msgpack.decode(body, type=_CacheFileData)
        if file.subject != subject or _changed_paths(file.program):
            return None
        texts = frozenset(_decode_paths(file.texts)) - frozenset(_changed_paths(file.texts))
        return CacheFile(file.content, texts, frozenset(_keys_and_digests(_changed_paths(file.stored))))
    except (OSError, msgspec.DecodeError, ValueError):
        return None


def write_cache_file(
    path: Path,
    subject: str,
    program: Mapping[str, Stamp],
    texts: Mapping[str, Stamp],
    stored: Mapping[str, Stamp],
    content: bytes,
) -> None:
    """Write a cache for *subject*; *stored* are blobs, records and their folders.

    Raises ``OSError`` and ``OverflowError``.
    """
    data = _CacheFileData(subject, _encode_stamps(program), _encode_stamps(texts), _encode_stamps(stored), content)
    body = msgspec.msgpack.encode(data)
    path.parent.mkdir(exist_ok=True)
    write_disposable(path, _MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)
    keep_youngest(_FILE_NAME, _MAX_FILES, path.parent.parent, FOLDER)


def _encode_stamps(stamps: Mapping[str, Stamp]) -> _PathStamps:
    return _PathStamps(os.fsencode("\0".join(stamps)), array("q", chain.from_iterable(stamps.values())).tobytes())


def _decode_paths(stamps: _PathStamps) -> list[str]:
    return os.fsdecode(stamps.paths).split("\0") if stamps.paths else []


def _changed_paths(stamps: _PathStamps) -> list[str]:
    """Return the paths whose stamps differ now, or that are gone. Raises ``ValueError``."""
    paths = _decode_paths(stamps)
    try:
        now = array("q", chain.from_iterable(map(stamp_of, map(os.lstat, paths)))).tobytes()
    except OSError:
        now = array("q", chain.from_iterable(map(_stamp_or_gone, paths))).tobytes()
    if now == stamps.stamps:
        return []
    starts = range(0, len(now), _STAMP_BYTES)
    both = zip(paths, starts, strict=True)
    return [path for path, at in both if now[at : at + _STAMP_BYTES] != stamps.stamps[at : at + _STAMP_BYTES]]


def _stamp_or_gone(path: str) -> Stamp:
    try:
        return stamp_of(os.lstat(path))
    except OSError:
        return _GONE


def _keys_and_digests(paths: Iterable[str]) -> Iterator[str]:
    """Yield the keys and digests in the paths of blobs, records and folders of records."""
    for path in paths:
        yield from (name.removesuffix(".json") for name in path.rsplit("/", 2)[1:])


class _Content(Struct, frozen=True):
    shots: PackedShots
    scenes: dict[str, KnownScene]
    plan: KnownPlan


class CachedPlan:
    """The cached plan of one storyboard: scenes for ``document``, and a *snapshot* for the planner."""

    def __init__(self, root: Path, file: CacheFile) -> None:
        """Raises ``msgspec.DecodeError``, ``LookupError`` or ``ValueError`` if the content is of another form."""
        content = msgspec.msgpack.decode(file.content, type=_Content, dec_hook=from_text)
        self._root = os.path.realpath(root)
        self._texts = file.texts
        self._scenes = content.scenes
        self._shots = unpack(content.shots)
        self.snapshot = PlanSnapshot(content.plan, self._shots, file.changed_entries)

    def scene(self, path: str) -> KnownScene | None:
        """Return the scene in the file at *path* of the project, if that file is unchanged."""
        known = self._scenes.get(path)
        return known if known is not None and os.path.realpath(f"{self._root}/{path}") in self._texts else None

    def shots(self, scene: KnownScene) -> Sequence[Shot]:
        """Return the shots of *scene*: the very objects that are in ``snapshot``, so that comparing them is quick."""
        return self._shots[scene.first : scene.end]


def read_cached_plan(root: Path, file: Path, provider: str | None, cache: Path | None) -> CachedPlan | None:
    """Return the cached plan of the storyboard *file*, if there is one."""
    subject = _subject(root, cache, file, provider)
    found = read_cache_file(cache_path(root / ".storyboard", subject), subject)
    if found is None:
        return None
    with suppress(msgspec.DecodeError, LookupError, ValueError):
        return CachedPlan(root, found)
    return None


def write_cached_plan(
    build: "FinishedBuild",
    scenes: "Mapping[str, KnownScene]",
    cache: Path | None,
    provider: str | None,
    plan: Plan,
    stamps: "PathStamps",
    program: "Mapping[str, Stamp]",
) -> None:
    """Write a plan in which every step is reused, unless that fails.

    *stamps* are those that ``prove_noop`` returned, *program* those of the program.
    """
    session, store = build.session, build.session.store
    board, root = session.storyboard, store.root
    check = StampCheck(store, stamps)
    known = known_plan(plan, session.graph, session.plan_options(), build.planner.segments, check)
    paths = {name: os.path.realpath(root / name) for name in scenes}
    texts = {path: stamps.stamps[path] for path in paths.values() if path in stamps.stamps}
    content = _Content(pack(board.shots()), dict(scenes), known)
    subject = _subject(root, cache, root / board.file, provider)
    encoded = msgspec.msgpack.encode(content, enc_hook=as_text)
    path = cache_path(store.folder, subject)
    with suppress(OSError, OverflowError):
        write_cache_file(path, subject, program, texts, check.stamps, encoded)


def _subject(root: Path, cache: Path | None, file: Path, provider: str | None) -> str:
    parts = [os.path.realpath(root), cache, os.path.realpath(file), provider, sys.version, *sys.path]
    return "\0".join(map(str, parts)).encode(errors="backslashreplace").decode()  # folder names may be no UTF-8


class StampCheck:
    """The check of which steps a plan cache may hold: those whose record and bytes have proven stamps.

    ``stamps`` are those of all paths behind the steps that have passed.
    """

    def __init__(self, store: "ProjectStore", stamps: PathStamps) -> None:
        self.stamps: dict[str, Stamp] = {}
        self._proven = stamps.stamps
        self._looks: dict[str, StatEntry] = store.digests.stat_log.entries
        self._records = os.fspath((store.cache / "records").absolute())
        self._blobs = os.fspath(store.blobs.folder.absolute())

    def __call__(self, step: Step) -> bool:
        """Return whether the step's record and bytes are proven, and no second record has its key (but for takes)."""
        key, digest = step.key, _result_digest(step)
        if key is None or digest is None:
            return False
        folder = f"{self._records}/{key[:2]}/{key}"
        name = f"{digest}.json"
        paths = [f"{folder}/{name}", f"{self._blobs}/{digest[:2]}/{digest}"]
        if not isinstance(step.result, TakeResult):  # the lockfile chooses a take among several
            paths.append(folder)
            if self._looks.get(folder, (None, ""))[1] != folder_witness([name]):
                return False
        stamps = {path: self._proven[path] for path in paths if path in self._proven}
        if len(stamps) < len(paths):
            return False
        self.stamps |= stamps
        return True


def _result_digest(step: Step) -> str | None:
    match step.result:
        case TakeResult(digest) | SegmentResult(digest):
            return digest
        case FrameResult(_, picture):
            return picture
    return None
