"""Projects in real git, driven inside this very process."""

import os
import subprocess
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tests.inside import run
from tests.project import CHAIN, Project, Ran

P = TypeVar("P", bound=Project)
AUTHOR = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "editor",
    "GIT_AUTHOR_EMAIL": "ana@example.org",
    "GIT_COMMITTER_NAME": "editor",
    "GIT_COMMITTER_EMAIL": "ana@example.org",
    "GIT_AUTHOR_DATE": "2026-03-01T10:00:00+00:00",
    "GIT_COMMITTER_DATE": "2026-03-01T10:00:00+00:00",
}


def git(folder: Path, *words: str) -> str:
    """What git prints; it must succeed."""
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "init.defaultBranch=main", *words],
        env={**os.environ, **AUTHOR},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Versioned(Project):
    """A project folder that is a git repository; verbs run in this process (inside ``hasty``)."""

    settings: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, text: str = CHAIN) -> None:
        super().__init__(folder, text)
        git(folder, "init", "-q")
        (folder / ".gitignore").write_text("out/\n.storyboard/\n")

    def git(self, *words: str) -> str:
        return git(self.folder, *words)

    def commit(self, subject: str) -> str:
        """Commit everything; returns the id."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def run(self, *words: str, env: Any = None, timeout: float = 90) -> Ran:
        return run(self.folder, {**AUTHOR, **self.settings, **(env or {})}, *words)

    def json(self, *words: str, code: int = 0) -> Any:
        """The data of a verb that ends with *code*."""
        ran = self.run(*words, "--json")
        assert ran.code == code, ran
        return ran.data


def copied(template: Path, folder: Path, kind: type[P] = Versioned) -> P:  # type: ignore[assignment]
    """A project over a copy of *template*, cache and history included."""
    import shutil

    shutil.copytree(template, folder, symlinks=True)
    found = kind.__new__(kind)
    found.folder = folder
    return found
