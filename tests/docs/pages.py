"""What the README and the pages print is what the program prints: each command is run, in a film of its page.

A command stands in a block that is indented, or fenced without a language: after a dollar, with its output below it,
or alone, if nothing is said about its output. The commands of a page are run in their order, against the Runware
server of the tests; ``PAGES`` has the storyboard that a page begins with, and does what the page says in words
between them. A block of YAML whose first line is the name of a file is written into that file. Output and messages
are compared as a terminal shows them, with a last line ``exit N`` where a command does not end with 0. What no two
runs have in common is replaced on both sides by ``_VARYING``. What git prints is not compared. ``NOT_RUN`` has the
commands that no test can run, with the reason.
"""

import contextlib
import io
import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from storyboard.cli import main
from tests.gits import AUTHOR
from tests.inside import at_work
from tests.project import HERE, Project
from tests.runware_server.server import RunwareServer
from tests.shops import shop

Story = Mapping[str, Callable[[Project], object]]

# On both sides of the comparison, in this order: ids, digests, times and sizes of encoded files.
_VARYING: Mapping[str, str] = {
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b": "TASK",
    r"\b[0-9a-f]{12}\b": "DIGEST",
    r"\b[0-9a-f]{10}(?=  ?\d{4}-)": "COMMIT",
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d\+00:00)?)?": "DATE",
    r"\bin \d+\.\d s\b": "in SECONDS",
    r" *\b\d+\.\d [kM]B\b": " SIZE",
}


@dataclass
class Shown:
    """A command in a page, the words between it and the command before, and the lines of the page with its output.

    Of a command *alone* the page shows no output.
    """

    command: str
    words: str
    indent: str
    start: int
    output: list[str] = field(default_factory=list)
    alone: bool = False


@dataclass
class WrittenFile:
    """A file that a page tells to write, and its text."""

    name: str
    text: str


# First words of the lines of a block that are commands, if the block has no dollar.
_PROGRAMS = re.compile(r"(?:storyboard|python3?|pip|pipx|uv|git|pre-commit|export|sudo|bash|cd|\.|\.venv/\S+)(?: |$)")


def shown_in(page: str) -> list[Shown]:
    """Return the commands of a page, in their order."""
    return [each for each in parts_of(page) if isinstance(each, Shown)]


def parts_of(page: str) -> Iterator[Shown | WrittenFile]:
    """Yield the commands of a page, and the files that it tells to write, in their order."""
    words: list[str] = []
    for block in _blocks(page):
        if isinstance(block, str):
            words.append(block)
            continue
        name = re.fullmatch(r"# ([\w/.-]+\.yaml)", block.lines[0]) if block.language == "yaml" and block.lines else None
        if name:
            yield WrittenFile(name[1], "\n".join([*block.lines[1:], ""]))
        for each in _commands(block):
            each.words, words = " ".join(words), []
            yield each


@dataclass
class _Block:
    """A block of a page: its language, the indentation in the page, the number of its first line, its lines."""

    language: str
    indent: str
    first: int
    lines: list[str] = field(default_factory=list)


def _blocks(page: str) -> Iterator[str | _Block]:
    """Yield the blocks of a page, and the lines between them."""
    block: _Block | None = None
    fence = ""
    for number, line in enumerate(page.splitlines()):
        edge = re.match(r"(`{3,})(\w*)", line)
        if fence and line.strip() == fence and block is not None:
            yield block
            fence, block = "", None
        elif fence and block is not None:
            block.lines.append(line)
        elif edge:
            if block is not None:
                yield block
            fence, block = edge[1], _Block(edge[2], "", number + 1)
        elif line.startswith("    ") or (not line and block is not None):
            block = block or _Block("", "    ", number)
            block.lines.append(line[4:])
        else:
            if block is not None:
                yield block
            block = None
            yield line
    if block is not None:
        yield block


def _commands(block: _Block) -> list[Shown]:
    if block.language:
        return []
    found: list[Shown] = []
    has_dollar = any(line.startswith("$ ") for line in block.lines)
    for number, line in enumerate(block.lines, block.first + 1):
        if line.startswith("$ "):
            found.append(Shown(line[2:], "", block.indent, number))
        elif not has_dollar and _PROGRAMS.match(line):
            found.append(Shown(line.partition(" #")[0].strip(), "", block.indent, number, alone=True))
        elif found and has_dollar:
            found[-1].output.append(line)
    for each in found:
        each.output = _without_blank_end(each.output)
    return found


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def plain(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    for pattern, word in _VARYING.items():
        text = re.sub(pattern, word, text)
    return text.splitlines()


def first_film(page: str) -> str:
    """Return the first block of YAML of a page."""
    return page.partition("```yaml\n")[2].partition("```")[0]


class Terminal:
    """A terminal in the folder of a project, in which the commands of a page are run."""

    def __init__(self, project: Project, place: Path) -> None:
        self.project = project
        self._programs = place / "programs"
        self._programs.mkdir()
        program = self._programs / "storyboard"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.tiny "$@"\n')
        program.chmod(0o755)

    def run(self, command: str) -> list[str]:
        """Run a command and return its lines, with the last line ``exit N`` unless it ends with 0."""
        words = shlex.split(command)
        if words[0] == "cd":
            self.project.folder = self.project.folder / words[1]
            return []
        if "$(" in command:
            return self._run_in_shell(command)
        shown: list[str] = []
        for part in command.split(" && "):
            shown += self._run_inside(part)
        return shown

    def _run_inside(self, command: str) -> list[str]:
        command, _, file = command.partition(" > ")
        terminal = io.StringIO()
        with (
            contextlib.chdir(self.project.folder),
            mock.patch.dict(os.environ, self._environment),
            contextlib.redirect_stdout(terminal),
            contextlib.redirect_stderr(terminal),
        ):
            program, *words = shlex.split(command)
            assert program == "storyboard", command
            code = main.run(words)
        lines = _without_blank_end([line.rstrip() for line in terminal.getvalue().splitlines()])
        if file:
            (self.project.folder / file).write_text("\n".join([*lines, ""]), encoding="utf-8")
            lines = []
        return [*lines, f"exit {code}"] if code else lines

    def _run_in_shell(self, command: str) -> list[str]:
        search_path = os.pathsep.join([str(self._programs), os.environ["PATH"]])
        environment = {**self.project.environment(self._environment), "PATH": search_path}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.project.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        return [*lines, f"exit {done.returncode}"] if done.returncode else lines

    @property
    def _environment(self) -> dict[str, str]:
        own = {"COLUMNS": "120", "STORYBOARD_JOBS": "1", "STORYBOARD_VIEWER": "true"}
        return {**AUTHOR, **self.project.settings(), **own}


@contextlib.contextmanager
def _ticking() -> Iterator[None]:
    """Let no two takes have one time: takes are numbered by the second in which they were made."""
    start = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    times = ((start + timedelta(seconds=n)).isoformat() for n in itertools.count())
    with mock.patch("storyboard.engine.commit._now", side_effect=times):
        yield


def run_page(name: str, place: Path) -> Iterator[tuple[Shown, list[str]]]:
    """Yield each command of a page with what the program prints."""
    text = (HERE / name).read_text(encoding="utf-8")
    page = PAGES[name]
    happened = set()
    with shop(seconds_per_job=0) as server, at_work(*_SEEDS), _ticking():
        project = page.begin(place / "film", text, server)
        terminal = Terminal(project, place)
        for part in parts_of(text):
            if isinstance(part, WrittenFile):
                (project.folder / part.name).parent.mkdir(exist_ok=True)
                (project.folder / part.name).write_text(part.text, encoding="utf-8")
                continue
            for words in (words for words in page.story if words in part.words):
                happened.add(words)
                page.story[words](project)
            if part.command in NOT_RUN:
                continue
            if part.command.startswith("git "):
                project.git(*shlex.split(part.command)[1:], ok=part.output[-1:] != ["exit 1"])
                yield part, part.output
            else:
                yield part, terminal.run(part.command)
    assert happened == set(page.story), "words of the story that the page does not have"


def _build_two_branches(project: Project) -> None:
    """Start again from the first cut, with the text of one shot changed in two branches."""
    project.git("checkout", "-q", "-f", "main")
    for branch in ("noon", "dusk"):
        project.git("checkout", "-q", "-b", branch, "main")
        project.edit("at night", f"at {branch}")
        project.build()
        project.commit(branch)


_TAKES: Story = {
    "A provider may return different clips for one seed.": lambda project: project.build(),
    "A take of another request is not selected silently:": lambda project: project.edit("at night", "at noon"),
    "`hold: true` keeps the take that the lockfile names": lambda project: project.edit("at noon", "at night"),
    "After an edit of the prompt:": lambda project: project.edit("arching", "mossy"),
    "After a small edit": lambda project: project.said("release", "expedition"),
    "Here the text of `noon` was kept": _build_two_branches,
}


def _change_to_dusk(project: Project) -> None:
    project.git("checkout", "-q", "-b", "dusk")
    project.edit("at dawn", "at dusk")


def _delete_main(project: Project) -> None:
    project.git("checkout", "-q", "dusk")
    project.build()
    project.git("branch", "-q", "-D", "main")


_VERSIONS: Story = {
    "An author changes dawn to dusk": _change_to_dusk,
    "Once it is committed": lambda project: project.commit("Dusk instead of dawn"),
    "Here the shot has been renamed since": lambda project: project.edit("id: keeper", "id: quay"),
    "`--format markdown` is for a pull request": lambda project: project.commit("Quay instead of keeper"),
    "Here the seed of `quay` was changed": lambda project: project.edit("seed: 13", "seed: 14"),
    "With the seed put back": lambda project: project.edit("seed: 14", "seed: 13"),
    "After the build is committed": lambda project: project.commit("Build"),
    "After the branch `main` was deleted": _delete_main,
}


def _change_trim_and_transition(project: Project) -> None:
    project.build()
    project.edit("duration: 0.5", "duration: 1")
    project.edit("trim: {end: 4}", "trim: {end: 3.5}")


def _empty(folder: Path, text: str, server: RunwareServer) -> Project:
    folder.mkdir()
    return Project(folder, None, server=server, repository=True)


def _with_the_film_of_the_page(folder: Path, text: str, server: RunwareServer) -> Project:
    project = _empty(folder, text, server)
    project.file.write_text(first_film(text), encoding="utf-8")
    return project


def _with_a_first_cut(folder: Path, text: str, server: RunwareServer) -> Project:
    """Build the film of the page, and commit it as "First cut"."""
    project = _with_the_film_of_the_page(folder, text, server)
    (folder / ".gitignore").write_text("out/\n.storyboard/\nplan.json\n")
    project.git("init", "-q", "-b", "main")
    project.build()
    project.commit("First cut")
    return project


def _with_a_locked_film(folder: Path, text: str, server: RunwareServer) -> Project:
    """Take the film of the answer about CI, and build it."""
    project = _empty(folder, text, server)
    project.file.write_text((HERE / "tests/cases/cookbook/ci/storyboard.yaml").read_text(encoding="utf-8"))
    project.build()
    return project


def _with_three_shots(folder: Path, text: str, server: RunwareServer) -> Project:
    project = _empty(folder, text, server)
    project.file.write_text(_THREE_SHOTS)
    return project


@dataclass(frozen=True)
class Page:
    """The project that a page begins with, and what it says in words between its commands."""

    begin: Callable[[Path, str, RunwareServer], Project] = _empty
    story: Story = field(default_factory=dict)


_SEEDS = (787169, 613570, 335990, 445966, 120583, 290717)
_DRAWN = """\
version: 1
provider: local
output: {file: out/film.mp4, size: 320x180, fps: 24}
scenes:
  - id: one
    shots:
      - {id: net, prompt: "Close-up of an old man who mends a net by the sea at dawn, low angle, push-in."}
      - {id: lane, prompt: "A woman with an umbrella walks down a city street in Kyoto, rain, night, tracking shot."}
"""
_THREE_SHOTS = """\
version: 1
model: runway:1@2
provider: runware
output: {file: out/film.mp4, size: 1280x720, fps: 24}
scenes:
  - id: one
    shots:
      - {id: river, prompt: A river at dawn., seed: 1}
      - {id: forest, prompt: A forest at dawn., seed: 2, transition: {type: dissolve, duration: 0.5}}
      - {id: lake, prompt: A lake at dawn., seed: 3, trim: {end: 4}}
"""
_README: Story = {
    "Here `defaults` has the duration 7": lambda project: project.edit("duration: 8", "duration: 7"),
    "Making the generated shots": lambda project: project.edit("duration: 7", "duration: 8"),
}
_TUTORIAL: Story = {
    "Write `at night` for `at dawn`": lambda project: project.edit("at dawn", "at night"),
}
PAGES: Mapping[str, Page] = {
    "README.md": Page(_with_the_film_of_the_page, _README),
    "CONTRIBUTING.md": Page(),
    "docs/tutorial.md": Page(story=_TUTORIAL),
    "docs/cookbook.md": Page(_with_a_locked_film),
    "docs/commands.md": Page(),
    "docs/language.md": Page(
        story={"`status` shows it for every shot": lambda project: project.file.write_text(_DRAWN)}
    ),
    "docs/cut.md": Page(_with_three_shots, {"`why` takes each id that they print": _change_trim_and_transition}),
    "docs/takes.md": Page(_with_a_first_cut, _TAKES),
    "docs/versioning.md": Page(_with_a_first_cut, _VERSIONS),
}
_INSTALLS = "installs from the package index; `.ci/run` and `.ci/package` do it"
_TESTS = "runs the tests"
_FIRST = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/storyboard build examples/mangrove --draft"
NOT_RUN: Mapping[str, str] = {
    _FIRST: _INSTALLS,
    ". .venv/bin/activate": _INSTALLS,
    "python3 -m venv .venv && . .venv/bin/activate": _INSTALLS,
    "python3 -m pip install -e '.[dev]'": _INSTALLS,
    ".venv/bin/pip install '.[test]' && .venv/bin/python -m pytest": _INSTALLS,
    "pre-commit install": "writes a hook into the repository of the program",
    "python3 -m pytest": _TESTS,
    "export RUNWARE_API_KEY_FILE=~/.runware-key": "the tests have a key of their server",
    "storyboard plan --json | jq '.data.counts | .make + .change + .resume'": "needs jq",
}


def rewrite(name: str, place: Path) -> list[str]:
    """Write into a page what the program prints, if it differs: all of it, so that its digests are those of one run.

    Returns the commands whose output differed.
    """
    file = HERE / name
    lines = file.read_text(encoding="utf-8").splitlines()
    ran = [(shown, printed) for shown, printed in run_page(name, place) if not shown.alone]
    different = [f"{name}:{shown.start}: {shown.command}" for shown, printed in ran if not agrees(shown, printed)]
    if different:
        for shown, printed in reversed(ran):
            new = [f"{shown.indent}{line}".rstrip() for line in printed]
            lines[shown.start : shown.start + len(shown.output)] = new
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return different


def agrees(shown: Shown, printed: list[str]) -> bool:
    """Return whether a page shows what a command has printed, or that it succeeds."""
    if shown.alone:
        return not printed or not printed[-1].startswith("exit ")
    return plain(shown.output) == plain(printed)
