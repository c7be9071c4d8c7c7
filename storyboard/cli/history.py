"""The history of a storyboard and of a shot in git: versions with their lockfiles and pictures."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import click
from msgspec import Struct

from storyboard.cli.open_session import fail_on_lockfile
from storyboard.cli.output import CommandOutput, Exit, problem
from storyboard.cli.project import Project
from storyboard.core.compare import Version
from storyboard.core.keys import is_frame
from storyboard.core.lockfile_plan import LockedLengths
from storyboard.core.model import PICTURE_FIELDS, FileInput, Storyboard, UrlInput, lockfile_path
from storyboard.core.plan import Step
from storyboard.core.results import Commit
from storyboard.core.shot_history import Node, ShotVersion, shot_versions
from storyboard.document.load import Loaded, load
from storyboard.document.paths import BadPath, project_path
from storyboard.document.project_files import GitFiles
from storyboard.engine.project_store import ProjectStore
from storyboard.engine.url_inputs import converted_pictures, known_pictures
from storyboard.engine.versions import StoryboardVersion, plan_from_lockfile
from storyboard.pictures import picture_facts
from storyboard.store.git import FETCH_ALL, Git, GitProblem, MissingObject, NoSuchRevision
from storyboard.store.lockfile import Lockfile, LockfileProblem, loads, read

_INCLUDE = re.compile(r"""\binclude\s*:\s*["']?([^\s"'{}\[\],#]+)""")
FETCH = f"run `{FETCH_ALL}`, which fetches all content; storyboard itself fetches nothing"
NO_GIT = "commit the storyboard and its lockfile to git"


class VersionFiles(Struct):
    """A storyboard in a commit; ``written`` is ``None`` if it is missing or has errors.

    ``error`` is an error of the storyboard or of its lockfile, which then counts as empty.
    """

    commit: str
    loaded: Loaded | None
    written: StoryboardVersion | None
    error: str = ""


class GitHistory:
    """The versions of one storyboard in git. Each commit is read once."""

    def __init__(self, git: Git, project: Project, file: str, provider: str | None) -> None:
        self.git = git
        self.file = file
        self._cards = project.cards
        self._provider = provider
        self._read: dict[str, VersionFiles] = {}

    def at(self, commit: str) -> VersionFiles:
        """Return the storyboard in a commit."""
        if commit not in self._read:
            self._read[commit] = self._read_version(commit)
        return self._read[commit]

    def errors(self) -> list[str]:
        """Return the errors of the versions read so far, each with its commit."""
        return [f"{commit[:10]}: {read.error}" for commit, read in self._read.items() if read.error]

    def includes(self, commit: str) -> set[str]:
        """Return the files that the storyboard may include in a commit, found in its text without a YAML parser."""
        text = self._read_file(commit, self.file) or b""
        found = set()
        for name in _INCLUDE.findall(text.decode(errors="replace")):
            with suppress(BadPath):
                found.add(project_path(name, self.file))
        return found

    def _read_version(self, commit: str) -> VersionFiles:

        files = GitFiles(lambda path: self._read_file(commit, path))
        if self._read_file(commit, self.file) is None:
            return VersionFiles(commit, None, None, f"this commit has no {self.file}")
        error, lockfile = self._read_lockfile(commit)
        lengths = LockedLengths(lambda: lockfile.shots, digest=files.digest)
        loaded = load(self.file, files, self._cards, provider=self._provider, take_length=lengths)
        storyboard = loaded.storyboard
        if storyboard is None:
            errors = [finding for finding in loaded.findings if finding.severity == "error"]
            return VersionFiles(
                commit, loaded, None, f"the storyboard has errors: {errors[0].message}" if errors else ""
            )
        digests = {path: files.digest(path) for path in project_files(storyboard)}
        converted = frozenset(_converted_pictures(storyboard, digests, files))
        return VersionFiles(commit, loaded, StoryboardVersion(storyboard, lockfile, digests, converted), error)

    def _read_lockfile(self, commit: str) -> tuple[str, Lockfile]:
        """Return the lockfile in a commit, after the error for which it counts as empty, if any."""
        name = lockfile_path(self.file)
        text = self._read_file(commit, name)
        try:
            return "", loads(text.decode(errors="replace")) if text is not None else Lockfile()
        except LockfileProblem as bad:
            return f"{name}: {bad.reason}", Lockfile()

    def _read_file(self, commit: str, path: str) -> bytes | None:
        blob = self.git.file(commit, path)
        return blob.data if blob is not None else None


def _converted_pictures(storyboard: Storyboard, digests: Mapping[str, str], files: GitFiles) -> Iterator[str]:
    """Yield the digests of the pictures of a commit that are converted before they are sent.

    A picture in git LFS counts as one that is sent as it lies, unless it is among the working files as well.
    """
    for path in {frame.path for _, frame in storyboard.pictures() if isinstance(frame, FileInput)}:
        if picture_facts(None, digests[path], partial(files.read, path)).traits:
            yield digests[path]


def project_files(storyboard: Storyboard) -> list[str]:
    """Return the project paths of all input files of a film, each once."""
    return list(dict.fromkeys(file.path for file in storyboard.files()))


@contextmanager
def open_history(output: CommandOutput, project: Project, file: str, provider: str | None) -> Iterator[GitHistory]:
    """Open the versions in git. Ends the verb if git is missing or fails."""
    try:
        with Git(project.root) as git:
            yield GitHistory(git, project, file, provider)
    except NoSuchRevision as bad:
        raise click.UsageError(str(bad)) from bad
    except MissingObject as bad:
        output.fail(Exit.FAILED, [problem("git", str(bad), FETCH)], next_commands=[FETCH_ALL])
    except GitProblem as bad:
        output.fail(Exit.FAILED, [problem("git", str(bad), NO_GIT)])


def working_version(output: CommandOutput, project: Project, storyboard: Storyboard) -> StoryboardVersion:
    """Return the version in the working tree. Ends the verb if its lockfile cannot be read."""
    lockfile = project.root / storyboard.lockfile
    try:
        locked = read(lockfile)
    except LockfileProblem as bad:
        fail_on_lockfile(output, lockfile, bad)
    urls = {frame.url for _, frame in storyboard.pictures() if isinstance(frame, UrlInput)}
    with ProjectStore(project.state(), storyboard, locked, writable=False) as store:
        files = store.input_digests() | known_pictures(store, urls)
        converted = converted_pictures(store, storyboard, files)
    return StoryboardVersion(storyboard, locked, files, converted)


HERE = ""
_MOST_COMMITS = 1000


class ShotHistory:
    """The history of single shots. ``commits``, by id, are those that changed a file of the storyboard."""

    def __init__(self, past: GitHistory, here: StoryboardVersion, files: list[str]) -> None:
        self._past = past
        self._here = here
        self._steps: dict[str, Mapping[str, Step]] = {}
        paths = {*files, here.storyboard.lockfile, *here.files}
        found: list[Commit] = []
        if past.git.has_commits():
            for commit in past.git.commits([past.file], limit=_MOST_COMMITS):
                paths |= past.includes(commit.id)
            found = past.git.commits(sorted(paths), limit=_MOST_COMMITS)
        self.commits: dict[str, Commit] = {commit.id: commit for commit in found}

    def moments(self, shot: str, *, pictures: bool = False) -> Iterator[ShotVersion]:
        """Yield the versions in which the request of *shot* changed, newest first.

        With *pictures*, linked frames count by their content.
        """
        top = tuple(list(self.commits)[:1])
        nodes = [Node(HERE, top), *(Node(commit.id, commit.parents) for commit in self.commits.values())]
        pictures_of = self._linked_pictures if pictures else lambda _version, _shot: {}
        return shot_versions(nodes, self._comparable, shot, pictures_of)

    def written(self, version: str) -> StoryboardVersion | None:
        """Return the version in a commit, or in the working tree for ``HERE``."""
        return self._here if version == HERE else self._past.at(version).written

    def step(self, version: str, shot: str) -> Step | None:
        """Return the planner's step of a shot in a version, with that version's lockfile only."""
        if version not in self._steps:
            written = self.written(version)
            takes = plan_from_lockfile(written).takes() if written is not None else []
            self._steps[version] = {step.action.shot: step for step in takes}
        return self._steps[version].get(shot)

    def _comparable(self, version: str) -> Version | None:

        written = self.written(version)
        return Version(written.storyboard, written.files) if written is not None else None

    def _linked_pictures(self, version: str, shot: str) -> Mapping[str, Any]:
        step = self.step(version, shot)
        request = step.request if step is not None and step.request is not None else {}
        return {f"{field} picture": request[field] for field in PICTURE_FIELDS if is_frame(request.get(field))}
