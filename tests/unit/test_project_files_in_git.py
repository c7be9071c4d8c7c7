"""Files read from git mean what the files on the disk mean."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from storyboard.document.load import load
from storyboard.document.project_files import DiskFiles, FileProblem, GitFiles
from storyboard.providers.models import cards
from storyboard.store.git import Git, GitProblem, NoSuchRevision
from tests.gits import git
from tests.project import HERE

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


Committed = Callable[[], GitFiles]


@pytest.fixture
def committed(folder: Path) -> Iterator[Committed]:
    """Commit everything; returns the files of that commit."""
    with Git(folder) as repository:

        def read(path: str) -> bytes | None:
            blob = repository.file("HEAD", path)
            return blob.data if blob is not None else None

        def commit() -> GitFiles:
            git(folder, "add", "-A")
            git(folder, "commit", "-q", "--allow-empty", "-m", "All")
            return GitFiles(read)

        yield commit


@pytest.mark.parametrize("example", ["minimal", "series", "trailer"])
def test_an_example_read_from_git_is_the_example_on_the_disk(folder: Path, committed: Committed, example: str) -> None:
    shutil.copytree(HERE / "examples" / example, folder / example)
    files = committed()
    name = f"{example}/storyboard.yaml"
    from_git, from_disk = load(name, files, cards()), load(name, DiskFiles(folder), cards())
    assert from_git.storyboard == from_disk.storyboard
    assert from_git.storyboard is not None


def test_a_picture_counts_by_its_content(folder: Path, committed: Committed) -> None:
    (folder / "a.png").write_bytes(PNG)
    files = committed()
    assert files.problem("a.png", "picture") is None
    assert files.digest("a.png") == sha256(PNG).hexdigest()


def test_a_picture_in_lfs_counts_by_the_digest_in_its_pointer(folder: Path, committed: Committed) -> None:
    digest = sha256(PNG).hexdigest()
    (folder / "a.png").write_text(POINTER.format(digest))
    files = committed()
    assert files.problem("a.png", "picture") is None
    assert files.digest("a.png") == digest


def test_what_is_no_picture_is_none_in_git_either(folder: Path, committed: Committed) -> None:
    (folder / "a.png").write_text("hello")
    assert committed().problem("a.png", "picture") == "it is not a PNG, JPEG or WebP picture"


def test_clips_and_fonts_in_git_are_judged_as_on_the_disk(folder: Path, committed: Committed) -> None:
    (folder / "own.mp4").write_bytes(bytes(4) + b"ftypisom" + bytes(40))
    (folder / "own.otf").write_bytes(b"OTTO" + bytes(40))
    files, disk = committed(), DiskFiles(folder)
    for known in (files, disk):
        assert (known.problem("own.mp4", "clip"), known.problem("own.otf", "font")) == (None, None)
        assert known.problem("own.otf", "clip") == "it is not an MP4, MOV, Matroska or WebM video"
        assert known.problem("own.mp4", "font") == "it is not a TrueType or OpenType font"
        assert known.problem("none.mp4", "clip") == "the file does not exist"


def test_links_inside_the_repository_are_followed_and_others_lead_nowhere(folder: Path, committed: Committed) -> None:
    (folder / "refs").mkdir()
    (folder / "refs" / "a.png").write_bytes(PNG)
    (folder / "b.png").symlink_to("refs/a.png")
    (folder / "pictures").symlink_to("refs")
    (folder / "out.png").symlink_to("/etc/passwd")
    (folder / "loop.png").symlink_to("loop.png")
    files = committed()
    assert files.read("b.png") == PNG
    assert files.read("pictures/a.png") == PNG
    for name in ("out.png", "loop.png", "refs", "refs/none.png", "a\nb.png", "b.png/x"):
        with pytest.raises(FileProblem):
            files.read(name)
    assert files.read("b.png") == PNG


def test_names_with_blanks_and_other_alphabets_are_found(folder: Path, committed: Committed) -> None:
    for name in ("a b.png", "река.png", 'q"uote.png', "missing"):
        (folder / name).write_bytes(PNG)
    files = committed()
    for name in ("a b.png", "река.png", 'q"uote.png', "missing"):
        assert files.read(name) == PNG


@pytest.mark.parametrize("name", ["", "-h", "--help", "nope", "HEAD\nHEAD", "HEAD:a.png"])
def test_what_names_no_commit_is_refused(folder: Path, committed: Committed, name: str) -> None:
    (folder / "a.png").write_bytes(PNG)
    committed()
    with Git(folder) as repository, pytest.raises(NoSuchRevision):
        repository.commit(name)


def test_outside_a_repository_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", os.fspath(tmp_path.parent))
    with pytest.raises(GitProblem, match="not a git repository"):
        Git(tmp_path)


def test_no_hook_and_no_program_of_the_repository_is_run(folder: Path) -> None:
    trap = folder / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {folder}/sprung\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.external", "gpg.program", "diff.x.textconv"):
        git(folder, "config", name, str(trap))
    (folder / ".gitattributes").write_text("*.yaml diff=x\n")
    (folder / "a.yaml").write_text("x")
    (folder / "sprung").unlink(missing_ok=True)
    git(folder, "-c", "core.fsmonitor=false", "add", "-A")
    git(folder, "-c", "core.fsmonitor=false", "commit", "-q", "-m", "All")
    with Git(folder) as repository:
        assert repository.file("HEAD", "a.yaml") is not None
        assert len(repository.commits(["a.yaml"])) == 1
        repository.run("ls-files", "-s", "-z")
    assert not (folder / "sprung").exists()


def with_a_missing_file(folder: Path) -> None:
    """A file is committed, and its object is not there."""
    (folder / "a.txt").write_text("one")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All")
    (folder / "b.txt").write_text("two")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "More")
    blob = git(folder, "rev-parse", "HEAD~1:a.txt")
    (folder / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()


def program(mark: Path) -> Path:
    """A program that leaves *mark* behind."""
    path = mark.with_suffix(".sh")
    path.write_text(f"#!/bin/sh\ntouch {mark}\n")
    path.chmod(0o755)
    return path


def promising(folder: Path, remote: Path) -> None:
    """What is missing is to be fetched by a program that the configuration of the repository names."""
    git(folder, "config", "core.repositoryFormatVersion", "1")
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "remote.origin.url", f"ext::{remote}")
    git(folder, "config", "protocol.ext.allow", "always")


def test_a_file_that_is_missing_is_not_fetched_by_a_program_that_the_repository_names(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    with_a_missing_file(folder)
    promising(folder, program(tmp_path / "ran"))
    with Git(folder) as repository:
        with suppress(GitProblem):  # git tells that it is missing, or ends itself
            assert repository.file("HEAD~1", "a.txt") is None
        found = repository.file("HEAD", "b.txt")
        assert found is not None
        assert found.data == b"two"
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_made_like_a_repository_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "init", "-q", "--bare", "film")
    with pytest.raises(GitProblem, match="bare repository"):
        Git(tmp_path / "film")


def test_a_git_that_ends_is_told_and_the_next_question_is_answered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt").write_text("one")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All")
    with Git(folder) as repository:
        batch = repository._open_batch()
        batch.kill()
        batch.wait()
        with pytest.raises(GitProblem, match=r"git cannot read HEAD:a\.txt"):
            repository.file("HEAD", "a.txt")
        found = repository.file("HEAD", "a.txt")
    assert found is not None
    assert found.data == b"one"
