"""A week of work on a film that costs money, with real git: after each step the plan says what a person expects, and
the bill holds what was asked for and nothing else."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import tool
from tests.inside import at_work
from tests.project import Project
from tests.runware_server.server import RunwareServer
from tests.shops import shop

FILM = """\
scenes:
  - id: country
    shots:
      - id: river
        prompt: a river at night
        seed: 3
      - id: forest
        prompt: a forest at dawn
        seed: 4
        first_frame: {shot: river, at: last}
  - id: town
    shots:
      - id: city
        prompt: a city in the rain
        seed: 5
      - id: market
        prompt: a market at noon
        seed: 6
"""
SAME = "reuse: unchanged"
BEFORE = "reuse: in the cache"
WAITS = "wait: starts from a frame of river, which is made first"
HELD = "held: held, stale: prompt changed"


class Week:
    """The desk, and the bill as far as it was looked at."""

    def __init__(self, desk: Project, server: RunwareServer) -> None:
        self.desk = desk
        self._server = server
        self._seen = 0

    def expects(self, cost: str = "0", **steps: str) -> None:
        """The plan: what happens to each take and why, and what it costs."""
        data = self.desk.data("plan")
        assert self.desk.steps(data) == steps
        assert Decimal(data["cost"]) == Decimal(cost)
        assert self.buys() == []

    def builds(self, *words: str) -> list[str]:
        """What a build makes; after it nothing is left to do."""
        made = self.desk.built(*words)
        assert self.desk.data("plan")["nothing_to_do"]
        return made

    def buys(self) -> list[tuple[str, int]]:
        """What was bought since the last look, by prompt and seed."""
        tasks = [
            task
            for logged in self._server.seen("videoInference")
            for task in json.loads(logged.body)
            if task["taskType"] == "videoInference"
        ]
        by_id = {task["taskUUID"]: (task["positivePrompt"], task["seed"]) for task in tasks}
        bill = [line["task_id"] for line in self._server.bill]
        assert len(set(bill)) == len(bill)
        new, self._seen = bill[self._seen :], len(bill)
        return sorted(by_id[one] for one in new)

    def film(self) -> bytes:
        return self.desk.film.read_bytes()


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Week]:
    tool("git")
    with shop() as server, at_work(11, 12):
        project = Project(tmp_path / "film", FILM, server=server)
        desk = project.in_process()
        (project.folder / ".gitignore").write_text(".storyboard/\nout/\n")
        desk.git("init", "-qb", "main")
        yield Week(desk, server)


def test_a_week_with_two_branches_buys_what_was_asked_for_and_nothing_else(week: Week) -> None:
    first = monday_makes_the_film(week)
    tuesday_tries_snow_and_takes_on_a_branch(week)
    wednesday_holds_and_renames_on_another(week, first)
    thursday_thinks_better_of_the_fog(week)
    friday_merges_both(week)
    saturday_looks_at_the_first_cut(week, first)
    sunday_releases_the_river(week)
    total = week.desk.data("cost")["total"]
    assert Decimal(total) == Decimal("0.12") * 10


def monday_makes_the_film(week: Week) -> bytes:
    week.expects("0.48", river="make: new", forest=WAITS, city="make: new", market="make: new")
    week.builds()
    assert week.buys() == [
        ("a city in the rain", 5),
        ("a forest at dawn", 4),
        ("a market at noon", 6),
        ("a river at night", 3),
    ]
    week.desk.commit("Monday")
    week.expects(river=SAME, forest=SAME, city=SAME, market=SAME)
    return week.film()


def tuesday_tries_snow_and_takes_on_a_branch(week: Week) -> None:
    desk = week.desk
    desk.git("checkout", "-qb", "snow")
    desk.edit("in the rain", "in the snow")
    week.expects("0.12", river=SAME, forest=SAME, city="make: changed: prompt", market=SAME)
    assert "take:city" in week.builds()
    assert week.buys() == [("a city in the snow", 5)]
    desk.commit("Snow")
    desk.data("take", "market", "-n", "2")
    assert week.buys() == [("a market at noon", 11), ("a market at noon", 12)]
    beside = {"market#11": BEFORE, "market#12": BEFORE}
    week.expects(river=SAME, forest=SAME, city=SAME, market=SAME, **beside)
    desk.said("pick", "market", "11")
    week.expects(river=SAME, forest=SAME, city=SAME, market=SAME, **{"market#6": BEFORE, "market#12": BEFORE})
    assert week.builds() == ["cut"]
    assert week.buys() == []
    desk.commit("The second market")


def wednesday_holds_and_renames_on_another(week: Week, first: bytes) -> None:
    desk = week.desk
    desk.git("checkout", "-qb", "dusk", "main")
    week.expects(river=SAME, forest=SAME, city=SAME, market=SAME)
    assert week.builds() == ["cut"]
    assert week.film() == first
    desk.said("hold", "river")
    desk.edit("river at night", "river at dusk")
    week.expects(river=HELD, forest=SAME, city=SAME, market=SAME)
    assert week.builds() == []
    desk.commit("Dusk, with the river of the night")
    desk.edit("id: forest", "id: woods")
    week.expects(river=HELD, woods=BEFORE, city=SAME, market=SAME)
    assert week.builds() == []
    assert week.film() == first
    assert week.buys() == []
    desk.commit("Woods")


def thursday_thinks_better_of_the_fog(week: Week) -> None:
    desk = week.desk
    held = week.film()
    desk.edit("a forest at dawn", "a forest in fog")
    week.expects("0.12", river=HELD, woods="make: changed: prompt", city=SAME, market=SAME)
    assert "take:woods" in week.builds()
    assert week.buys() == [("a forest in fog", 4)]
    desk.commit("Fog")
    desk.git("revert", "--no-edit", "HEAD")
    week.expects(river=HELD, woods=SAME, city=SAME, market=SAME)
    assert week.builds() == ["cut"]
    assert week.film() == held
    assert week.buys() == []
    assert desk.git("status", "--porcelain") == ""


def friday_merges_both(week: Week) -> None:
    desk = week.desk
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "snow")
    desk.git("merge", "-q", "dusk", "-m", "Both")
    assert desk.git("status", "--porcelain") == ""
    week.expects(river=HELD, woods=SAME, city=SAME, market=SAME, **{"market#6": BEFORE, "market#12": BEFORE})
    assert week.builds() == ["cut"]
    assert week.buys() == []
    assert desk.git("status", "--porcelain") == ""
    assert desk.run("build", "--locked").code == 0


def saturday_looks_at_the_first_cut(week: Week, first: bytes) -> None:
    desk = week.desk
    merged = week.film()
    desk.git("checkout", "-q", desk.git("rev-list", "--max-parents=0", "main").strip())
    week.expects(river=SAME, forest=SAME, city=SAME, market=SAME)
    assert week.builds("--offline") == ["cut"]
    assert week.film() == first
    desk.git("checkout", "-q", "main")
    assert week.builds("--offline") == ["cut"]
    assert week.film() == merged
    assert week.buys() == []
    assert desk.git("status", "--porcelain") == ""


def sunday_releases_the_river(week: Week) -> None:
    desk = week.desk
    desk.said("release", "river")
    beside = {"market#6": BEFORE, "market#12": BEFORE}
    week.expects("0.24", river="make: changed: prompt", woods=WAITS, city=SAME, market=SAME, **beside)
    assert {"take:river", "take:woods"} <= set(week.builds())
    assert week.buys() == [("a forest at dawn", 4), ("a river at dusk", 3)]
    week.expects(river=SAME, woods=SAME, city=SAME, market=SAME, **beside)
