"""Verification and garbage collection of a project's cache."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from storyboard.core.model import Storyboard
from storyboard.core.model_cards import ModelCard
from storyboard.core.plan import FrameResult, Plan, SegmentResult, SoundResult, TakeResult
from storyboard.core.results import CacheItem, Record
from storyboard.engine.session import BuildOptions, Session
from storyboard.store.blobs import BlobStore, Damaged, Missing
from storyboard.store.digest_cache import DigestCache
from storyboard.store.gc import Roots, classify, removable, remove
from storyboard.store.lockfile_refs import RefsUnreadable, Source, find_lockfiles
from storyboard.store.project_lock import ProjectLock
from storyboard.store.records import RecordStore
from storyboard.store.state import State


class ProjectCache:
    """The cache of a project, opened read-only: no file is created or changed."""

    def __init__(self, state: State) -> None:
        self._index = DigestCache(state.folder / "index.sqlite", lambda: 0.0, writable=False)
        self.blobs = BlobStore(state.cache, writable=False)
        self.records = RecordStore(state.cache, self.blobs, self._index)

    def __enter__(self) -> "ProjectCache":
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()


class CacheHealth(Struct, frozen=True):
    """The outcome of a verification. *missing* are absent blobs with their records; *unreadable* are messages."""

    blobs: int
    size: int
    damaged: tuple[str, ...]
    missing: tuple[tuple[str, Record], ...]
    unreadable: tuple[str, ...]


def verify_cache(cache: ProjectCache) -> CacheHealth:
    """Hash every blob, and look up every blob that a record names."""
    damaged, size = [], 0
    digests = cache.blobs.all()
    for digest in digests:
        try:
            size += cache.blobs.size(digest)
            cache.blobs.verify(digest)
        except Damaged:
            damaged.append(digest)
        except Missing:
            continue
    there = set(digests)
    missing = [
        (digest, record)
        for record in cache.records.scan(None)
        for digest in record.outputs.values()
        if digest not in there
    ]
    troubles = tuple(f"{trouble.path}: {trouble.reason}" for trouble in cache.records.troubles)
    return CacheHealth(len(digests), size, tuple(damaged), tuple(missing), troubles)


class GcPlan(Struct, frozen=True):
    """The items of a cache, classified; *size* is the bytes that a removal frees."""

    items: list[CacheItem]
    size: int


@contextmanager
def collect_garbage(
    state: State, storyboard: Storyboard, cards: dict[str, ModelCard], *, paid: bool, delete: bool
) -> Iterator[GcPlan]:
    """Enter with the plan of a collection; with *delete* remove its garbage at the end of the block.

    Raises ``RefsUnreadable`` if a file that may name a take cannot be read, or if a build runs or was killed,
    ``ProjectLocked`` if a build starts meanwhile, and as ``Session`` does.
    """
    if (state.folder / "builder.json").exists():
        raise RefsUnreadable("build", "running, or killed before its end; run `storyboard build` to finish it")
    if not delete:
        yield _plan(state, storyboard, cards, paid=paid)[0]
        return
    with ProjectLock(state, storyboard.file, timeout_s=0) as lock, ProjectCache(state) as cache:
        plan, roots = _plan(state, storyboard, cards, paid=paid)
        yield plan
        lock.check()
        remove(plan.items, roots, cache.records, cache.blobs)


def _plan(state: State, storyboard: Storyboard, cards: dict[str, ModelCard], *, paid: bool) -> tuple[GcPlan, Roots]:
    sources = find_lockfiles(state.root)
    with Session(state, storyboard, cards, BuildOptions()) as session, ProjectCache(state) as cache:
        roots = Roots(
            locked=frozenset(locked_take_places(sources)),
            needed=_result_digests(session.plan()) | frozenset(session.files.values()),
            open_keys=frozenset(session.store.open_keys),
            paid=paid,
        )
        items = classify(cache.records, cache.blobs, roots)
        size = sum(cache.blobs.size(digest) for digest in removable(items, roots) if cache.blobs.path(digest).exists())
    return GcPlan(items, size), roots


def locked_take_places(sources: list[Source]) -> dict[str, list[str]]:
    """Return the takes that lockfiles name, with the places of these lockfiles."""
    found: dict[str, list[str]] = {}
    for source in sources:
        for entries in source.lockfile.shots.values():
            for entry in entries.values():
                places = found.setdefault(entry.take, [])
                if source.where not in places:
                    places.append(source.where)
    return found


def _result_digests(plan: Plan) -> frozenset[str]:
    found = set()
    for step in plan.steps:
        match step.result:
            case TakeResult(digest, _, _) | SegmentResult(digest, _, _) | SoundResult(digest, _, _):
                found.add(digest)
            case FrameResult(_, picture):
                found.add(picture)
    return frozenset(found)
