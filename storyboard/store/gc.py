"""Garbage collection of the cache: which records and blobs are unreferenced, and their removal.

Lockfiles reference takes, takes reference their pictures and segments, and open jobs reference everything that they may
still need. ``lockfile_refs`` finds the lockfiles. Records are removed before blobs, so that an interrupted removal
leaves blobs without a record, which the next run finds.
"""

from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from storyboard.core.keys import input_digest
from storyboard.core.model import PICTURE_FIELDS
from storyboard.core.results import CacheItem, Record, amount
from storyboard.store.blobs import BlobStore, Missing
from storyboard.store.lockfile_refs import RefsUnreadable
from storyboard.store.records import RecordStore

_UNRECORDED = "loose"


class Roots(Struct, frozen=True):
    """References that keep items in the cache.

    *locked* are digests of takes in any lockfile; *needed* are all digests that a build of the present storyboard uses;
    *open_keys* are the keys of unfinished paid jobs. *paid* allows the removal of paid takes.
    """

    locked: frozenset[str]
    needed: frozenset[str]
    open_keys: frozenset[str]
    paid: bool = False


def was_paid(record: Record) -> bool:
    """Return whether *record* is a take that cost or may have cost money."""
    return record.kind == "take" and (record.made.task_id is not None or bool(amount(record.made.cost)))


def classify(records: RecordStore, blobs: BlobStore, roots: Roots) -> list[CacheItem]:
    """Return every item of the cache with the reason why it is kept, if any.

    Raises ``RefsUnreadable`` if a record cannot be read, and ``OSError``.
    """
    all_items = list(records.scan(None))
    for trouble in records.troubles:
        raise RefsUnreadable(str(trouble.path), trouble.reason)
    kept = _kept_digests(all_items, roots)
    named = {digest for record in all_items for digest in record.outputs.values()}
    items = [
        CacheItem(_kind(record), record.digest, _size(blobs, record), _why_kept(record, kept, roots), record)
        for record in all_items
    ]
    return [*items, *_unrecorded_blobs(blobs, named | kept, roots)]


def removable(items: Iterable[CacheItem], roots: Roots) -> set[str]:
    """Return the digests of the blobs among *items* that nothing references."""
    all_items = list(items)
    staying = {digest for item in all_items if item.kept for digest in _item_digests(item)}
    return (
        {digest for item in all_items if not item.kept for digest in _item_digests(item)}
        - staying
        - _root_digests(roots)
    )


def remove(items: Iterable[CacheItem], roots: Roots, records: RecordStore, blobs: BlobStore) -> None:
    """Delete the items that nothing references. Only for the owner of the project lock. Raises ``OSError``."""
    all_items = list(items)
    doomed = removable(all_items, roots)
    for item in all_items:
        if item.record is not None and not item.kept:
            records.remove(item.record)
    for digest in sorted(doomed):
        blobs.remove(digest)


def _root_digests(roots: Roots) -> frozenset[str]:
    return roots.locked | roots.needed


def _kept_digests(records: Iterable[Record], roots: Roots) -> frozenset[str]:
    """Return the digests of kept takes and of the pictures that went into them.

    Whatever was derived from those digests is kept too.
    """
    takes = [record for record in records if record.kind == "take" and _why_take_is_kept(record, roots)]
    pictures = {input_digest(str(take.request.get(field))) for take in takes for field in PICTURE_FIELDS}
    return frozenset(take.digest for take in takes) | pictures | _root_digests(roots)


def _why_take_is_kept(record: Record, roots: Roots) -> str:
    """Return the reason why a take is kept, empty if it is not."""
    if record.digest in roots.locked:
        return "locked"
    if record.digest in roots.needed:
        return "in use"
    if roots.open_keys:
        return "a paid job is not finished"
    return "paid" if was_paid(record) and not roots.paid else ""


def _why_kept(record: Record, kept: frozenset[str], roots: Roots) -> str:
    """Return the reason why *record* is kept, empty if it is not."""
    if record.kind == "take":
        return _why_take_is_kept(record, roots)
    if record.kind == "cut":
        return "of a cut, which takes no room"
    if any(digest in roots.needed for digest in record.outputs.values()):
        return "in use"
    if roots.open_keys and record.kind == "frame":
        return "a paid job is not finished"
    if any(digest in kept for digest in record.outputs.values()):
        return "went into a take that stays"
    return "of a take that stays" if record.request.get("take") in kept else ""


def _kind(record: Record) -> str:
    return "picture" if "url" in record.request else record.kind


def _unrecorded_blobs(blobs: BlobStore, named: frozenset[str] | set[str], roots: Roots) -> Iterable[CacheItem]:
    """Yield the blobs that no record names."""
    for digest in blobs.all():
        if digest not in named:
            why = "perhaps a paid take" if not roots.paid and _is_clip(blobs, digest) else ""
            why = "a paid job is not finished" if roots.open_keys else why
            yield CacheItem(_UNRECORDED, digest, blobs.size(digest), why)


def _is_clip(blobs: BlobStore, digest: str) -> bool:
    with blobs.path(digest).open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _size(blobs: BlobStore, record: Record) -> int:
    size = 0
    for digest in set(record.outputs.values()):
        with suppress(Missing):
            size += blobs.size(digest)
    return size


def _item_digests(item: CacheItem) -> list[str]:
    return list(item.record.outputs.values()) if item.record is not None else [item.digest]
