"""A draft, which holds animatics, and the final film lie beside each other; neither replaces the other."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard.core.model import Output, Storyboard
from tests.inside import hasty
from tests.project import Project, errors
from tests.runware_server.server import RunwareServer

TEXT = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3, caption: Water.}
      - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a, at: last}}
"""


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film", TEXT, server=server)
    with hasty():
        yield project.in_process()


def outputs(desk: Project) -> dict[str, bytes]:
    found = {}
    for path in sorted((desk.folder / "out").rglob("*")):
        if path.is_file():
            found[str(path.relative_to(desk.folder / "out"))] = path.read_bytes()
    return found


FINAL = ["film.mp4", "film.srt", "film.vtt", "film/a.mp4", "film/b.mp4"]
DRAFT = ["film.draft.mp4", "film.draft.srt", "film.draft.vtt", "film.draft/a.mp4", "film.draft/b.mp4"]


def test_a_free_draft_does_not_overwrite_the_paid_film(desk: Project, server: RunwareServer) -> None:
    desk.built()
    paid = outputs(desk)
    assert sorted(paid) == sorted(FINAL)
    assert desk.built("--draft") != []
    both = outputs(desk)
    assert sorted(both) == sorted([*FINAL, *DRAFT])
    assert {name: both[name] for name in FINAL} == paid
    assert desk.built() == []
    assert desk.built("--draft") == []
    assert outputs(desk) == both
    assert len(server.bill) == 2


def test_a_film_and_its_draft_are_no_films_of_earlier_outputs(desk: Project) -> None:
    desk.built("--draft")
    for words in ((), ("--draft",), ("--draft",), ()):
        ran = desk.run("build", *words)
        assert ran.code == 0
        assert "earlier output" not in ran.err + ran.out


def test_a_storyboard_that_names_a_model_and_no_provider_is_made_by_the_one_that_sells_it(desk: Project) -> None:
    text = desk.file.read_text()
    desk.file.write_text(text.replace("provider: runware\n", ""))
    assert "provider" not in desk.file.read_text()
    desk.built()
    assert "film.mp4" in outputs(desk)


def test_status_of_the_film_names_the_draft_that_is_there(desk: Project) -> None:
    assert desk.data("status")["film"]["draft"] is None
    desk.built("--draft")
    assert desk.data("status")["film"]["draft"] == "out/film.draft.mp4"
    assert "draft: out/film.draft.mp4" in desk.said("status")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model: tiny:1\n", "defaults: {model: tiny:1}\n"),
        ("    shots:\n", "    defaults: {model: tiny:1}\n    shots:\n"),
    ],
    ids=["defaults", "scene"],
)
def test_a_model_in_defaults_decides_the_provider_as_well(desk: Project, old: str, new: str) -> None:
    desk.edit("provider: runware\n", "")
    desk.edit("model: tiny:1\n", "")
    desk.edit(old, new) if old in desk.file.read_text() else desk.edit("version: 1\n", f"version: 1\n{new}")
    providers = {step["request"]["provider"] for step in desk.data("plan")["steps"] if step.get("request")}
    assert providers <= {"runware"}
    assert desk.data("plan")["cost"] == "0.24"


def test_a_storyboard_without_model_and_provider_is_an_animatic(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", inside=True)
    project.write(TEXT, header="version: 1\n")
    with hasty():
        assert project.data("plan")["cost"] == "0"
        assert project.data("status")["film"]["path"] == "out/film.draft.mp4"


@pytest.mark.parametrize("words", [(), ("--draft",)])
def test_one_film_of_the_two_is_up_to_date_while_the_other_is_old(desk: Project, words: tuple[str, ...]) -> None:
    desk.built()
    desk.built("--draft")
    desk.edit("caption: Water.", "caption: More water.")
    desk.built(*words)
    old = "film.srt" if words else "film.draft.srt"
    new = "film.draft.srt" if words else "film.srt"
    found = outputs(desk)
    assert b"More water" in found[new]
    assert b"More water" not in found[old]


def test_a_draft_that_would_be_written_over_an_input_is_refused(desk: Project) -> None:
    (desk.folder / "out").mkdir(exist_ok=True)
    clip = desk.folder / "out/film.draft.mp4"
    clip.write_bytes(b"clip")
    desk.edit("      - {id: b", "      - {id: c, clip: out/film.draft.mp4}\n      - {id: b")
    found = errors(desk.run("check", "--json"))
    assert any(
        error["code"] == "output-in-use" and "the draft would be written over" in error["message"] for error in found
    ), found


def test_a_missing_key_leads_to_the_draft(desk: Project) -> None:
    ran = desk.run("build", env={"RUNWARE_API_KEY": ""})
    assert ran.code == 5
    assert "--draft" in ran.err


def test_an_animatic_of_an_earlier_version_stays_is_told_once_and_gives_way_to_the_bought_film(
    desk: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions wrote it where the final film goes, and its cut says nothing of what it is made of."""
    desk.edit("size: 128x72, fps: 24", "size: 64x36, fps: 24")
    with monkeypatch.context() as earlier:
        earlier.setattr(Output, "film", property(lambda output: output.file))
        earlier.setattr(Storyboard, "made_of", ())
        desk.built("--draft")
    film = desk.folder / "out/film.mp4"
    before = film.read_bytes()
    ran = desk.run("build", "--draft")
    assert ran.code == 0
    assert "out/film.mp4 holds animatics of an earlier version; the final film replaces it" in ran.err
    assert film.read_bytes() == before
    assert (desk.folder / "out/film.draft.mp4").exists()
    assert "holds animatics" not in desk.run("build", "--draft").err
    assert "out/film.mp4 holds animatics of an earlier version" in desk.said("status")
    assert desk.data("status")["old_films"] == ["out/film.mp4"]
    desk.built()
    assert film.read_bytes() != before
    assert "old_films" not in desk.data("status")
    assert "holds animatics" not in desk.run("build", "--draft").err


def test_a_bought_film_of_an_earlier_version_is_called_no_animatic(
    desk: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(Storyboard, "made_of", ())
        desk.built()
    assert "animatics" not in desk.run("build", "--draft").err


def test_a_draft_that_is_killed_at_any_moment_leaves_the_paid_film_and_is_finished_by_the_next(
    server: RunwareServer, tmp_path: Path
) -> None:
    project = Project(tmp_path / "film", TEXT, server=server)
    with hasty():
        project.in_process().built()
    paid = outputs(project)
    for number in range(3):
        running = project.start("build", "--draft")
        state = project.folder / ".storyboard"
        while running.poll() is None and len(list(state.glob("cache/blobs/*/*"))) < 5 + number:
            time.sleep(0.01)
        running.kill()
        running.communicate()
        assert {name: data for name, data in outputs(project).items() if name in FINAL} == paid
    with hasty():
        project.in_process().built("--draft")
        assert project.in_process().built() == []
    assert sorted(outputs(project)) == sorted([*FINAL, *DRAFT])
    assert len(server.bill) == 2


@pytest.mark.parametrize("words", [("--draft",), ()])
def test_both_films_are_answered_without_loading_anything_while_nothing_changed(
    desk: Project, words: tuple[str, ...]
) -> None:
    """One note for each command line: a build of the one makes no note of the other void."""
    for _ in range(2):
        desk.built()
        desk.built("--draft")
    plan = desk.data("plan", *words)
    assert plan["nothing_to_do"] is True
    assert desk.data("status")["film"]["state"] == "up to date"
