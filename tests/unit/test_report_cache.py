"""The cache as text: an order that follows from shots and times, not from digests."""

from itertools import permutations

from storyboard.core.results import CacheItem, Provenance, Record
from storyboard.report.cache import cleaning_text, items_data, takes_text


def _item(kind, shot: str, at: str, digest: str) -> CacheItem:
    made = Provenance(at=f"2026-03-01T10:00:{at}+00:00", label=shot, provider="runware", cost="0.60")
    return CacheItem(kind, digest * 64, 1000, "", Record(digest * 64, kind, {}, {"video": digest * 64}, made))


def test_the_same_cache_is_listed_in_the_same_order_whatever_its_digests_are() -> None:
    items = [_item("take", "b", "01", "9"), _item("take", "a", "02", "5"), _item("take", "a", "01", "7")]
    items += [_item("cut", "", "03", "3"), _item("frame", "a", "02", "1")]
    for order in permutations(items):
        assert [one["digest"][0] for one in items_data(order)] == ["7", "5", "9", "3", "1"]
        assert takes_text(order, {}).endswith("\n3 takes 3.0 kB, 1 cut 1.0 kB, 1 frame 1.0 kB")
        lines = cleaning_text(order, 5000, deleted=False, command="storyboard cache gc --delete").splitlines()
        assert [line.split()[2] for line in lines[:5]] == ["take", "take", "take", "cut", "frame"]
