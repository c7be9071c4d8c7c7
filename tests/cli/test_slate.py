"""Slates in films: over animatics alone, switched off without a drawing, and none over takes that have a bar."""

import io
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from storyboard.animatic.request import Animatic
from storyboard.core.model import Size
from storyboard.core.render_spec import Canvas, Footage, Slated
from storyboard.engine import generators, session
from storyboard.media.render.slate import SlateOverlay
from tests import written
from tests.cli.test_pictures import sent
from tests.media.clips import make
from tests.project import Project, decoded_pictures, takes
from tests.runware_server.server import RunwareServer
from tests.shops import shop

HEADER = "version: 1\nmodel: tiny:1\noutput: {file: out/film.mp4, size: 320x180, fps: 12}\n"
PAID = "version: 1\nmodel: tiny:1\nprovider: runware\noutput: {file: out/film.mp4, size: 320x180, fps: 24}\n"
MIXED = """\
scenes:
  - id: one
    shots:
      - {id: drawn, prompt: a desert at noon, seed: 3, provider: local}
      - {id: own, clip: own.mp4}
      - {id: end, card: {text: The end, duration: 1, background: "#ffffff"}}
"""


pytestmark = pytest.mark.usefixtures("inside")


def film_of(folder: Path, text: str = MIXED, header: str = HEADER, **more: Any) -> Project:
    project = Project(folder, text, inside=True, **more)
    project.write(text, header)
    size = Size(320, 180)
    make(folder / "own.mp4", [np.full((180, 320, 3), 200, np.uint8)] * 12, size=size, rate=Fraction(12), matrix=1)
    return project


def draft(project: Project) -> Path:
    return project.folder / "out/film.draft.mp4"


def has_slate(picture: Any, shot: str = "drawn", seed: int = 3, prompt: str = "a desert at noon") -> bool:
    """Whether the letters of that slate are in a picture of 320x180, whatever its timecode."""
    return likeness(picture, shot, seed, prompt) > 0.7


def likeness(picture: Any, shot: str, seed: int, prompt: str, wide: int = 212) -> float:
    """The correlation of the left *wide* pixels of a slate with a picture of 320x180."""
    layer = Slated(Footage("a", Fraction(0), 12), shot, seed, prompt)
    overlay = SlateOverlay(layer, Canvas(Size(320, 180), Fraction(12)))
    box = overlay.box
    part = slice(box.top, box.bottom), slice(box.left, box.left + wide)
    wanted = overlay.draw(0, np.full((270, 320), 128, np.uint8))[part].astype(float)
    found = picture[(*part, 1)].astype(float)
    return float(np.corrcoef(wanted.ravel(), found.ravel())[0, 1]) if found.std() else 0.0


def test_a_slate_lies_over_animatics_and_over_nothing_else(tmp_path: Path) -> None:
    project = film_of(tmp_path / "film")
    project.build()
    shown = [has_slate(picture) for picture in decoded_pictures(draft(project))[::3]]
    assert shown == [True] * 4 + [False] * 8
    steps = {step["action"]: step["do"] for step in project.data("plan")["steps"]}
    assert steps["segment:own"] == "copy", "three encodings share one film"
    take = project.blobs[project.lock()["drawn"]["local"]["take"]]
    bare = np.asarray(decoded_pictures(take)[0], float)
    assert bare[: bare.shape[0] // 4].mean() > 80, "the take has no slate in its pictures"


@pytest.mark.parametrize("switch", ["output", "shot"])
def test_a_slate_is_switched_off_and_on_without_a_drawing(tmp_path: Path, switch: str) -> None:
    project = film_of(tmp_path / "film")
    project.build()
    lock = project.lock()
    whole = project.file.read_text()
    if switch == "output":
        project.edit("fps: 12", "fps: 12, slate: false")
    else:
        project.edit("provider: local}", "provider: local, params: {slate: false}}")
    planned = [
        (step["do"], step["kind"]) for step in project.data("plan")["steps"] if step["do"] not in ("reuse", "copy")
    ]
    assert planned in ([("make", "segment"), ("wait", "cut")], [("wait", "cut")], [("make", "cut")])
    assert takes(project.built()) == []
    assert not any(map(has_slate, decoded_pictures(draft(project))[::6]))
    assert project.lock() == lock
    project.file.write_text(whole)
    assert project.built() == ["cut"]
    assert has_slate(decoded_pictures(draft(project))[0])


def test_the_slates_of_one_film_do_not_make_slates_in_another(tmp_path: Path) -> None:
    header = HEADER + "outputs: {clean: {slate: false}, marked: {}}\n"
    project = film_of(tmp_path / "film", header=header)
    project.build()
    for name, expected in (("clean", False), ("marked", True)):
        picture = decoded_pictures(project.folder / f"out/film-{name}.draft.mp4")[0]
        assert has_slate(picture) is expected


def test_a_renamed_shot_keeps_its_take_and_its_slate_shows_the_new_name(tmp_path: Path) -> None:
    project = film_of(tmp_path / "film")
    project.build()
    project.edit("id: drawn", "id: noon")
    made = project.built()
    assert takes(made) == []
    assert "segment:noon" in made
    picture = decoded_pictures(draft(project))[0]
    now, before = (likeness(picture, shot, 3, "a desert at noon", 50) for shot in ("noon", "drawn"))
    assert now > 0.8 > before


def test_the_slate_of_a_held_shot_shows_what_it_was_drawn_from(tmp_path: Path) -> None:
    project = film_of(tmp_path / "film")
    project.build()
    project.said("hold", "drawn")
    before = decoded_pictures(draft(project))[0]
    project.edit("a desert at noon", "the sea at night")
    assert project.decisions()["drawn"] == ("held", "held")
    project.build()
    assert (decoded_pictures(draft(project))[0] == before).all()


def test_bought_takes_and_what_is_sent_to_a_provider_have_no_slate(tmp_path: Path) -> None:
    shots = "scenes:\n  - id: one\n    shots:\n      - {id: a, prompt: a desert, seed: 3}\n"
    with shop() as server:
        project = film_of(tmp_path / "film", shots, PAID, server=server)
        project.build()
        assert not any(has_slate(picture, "a", 3, "a desert") for picture in decoded_pictures(project.film))


# Takes of drawing version 2, which have a slate bar


@pytest.fixture
def barred(tmp_path: Path) -> Iterator[tuple[written.Written, RunwareServer]]:
    """A film with takes that were bought with frames of animatics that have a bar, and with such an animatic held."""
    with shop() as server:
        film = written.place("barred", tmp_path / "film", server)
        film._inside = True
        yield film, server


BOUGHT = ("b", "d", "f", "h", "i")


def test_a_held_take_with_a_bar_keeps_it_and_gets_no_slate(barred: tuple[written.Written, RunwareServer]) -> None:
    film, _ = barred
    film.build()
    shown = decoded_pictures(film.folder / "out/film.draft.mp4")
    place = {shot: 24 * number for number, shot in enumerate("abcdefghi")}
    words = {"a": (3, "a river at night"), "c": (5, "a hill"), "e": (7, "a gate"), "g": (9, "the sea")}
    found = {shot: has_slate(shown[place[shot] + 5], shot, *text) for shot, text in words.items()}
    assert found == {"a": True, "c": True, "e": False, "g": False}, "e has its slate switched off, g is held"
    foot = shown[place["g"] + 5][-12:].astype(int)
    assert np.abs(foot[-3:] - (15, 17, 21)).max() < 14, "the bar of then is still there"
    assert np.abs(shown[place["a"] + 5][-3:].astype(int) - (15, 17, 21)).max() > 14


def test_no_take_is_bought_again_when_the_animatic_that_it_starts_from_is_drawn_anew(
    barred: tuple[written.Written, RunwareServer],
) -> None:
    film, server = barred
    lock = film.lock()
    plan = film.data("plan")
    decided = {step["action"]: (step["do"], step["why"]) for step in plan["steps"] if step["kind"] == "take"}
    assert decided == {
        "take:a": ("make", "renderer-changed"),
        "take:b": ("held", "unprepared"),
        "take:b#14": ("held", "unprepared"),
        "take:c": ("wait", "upstream-changes"),
        "take:d": ("held", "unprepared"),
        "take:e": ("make", "renderer-changed"),
        "take:f": ("held", "unprepared"),
        "take:g": ("held", "held"),
        "take:h": ("reuse", "unchanged"),
        "take:i": ("held", "unprepared"),
    }
    assert plan["cost"] == "0"
    film.build()
    assert server.requests == []
    now = film.lock()
    assert [now[shot]["runware"] == lock[shot]["runware"] for shot in BOUGHT] == [True] * 5
    assert film.data("plan")["nothing_to_do"] is True
    assert film.run("check", "--locked").code == 0


def test_a_clone_without_a_cache_fetches_the_takes_that_animatics_of_then_were_in(
    barred: tuple[written.Written, RunwareServer],
) -> None:
    film, server = barred
    film.build()
    for order in ("after", "before"):
        if order == "before":  # the lockfile of the earlier version
            shutil.copy(written.DATA / "barred/storyboard.lock", film.folder)
        shutil.rmtree(film.folder / ".storyboard", ignore_errors=True)
        steps = {step["action"]: step for step in film.data("plan")["steps"] if step["kind"] == "take"}
        assert [steps[f"take:{shot}"]["do"] for shot in BOUGHT] == ["resume"] * 5, order
        assert [steps[f"take:{shot}"]["key"] for shot in BOUGHT] == [
            film.lock()[shot]["runware"]["key"] for shot in BOUGHT
        ]
    assert server.bill == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_renamed_animatic_keeps_the_takes_that_start_from_it(
    barred: tuple[written.Written, RunwareServer], when: str
) -> None:
    film, server = barred
    if when == "after":
        film.build()
    shutil.rmtree(film.folder / ".storyboard")
    film.edit("{id: a,", "{id: z,")
    film.file.write_text(film.file.read_text().replace("{shot: a}", "{shot: z}"))
    steps = {step["action"]: step for step in film.data("plan")["steps"] if step["kind"] == "take"}
    assert [steps[f"take:{shot}"]["do"] for shot in BOUGHT] == ["resume"] * 5
    assert server.bill == []


def test_a_remake_starts_from_the_frame_that_is_drawn_now(barred: tuple[written.Written, RunwareServer]) -> None:
    film, server = barred
    film.build("--remake", "b")
    assert len(server.bill) == 1
    now = film.decisions()
    assert now["b"] == ("held", "unprepared"), "its alternate take stays as it was"
    steps = {step["action"]: (step["do"], step["why"]) for step in film.data("plan")["steps"]}
    assert steps["take:b"] == ("reuse", "unchanged")
    assert steps["take:b#14"] == ("held", "unprepared")
    assert film.data("plan")["nothing_to_do"] is True


def test_a_take_is_stale_once_its_animatic_is_of_another_prompt(barred: tuple[written.Written, RunwareServer]) -> None:
    film, server = barred
    film.build()
    film.edit("prompt: a river at night,", "prompt: a river at dawn,")
    steps = {step["action"]: step for step in film.data("plan")["steps"]}
    assert steps["take:b"]["do"] == "wait"
    film.build("--max-cost", "5")
    assert len(server.bill) == 4, "both takes of b, and d and i, which start from c, which starts from a"


def test_an_accepted_take_with_a_bar_gets_no_slate(barred: tuple[written.Written, RunwareServer]) -> None:
    film, _ = barred
    film.build()
    film.said("accept", "g")
    film.said("release", "g")
    film.build()
    shown = decoded_pictures(film.folder / "out/film.draft.mp4")
    assert not has_slate(shown[24 * 6 + 5], "g", 9, "the sea at dusk")
    assert film.decisions()["h"] == ("reuse", "unchanged"), "its frame still has a bar, which is cut off"


def test_a_job_that_was_begun_with_a_frame_of_then_goes_on_with_that_frame_and_is_paid_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = (
        "scenes:\n  - id: one\n    shots:\n"
        "      - {id: a, prompt: a desert, seed: 3, provider: local}\n"
        "      - {id: b, prompt: a storm, seed: 4, first_frame: {shot: a}}\n"
    )

    def drawn_otherwise(**fields: Any) -> Animatic:
        return Animatic(**{**fields, "prompt": "the sea"})

    with shop() as server:
        project = film_of(tmp_path / "film", shots, PAID, server=server)
        server.arm("submit-reset-before-accept", nth=1, times=3)
        with monkeypatch.context() as then:
            then.setattr(session, "ENGINES", {"local": "animatic 2"})
            then.setattr(generators, "Animatic", drawn_otherwise)
            assert project.run("build").code == 1
        [job] = project.journal()
        old = decoded_pictures(project.blobs[project.lock()["a"]["local"]["take"]])[-1]
        assert project.decisions()["a"] == ("make", "renderer-changed")
        assert project.decisions()["b"][0] == "resume"
        project.build()
        assert [line["task_id"] for line in server.bill] == [job.stem]
        new = decoded_pictures(project.blobs[project.lock()["a"]["local"]["take"]])[-1]
        [data] = sent(server).values()
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (114, 64), "the bar is cut off"
        got = np.asarray(picture, int)
    assert np.abs(got - old[:64, 7:121]).mean() < 3 < np.abs(got - new[:64, 7:121]).mean()
