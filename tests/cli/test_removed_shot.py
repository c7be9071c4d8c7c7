"""A shot that was taken out of the storyboard: its takes are in the cache, and are listed."""

import json
from pathlib import Path

import pytest

from tests.project import Project

pytestmark = pytest.mark.usefixtures("inside")

SHOTS = """scenes:
  - id: s
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, takes: [4, 5], pick: 5}
"""


def test_takes_of_a_removed_shot_are_listed_while_the_cache_has_them(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", SHOTS, inside=True)
    project.build()
    before = {take["take"]: take["seed"] for take in project.takes("b")}
    project.edit("      - {id: b, prompt: a forest, takes: [4, 5], pick: 5}\n", "")
    for _ in range(2):  # also after a build without it
        ran = project.run("takes", "b", "--json")
        assert ran.code == 0, ran
        assert {take["take"]: take["seed"] for take in ran.data["takes"]} == before
        assert [take["in_cut"] for take in ran.data["takes"]] == [False, False]
        assert all(take["in_cache"] for take in ran.data["takes"])
        [warning] = json.loads(ran.out)["warnings"]
        assert warning["code"] == "removed-shot"
        project.build()
    ran = project.run("takes", "b")
    assert "b: 2 takes" in ran.out
    assert "the shot `b` is not in the storyboard; its takes are in the cache" in ran.err


def test_a_shot_that_never_was_is_unknown(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", SHOTS, inside=True)
    assert "no shot is called 'aa'" in project.run("takes", "aa").err
    assert project.run("takes", "aa").code == 2


def test_takes_that_were_removed_are_used_again_free_when_the_shot_is_written_again(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", SHOTS, inside=True)
    project.build()
    text = project.file.read_text()
    project.edit("      - {id: b, prompt: a forest, takes: [4, 5], pick: 5}\n", "")
    project.build()
    project.file.write_text(text)
    assert "take:b" not in project.build()["made"]
