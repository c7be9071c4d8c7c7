"""Read-only access to git: revisions, files at a revision, and the commits that changed given paths.

Runs the git program with argument lists. Nothing is written and nothing is fetched: no hook, filter, remote helper or
other program that the configuration of the repository names is started. An object that a partial clone lacks raises
``MissingObject``.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from msgspec import Struct

from storyboard.core.results import Commit

if TYPE_CHECKING:
    import subprocess

_QUIET = (
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    "--no-replace-objects",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "log.showSignature=false"),
    *(
        "-c",
        "safe.bareRepository=explicit",
    ),  # a folder laid out like a bare repository would bring its own configuration
)
# Allow no protocol: `none` is the name of none. Configuration cannot do this, since that of a repository can allow a
# protocol by name. A git from 2.45 on, which supports the second variable, does not try to fetch; an older one tries,
# and the first variable stops it before a program or a connection is started. Messages are in English, to be read here.
_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_LACKING = re.compile(r"promisor remote|missing|unable to read|unable to find|not a tree object|bad object")
# A pipe among the files of a repository would be waited for without end; the log of a repository of a million commits
# takes a minute.
_MOST_SECONDS = 180.0
# Read at once: an object of a few megabytes may unpack to any size.
_MOST_BYTES = 1 << 30
FETCH_ALL = "git fetch --refetch --no-filter"
_COMMIT = "%H%x00%P%x00%an%x00%aI%x00%s"


class GitProblem(Exception):
    """A git program, repository or answer that is missing; the text states which."""


class NoSuchRevision(GitProblem):
    """An unknown revision; ``name`` is the name that was passed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"git has no revision {name!r}")
        self.name = name


class MissingObject(GitProblem):
    """An object that a commit or tree names and that the repository does not hold."""

    def __init__(self, name: str) -> None:
        super().__init__(f"git lacks the content of {name}, as in a clone that was made with `--filter`")


class GitBlob(Struct, frozen=True):
    """One file in git: its object id and its bytes."""

    id: str
    data: bytes


class Git:
    """The repository that contains *folder*. Raises ``GitProblem`` if there is none. Close it, or use ``with``.

    Paths are relative to *folder*, with forward slashes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = self.run("rev-parse", "--show-prefix").removesuffix("\n")
        self._batch: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads objects."""
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.communicate()

    def run(self, *words: str) -> str:
        """Run git with the arguments *words* and return its output.

        Raises ``MissingObject``, or ``GitProblem`` with the last line of git if it fails otherwise.
        """
        return _run_git(self._folder, *words)

    def commit(self, name: str) -> str:
        """Return the id of the commit that a revision names. Raises ``NoSuchRevision``."""
        if name.startswith("-") or not name or "\n" in name:
            raise NoSuchRevision(name)
        try:
            return self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
        except GitProblem:
            raise NoSuchRevision(name) from None

    def has_commits(self) -> bool:
        """Return whether the repository has a commit."""
        try:
            self.commit("HEAD")
        except NoSuchRevision:
            return False
        return True

    def file(self, commit: str, path: str) -> GitBlob | None:
        """Return a file at a commit, following links inside the repository; ``None`` if there is none."""
        return self.blob(f"{commit}:{self._prefix}{path}")

    def commits(self, paths: Iterable[str], start: str = "HEAD", limit: int | None = None) -> list[Commit]:
        """Return the commits up to *start* that changed any of *paths*, newest first, a commit before its parents."""
        count = [f"--max-count={limit}"] if limit is not None else []
        words = ["log", "--topo-order", "--parents", "-z", "--no-color", f"--format={_COMMIT}", *count, start, "--"]
        fields = self.run(*words, *paths).split("\0")
        return [
            Commit(fields[at], tuple(fields[at + 1].split()), *fields[at + 2 : at + 5])
            for at in range(0, len(fields) - 4, 5)
        ]

    def blob(self, name: str) -> GitBlob | None:
        """Return the object with any name that git accepts; ``None`` if it is no file.

        Raises ``MissingObject`` and ``GitProblem``, also for an object over 1 GiB and a git that gives no answer.
        """
        if "\n" in name:
            return None
        batch = self._open_batch()
        request, answer = _pipes(batch)
        watchdog = Timer(_MOST_SECONDS, batch.kill)
        watchdog.start()
        try:
            request.write(name.encode(errors="surrogateescape") + b"\n")
            request.flush()
            line = answer.readline()
        except BrokenPipeError:
            line = b""
        finally:
            watchdog.cancel()
        if not line:
            self.close()
            raise self._explain_end(name)
        head = line.split(b" ")
        state = head[-1].rstrip()
        if state == b"missing" and self._is_named(name):
            raise MissingObject(name)
        if state in (b"missing", b"ambiguous", b"submodule"):
            return None
        size = int(head[-1])
        if size > _MOST_BYTES:
            batch.kill()
            self.close()
            raise GitProblem(f"{name} is larger than {_MOST_BYTES >> 20} MiB")
        data = answer.read(size + 1)
        if len(data) != size + 1:
            raise GitProblem("git cat-file ended in the middle of an object")
        return GitBlob(head[0].decode(), data[:-1]) if len(head) == 3 and head[1] == b"blob" else None

    def _explain_end(self, name: str) -> GitProblem:
        """Return why ``cat-file`` ended at the object *name*: an older git does so where it may not fetch."""
        try:
            self.run("cat-file", "-e", name)
        except MissingObject:
            return MissingObject(name)
        except GitProblem:
            pass
        return GitProblem(f"git cannot read {name}")

    def _is_named(self, name: str) -> bool:
        """Return whether a tree or the index has an entry called *name*, or git cannot read the trees above it."""
        commit, colon, path = name.partition(":")
        words = ("ls-tree", "-z", "--full-tree", commit, "--", path) if colon else ("rev-parse", "--verify", name)
        try:
            return bool(self.run(*words))
        except MissingObject:
            return True
        except GitProblem:
            return False

    def _open_batch(self) -> "subprocess.Popen[bytes]":
        import subprocess

        if self._batch is None:
            self._batch = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                ["git", "-C", str(self._folder), *_QUIET, "cat-file", "--batch", "--follow-symlinks"],  # noqa: S607
                env={**os.environ, **_ENVIRONMENT},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._batch


def in_repository(folder: Path) -> bool:
    """Return whether *folder* lies in a repository."""
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def tracked_below(folder: Path, name: str) -> tuple[str, ...]:
    """Return the files below *name* in *folder* that are in git's index, relative to *folder*; none if git fails.

    Case is ignored, as on the file systems of macOS and Windows.
    """
    if not os.path.lexists(folder / name) or not in_repository(folder):
        return ()
    try:
        listed = _run_git(folder, "--no-literal-pathspecs", "--icase-pathspecs", "ls-files", "-z", "--", name)
    except GitProblem:
        return ()
    return tuple(filter(None, listed.split("\0")))


def _run_git(folder: Path, *words: str) -> str:
    import subprocess  # slow to import, and most commands run no git

    try:
        done = subprocess.run(  # noqa: S603 - a list of words, no shell
            ["git", "-C", str(folder), *_QUIET, *words],  # noqa: S607 - the git of this machine
            env={**os.environ, **_ENVIRONMENT},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=_MOST_SECONDS,
        )
    except FileNotFoundError:
        raise GitProblem("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitProblem(
            f"git {words[0]} gave no answer in {_MOST_SECONDS:.0f} s; a file in .git may be a pipe"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if _LACKING.search("\n".join(said)) and words[0] != "rev-parse":
            raise MissingObject("a version")
        raise GitProblem(said[-1].removeprefix("fatal: ") if said else f"git {words[0]} failed")
    return done.stdout.decode(errors="surrogateescape")


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise GitProblem("git cat-file has no pipes")
    return process.stdin, process.stdout
