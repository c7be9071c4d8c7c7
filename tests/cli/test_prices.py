"""Prices of a plan: what is expected to be spent, what may turn out otherwise, and what the build then spends."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.inside import errors, hasty
from tests.project import Project
from tests.runware_server.server import RunwareServer

CHAINED = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a, at: last}}
      - {id: c, prompt: a city, seed: 5, first_frame: {shot: b, at: last}}
"""


@pytest.fixture
def project(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    with hasty():
        yield Project(tmp_path / "film", CHAINED, server=server, inside=True)


def _sum_line(text: str) -> str:
    return next(line for line in reversed(text.splitlines()) if "; $" in line)


def _prices(plan: Any) -> tuple[str, str, str]:
    return plan["cost"], plan["cost_at_least"], plan["cost_at_most"]


def test_the_estimate_of_a_new_film_is_what_it_costs_linked_shots_included(project: Project) -> None:
    assert _sum_line(project.said("plan")) == "Plan: 3 to make; $0.36"
    assert _prices(project.data("plan")) == ("0.36", "0.36", "0.36")
    project.said("plan", "--out", "plan.json")
    assert json.loads((project.folder / "plan.json").read_text())["cost"] == "0.36"
    assert project.build()["cost"] == "0.36"


def test_the_estimate_after_an_edit_has_the_linked_shots_and_says_what_may_be_saved(project: Project) -> None:
    project.build()
    project.edit("a river", "a lake")
    said = project.said("plan")
    assert _sum_line(said) == "Plan: 3 to change; $0.36"
    assert "\n$0.24 less if frames of linked shots stay as they are\n" in said
    assert _prices(project.data("plan")) == ("0.36", "0.12", "0.36")
    assert Decimal(project.build()["cost"]) == Decimal("0.36")


def test_a_prompt_that_a_comment_cuts_off_is_told_before_it_is_bought(project: Project) -> None:
    project.edit("prompt: a river, seed: 3}", "seed: 3,\n         prompt: Take #3 of the runner\n        }")
    said = project.run("plan", "--json")
    [warning] = json.loads(said.out)["warnings"]
    assert (said.code, warning["code"]) == (0, "text-before-comment")
    assert "#3 of the runner" in warning["message"]
    assert "quotes" in warning["help"]


def test_a_request_that_was_refused_by_policy_is_blocked_in_the_plan_as_in_the_build(
    project: Project, server: RunwareServer
) -> None:
    server.arm("submit-moderated", nth=1, times=1)
    refused = project.run("build", "--json")
    assert (refused.code, errors(refused)[0]["code"]) == (6, "moderated")
    server.disarm()
    assert project.decisions() == {
        "a": ("blocked", "refused"),
        "b": ("blocked", "upstream-missing"),
        "c": ("blocked", "upstream-missing"),
    }
    assert _prices(project.data("plan")) == ("0", "0", "0")
    again = project.run("build", "--json")
    found = {error["message"].removeprefix("take:").partition(":")[0]: error["code"] for error in errors(again)}
    assert (again.code, found) == (6, {"a": "moderated", "b": "blocked", "c": "blocked"})
    assert "--remake a" in errors(again)[0]["message"]
    assert server.bill == []
    assert project.data("plan", "--remake", "a")["cost"] == "0.36"
    assert project.build("--remake", "a")["cost"] == "0.36"


def test_a_change_has_one_price_in_the_plan_in_the_diff_and_in_the_refusal(
    server: RunwareServer, tmp_path: Path
) -> None:
    with hasty():
        project = Project(tmp_path / "film", CHAINED, server=server, repository=True)
        project.build()
        project.commit("one")
        project.edit("a river", "a lake")
        price = "estimated cost $0.36; $0.24 less if frames of linked shots stay as they are"
        last = "$0.24 less if frames of linked shots stay as they are\nPlan: 3 to change; $0.36\n"
        assert project.said("plan").endswith(last)
        assert _sum_line(project.said("diff")).endswith(price)
        refused = project.run("build", "--json", env={"STORYBOARD_YES": "0"})
        assert errors(refused)[0]["message"].endswith(price)
        assert _sum_line(project.said("status")) == "Next build: 3 to change; $0.36"
        assert project.data("plan")["cost"] == project.data("diff")["cost"] == project.build()["cost"] == "0.36"


def test_plan_and_cost_say_how_much_of_what_is_bought_is_seen(server: RunwareServer, tmp_path: Path) -> None:
    film = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3, duration: 3, trim: {end: 1.5}}
      - {id: b, prompt: a forest, takes: [4, 5], duration: 3, trim: {start: 1, end: 2.5}}
      - {id: c, prompt: a city, seed: 6, duration: 3, trim: {end: 0.5}}
      - {id: d, prompt: a road, seed: 7, duration: 2, first_frame: {shot: c, at: 1.5}}
"""
    with hasty():
        project = Project(tmp_path / "film", film, server=server, inside=True)
        assert (
            "5.5 s of film from 14 s of takes: $1.68; shorter clips would do for 2 shots: $0.24 less"
            in project.said("plan")
        )
        seen = project.data("plan")["seen"]
        assert seen == {"film_seconds": 5.5, "take_seconds": 14, "cost": "1.68", "shorter": ["a", "c"], "less": "0.24"}
        project.build()
        assert "seen" not in project.data("plan")
        said = project.said("cost").splitlines()
        assert said[-1] == "5.5 s of film from 14 s of takes: $1.68; shorter clips would do for 2 shots: $0.24 less"
        assert project.data("cost")["seen"] == seen
        project.write("scenes: nonsense")
        assert "seen" not in project.data("cost")


def test_a_film_that_shows_all_of_its_takes_has_no_line_about_it(project: Project) -> None:
    assert "of takes" not in project.said("plan")


def test_a_job_that_was_refused_after_it_was_accepted_is_asked_for_and_not_bought_again(
    project: Project, server: RunwareServer
) -> None:
    server.arm("poll-moderated", nth=2)  # the first query is before the submission
    assert project.run("build", "-s", "a", "--json").code == 6
    assert project.decisions()["a"] == ("resume", "refused")
    submitted = len(server.seen("videoInference"))
    assert project.data("plan", "-s", "a")["cost_at_most"] == "0"
    assert project.run("build", "-s", "a", "--json").code == 6
    assert len(server.seen("videoInference")) == submitted == 1
