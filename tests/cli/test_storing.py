"""What goes wrong while a build stores what it made stays with the shot that it concerns."""

import asyncio
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from storyboard.core.results import Record
from storyboard.durable import StagedFile
from storyboard.engine import lockfile_writer
from storyboard.engine.paid.generator import RemoteGenerator
from storyboard.providers.base import Outcome
from storyboard.providers.poller import Poller
from storyboard.store.journal import Job, JobState, Journal, NoSuchJob
from storyboard.store.lockfile import write
from storyboard.store.records import RecordStore
from tests.inside import SOON, errors, hasty, run
from tests.project import Project, takes
from tests.shops import shop


@pytest.fixture(autouse=True)
def _in_this_process() -> Iterator[None]:
    with hasty():
        yield


def test_a_record_that_cannot_be_written_fails_its_shot_and_no_other(tmp_path: Path) -> None:
    real = RecordStore.stage

    def stage(self: RecordStore, record: Record) -> tuple[StagedFile | None, tuple[str, ...]]:
        if record.made.label == "c" and record.kind == "take":
            raise OSError(errno.ENOSPC, "No space left on device", "records/c.json")
        return real(self, record)

    project = Project(tmp_path / "film")
    with mock.patch.object(RecordStore, "stage", stage):
        ran = run(project.folder, {}, "build", "--json")
    assert ran.code == 1
    assert "records/c.json: No space left on device" in errors(ran)[0]["message"]
    assert takes(ran.data["made"]) == ["a", "b"]
    assert list((project.folder / ".storyboard/cache/tmp").iterdir()) == []
    again = run(project.folder, {}, "build", "--json")
    assert (again.code, takes(again.data["made"])) == (0, ["c"])


def test_a_lockfile_that_cannot_be_written_for_a_moment_is_written_at_the_end(tmp_path: Path) -> None:
    failed = []

    def full(path: Path, lockfile: Any) -> bool:
        if not failed:
            failed.append(path)
            raise OSError(28, "No space left on device", str(path))
        return write(path, lockfile)

    project = Project(tmp_path / "film")
    with mock.patch.object(lockfile_writer, "write_lockfile", full):
        ran = run(project.folder, {}, "build", "--json")
    assert (ran.code, len(failed)) == (0, 1)
    assert run(project.folder, {}, "build", "--locked", "--json").code == 0


def test_a_job_whose_journal_file_goes_fails_its_shot_and_is_not_bought_again(tmp_path: Path) -> None:
    real = Journal.advance
    gone: list[str] = []

    def advance(self: Journal, task_id: str, state: JobState) -> Job:
        if not gone:
            gone.append(task_id)
            self.close(task_id)
            raise NoSuchJob(task_id)
        return real(self, task_id, state)

    with shop() as server:
        project = Project(tmp_path / "film", server=server)
        environment = project.settings()
        with mock.patch.object(Journal, "advance", advance):
            ran = run(project.folder, environment, "build", "--json")
        assert ran.code == 1
        assert gone[0] in errors(ran)[0]["message"]
        assert "c" in takes(ran.data["made"]) or "a" in takes(ran.data["made"])
        assert run(project.folder, environment, "build", "--json").code == 0
        assert len(server.bill) == len({line["task_id"] for line in server.bill}) == 3


def test_a_shot_whose_work_is_cut_off_fails_aloud_and_is_bought_once(tmp_path: Path) -> None:
    """As when a question that it waits for is cancelled, though nobody has stopped the build."""
    real = Poller.wait
    cut: list[str] = []

    async def wait(self: Poller, task_id: str, **known: Any) -> Outcome:
        if not cut:
            cut.append(task_id)
            raise asyncio.CancelledError
        return await real(self, task_id, **known)

    with shop() as server:
        project = Project(tmp_path / "film", server=server)
        environment = project.settings()
        with mock.patch.object(Poller, "wait", wait):
            ran = run(project.folder, environment, "build", "--json")
        assert (ran.code, project.film.exists()) == (1, False)
        assert "stopped by an internal error; build again" in errors(ran)[0]["message"]
        assert run(project.folder, environment, "build", "--json").code == 0
        assert len(server.bill) == 3


def test_a_job_that_no_shot_asks_for_and_whose_question_is_cut_off_is_told_and_kept(tmp_path: Path) -> None:
    async def collect(self: RemoteGenerator, job: Job, out: Path) -> None:
        raise asyncio.CancelledError

    with shop(seconds_per_job=60) as server:
        project = Project(tmp_path / "film", server=server)
        environment = project.settings()
        with hasty(**SOON):
            assert run(project.folder, environment, "build", "--json").code == 1
        jobs = project.journal()
        server.finish_all()
        server.shop.seconds_per_job = 0.05
        project.edit("a river", "a lake")
        project.edit("a city", "a village")
        with mock.patch.object(RemoteGenerator, "collect", collect):
            ran = run(project.folder, environment, "build")
        assert ran.code == 0
        assert ran.err.count("was not queried; a later build collects it") == len(jobs) == 2
        assert project.journal() == jobs
