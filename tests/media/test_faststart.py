"""Films written in one pass: their bytes equal FFmpeg's, and unusual films are left to FFmpeg."""

import shutil
from pathlib import Path

import av
import pytest

from storyboard.core.captions import Cue
from storyboard.media.audio.soundtrack import write_sound
from storyboard.media.join import copy_source, faststart
from storyboard.media.join import join as joining
from storyboard.media.join.copy_source import ClipPacketsCache, read_clip
from storyboard.media.join.join import JoinFailed, JoinPiece, Subtitles, join
from tests.media.clips import FILM, SMALL, ffmpeg, make, numbered, planes
from tests.media.sounds import bed, film, tone, write_wav

LENGTHS = (20, 31, 26)


@pytest.fixture(scope="module")
def takes(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("layout")
    return [
        make(folder / f"{length}.mp4", (numbered(n) for n in range(length)), gop=250, b_frames=3, matrix=1, sound=True)
        for length in LENGTHS
    ]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    tune = write_wav(folder / "tune.wav", tone(sum(LENGTHS) / 24, 440, 0.2))
    write_sound(film(sum(LENGTHS) / 24, bed()), {"t": tune}, folder / "track.m4a", lambda done, total: None)
    return folder / "track.m4a"


def pieces(takes: list[Path]) -> list[JoinPiece]:
    return [JoinPiece(take, length) for take, length in zip(takes, LENGTHS, strict=True)]


@pytest.mark.parametrize("name", ["film.mp4", "film.mov"])
@pytest.mark.parametrize("with_all", [False, True])
def test_a_film_that_is_laid_is_the_one_that_ffmpeg_writes(tmp_path, takes, sound, monkeypatch, name, with_all):
    told = ({"title": "Hällo", "storyboard": "k"}, [("one", 0, 20), ("two", 20, 77)]) if with_all else ({}, [])
    beside = (Subtitles((Cue("a", 3, 20), Cue("b", 40, 50)), "deu"), sound) if with_all else (None, None)

    def joined(folder: str) -> bytes:
        out = tmp_path / folder / name
        out.parent.mkdir()
        join(pieces(takes), out, SMALL, FILM, *told, *beside)
        return out.read_bytes()

    with monkeypatch.context() as only:
        only.setattr(joining, "_write", None)
        laid = joined("laid")
    monkeypatch.setattr(joining, "_try_layout", lambda meant: None)
    assert laid == joined("written")


def test_takes_whose_bytes_lie_otherwise_in_their_file_are_left_to_ffmpeg(tmp_path, takes, monkeypatch):
    other = tmp_path / "take.mkv"
    ffmpeg("-i", takes[1], "-c", "copy", "-an", other)
    assert not read_clip(other).offsets
    monkeypatch.setattr(joining, "write_layout", None)
    join([pieces(takes)[0], JoinPiece(other, 31)], tmp_path / "film.mp4", SMALL, FILM, {})
    assert planes(tmp_path / "film.mp4") == planes(takes[0]) + planes(takes[1])


def test_films_that_may_not_fit_into_four_bytes_are_left_to_ffmpeg(tmp_path, takes, monkeypatch):
    monkeypatch.setattr(faststart, "_MAX_BYTES", 3000)
    monkeypatch.setattr(joining, "write_layout", None)
    join(pieces(takes), tmp_path / "film.mp4", SMALL, FILM, {})
    assert planes(tmp_path / "film.mp4") == [plane for take in takes for plane in planes(take)]


def test_a_sound_that_is_too_long_to_be_held_in_memory_is_left_to_ffmpeg(tmp_path, takes, sound, monkeypatch):
    join(pieces(takes), tmp_path / "film.mp4", SMALL, FILM, {}, sound=sound)
    monkeypatch.setattr(joining, "_MAX_SIDE_BYTES", 100)
    monkeypatch.setattr(joining, "write_layout", None)
    join(pieces(takes), tmp_path / "long.mp4", SMALL, FILM, {}, sound=sound)
    assert (tmp_path / "long.mp4").read_bytes() == (tmp_path / "film.mp4").read_bytes()


def test_where_a_file_system_cannot_copy_the_bytes_are_read_and_written(tmp_path, takes, monkeypatch):
    def unable(*_: object) -> int:
        raise OSError(18, "Invalid cross-device link")

    join(pieces(takes), tmp_path / "film.mp4", SMALL, FILM, {})
    monkeypatch.setattr(faststart.os, "copy_file_range", unable)
    join(pieces(takes), tmp_path / "again.mp4", SMALL, FILM, {})
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "film.mp4").read_bytes()
    monkeypatch.delattr(faststart.os, "copy_file_range")  # macOS has none
    join(pieces(takes), tmp_path / "third.mp4", SMALL, FILM, {})
    assert (tmp_path / "third.mp4").read_bytes() == (tmp_path / "film.mp4").read_bytes()


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_take_that_is_damaged_after_it_was_read_makes_no_film(tmp_path, takes, cut_off):
    take, known = tmp_path / "take.mp4", ClipPacketsCache()
    shutil.copyfile(takes[1], take)
    place = known.of(take).offsets[12]
    data = bytearray(take.read_bytes())
    data[place + 9] ^= 1
    take.write_bytes(data[: place if cut_off else None])
    with pytest.raises(JoinFailed, match="ends early" if cut_off else "does not have the packets"):
        join([pieces(takes)[0], JoinPiece(take, 31)], tmp_path / "film.mp4", SMALL, FILM, {}, clips=known)
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]


def test_a_film_whose_head_was_changed_after_it_was_written_is_refused(tmp_path, takes, monkeypatch):
    real = joining.verify_film

    def changed(runs, part, *others):
        data = bytearray(part.read_bytes())
        data[data.index(b"FFmpeg") if b"FFmpeg" in data else data.index(b"VideoHandler")] ^= 1
        part.write_bytes(data)
        return real(runs, part, *others)

    monkeypatch.setattr(joining, "verify_film", changed)
    with pytest.raises(JoinFailed, match="header, sound and captions"):
        join(pieces(takes), tmp_path / "film.mp4", SMALL, FILM, {})
    assert not list(tmp_path.iterdir())


def test_a_take_is_read_once_however_many_pieces_show_it(tmp_path, takes, monkeypatch):
    asked: list[Path] = []
    real = copy_source.read_clip
    monkeypatch.setattr(copy_source, "read_clip", lambda path: (asked.append(path), real(path))[1])
    both = pieces(takes)[:2]
    join([*both, both[0], both[1]], tmp_path / "film.mp4", SMALL, FILM, {})
    assert sorted(asked) == sorted(takes[:2])


def test_places_are_those_of_the_packets(takes):
    clip = read_clip(takes[0])
    data = takes[0].read_bytes()
    with av.open(str(takes[0])) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    found = [data[place : place + size] for place, size in zip(clip.offsets, clip.checksums.sizes, strict=True)]
    assert found == packets
