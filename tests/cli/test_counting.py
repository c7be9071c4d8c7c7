"""Plan, build and status count the shots of the film in the same words, whatever their source."""

from pathlib import Path
from typing import Any

import pytest

from tests.inside import hasty
from tests.project import Project
from tests.runware_server.server import RunwareServer

TEXT = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river, seed: 3}
      - {id: b, prompt: a forest, seed: 4, takes: [4, 5], first_frame: {shot: a, at: last}}
      - {id: c, prompt: a city, seed: 5}
      - {id: d, card: {text: The end, duration: 1}}
      - {id: e, image: {file: still.png, duration: 1}}
      - {id: f, prompt: a skipped shot, seed: 6, skip: true}
"""


@pytest.fixture
def project(server: RunwareServer, tmp_path: Path) -> Project:
    from PIL import Image

    project = Project(tmp_path / "film", TEXT, server=server, inside=True)
    Image.new("RGB", (128, 72), "navy").save(project.folder / "still.png")
    return project


def _counts(data: Any) -> dict[str, int]:
    """The numbers that are not zero."""
    return {name: number for name, number in data["counts"].items() if number}


def test_plan_build_and_status_count_the_same_shots_in_the_same_words(project: Project) -> None:
    with hasty():
        new = {"total": 5, "make": 5, "more_takes": 1}
        assert _counts(project.data("plan")) == _counts(project.data("status")) == new
        assert project.said("plan").splitlines()[0].startswith("storyboard.yaml: 5 shots, ")
        assert "\nPlan: 5 to make, 1 more take to make; $0.48\n" in project.said("plan")
        assert "\nNext build: 5 to make, 1 more take to make; $0.48\n" in project.said("status")
        assert project.said("build").startswith("5 made, 1 more take made, rendered 2 pieces\n")

        same = {"total": 5, "unchanged": 5}
        for verb in ("plan", "status", "build"):
            assert _counts(project.data(verb)) == same
        assert project.said("plan").endswith("\nPlan: nothing to do: 5 unchanged; $0.00\n")
        assert project.said("build").startswith("nothing to do: 5 unchanged\n")

        project.edit("a river", "a lake")
        project.edit("The end", "Fin")
        planned = _counts(project.data("plan"))
        assert planned == _counts(project.data("status"))
        assert planned["total"] == 5
        assert _counts(project.data("build")) == planned


def test_shots_that_are_not_selected_are_counted_and_not_listed(project: Project) -> None:
    with hasty():
        text = project.said("plan", "-s", "c")
        assert [line.split()[:2] for line in text.splitlines() if " - 00:" in line] == [["+", "c"]]
        assert text.endswith("\nPlan: 1 to make, 4 not selected; $0.12\n")
        assert "  - a  " in project.said("plan", "-s", "c", "-v")
        assert project.run("build", "-s", "c").out.startswith("1 made, 4 not selected\n")
        project.said("build")
        text = project.said("plan", "-s", "c")
        assert [line.split()[:2] for line in text.splitlines() if " - 00:" in line] == [["=", "c"]]


def test_a_shot_that_failed_and_those_that_wait_for_it_are_counted(project: Project, server: RunwareServer) -> None:
    with hasty():
        server.arm("submit-moderated", nth=1, times=1)
        data = project.data("build", code=6)
        counts = data["counts"]
        assert counts["total"] == 5 == sum(counts[name] for name in counts if name not in ("total", "more_takes"))
        assert counts["failed"] == 1
        assert counts["failed"] + counts["blocked"] == sum(name.startswith("take:") for name in data["failed"]) + sum(
            name in ("take:a", "take:b", "take:c") for name in data["blocked"]
        )
