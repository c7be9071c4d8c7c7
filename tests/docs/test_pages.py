"""Each command of the README and the pages is run, and prints what its page shows."""

import re
from functools import cache
from pathlib import Path

import pytest

from storyboard.cli.main import VERBS
from storyboard.cli.output import Exit
from tests.docs.pages import NOT_RUN, PAGES, agrees, plain, run_page, shown_in
from tests.inside import run
from tests.project import HERE

# The page of findings has a test of its own, which runs its examples.
PLACES = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
TEXTS = [HERE / name for name in PLACES] + [path for path in (HERE / "docs").rglob("*.md") if path.stem != "findings"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_the_program_prints(name: str, tmp_path: Path) -> None:
    for shown, printed in run_page(name, tmp_path):
        assert agrees(shown, printed), f"{name}:{shown.start}: {shown.command}\n" + "\n".join(printed)


def test_no_page_has_commands_that_are_not_run() -> None:
    commands = {str(path.relative_to(HERE)): shown_in(path.read_text(encoding="utf-8")) for path in TEXTS}
    assert sorted(name for name, shown in commands.items() if shown) == sorted(PAGES)
    all_commands = {shown.command for each in commands.values() for shown in each}
    assert set(NOT_RUN) <= all_commands, "commands that no page has"


def test_a_page_that_prints_something_else_is_found() -> None:
    text = "Words.\n\n    $ storyboard plan\n    1 to make; estimated cost $0.60\n\n    $ git x\n\nMore.\n"
    shown = shown_in(text)
    assert [(each.command, each.output, each.words) for each in shown] == [
        ("storyboard plan", ["1 to make; estimated cost $0.60"], "Words. "),
        ("git x", [], ""),
    ]
    assert not agrees(shown[0], ["1 to make; estimated cost $1.20"])
    assert plain(["take 0a1b2c3d4e5f, in 1.2 s, 2026-11-22"]) == plain(["take 112233445566, in 9.9 s, 2027-01-01"])


def test_a_command_without_output_has_to_succeed() -> None:
    [alone, other] = shown_in("```\nstoryboard plan   # a word\nstoryboard build\n```\n")
    assert (alone.command, alone.alone, other.command) == ("storyboard plan", True, "storyboard build")
    assert agrees(alone, ["anything"])
    assert not agrees(alone, ["anything", "exit 1"])


def test_the_pictures_of_the_readme_are_small_and_there() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    pictures = [HERE / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)]
    assert len(pictures) == 2
    assert sum(path.stat().st_size for path in pictures) < 1_000_000


def test_the_film_of_the_pictures_has_no_findings() -> None:
    ran = run(HERE / "docs/pictures", {}, "check", "--json")
    assert (ran.code, ran.data["findings"]) == (0, []), ran


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(HERE)}: {link}"
        for path in [*TEXTS, HERE / "CHANGELOG.md"]
        for link in re.findall(r"\]\(([^)\s]+)\)", _without_blocks(path.read_text(encoding="utf-8")))
        if not link.startswith("http") and not _leads_somewhere(path, link)
    ]
    assert broken == []


def _without_blocks(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


@cache
def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub forms them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_of_commands_lists_every_environment_variable() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (HERE / "storyboard").rglob("*.py"))
    used = set(re.findall(r"\"((?:STORYBOARD|RUNWARE)_[A-Z_]+[A-Z])\"", sources)) - {
        "STORYBOARD_COMPLETE",
        "STORYBOARD_KEY",
    }
    page = (HERE / "docs/commands.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:STORYBOARD|RUNWARE)_[A-Z_]+)`", page))
    assert len(used) > 20
    assert used - named == set()


def test_the_page_of_commands_lists_every_verb_and_exit_code() -> None:
    page = (HERE / "docs/commands.md").read_text(encoding="utf-8")
    assert {verb for verb in VERBS if f"`{verb}`" not in page.partition("## ")[0]} == set()
    codes = {code for row in re.findall(r"^\| ([\d, ]+) \|", page, re.MULTILINE) for code in row.split(", ")}
    assert codes >= {str(int(code)) for code in Exit}
