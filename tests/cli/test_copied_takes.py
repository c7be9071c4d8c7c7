"""Takes beside the film where no links can be made: copies, told once, and replaced as long as nobody changed them."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.project import CHAIN, Project


@pytest.fixture
def project(tmp_path: Path, inside: None, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on a file system without links."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    return Project(tmp_path / "film", CHAIN, inside=True)


def content(project: Project, shot: str) -> bytes:
    return (project.folder / ".storyboard/cache/blobs" / (digest := project.in_cut(shot))[:2] / digest).read_bytes()


def test_takes_are_copied_where_no_link_can_be_made_and_that_is_told_once(project: Project) -> None:
    first = project.run("build")
    assert first.code == 0, first
    folder = project.folder / "out" / "film.draft"
    assert f"links cannot be made in {folder}, so 3 takes were copied there" in first.err
    for shot in "abc":
        path = folder / f"{shot}.mp4"
        assert not path.is_symlink()
        assert path.read_bytes() == content(project, shot)
    again = project.run("build")
    assert "links cannot be made" not in again.out + again.err
    assert "earlier output" not in again.err


def test_a_copy_follows_its_shot_and_goes_with_it(project: Project) -> None:
    project.build()
    path = project.folder / "out" / "film.draft" / "c.mp4"
    before = path.read_bytes()
    project.edit("in the rain", "in the snow")
    project.build()
    assert before != path.read_bytes() == content(project, "c")
    project.edit("      - {id: c,", "      - {id: d,")
    project.build()
    assert not path.exists()
    assert path.with_name("d.mp4").exists()


def test_a_copy_that_was_changed_stays(project: Project) -> None:
    project.build()
    path = project.folder / "out" / "film.draft" / "c.mp4"
    path.write_bytes(b"mine")
    project.edit("in the rain", "in the snow")
    project.build()
    assert path.read_bytes() == b"mine"
    project.edit("      - {id: c,", "      - {id: d,")
    project.build()
    assert path.read_bytes() == b"mine"


def test_a_copy_of_a_copy_under_a_name_of_the_user_stays(project: Project) -> None:
    project.build()
    path = project.folder / "out" / "film.draft" / "c.mp4"
    mine = path.with_name("best.mp4")
    mine.write_bytes(path.read_bytes())
    project.edit("in the rain", "in the snow")
    project.build()
    assert mine.exists()
