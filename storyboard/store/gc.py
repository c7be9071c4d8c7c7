"""What of the cache nobody needs any more, and its removal.

Knows what holds on to what: lockfiles to takes, takes to their pictures and segments, open jobs to all that they may
still need. Leaves finding the lockfiles to ``refs``. Records go before blobs, so that a removal cut short leaves blobs
without a record, which the next one finds.
"""

from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from storyboard.core.money import amount
from storyboard.core.results import CacheItem, Record
from storyboard.store.blobs import BlobStore, Missing
from storyboard.store.lockfile_refs import RefsUnreadable
from storyboard.store.records import RecordStore

_LOOSE = "loose"
_FRAMES = ("first_frame", "last_frame")


class Roots(Struct, frozen=True):
    """What may not go.

    *locked* are digests of takes that a lockfile names; *needed* all digests that a build of today's storyboard uses;
    *open_keys* the keys of paid jobs that are not finished. *paid* lets takes go that money was paid for.
    """

    locked: frozenset[str]
    needed: frozenset[str]
    open_keys: frozenset[str]
    paid: bool = False


def was_paid(record: Record) -> bool:
    """Whether money was or may have been paid for a take."""
    return record.kind == "take" and (record.made.task_id is not None or bool(amount(record.made.cost)))


def classify(records: RecordStore, blobs: BlobStore, roots: Roots) -> list[CacheItem]:
    """Everything in the cache, and why it stays. Raises ``RefsUnreadable`` if a record cannot be read, ``OSError``."""
    everything = list(records.takes_of(None))
    for trouble in records.troubles:
        raise RefsUnreadable(str(trouble.path), trouble.reason)
    held = _held(everything, roots)
    named = {digest for record in everything for digest in record.outputs.values()}
    items = [
        CacheItem(_kind(record), record.digest, _size(blobs, record), _why(record, held, roots), record)
        for record in everything
    ]
    return [*items, *_loose(blobs, named | held, roots)]


def removable(items: Iterable[CacheItem], roots: Roots) -> set[str]:
    """The digests of the blobs that nothing holds on to."""
    everything = list(items)
    staying = {digest for item in everything if item.kept for digest in _digests(item)}
    return {digest for item in everything if not item.kept for digest in _digests(item)} - staying - _rooted(roots)


def _rooted(roots: Roots) -> frozenset[str]:
    return roots.locked | roots.needed


def _held(records: Iterable[Record], roots: Roots) -> frozenset[str]:
    """The takes that stay, and the pictures from elsewhere that went into them; what is made of them stays as well."""
    takes = [record for record in records if record.kind == "take" and _take_stays(record, roots)]
    pictures = {str(take.request.get(field)).removeprefix("file:") for take in takes for field in _FRAMES}
    return frozenset(take.digest for take in takes) | pictures | _rooted(roots)


def _take_stays(record: Record, roots: Roots) -> str:
    if record.digest in roots.locked:
        return "locked"
    if record.digest in roots.needed:
        return "in use"
    if roots.open_keys:
        return "a paid job is not finished"
    return "paid" if was_paid(record) and not roots.paid else ""


def _why(record: Record, held: frozenset[str], roots: Roots) -> str:
    if record.kind == "take":
        return _take_stays(record, roots)
    if record.kind == "cut":
        return "of a cut, which takes no room"
    if any(digest in roots.needed for digest in record.outputs.values()):
        return "in use"
    if roots.open_keys and record.kind == "frame":
        return "a paid job is not finished"
    if any(digest in held for digest in record.outputs.values()):
        return "went into a take that stays"
    return "of a take that stays" if record.request.get("take") in held else ""


def _kind(record: Record) -> str:
    return "picture" if "url" in record.request else record.kind


def _loose(blobs: BlobStore, named: frozenset[str] | set[str], roots: Roots) -> Iterable[CacheItem]:
    for digest in blobs.all():
        if digest not in named:
            why = "perhaps a paid take" if not roots.paid and _is_clip(blobs, digest) else ""
            why = "a paid job is not finished" if roots.open_keys else why
            yield CacheItem(_LOOSE, digest, blobs.size(digest), why)


def _is_clip(blobs: BlobStore, digest: str) -> bool:
    with blobs.path(digest).open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _size(blobs: BlobStore, record: Record) -> int:
    size = 0
    for digest in set(record.outputs.values()):
        with suppress(Missing):
            size += blobs.size(digest)
    return size


def remove(items: Iterable[CacheItem], roots: Roots, records: RecordStore, blobs: BlobStore) -> None:
    """Delete what does not stay. Only for the holder of the builder's lock. Raises ``OSError``."""
    everything = list(items)
    doomed = removable(everything, roots)
    for item in everything:
        if item.record is not None and not item.kept:
            records.remove(item.record)
    for digest in sorted(doomed):
        blobs.remove(digest)


def _digests(item: CacheItem) -> list[str]:
    return list(item.record.outputs.values()) if item.record is not None else [item.digest]
