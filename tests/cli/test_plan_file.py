"""A plan that was agreed to is done exactly, or refused before anything is spent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.inside import Ran, errors, run
from tests.project import CHAIN, Project
from tests.runware_server.server import RunwareServer

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def project(tmp_path: Path, server: RunwareServer) -> Project:
    return Project(tmp_path / "film", server=server)


def sb(project: Project, *words: str, **settings: str) -> Ran:
    environment = project.settings()
    del environment["STORYBOARD_MAX_COST"]
    return run(project.folder, {**environment, **settings}, *words)


def moved(ran: Ran) -> list[tuple[str, str]]:
    assert ran.code == 1, ran
    assert {error["code"] for error in errors(ran)} == {"plan-moved"}
    return [(one["kind"], one["name"]) for one in ran.data["moved"]]


def agree(project: Project, *words: str) -> dict[str, Any]:
    assert sb(project, "plan", "--out", "plan.json", *words).code == 0
    found: dict[str, Any] = json.loads((project.folder / "plan.json").read_text())
    return found


def test_a_plan_is_done_as_agreed_and_its_price_is_the_cap(project: Project, server: RunwareServer) -> None:
    assert agree(project)["cost"] == "0.36"
    ran = sb(project, "build", "--plan", "plan.json", "--json")
    assert ran.code == 0, ran
    assert len(server.bill) == 3


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("at night", "at noon", ("storyboard", "a")),
        ("seed: 5", "seed: 6", ("storyboard", "c")),
        ("seed: 5}", "seed: 5}\n      - {id: d, prompt: more, seed: 8}", ("storyboard", "d")),
        ("fps: 24", "fps: 25", ("storyboard", "the film")),
    ],
)
def test_a_storyboard_that_moved_is_named_and_nothing_is_bought(
    project: Project, server: RunwareServer, old: str, new: str, named: tuple[str, str]
) -> None:
    agree(project)
    project.edit(old, new)
    assert named in moved(sb(project, "build", "--plan", "plan.json", "--json"))
    assert server.bill == []
    assert not (project.folder / "storyboard.lock").exists()


@pytest.mark.parametrize(
    ("old", "new"), [("seed: 5}", "seed: 5} # a comment"), ("id: two", "id: two\n    title: Elsewhere")]
)
def test_a_comment_or_a_title_of_a_scene_moves_no_plan(project: Project, old: str, new: str) -> None:
    agree(project)
    project.edit(old, new)
    assert sb(project, "build", "--plan", "plan.json").code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fit: cover", "fit: stretch"),
        ("fit: cover", "fit: cover, captions: burn"),
        ("fit: cover", "fit: cover, crf: 30"),
        ("fit: cover", "fit: cover, loudness: -20"),
        ("chapters: true", "chapters: false"),
        ("id: two", "id: two\n    title: Elsewhere"),
    ],
)
def test_another_look_or_sound_of_a_further_film_moves_the_plan(project: Project, old: str, new: str) -> None:
    project.edit("scenes:", "outputs: {wide: {}, tall: {size: 72x128, fit: cover, chapters: true}}\nscenes:")
    agree(project)
    project.edit(old, new)
    assert moved(sb(project, "build", "--plan", "plan.json", "--json")) == [("storyboard", "the film")]


def test_a_picture_replaced_by_another_is_named(project: Project, server: RunwareServer) -> None:
    from PIL import Image

    picture = project.folder / "ref.png"
    Image.new("RGB", (128, 72), "red").save(picture)
    project.edit("seed: 5}", "seed: 5, first_frame: ref.png}")
    agree(project)
    Image.new("RGB", (128, 72), "blue").save(picture)
    assert moved(sb(project, "build", "--plan", "plan.json", "--json")) == [("file", "ref.png")]
    assert server.bill == []


def test_a_lockfile_that_moved_is_named(project: Project, server: RunwareServer) -> None:
    agree(project)
    assert sb(project, "build", "-s", "c", "--max-cost", "1").code == 0
    assert ("lockfile", "c") in moved(sb(project, "build", "--plan", "plan.json", "--json"))
    assert len(server.bill) == 1


def test_a_plan_is_done_once(project: Project, server: RunwareServer) -> None:
    agree(project)
    assert sb(project, "build", "--plan", "plan.json").code == 0
    again = moved(sb(project, "build", "--plan", "plan.json", "--json"))
    assert again == [("lockfile", "a"), ("lockfile", "b"), ("lockfile", "c")]
    assert len(server.bill) == 3


def test_a_price_that_moved_is_named(project: Project, server: RunwareServer, monkeypatch: Any) -> None:
    from decimal import Decimal

    import msgspec

    from storyboard.providers import models

    agree(project)
    cards = dict(models.cards())
    cards["tiny:1"] = msgspec.structs.replace(cards["tiny:1"], price_per_second=Decimal("0.20"))
    monkeypatch.setattr(models, "cards", lambda: cards)
    ran = sb(project, "build", "--plan", "plan.json", "--json")
    assert sorted(moved(ran)) == [("price", "a"), ("price", "b"), ("price", "c")]
    assert "price of a: $0.12 -> $0.20" in [error["message"] for error in errors(ran)]
    assert server.bill == []


def test_a_take_lost_from_the_cache_is_named(project: Project, server: RunwareServer) -> None:
    assert sb(project, "build", "--max-cost", "1").code == 0
    agree(project)
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    project.blobs[lock["shots"]["c"]["runware"]["take"]].unlink()
    assert moved(sb(project, "build", "--plan", "plan.json", "--json")) == [("cache", "c")]
    assert len(server.bill) == 3


def test_the_choices_of_a_plan_are_those_of_its_build(project: Project, server: RunwareServer) -> None:
    agree(project, "-s", "c")
    assert sb(project, "build", "--plan", "plan.json").code == 0
    assert len(server.bill) == 1
    agree(project, "--draft")
    assert sb(project, "build", "--plan", "plan.json").code == 0
    assert len(server.bill) == 1


def test_other_choices_beside_a_plan_are_refused(project: Project) -> None:
    agree(project)
    assert sb(project, "build", "--plan", "plan.json", "--remake", "a").code == 2


def test_a_smaller_cap_counts_beside_a_plan(project: Project, server: RunwareServer) -> None:
    agree(project)
    assert sb(project, "build", "--plan", "plan.json", "--max-cost", "0.13").code == 4
    assert len(server.bill) == 1


@pytest.mark.parametrize("change", ['"cost": "0.36"', "]", '"do": "make"'])
def test_a_plan_that_was_edited_is_refused(project: Project, server: RunwareServer, change: str) -> None:
    agree(project)
    path = project.folder / "plan.json"
    text = path.read_text()
    assert change in text
    path.write_text(text.replace(change, change.replace("0.36", "0.99").replace("make", "reuse").replace("]", "}")))
    ran = sb(project, "build", "--plan", "plan.json")
    assert ran.code == 2
    assert server.bill == []
    if change != "]":  # it is a plan still, so that another one may take its place, as the message says
        assert "write it again with `storyboard plan --out plan.json`" in ran.err
        agree(project)
        assert sb(project, "build", "--plan", "plan.json").code == 0


def test_a_plan_is_never_written_over_something_else(project: Project) -> None:
    before = (project.folder / "storyboard.yaml").read_text()
    assert sb(project, "plan", "--out", "storyboard.yaml").code == 2
    assert (project.folder / "storyboard.yaml").read_text() == before
    assert CHAIN in before
    assert "write it again" not in sb(project, "build", "--plan", "storyboard.yaml").err
