"""The cache as text and data: its takes, its size, and what can be removed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from storyboard.core.results import CacheItem, dollars, money_data
from storyboard.report.text import clean, paid, several

_NOUNS = {"loose": "other file"}  # such as music and pictures
# Wording of ``CacheItem.kept``, whose values are keys in JSON and stay as they are.
_KEPT = {
    "in use": "in use",
    "locked": "named by a lockfile",
    "paid": "paid for",
    "perhaps a paid take": "possibly paid for",
    "a paid job is not finished": "possibly needed by an unfinished paid job",
    "of a cut, which takes no room": "records of cuts, without files",
    "of a take that stays": "derived from a kept take",
    "went into a take that stays": "input of a kept take",
}


def size_text(size: int) -> str:
    """Return ``3.4 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def takes_text(items: Sequence[CacheItem], places: Mapping[str, Sequence[str]]) -> str:
    """Return a line for each take, then the numbers and sizes of all items by kind."""
    items = sorted(items, key=_sort_key)
    takes = [item for item in items if item.kind == "take"]
    width = max((len(_label(item)) for item in takes), default=0)
    lines = [_take_line(item, width, places) for item in takes]
    counts, sizes = Counter(item.kind for item in items), Counter[str]()
    for item in items:
        sizes[item.kind] += item.size
    parts = [f"{several(counts[kind], _NOUNS.get(kind, kind))} {size_text(sizes[kind])}" for kind in counts]
    return "\n".join([*lines, *([""] if lines else []), ", ".join(parts) or "the cache is empty"])


def _take_line(item: CacheItem, width: int, places: Mapping[str, Sequence[str]]) -> str:
    made = item.record.made if item.record is not None else None
    seed = f"seed {made.seed}" if made is not None and made.seed is not None else ""
    cost = paid(made.cost) if made is not None else ""
    used = ", ".join(places.get(item.digest, ())) or "in no lockfile"
    at, provider = (made.at[:16].replace("T", " "), made.provider) if made is not None else ("", "")
    return (
        f"  {_label(item):<{width}}  {item.digest[:12]}  {at}  {provider:<8} {seed:<12} {cost:>6}  "
        f"{size_text(item.size):>9}  {clean(used)}"
    )


def _label(item: CacheItem) -> str:
    return clean(item.record.made.label) if item.record is not None else ""


def _sort_key(item: CacheItem) -> tuple[bool, str, str, str, str]:
    """Return what puts takes first, then each kind by shot and time, whatever the digests are."""
    made_at = item.record.made.at if item.record is not None else ""
    return (item.kind != "take", item.kind, _label(item), made_at, item.digest)


def items_data(items: Sequence[CacheItem], places: Mapping[str, Sequence[str]] | None = None) -> list[dict[str, Any]]:
    """Return items of the cache as JSON data; sizes in bytes, costs in dollars as text."""
    return [
        {
            "kind": item.kind,
            "shot": (item.record.made.label or None) if item.record is not None else None,
            "digest": item.digest,
            "key": item.record.key if item.record is not None else None,
            "bytes": item.size,
            "at": item.record.made.at if item.record is not None else None,
            "provider": (item.record.made.provider or None) if item.record is not None else None,
            "seed": item.record.made.seed if item.record is not None else None,
            "cost": item.record.made.cost if item.record is not None else None,
            "kept": item.kept or None,
            **({"locked_in": list(places.get(item.digest, ()))} if places is not None else {}),
        }
        for item in sorted(items, key=_sort_key)
    ]


def cleaning_text(items: Sequence[CacheItem], size: int, *, deleted: bool, command: str) -> str:
    """Return what is removed, what stays and why, and how to go on; *command* removes it."""
    gone = [item for item in sorted(items, key=_sort_key) if not item.kept]
    stays = Counter(item.kept for item in items if item.kept)
    verb = "deleted" if deleted else "to delete"
    lines = [
        f"  {verb}  {item.kind:<8} {_label(item)} {item.digest[:12]}  {_size_and_cost(item)}".rstrip() for item in gone
    ]
    lines += [f"  kept: {count} {_KEPT.get(why, why)}" for why, count in sorted(stays.items())]
    spent = sum((item.cost for item in gone), Decimal(0))
    cost = f", paid {dollars(spent)}" if spent else ""
    lines.append(f"{verb} {len(gone)} of {several(len(items), 'item')}: {size_text(size)}{cost}")
    if gone and not deleted:
        lines.append(f"nothing deleted yet; run `{command}`")
    if stays["paid"]:
        spent = sum((item.cost for item in items if item.kept == "paid"), Decimal(0))
        lines.append(f"paid takes in no lockfile: {stays['paid']}, {dollars(spent)}; delete them with `--paid`")
    return "\n".join(lines)


def _size_and_cost(item: CacheItem) -> str:
    return f"{size_text(item.size)}{f', {dollars(item.cost)}' if item.cost else ''}"


def cleaning_data(items: Sequence[CacheItem], size: int, *, deleted: bool) -> dict[str, Any]:
    """Return what is removed and what stays as JSON data."""
    gone = [item for item in items if not item.kept]
    return {
        "deleted": deleted,
        "bytes": size,
        "going": items_data(gone),
        "staying": dict(sorted(Counter(item.kept for item in items if item.kept).items())),
        "cost": money_data(sum((item.cost for item in gone), Decimal(0))),
    }
