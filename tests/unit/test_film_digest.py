"""The digest of a film that is worked out before the film is in its place, and when it is not believed."""

import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from storyboard.engine.film import FilmDigest
from storyboard.store.digest_cache import DigestCache


def _put(
    folder: Path, growing: bool, meanwhile: Callable[[Path], object], afterwards: Callable[[Path], object]
) -> DigestCache:
    part, film = folder / ".film.part", folder / "film.mp4"
    part.write_bytes(b"pic" if growing else b"pictures")
    taken = FilmDigest(folder)
    with taken.compute(part, growing) as whole:
        if growing:
            with part.open("ab") as file:
                file.write(b"tures")
            whole()
        meanwhile(part)
    part.replace(film)
    afterwards(film)
    index = DigestCache(folder / "index.sqlite", time.time)
    taken.store_in(index, film)
    return index


def _nothing(_path: Path) -> None:
    pass


@pytest.mark.parametrize("growing", [True, False])
def test_a_film_that_was_read_before_its_rename_is_not_read_again(
    growing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.mp4"
    with _put(tmp_path, growing, _nothing, _nothing) as index:
        monkeypatch.setattr("storyboard.store.digest_cache.open_regular", None)
        assert index.digest_of(film) == sha256(b"pictures").hexdigest()
        assert index.stat_log.settled == {os.fspath(film)}


@pytest.mark.parametrize("growing", [True, False])
@pytest.mark.parametrize("before", [True, False])
def test_a_film_that_was_written_to_meanwhile_or_afterwards_is_read(
    tmp_path: Path, before: bool, growing: bool
) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"other!!!")

    with _put(tmp_path, growing, *((write, _nothing) if before else (_nothing, write))) as index:
        assert index.digest_of(tmp_path / "film.mp4") == sha256(b"other!!!").hexdigest()
        assert not index.stat_log.settled
