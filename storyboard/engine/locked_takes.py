"""Takes whose blobs are in the cache without a record: the lockfile alone says which request they answer.

Records are written on the machine that buys or accepts a take. Another machine with an equal blob finds the request
key, the provenance and the frames of the take in the lockfile.
"""

from collections.abc import Sequence

from msgspec import Struct

from storyboard import __version__
from storyboard.core.clip import ClipInfo
from storyboard.core.keys import Request
from storyboard.core.plan import LockEntry
from storyboard.core.results import ACCEPTED, Provenance, Record
from storyboard.engine.worker_tasks import clip_facts
from storyboard.store.blobs import BlobStore, Damaged, Missing, is_digest
from storyboard.store.digest_cache import DigestCache
from storyboard.store.lockfile import Lockfile


class _NamedEntry(Struct, frozen=True):
    shot: str
    provider: str
    entry: LockEntry


class LockedTakes:
    """The takes that *lockfile* names, over the blobs of one cache."""

    def __init__(self, lockfile: Lockfile, blobs: BlobStore, index: DigestCache) -> None:
        self._blobs = blobs
        self._index = index
        self._names: dict[str, list[_NamedEntry]] = {}
        self._frames: dict[str, dict[str, str]] = {}
        self._records: dict[tuple[str, str], Record | None] = {}
        for shot, entries in lockfile.shots.items():
            for provider, entry in entries.items():
                if is_digest(entry.key) and is_digest(entry.take):
                    self._names.setdefault(entry.key, []).append(_NamedEntry(shot, provider, entry))
                    self._frames.setdefault(entry.take, {}).update(entry.frames)

    def entries(self, key: str) -> Sequence[LockEntry]:
        """Return the entries of *key*."""
        return [name.entry for name in self._names.get(key, ())]

    def planes(self, take: str, at: str) -> str | None:
        """Return the digest of the planes of a take's frame, if the lockfile has it."""
        return self._frames.get(take, {}).get(at)

    def records(self, key: str, known: Sequence[Record]) -> list[Record]:
        """Return a record for each intact take of *key* that has none among the *known* records.

        Its request and its time are empty, which a lockfile does not hold.
        """
        if key not in self._names:
            return []
        recorded = {record.digest for record in known}
        names = {name.entry.take: name for name in self._names[key] if name.entry.take not in recorded}
        found = [self._record(name) for name in names.values()]
        return [record for record in found if record is not None]

    def record(self, key: str, take: str) -> Record | None:
        """Return the record that ``records`` made for a take, if it did."""
        return self._records.get((key, take))

    def _record(self, name: _NamedEntry) -> Record | None:
        at = name.entry.key, name.entry.take
        if at not in self._records:
            info = self._probe(name.entry.take)
            self._records[at] = _make_record(name, info) if info is not None else None
        return self._records[at]

    def _probe(self, take: str) -> ClipInfo | None:
        """Probe the clip of a take; ``None`` if it is missing or damaged."""
        try:
            path = self._blobs.verified(take, self._index)
        except (Missing, Damaged):
            return None
        from storyboard.media.probe import InvalidMedia, probe

        try:
            return probe(path)
        except InvalidMedia:
            return None


def _make_record(name: _NamedEntry, info: ClipInfo) -> Record:
    entry = name.entry
    request: Request = {}
    made = Provenance(
        at="",
        provider=name.provider,
        tool=__version__,
        label=name.shot,
        seed=entry.seed,
        task_id=entry.task_id,
        cost=entry.cost,
        note=ACCEPTED if was_accepted(name.provider, entry) else "",
    )
    return Record(entry.key, "take", request, {"clip": entry.take}, made, info=clip_facts(info))


def was_accepted(provider: str, entry: LockEntry) -> bool:
    """Return whether a locked take was made for another request, so that its task id does not follow from its key.

    ``False`` for providers whose task ids do not follow from keys, such as the animatic.
    """
    from storyboard.providers.base import UnknownProvider, attempt_of, find

    if entry.task_id is None:
        return False
    try:
        known = find(provider)
    except UnknownProvider:
        return False
    return known.client_task_ids and not attempt_of(known, entry.key, entry.task_id)
