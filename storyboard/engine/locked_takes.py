"""Takes that the lockfile names and no record tells of: if their bytes are here, the lockfile alone answers for them.

Records of a take are made where it is bought or accepted. Another machine that has the same bytes, from an earlier
request or without any record, finds in the lockfile what they answer, where they came from and what their frames look
like.
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


class _Name(Struct, frozen=True):
    shot: str
    provider: str
    entry: LockEntry


class LockedTakes:
    """The takes that *lockfile* names, over the blobs of one cache."""

    def __init__(self, lockfile: Lockfile, blobs: BlobStore, index: DigestCache) -> None:
        self._blobs = blobs
        self._index = index
        self._names: dict[str, list[_Name]] = {}
        self._frames: dict[str, dict[str, str]] = {}
        self._records: dict[tuple[str, str], Record | None] = {}
        for shot, entries in lockfile.shots.items():
            for provider, entry in entries.items():
                if is_digest(entry.key) and is_digest(entry.take):
                    self._names.setdefault(entry.key, []).append(_Name(shot, provider, entry))
                    self._frames.setdefault(entry.take, {}).update(entry.frames)

    def entries(self, key: str) -> Sequence[LockEntry]:
        """The entries for that key."""
        return [name.entry for name in self._names.get(key, ())]

    def planes(self, take: str, at: str) -> str | None:
        """The digest of the planes of a frame of a take; ``None`` if the lockfile does not tell it."""
        return self._frames.get(take, {}).get(at)

    def records(self, key: str, known: Sequence[Record]) -> list[Record]:
        """A record for each take of that key that is here whole and that none of the *known* records is about.

        Its request is left empty, and the day of its making: a lockfile does not tell them.
        """
        if key not in self._names:
            return []
        told = {record.digest for record in known}
        names = {name.entry.take: name for name in self._names[key] if name.entry.take not in told}
        found = [self._record(name) for name in names.values()]
        return [record for record in found if record is not None]

    def record(self, key: str, take: str) -> Record | None:
        """The record that ``records`` has given for a take, if there was none in the cache."""
        return self._records.get((key, take))

    def _record(self, name: _Name) -> Record | None:
        at = name.entry.key, name.entry.take
        if at not in self._records:
            info = self._info(name.entry.take)
            self._records[at] = _as_record(name, info) if info is not None else None
        return self._records[at]

    def _info(self, take: str) -> ClipInfo | None:
        """The facts of the clip; ``None`` if it is not here, or not whole."""
        try:
            path = self._blobs.verified(take, self._index)
        except (Missing, Damaged):
            return None
        from storyboard.media.probe import InvalidMedia, probe

        try:
            return probe(path)
        except InvalidMedia:
            return None


def _as_record(name: _Name, info: ClipInfo) -> Record:
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
    """Return whether a locked take was made for another request: its task id does not follow from its key then.

    Where ids do not follow from keys, as for what is drawn here, that cannot be told, and the answer is no.
    """
    from storyboard.providers.base import UnknownProvider, attempt_of, find

    if entry.task_id is None:
        return False
    try:
        known = find(provider)
    except UnknownProvider:
        return False
    return known.client_task_ids and not attempt_of(known, entry.key, entry.task_id)
