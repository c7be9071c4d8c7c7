"""Names that are no text, things in the storyboard's place that are no file, and an output that cannot be written."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from storyboard.cli import main
from tests.project import Project

pytestmark = pytest.mark.usefixtures("inside")

CARD = "scenes: [{id: s, shots: [{id: a, card: {text: Hello, duration: 0.5}}]}]\n"
NO_TEXT = os.fsdecode(b"caf\xe9")


def test_a_project_in_a_folder_whose_name_is_no_text_is_built_like_any_other(tmp_path: Path) -> None:
    project = Project(tmp_path / NO_TEXT, CARD, inside=True)
    assert project.run("build").code == 0
    for verb in ("check", "plan", "status", "build", "graph", "doctor", "cache dir"):
        ran = project.run(*verb.split(), "--json")
        assert (ran.code, json.loads(ran.out)["ok"]) == (0, True), ran
    assert "caf\ufffd" in json.loads(project.run("cache", "dir", "--json").out)["data"]["folder"]
    assert "Traceback" not in project.run("init", f"../{NO_TEXT}2").err
    assert project.run("check", f"../{NO_TEXT}2").code == 0


def test_a_storyboard_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", CARD, inside=True)
    project.folder.joinpath(f"{NO_TEXT}.yaml").write_text(CARD)
    for verb in ("check", "plan", "build"):
        ran = project.run(verb, f"{NO_TEXT}.yaml", "--json")
        assert ran.code == 2
        assert json.loads(ran.out)["errors"][0]["message"] == "caf\ufffd.yaml: its name is not UTF-8; rename it"


def test_what_is_no_file_is_called_by_its_name(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", CARD, inside=True)
    file = project.folder / "storyboard.yaml"
    file.unlink()
    file.symlink_to("storyboard.yaml")
    assert "storyboard.yaml is a broken link" in project.run("check").err
    file.unlink()
    file.mkdir()
    assert "storyboard.yaml is a folder" in project.run("check").err
    file.rmdir()
    os.mkfifo(file)
    assert "storyboard.yaml is not a regular file" in project.run("check").err
    file.unlink()
    assert "run `storyboard init` to write one" in project.run("check").err


@pytest.mark.parametrize("words", [("plan",), ("plan", "--json"), ("check", "--json")])
def test_an_output_that_cannot_be_written_is_said_in_a_line(
    tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path / "film", CARD, inside=True)

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    said = io.StringIO()
    monkeypatch.chdir(project.folder)
    with redirect_stdout(Full()), redirect_stderr(said):
        assert main.run(words) == 1
    assert said.getvalue() == "storyboard: No space left on device\n"
