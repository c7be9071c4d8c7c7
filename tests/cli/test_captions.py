"""Captions beside the film and in its picture."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from storyboard.core.captions import Cue, srt, vtt
from tests.media.clips import ffmpeg
from tests.project import Project, copied, decoded

SHOTS = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3, caption: At night}
      - id: b
        prompt: a forest at dawn
        duration: 2
        trim: {start: 0.5}
        speed: 2
        transition: {type: dissolve, duration: 0.25}
        caption:
          - {start: 0, end: 1, text: "One & <two>"}
          - {start: 1.5, end: 2, text: Three}
"""
SRT = """\
1
00:00:00,000 --> 00:00:01,000
At night

2
00:00:00,750 --> 00:00:01,000
One & ‹two›

3
00:00:01,250 --> 00:00:01,500
Three
"""
INSIDE = """\
1
00:00:00,000 --> 00:00:00,750
At night

2
00:00:00,750 --> 00:00:01,000
At night
One & <two>

3
00:00:01,250 --> 00:00:01,500
Three

"""


pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(tmp_path_factory.mktemp("template") / "film", SHOTS, inside=True)
    project.build()
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return copied(template, tmp_path / "film")


def test_captions_stand_beside_the_film_at_the_times_of_the_film(project: Project) -> None:
    assert (project.folder / "out/film.draft.srt").read_text() == SRT
    lines = (project.folder / "out/film.draft.vtt").read_text().splitlines()
    assert lines[:3] == ["WEBVTT", "", "00:00:00.000 --> 00:00:01.000"]
    assert "One &amp; &lt;two&gt;" in lines
    assert len(decoded(project.film)) == 12 + 9 - 3


def test_another_word_renders_nothing_and_writes_them_again(project: Project) -> None:
    project.edit("Three", "Four")
    assert project.build()["made"] == ["cut"]
    assert "Four" in (project.folder / "out/film.draft.srt").read_text()
    assert project.build()["made"] == []


def test_captions_that_are_gone_come_back_and_those_no_longer_wanted_go(project: Project) -> None:
    (project.folder / "out/film.draft.srt").unlink()
    project.build()
    assert (project.folder / "out/film.draft.srt").read_text() == SRT
    project.edit("fps: 12}", "fps: 12, captions: none}")
    project.build()
    assert not (project.folder / "out/film.draft.srt").exists()
    assert not (project.folder / "out/film.draft.vtt").exists()


def test_a_file_of_somebody_else_is_left_alone(project: Project) -> None:
    (project.folder / "out/film.draft.srt").write_text("mine")
    ran = project.run("build")
    assert "film.draft.srt was not made by storyboard, so captions were not written to it" in ran.err
    assert (project.folder / "out/film.draft.srt").read_text() == "mine"


def test_burnt_captions_change_the_frames_that_show_them_and_no_others(project: Project) -> None:
    before = decoded(project.film)
    project.edit("caption: At night}", "caption: [{start: 0, end: 0.5, text: At night}]}")
    project.edit("fps: 12}", "fps: 12, captions: burn}")
    made = project.build()["made"]
    assert set(made) == {"cut", "segment:a", "segment:b", "transition:b"}
    after = decoded(project.film)
    assert len(after) == len(before)
    assert before[0] != after[0]
    assert not (project.folder / "out/film.draft.srt").exists()
    project.edit("At night", "By night")
    assert sorted(project.build()["made"]) == ["cut", "segment:a"]


@pytest.mark.parametrize(("file", "language"), [("film.mp4", "swe"), ("film.mov", "sve")])
def test_captions_inside_the_film_are_read_back_word_for_word(tmp_path: Path, file: str, language: str) -> None:
    project = Project(tmp_path / "film", SHOTS)
    desk = project.in_process()
    desk.built()
    made = decoded(project.film)
    project.edit("out/film.mp4", f"out/{file}")
    project.edit("fps: 12}", "fps: 12, captions: stream, language: swe}")
    assert desk.built() == ["cut"]
    film = (project.folder / "out" / file).with_stem("film.draft")
    assert not (project.folder / "out/film.draft.srt").exists()
    assert decoded(film) == made
    with av.open(str(film)) as container:
        [stream] = container.streams.subtitles
        assert stream.metadata["language"] == language
    told = ffmpeg("-i", str(film), "-map", "0:s", "-f", "srt", "-").stdout.decode()
    assert told == INSIDE
    project.edit("swe", "eng")
    assert desk.built() == ["cut"]
    assert desk.built() == []


def test_a_caption_cannot_break_out_of_its_place() -> None:
    cues = [Cue("one\n\n2\n00:00:00,000 --> 00:00:09,000\n<b>", 0, 25)]
    assert srt(cues, Fraction(25)).count("-->") == 1
    assert vtt(cues, Fraction(25)).count("-->") == 1
    assert "\n\n" not in srt(cues, Fraction(25))


def test_frames_become_milliseconds_at_any_rate() -> None:
    told = srt([Cue("x", 1, 24 * 3600 * 2)], Fraction(24000, 1001))
    assert "00:00:00,042 --> 02:00:07,200" in told


def test_no_words_of_a_caption_are_orders_for_a_player() -> None:
    [text] = srt([Cue("{\\an8}One <b>{two}", 0, 24)], Fraction(24)).splitlines()[2:]
    assert text == "{\u2060\\an8}One ‹b›{two}"
