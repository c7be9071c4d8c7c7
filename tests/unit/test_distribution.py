"""What is said about the distribution: its name wherever something is installed, its versions, and their bounds."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import storyboard

ROOT = Path(storyboard.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TESTED = ROOT / ".ci" / "tested"
WORDS = {".md", ".yml", ".yaml", ".toml", ".txt", ".py", ".cfg", ""}
FOLDERS = ("docs", "examples", "schemas", ".ci", "storyboard", "benchmarks")

# A requirement of that name with a version, wherever it stands.
_REQUIREMENT = re.compile(r"(?<![\w./-])storyboard(?:\[[^\]]*\])?\s*(?:[=~!<>]=|[<>])\s*\d", re.IGNORECASE)
# An installer, and behind it the name as a word of its own.
_INSTALLER = r"\b(?:pip3?|pipx|uv)\b.*?\b(?:install|run|add|download|tool|inject|upgrade)|\buvx"
_INSTALLS = re.compile(rf"(?:{_INSTALLER})\s(?:.*\s)?['\"]?storyboard(?:\[[^\]]*\])?(?![\w./-])", re.IGNORECASE)


def installs_the_stranger(line: str) -> bool:
    """Whether a line installs ``storyboard`` from an index, which is another project's."""
    commands = re.split(r"&&|\|\||;|`", line)
    return bool(_REQUIREMENT.search(line)) or any(_INSTALLS.search(command) for command in commands)


def texts() -> Iterator[Path]:
    """Everything that people read or copy from."""
    for found in (ROOT.glob("*"), *((ROOT / folder).rglob("*") for folder in FOLDERS)):
        yield from (path for path in found if path.is_file() and path.suffix in WORDS)


def name(requirement: str) -> str:
    """The normalized name at the start of a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def versions(file: str) -> dict[str, str]:
    """The versions in one of the lists."""
    lines = (TESTED / file).read_text().splitlines()
    return {name(line): line.partition("==")[2] for line in lines}


@pytest.mark.parametrize(
    "line",
    [
        "pip install storyboard",
        "      run: pip install storyboard==0.1.0",
        "python3 -m pip install --upgrade 'storyboard[test]'",
        "uv tool install storyboard",
        "uvx storyboard build",
        "pipx run storyboard check",
        "pip install numpy Storyboard>=0.1",
        "storyboard==0.1.0",
        "storyboard >= 0.1",
        '  "storyboard>=0.1",',
        "        additional_dependencies: ['storyboard==0.1.0']",
        "          - storyboard==0.1.0",
    ],
)
def test_a_line_that_installs_the_stranger_is_recognised(line: str) -> None:
    assert installs_the_stranger(line)


@pytest.mark.parametrize(
    "line",
    [
        "python3 -m pip install . && storyboard build examples/mangrove",
        "pip install storyboard-build==0.1.0",
        "storyboard-build==0.1.0",
        "`python3 -m pip uninstall -y storyboard storyboard-build`, then install storyboard-build anew",
        "storyboard build --plan plan.json",
        "    uv tool install storyboard-build && storyboard --version",
        "assert storyboard == other",
        "storyboard = 'storyboard.cli.entry:main'",
    ],
)
def test_a_line_that_does_not_is_let_through(line: str) -> None:
    assert not installs_the_stranger(line)


def test_nothing_that_we_write_installs_the_stranger() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if installs_the_stranger(line)
    ]
    assert found == []


def test_each_lower_bound_is_a_version_that_was_tested() -> None:
    extras = PROJECT["optional-dependencies"]
    bound = [*PROJECT["dependencies"], *extras["test"], *extras["test-all"]]
    lower = {name(text): match[1] for text in bound if (match := re.search(r">=([\d.]+)", text))}
    oldest = versions("oldest-3.11.txt")
    assert {one: oldest.get(one) for one in lower} == lower
    assert {name(text) for text in bound} - set(lower) == {"storyboard-build"}


def test_each_python_that_is_promised_was_tested() -> None:
    promised = [re.search(r"Python :: 3\.(\d+)$", text) for text in PROJECT["classifiers"]]
    minors = sorted(int(match[1]) for match in promised if match)
    lists = sorted(int(path.stem.rpartition(".")[2]) for path in TESTED.glob("newest-3.*.txt"))
    assert minors == lists
    assert PROJECT["requires-python"] == f">=3.{minors[0]},<3.{minors[-1] + 1}"


def test_the_readme_names_our_distribution_in_this_version() -> None:
    assert f"`storyboard-build=={storyboard.__version__}`" in (ROOT / "README.md").read_text()


def test_lists_name_packages_and_nothing_else() -> None:
    for path in TESTED.iterdir():
        assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in path.read_text().splitlines()), path
