"""The files of a project: regular ones inside of it, and nothing else."""

import os
from pathlib import Path

import pytest

from storyboard.document.project_files import DiskFiles, FileProblem

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "refs").mkdir(parents=True)
    (root / "s.yaml").write_bytes(b"version: 1\n")
    (root / "refs" / "a.png").write_bytes(PNG)
    (root / "refs" / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 32)
    (root / "refs" / "c.webp").write_bytes(b"RIFF\0\0\0\0WEBPVP8 ")
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "project-two").mkdir()
    (tmp_path / "project-two" / "a.png").write_bytes(PNG)
    return root


def reason(project: Path, path: str) -> str:
    with pytest.raises(FileProblem) as caught:
        DiskFiles(project).read(path)
    assert DiskFiles(project).problem(path, "picture") == caught.value.reason
    return caught.value.reason


def test_file_is_read(project: Path) -> None:
    assert DiskFiles(project).read("s.yaml") == b"version: 1\n"


def test_file_over_the_limit_comes_back_cut_behind_it(project: Path) -> None:
    assert DiskFiles(project, max_bytes=4).read("s.yaml") == b"versi"


@pytest.mark.parametrize("name", ["refs/a.png", "refs/b.jpg", "refs/c.webp"])
def test_picture_is_known_by_its_signature(project: Path, name: str) -> None:
    assert DiskFiles(project).problem(name, "picture") is None


def test_text_is_no_picture(project: Path) -> None:
    assert DiskFiles(project).problem("s.yaml", "picture") == "it is not a PNG, JPEG or WebP picture"


def test_huge_picture_is_refused(project: Path) -> None:
    with (project / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(65 << 20)
    assert DiskFiles(project).problem("huge.png", "picture") == "it is larger than 64 MiB"


def test_missing_file_and_folder_and_file_as_folder(project: Path) -> None:
    assert reason(project, "none.png") == "the file does not exist"
    assert reason(project, "refs") == "it is not a regular file"
    assert reason(project, "s.yaml/a.png") == "the file does not exist"


def test_pipe_is_refused_and_does_not_wait(project: Path) -> None:
    os.mkfifo(project / "pipe.png")
    assert reason(project, "pipe.png") == "it is not a regular file"


def test_link_out_of_the_project_is_refused(project: Path) -> None:
    (project / "out.png").symlink_to(project.parent / "secret.png")
    (project / "outside").symlink_to(project.parent / "project-two")
    for path in ("out.png", "outside/a.png", "../secret.png", "/etc/passwd"):
        assert reason(project, path) == "it is a link that leads out of the project"


def test_link_inside_the_project_is_followed(project: Path) -> None:
    (project / "in.png").symlink_to("refs/a.png")
    (project / "pictures").symlink_to("refs")
    assert DiskFiles(project).problem("in.png", "picture") is None
    assert DiskFiles(project).problem("pictures/a.png", "picture") is None


def test_link_to_itself_is_refused(project: Path) -> None:
    (project / "loop.png").symlink_to("loop.png")
    assert "link" in reason(project, "loop.png")


def test_folder_swapped_for_a_link_leads_nowhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment between looking where a path leads and opening it."""
    real = os.path.realpath

    def realpath_then_swap(path: str) -> str:
        found = real(path)
        if found.endswith("refs/a.png"):
            (project / "refs").rename(project / "old")
            (project / "refs").symlink_to(project.parent / "project-two")
        return found

    files = DiskFiles(project)
    monkeypatch.setattr(os.path, "realpath", realpath_then_swap)
    assert files.problem("refs/a.png", "picture") is not None


def test_no_descriptor_is_left_open(project: Path) -> None:
    def next_free() -> int:
        number = os.open(os.devnull, os.O_RDONLY)
        os.close(number)
        return number

    before = next_free()
    for path in ("s.yaml", "refs/a.png", "refs", "none", "s.yaml/x"):
        DiskFiles(project).problem(path, "picture")
    assert next_free() == before
