"""Jobs of which it is not known whether they were paid: by a clock that was ahead, with another key, or damaged."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from storyboard.store.integrity import decode_with_checksum, encode_with_checksum
from storyboard.store.journal import Job
from tests.inside import SOON, errors, hasty
from tests.project import Project
from tests.runware_server.server import RunwareServer
from tests.shops import KEY, shop

ONE = "scenes:\n  - id: one\n    shots:\n      - {id: c, prompt: a city in the rain, seed: 5}\n"
DAY_S = 24 * 3600
OTHER_KEY = "another-canary-1b2c"


@pytest.fixture
def server() -> Iterator[RunwareServer]:
    """A provider that does not refuse a task id, nor finds a job whose acknowledgement was lost."""
    with hasty(**SOON), shop(memory="none") as found:
        yield found


@pytest.fixture
def film(server: RunwareServer, tmp_path: Path) -> Project:
    """A film of one shot whose build was killed between the submission and its answer."""
    project = Project(tmp_path / "film", ONE, server=server)
    crash(project, server)
    return project.in_process()


def crash(project: Project, server: RunwareServer) -> None:
    server.arm("submit-ack-late")
    process = project.start("build")
    while not server.bill:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    server.disarm()
    assert len(project.journal()) == 1


def rewrite(project: Project, **fields: Any) -> None:
    """Change fields of the one job in the journal, with its checksum."""
    from msgspec.structs import replace

    [path] = project.journal()
    path.write_bytes(encode_with_checksum(replace(decode_with_checksum(path.read_bytes(), Job), **fields)))


@contextmanager
def another_account(server: RunwareServer) -> Iterator[dict[str, str]]:
    """The server with the key and the jobs of another account."""
    jobs, server.shop.jobs = server.shop.jobs, {}
    server._api._key = OTHER_KEY
    try:
        yield {"RUNWARE_API_KEY": OTHER_KEY}
    finally:
        server._api._key, server.shop.jobs = KEY, jobs


def refusal(project: Project, *words: str, env: dict[str, str] | None = None) -> str:
    """The message of the one error of a build that does not know whether a job was paid."""
    ran = project.run("build", "--json", *words, env=env)
    [error] = errors(ran)
    assert error["code"] == "unknown", ran
    return str(error["message"])


def test_a_clock_ahead_at_the_crash_does_not_buy_a_forgotten_job_again(film: Project, server: RunwareServer) -> None:
    rewrite(film, opened_at=time.time() + 3 * DAY_S)
    message = refusal(film)
    for word in (server.bill[0]["task_id"], "$0.12 may have been paid", "build again", "--remake c"):
        assert word in message
    assert len(server.bill) == 1
    assert film.build("--remake", "c")["made"] != []
    assert len(server.bill) == 2
    assert film.journal() == []


@pytest.mark.parametrize("age_s", [2 * DAY_S, -2 * 60, -20 * 365 * DAY_S])
def test_an_age_that_no_memory_of_the_provider_covers_is_not_trusted(
    film: Project, server: RunwareServer, age_s: float
) -> None:
    rewrite(film, opened_at=time.time() - age_s)
    refusal(film)
    assert len(server.bill) == 1


@pytest.mark.parametrize("age_s", [-5, 3600])
def test_a_job_within_the_memory_of_the_provider_is_submitted_when_it_never_arrived(
    film: Project, server: RunwareServer, age_s: float
) -> None:
    server.shop.bill.clear()  # the submission was lost on the way
    rewrite(film, opened_at=time.time() - age_s)
    assert film.build()["made"] != []
    assert len(server.bill) == 1


def test_a_lost_answer_is_not_bought_with_another_key(film: Project, server: RunwareServer) -> None:
    with another_account(server) as env:
        message = refusal(film, env=env)
        assert len(server.bill) == 1
        task = server.bill[0]["task_id"]
        for word in (task, "$0.12", "with another key", "set that key in RUNWARE_API_KEY", "build again", "--remake c"):
            assert word in message
        assert OTHER_KEY not in message
        assert refusal(film, env=env) == message
    server.shop.jobs[task].acknowledged = True
    assert film.build()["cost"] == "0.12"
    assert len(server.bill) == 1


def test_a_job_of_another_key_is_bought_again_when_it_is_named(film: Project, server: RunwareServer) -> None:
    with another_account(server) as env:
        assert film.data("build", "--remake", "c", env=env)["made"] != []
        assert len(server.bill) == 2
        assert film.journal() == []
        assert len({line["task_id"] for line in server.bill}) == 2
        assert film.data("build", env=env)["made"] == []


def test_a_lost_answer_is_not_bought_at_another_address(film: Project, server: RunwareServer) -> None:
    there = server.url
    with shop() as other:
        message = refusal(film, env={"RUNWARE_BASE_URL": other.url})
        assert (len(server.bill), other.bill) == (1, [])
        assert f"at {there}" in message
        assert "set RUNWARE_BASE_URL to that address" in message


def test_a_rotated_key_of_the_account_finds_its_job(film: Project, server: RunwareServer) -> None:
    server.shop.jobs[server.bill[0]["task_id"]].acknowledged = True
    server._api._key = OTHER_KEY
    assert film.data("build", env={"RUNWARE_API_KEY": OTHER_KEY})["made"] != []
    assert len(server.bill) == 1


def test_a_job_of_an_earlier_version_names_no_account_and_stays_valid(film: Project, server: RunwareServer) -> None:
    server.shop.bill.clear()
    rewrite(film, account=None)
    with another_account(server) as env:
        assert film.data("build", env=env)["made"] != []


def test_an_edited_shot_leaves_the_job_of_another_key_alone(film: Project, server: RunwareServer) -> None:
    film.edit("in the rain", "in the sun")
    with another_account(server) as env:
        ran = film.run("build", env=env)
        assert ran.code == 0, ran
        assert "paid job for c: the state of task" in ran.err
        assert "may have been paid with another key" in ran.err
        assert "--remake" not in ran.err
    assert len(film.journal()) == 1


def test_a_job_whose_file_is_damaged_is_not_bought_again(film: Project, server: RunwareServer) -> None:
    [path] = film.journal()
    path.write_bytes(path.read_bytes()[:-40])
    for _ in range(2):
        refusal(film)
        assert len(server.bill) == 1
    assert film.data("cost")["bound"] == {server.bill[0]["task_id"]: "0.12"}
    film.build("--remake", "c")
    assert len(server.bill) == 2
    cost = film.data("cost")
    assert (cost["total"], cost["bound"]) == ("0.24", {})


def test_the_account_is_known_by_a_salted_hash_alone(film: Project, server: RunwareServer) -> None:
    import hashlib

    salt = film.folder / ".storyboard" / "salt"
    assert salt.stat().st_mode & 0o777 == 0o600
    [path] = film.journal()
    account = json.loads(path.read_bytes())["body"]["account"]
    assert account["endpoint"] == server.url
    assert film.ledger()[0]["account"] == account
    assert account["key_hash"] != hashlib.sha256(KEY.encode()).hexdigest()
    other = Project(film.folder.parent / "other", ONE, server=server).in_process()
    other.build()
    assert other.ledger()[0]["account"]["key_hash"] != account["key_hash"]
    for file in (film.folder / ".storyboard").rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


def test_a_damaged_salt_is_kept_and_the_job_is_asked_about(film: Project, server: RunwareServer) -> None:
    salt = film.folder / ".storyboard" / "salt"
    salt.write_bytes(b"")
    refusal(film)
    assert len(server.bill) == 1
    assert len(salt.read_bytes()) == 32
    assert [path.name.startswith("salt.") for path in (salt.parent / "damaged").iterdir()] == [True]


def test_already_paid_for_stands_on_no_line_that_submits(film: Project, server: RunwareServer) -> None:
    plan = film.data("plan")
    [step] = [step for step in plan["steps"] if step["kind"] == "take"]
    assert (step["do"], step["why"]) == ("resume", "perhaps-paid")
    assert (plan["cost"], plan["cost_at_most"], step["cost_at_most"]) == ("0", "0.12", "0.12")
    text = film.said("plan")
    assert "already paid for" not in text
    assert "at most $0.12  perhaps paid for already; its job is asked for first, and bought if" in text
    assert text.endswith("\nPlan: 1 to resume; $0.00, at most $0.12\n")


def test_a_job_that_may_never_have_arrived_is_submitted_with_approval_alone(
    film: Project, server: RunwareServer
) -> None:
    server.shop.bill.clear()
    ran = film.run("build", env={"STORYBOARD_YES": ""})
    assert ran.code == 9, ran
    assert "needs approval, but there is no terminal: estimated cost $0.00, at most $0.12" in ran.err
    film.said("plan", "--out", "plan.json")
    assert server.bill == []
    assert film.run("build", "--plan", "plan.json", env={"STORYBOARD_MAX_COST": ""}).code == 0
    assert len(server.bill) == 1


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[Project, RunwareServer]]:
    """A film of one shot whose job was accepted, and still runs."""
    with hasty(**SOON), shop(seconds_per_job=600) as server:
        film = Project(tmp_path / "film", ONE, server=server).in_process()
        assert film.run("build").code == 1
        server.finish_all()
        server.shop.seconds_per_job = 0.05
        yield film, server


def test_a_job_that_was_accepted_is_collected_without_approval(waiting: tuple[Project, RunwareServer]) -> None:
    film, server = waiting
    assert film.decisions()["c"] == ("resume", "paid-for")
    assert film.data("plan")["cost_at_most"] == "0"
    ran = film.run("build", env={"STORYBOARD_YES": "", "STORYBOARD_MAX_COST": ""})
    assert ran.code == 0, ran
    assert len(server.bill) == 1


def test_a_job_that_has_failed_is_not_bought_again_under_a_plan_without_a_price(
    waiting: tuple[Project, RunwareServer],
) -> None:
    film, server = waiting
    server.arm("poll-timeout-provider")
    ran = film.run("build", "--json")
    assert ran.code == 1, ran
    [error] = errors(ran)
    assert "nothing more was bought; build again to make another attempt for $0.12" in error["message"]
    assert len(server.bill) == 1
    server.disarm()
    plan = film.data("plan")
    assert (film.steps(plan)["c"].split(":")[0], plan["cost"]) == ("make", "0.12")
    film.build()
    assert len(server.bill) == 2
    assert film.data("cost")["total"] == "0.24"


def test_a_remake_of_an_open_job_has_a_price(waiting: tuple[Project, RunwareServer]) -> None:
    film, server = waiting
    assert film.decisions("--remake", "c")["c"] == ("resume", "perhaps-paid")
    assert film.run("build", "--remake", "c", env={"STORYBOARD_YES": ""}).code == 9
    film.build("--remake", "c")
    assert len(server.bill) == 1


def test_a_journal_that_was_removed_is_made_up_for_by_the_ledger(film: Project, server: RunwareServer) -> None:
    shutil.rmtree(film.folder / ".storyboard/journal")
    for _ in range(2):
        with another_account(server) as env:
            assert "may have been paid with another key" in refusal(film, env=env)
    ledger = film.folder / ".storyboard/ledger.jsonl"
    lines = [line | {"at": line["at"] - 2 * DAY_S} for line in film.ledger()]
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))
    refusal(film)
    assert len(server.bill) == 1
    film.build("--remake", "c")
    assert len(server.bill) == 2


def test_a_job_that_could_not_be_written_down_is_bought_next_month(tmp_path: Path) -> None:
    from storyboard.store.journal import Journal

    with hasty(), shop() as server:
        film = Project(tmp_path / "film", ONE, server=server).in_process()
        full = OSError(28, "No space left on device", "journal")
        with mock.patch.object(Journal, "open", side_effect=full):
            assert film.run("build").code == 1
        lines = [line | {"at": line["at"] - 30 * DAY_S} for line in film.ledger()]
        ledger = film.folder / ".storyboard/ledger.jsonl"
        ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))
        film.build()
        assert len(server.bill) == 1


def test_a_job_of_an_earlier_version_gets_the_account_that_submits_it(film: Project, server: RunwareServer) -> None:
    rewrite(film, account=None)
    server.shop.bill.clear()
    server.arm("submit-reset-after-accept", times=9)
    film.run("build")
    server.disarm()
    with another_account(server) as env:
        assert "may have been paid with another key" in refusal(film, env=env)


@pytest.mark.parametrize("at", [1e18, -1e18, 4e11])
def test_a_date_beyond_the_calendar_does_not_hide_the_bill(film: Project, server: RunwareServer, at: float) -> None:
    server.shop.jobs[server.bill[0]["task_id"]].acknowledged = True
    film.build()
    lines = [line | {"at": at} for line in film.ledger()]
    (film.folder / ".storyboard/ledger.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    cost = film.data("cost", "--by", "day")
    assert ([line["name"] for line in cost["lines"]], cost["total"]) == (["no date"], "0.12")


def test_a_take_is_not_accepted_over_a_job_that_may_have_been_paid(server: RunwareServer, tmp_path: Path) -> None:
    film = Project(tmp_path / "film", ONE, server=server)
    film.in_process().build()
    server.shop.bill.clear()
    film.edit("in the rain", "in the sun")
    crash(film, server)
    ran = film.in_process().run("accept", "c")
    assert ran.code != 0
    assert "is perhaps paid for already; run `storyboard build` to collect it" in ran.err
