"""The state folders of a project: no link among them, not in git, and one cache for one project."""

import os
import subprocess
from pathlib import Path

import pytest

from storyboard.store.state import (
    CacheGone,
    CacheLeftBehind,
    CacheOfAnother,
    LinkInState,
    State,
    StateRefused,
    TrackedState,
    UnusableCache,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "film"
    folder.mkdir()
    return folder


def with_blob(cache: Path) -> Path:
    folder = cache / "blobs" / "ab"
    folder.mkdir(parents=True)
    (folder / ("ab" * 32)).write_bytes(b"take")
    return cache


def test_new_project_gets_a_folder_that_git_ignores(root: Path) -> None:
    State(root).prepare()
    ignore = root / ".storyboard" / ".gitignore"
    assert ignore.read_text() == "*\n"
    ignore.write_text("mine\n")
    State(root).prepare()
    assert ignore.read_text() == "mine\n"


def test_looking_at_the_state_creates_nothing(root: Path, tmp_path: Path) -> None:
    State(root)
    State(root, tmp_path / "cache")
    assert list(root.iterdir()) == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "link",
    [
        "",
        "cache",
        "journal",
        "standing",
        "memory",
        "films",
        "index.sqlite",
        "ledger.jsonl",
        "builder.lock",
        "cache/blobs",
        "cache/records",
        "cache/tmp",
        "cache/damaged",
        "cache/blobs/ab",
        "cache/records/ab",
    ],
)
def test_link_among_the_state_is_refused_and_named(root: Path, tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = root / ".storyboard" / link if link else root / ".storyboard"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    with pytest.raises(LinkInState) as caught:
        State(root)
    assert (caught.value.path, caught.value.target) == (path, elsewhere)


def test_link_in_a_cache_elsewhere_is_refused(root: Path, tmp_path: Path) -> None:
    cache = with_blob(tmp_path / "cache")
    (cache / "tmp").symlink_to(root)
    with pytest.raises(LinkInState):
        State(root, cache)


def test_setting_that_leads_over_a_link_of_the_person_is_used(root: Path, tmp_path: Path) -> None:
    with_blob(tmp_path / "disk" / "cache")
    (tmp_path / "cache").symlink_to(tmp_path / "disk" / "cache")
    assert State(root, tmp_path / "cache").cache == tmp_path / "disk" / "cache"


def test_link_that_was_set_aside_as_damaged_does_no_harm(root: Path) -> None:
    damaged = root / ".storyboard" / "cache" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "link").symlink_to("/nowhere")
    State(root)


def test_state_that_is_in_git_is_refused(root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / ".storyboard").mkdir()
    (root / ".storyboard" / "ledger.jsonl").write_text("")
    State(root)
    subprocess.run(["git", "-C", str(root), "add", "-f", ".storyboard"], check=True)
    with pytest.raises(TrackedState) as caught:
        State(root)
    assert caught.value.names == (".storyboard/ledger.jsonl",)


def test_state_that_is_in_git_in_other_capitals_is_refused(root: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name in (".storyboard", ".Storyboard"):
        (root / name).mkdir()
    (root / ".Storyboard" / "ledger.jsonl").write_text("")
    subprocess.run(["git", "-C", str(root), "add", "-f", ".Storyboard"], check=True)
    with pytest.raises(TrackedState):
        State(root)


def test_cache_elsewhere_belongs_to_one_project(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    State(root, cache).prepare()
    State(root, cache)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(CacheOfAnother) as caught:
        State(other, cache)
    assert caught.value.owner == root


def test_cache_of_a_project_that_was_moved_is_taken_over(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    State(root, cache).prepare()
    moved = root.rename(tmp_path / "moved")
    State(moved, cache).prepare()
    assert State(moved, cache).cache == cache


def test_folder_with_other_files_is_no_cache(root: Path, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "letter.txt").write_text("mine")
    with pytest.raises(UnusableCache):
        State(root, tmp_path / "documents")


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "missing"])
def test_takes_are_not_left_behind_by_a_new_setting(root: Path, tmp_path: Path, empty: bool) -> None:
    own = with_blob(root / ".storyboard" / "cache")
    cache = tmp_path / "cache"
    if empty:
        cache.mkdir()
    with pytest.raises(CacheLeftBehind) as caught:
        State(root, cache)
    assert (caught.value.left, caught.value.cache) == (own, cache)


def test_forgotten_setting_is_told_and_no_empty_cache_is_begun(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    State(root, cache).prepare()
    with_blob(cache)
    with pytest.raises(CacheLeftBehind) as caught:
        State(root)
    assert caught.value.left == cache


@pytest.mark.parametrize("named", [True, False], ids=["named", "setting forgotten"])
def test_cache_whose_disk_is_not_mounted_is_told_and_not_begun_anew(root: Path, tmp_path: Path, named: bool) -> None:
    disk = tmp_path / "disk"
    State(root, disk / "cache").prepare()
    with_blob(disk / "cache")
    disk.rename(tmp_path / "unplugged")
    (disk / "cache").mkdir(parents=True)  # the empty folder that a disk is mounted over
    with pytest.raises(CacheGone) as caught:
        State(root, disk / "cache" if named else None)
    assert caught.value.cache == disk / "cache"
    (root / ".storyboard" / "cache-dir").unlink()
    State(root, disk / "cache" if named else None).prepare()


def test_cache_that_was_moved_to_another_folder_is_used(root: Path, tmp_path: Path) -> None:
    State(root, tmp_path / "one").prepare()
    with_blob(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    State(root, tmp_path / "two").prepare()
    assert (root / ".storyboard" / "cache-dir").read_text() == f"{tmp_path / 'two'}\n"


def test_cache_that_was_moved_back_is_used(root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    State(root, cache).prepare()
    with_blob(cache)
    cache.rename(root / ".storyboard" / "cache")
    State(root).prepare()
    assert not State(root).is_elsewhere
    assert not (root / ".storyboard" / "cache-dir").exists()


def test_every_refusal_leaves_everything_as_it_was(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".mine.0123456789abcdef.tmp").write_text("mine")
    (root / ".storyboard").symlink_to(elsewhere)
    before = [(path, os.lstat(path)) for path in sorted(tmp_path.rglob("*"))]
    with pytest.raises(StateRefused):
        State(root)
    assert [(path, os.lstat(path)) for path in sorted(tmp_path.rglob("*"))] == before
