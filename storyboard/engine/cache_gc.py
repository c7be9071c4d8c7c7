"""Care of a project's cache: what is in it, whether it is whole, and the removal of what nobody needs."""

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
    """The cache of a project, opened for reading; no file appears or changes."""

    def __init__(self, state: State) -> None:
        self._index = DigestCache(state.folder / "index.sqlite", lambda: 0.0, writable=False)
        self.blobs = BlobStore(state.cache, writable=False)
        self.records = RecordStore(state.cache, self.blobs, self._index)

    def __enter__(self) -> "ProjectCache":
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()


class Health(Struct, frozen=True):
    """What reading all of a cache found; *missing* are blobs that a record names, *unreadable* says which and why."""

    blobs: int
    size: int
    damaged: tuple[str, ...]
    missing: tuple[tuple[str, Record], ...]
    unreadable: tuple[str, ...]


def verify(cache: ProjectCache) -> Health:
    """Read and hash every blob, and look for every blob that a record names."""
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
        for record in cache.records.takes_of(None)
        for digest in record.outputs.values()
        if digest not in there
    ]
    troubles = tuple(f"{trouble.path}: {trouble.reason}" for trouble in cache.records.troubles)
    return Health(len(digests), size, tuple(damaged), tuple(missing), troubles)


class Cleaning(Struct, frozen=True):
    """What stays and what goes; *size* is how many bytes are freed."""

    items: list[CacheItem]
    size: int


@contextmanager
def cleaning(
    state: State, storyboard: Storyboard, cards: dict[str, ModelCard], *, paid: bool, delete: bool
) -> Iterator[Cleaning]:
    """What can go; at the end of the block it is gone, if *delete*.

    Raises ``RefsUnreadable`` if anything that could name a take cannot be read, or if a build runs or was killed;
    ``ProjectLocked`` if one begins meanwhile; as ``Session`` does.
    """
    if (state.folder / "builder.json").exists():
        raise RefsUnreadable("build", "one is running, or was killed; `storyboard build` finishes its work")
    if not delete:
        yield _look(state, storyboard, cards, paid=paid)[0]
        return
    with ProjectLock(state, storyboard.file, timeout_s=0) as builder, ProjectCache(state) as cache:
        found, roots = _look(state, storyboard, cards, paid=paid)
        yield found
        builder.check()
        remove(found.items, roots, cache.records, cache.blobs)


def _look(state: State, storyboard: Storyboard, cards: dict[str, ModelCard], *, paid: bool) -> tuple[Cleaning, Roots]:
    sources = find_lockfiles(state.root)
    with Session(state, storyboard, cards, BuildOptions()) as session, ProjectCache(state) as cache:
        roots = Roots(
            locked=frozenset(locked_takes(sources)),
            needed=_digests(session.plan()) | frozenset(session.files.values()),
            open_keys=frozenset(session.workspace.open_keys),
            paid=paid,
        )
        items = classify(cache.records, cache.blobs, roots)
        size = sum(cache.blobs.size(digest) for digest in removable(items, roots) if cache.blobs.path(digest).exists())
    return Cleaning(items, size), roots


def locked_takes(sources: list[Source]) -> dict[str, list[str]]:
    """The takes that lockfiles name, each with the places of those lockfiles."""
    found: dict[str, list[str]] = {}
    for source in sources:
        for entries in source.lockfile.shots.values():
            for entry in entries.values():
                places = found.setdefault(entry.take, [])
                if source.where not in places:
                    places.append(source.where)
    return found


def _digests(plan: Plan) -> frozenset[str]:
    found = set()
    for step in plan.steps:
        match step.result:
            case TakeResult(digest, _, _) | SegmentResult(digest, _, _) | SoundResult(digest, _, _):
                found.add(digest)
            case FrameResult(_, picture):
                found.add(picture)
    return frozenset(found)
