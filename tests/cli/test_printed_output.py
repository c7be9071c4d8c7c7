"""The pages about takes and versions print what the program prints: every command of them is run, in a film of theirs.

The film is the first YAML block of a page. Its commands are run in their order, against the Runware server of the
tests, and what a page says in words between them is done by the functions in ``_TAKES`` and ``_VERSIONS``. Output and
messages are compared as a terminal shows them, with a last line ``exit N`` where a command does not end with 0. What no
two runs have in common is replaced on both sides by ``_VARYING``. What git prints is not compared.

``python -m tests.cli.test_printed_output --write`` writes into the pages what the program prints now.
"""

import contextlib
import io
import itertools
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from storyboard.cli import main
from tests.gits import AUTHOR
from tests.inside import at_work
from tests.project import HERE, Project
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
    """A command in a page, the words between it and the command before, and the lines of the page with its output."""

    command: str
    words: str
    indent: str
    start: int
    output: list[str] = field(default_factory=list)


def shown_in(page: str) -> list[Shown]:
    """Return the commands of a page: lines with a dollar in blocks that are indented, or fenced without a language."""
    found: list[Shown] = []
    words: list[str] = []
    fence, current = "", None
    for number, line in enumerate(page.splitlines()):
        edge = re.match(r"`{3,}", line)
        if edge and fence in {"", edge.group()}:
            fence, current = "" if fence else edge.group(), None
            continue
        inside = bool(fence) or line.startswith("    ") or (not line and current is not None)
        text = line if fence else line[4:]
        if not inside:
            current = None
            words.append(line)
        elif text.startswith("$ "):
            current = Shown(text[2:], " ".join(words), "" if fence else "    ", number + 1)
            words = []
            found.append(current)
        elif current is not None:
            current.output.append(text)
    for each in found:
        each.output = _without_blank_end(each.output)
    return found


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _plain(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    for pattern, word in _VARYING.items():
        text = re.sub(pattern, word, text)
    return text.splitlines()


def _film(page: str) -> str:
    return page.partition("```yaml\n")[2].partition("```")[0]


def _printed(project: Project, shown: Shown) -> list[str]:
    """Run a command; return what a terminal shows of it."""
    first, *words = shlex.split(shown.command)
    if first == "git":
        project.git(*words, ok=shown.output[-1:] != ["exit 1"])
        return shown.output
    terminal = io.StringIO()
    environment = {**AUTHOR, **project.settings(), "COLUMNS": "120", "STORYBOARD_JOBS": "1"}
    with (
        contextlib.chdir(project.folder),
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(terminal),
        contextlib.redirect_stderr(terminal),
    ):
        code = main.run(words)
    lines = _without_blank_end([line.rstrip() for line in terminal.getvalue().splitlines()])
    return [*lines, f"exit {code}"] if code else lines


@contextlib.contextmanager
def _ticking() -> Iterator[None]:
    """Let no two takes have one time: takes are numbered by the second in which they were made."""
    start = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    times = ((start + timedelta(seconds=n)).isoformat() for n in itertools.count())
    with mock.patch("storyboard.engine.commit._now", side_effect=times):
        yield


def run_page(page: str, story: Story, folder: Path) -> Iterator[tuple[Shown, list[str]]]:
    """Yield each command of a page with what the program prints, in a film built and committed as "First cut"."""
    told = set()
    with shop(seconds_per_job=0) as server, at_work(787169, 613570, 335990), _ticking():
        project = Project(folder, None, server=server, repository=True)
        folder.mkdir()
        project.file.write_text(_film(page), encoding="utf-8")
        (folder / ".gitignore").write_text("out/\n.storyboard/\nplan.json\n")
        project.git("init", "-q", "-b", "main")
        project.build()
        project.commit("First cut")
        for shown in shown_in(page):
            for words in (words for words in story if words in shown.words):
                told.add(words)
                story[words](project)
            yield shown, _printed(project, shown)
    assert told == set(story), "words of the story that the page does not have"


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
_PAGES: Mapping[str, Story] = {"docs/takes.md": _TAKES, "docs/versioning.md": _VERSIONS}


@pytest.mark.parametrize("name", _PAGES)
def test_a_page_prints_what_the_program_prints(name: str, tmp_path: Path) -> None:
    page = (HERE / name).read_text(encoding="utf-8")
    for shown, printed in run_page(page, _PAGES[name], tmp_path / "film"):
        assert _plain(shown.output) == _plain(printed), f"{name}:{shown.start}: {shown.command}"


def test_the_readme_prints_what_check_prints(tmp_path: Path) -> None:
    page = (HERE / "README.md").read_text(encoding="utf-8")
    project = Project(tmp_path, None, inside=True)
    project.file.write_text(_film(page), encoding="utf-8")
    assert project.run("check").code == 0
    project.edit("duration: 8", "duration: 7")
    [shown] = shown_in(page)
    assert _plain(shown.output) == _plain(_printed(project, shown))


def test_a_page_that_prints_something_else_is_found() -> None:
    shown = shown_in("Words.\n\n    $ storyboard plan\n    1 to make; estimated cost $0.60\n\n    $ git x\n\nMore.\n")
    assert [(each.command, each.output, each.words) for each in shown] == [
        ("storyboard plan", ["1 to make; estimated cost $0.60"], "Words. "),
        ("git x", [], ""),
    ]
    assert _plain(shown[0].output) != _plain(["1 to make; estimated cost $1.20"])
    assert _plain(["take 0a1b2c3d4e5f, in 1.2 s, 2026-11-22"]) == _plain(["take 112233445566, in 9.9 s, 2027-01-01"])


def _rewrite(name: str, folder: Path) -> None:
    """Write into a page what the program prints, if it differs: all of it, so that its digests are those of one run."""
    file = HERE / name
    page = file.read_text(encoding="utf-8")
    ran = list(run_page(page, _PAGES[name], folder))
    false = [shown for shown, printed in ran if _plain(shown.output) != _plain(printed)]
    if not false:
        return
    lines = page.splitlines()
    for shown, printed in reversed(ran):
        new = [f"{shown.indent}{line}".rstrip() for line in printed]
        lines[shown.start : shown.start + len(shown.output)] = new
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{name}:{shown.start}: {shown.command}\n" for shown in false))


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for each in _PAGES:
        with tempfile.TemporaryDirectory() as place:
            _rewrite(each, Path(place) / "film")
