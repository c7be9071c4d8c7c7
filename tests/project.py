"""A project folder for tests of the whole program: write a storyboard, run verbs, look at what is there."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

HEADER = "version: 1\nmodel: tiny:1\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\n"
CHAIN = """\
scenes:
  - id: one
    shots:
      - {id: a, prompt: a river at night, seed: 3}
      - {id: b, prompt: a forest at dawn, seed: 4, first_frame: {shot: a, at: last}}
  - id: two
    shots:
      - {id: c, prompt: a city in the rain, seed: 5}
"""
HERE = Path(__file__).resolve().parent.parent


class Ran:
    """How a verb ended: exit code, what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:
        """The data of a ``--json`` envelope."""
        return json.loads(self.out)["data"]

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Project:
    """A folder with a ``storyboard.yaml`` that asks for tiny shots."""

    def __init__(self, folder: Path, text: str = CHAIN) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(text)

    @property
    def film(self) -> Path:
        return self.folder / "out" / "film.mp4"

    @property
    def blobs(self) -> dict[str, Path]:
        return {path.name: path for path in (self.folder / ".storyboard/cache/blobs").glob("*/*")}

    def write(self, text: str, header: str = HEADER, name: str = "storyboard.yaml") -> None:
        (self.folder / name).write_text(header + text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "storyboard.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tests.tiny", *words]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(HERE), "COLUMNS": "120", **(extra or {})}

    def run(self, *words: str, env: Mapping[str, str] | None = None, timeout: float = 90) -> Ran:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def built(self, *words: str, env: Mapping[str, str] | None = None) -> Any:
        """Build and expect it to go well; what was made and reused, as data."""
        ran = self.run("build", "--json", *words, env=env)
        assert ran.code == 0, ran
        return ran.data

    def plan(self, *words: str) -> dict[str, tuple[str, str]]:
        """What each take's step is, and why."""
        ran = self.run("plan", "--json", *words)
        assert ran.code == 0, ran
        return {step["shot"]: (step["do"], step["why"]) for step in ran.data["steps"] if step["kind"] == "take"}


def takes(made: Sequence[str]) -> list[str]:
    """The shots among the actions made."""
    return sorted(name.removeprefix("take:") for name in made if name.startswith("take:"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def decoded(path: Path) -> list[str]:
    """A hash of every decoded picture of a film, in order."""
    import av

    with av.open(str(path)) as container:
        return [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]


def rate(path: Path) -> Fraction:
    import av

    with av.open(str(path)) as container:
        found = container.streams.video[0].average_rate
        assert found is not None
        return Fraction(found.numerator, found.denominator)
