"""Blobs are never partial, wrong or lost."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storyboard.durable import LinkOnTheWay, NotAFile
from storyboard.store.blobs import BlobStore, Damaged, Missing, is_digest
from storyboard.store.digest_cache import DigestCache

TAKE = bytes(range(256)) * 40
OTHER = b"another take " * 900


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "cache")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[DigestCache]:
    with DigestCache(tmp_path / "index.sqlite", clock=lambda: 4e9) as index:
        yield index


def test_blob_is_found_under_its_sha256_and_read_only(blobs: BlobStore) -> None:
    digest = blobs.put_bytes(TAKE)
    path = blobs.path(digest)
    assert digest == sha(TAKE)
    assert path.name == digest
    assert path.parent.name == digest[:2]
    assert path.read_bytes() == TAKE
    assert path.stat().st_mode & 0o777 == 0o444
    assert blobs.size(digest) == len(TAKE)
    blobs.verify(digest)


def test_file_in_place_of_a_folder_of_blobs_is_kept_and_the_blob_stored_anew(
    blobs: BlobStore, index: DigestCache
) -> None:
    digest = blobs.put_bytes(TAKE)
    folder = blobs.path(digest).parent
    blobs.path(digest).unlink()
    folder.rmdir()
    folder.write_bytes(b"a file\n")
    for look in (blobs.size, blobs.verify, blobs.read, lambda digest: blobs.verified(digest, index)):
        with pytest.raises(Missing):
            look(digest)
    assert blobs.all() == []
    assert blobs.put_bytes(TAKE) == digest
    assert blobs.read(digest) == TAKE
    [kept] = (blobs.cache / "damaged").iterdir()
    assert kept.read_bytes() == b"a file\n"


def test_second_put_keeps_the_first_file(blobs: BlobStore) -> None:
    digest = blobs.put_bytes(TAKE)
    inode = blobs.path(digest).stat().st_ino
    assert blobs.put_bytes(TAKE) == digest
    assert blobs.path(digest).stat().st_ino == inode
    assert list(blobs.temps.iterdir()) == []


def test_file_from_elsewhere_is_copied_and_left_as_it_was(blobs: BlobStore, tmp_path: Path) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(TAKE)
    own.chmod(0o640)
    assert blobs.put_file(own) == sha(TAKE)
    assert own.read_bytes() == TAKE
    assert own.stat().st_mode & 0o777 == 0o640
    assert own.stat().st_nlink == 1


def test_file_made_in_the_temp_folder_is_moved_in(blobs: BlobStore) -> None:
    temp = blobs.temp_path(".mp4")
    temp.write_bytes(TAKE)
    inode = temp.stat().st_ino
    digest = blobs.put_file(temp)
    assert blobs.path(digest).stat().st_ino == inode
    assert blobs.path(digest).stat().st_mode & 0o777 == 0o444
    assert not temp.exists()


def test_temp_that_is_in_the_cache_already_is_dropped(blobs: BlobStore) -> None:
    digest = blobs.put_bytes(TAKE)
    inode = blobs.path(digest).stat().st_ino
    temp = blobs.temp_path()
    temp.write_bytes(TAKE)
    assert blobs.put_file(temp) == digest
    assert not temp.exists()
    assert blobs.path(digest).stat().st_ino == inode


def test_file_edited_while_it_is_copied_never_ends_up_under_a_wrong_name(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "temple.jpg"
    own.write_bytes(b"a" * (3 << 20))
    real = os.read
    reads = 0

    def edited(descriptor: int, size: int) -> bytes:
        nonlocal reads
        reads += 1
        if reads == 2:
            own.write_bytes(b"b" * (3 << 20))
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", edited)
    digest = blobs.put_file(own)
    stored = blobs.path(digest).read_bytes()
    assert sha(stored) == digest
    assert set(stored) == {ord("a"), ord("b")}


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe"])
def test_only_regular_files_are_taken_in(blobs: BlobStore, tmp_path: Path, kind: str) -> None:
    own = tmp_path / "own"
    if kind == "symlink":
        (tmp_path / "secret").write_bytes(b"key")
        own.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        own.mkdir()
    else:
        os.mkfifo(own)
    with pytest.raises(NotAFile):
        blobs.put_file(own)


def test_missing_blob_is_told_apart_from_a_damaged_one(blobs: BlobStore) -> None:
    with pytest.raises(Missing) as missing:
        blobs.verify(sha(TAKE))
    assert missing.value.digest == sha(TAKE)
    with pytest.raises(Missing):
        blobs.size(sha(TAKE))


@pytest.mark.parametrize("text", ["", "AB" * 32, "0" * 63, "0" * 65, "../" * 21 + "a", "0" * 63 + "\n"])
def test_what_is_no_digest_is_no_path(blobs: BlobStore, text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(ValueError, match="not a sha256"):
        blobs.path(text)


def _replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    _replace(path, bytes(data))


def _flip_and_keep_the_mtime(path: Path) -> None:
    seen = path.stat()
    data = bytearray(path.read_bytes())
    data[0] ^= 0x80
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(TAKE)


def _link(path: Path) -> None:
    twin = path.with_name("twin")
    path.rename(twin)
    path.symlink_to(twin)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "one bit flipped": _flip,
    "one bit flipped, mtime kept": _flip_and_keep_the_mtime,
    "cut": lambda path: _replace(path, TAKE[:-1]),
    "empty": lambda path: _replace(path, b""),
    "doubled": lambda path: _replace(path, TAKE * 2),
    "swapped with another": lambda path: _replace(path, OTHER),
    "a folder": _folder,
    "a symlink to good bytes": _link,
    "a pipe": _pipe,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found_set_aside_and_healed_by_the_next_put(
    blobs: BlobStore, index: DigestCache, damage: Callable[[Path], None]
) -> None:
    digest = blobs.put_bytes(TAKE)
    assert blobs.verified(digest, index) == blobs.path(digest)
    damage(blobs.path(digest))
    with pytest.raises(Damaged) as caught:
        blobs.verified(digest, index)
    assert caught.value.digest == digest
    assert os.path.lexists(caught.value.kept_at)
    assert not os.path.lexists(blobs.path(digest))
    with pytest.raises(Damaged) as again:
        blobs.verify(digest)
    assert again.value.kept_at == caught.value.kept_at
    assert blobs.put_bytes(TAKE) == digest
    assert blobs.verified(digest, index).read_bytes() == TAKE


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_put_replaces_a_damaged_blob_and_keeps_what_was_there(blobs: BlobStore, damage: Callable[[Path], None]) -> None:
    digest = blobs.put_bytes(TAKE)
    damage(blobs.path(digest))
    blobs.put_bytes(TAKE)
    blobs.verify(digest)
    assert len(list(blobs.path(digest).parents[2].joinpath("damaged").iterdir())) == 1


def test_deleted_blob_is_missing(blobs: BlobStore, index: DigestCache) -> None:
    digest = blobs.put_bytes(TAKE)
    blobs.verified(digest, index)
    blobs.path(digest).unlink()
    with pytest.raises(Missing):
        blobs.verified(digest, index)


def test_bytes_are_handed_out_only_if_they_hash_to_their_name(blobs: BlobStore) -> None:
    digest = blobs.put_bytes(TAKE)
    assert blobs.read(digest) == TAKE
    _flip(blobs.path(digest))
    with pytest.raises(Damaged) as caught:
        blobs.read(digest)
    assert caught.value.kept_at.exists()
    assert not blobs.path(digest).exists()
    with pytest.raises(Missing):
        blobs.read(sha(OTHER))


def test_wrong_memory_does_not_condemn_a_good_blob(blobs: BlobStore, tmp_path: Path) -> None:
    digest = blobs.put_bytes(TAKE)

    class Liar(DigestCache):
        def digest_of(self, path: Path) -> str:
            return sha(OTHER)

    with Liar(tmp_path / "x.sqlite", clock=lambda: 0.0) as liar:
        assert blobs.verified(digest, liar) == blobs.path(digest)


def test_good_blob_put_in_place_of_a_bad_one_meanwhile_is_not_set_aside(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = blobs.put_bytes(TAKE)
    path = blobs.path(digest)
    _flip(path)
    quarantine = BlobStore._quarantine

    def heal_first(self: BlobStore, digest: str, seen: os.stat_result | None) -> None:
        good = path.with_name("good")
        good.write_bytes(TAKE)
        good.replace(path)
        quarantine(self, digest, seen)

    monkeypatch.setattr(BlobStore, "_quarantine", heal_first)
    blobs.verify(digest)
    assert path.read_bytes() == TAKE


def test_sweep_removes_what_was_left_half_made(blobs: BlobStore) -> None:
    digest = blobs.put_bytes(TAKE)
    blobs.temp_path(".mp4").write_bytes(b"half")
    blobs.temp_path().write_bytes(b"half")
    blobs.sweep()
    assert list(blobs.temps.iterdir()) == []
    blobs.verify(digest)


def test_sweep_leaves_folders_links_and_files_of_other_names(blobs: BlobStore, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    folder = blobs.temp_path()
    folder.mkdir()
    (folder / "sound.mp3").write_bytes(b"half")
    blobs.temp_path().symlink_to(mine)
    (blobs.temps / "notes.txt").write_text("mine")
    before = sorted(blobs.temps.rglob("*"))
    blobs.sweep()
    assert sorted(blobs.temps.rglob("*")) == before


def test_sweep_through_a_link_is_refused(blobs: BlobStore, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ("0" * 32)).write_text("mine")
    blobs.temps.parent.mkdir()
    blobs.temps.symlink_to(elsewhere)
    with pytest.raises(LinkOnTheWay):
        blobs.sweep()
    assert (elsewhere / ("0" * 32)).read_text() == "mine"


def test_sweep_of_a_new_project_does_nothing(blobs: BlobStore) -> None:
    blobs.sweep()
    assert not blobs.temps.exists()


def test_temp_names_differ_and_their_folder_is_private(blobs: BlobStore) -> None:
    first, second = blobs.temp_path(".mp4"), blobs.temp_path(".mp4")
    assert first != second
    assert not first.exists()
    assert first.suffix == ".mp4"
    assert blobs.temps.stat().st_mode & 0o777 == 0o700


WRITER = """
import hashlib, sys
from pathlib import Path
from storyboard.store.blobs import BlobStore
blobs = BlobStore(Path(sys.argv[1]))
for n in range(25):
    data = hashlib.sha256(str(n).encode()).digest() * 3000
    if n % 2:
        temp = blobs.temp_path()
        temp.write_bytes(data)
        blobs.put_file(temp)
    else:
        blobs.put_bytes(data)
"""


def test_three_writers_at_once_never_show_a_wrong_blob(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "cache")]) for _ in range(3)]
    looks = 0
    while any(writer.poll() is None for writer in writers):
        for path in tmp_path.glob("cache/blobs/*/*"):
            assert sha(path.read_bytes()) == path.name
            looks += 1
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert looks > 0
    stored = list(tmp_path.glob("cache/blobs/*/*"))
    assert len(stored) == 25
    assert all(sha(path.read_bytes()) == path.name for path in stored)
    assert list(tmp_path.glob("cache/tmp/*")) == []
    assert not (tmp_path / "cache" / "damaged").exists()
