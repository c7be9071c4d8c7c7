"""The page of threats: each row names a test that exists, and pages for readers lead to it."""

import ast
import re
from functools import cache

import pytest

from tests.project import HERE

PAGE = (HERE / "docs" / "security.md").read_text(encoding="utf-8")
ACTORS = ("storyboard", "repository", "provider", "clip", "picture", "font", "environment", "machine")


def rows(actor: str) -> list[list[str]]:
    """The cells of each row of an actor's table."""
    section = re.split(rf"^## An? {actor}$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\) \| ", line.strip("| "))] for line in lines]


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the test functions of a file."""
    tree = ast.parse((HERE / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("actor", ACTORS)
def test_each_threat_names_a_test_that_exists(actor: str) -> None:
    found = rows(actor)
    assert found
    for row in found:
        assert len(row) == 3, row
        attempt, outcome, test = row
        assert attempt
        assert outcome
        path, _, name = test.strip("`").partition("::")
        assert path.startswith("tests/"), row
        assert (HERE / path).is_file(), row
        assert name in names_in(path), row


def test_no_threat_is_listed_twice() -> None:
    attempts = [row[0] for actor in ACTORS for row in rows(actor)]
    assert len(set(attempts)) == len(attempts)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("README.md", "(docs/security.md)"),
        ("SECURITY.md", "(docs/security.md)"),
        ("docs/architecture.md", "(security.md)"),
    ],
)
def test_the_page_of_threats_is_linked(page: str, link: str) -> None:
    assert link in (HERE / page).read_text(encoding="utf-8")
