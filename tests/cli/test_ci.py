"""What stands in ``examples/ci``, done as GitHub and pre-commit do it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import storyboard
from tests.conftest import library
from tests.gits import AUTHOR
from tests.project import HERE, Project

CI = HERE / "examples" / "ci"


@pytest.fixture
def project(tmp_path: Path, inside: None) -> Project:
    found = Project(tmp_path / "film", repository=True)
    found.build()
    found.commit("First cut")
    return found


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A PATH on which ``storyboard`` knows the tiny model, and no settings of whoever runs the tests."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "storyboard"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{HERE}" exec "{sys.executable}" -m tests.tiny "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, **AUTHOR, "PATH": path, "PRE_COMMIT_HOME": str(tmp_path / "pre-commit")}


def steps() -> dict[str, str]:
    """The commands of the workflow by the names of their steps."""
    workflow = yaml.safe_load((CI / "storyboard.yml").read_text())
    return {step["name"]: step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step}


def done(command: str, project: Project, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workflow_passes_a_current_lockfile_and_shows_what_changed(
    project: Project, environment: dict[str, str], tmp_path: Path
) -> None:
    project.git("checkout", "-q", "-b", "noon")
    project.edit("at night", "at noon")
    project.build()
    project.commit("Noon")
    summary = tmp_path / "summary.md"
    settings = {**environment, "BASE": "main", "GITHUB_STEP_SUMMARY": str(summary)}
    assert done(steps()["The lockfile is current and complete"], project, settings).returncode == 0
    assert done(steps()["What changed"], project, settings).returncode == 0
    assert "| changed | a | prompt; take exists |" in summary.read_text()


def test_the_workflow_fails_with_7_and_names_the_shots(project: Project, environment: dict[str, str]) -> None:
    project.edit("at night", "at noon")
    ran = done(steps()["The lockfile is current and complete"], project, environment)
    assert ran.returncode == 7
    assert "a: the locked take is stale: the request changed" in ran.stderr


def test_pre_commit_refuses_a_commit_whose_lockfile_is_out_of_date(
    project: Project, environment: dict[str, str]
) -> None:
    library("pre_commit", "pre-commit")
    (project.folder / ".pre-commit-config.yaml").write_text((CI / "pre-commit-config.yaml").read_text())
    project.git("add", "-A")
    assert done("pre-commit install", project, environment).returncode == 0
    project.edit("at night", "at noon")
    refused = done("git commit -q -a -m Noon", project, environment)
    assert refused.returncode == 1
    assert "a: the locked take is stale: the request changed" in refused.stdout + refused.stderr
    project.build()
    passed = done("git commit -q -a -m Noon", project, environment)
    assert passed.returncode == 0, passed.stdout + passed.stderr


def test_the_requirements_name_our_distribution_in_this_version() -> None:
    lines = (CI / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [f"storyboard-build=={storyboard.__version__}"]
