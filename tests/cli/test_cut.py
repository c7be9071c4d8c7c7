"""The cut of a whole film: speed, material of every kind, transitions; judged by its decoded pictures."""

import shutil
from pathlib import Path

import pytest

from tests.project import Project, decoded


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project; tests work on copies of it."""
    project = Project(tmp_path_factory.mktemp("template") / "film")
    project.built()
    return project.folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    folder = tmp_path / "film"
    shutil.copytree(template, folder, symlinks=True)
    found = Project.__new__(Project)
    found.folder = folder
    return found


def test_twice_the_speed_is_half_the_frames_and_renders_one_segment(project: Project) -> None:
    before = decoded(project.film)
    project.edit("seed: 5}", "seed: 5, speed: 2}")
    assert sorted(project.built()["made"]) == ["cut", "segment:c"]
    film = decoded(project.film)
    assert len(film) == 30
    assert film[:24] == before[:24]
    project.edit("speed: 2", "speed: 1")
    assert project.built()["made"] == ["cut"]
    assert decoded(project.film) == before


def test_a_change_of_speed_renders_another_segment(project: Project) -> None:
    project.edit("seed: 5}", "seed: 5, speed: 0.5}")
    assert sorted(project.built()["made"]) == ["cut", "segment:c"]
    assert len(decoded(project.film)) == 48
    project.edit("speed: 0.5", "speed: 0.4")
    assert sorted(project.built()["made"]) == ["cut", "segment:c"]
    assert len(decoded(project.film)) == 54
