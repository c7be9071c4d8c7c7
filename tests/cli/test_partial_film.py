"""Captions and chapters of a film whose missing shots are drawn."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.inside import at_work
from tests.media.clips import ffmpeg
from tests.project import Project, decoded

HEADER = """\
version: 1
model: tiny:1
provider: local
output: {file: out/film.mp4, size: 128x72, fps: 12, chapters: true}
outputs: {beside: {}, inside: {captions: stream}}
"""
SHOTS = """\
scenes:
  - id: one
    title: The river
    shots:
      - {id: a, prompt: a river at night, seed: 3, caption: At night}
      - id: b
        prompt: a forest at dawn
        seed: 4
        caption: "[{start: 0.25, end: 1, text: Not there yet}]"
        transition: {type: dissolve, duration: 0.25}
  - id: two
    shots:
      - {id: c, prompt: a forest at dusk, seed: 5, caption: "[{start: 0.5, end: 1, text: At dusk}]"}
      - {id: own, clip: own.mp4, caption: Broken}
      - {id: d, card: {text: The end, duration: 1}, caption: The end}
"""
SRT = """\
1
00:00:00,000 --> 00:00:01,000
At night

2
00:00:01,000 --> 00:00:01,750
Not there yet

3
00:00:02,250 --> 00:00:02,750
At dusk

4
00:00:02,750 --> 00:00:06,750
Broken

5
00:00:06,750 --> 00:00:07,750
The end
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film")
    project.write(SHOTS.replace('"[', "[").replace(']"', "]"), HEADER)
    (project.folder / "own.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and nothing more")
    with at_work():
        yield project.in_process()


def test_captions_and_chapters_stand_where_they_will_stand_in_the_film(desk: Project) -> None:
    ran = desk.run("build", "--partial", "-s", "a", "-s", "c", "-s", "own", "-s", "d")
    assert ran.code == 1, ran
    beside, inside = (desk.folder / f"out/film-{name}.draft.mp4" for name in ("beside", "inside"))
    assert beside.with_suffix(".srt").read_text() == SRT
    assert not inside.with_suffix(".srt").exists()
    assert len(decoded(beside)) == 93
    with av.open(str(beside)) as film:
        chapters = [
            (one["metadata"]["title"], one["start"] * one["time_base"], one["end"] * one["time_base"])
            for one in film.chapters()
        ]
    assert chapters == [("The river", 0, Fraction(21, 12)), ("two", Fraction(21, 12), Fraction(93, 12))]
    texts = ffmpeg("-i", str(inside), "-map", "0:s", "-f", "srt", "-")
    assert texts.stdout.decode().replace("\r", "").strip() == SRT.strip()
