"""Two branches, real git: what merges by itself, and what the next build says where both changed the same shot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import tool
from tests.inside import at_work
from tests.project import Project, copied, takes

FILM = """\
scenes:
  - id: one
    shots:
      - id: a
        prompt: a river at night
        seed: 3
      - id: b
        prompt: a forest at dawn
        seed: 4
      - id: c
        prompt: a city in the rain
        seed: 5
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tool("git")
    project = Project(tmp_path_factory.mktemp("template") / "film", FILM)
    with at_work():
        desk = project.in_process()
        desk.git("init", "-qb", "main")
        (project.folder / ".gitignore").write_text(".storyboard/\nout/\n")
        desk.built()
        desk.commit("first")
    return project.folder


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Iterator[Project]:
    project = copied(template, tmp_path / "film")
    with at_work():
        yield project


def branch(desk: Project, name: str, old: str, new: str) -> str:
    """A branch off main with one edit, built and committed; the digest of the lockfile's text is git's business."""
    desk.git("checkout", "-q", "-b", name, "main")
    desk.edit(old, new)
    desk.built()
    desk.commit(name)
    return (desk.folder / "storyboard.lock").read_text()


def test_branches_that_changed_different_shots_merge_and_the_build_makes_no_take(desk: Project) -> None:
    branch(desk, "noon", "at night", "at noon")
    branch(desk, "snow", "in the rain", "in the snow")
    desk.git("merge", "-q", "noon", "-m", "both")
    assert desk.git("status", "--porcelain") == ""
    assert {name: step.split(":")[0] for name, step in desk.plan().items()} == dict.fromkeys("abc", "reuse")
    data = desk.data("build")
    assert data["made"] == ["cut"]
    assert [(one["shot"], one["why"]) for one in data["chosen"]] == [
        ("a", "it is in the lockfile and matches the current request")
    ]
    assert desk.git("status", "--porcelain") == ""
    assert desk.run("build", "--locked").code == 0


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_where_both_changed_a_shot_the_build_says_which_take_it_took_and_why(desk: Project, side: str) -> None:
    branch(desk, "noon", "at night", "at noon")
    noon = desk.in_cut("a")
    branch(desk, "dusk", "at night", "at dusk")
    dusk = desk.in_cut("a")
    desk.git("merge", "noon", ok=False)
    assert "storyboard.lock" in desk.git("diff", "--name-only", "--diff-filter=U")
    ran = desk.run("build")
    assert ran.code != 0
    desk.git("checkout", "--theirs", "storyboard.yaml")
    assert "git left a merge conflict" in desk.run("build").err
    desk.git("checkout", f"--{side}", "storyboard.lock")
    desk.commit("merged")
    ran = desk.run("build")
    assert ran.code == 0, ran
    why = {
        "ours": "it matches the current request; the locked take is stale: prompt changed",
        "theirs": "it is in the lockfile and matches the current request",
    }
    assert f"take     a: {noon[:12]} (seed 3) replaces {dusk[:12]}: {why[side]}" in ran.out
    assert "3 unchanged" in ran.out
    assert desk.in_cut("a") == noon
    assert desk.run("build").out.startswith("nothing to do")


def test_a_request_that_is_new_to_both_branches_is_made_and_says_what_changed(desk: Project) -> None:
    branch(desk, "noon", "prompt: a river at night", "prompt: a river at noon")
    branch(desk, "seed", "seed: 3", "seed: 3\n        duration: 2")
    desk.git("merge", "noon", ok=False)
    assert desk.git("diff", "--name-only", "--diff-filter=U").split() == ["storyboard.lock"]
    desk.git("checkout", "--ours", "storyboard.lock")
    desk.commit("merged")
    assert desk.plan()["a"] == "make: changed: prompt"
    data = desk.data("build")
    assert takes(data["made"]) == ["a"]


def test_takes_chosen_on_both_branches_leave_one_in_the_cut_and_all_in_the_cache(desk: Project) -> None:
    desk.edit("seed: 3\n", "seed: 3\n        takes: [3, 7, 8]\n        pick: 3\n")
    desk.built()
    desk.commit("takes")
    desk.git("checkout", "-q", "-b", "seven")
    desk.said("pick", "a", "7")
    desk.commit("seven")
    seven = desk.in_cut("a")
    desk.git("checkout", "-q", "-b", "eight", "main")
    desk.said("pick", "a", "8")
    desk.built()
    desk.commit("eight")
    eight = desk.in_cut("a")
    desk.git("merge", "seven", ok=False)
    desk.git("checkout", "--ours", "storyboard.yaml")
    desk.git("checkout", "--theirs", "storyboard.lock")
    desk.commit("merged")
    ran = desk.run("build")
    assert ran.code == 0, ran
    assert f"take     a: {eight[:12]} (seed 8) replaces {seven[:12]}: it matches the current request" in ran.out
    assert "the locked take is stale: seed changed" in ran.out
    assert {take["seed"] for take in desk.takes("a") if take["in_cache"]} == {3, 7, 8}


def test_an_old_version_brings_its_film_back_from_the_cache(desk: Project) -> None:
    film = desk.film.read_bytes()
    branch(desk, "noon", "at night", "at noon")
    desk.git("checkout", "-q", "main")
    data = desk.data("build")
    assert data["made"] == ["cut"]
    assert [one["shot"] for one in data["chosen"]] == ["a"]
    assert desk.film.read_bytes() == film
    assert desk.git("status", "--porcelain") == ""


def test_a_change_of_provider_is_no_news_of_takes(desk: Project) -> None:
    """The links beside the film show one provider's takes; another's are others, which goes without saying."""
    lock = (desk.folder / "storyboard.lock").read_text()
    (desk.folder / "storyboard.lock").write_text(lock.replace('"local": {', '"runware": {'))
    desk.edit("at night", "at noon")
    assert desk.data("build")["chosen"] == []
