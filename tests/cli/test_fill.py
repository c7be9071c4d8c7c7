"""A film is made of what is bought, and the rest is drawn: nothing is bought, and no take changes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.inside import at_work
from tests.media.clips import ffmpeg
from tests.project import Project, decoded, decoded_pictures
from tests.runware_server.server import RunwareServer

TEXT = """\
scenes:
  - id: s
    title: The river
    shots:
      - {id: a, prompt: a river, seed: 3, caption: Water.}
      - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a, at: last}}
      - {id: c, prompt: a city, seed: 5, transition: {type: dissolve, duration: 0.25}}
      - {id: d, card: {text: The end, duration: 1}}
"""


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film", TEXT, server=server)
    with at_work(11, 12, 13):
        yield project.in_process()


def lock(desk: Project) -> bytes:
    path = desk.folder / "storyboard.lock"
    return path.read_bytes() if path.exists() else b""


def draft(desk: Project) -> Path:
    return desk.folder / "out/film.draft.mp4"


def link(desk: Project, shot: str, folder: str = "film.draft") -> str:
    return (desk.folder / f"out/{folder}/{shot}.mp4").resolve().name


def test_a_film_is_made_of_what_is_bought_with_the_rest_drawn(desk: Project, server: RunwareServer) -> None:
    desk.run("build", "-s", "a")
    before, asked = lock(desk), len(server.requests)
    data = desk.data("build", "--fill", "animatic")
    [film] = data["films"]
    assert (film["partial"], film["missing"], film["kept"]) == (True, {"b": "animatic", "c": "animatic"}, [])
    assert (data["film"], data["frames"]) == ("out/film.draft.mp4", 24 * 4 - 6)
    assert len(decoded(draft(desk))) == 24 * 4 - 6
    assert (lock(desk), len(server.requests), len(server.bill)) == (before, asked, 1)
    assert link(desk, "a") == link(desk, "a", "film")
    assert not (desk.folder / "out/film.mp4").exists()
    assert desk.data("build", "--fill", "animatic")["made"] == []
    assert "with b and c drawn" in desk.said("build", "--fill", "animatic")


def test_without_any_take_the_filled_film_is_the_draft(desk: Project, server: RunwareServer) -> None:
    """The drawn takes are those of ``--draft``: a build with that option afterwards draws nothing."""
    desk.data("build", "--fill", "animatic")
    filled = decoded(draft(desk))
    made = desk.data("build", "--draft")["made"]
    assert not [name for name in made if name.startswith(("take", "frame"))]
    assert decoded(draft(desk)) == filled
    assert server.requests == []


def test_a_bought_take_keeps_its_place_if_the_shot_it_starts_from_is_gone(desk: Project, server: RunwareServer) -> None:
    desk.built()
    bought = link(desk, "b", "film")
    desk.edit("prompt: a river", "prompt: a lake")
    before = lock(desk)
    kept = desk.data("build", "--fill", "animatic")["films"][0]
    assert (kept["missing"], sorted(kept["kept"])) == ({}, ["a", "b"])
    shutil.rmtree(desk.folder / ".storyboard/cache/records")
    for name in (link(desk, "a", "film"), link(desk, "c", "film")):
        desk.blobs[name].unlink()
    drawn = desk.data("build", "--fill", "animatic")["films"][0]
    assert (drawn["missing"], drawn["kept"]) == ({"a": "animatic", "c": "animatic"}, ["b"])
    assert link(desk, "b") == bought
    assert (lock(desk), len(server.bill)) == (before, 3)


def test_a_filled_film_buys_no_alternate_take_and_no_lost_one(desk: Project, server: RunwareServer) -> None:
    desk.built()
    desk.edit("seed: 5,", "seed: 5, takes: [5, 6, 7],")
    before, asked = lock(desk), len(server.requests)
    [film] = desk.data("build", "--fill", "animatic")["films"]
    assert (film["film"], film["partial"]) == ("out/film.mp4", False)
    assert (lock(desk), len(server.requests)) == (before, asked)


def test_without_takes_of_their_own_shots_can_be_left_out(desk: Project) -> None:
    desk.run("build", "-s", "a", "-s", "c")
    data = desk.data("build", "--fill", "none")
    assert data["films"][0]["missing"] == {"b": "none"}
    assert "not reached" not in desk.said("build", "--fill", "none")
    assert (data["film"], len(decoded(draft(desk)))) == ("out/film.draft.mp4", 24 * 3 - 6)


def test_a_film_without_any_shot_is_refused(desk: Project, server: RunwareServer) -> None:
    desk.edit("      - {id: d, card: {text: The end, duration: 1}}\n", "")
    assert desk.refused(1, "build", "--fill", "none")["code"] == "no-shots"
    assert desk.refused(1, "plan", "--fill", "none")["code"] == "no-shots"
    assert server.requests == []


def test_missing_shots_can_be_shown_by_their_prompts(desk: Project) -> None:
    desk.run("build", "-s", "a")
    data = desk.data("build", "--fill", "slate")
    assert data["films"][0]["missing"] == {"b": "slate", "c": "slate"}
    assert len(decoded(draft(desk))) == 24 * 4 - 6
    assert not [name for name in data["made"] if name.startswith("take")]


def test_a_plan_says_what_would_be_drawn(desk: Project, server: RunwareServer) -> None:
    desk.run("build", "-s", "a")
    plan = desk.data("plan", "--fill", "animatic")
    steps = {step["action"]: step for step in plan["steps"]}
    assert {name: steps[f"take:{name}"]["do"] for name in "abc"} == {"a": "reuse", "b": "make", "c": "make"}
    assert plan["cost"] == "0"
    assert plan["fill"] == {"partial": True, "missing": {"b": "animatic", "c": "animatic"}, "kept": []}
    assert "out/film.draft.mp4, with b and c drawn" in desk.said("plan", "--fill", "animatic")
    assert len(server.bill) == 1


@pytest.mark.parametrize("words", [("--draft",), ("--partial",), ("-s", "a"), ("--remake", "a")])
def test_fill_refuses_what_would_make_takes(desk: Project, words: tuple[str, ...]) -> None:
    ran = desk.run("build", "--fill", "animatic", *words)
    assert ran.code == 2
    assert "remove --fill" in ran.err


def test_captions_and_chapters_of_a_filled_film_stand_at_their_places(desk: Project) -> None:
    desk.edit("size: 128x72, fps: 24", "size: 128x72, fps: 24, chapters: true, captions: stream")
    desk.run("build", "-s", "a")
    desk.data("build", "--fill", "animatic")
    with av.open(str(draft(desk))) as film:
        assert [one["metadata"]["title"] for one in film.chapters()] == ["The river"]
    texts = ffmpeg("-i", str(draft(desk)), "-map", "0:s", "-f", "srt", "-").stdout.decode()
    assert texts.split() == ["1", "00:00:00,000", "-->", "00:00:01,000", "Water."]


def test_a_partial_film_calls_only_those_shots_missing_that_are(desk: Project) -> None:
    """A shot that dissolves out of a missing one is shown, and the transition goes out of the drawing."""
    ran = desk.run("build", "--partial", "-s", "a", "-s", "c", "--json")
    [film] = ran.data["films"]
    assert (film["film"], film["missing"]) == ("out/film.draft.mp4", {"b": "animatic"})
    shown, own = (decoded_pictures(path) for path in (draft(desk), desk.folder / "out/film/c.mp4"))
    assert len(shown) == 24 * 4 - 6
    assert all(np.abs(one - other.astype(int)).mean() < 4 for one, other in zip(shown[48:66], own[6:], strict=True))
    assert (desk.folder / "out/film/a.mp4").exists()
    assert not (desk.folder / "out/film.mp4").exists()


def test_a_partial_film_shows_no_text_of_an_error(desk: Project, server: RunwareServer) -> None:
    """Footage that cannot be read has no prompt to draw: its name is shown."""
    desk.edit("{id: d,", "{id: own, clip: own.mp4}\n      - {id: d,")
    (desk.folder / "own.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and nothing more")
    ran = desk.run("build", "--partial", "--json")
    assert ran.code == 1, ran.err
    [film] = ran.data["films"]
    assert film["missing"] == {"own": "slate"}
    assert ran.data["failed"].keys() == {"take:own"}
    assert len(decoded(draft(desk))) == 24 * 8 - 6
    assert len(server.bill) == 3


def test_a_partial_build_that_lacks_nothing_makes_the_film(desk: Project) -> None:
    data = desk.data("build", "--partial")
    assert (data["film"], data["films"][0]["partial"]) == ("out/film.mp4", False)
    assert not draft(desk).exists()
    assert desk.data("build", "--partial")["made"] == []


def test_a_partial_film_takes_in_footage_and_cards_that_were_not_selected(desk: Project) -> None:
    """They cost nothing, so they are not missing."""
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=128x72:rate=24", "-frames:v", "24", str(desk.folder / "own.mp4"))
    desk.edit("{id: d,", "{id: own, clip: own.mp4}\n      - {id: d,")
    [film] = desk.data("build", "--partial", "-s", "a", "-s", "c")["films"]
    assert film["missing"] == {"b": "animatic"}
    desk.run("build", "-s", "b")
    shutil.rmtree(desk.folder / "out")
    [film] = desk.data("build", "--partial", "-s", "a")["films"]
    assert (film["film"], film["partial"]) == ("out/film.mp4", False)


def test_burnt_captions_do_not_lie_on_the_prompt_of_a_card(desk: Project) -> None:
    desk.edit("fps: 24}", "fps: 24, captions: burn}")
    desk.edit("seed: 4,", "seed: 4, caption: A forest at night.,")
    desk.run("build", "-s", "a")
    desk.data("build", "--fill", "slate")
    captioned = decoded(draft(desk))
    desk.edit(" caption: A forest at night.,", "")
    desk.data("build", "--fill", "slate")
    assert decoded(draft(desk))[24:42] == captioned[24:42]
