"""Storyboards read from git, with their lockfiles and pictures, for the verbs that look back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from storyboard.cli.exits import Exit
from storyboard.cli.output import Speaker, problem
from storyboard.cli.project import Project
from storyboard.core.model import Storyboard, UrlInput
from storyboard.document.paths import BadPath, in_project

if TYPE_CHECKING:
    from storyboard.build.versions import Written
    from storyboard.document.load import Loaded
    from storyboard.store.git import Git

_INCLUDE = re.compile(r"""\binclude\s*:\s*["']?([^\s"'{}\[\],#]+)""")
NO_GIT = "commit the storyboard and its lockfile to git to use this"


class Read(Struct):
    """What a commit holds of a storyboard: ``written`` is ``None`` if it is not there or not in order.

    ``trouble`` says what is wrong with it or with its lockfile, which then counts as empty.
    """

    commit: str
    loaded: "Loaded | None"
    written: "Written | None"
    trouble: str = ""


class Past:
    """The versions of one storyboard in git; each commit is read once."""

    def __init__(self, git: "Git", project: Project, file: str, provider: str | None) -> None:
        self.git = git
        self.file = file
        self._cards = project.cards
        self._provider = provider
        self._read: dict[str, Read] = {}

    def at(self, commit: str) -> Read:
        """The storyboard in a commit."""
        if commit not in self._read:
            self._read[commit] = self._at(commit)
        return self._read[commit]

    def troubles(self) -> list[str]:
        """What is wrong with the versions that have been read."""
        return [f"{commit[:10]}: {read.trouble}" for commit, read in self._read.items() if read.trouble]

    def includes(self, commit: str) -> set[str]:
        """Files that the storyboard may include in a commit, told from its text without reading it as YAML."""
        text = self._bytes(commit, self.file) or b""
        found = set()
        for name in _INCLUDE.findall(text.decode(errors="replace")):
            with suppress(BadPath):
                found.add(in_project(name, self.file))
        return found

    def _at(self, commit: str) -> Read:
        from storyboard.build.versions import Written
        from storyboard.document.gitfiles import GitFiles
        from storyboard.document.load import load
        from storyboard.store.lockfile import Lockfile, LockfileProblem, loads

        files = GitFiles(lambda path: self._bytes(commit, path))
        if self._bytes(commit, self.file) is None:
            return Read(commit, None, None, f"there is no {self.file} in it")
        loaded = load(self.file, files, self._cards, provider=self._provider)
        storyboard = loaded.storyboard
        if storyboard is None:
            errors = [finding for finding in loaded.findings if finding.severity == "error"]
            return Read(commit, loaded, None, f"the storyboard has errors: {errors[0].message}" if errors else "")
        trouble, lockfile = "", Lockfile()
        try:
            text = self._bytes(commit, storyboard.lockfile)
            lockfile = loads(text.decode(errors="replace")) if text is not None else lockfile
        except LockfileProblem as bad:
            trouble = f"{storyboard.lockfile}: {bad.reason}"
        digests = {path: files.digest(path) for path in project_files(storyboard)}
        return Read(commit, loaded, Written(storyboard, lockfile, digests), trouble)

    def _bytes(self, commit: str, path: str) -> bytes | None:
        blob = self.git.file(commit, path)
        return blob.data if blob is not None else None


def project_files(storyboard: Storyboard) -> list[str]:
    """The pictures, clips and fonts that a film is made of, by their paths in the project."""
    return list(dict.fromkeys(file.path for file in storyboard.files()))


@contextmanager
def history(speaker: Speaker, project: Project, file: str, provider: str | None) -> Iterator[Past]:
    """The versions in git. Ends the verb if there is no git, or if it cannot answer."""
    from storyboard.store.git import Git, GitProblem, NoSuchRevision

    try:
        with Git(project.root) as git:
            yield Past(git, project, file, provider)
    except NoSuchRevision as bad:
        raise click.UsageError(str(bad)) from bad
    except GitProblem as bad:
        speaker.refuse(Exit.FAILED, [problem("git", str(bad), NO_GIT)])


def working(speaker: Speaker, project: Project, storyboard: Storyboard) -> "Written":
    """The storyboard as it lies on the disk. Ends the verb if its lockfile cannot be read."""
    from storyboard.build.pictures import known_pictures
    from storyboard.build.versions import Written
    from storyboard.build.workspace import Workspace
    from storyboard.store.lockfile import LockfileProblem, read

    lockfile = project.root / storyboard.lockfile
    try:
        locked = read(lockfile)
    except LockfileProblem as bad:
        place = f"{lockfile}:{bad.line}" if bad.line else str(lockfile)
        speaker.refuse(Exit.FAILED, [problem("lockfile", f"{place}: {bad.reason}", bad.help)])
    urls = {frame.url for _, frame in storyboard.pictures() if isinstance(frame, UrlInput)}
    with Workspace(project.state(), storyboard, writable=False) as workspace:
        files = workspace.digests(storyboard) | known_pictures(workspace, urls)
    return Written(storyboard, locked, files)
