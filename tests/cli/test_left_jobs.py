"""State of a provider or a model that is not installed any more: left alone and named, and the build goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storyboard.core.results import Record
from storyboard.providers import base
from storyboard.store.integrity import encode_with_checksum, load
from storyboard.store.journal import Job, Journal
from tests.inside import hasty
from tests.project import Project
from tests.runware_server.server import RunwareServer
from tests.shops import shop

TEXT = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, seed: 4}
"""
REQUEST = {"prompt": "x", "duration": 1, "width": 128, "height": 72, "seed": 3}
JOB = Job("task-1", "01" * 32, 1, "old", "acme", "tiny:1", "0" * 64, REQUEST, "0.60", 1.0, "submitted")
JOBS = {
    "provider": (JOB, "the provider `acme` is not installed"),
    "model": (replace(JOB, provider="runware", model="acme:1"), "the model `acme:1` is not known"),
    "request": (replace(JOB, provider="runware", request={"text": "x"}), "its request cannot be read by this version"),
}
# Verbs that read the journal, the ledger, records or the lockfile.
READING = (
    "plan",
    "status",
    "takes a",
    "cost --by shot",
    "cost --by provider",
    "cost --by model",
    "cost --by day",
    "why a",
    "why b",
    "cache ls",
    "cache gc",
    "cache verify",
    "check",
    "graph",
    "doctor",
    "log a",
    "diff",
)


@pytest.fixture
def server() -> Iterator[RunwareServer]:
    with hasty(), shop() as found:
        yield found


@pytest.fixture
def film(server: RunwareServer, tmp_path: Path) -> Project:
    """A film that is made, in git, with one shot edited."""
    project = Project(tmp_path / "film", TEXT, server=server, repository=True)
    project.build()
    project.commit("One")
    project.edit("a forest", "a meadow")
    return project


def open_job(project: Project, job: Job) -> Path:
    journal = project.folder / ".storyboard" / "journal"
    Journal(journal).open(job)
    return journal / f"{job.task_id}.json"


def write_foreign_state(project: Project) -> None:
    """Let the journal, the ledger, a record and the lockfile name a provider and a model that are not there."""
    state = project.folder / ".storyboard"
    for number, (job, _) in enumerate(JOBS.values()):
        open_job(project, replace(job, task_id=f"task-{number}", key=f"{number:02d}" * 32))
    line = project.ledger()[-1] | {"shot": "old", "provider": "acme", "model": "acme:1"}
    with (state / "ledger.jsonl").open("a") as ledger:
        for more in ({"task_id": "task-7"}, {"task_id": "task-8", "event": "reserved", "cost": None, "outcome": None}):
            ledger.write(json.dumps(line | more) + "\n")
    lockfile = project.folder / "storyboard.lock"
    locked = json.loads(lockfile.read_text())
    locked["shots"]["a"]["acme"] = locked["shots"]["a"]["runware"] | {"task_id": "task-9"}
    lockfile.write_text(json.dumps(locked, indent=2) + "\n")
    for path in (state / "cache/records").glob("*/*/*.json"):
        record = load(path, Record)
        if record.kind == "take":
            key = "ad" * 32
            request = record.request | {"provider": "acme", "model": "acme:1"}
            other = replace(record, key=key, request=request, made=replace(record.made, provider="acme"))
            folder = state / "cache/records/ad" / key
            folder.mkdir(parents=True, exist_ok=True)
            (folder / path.name).write_bytes(encode_with_checksum(other))


def warnings(ran: Any) -> list[str]:
    return [one["message"] for one in json.loads(ran.out)["warnings"] if one["code"] == "job-left"]


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_of_a_package_that_was_removed_does_not_block_a_build(
    film: Project, server: RunwareServer, kind: str
) -> None:
    job, reason = JOBS[kind]
    path = open_job(film, job)
    before = path.read_bytes()
    ran = film.run("build", "--json")
    assert ran.code == 0, ran
    [message] = warnings(ran)
    for word in ("task-1", "old", job.provider, job.model, "$0.60", "left alone", reason):
        assert word in message
    assert path.read_bytes() == before
    assert len(server.bill) == 3
    for again in (film.run("build", "-q"), film.run("build")):
        assert again.code == 0, again
        assert message in again.err
    assert not server.seen("getResponse")[-1].body.count(b"task-1")


@pytest.mark.parametrize("verb", READING)
def test_no_verb_fails_over_state_of_a_package_that_was_removed(film: Project, verb: str) -> None:
    write_foreign_state(film)
    film.commit("Two")
    ran = film.run(*verb.split())
    assert ran.code == 0, ran
    assert "bug" not in ran.out + ran.err


def test_a_plan_names_the_jobs_that_are_left_alone(film: Project) -> None:
    write_foreign_state(film)
    for verb in ("plan", "status"):
        assert len(warnings(film.run(verb, "--json"))) == 3
        assert film.run(verb).err.count("is left alone") == 3


def test_the_bill_keeps_what_a_removed_provider_was_paid(film: Project) -> None:
    write_foreign_state(film)
    cost = film.data("cost", "--by", "provider")
    assert {line["name"]: line["cost"] for line in cost["lines"]} == {"acme": "0.12", "runware": "0.24"}
    assert cost["bound"] == {"task-8": "0.12"}
    assert film.data("build")["cost"] == "0.12"


def test_an_edit_verb_and_a_collection_go_on(film: Project) -> None:
    write_foreign_state(film)
    for verb in ("hold a", "release a", "build", "take a", "cache gc --delete", "cache gc --delete --paid", "build"):
        ran = film.run(*verb.split())
        assert ran.code == 0, ran
    assert len(film.journal()) == 3


def test_a_plug_in_that_cannot_be_loaded_is_named_with_its_reason(
    film: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import EntryPoint

    point = EntryPoint("acme", "no_such_package:Acme", base.GROUP)
    monkeypatch.setattr(base, "entry_points", lambda *, group, name="": [point] if name in ("", "acme") else [])
    open_job(film, JOB)
    ran = film.run("build", "--json")
    assert ran.code == 0, ran
    [message] = warnings(ran)
    assert "the provider `acme` cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'" in message


def test_a_free_build_needs_no_key_for_a_job_that_no_shot_waits_for(film: Project, server: RunwareServer) -> None:
    path = open_job(film, replace(JOB, provider="runware"))
    before, asked = path.read_bytes(), len(server.requests)
    ran = film.run("build", "--draft", "--json", env={"RUNWARE_API_KEY": ""})
    assert ran.code == 0, ran
    [message] = warnings(ran)
    assert message == "the take of the paid job task-1 for old is not collected: RUNWARE_API_KEY is not set"
    assert (path.read_bytes(), len(server.requests)) == (before, asked)
    refused = film.run("build", env={"RUNWARE_API_KEY": ""})
    assert refused.code == 5, refused
