"""Each answer of ``docs/cookbook.md`` has a storyboard that builds, and shows lines of it."""

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from tests.inside import hasty, run
from tests.project import HERE

PAGE = (HERE / "docs/cookbook.md").read_text(encoding="utf-8")
RECIPES = HERE / "tests/cases/cookbook"
MATERIAL = {"own.mp4": "footage/own.mp4", "chart.png": "refs/chart.png", "pad.ogg": "music/theme.ogg"}
ANSWERS = re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\(\.\./tests/cases/cookbook/([a-z-]+)/storyboard\.yaml\)")


def test_the_cookbook_has_thirty_answers_and_no_storyboard_is_left_over() -> None:
    named = [LINK.findall(answer) for _, answer in ANSWERS]
    assert len(named) >= 30
    assert all(len(names) == 1 for names in named), named
    assert sorted(names[0] for names in named) == sorted(folder.name for folder in RECIPES.iterdir())


@pytest.mark.parametrize(("question", "answer"), ANSWERS, ids=[LINK.findall(answer)[0] for _, answer in ANSWERS])
def test_an_answer_shows_lines_of_its_storyboard(question: str, answer: str) -> None:
    assert question.endswith("?")
    whole = _flat((RECIPES / LINK.findall(answer)[0] / "storyboard.yaml").read_text(encoding="utf-8"))
    for block in re.findall(r"```yaml\n(.*?)```", answer, re.DOTALL):
        for part in re.split(r"(?m)^(?=[a-z]+:)", block):
            assert _flat(part) in whole, part


def _flat(text: str) -> str:
    """Return the lines without their indentation, which the page leaves out."""
    return "\n".join(line.strip() for line in textwrap.dedent(text).strip().splitlines())


@pytest.mark.parametrize("name", sorted(folder.name for folder in RECIPES.iterdir()))
def test_a_storyboard_of_the_cookbook_builds(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "film"
    shutil.copytree(RECIPES / name, folder)
    for file, place in MATERIAL.items():
        (folder / place).parent.mkdir(exist_ok=True)
        shutil.copy(HERE / "examples/trailer/material" / file, folder / place)
    with hasty():
        checked = run(folder, {}, "check", "--json")
        assert (checked.code, checked.data["findings"]) == (0, []), checked
        ran = run(folder, {}, "build", "--draft", "--json")
    assert ran.code == 0, ran
    assert list((folder / "out").glob("*.mp4"))
