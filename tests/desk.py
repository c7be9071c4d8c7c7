"""A project whose verbs run in this very process, and what is read of it: plans, takes, the lockfile, git."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from tests.inside import errors, hasty, run
from tests.project import Project, Ran

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


class Desk:
    """One project, worked on verb by verb."""

    def __init__(self, project: Project, environment: Mapping[str, str] | None = None) -> None:
        self.project = project
        self.folder = project.folder
        self.file = project.folder / "storyboard.yaml"
        self._environment = dict(environment or {})

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        """A verb, however it ends."""
        return run(self.folder, {**self._environment, **(env or {})}, *words)

    def said(self, *words: str) -> str:
        """What a verb prints that has to go well."""
        ran = self.run(*words)
        assert ran.code == 0, ran
        return ran.out

    def data(self, *words: str) -> Any:
        """The data of a verb that has to go well."""
        ran = self.run(*words, "--json")
        assert ran.code == 0, ran
        return ran.data

    def refused(self, code: int, *words: str) -> dict[str, Any]:
        """The one error of a verb that has to end with *code*."""
        ran = self.run(*words, "--json")
        assert ran.code == code, ran
        [error] = errors(ran)
        return error

    def built(self, *words: str) -> list[str]:
        """What a build makes."""
        made: list[str] = self.data("build", *words)["made"]
        return made

    def plan(self, *words: str) -> dict[str, str]:
        """What is to be done with each take, and why, in words."""
        return self.steps(self.data("plan", *words))

    @staticmethod
    def steps(plan: Any) -> dict[str, str]:
        """The same of the data of a plan."""
        takes = [step for step in plan["steps"] if step["kind"] == "take"]
        return {step["action"].removeprefix("take:"): f"{step['do']}: {step['reason']}" for step in takes}

    def takes(self, shot: str) -> list[dict[str, Any]]:
        """The takes of a shot, the oldest first."""
        found: list[dict[str, Any]] = self.data("takes", shot)["takes"]
        return found

    def in_cut(self, shot: str) -> str:
        """The digest of the take in the cut."""
        [take] = [take["take"] for take in self.takes(shot) if take["in_cut"]]
        return str(take)

    def lock(self) -> Any:
        return json.loads((self.folder / "storyboard.lock").read_text())["shots"]

    def git(self, *words: str, ok: bool = True) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env={**os.environ, **_GIT}, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout

    def commit(self, text: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", text)


@contextmanager
def at_work(*seeds: int) -> Iterator[None]:
    """Builds in this process; fresh seeds are these, one after the other."""
    with hasty(), mock.patch("storyboard.cli.commands.take.draw", side_effect=[seed - 1 for seed in seeds]):
        yield
