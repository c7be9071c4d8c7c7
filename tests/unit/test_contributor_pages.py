"""Modules that pages for contributors name exist, and those of the walks in ``docs/architecture.md`` are connected."""

import ast
import re

import pytest

from tests.house import sources
from tests.project import HERE

PAGE = (HERE / "docs" / "architecture.md").read_text(encoding="utf-8")
# The number of modules that each walk took before the packages were regrouped.
WALKS = {
    "A prompt, from YAML to the wire": 30,
    "A take, from download to film": 34,
    "A finding, from YAML to the terminal": 12,
}


def walk(title: str) -> list[str]:
    """The modules of a walk, in order."""
    section = PAGE.split(f"### {title}\n")[1].split("\n#")[0]
    return re.findall(r"^\d+\. `([a-z0-9_/]+)`", section, re.MULTILINE)


def imports(module: str) -> set[str]:
    """The modules of the package that a module imports, anywhere in it."""
    nodes = [node for node in ast.walk(sources()[f"{module}.py"]) if isinstance(node, ast.ImportFrom)]
    names = [(node.module or "", alias.name) for node in nodes for alias in node.names]
    return {
        path.removeprefix("storyboard.").replace(".", "/") for base, name in names for path in (base, f"{base}.{name}")
    }


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_is_shorter_and_visits_no_module_twice(title: str) -> None:
    modules = walk(title)
    assert len(modules) == len(set(modules))
    assert 5 < len(modules) < WALKS[title]


@pytest.mark.parametrize("title", WALKS)
def test_each_module_of_a_walk_is_connected_with_one_before_it(title: str) -> None:
    modules = walk(title)
    for position, module in enumerate(modules[1:], start=1):
        before = modules[:position]
        assert imports(module) & set(before) or any(module in imports(other) for other in before), module


def test_modules_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`((?:cli|core|document|engine|media|providers|report|store)/[a-z0-9_/]+)`", PAGE))
    missing = {name for name in named if f"{name}.py" not in sources() and f"{name}/__init__.py" not in sources()}
    assert missing == set()


def test_paths_that_contributors_are_sent_to_exist() -> None:
    text = (HERE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`((?:storyboard|schemas|tests|docs)/[a-z0-9_/.-]+)`", text))
    assert len(paths) > 15
    assert {path for path in paths if not (HERE / path).exists()} == set()
