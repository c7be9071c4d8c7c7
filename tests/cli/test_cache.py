"""``storyboard cache``: nothing that anybody could go back to is ever deleted, and nothing at all while unsure."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gits import AUTHOR, git
from tests.inside import Ran, errors, run
from tests.project import Project, copied
from tests.runware_server.server import RunwareServer
from tests.shops import shop

SHOT = "scenes:\n  - id: s\n    shots:\n      - {id: a, prompt: a river, seed: 3}\n"


pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose take of seed 4 is in use and committed, and whose take of seed 3 is in no lockfile."""
    project = Project(tmp_path_factory.mktemp("template") / "film", SHOT, repository=True)
    project.build()
    project.edit("seed: 3", "seed: 4")
    project.build()
    project.commit("Seed 4")
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return copied(template, tmp_path / "film", repository=True)


def seeds(project: Project) -> set[int]:
    return {item["seed"] for item in project.data("cache", "ls")["items"] if item["kind"] == "take"}


def going(project: Project, *words: str) -> set[int]:
    return {item["seed"] for item in project.data("cache", "gc", *words)["going"] if item["kind"] == "take"}


def switched(project: Project, seed: int) -> None:
    """Build the shot with that seed, and take the lockfile back afterwards."""
    project.edit("seed: 4", f"seed: {seed}")
    project.build()


def test_gc_says_what_could_go_and_deletes_nothing(project: Project) -> None:
    before = set(project.blobs)
    assert going(project) == {3}
    assert "nothing deleted yet" in project.run("cache", "gc").out
    assert set(project.blobs) == before


def test_gc_delete_removes_what_no_lockfile_names_and_the_film_still_builds(project: Project) -> None:
    assert going(project, "--delete") == {3}
    assert seeds(project) == {4}
    assert project.build()["made"] == []
    assert project.data("cache", "verify")["missing"] == []


@pytest.mark.parametrize("keeper", ["branch", "tag", "signed tag", "stash", "older stash", "index", "worktree"])
def test_gc_keeps_what_git_can_go_back_to(project: Project, tmp_path: Path, keeper: str) -> None:
    if keeper in ("branch", "tag", "signed tag", "worktree"):
        project.git("checkout", "-q", "-b", "other")
        switched(project, 5)
        project.commit("Seed 5")
    else:
        switched(project, 5)
    match keeper:
        case "tag":
            project.git("tag", "v1")
        case "signed tag":
            project.git("tag", "-a", "-m", "v1", "v1")
        case "worktree":
            project.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
        case "stash" | "older stash":
            project.git("stash", "-q")
        case "index":
            project.git("add", "-A")
            for name in ("storyboard.yaml", "storyboard.lock"):
                (project.folder / name).write_text(project.git("show", f"HEAD:{name}") + "\n")
    if keeper == "older stash":
        switched(project, 6)
        project.git("stash", "-q")
        assert 6 not in going(project)
    if keeper in ("branch", "tag", "signed tag", "worktree"):
        project.git("checkout", "-q", "main")
    if keeper in ("tag", "signed tag", "worktree"):
        project.git("branch", "-q", "-D", "other")
    assert going(project, "--delete") == {3}
    assert 5 in seeds(project)


def test_gc_keeps_what_an_uncommitted_lockfile_of_another_worktree_names(project: Project, tmp_path: Path) -> None:
    switched(project, 5)
    lock = (project.folder / "storyboard.lock").read_text()
    project.git("checkout", "-q", ".")
    project.git("worktree", "add", "-q", str(tmp_path / "beside"))
    (tmp_path / "beside" / "storyboard.lock").write_text(lock)
    assert going(project) == {3}


def test_gc_lets_go_of_a_branch_that_was_deleted(project: Project) -> None:
    project.git("checkout", "-q", "-b", "other")
    switched(project, 5)
    project.commit("Seed 5")
    project.git("checkout", "-q", "main")
    project.git("branch", "-q", "-D", "other")
    assert going(project) == {3, 5}


def test_gc_keeps_what_the_next_build_would_use_though_no_lockfile_names_it(project: Project) -> None:
    project.edit("seed: 4", "seed: 3")
    assert going(project) == set()


def test_gc_refuses_while_a_lockfile_of_any_branch_cannot_be_read(project: Project) -> None:
    project.git("checkout", "-q", "-b", "broken")
    lock = project.folder / "storyboard.lock"
    lock.write_text("<<<<<<< HEAD\n" + lock.read_text())
    project.commit("A conflict")
    project.git("checkout", "-q", "main")
    ran = project.run("cache", "gc", "--delete", "--json")
    assert ran.code == 1
    assert errors(ran)[0]["code"] == "unsure"
    assert "broken:storyboard.lock" in errors(ran)[0]["message"]
    assert seeds(project) == {3, 4}


def test_gc_does_not_mind_lockfiles_of_other_programs(project: Project) -> None:
    (project.folder / "poetry.lock").write_text("[[package]]\n")
    (project.folder / "Chart.lock").write_text("dependencies: []\n")
    (project.folder / "Chart.yaml").write_text("name: x\n")
    project.commit("Others")
    assert going(project) == {3}


def test_gc_refuses_while_a_worktree_is_not_there(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
    shutil.rmtree(tmp_path / "beside")
    assert project.run("cache", "gc", "--delete").code == 1
    project.git("worktree", "prune")
    assert going(project, "--delete") == {3}


def test_gc_refuses_after_a_build_was_killed(project: Project) -> None:
    (project.folder / ".storyboard" / "builder.json").write_text("{}")
    ran = project.run("cache", "gc", "--delete", "--json")
    assert (ran.code, errors(ran)[0]["code"]) == (1, "unsure")
    assert seeds(project) == {3, 4}


def test_gc_refuses_while_a_build_holds_the_project(project: Project) -> None:
    from storyboard.store.project_lock import ProjectLock
    from storyboard.store.state import State

    with ProjectLock(State(project.folder), "storyboard.yaml"):
        (project.folder / ".storyboard" / "builder.json").unlink()
        ran = project.run("cache", "gc", "--delete", "--json")
    assert (ran.code, errors(ran)[0]["code"], errors(ran)[0]["help"]) == (1, "held", "wait until it has ended")


def test_gc_refuses_while_a_record_cannot_be_read(project: Project) -> None:
    record = next((project.folder / ".storyboard/cache/records").rglob("*.json"))
    record.chmod(0o644)
    record.write_text("{}")
    ran = project.run("cache", "gc", "--delete", "--json")
    assert (ran.code, errors(ran)[0]["code"]) == (1, "unsure")


def test_gc_without_git_counts_the_lockfiles_below_the_project(project: Project) -> None:
    shutil.rmtree(project.folder / ".git")
    assert going(project, "--delete") == {3}


def test_gc_keeps_the_takes_of_another_storyboard_of_the_project(project: Project) -> None:
    text = (project.folder / "storyboard.yaml").read_text().replace("seed: 4", "seed: 7").replace("film.mp4", "b.mp4")
    (project.folder / "second.yaml").write_text(text)
    project.build("second.yaml")
    assert going(project) == {3}


def test_verify_finds_a_changed_bit_and_a_missing_blob(project: Project) -> None:
    assert project.run("cache", "verify").code == 0
    lock = json.loads((project.folder / "storyboard.lock").read_text())
    used = project.blobs[lock["shots"]["a"]["local"]["take"]]
    other = next(path for name, path in project.blobs.items() if path != used)
    data = bytearray(used.read_bytes())
    data[100] ^= 1
    used.chmod(0o644)
    used.write_bytes(data)
    other.unlink()
    ran = project.run("cache", "verify", "--json")
    assert ran.code == 1
    assert (ran.data["damaged"], [one["digest"] for one in ran.data["missing"]]) == ([used.name], [other.name])
    assert used.exists()


def test_dir_is_where_the_blobs_are(project: Project) -> None:
    place = Path(project.run("cache", "dir").out.strip())
    assert {path.name for path in (place / "blobs").glob("*/*")} == set(project.blobs)


def test_ls_says_which_branches_hold_a_take(project: Project) -> None:
    held = {item["seed"]: item["locked_in"] for item in project.data("cache", "ls")["items"] if item["kind"] == "take"}
    assert held == {3: [], 4: ["working tree", "main"]}


def test_reading_an_empty_project_makes_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", SHOT, repository=True)
    for words in (("ls",), ("verify",), ("dir",), ("gc",)):
        assert project.run("cache", *words).code == 0
    assert not (project.folder / ".storyboard").exists()


# paid takes


@pytest.fixture
def paid(tmp_path: Path) -> Iterator[tuple[Project, RunwareServer]]:
    with shop() as server:
        project = Project(tmp_path / "film", SHOT, server=server)
        git(project.folder, "init", "-q")
        yield project, server


def sb(project: Project, *words: str) -> Ran:
    return run(project.folder, {**AUTHOR, **project.settings()}, *words)


def test_a_paid_take_goes_only_if_that_is_said_as_well(paid: tuple[Project, RunwareServer]) -> None:
    project, server = paid
    assert sb(project, "build").code == 0
    project.edit("seed: 3", "seed: 4")
    assert sb(project, "build").code == 0
    assert len(server.bill) == 2
    blobs = set(project.blobs)
    assert sb(project, "cache", "gc", "--delete").code == 0
    assert set(project.blobs) == blobs
    dry = sb(project, "cache", "gc", "--paid", "--json")
    assert [item["seed"] for item in dry.data["going"] if item["kind"] == "take"] == [3]
    assert dry.data["cost"] == "0.12"
    assert sb(project, "cache", "gc", "--paid", "--delete").code == 0
    assert len(blobs - set(project.blobs)) == 1
    assert sb(project, "build").code == 0
    assert len(server.bill) == 2


def test_a_clip_without_a_record_counts_as_paid(paid: tuple[Project, RunwareServer]) -> None:
    project, _server = paid
    assert sb(project, "build").code == 0
    project.edit("seed: 3", "seed: 4")
    assert sb(project, "build").code == 0
    for record in (project.folder / ".storyboard/cache/records").rglob("*.json"):
        if '"seed":3' in record.read_text():
            record.unlink()
    blobs = set(project.blobs)
    assert sb(project, "cache", "gc", "--delete").code == 0
    assert set(project.blobs) == blobs


def test_nothing_goes_that_an_unfinished_paid_job_may_need(paid: tuple[Project, RunwareServer]) -> None:
    from storyboard.store.journal import Job, Journal

    project, _server = paid
    assert sb(project, "build", "--draft").code == 0
    project.edit("seed: 3", "seed: 4")
    assert sb(project, "build", "--draft").code == 0
    job = Job("task-1", "0" * 64, 1, "a", "runware", "tiny:1", "0" * 64, {}, "0.12", 0.0)
    Journal(project.folder / ".storyboard" / "journal").open(job)
    blobs = set(project.blobs)
    assert sb(project, "cache", "gc", "--paid", "--delete").code == 0
    assert set(project.blobs) == blobs
    (project.folder / ".storyboard" / "journal" / "task-1.json").unlink()
    assert sb(project, "cache", "gc", "--paid", "--delete").code == 0
    assert set(project.blobs) < blobs
