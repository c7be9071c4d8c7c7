"""Clones of one project with one account: nothing is bought twice, and the sums of all clones are the bill."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from storyboard.engine.paid.purchase import Purchase
from storyboard.store.journal import Journal
from tests.inside import errors, hasty
from tests.project import Project, decoded
from tests.runware_server.server import RunwareServer
from tests.shops import shop

# Forty when run by hand: STORYBOARD_TEST_CLONES=40.
SEEDS = int(os.environ.get("STORYBOARD_TEST_CLONES", "3"))
# A build of this film makes some 250 calls that change something.
CALLS = 250
KILLED = """\
import os
from tests import tiny
from tests.campaign.seams import Seams
from tests.campaign.verbs import load_everything
load_everything()
tiny.install()
Seams({point}).install()
from storyboard.cli.main import run
os._exit(run(["build", "--json", "-j", "2"]))
"""


def spent(server: RunwareServer) -> Decimal:
    return sum((Decimal(line["cost"]) for line in server.bill), Decimal(0))


def cost(project: Project, field: str) -> Decimal:
    return Decimal(project.in_process().data("cost")[field])


def assert_bought_once(server: RunwareServer) -> None:
    assert set(Counter(line["task_id"] for line in server.bill).values()) == {1}
    assert len(server.bill) == 3


def unconfirmed(project: Project) -> Decimal:
    """The cost of the jobs of which the journal does not say that the provider has accepted them."""
    jobs = Journal(project.folder / ".storyboard/journal").jobs()
    return sum((Decimal(job.estimate) for job in jobs if job.state == "opened"), Decimal(0))


def start_killed(project: Project, point: int) -> "subprocess.Popen[str]":
    """A build that ends, as by SIGKILL, right before its call number *point*."""
    return subprocess.Popen(
        [sys.executable, "-c", KILLED.format(point=point)],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(SEEDS))
def test_three_clones_at_one_moment_buy_once_and_their_sums_are_the_bill(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with shop(seconds_per_job=chance.uniform(0.1, 1.0), alike=True) as server:
        clones = [Project(tmp_path / name, server=server) for name in ("one", "two", "three")]
        running = []
        for clone in clones:
            time.sleep(chance.uniform(0, 0.05))
            running.append(clone.start("build", "--json"))
        printed = Decimal(0)
        for process in running:
            out, err = process.communicate(timeout=90)
            assert process.returncode == 0, out + err
            printed += Decimal(json.loads(out)["data"]["cost"])
        assert_bought_once(server)
        assert [cost(clone, "total") for clone in clones] == [spent(server)] * 3
        assert sum(cost(clone, "bought_here") for clone in clones) == spent(server) == printed
        assert len({tuple(decoded(clone.film)) for clone in clones}) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_clone_that_is_killed_beside_two_others_loses_no_cent(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with shop(seconds_per_job=chance.uniform(0.1, 1.0), alike=True) as server:
        clones = [Project(tmp_path / name, server=server) for name in ("one", "two", "three")]
        running = [start_killed(clones[0], chance.randint(1, CALLS)), *(clone.start("build") for clone in clones[1:])]
        for process in running:
            out, err = process.communicate(timeout=90)
            assert process.returncode in (0, 137), out + err
        unclear = unconfirmed(clones[0])
        for clone in clones:
            ran = clone.run("build")
            assert ran.code == 0, ran
        assert_bought_once(server)
        assert [cost(clone, "total") for clone in clones] == [spent(server)] * 3
        here = sum(cost(clone, "bought_here") for clone in clones)
        assert spent(server) <= here <= spent(server) + unclear


@contextmanager
def two_clones(tmp_path: Path) -> Iterator[tuple[RunwareServer, Project, Project]]:
    with hasty(), shop() as server:
        yield server, *(Project(tmp_path / name, server=server, inside=True) for name in ("one", "two"))


def test_a_task_that_another_clone_submitted_first_is_found_bought(tmp_path: Path) -> None:
    with two_clones(tmp_path) as (server, first, second):
        real = Purchase._submit
        done: list[Any] = []

        async def overtaken(purchase: Purchase) -> Any:
            if not done:  # between the question and the submission, the other clone buys the film
                done.append(None)
                first.start("build").communicate(timeout=60)
            return await real(purchase)

        with mock.patch.object(Purchase, "_submit", overtaken):
            data = second.build()
        assert_bought_once(server)
        assert data["cost"] == "0"
        assert (cost(first, "bought_here"), cost(second, "bought_here")) == (spent(server), 0)
        assert (cost(second, "total"), cost(second, "found_bought")) == (spent(server), spent(server))
        assert second.data("cost")["bound"] == {}
        text = second.said("cost")
        assert "$0.36" in text
        assert "found bought, as by another clone" in text


def test_what_another_clone_bought_counts_against_no_cap(tmp_path: Path) -> None:
    with two_clones(tmp_path) as (server, first, second):
        first.build()
        data = second.build("--max-cost", "0")
        assert data["cost"] == "0"
        assert cost(second, "found_bought") == cost(second, "total") == spent(server)
        second.edit("in the rain", "in the sun")
        assert second.build("--max-cost", "0.12")["cost"] == "0.12"
        assert sum(cost(clone, "bought_here") for clone in (first, second)) == spent(server)


def test_a_clone_with_the_lockfile_finds_the_whole_bill(tmp_path: Path) -> None:
    with two_clones(tmp_path) as (server, first, second):
        first.build()
        (second.folder / "storyboard.lock").write_bytes((first.folder / "storyboard.lock").read_bytes())
        second.build()
        assert cost(second, "total") == cost(second, "found_bought") == spent(server)
        assert cost(first, "total") == cost(first, "bought_here") == spent(server)


def test_a_job_that_this_clone_submitted_and_resumes_is_bought_here(tmp_path: Path) -> None:
    with hasty(job_s=1.0), shop(seconds_per_job=600) as server:
        film = Project(tmp_path / "film", server=server, inside=True)
        assert errors(film.run("build", "-s", "c", "--json"))
        server.finish_all()
        film.build("-s", "c")
        assert cost(film, "bought_here") == cost(film, "total") == spent(server) == Decimal("0.12")
