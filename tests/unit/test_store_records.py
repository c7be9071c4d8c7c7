"""Records: the outputs of a key, and whether they are still valid."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from storyboard.core.results import Provenance, Record
from storyboard.store.blobs import BlobStore, Missing
from storyboard.store.digest_cache import DigestCache
from storyboard.store.records import RecordStore

KEY = "5e" * 32
OTHER_KEY = "5e" + "0b" * 31


class Shelf:
    """A cache with its records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = BlobStore(folder)
        self.index = DigestCache(folder / "none" / "index.sqlite", clock=lambda: 4e9)
        self.records = RecordStore(folder, self.blobs, self.index)

    def take(self, data: bytes = b"take", key: str = KEY, at: str = "2026-11-22T10:00:00Z") -> Record:
        made = Provenance(at=at, seconds=61.5, provider="runware", tool="0.1.0", label="glide", seed=7, cost="0.964")
        request = {"prompt": "a river", "params": {"fps": 24, "ratio": 1.5, "audio": None}}
        record = Record(key, "take", request, {"video": self.blobs.put_bytes(data)}, made, info={"frames": 192})
        self.records.add(record)
        return record

    def file(self, record: Record) -> Path:
        return self.folder / "records" / record.key[:2] / record.key / f"{record.digest}.json"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "cache")
    yield shelf
    shelf.index.close()


def test_record_comes_back_as_it_was(shelf: Shelf) -> None:
    record = shelf.take()
    assert shelf.records.find(KEY) == [record]
    assert shelf.records.troubles == []
    assert json.loads(shelf.file(record).read_text())["body"]["request"] == record.request


def test_file_in_place_of_a_folder_of_records_is_kept_and_the_record_stored_anew(shelf: Shelf) -> None:
    shelf.take()
    folder = Path(shelf.records.folder(KEY)).parent
    shutil.rmtree(folder)
    folder.write_bytes(b"a file\n")
    assert shelf.records.find(KEY) == []
    assert list(shelf.records.scan()) == []
    record = shelf.take()
    assert shelf.records.find(KEY) == [record]
    assert [path.read_bytes() for path in (folder.parent.parent / "damaged").iterdir()] == [b"a file\n"]


def test_unknown_key_has_none(shelf: Shelf) -> None:
    assert shelf.records.find(KEY) == []
    assert list(shelf.records.scan()) == []


def test_takes_of_one_key_lie_side_by_side_newest_first(shelf: Shelf) -> None:
    first = shelf.take(b"one", at="2026-11-20T10:00:00Z")
    third = shelf.take(b"three", at="2026-11-22T10:00:00Z")
    second = shelf.take(b"two", at="2026-11-21T10:00:00Z")
    assert shelf.records.find(KEY) == [third, second, first]


def test_same_outputs_are_recorded_once_the_first_time(shelf: Shelf) -> None:
    first = shelf.take(at="2026-11-20T10:00:00Z")
    shelf.take(at="2026-11-22T10:00:00Z")
    assert shelf.records.find(KEY) == [first]


@pytest.mark.parametrize("key", ["", "A" * 64, "../" + "a" * 61, "a" * 63, "a" * 64 + "\n"])
def test_what_is_no_key_is_refused(shelf: Shelf, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        shelf.records.find(key)
    with pytest.raises(ValueError, match="not a key"):
        shelf.records.add(Record(key, "take", {}, {}, Provenance(at="2026-11-20T10:00:00Z")))


def test_record_of_a_blob_that_is_not_there_is_refused(shelf: Shelf) -> None:
    with pytest.raises(Missing):
        shelf.records.add(Record(KEY, "take", {}, {"video": "ab" * 32}, Provenance(at="2026-11-20T10:00:00Z")))
    assert shelf.records.states(KEY) == []


def test_record_with_a_missing_blob_does_not_count_but_is_told(shelf: Shelf) -> None:
    gone, kept = shelf.take(b"gone"), shelf.take(b"kept")
    shelf.blobs.path(gone.digest).unlink()
    assert shelf.records.find(KEY) == [kept]
    found = {one.record.digest: one for one in shelf.records.states(KEY)}
    assert found[gone.digest].missing == (gone.digest,)
    assert not found[gone.digest].complete
    assert found[kept.digest].complete


def test_record_with_a_damaged_blob_says_so_every_time(shelf: Shelf) -> None:
    record = shelf.take()
    path = shelf.blobs.path(record.digest)
    path.chmod(0o644)
    path.write_bytes(b"tale")
    for _ in range(2):
        assert shelf.records.find(KEY) == []
        assert shelf.records.states(KEY)[0].damaged == (record.digest,)
    shelf.blobs.put_bytes(b"take")
    assert shelf.records.find(KEY) == [record]


def test_one_of_two_outputs_missing_makes_it_incomplete(shelf: Shelf) -> None:
    outputs = {"video": shelf.blobs.put_bytes(b"v"), "sound": shelf.blobs.put_bytes(b"s")}
    record = Record(KEY, "segment", {}, outputs, Provenance(at="2026-11-20T10:00:00Z"))
    shelf.records.add(record)
    assert shelf.records.find(KEY) == [record]
    shelf.blobs.path(outputs["sound"]).unlink()
    assert shelf.records.find(KEY) == []


def test_values_are_no_blobs(shelf: Shelf) -> None:
    record = Record(
        KEY,
        "frame",
        {},
        {"picture": shelf.blobs.put_bytes(b"png")},
        Provenance(at="2026-11-20T10:00:00Z"),
        {"planes": "c" * 64},
    )
    shelf.records.add(record)
    assert shelf.records.find(KEY)[0].values == {"planes": "c" * 64}


def test_one_kind_is_listed_over_all_keys(shelf: Shelf) -> None:
    one, two = shelf.take(b"one"), shelf.take(b"two", key=OTHER_KEY)
    shelf.records.add(Record("a0" * 32, "cut", {}, {"film": one.digest}, Provenance(at="2026-11-20T10:00:00Z")))
    assert list(shelf.records.scan()) == [two, one]
    assert [record.key for record in shelf.records.scan("cut")] == ["a0" * 32]


def test_every_flipped_bit_of_a_record_is_found(shelf: Shelf) -> None:
    record = shelf.take()
    path = shelf.file(record)
    good = path.read_bytes()
    for position in range(len(good) - 1):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        assert shelf.records.states(KEY) == [], position
        path.unlink(missing_ok=True)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    twin = path.with_name("twin")
    path.rename(twin)
    path.symlink_to(twin)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "empty": lambda path: path.write_bytes(b""),
    "doubled": lambda path: path.write_bytes(path.read_bytes() * 2),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe" + path.read_bytes()),
    "nested without end": lambda path: path.write_bytes(b'{"version":1,"sha256":"","body":' + b"[" * 100_000),
    "a folder": _folder,
    "a symlink": _link,
    "a pipe": _pipe,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_record_is_set_aside_told_and_not_fatal(shelf: Shelf, damage: Callable[[Path], object]) -> None:
    bad, good = shelf.take(b"bad"), shelf.take(b"good")
    damage(shelf.file(bad))
    assert shelf.records.find(KEY) == [good]
    [trouble] = shelf.records.troubles
    assert trouble.path == shelf.file(bad)
    assert os.path.lexists(trouble.kept_at)
    assert not os.path.lexists(shelf.file(bad))
    shelf.records.add(bad)
    assert bad in shelf.records.find(KEY)


def test_add_replaces_a_damaged_record_of_the_same_take(shelf: Shelf) -> None:
    record = shelf.take()
    shelf.file(record).write_bytes(b"{}")
    shelf.records.add(record)
    assert shelf.records.find(KEY) == [record]
    assert len(shelf.records.troubles) == 1


def test_record_under_another_name_is_set_aside(shelf: Shelf) -> None:
    one, two = shelf.take(b"one"), shelf.take(b"two", key=OTHER_KEY)
    shelf.file(one).rename(shelf.file(replace(one, key=OTHER_KEY)))
    assert shelf.records.find(KEY) == []
    assert shelf.records.find(OTHER_KEY) == [two]
    assert [trouble.reason for trouble in shelf.records.troubles] == ["the name does not match the content"]


def test_record_that_names_a_path_is_set_aside(shelf: Shelf) -> None:
    record = shelf.take()
    evil = replace(record, outputs={"video": record.digest, "sound": "../../../secret"})
    from storyboard.store.integrity import encode_with_checksum

    path = shelf.file(evil)
    path.write_bytes(encode_with_checksum(evil))
    assert shelf.records.find(KEY) == [record]
    assert [trouble.reason for trouble in shelf.records.troubles] == ["an output has no valid digest"]


def test_record_of_a_later_version_is_left_where_it_is(shelf: Shelf) -> None:
    record = shelf.take()
    text = shelf.file(record).read_text().replace('"version":1', '"version":2', 1)
    shelf.file(record).write_text(text)
    assert shelf.records.find(KEY) == []
    assert shelf.file(record).read_text() == text
    [trouble] = shelf.records.troubles
    assert trouble.kept_at == trouble.path


def test_file_in_the_place_of_a_folder_is_set_aside(shelf: Shelf) -> None:
    record = shelf.take()
    folder = shelf.file(record).parent
    shelf.file(record).unlink()
    folder.rmdir()
    folder.write_bytes(b"odd")
    assert shelf.records.find(KEY) == []
    assert len(shelf.records.troubles) == 1
    shelf.records.add(record)
    assert shelf.records.find(KEY) == [record]


def test_leftover_temp_is_no_record(shelf: Shelf) -> None:
    record = shelf.take()
    shelf.file(record).with_name(".x.0123.tmp").write_bytes(b"half")
    assert shelf.records.find(KEY) == [record]
    assert shelf.records.troubles == []
