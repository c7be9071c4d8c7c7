"""The storyboard is found from any folder of the project, and words name its shots, scenes and tags."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import click
import pytest

from storyboard import operating_system
from storyboard.cli import project_root
from tests.inside import Ran, run
from tests.project import Project

pytestmark = pytest.mark.usefixtures("inside")

HEADER = "version: 1\nmodel: tiny:1\nprovider: local\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\n"
FILM = """\
scenes:
  - id: river
    tags: [water]
    shots:
      - {id: glide, prompt: a river at night, seed: 3}
      - {id: skiff, prompt: a boat, seed: 4, first_frame: {shot: glide, at: last}}
  - include: scenes/temple.yaml
  - id: coda
    shots:
      - {id: stairs, prompt: stairs, seed: 6, tags: [hero, c++]}
      - {id: river-end, prompt: the sea, seed: 7}
      - {id: cut-out, prompt: a door, skip: true}
"""
TEMPLE = "id: temple\nshots:\n  - {id: gate, prompt: a gate, seed: 5}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "film", None, inside=True)
    (made.folder / "scenes" / "deep").mkdir(parents=True)
    made.write(FILM, HEADER)
    (made.folder / "scenes/temple.yaml").write_text(TEMPLE)
    return made


def selected(ran: Ran) -> set[str]:
    assert ran.code == 0, ran
    return {step["shot"] for step in ran.data["steps"] if step["kind"] == "take" and step["do"] != "skip"}


ALL = {"glide", "skiff", "gate", "stairs", "river-end"}


# where the storyboard is


@pytest.mark.parametrize("verb", ["plan", "check", "status", "graph", "cost"])
def test_the_storyboard_is_found_from_a_folder_below_it(project: Project, verb: str) -> None:
    here = run(project.folder, {}, verb, "--json")
    below = run(project.folder / "scenes" / "deep", {}, verb, "--json")
    assert (here.code, below.code) == (0, 0), below
    if verb == "check":
        assert below.data["files"][0] == str(project.file)


def test_commands_proposed_below_the_storyboard_name_no_path(project: Project) -> None:
    ran = run(project.folder / "scenes", {}, "check", "--json")
    assert '"storyboard plan"' in ran.out


@pytest.mark.parametrize("verb", [("cache", "dir"), ("doctor",)])
def test_the_project_of_a_folder_below_is_that_of_the_storyboard(project: Project, verb: tuple[str, ...]) -> None:
    ran = run(project.folder / "scenes", {}, *verb, "--json")
    root = ran.data["project"] if verb == ("doctor",) else ran.data["folder"].removesuffix("/.storyboard/cache")
    assert root == str(project.folder)


def test_the_nearest_storyboard_is_taken(project: Project) -> None:
    inner = Project(project.folder / "scenes", None, inside=True)
    inner.write("scenes: [{id: one, shots: [{id: other, prompt: a hill}]}]\n", HEADER)
    assert selected(run(project.folder / "scenes" / "deep", {}, "plan", "--json")) == {"other"}


def test_a_folder_that_is_named_is_not_searched_upwards(project: Project) -> None:
    ran = run(project.folder, {}, "check", "scenes")
    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        "error: there is no storyboard.yaml in scenes; run `storyboard init` to write one",
    )


def test_without_a_storyboard_above_the_way_out_is_init(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "build")
    assert ran.code == 2
    assert ran.err == "error: there is no storyboard.yaml in this folder or above; run `storyboard init` to write one\n"


@pytest.fixture
def _another_user() -> Iterator[None]:
    with mock.patch.object(operating_system.os, "geteuid", return_value=os.getuid() + 1):
        yield


@pytest.mark.usefixtures("_another_user")
def test_a_storyboard_of_another_user_is_not_picked_up_from_below(project: Project) -> None:
    ran = run(project.folder / "scenes", {}, "plan")
    assert ran.code == 2
    assert f"{project.file} or its folder belongs to another user" in ran.err
    assert run(project.folder, {}, "check").code == 0
    assert run(project.folder / "scenes", {}, "check", "..").code == 0


def test_a_user_who_became_root_owns_what_was_his(project: Project) -> None:
    entry = project.file.stat()
    fields = list(entry)
    fields[4] = 1234  # st_uid
    theirs = os.stat_result(fields)
    with mock.patch.object(operating_system.os, "geteuid", return_value=0):
        assert not operating_system.is_own(theirs)
        with mock.patch.dict(os.environ, {"SUDO_UID": "1234"}):
            assert operating_system.is_own(theirs)


def test_the_search_ends_at_the_border_of_the_file_system(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.stat

    def stat(path: Path, **options: Any) -> os.stat_result:
        fields = list(real(path, **options))
        fields[2] += path == project.folder  # st_dev
        return os.stat_result(fields)

    monkeypatch.chdir(project.folder / "scenes")
    monkeypatch.setattr(project_root.Path, "stat", stat)
    with pytest.raises(click.UsageError, match="in this folder or above"):
        project_root.find_file(Path())


def test_storyboard_yml_is_taken_from_its_folder_and_from_below(project: Project) -> None:
    project.file.rename(project.folder / "storyboard.yml")
    assert selected(run(project.folder, {}, "plan", "--json")) == ALL
    assert selected(run(project.folder / "scenes", {}, "plan", "--json")) == ALL
    assert selected(run(project.folder.parent, {}, "plan", "film", "--json")) == ALL
    assert '"storyboard plan film"' in run(project.folder.parent, {}, "check", "film", "--json").out
    assert run(project.folder, {}, "build").code == 0
    assert (project.folder / "storyboard.lock").exists()


@pytest.mark.parametrize("where", [".", "scenes"])
def test_a_storyboard_under_both_names_is_an_error_that_names_both(project: Project, where: str) -> None:
    (project.folder / "storyboard.yml").write_text(HEADER + FILM)
    ran = run(project.folder / where, {}, "plan")
    assert ran.code == 2
    assert "storyboard.yaml and " in ran.err
    assert "storyboard.yml exist; delete one, or name one" in ran.err
    assert selected(run(project.folder, {}, "plan", "storyboard.yml", "--json")) == ALL


# scene files


@pytest.mark.parametrize(
    ("folder", "word"), [(".", "scenes/temple.yaml"), ("scenes", "temple.yaml"), ("scenes/deep", "../temple.yaml")]
)
def test_a_scene_file_stands_for_its_shots_in_the_storyboard_that_includes_it(
    project: Project, folder: str, word: str
) -> None:
    assert selected(run(project.folder / folder, {}, "plan", word, "--json")) == {"gate"}
    checked = run(project.folder / folder, {}, "check", word, "--json")
    assert [Path(name).name for name in checked.data["files"]] == ["storyboard.yaml", "temple.yaml"]


def test_a_scene_file_finds_a_storyboard_with_another_name(project: Project) -> None:
    project.file.rename(project.folder / "film.yaml")
    (project.folder / "storyboard.yaml").write_text(HEADER + "scenes: [{id: one, shots: [{id: x, prompt: a hill}]}]\n")
    assert selected(run(project.folder, {}, "plan", "scenes/temple.yaml", "--json")) == {"gate"}


def test_a_scene_file_that_no_storyboard_includes_is_said(project: Project) -> None:
    (project.folder / "scenes/other.yaml").write_text(TEMPLE)
    ran = run(project.folder, {}, "build", "scenes/other.yaml")
    assert ran.code == 2
    assert "scenes/other.yaml is a scene, and no storyboard in its folder or above includes it" in ran.err


# words


@pytest.mark.parametrize(
    ("words", "shots"),
    [
        ("glide", {"glide"}),
        ("river", {"glide", "skiff"}),
        ("water", {"glide", "skiff"}),
        ("hero", {"stairs"}),
        ("c++", {"stairs"}),
        ("tag:c++", {"stairs"}),
        ("river*", {"glide", "skiff", "river-end"}),
        ("shot:river*", {"river-end"}),
        ("scene:*", ALL),
        ("river*,temple", {"glide", "skiff", "river-end", "gate"}),
        ("glide gate", {"glide", "gate"}),
        ("glide+", {"glide", "skiff"}),
        ("+skiff", {"glide", "skiff"}),
        ("gl?de+", {"glide", "skiff"}),
        ("storyboard.yaml gate", {"gate"}),
        ("gate storyboard.yaml", {"gate"}),
        ("-s temple", {"gate"}),
        ("-s temple hero", {"gate", "stairs"}),
        ("-s [gs]*", {"glide", "gate", "skiff", "stairs"}),
        ("-s scene:temple -s tag:hero", {"gate", "stairs"}),
    ],
)
def test_a_word_selects_a_shot_a_scene_a_tag_or_a_pattern(project: Project, words: str, shots: set[str]) -> None:
    assert selected(run(project.folder, {}, "plan", *words.split(), "--json")) == shots


def test_a_build_of_a_scene_makes_that_scene_only(project: Project) -> None:
    made = run(project.folder / "scenes", {}, "build", "temple", "--json").data["made"]
    assert [name for name in made if name.startswith("take:")] == ["take:gate"]


def test_a_shot_comes_before_a_scene_and_a_scene_before_a_tag(project: Project) -> None:
    project.edit("tags: [hero, c++]", "tags: [river, glide]")
    assert selected(run(project.folder, {}, "plan", "glide", "--json")) == {"glide"}
    assert selected(run(project.folder, {}, "plan", "river", "--json")) == {"glide", "skiff"}
    assert selected(run(project.folder, {}, "plan", "tag:river", "--json")) == {"stairs"}


def test_a_path_comes_before_a_selection_and_select_forces_it(project: Project) -> None:
    (project.folder / "river").mkdir()
    ran = run(project.folder, {}, "plan", "river")
    assert ran.code == 2
    assert "for a shot, scene or tag of that name write `--select river`" in ran.err
    assert selected(run(project.folder, {}, "plan", "-s", "river", "--json")) == {"glide", "skiff"}


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("rivr", "no shot, scene or tag is called 'rivr'", "did you mean `river`?"),
        ("+glid", "no shot, scene or tag is called 'glid'", "did you mean `glide`?"),
        ("x*", "no shot, scene or tag matches 'x*'", "`storyboard ls` lists the shots with their scenes"),
        ("tag:hera", "no shot in the film has the tag 'hera'", "did you mean `tag:hero`?"),
        ("-s scene:templ", "no scene with a shot in the film is called 'templ'", "did you mean `scene:temple`?"),
        ("cut-out", "shot 'cut-out' is skipped", "remove its `skip: true` to select it"),
        ("film.yaml", "film.yaml: no such file", "see `storyboard plan --help`"),
        ("storybord.yaml", "storybord.yaml: no such file", "did you mean `storyboard.yaml`?"),
        ("scenes/tempel.yaml", "scenes/tempel.yaml: no such file", "did you mean `scenes/temple.yaml`?"),
    ],
)
def test_a_word_that_names_nothing_is_answered_with_the_nearest(
    project: Project, words: str, message: str, hint: str
) -> None:
    ran = run(project.folder, {}, "plan", *words.split())
    assert (ran.code, ran.err) == (2, f"error: {message}\n  help: {hint}\n")


def test_a_word_without_a_storyboard_around_is_a_missing_file(tmp_path: Path) -> None:
    ran = run(tmp_path, {}, "build", "mangrove")
    assert ran.code == 2
    assert ran.err.startswith("error: mangrove: no such file, and there is no storyboard.yaml in this folder or above")


def test_two_paths_are_refused(project: Project) -> None:
    ran = run(project.folder, {}, "plan", "storyboard.yaml", "scenes/temple.yaml")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: 'storyboard.yaml' and 'scenes/temple.yaml' are two paths")


def test_a_plan_of_words_is_carried_out_as_planned(project: Project) -> None:
    assert run(project.folder, {}, "plan", "temple", "--out", "plan.json").code == 0
    made = run(project.folder, {}, "build", "--plan", "plan.json", "--json").data["made"]
    assert [name for name in made if name.startswith("take:")] == ["take:gate"]
