"""A clone of a film that was bought: its plan, and its builds after the provider has forgotten the takes."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.inside import at_work
from tests.project import Project
from tests.runware_server.server import RunwareServer

FILM = """\
scenes:
  - id: s
    shots:
      - {id: own, clip: in.mp4}
      - {id: c, prompt: a river, seed: 3, first_frame: {shot: own, at: last}}
      - {id: a, prompt: a forest, seed: 4}
      - {id: b, prompt: a city, seed: 5, first_frame: {shot: a, at: last}}
"""
COMMITTED = ("storyboard.yaml", "storyboard.lock", "in.mp4")


@pytest.fixture
def author(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    with at_work(11, 12, 13):
        maker = Project(tmp_path / "maker", "scenes:\n  - {id: s, shots: [{id: x, prompt: sea}]}\n", inside=True)
        maker.build()
        project = Project(tmp_path / "film", FILM, server=server, inside=True)
        shutil.copy(maker.folder / "out/film.draft/x.mp4", project.folder / "in.mp4")
        project.build()
        assert len(server.bill) == 3
        yield project


def clone(author: Project, name: str = "clone") -> Project:
    folder = author.folder.with_name(name)
    folder.mkdir()
    for file in COMMITTED:
        shutil.copy(author.folder / file, folder / file)
    return Project(folder, None, server=author.server, inside=True)


def test_a_clone_does_not_plan_to_pay_for_what_was_bought(author: Project, server: RunwareServer) -> None:
    desk = clone(author)
    plan = desk.data("plan")
    assert [plan[name] for name in ("cost", "cost_at_least", "cost_at_most")] == ["0", "0", "0"]
    told = desk.plan()
    tasks = {shot: desk.lock()[shot]["runware"]["task_id"][:8] for shot in "abc"}
    for shot in ("a", "b"):
        again = f"bought before (task {tasks[shot]}): asked for first, free; another costs $0.12"
        assert told[shot] == f"resume: missing from this cache; {again}"
    assert told["c"] == (
        "wait: starts from a frame of own, which is made first; "
        f"bought before (task {tasks['c']}): asked for first, free; another costs $0.12"
    )
    assert "Plan: 1 to make, 3 to resume; $0.00" in desk.said("plan")
    assert desk.build(env={"STORYBOARD_YES": "0", "STORYBOARD_MAX_COST": "0"})["cost"] == "0"
    assert len(server.bill) == 3


def test_a_clone_with_own_footage_is_built_as_locked(author: Project, server: RunwareServer) -> None:
    for words in (("check", "--locked"), ("build", "--locked")):
        assert clone(author, words[0]).run(*words).code == 0
    assert len(server.bill) == 3


@pytest.mark.parametrize("lost", ["clone", "cache", "records", "ledger and cache"])
def test_a_locked_film_is_not_bought_again_after_the_provider_has_forgotten(
    author: Project, server: RunwareServer, lost: str
) -> None:
    server.shop.jobs.clear()
    desk = clone(author) if lost == "clone" else author
    state = desk.folder / ".storyboard"
    if lost in ("cache", "ledger and cache"):
        shutil.rmtree(state / "cache")
    if lost == "records":
        shutil.rmtree(state / "cache/records")
    if lost == "ledger and cache":
        (state / "ledger.jsonl").unlink()
    locked = (desk.folder / "storyboard.lock").read_bytes()
    for words, code in (((), 8), (("--partial",), 8), (("--locked",), 7)):
        ran = desk.run("build", "--yes", "--max-cost", "20", "--json", *words)
        assert ran.code == (0 if lost == "records" else code), ran
        assert Decimal(ran.data["cost"]) == 0
    assert desk.run("build").code == (0 if lost == "records" else 8)
    assert len(server.bill) == 3
    assert (desk.folder / "storyboard.lock").read_bytes() == locked
    if lost != "records":
        assert {error["code"] for error in desk_errors(desk)} == {"gone"}
        desk.build("--remake", "c", "-s", "c")
        assert len(server.bill) == 4


def desk_errors(desk: Project) -> list[dict[str, str]]:
    import json

    found: list[dict[str, str]] = json.loads(desk.run("build", "--json").out)["errors"]
    return found


def test_a_clone_plans_to_pay_for_what_starts_from_a_shot_that_has_changed(
    author: Project, server: RunwareServer
) -> None:
    desk = clone(author)
    desk.edit("a forest", "a deep forest")
    assert desk.data("plan")["cost"] == "0.24"
    assert desk.build("--max-cost", "0.24")["cost"] == "0.24"
    assert len(server.bill) == 5


def test_footage_that_was_changed_before_a_clone_buys_nothing_that_the_plan_did_not_price(
    author: Project, server: RunwareServer, tmp_path: Path
) -> None:
    desk = clone(author)
    shutil.copy(author.folder / "out/film/a.mp4", desk.folder / "in.mp4")
    assert desk.data("plan")["cost"] == "0"
    ran = desk.run("build", "--json")
    assert ran.code == 8
    assert "at a price that was not in the plan; nothing was bought" in ran.data["failed"]["take:c"]
    assert len(server.bill) == 3
    assert desk.data("plan")["cost"] == "0.12"
    desk.build("--max-cost", "0.12")
    assert len(server.bill) == 4
