"""Pipes and devices in place of files are refused at once, numbers are read as they are written, files are counted."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from storyboard.document import load as loading
from storyboard.document.project_files import DiskFiles
from storyboard.providers import base, models
from tests.project import Project
from tests.shops import shop

pytestmark = pytest.mark.usefixtures("inside")

CARD = "scenes: [{id: s, shots: [{id: a, card: {text: Hello, duration: 0.5}}]}]\n"
FILM = """\
scenes:
  - include: in/scene.yaml
  - id: s
    shots:
      - {id: a, prompt: a river}
      - {id: b, clip: in/clip.mp4}
      - {id: c, image: in/still.png}
      - {id: d, prompt: a forest, first_frame: in/frame.png}
      - {id: e, card: {text: Hello, duration: 0.5}, caption: Hello}
      - {id: g, prompt: a town}
audio: [in/music.wav]
"""
FILES = ("in/scene.yaml", "in/clip.mp4", "in/still.png", "in/frame.png", "in/music.wav", "storyboard.lock")
STATE = (
    "out/film.mp4",
    ".storyboard/ledger.jsonl",
    ".storyboard/index.sqlite",
    ".storyboard/builder.json",
    ".storyboard/cache-place",
    ".storyboard/journal/0123.json",
)
VERBS = (("check",), ("status",), ("build",), ("cost",), ("cache", "gc"))


def ends(project: Project, *words: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """How a verb ends that must not wait for what is in place of a file."""
    ran = project.run(*words, env=env)
    assert "this is a bug" not in ran.err, ran
    return subprocess.CompletedProcess(list(words), ran.code, ran.out, ran.err)


@pytest.mark.parametrize("path", FILES)
def test_a_pipe_in_place_of_a_file_of_the_film_is_an_error_at_its_place(tmp_path: Path, path: str) -> None:
    is_lock = path == "storyboard.lock"
    project = Project(tmp_path / "film", CARD if is_lock else FILM)
    (project.folder / "in").mkdir()
    os.mkfifo(project.folder / path)
    for verb in (("plan",), ("status",), ("build",)) if is_lock else (("check",), ("build",)):
        done = ends(project, *verb)
        assert done.returncode in (1, 3), done
        assert ("a link, a folder or a device" if is_lock else "not a regular file") in done.stderr, done


@pytest.mark.parametrize("path", STATE)
def test_a_pipe_in_place_of_a_file_of_ours_is_waited_for_by_no_verb(tmp_path: Path, path: str) -> None:
    project = Project(tmp_path / "film", CARD)
    (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (project.folder / ".storyboard").mkdir(exist_ok=True)
    os.mkfifo(project.folder / path)
    for verb in VERBS:
        ends(project, *verb)


def test_pipes_in_place_of_stored_answers_are_not_waited_for(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", CARD)
    project.said("build")
    stored = [*project.folder.glob(".storyboard/standing/*"), *project.folder.glob(".storyboard/*/*.bin")]
    assert len(stored) > 1
    for path in stored:
        path.unlink()
        os.mkfifo(path)
    assert "nothing to do" in project.said("build")
    assert "nothing to do" in project.said("plan")


MAKERS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_plan_file_that_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    project = Project(tmp_path / "film", CARD)
    MAKERS[kind](project.folder / "plan.json")
    for words in (("build", "--plan", "plan.json"), ("plan", "--out", "plan.json")):
        done = ends(project, *words)
        assert done.returncode == 2
        assert kind == "folder" or "plan.json: not a regular file" in done.stderr, done


@pytest.mark.parametrize("kind", MAKERS)
def test_a_key_file_that_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", server=server)
        MAKERS[kind](tmp_path / "key")
        done = ends(project, "build", env={"RUNWARE_API_KEY": "", "RUNWARE_API_KEY_FILE": str(tmp_path / "key")})
    assert done.returncode == 5
    assert f"RUNWARE_API_KEY_FILE: {tmp_path / 'key'}: not a regular file" in done.stderr
    assert "write the path of a file that holds the key" in done.stderr


@pytest.mark.parametrize("kind", MAKERS)
def test_settings_that_are_no_regular_file_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    project = Project(tmp_path / "film", CARD)
    (tmp_path / "config" / "storyboard").mkdir(parents=True)
    MAKERS[kind](tmp_path / "config" / "storyboard" / "settings.toml")
    done = ends(project, "build", env={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert done.returncode == 1
    assert "settings.toml: not a regular file" in done.stderr


def test_a_link_to_a_key_file_is_followed(tmp_path: Path) -> None:
    """Secrets of containers are links."""
    with shop(seconds_per_job=0) as server:
        project = Project(tmp_path / "film", server=server)
        (tmp_path / "real").write_text(f"{server.key}\n")
        (tmp_path / "key").symlink_to("real")
        done = ends(project, "build", env={"RUNWARE_API_KEY": "", "RUNWARE_API_KEY_FILE": str(tmp_path / "key")})
    assert done.returncode == 0, done


NO_AMOUNTS = (
    "1e400",
    "1e2",
    "nan",
    "-0",
    "-1",
    "inf",
    "+5",
    "1_000",
    "٣",
    "１２",
    "$$5",
    "0x10",
    "",
    "1,5",
    "5\n6",
    "9" * 10,
)


@pytest.mark.parametrize("text", NO_AMOUNTS)
@pytest.mark.parametrize("inside", [True])
def test_what_is_no_amount_is_not_taken_as_a_cap(tmp_path: Path, text: str, inside: bool) -> None:
    project = Project(tmp_path / "film", CARD, inside=inside)
    ran = project.run("build", f"--max-cost={text}")
    assert (ran.code, "is not an amount in US dollars" in ran.err) == (2, True), ran
    if text:
        ran = project.run("build", env={"STORYBOARD_MAX_COST": text})
        assert ran.code == 2, ran


@pytest.mark.parametrize("text", ["6", "0.60", "$6", ".5", "0", " 12 ", "100000.25"])
def test_an_amount_is_taken_as_a_cap(tmp_path: Path, text: str) -> None:
    assert Project(tmp_path / "film", CARD, inside=True).run("plan", "--json").code == 0
    assert Project(tmp_path / "film", CARD, inside=True).run("build", "--max-cost", text).code == 0


@pytest.mark.parametrize("text", ["٣", "1_0", "1e1", "0x1", "１", "²"])
def test_digits_of_other_scripts_are_no_numbers(tmp_path: Path, text: str) -> None:
    project = Project(tmp_path / "film", inside=True, repository=True)
    project.commit("One")
    for words in (("build", "-j", text), ("take", "a", "-n", text), ("log", "a", "-n", text)):
        ran = project.run(*words)
        assert (ran.code, "is not a whole number" in ran.err) == (2, True), ran
    ran = project.run("pick", "a", text)
    assert ran.code == 2, ran
    with shop() as server:
        paid = Project(tmp_path / "paid", server=server, inside=True)
        ran = paid.run("build", env={"STORYBOARD_POLL_INTERVAL": text})
    assert (ran.code, "STORYBOARD_POLL_INTERVAL must be a number" in ran.err) == (2, True), ran
    assert server.bill == []


@pytest.mark.parametrize("text", ["1e400", ".nan", "-1", "٣", "１", "1_0", "2000000"])
def test_a_budget_that_is_no_amount_is_an_error(tmp_path: Path, text: str) -> None:
    project = Project(tmp_path / "film", f"budget: {text}\n{CARD}", inside=True)
    assert project.run("check").code == 3


class CountingFiles(DiskFiles):
    reads = 0

    def read(self, path: str) -> bytes:
        self.reads += 1
        return super().read(path)


def test_three_thousand_includes_are_counted_before_one_is_read(tmp_path: Path) -> None:
    includes = "".join(f"  - include: s{number}.yaml\n" for number in range(3000))
    (tmp_path / "storyboard.yaml").write_text(f"version: 1\nscenes:\n{includes}")
    files = CountingFiles(tmp_path)
    found = loading.load("storyboard.yaml", files, models.cards())
    assert [finding.code for finding in found.findings] == ["bad-length"]
    assert files.reads == 1


def test_the_number_of_scenes_is_that_of_the_schema() -> None:
    from storyboard.document.schema import schema_text

    assert json.loads(schema_text())["properties"]["scenes"]["maxItems"] == loading.MAX_SCENES


def test_a_provider_that_is_installed_but_in_no_card_is_called_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        name = "acme"

    monkeypatch.setattr(base, "entry_points", lambda *, group, name="": [Point()] if name in ("", "acme") else [])
    project = Project(tmp_path / "film", inside=True)
    project.edit("model: tiny:1", "model: runway:1@2")
    project.edit("provider: local", "provider: acme")
    error = project.refused(3, "check")
    assert error["code"] == "model-provider"
    assert error["message"] == "the provider `acme` is installed, but the card of runway:1@2 does not name it"
    project.edit("provider: acme", "provider: acne")
    assert project.refused(3, "check")["message"] == "unknown provider `acne`"


@pytest.mark.parametrize("content", ["rubbish", "{", "<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n"])
@pytest.mark.parametrize("verb", [("plan",), ("diff",), ("build",)])
def test_the_advice_about_a_rubbish_lockfile_names_that_file(
    tmp_path: Path, verb: tuple[str, ...], content: str
) -> None:
    project = Project(tmp_path / "film", repository=True)
    (project.folder / "my notes.yaml").write_text(project.file.read_text())
    project.commit("One")
    (project.folder / "my notes.lock").write_text(content)
    words = (*verb, "HEAD", "my notes.yaml") if verb == ("diff",) else (*verb, "my notes.yaml")
    ran = project.run(*words, "--json")
    found = json.loads(ran.out)
    [error] = found["errors"]
    assert (ran.code, error["code"]) == (1, "lockfile")
    assert error["message"].startswith("my notes.lock:")
    assert "'my notes.lock'" in error["help"]
    assert "storyboard.lock" not in ran.out
    assert found["next"] == ["git diff -- 'my notes.lock'", "git checkout -- 'my notes.lock'"]
