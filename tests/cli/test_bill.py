"""The sums that a provider reports: equal in every place, and an end to buying after one that cannot be believed."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from storyboard.core.results import amount
from tests.inside import errors, hasty
from tests.project import Project
from tests.runware_server import faults
from tests.runware_server.faults_poll import ALWAYS, put
from tests.runware_server.server import RunwareServer

THREE = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3}
      - {id: b, prompt: a forest at dawn, seed: 4}
      - {id: c, prompt: a city in the rain, seed: 5}
"""


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    with hasty():
        yield Project(tmp_path / "film", THREE, server=server, inside=True)


def reporting(server: RunwareServer, cost: Any) -> None:
    """Let the replies about the next job report *cost*."""
    fault = faults.Fault("poll-cost-told", "poll", "this cost", edit=put(cost=cost), times=ALWAYS)
    with mock.patch.dict(faults.FAULTS, {fault.name: fault}):
        server.arm(fault.name)


def doubts(desk: Project) -> list[str]:
    """The warnings of ``cost``, without what follows the estimate."""
    found = json.loads(desk.run("cost", "--json").out)["warnings"]
    assert {warning["code"] for warning in found} <= {"doubtful-cost"}
    return [warning["message"].partition(" for task")[0] for warning in found]


def sums(desk: Project, built: Any) -> set[Decimal]:
    """The sums of one build, as all places have them."""
    cost = desk.data("cost")
    settled = [line for line in desk.ledger() if line["event"] == "settled"]
    known = [amount(line["cost"]) for line in settled]
    return {
        Decimal(built["cost"]),
        Decimal(cost["total"]),
        sum((Decimal(line["cost"]) for line in cost["lines"]), Decimal(0)),
        sum(
            (Decimal(line["estimate"]) if paid is None else paid for line, paid in zip(settled, known, strict=True)),
            Decimal(0),
        ),
    }


def test_a_cost_that_cannot_be_believed_stops_the_build_and_is_in_every_sum(
    desk: Project, server: RunwareServer
) -> None:
    reporting(server, 1000.59)
    ran = desk.run("build", "-j", "1", "--max-cost", "5000", "--json")
    assert ran.code == 8, ran
    assert len(server.bill) == 1
    assert {error["code"] for error in errors(ran)} == {"doubtful-cost"}
    assert "runware reports a cost of $1000.59, where $0.12 was estimated" in errors(ran)[0]["message"]
    assert sums(desk, ran.data) == {Decimal("1000.59")}
    assert doubts(desk) == ["runware reports a cost of $1000.59, where $0.12 was estimated"]
    told = desk.run("cost")
    assert "total   $1000.59" in told.out
    assert "warning[doubtful-cost]: runware reports a cost of $1000.59, where $0.12 was estimated" in told.err
    server.disarm()
    assert Decimal(desk.data("plan")["cost"]) == Decimal("2001.18")  # both other shots at the price of the first
    assert desk.refused(4, "build", "-s", "b", "--max-cost", "20")["code"] == "over-budget"
    assert len(server.bill) == 1
    desk.build("--max-cost", "5000", "-j", "1")
    assert desk.data("plan", "--remake", "a")["cost"] == "0.12"


def test_the_summary_of_a_build_with_an_unbelievable_cost_tells_all_of_it(desk: Project, server: RunwareServer) -> None:
    reporting(server, 1000.59)
    ran = desk.run("build", "-j", "1", "--max-cost", "5000")
    assert "spent $1000.59" in ran.out
    assert "decide   b  runware reports a cost of $1000.59" in ran.err
    assert "warning[odd-result]: a: a cost of $1000.59, where $0.12 was estimated; compare it with the bill" in ran.err


@pytest.mark.parametrize("cost", [-1, "-1", 1e308, 1e12, "20000000000"])
def test_a_cost_that_is_no_sum_of_money_counts_as_the_estimate_and_stops_the_build(
    desk: Project, server: RunwareServer, cost: Any
) -> None:
    reporting(server, cost)
    ran = desk.run("build", "-j", "1", "--json")
    assert ran.code == 8, ran
    assert len(server.bill) == 1
    assert sums(desk, ran.data) == {Decimal("0.12")}
    assert len(doubts(desk)) == 1


@pytest.mark.parametrize("cost", [None, 0, "", "free", True, float("nan")])
def test_a_cost_that_is_not_reported_counts_as_the_estimate(desk: Project, server: RunwareServer, cost: Any) -> None:
    reporting(server, cost)
    built = desk.build()
    assert len(server.bill) == 3
    assert sums(desk, built) == {Decimal("0.36")}
    assert doubts(desk) == []


@pytest.mark.parametrize("cost", [0.0004, "0.13", 1e-9, 11.9])
def test_a_cost_that_can_be_believed_is_in_every_sum_as_reported(
    desk: Project, server: RunwareServer, cost: Any
) -> None:
    reporting(server, cost)
    built = desk.build("--max-cost", "50", "-s", "a")
    assert len(server.bill) == 1
    assert sums(desk, built) == {max(Decimal(str(cost)), Decimal("0.000001"))}
    assert re.fullmatch(r"[0-9]+\.[0-9]+", built["cost"])
    assert doubts(desk) == []


def test_the_summaries_of_all_builds_are_what_cost_says_was_bought_here(desk: Project, server: RunwareServer) -> None:
    """Attempts that fail, a clip that cannot be used, a job that is left to the next build, a remake and more takes."""
    told = []
    for fault, words in (
        ("poll-error-in-data", ("build", "-s", "a")),
        ("poll-moderated", ("build", "-s", "b")),
        ("", ("build", "--remake", "b")),
        ("download-html", ("build", "--remake", "c")),
        ("", ("build",)),
        ("poll-cost-tenfold", ("take", "a", "-n", "2")),
        ("", ("build",)),
    ):
        if fault:
            server.arm(fault, nth=2 if fault.startswith("poll") else None)
        ran = desk.run(*words, "--json")
        server.disarm()
        told.append(Decimal((ran.data["build"] if words[0] == "take" else ran.data)["cost"]))
    assert sum(told) == Decimal(desk.data("cost")["bought_here"])
    assert told[-1] == 0
    assert min(told[:2]) > 0


def test_the_summary_names_what_failed_attempts_may_have_cost(desk: Project, server: RunwareServer) -> None:
    server.arm("poll-error-in-data", nth=2)
    said = desk.said("build", "-s", "a")
    assert "spent $0.24 ($0.12 of it on failed attempts, possibly not charged)" in said, said
    assert "failed; possibly not charged" in desk.said("cost")
