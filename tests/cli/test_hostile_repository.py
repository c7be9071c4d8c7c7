"""A repository of a stranger: no verb runs a command of its configuration, and a partial clone is read in words."""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gits import git
from tests.inside import Ran, hasty
from tests.project import Project

VERBS = (
    ("check",),
    ("plan",),
    ("status",),
    ("ls",),
    ("takes", "b"),
    ("why", "b"),
    ("diff",),
    ("diff", "HEAD~1"),
    ("diff", "HEAD~1...HEAD"),
    ("log", "b"),
    ("cache", "ls"),
    ("cache", "gc"),
    ("cost",),
    ("doctor",),
    ("graph",),
    ("build",),
)


@pytest.fixture(autouse=True)
def haste() -> Iterator[None]:
    with hasty():
        yield


@pytest.fixture
def upstream(tmp_path: Path) -> Project:
    """A film of two versions, in a repository that serves partial clones."""
    project = Project(tmp_path / "upstream", repository=True)
    project.commit("One")
    project.edit("a forest at dawn", "a forest at dusk")
    project.commit("Two")
    project.git("config", "uploadpack.allowFilter", "true")
    project.git("config", "uploadpack.allowAnySHA1InWant", "true")
    return project


def clone(upstream: Project, *words: str) -> Project:
    folder = upstream.folder.parent / "clone"
    git(upstream.folder, "clone", "-q", *words, f"file://{upstream.folder}", str(folder))
    return Project(folder, None, repository=True)


def missing(project: Project) -> set[str]:
    listed = project.git("rev-list", "--objects", "--all", "--missing=print").splitlines()
    return {line for line in listed if line.startswith("?")}


def canary(folder: Path) -> str:
    """A command that leaves a file behind when it is started."""
    program = folder / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(folder / 'started'))}\n")
    program.chmod(0o755)
    return str(program)


SETTINGS = (
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "credential.helper",
    "diff.external",
    "diff.canary.textconv",
    "diff.canary.command",
    "filter.canary.clean",
    "filter.canary.smudge",
    "filter.canary.process",
    "merge.canary.driver",
    "gpg.program",
    "pager.log",
    "pager.diff",
    "interactive.diffFilter",
    "sequence.editor",
    "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
    "trailer.x.command",
)
URLS = (
    "ext::{program} %S",
    "ssh://example.invalid/film.git",
    "file://{upstream}",
    "canary::{upstream}",
    "git://127.0.0.1:1/film.git",
    "https://127.0.0.1:1/film.git",
    "{upstream}",
)


def poison(project: Project, program: str, url: str) -> None:
    """Have every setting of git that names a command name *program*, and missing objects come from *url*."""
    for setting in SETTINGS:
        project.git("config", setting, program)
    project.git("config", "log.showSignature", "true")
    project.git("config", "core.untrackedCache", "true")
    project.git("config", "remote.origin.url", url)
    project.git("config", "protocol.allow", "always")
    for protocol in ("ext", "ssh", "file", "git", "https", "canary"):
        project.git("config", f"protocol.{protocol}.allow", "always")
    for verb in ("cat-file", "log", "rev-parse", "ls-files", "ls-tree", "merge-base"):
        project.git("config", f"alias.{verb}", f"!{program}")
    hooks = project.folder / ".git" / "own-hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc", "fsmonitor-watchman"):
        (hooks / name).symlink_to(program)
    project.git("config", "core.hooksPath", str(hooks))
    attributes = project.folder / ".git" / "own-attributes"
    attributes.write_text("* diff=canary filter=canary merge=canary\n")
    project.git("config", "core.attributesFile", str(attributes))
    included = project.folder / ".git" / "included"
    included.write_text(f"[core]\n\tsshCommand = {program}\n\tfsmonitor = {program}\n")
    project.git("config", "include.path", str(included))


@pytest.mark.parametrize("url", URLS)
def test_no_command_of_a_hostile_git_configuration_is_started(
    upstream: Project, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = clone(upstream, "--filter=blob:none")
    program = canary(tmp_path)
    helpers = tmp_path / "helpers"
    helpers.mkdir()
    (helpers / "git-remote-canary").symlink_to(program)
    monkeypatch.setenv("PATH", str(helpers), prepend=":")
    poison(project, program, url.format(program=program, upstream=upstream.folder))
    before = objects(project)
    for verb in VERBS:
        ran = project.run(*verb)
        assert "this is a bug" not in ran.err, (verb, ran)
        assert not (tmp_path / "started").exists(), verb
    assert objects(project) == before


def objects(project: Project) -> set[Path]:
    return {path for path in (project.folder / ".git" / "objects").rglob("*") if path.is_file()}


def test_a_command_of_the_configuration_would_be_started_by_plain_git(upstream: Project, tmp_path: Path) -> None:
    """The canary is alive: git without the settings of ``store.git`` starts it."""
    project = clone(upstream, "--filter=blob:none")
    program = canary(tmp_path)
    poison(project, program, f"ext::{program} %S")
    command = ["git", "-C", str(project.folder), "cat-file", "-p", "HEAD~1:storyboard.yaml"]
    subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (tmp_path / "started").exists()


@pytest.mark.parametrize("verb", [("diff", "HEAD~1"), ("log", "b")])
def test_diff_and_log_in_a_partial_clone_name_what_is_missing_and_how_to_fetch_it(
    upstream: Project, verb: tuple[str, ...]
) -> None:
    project = clone(upstream, "--filter=blob:none")
    before = missing(project)
    error = project.refused(1, *verb)
    assert (error["code"], "storyboard.yaml" in error["message"]) == ("git", True)
    assert "lacks the content" in error["message"]
    assert "git fetch --refetch --no-filter" in error["help"]
    assert missing(project) == before != set()


def test_what_a_partial_clone_is_advised_to_run_makes_it_whole(upstream: Project) -> None:
    project = clone(upstream, "--filter=blob:none")
    [command] = next_of(project.run("diff", "HEAD~1", "--json"))
    project.git(*command.split()[1:])
    assert not missing(project)
    assert "b" in project.said("diff", "HEAD~1")


def next_of(ran: Ran) -> list[str]:
    found: list[str] = json.loads(ran.out)["next"]
    return found


@pytest.mark.parametrize("filtered", ["blob:none", "tree:0"])
def test_every_verb_ends_in_words_in_a_partial_clone(upstream: Project, filtered: str) -> None:
    project = clone(upstream, f"--filter={filtered}")
    for verb in VERBS:
        ran = project.run(*verb)
        assert ran.code in (0, 1), (verb, ran)
        assert "this is a bug" not in ran.err, (verb, ran)
        if ran.code:
            assert "git fetch --refetch --no-filter" in ran.err, (verb, ran)


def test_a_missing_object_is_told_from_a_missing_file_by_a_git_that_does_not_fetch(upstream: Project) -> None:
    """A git from 2.45 on answers `missing` in both cases; so does any git in a clone that promises nothing."""
    blob = upstream.git("rev-parse", "HEAD~1:storyboard.yaml")
    (upstream.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    error = upstream.refused(1, "diff", "HEAD~1")
    assert "lacks the content" in error["message"]


def test_cache_gc_in_a_partial_clone_deletes_nothing_and_names_the_way_out(upstream: Project) -> None:
    upstream.said("build")
    upstream.commit("Three")
    upstream.edit("a river at night", "a river at noon")
    upstream.said("build")
    upstream.commit("Four")
    upstream.git("branch", "old", "HEAD~1")
    project = clone(upstream, "--filter=blob:none", "--no-single-branch")
    error = project.refused(1, "cache", "gc", "--delete")
    assert "origin/old:storyboard" in error["message"]
    assert "git fetch --refetch --no-filter" in error["message"]


def test_git_is_started_with_no_protocol_allowed() -> None:
    from storyboard.store import git as module

    assert module._ENVIRONMENT["GIT_ALLOW_PROTOCOL"] == "none"
    assert module._ENVIRONMENT["GIT_NO_LAZY_FETCH"] == "1"


@pytest.mark.parametrize("file", ["config", "HEAD", "objects"])
@pytest.mark.parametrize("verb", [("diff",), ("log", "b"), ("why", "b")], ids=" ".join)
def test_a_pipe_in_the_place_of_a_file_of_git_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, verb: tuple[str, ...]
) -> None:
    project = Project(tmp_path / "film", repository=True)
    project.commit("One")
    project.edit("a forest at dawn", "a forest at dusk")
    path = project.folder / ".git" / file
    if file == "objects":
        path /= git(project.folder, "rev-parse", "HEAD:storyboard.yaml").strip()[:2]
        path /= git(project.folder, "rev-parse", "HEAD:storyboard.yaml").strip()[2:]
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr("storyboard.store.git._MOST_SECONDS", 0.5)
    ran = project.run(*verb)
    assert ran.code == (0 if verb[0] == "why" else 1), ran
    assert "bug" not in ran.err
    assert ran.code == 0 or "error[git]" in ran.err


def test_an_object_of_git_that_unpacks_to_gigabytes_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path / "film", repository=True)
    project.file.write_text(project.file.read_text() + "#" * 2_000_000)
    project.commit("One")
    monkeypatch.setattr("storyboard.store.git._MOST_BYTES", 1 << 20)
    ran = project.run("diff")
    assert ran.code == 1, ran
    assert "is larger than 1 MiB" in ran.err
