"""What a drawing takes from a prompt can be read: in status, why and ls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import HEADER, PAID_HEADER, Project

pytestmark = pytest.mark.usefixtures("inside")

FILM = """\
scenes:
  - id: one
    shots:
      - {id: face, prompt: "Close-up, low angle: an old fisherman holding a lantern at night, slow push-in. Quorbel."}
      - {id: odd, prompt: "Blimfa sorvel trin."}
      - {id: end, card: The End}
"""


def shots(project: Project, *words: str) -> dict[str, dict[str, object]]:
    data = json.loads(project.run(*words, "--json").out)["data"]
    return {shot["shot"]: shot for shot in data["shots"]}


def test_status_tells_what_is_drawn_of_a_prompt_and_what_is_not(tmp_path: Path) -> None:
    lines = project_of(tmp_path, HEADER).run("status").out.splitlines()
    drawn = [line.strip() for line in lines if "drawn: " in line]
    assert drawn == [
        "drawn: close-up, low angle, push; old man, lamp in hand; night | not drawn: Quorbel",
        "drawn: nothing, a neutral panel | not drawn: Blimfa, sorvel, trin",
    ]


def test_status_of_a_paid_film_tells_it_only_on_request(tmp_path: Path) -> None:
    project = project_of(tmp_path, PAID_HEADER)
    assert "drawn: " not in project.run("status").out
    assert project.run("status", "-v").out.count("  drawn: ") == 2
    assert project.run("status", "--provider", "local").out.count("  drawn: ") == 2
    assert "understood" not in shots(project, "status")["face"]
    assert "understood" in shots(project, "status", "-v")["face"]


@pytest.mark.parametrize("verb", ["status", "ls"])
def test_json_holds_what_was_understood_of_drawn_shots(tmp_path: Path, verb: str) -> None:
    found = shots(project_of(tmp_path, HEADER), verb)
    understood = found["face"]["understood"]
    assert isinstance(understood, dict)
    assert (understood["size"], understood["angle"], understood["moves"]) == ("close-up", "low", ["push"])
    assert understood["subjects"] == [{"kind": "man", "count": 1, "part": None, "age": "old"}]
    assert (understood["time"], understood["setting"], understood["unknown"]) == ("night", None, ["Quorbel"])
    assert all("understood" not in shot for name, shot in found.items() if name == "end")


def test_why_tells_what_the_drawing_of_one_shot_takes_from_its_prompt(tmp_path: Path) -> None:
    project = project_of(tmp_path, HEADER)
    assert "drawn: close-up, low angle, push; old man" in project.run("why", "face").out
    data = json.loads(project.run("why", "odd", "--json").out)["data"]
    assert data["understood"]["unknown"] == ["Blimfa", "sorvel", "trin"]
    assert "drawn:" not in project_of(tmp_path / "paid", PAID_HEADER).run("why", "face").out


def test_many_unknown_words_are_listed_in_one_short_line(tmp_path: Path) -> None:
    words = " ".join(f"blim{first}{second}" for first in "abcdef" for second in "abcdefghij")
    project = Project(
        tmp_path / "film", inside=True, text=f"scenes: [{{id: s, shots: [{{id: a, prompt: {words}}}]}}]\n"
    )
    [line] = [line for line in project.run("status").out.splitlines() if "drawn: " in line]
    assert line.endswith(" and 55 more")
    [line] = [line for line in project.run("status", "-v").out.splitlines() if "drawn: " in line]
    assert line.count("blim") == 60


@pytest.mark.parametrize("verb", ["plan", "check"])
def test_prompts_are_not_read_where_nothing_of_them_is_shown(tmp_path: Path, verb: str) -> None:
    project = project_of(tmp_path, HEADER)
    command = [sys.executable, "-X", "importtime", "-m", "tests.tiny", verb]
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=True
    )
    assert "storyboard.core.model" in done.stderr
    assert "storyboard.animatic.prompt" not in done.stderr
    assert "storyboard.animatic.vocabulary" not in done.stderr


def project_of(folder: Path, header: str) -> Project:
    project = Project(folder / "film", FILM, inside=True)
    project.write(FILM, header)
    return project
