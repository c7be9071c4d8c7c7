"""The pages about takes and versions print what the program prints: their commands are run in films like theirs.

Digests, dates and seconds of work are left out of the comparison. ``python -m tests.cli.test_docs_of_takes`` prints the
commands of ``docs/takes.md`` with the output of this program. Its section about merges, whose commands are those of
git, is not run, and of ``docs/versioning.md`` only what has a price.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.inside import at_work
from tests.project import HERE, Project
from tests.shops import shop

PAGE = HERE / "docs" / "takes.md"
FILM = """\
version: 1
title: Mangrove
model: runway:1@2
provider: runware
output: {file: out/film.mp4, size: 1280x720, fps: 24}
scenes:
  - id: river
    shots:
      - id: glide
        prompt: A slow glide down a narrow river at night.
        seed: 48281
      - id: expedition
        prompt: The skiff drifts on between arching roots.
        first_frame: {shot: glide, at: last}
"""
_COMMAND = re.compile(r"^    \$ (storyboard .*)\n((?:(?:    (?!\$ ).*)?\n)*?)(?=    \$ |\S|\Z)", re.MULTILINE)
_VARYING: Mapping[str, str] = {
    r"\b[0-9a-f]{12}\b": "DIGEST",
    r"\d{4}-\d\d-\d\d \d\d:\d\d": "DATE",
    r"in \d+\.\d s": "in SECONDS",
}


def _plain(text: str) -> list[str]:
    for pattern, word in _VARYING.items():
        text = re.sub(pattern, word, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def _before(project: Project) -> Mapping[int, Callable[[], object]]:
    """Return what the page does in words before a command, by the number of that command."""
    return {
        0: project.build,
        3: project.build,
        7: lambda: project.edit("at night", "at noon"),
        8: lambda: project.edit("at noon", "at night"),
        9: lambda: project.edit("arching", "mossy"),
        10: lambda: project.said("release", "expedition"),
    }


def _printed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each command of the page with the text that it prints."""
    commands = [found.group(1) for found in _COMMAND.finditer(_page())]
    # takes are numbered by the second in which they were made: one at a time, and no two in one second
    with shop(seconds_per_job=1.1) as server, at_work(787169, 613570, 335990):
        project = Project(folder, None, server=server, inside=True)
        folder.mkdir()
        project.file.write_text(FILM, encoding="utf-8")
        before = _before(project)
        for number, command in enumerate(commands):
            before.get(number, lambda: None)()
            ran = project.run(*command.split()[1:], env={"STORYBOARD_JOBS": "1"})
            yield command, ran.out or ran.err


def _page() -> str:
    return PAGE.read_text(encoding="utf-8").partition("\n## Merging")[0]


def test_the_page_about_takes_prints_what_the_program_prints(tmp_path: Path) -> None:
    expected = [(found.group(1), _plain(found.group(2))) for found in _COMMAND.finditer(_page())]
    assert [(command, _plain(text)) for command, text in _printed(tmp_path / "film")] == expected


HARBOUR = """\
version: 1
title: Harbour
model: runway:1@2
provider: runware
output: {file: out/harbour.mp4, size: 1280x720, fps: 24}
vars: {mood: soft morning light}
defaults: {duration: 5}
scenes:
  - id: opening
    shots:
      - id: harbour
        prompt: A slow push in on a small harbour at dawn, fishing boats at rest, ${mood}.
        seed: 11
      - id: lighthouse
        prompt: The camera rises over the harbour wall towards a lighthouse, ${mood}.
        seed: 12
        first_frame: {shot: harbour, at: last}
      - id: keeper
        prompt: An old keeper walks along the quay, seen from behind.
        seed: 13
"""


def test_the_page_about_versions_prints_the_prices_that_the_program_prints(tmp_path: Path) -> None:
    page = (HERE / "docs/versioning.md").read_text(encoding="utf-8")
    with shop() as server, at_work():
        project = Project(tmp_path / "film", None, server=server, repository=True)
        project.folder.mkdir()
        project.file.write_text(HARBOUR, encoding="utf-8")
        (project.folder / ".gitignore").write_text("out/\n.storyboard/\n")
        project.git("init", "-q", "-b", "main")
        project.build()
        project.commit("First cut")
        project.edit("at dawn", "at dusk")
        project.edit("id: keeper", "id: quay")
        for command in ("storyboard why lighthouse", "storyboard diff main", "storyboard plan --out plan.json"):
            expected = page.partition(f"$ {command}\n")[2].partition("```")[0].partition("\n$ ")[0]
            ran = project.run(*command.split()[1:])
            assert _plain(ran.err + ran.out) == _plain(expected), command


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for command, text in _printed(Path(place) / "film"):
            lines = [f"$ {command}", *text.splitlines()]
            sys.stdout.write("".join(f"    {line}\n" if line else "\n" for line in lines) + "\n")
