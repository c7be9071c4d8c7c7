"""No file of a project is run as code, whatever it is called, and no program that is started is given a key."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from storyboard.store.journal import Job, Journal
from tests.gits import AUTHOR, git
from tests.inside import Ran
from tests.media.clips import make
from tests.project import HEADER, HERE, Project

KEY = "canary-51c0ffee"
# Every library is used: takes, a picture between them, footage, stills, cards, burnt captions, a track, loudness.
FILM = """\
audio: [{file: music.wav, gain: -6}]
scenes:
  - id: one
    shots:
      - {id: own, clip: own.mp4, caption: Its own}
      - {id: still, image: {file: still.png, duration: 0.5}, transition: {type: dissolve, duration: 0.25}}
      - {id: end, card: {text: The end, duration: 0.5}}
"""
DRAWN = """\
      - {id: a, prompt: a cat, duration: 1}
      - {id: b, prompt: a dog, duration: 1, first_frame: {shot: a, at: last}}
"""
OUTPUT = HEADER.replace("fps: 12", "fps: 12, captions: burn, loudness: -14")
# As the console script that is installed, but that it knows the tiny model.
SCRIPT = """\
import sys
from tests import tiny
tiny.install()
from storyboard.cli.entry import main
if __name__ == "__main__":
    sys.exit(main())
"""
READING = (["check"], ["plan"], ["status"], ["why", "own"], ["log", "a"], ["diff", "HEAD~1..HEAD"], ["takes", "a"])
OTHERS = (["graph"], ["models"], ["doctor"], ["cost"], ["cache", "verify"], ["schema"], ["--help"], ["--version"])


class Hostile:
    """A project with files that leave a mark when they are run, and the program, started in it."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder / "film")
        self.project.write(FILM + DRAWN, OUTPUT.replace("audio:", ""))
        self.folder = self.project.folder
        make(self.folder / "own.mp4", 12)
        Image.new("RGB", (64, 36), "navy").save(self.folder / "still.png")
        _tone(self.folder / "music.wav")
        self.marks = folder / "marks"
        self.marks.mkdir()
        self.script = folder / "bin" / "storyboard"
        self.script.parent.mkdir()
        self.script.write_text(SCRIPT)

    def without_takes(self) -> None:
        """What the program that is not the tests' own knows all of."""
        self.project.write(FILM, OUTPUT.replace("model: tiny:1\n", ""))

    def source(self, name: str) -> str:
        """A module that writes down that it runs, and what it finds in the environment."""
        return (
            "import posix\n"
            f"mark = posix.open({str(self.marks / name)!r}, posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND)\n"
            "posix.write(mark, b'\\n'.join([b'run', *posix.environ]))\n"
            "posix.close(mark)\n"
        )

    def module(self, name: str) -> None:
        (self.folder / f"{name}.py").write_text(self.source(name))

    def package(self, name: str) -> None:
        (self.folder / name).mkdir()
        (self.folder / name / "__init__.py").write_text(self.source(name))

    def program(self, name: str) -> None:
        """A program that leaves its mark, and then does nothing."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\nenv > {self.marks / name}\n")
        path.chmod(0o755)

    def plugged(self, group: str, name: str) -> None:
        """A distribution in the project with one entry point, beside the module that it names."""
        about = self.folder / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}:begin\n")
        (self.folder / f"{name}.py").write_text(self.source(name) + "def begin():\n    return {}\n")

    def open_job(self, provider: str) -> None:
        """A job in the journal, so that a build has to ask *provider* about it."""
        job = Job("00000000-job", "0" * 64, 0, "a", provider, "tiny:1", "0" * 64, {}, "0.12", 0.0)
        Journal(self.folder / ".storyboard" / "journal").open(job)

    def commit(self) -> None:
        """Two commits, so that there is something to compare."""
        git(self.folder, "init", "-q")
        for subject in ("One", "Two"):
            git(self.folder, "add", "storyboard.yaml", "own.mp4", "still.png", "music.wav")
            git(self.folder, "commit", "-q", "--allow-empty", "-m", subject)

    def run(self, *words: str, env: dict[str, str] | None = None) -> Ran:
        """As the console script."""
        return self.started([str(self.script), *words], env)

    def run_module(self, *words: str, env: dict[str, str] | None = None) -> Ran:
        """As ``python -m storyboard``."""
        return self.started(["-m", "storyboard", *words], env)

    def started(self, words: list[str], env: dict[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**os.environ, **AUTHOR, "PYTHONPATH": str(HERE), "RUNWARE_API_KEY": KEY, **(env or {})},
            capture_output=True,
            text=True,
            timeout=90,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def marked(self) -> list[str]:
        """What has been run."""
        return sorted(path.name for path in self.marks.iterdir())


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    return Hostile(tmp_path)


def _tone(path: Path) -> None:
    import wave

    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(48000)
        sound.writeframes((np.sin(np.arange(96000) / 20) * 9000).astype("<i2").tobytes())


def standard_modules() -> set[str]:
    return {name for name in sys.stdlib_module_names if name.isidentifier()}


def library_modules() -> set[str]:
    """Every name that a distribution which we need, or which that needs, can be imported by."""
    names: set[str] = set()
    seen: set[str] = set()
    left = ["storyboard-build"]
    while left:
        wanted = left.pop()
        try:
            found = distribution(wanted)
        except PackageNotFoundError:  # needed elsewhere, on another system or version
            continue
        if found.name not in seen:
            seen.add(found.name)
            names |= set(_top_names(found.files or ()))
            left += [re.split(r"[^\w.-]", need)[0] for need in found.requires or () if "extra ==" not in need]
    return names - {"storyboard"}


def _top_names(files: object) -> Iterator[str]:
    for file in files:  # type: ignore[attr-defined]
        top = file.parts[0].split(".")[0]
        if top.isidentifier() and not file.parts[0].endswith(".dist-info"):
            yield top


def loaded_before(folder: Path, *flags: str) -> set[str]:
    """What an interpreter has loaded when it runs the first line of a module by ``-m``, in an empty folder."""
    folder.mkdir()
    (folder / "blank.py").write_text("import sys; print(*sys.modules)")
    words = [sys.executable, *flags, "-m", "blank"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_the_libraries_are_found() -> None:
    known = {"yaml", "jsonschema", "httpx", "httpcore", "networkx", "moviepy", "dotenv", "click", "av", "rich", "PIL"}
    assert known | {"msgspec", "filelock", "numpy", "imageio_ffmpeg", "pygments", "attr"} <= library_modules()


@pytest.mark.parametrize("packages", [False, True], ids=["modules", "packages"])
def test_no_file_of_the_project_is_run(hostile: Hostile, packages: bool) -> None:
    names = standard_modules() | library_modules() | {"storyboard", "tests", "sitecustomize", "usercustomize"}
    hostile.commit()
    for name in sorted(names):
        if not packages:
            hostile.module(name)
        elif name in ("multiprocessing", "numpy", "encodings", "av", "socket", "concurrent", "msgspec", "storyboard"):
            hostile.package(name)
    ran = hostile.run("build", "--json", "-j", "2")
    assert ran.code == 0, ran
    assert hostile.marked() == []
    assert ran.data["films"]
    assert hostile.project.film.exists()
    for words in [*READING, *OTHERS] if not packages else []:
        told = hostile.run(*words)
        assert told.code == 0, told
    assert hostile.marked() == []


def test_run_as_a_module_it_runs_nothing_that_python_has_not_loaded_before(hostile: Hostile, tmp_path: Path) -> None:
    names = standard_modules() | library_modules() | {"sitecustomize", "usercustomize"}
    hostile.without_takes()
    hostile.commit()
    for name in sorted(names - loaded_before(tmp_path / "blank")):
        hostile.module(name)
    ran = hostile.run_module("build", "--json")
    assert ran.code == 0, ran
    for words in [*READING[:4], ["log", "own"], *OTHERS]:
        told = hostile.run_module(*words)
        assert told.code == 0, told
    assert hostile.marked() == []


def test_run_as_a_module_with_a_safe_path_it_runs_nothing_at_all(hostile: Hostile) -> None:
    hostile.without_takes()
    for name in sorted(standard_modules() | library_modules() | {"storyboard", "sitecustomize"}):
        hostile.module(name)
    ran = hostile.started(["-P", "-m", "storyboard", "build"])
    assert ran.code == 0, ran
    assert hostile.marked() == []


def test_an_empty_entry_in_pythonpath_is_no_way_in(hostile: Hostile, tmp_path: Path) -> None:
    hostile.without_takes()
    for name in sorted((standard_modules() | library_modules()) - loaded_before(tmp_path / "blank")):
        hostile.module(name)
    script = hostile.script.parent / "plain"
    script.write_text("from storyboard.cli.entry import main\nmain()\n")
    ran = hostile.started([str(script), "build"], {"PYTHONPATH": f"{HERE}:"})
    assert ran.code == 0, ran
    assert hostile.marked() == []


def test_a_project_that_python_itself_trips_over_builds_with_the_script(hostile: Hostile) -> None:
    (hostile.folder / "types.py").write_text("CAMERAS = ('wide', 'close')\n")
    (hostile.folder / "signal.py").write_text("raise SystemExit('a script of the team')\n")
    ran = hostile.run("build")
    assert ran.code == 0, ran


@pytest.mark.parametrize("way", ["run", "run_module"])
def test_a_distribution_in_the_project_plugs_nothing_in(hostile: Hostile, way: str) -> None:
    hostile.without_takes()
    hostile.plugged("networkx.backends", "fastgraphs")
    hostile.plugged("networkx.backend_info", "graphfacts")
    ran = getattr(hostile, way)("build")
    assert ran.code == 0, ran
    hostile.plugged("storyboard.providers", "acme")
    hostile.open_job("acme")
    ran = getattr(hostile, way)("build", env={"STORYBOARD_YES": "1", "STORYBOARD_MAX_COST": "1"})
    assert ran.code == 0, ran
    assert "is left alone: the provider `acme` is not installed" in ran.err
    assert hostile.marked() == []


def test_an_entry_in_path_that_is_the_working_folder_finds_no_program(hostile: Hostile) -> None:
    hostile.commit()
    for name in ("git", "ffplay", "ffmpeg", "python", "python3"):
        hostile.program(name)
    for path in (f".:{os.environ['PATH']}", f":{os.environ['PATH']}"):
        ran = hostile.run("build", env={"PATH": path})
        assert ran.code == 0, ran
        assert hostile.run("log", "own", env={"PATH": path}).code == 0
        assert hostile.marked() == []


def test_no_program_is_given_a_key(hostile: Hostile, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "ffplay"):
        hostile.program(name)
        (hostile.folder / name).rename(programs / name)
    settings = {"PATH": f"{programs}:{os.environ['PATH']}", "ACME_API_KEY": KEY}
    for words in (["build"], ["log", "own"], ["diff", "HEAD"], ["why", "own"], ["cache", "gc"]):
        hostile.run(*words, env=settings)
    assert hostile.marked() == ["ffplay", "git"]
    for mark in hostile.marks.iterdir():
        assert "PATH=" in mark.read_text()
        assert KEY not in mark.read_text()


def test_the_doctor_still_sees_a_key_that_has_left_the_environment(hostile: Hostile) -> None:
    assert hostile.run("doctor", "--json").data["keys"] == {"RUNWARE_API_KEY": True, "RUNWARE_API_KEY_FILE": False}
    there = hostile.run("doctor", "--json", env={"RUNWARE_API_KEY": " ", "RUNWARE_API_KEY_FILE": "key"})
    assert there.data["keys"] == {"RUNWARE_API_KEY": False, "RUNWARE_API_KEY_FILE": True}
