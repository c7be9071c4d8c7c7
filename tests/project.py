"""The one builder of project folders for tests: write a storyboard, run verbs, read plans, takes, the lockfile and git.

Verbs run as processes, or in this process (``inside``), which takes a twentieth of the processor time.
"""

import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.gits import AUTHOR, git
from tests.inside import Ran, errors, run
from tests.runware_server.server import RunwareServer
from tests.shops import KEY

HEADER = "version: 1\nmodel: tiny:1\noutput: {file: out/film.mp4, size: 128x72, fps: 12}\nprovider: local\n"
PAID_HEADER = "version: 1\nmodel: tiny:1\nprovider: runware\noutput: {file: out/film.mp4, size: 128x72, fps: 24}\n"
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
# With the stand-in for another system, where the tests run with it.
_BARE_SYSTEM = [str(HERE / "tests/bare_system")] if os.environ.get("STORYBOARD_TEST_SYSTEM") == "bare" else []
SEARCH_PATH = os.pathsep.join([str(HERE), *_BARE_SYSTEM])


class Project:
    """A folder with a ``storyboard.yaml`` that asks for tiny shots.

    *text* follows the header; ``None`` takes the folder as it is. With a *server* shots are bought from it. With
    *inside* verbs run in this process (within ``hasty``). With *repository* the folder is a git repository, and verbs
    run inside.
    """

    def __init__(
        self,
        folder: Path,
        text: str | None = CHAIN,
        *,
        server: RunwareServer | None = None,
        inside: bool = False,
        repository: bool = False,
    ) -> None:
        self.folder = folder
        self.server = server
        self._inside = inside or repository
        self._is_repository = repository
        if text is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self.write(text)
        if repository:
            self.git("init", "-q")
            (folder / ".gitignore").write_text("out/\n.storyboard/\n")

    def in_process(self) -> "Project":
        """Return the project with verbs that run in this process."""
        other = copy.copy(self)
        other._inside = True
        return other

    # files

    @property
    def file(self) -> Path:
        return self.folder / "storyboard.yaml"

    @property
    def film(self) -> Path:
        """The film: a draft, if shots are drawn, since no server sells them."""
        texts = (path.read_text(encoding="utf-8") for path in self.folder.rglob("*.yaml"))
        is_draft = self.server is None and any("prompt:" in text for text in texts)
        return self.folder / "out" / ("film.draft.mp4" if is_draft else "film.mp4")

    @property
    def blobs(self) -> dict[str, Path]:
        return {path.name: path for path in (self.folder / ".storyboard/cache/blobs").glob("*/*")}

    def write(self, text: str, header: str | None = None, name: str = "storyboard.yaml") -> None:
        usual = HEADER if self.server is None else PAID_HEADER
        (self.folder / name).write_text((usual if header is None else header) + text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    # verbs

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tests.tiny", *words]

    def settings(self) -> dict[str, str]:
        """What the program reads of its environment to buy from the server."""
        if self.server is None:
            return {}
        return {
            "RUNWARE_BASE_URL": self.server.url,
            "RUNWARE_API_KEY": KEY,
            "STORYBOARD_POLL_INTERVAL": "0.05",
            "STORYBOARD_YES": "1",
            "STORYBOARD_MAX_COST": "20",
        }

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": SEARCH_PATH, "COLUMNS": "120", **self.settings(), **(extra or {})}

    def run(self, *words: str, env: Mapping[str, str] | None = None, timeout: float = 90) -> Ran:
        """A verb, however it ends."""
        if self._inside:
            author = AUTHOR if self._is_repository else {}
            return run(self.folder, {"COLUMNS": "120", **author, **self.settings(), **(env or {})}, *words)
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

    def said(self, *words: str) -> str:
        """What a verb prints that has to go well."""
        ran = self.run(*words)
        assert ran.code == 0, ran
        return ran.out

    def data(self, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> Any:
        """The data of a verb that ends with *code*."""
        ran = self.run(*words, "--json", env=env)
        assert ran.code == code, ran
        return ran.data

    def refused(self, code: int, *words: str) -> dict[str, Any]:
        """The one error of a verb that has to end with *code*."""
        ran = self.run(*words, "--json")
        assert ran.code == code, ran
        [error] = errors(ran)
        return error

    def build(self, *words: str, env: Mapping[str, str] | None = None) -> Any:
        """Build and expect it to go well; what was made and reused, as data."""
        return self.data("build", *words, env=env)

    def built(self, *words: str) -> list[str]:
        """Build and expect it to go well; what was made."""
        made: list[str] = self.build(*words)["made"]
        return made

    # plans, takes, the lockfile, paid jobs

    def plan(self, *words: str) -> dict[str, str]:
        """What is to be done with each take, and why, in words."""
        return self.steps(self.data("plan", *words))

    @staticmethod
    def steps(plan: Any) -> dict[str, str]:
        """The same of the data of a plan."""
        takes = [step for step in plan["steps"] if step["kind"] == "take"]
        return {step["action"].removeprefix("take:"): f"{step['do']}: {step['reason']}" for step in takes}

    def decisions(self, *words: str) -> dict[str, tuple[str, str]]:
        """What each take's step is, and why, as codes."""
        steps = self.data("plan", *words)["steps"]
        return {step["shot"]: (step["do"], step["why"]) for step in steps if step["kind"] == "take"}

    def takes(self, shot: str) -> list[dict[str, Any]]:
        """The takes of a shot, the oldest first."""
        found: list[dict[str, Any]] = self.data("takes", shot)["takes"]
        return found

    def in_cut(self, shot: str) -> str:
        """The digest of the take in the cut."""
        [take] = [take["take"] for take in self.takes(shot) if take["in_cut"]]
        return str(take)

    def lock(self) -> Any:
        return json.loads((self.folder / "storyboard.lock").read_text(encoding="utf-8"))["shots"]

    def ledger(self) -> list[dict[str, Any]]:
        path = self.folder / ".storyboard" / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def journal(self) -> list[Path]:
        return list((self.folder / ".storyboard" / "journal").glob("*.json"))

    # git

    def git(self, *words: str, ok: bool = True) -> str:
        """What git prints; it must succeed, or fail without *ok*."""
        return git(self.folder, *words, ok=ok)

    def commit(self, subject: str) -> str:
        """Commit everything; returns the id."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)
        return self.git("rev-parse", "HEAD")


def copied(template: Path, folder: Path, *, repository: bool = False) -> Project:
    """A project over a copy of *template*, cache and history included, whose verbs run in this process."""
    shutil.copytree(template, folder, symlinks=True)
    return Project(folder, None, inside=True, repository=repository)


def write_broken_clip(folder: Path) -> None:
    """``broken.mp4``: the first box of an MP4, and nothing of a video. The shot that it is fails in a build."""
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + bytes(400))


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


def decoded_pictures(path: Path) -> list[Any]:
    """Every decoded picture of a clip as RGB, shape (height, width, 3)."""
    import av

    from storyboard.media.render.color import frame_to_rgb

    with av.open(str(path)) as container:
        return [frame_to_rgb(frame) for frame in container.decode(video=0)]


def rate(path: Path) -> Fraction:
    import av

    with av.open(str(path)) as container:
        found = container.streams.video[0].average_rate
        assert found is not None
        return Fraction(found.numerator, found.denominator)
