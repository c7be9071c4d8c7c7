"""Choosing among takes that cost money: the bill shows what was asked for, and nothing else."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.inside import SOON, at_work, hasty
from tests.project import Project, errors
from tests.runware_server.server import RunwareServer
from tests.shops import shop

TWO = """\
scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, seed: 4, first_frame: {shot: a, at: last}}
"""


@pytest.fixture
def desk(server: RunwareServer, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "film", TWO, server=server)
    with at_work(11, 12, 13):
        yield project.in_process()


def bought(server: RunwareServer) -> int:
    """How many takes are on the bill; each of them once."""
    tasks = [line["task_id"] for line in server.bill]
    assert len(tasks) == len(set(tasks))
    return len(tasks)


def test_a_day_of_choosing_buys_what_is_asked_for(desk: Project, server: RunwareServer) -> None:
    desk.built()
    assert bought(server) == 2

    desk.data("take", "a", "-n", "3")
    assert bought(server) == 5
    assert desk.built() == []
    assert bought(server) == 5

    desk.said("pick", "a", "12")
    assert bought(server) == 5
    assert "take:b" in desk.built()
    assert bought(server) == 6

    [first] = [take["take"] for take in desk.takes("a") if take["seed"] == 3]
    desk.said("pick", "a", first[:12])
    assert desk.built() == ["cut"]
    assert bought(server) == 6

    desk.said("hold", "b")
    desk.edit("a forest", "a deep forest")
    assert desk.built() == []
    desk.said("release", "b")
    assert desk.plan()["b"] == "make: changed: prompt"
    desk.said("accept", "b")
    assert desk.built() == []
    assert bought(server) == 6


def test_a_remake_keeps_the_old_take_beside_the_new_and_either_can_be_picked(
    desk: Project, server: RunwareServer
) -> None:
    desk.built()
    old = desk.in_cut("a")
    before = desk.file.read_bytes()
    desk.built("--remake", "a")
    new = desk.in_cut("a")
    assert new != old
    assert bought(server) == 4
    takes = desk.takes("a")
    assert {take["take"] for take in takes} == {old, new}
    assert {take["seed"] for take in takes} == {3}
    assert [Decimal(take["cost"]) for take in takes] == [Decimal("0.12")] * 2
    assert desk.refused(2, "pick", "b", "4")["code"] == "ambiguous-take"
    desk.said("pick", "a", old[:12])
    assert desk.file.read_bytes() == before
    assert desk.plan()["a"] == "reuse: unchanged"
    assert sorted(desk.built()) == ["cut"]
    assert desk.in_cut("a") == old
    assert bought(server) == 4


def test_accepting_keeps_what_the_take_cost_in_the_lockfile(desk: Project, server: RunwareServer) -> None:
    desk.built()
    entry = desk.lock()["a"]["runware"]
    desk.edit("a river", "the river")
    desk.said("accept", "a")
    accepted = desk.lock()["a"]["runware"]
    assert accepted["key"] != entry["key"]
    assert {name: accepted[name] for name in ("take", "seed", "task_id", "cost")} == {
        name: entry[name] for name in ("take", "seed", "task_id", "cost")
    }
    assert desk.built() == []
    assert bought(server) == 2


def test_takes_that_nobody_agrees_to_pay_for_leave_the_file_alone(desk: Project, server: RunwareServer) -> None:
    before = desk.file.read_bytes()
    ran = desk.run("take", "a", "-n", "2", env={"STORYBOARD_YES": ""})
    assert ran.code == 9
    assert "this build needs approval, but there is no terminal: estimated cost $0.24" in ran.err
    assert desk.file.read_bytes() == before
    assert bought(server) == 0


def test_takes_beyond_the_cap_are_left_out_and_told(desk: Project, server: RunwareServer) -> None:
    ran = desk.run("take", "a", "-n", "3", "--max-cost", "0.25", "--json")
    assert ran.code == 4, ran
    assert bought(server) == 2
    assert len(ran.data["unmade"]) == 2
    assert desk.file.read_text().count("takes: [3, 11, 12, 13]") == 1


def test_every_seed_of_a_shot_is_bought_once(desk: Project, server: RunwareServer) -> None:
    desk.edit("seed: 3}", "seed: 3, takes: [3, 5, 6], pick: 6}")
    plan = desk.data("plan")
    assert Decimal(plan["cost"]) == Decimal("0.48")
    desk.built()
    assert sorted(take["seed"] for take in desk.takes("a")) == [3, 5, 6]
    assert [take["seed"] for take in desk.takes("a") if take["in_cut"]] == [6]
    assert bought(server) == 4
    assert desk.built() == []


def test_a_take_that_is_still_running_is_collected_by_the_next_build_and_bought_once(tmp_path: Path) -> None:
    with shop(seconds_per_job=600.0) as server, at_work(11):
        project = Project(tmp_path / "film", TWO.split("      - {id: b")[0], server=server)
        desk = project.in_process()
        with hasty(**SOON):
            assert desk.run("take", "a").code == 1
        assert desk.plan()["a#11"] == "resume: already paid for; its job is resumed"
        server.finish_all()
        server.shop.seconds_per_job = 0.05
        desk.built()
        assert sorted(take["seed"] for take in desk.takes("a")) == [3, 11]
        assert bought(server) == 2


def with_a_held_take_that_is_too_short(desk: Project) -> None:
    """Let shot b be blocked: its trim begins after the end of its take, which is held."""
    desk.edit("seed: 4,", "seed: 4, hold: true, duration: 2, trim: {start: 1.5},")


def test_take_that_made_what_was_asked_for_is_done_although_another_shot_is_blocked(
    desk: Project, server: RunwareServer
) -> None:
    desk.built()
    with_a_held_take_that_is_too_short(desk)
    assert desk.run("build").code == 1
    ran = desk.run("take", "a", "--json")
    assert ran.code == 0, ran
    assert bought(server) == 3
    assert len(desk.takes("a")) == 2


def test_take_that_was_left_out_is_in_its_exit_code(desk: Project, server: RunwareServer) -> None:
    desk.built()
    with_a_held_take_that_is_too_short(desk)
    assert desk.run("take", "a", "-n", "2", "--max-cost", "0.13").code == 4
    server.arm("download-html")
    assert desk.run("take", "a", "--max-cost", "1").code == 1


ONE = "scenes:\n  - id: s\n    shots:\n      - {id: a, prompt: a river, seed: 3, takes: [3, 9]}\n"


@pytest.mark.parametrize("state", ["an open job", "a damaged job", "only an old reservation"])
def test_an_alternate_take_that_may_be_paid_is_bought_again_by_the_remake_that_its_message_advises(
    server: RunwareServer, tmp_path: Path, state: str
) -> None:
    desk = Project(tmp_path / "film", ONE.replace(", takes: [3, 9]", ""), server=server).in_process()
    with at_work(), hasty(**SOON):
        desk.built()
        desk.edit("seed: 3}", "seed: 3, takes: [3, 9]}")
        server.arm("poll-empty-for-ever")
        assert desk.refused(8, "build")["code"] == "unknown"
    [job] = desk.journal()
    if state == "a damaged job":
        job.write_text("{")
    if state == "only an old reservation":
        job.unlink()
        ledger = desk.folder / ".storyboard/ledger.jsonl"
        *ended, reserved = [json.loads(line) for line in ledger.read_text().splitlines()]
        reserved["at"] -= 25 * 3600
        ledger.write_text("".join(f"{json.dumps(entry)}\n" for entry in [*ended, reserved]))
    server.shop.jobs.clear()
    server.disarm()
    with at_work(), hasty(job_s=2.0):
        error = desk.refused(8, "build")
        assert error["code"] == "unknown"
        assert "buy it again with `--remake a`" in error["message"]
        ran = desk.run("build", "--remake", "a")
        assert ran.code == 0, ran
        assert desk.built() == []
        assert sorted(take["seed"] for take in desk.takes("a")) == [3, 3, 9]


def test_an_alternate_take_that_was_paid_and_is_gone_is_bought_again_by_a_remake(
    server: RunwareServer, tmp_path: Path
) -> None:
    desk = Project(tmp_path / "film", ONE, server=server).in_process()
    with at_work(), hasty():
        desk.built()
        shutil.rmtree(desk.folder / ".storyboard/cache")
        server.shop.jobs.clear()
        assert {error["code"] for error in errors(desk.run("build", "--json"))} == {"gone"}
        plan = desk.data("plan", "--remake", "a")
        assert Decimal(plan["cost_at_most"]) == Decimal("0.24")
        assert desk.run("build", "--remake", "a").code == 0
        assert desk.built() == []
    assert len(server.bill) == 4


def test_a_remake_leaves_alternate_takes_that_are_there_alone(server: RunwareServer, tmp_path: Path) -> None:
    desk = Project(tmp_path / "film", ONE, server=server).in_process()
    with at_work(), hasty():
        desk.built()
        desk.built("--remake", "a")
    assert len(server.bill) == 3


def test_an_alternate_take_that_another_shot_has_locked_and_that_is_gone_has_a_way_out_that_works(
    server: RunwareServer, tmp_path: Path
) -> None:
    both = ONE + "      - {id: b, prompt: a river, seed: 9}\n"
    desk = Project(tmp_path / "film", both, server=server).in_process()
    with at_work(), hasty():
        desk.built()
        shutil.rmtree(desk.folder / ".storyboard/cache")
        server.shop.jobs.clear()
        messages = [error["message"] for error in errors(desk.run("build", "--json"))]
        assert any("or take seed 9 out of `takes`" in message for message in messages), messages
        desk.edit("[3, 9]", "[3]")
        assert desk.run("build", "--remake", "a", "--remake", "b").code == 0
    assert len(server.bill) == 4


@pytest.mark.parametrize("before", ["a new alternate take", "an open job of the selected take"])
def test_a_remake_buys_no_second_take_in_place_of_one_that_it_has_just_bought(
    server: RunwareServer, tmp_path: Path, before: str
) -> None:
    desk = Project(tmp_path / "film", ONE.replace(", takes: [3, 9]", ""), server=server).in_process()
    if before == "an open job of the selected take":
        server.arm("poll-empty-for-ever")
        with hasty(**SOON):
            assert desk.run("build").code == 8
        server.shop.jobs.clear()
        server.disarm()
    else:
        with hasty():
            desk.built()
        desk.edit("seed: 3}", "seed: 3, takes: [3, 9]}")
    paid = len(server.bill)
    server.arm("media-audio-only")
    with at_work(), hasty(job_s=2.0):
        ran = desk.run("build", "--remake", "a", "--json")
    assert "bad-media" in {error["code"] for error in errors(ran)}, ran
    assert len(server.bill) - paid == (2 if before == "a new alternate take" else 1)
