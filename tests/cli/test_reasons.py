"""Plans, states and reasons of pieces, sounds and films, as a film-maker reads them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inside import hasty
from tests.project import Project


@pytest.fixture(autouse=True)
def in_haste() -> Iterator[None]:
    with hasty():
        yield


TWO_FILMS = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river}
      - {id: b, prompt: a forest, duration: 2, speed: 2, transition: {type: dissolve, duration: 0.5}}
      - {id: skipped, prompt: a lake, skip: true}
      - {id: c, card: {text: The end, duration: 1.5}}
"""


RATES = {"wide": 12, "tv": 29.97}


def test_plan_and_status_say_where_each_shot_is_in_each_film(tmp_path: Path) -> None:
    films = (f"  {name}: {{file: out/{name}.mp4, size: 128x72, fps: {rate}}}" for name, rate in RATES.items())
    project = Project(tmp_path, inside=True)
    project.write(TWO_FILMS, f"version: 1\nmodel: tiny:1\nprovider: local\noutputs:\n{chr(10).join(films)}\n")
    wide = [
        {"shot": "a", "seconds": 1, "timecode_in": "00:00:00:00", "timecode_out": "00:00:01:00"},
        {"shot": "b", "seconds": 1, "timecode_in": "00:00:00:06", "timecode_out": "00:00:01:06"},
        {"shot": "c", "seconds": 1.5, "timecode_in": "00:00:01:06", "timecode_out": "00:00:03:00"},
    ]
    films = project.data("plan")["films"]
    assert films[0]["timeline"] == wide
    assert [place["timecode_out"] for place in films[1]["timeline"]] == ["00:00:01;00", "00:00:01;15", "00:00:03;00"]
    state = project.data("status")
    assert [film["timeline"] for film in state["films"]] == [film["timeline"] for film in films]
    places = {shot.pop("shot"): {name: shot[name] for name in wide[0] if name != "shot"} for shot in state["shots"]}
    assert places == {place["shot"]: {name: place[name] for name in place if name != "shot"} for place in wide}
