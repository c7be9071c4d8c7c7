"""The settings for whoever runs the tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import HERE

COMMAND = [sys.executable, "-m", "pytest", "-c", os.devnull, "-p", "tests.conftest"]
SKIPS = """
import pytest
def test_one(): pass
def test_two(): pytest.skip("no such program")
"""
SWEEP = """
import pytest
pytestmark = pytest.mark.sweep
@pytest.mark.parametrize("n", range(60))
def test_one(n): pass
"""
MANY = """
import pytest
@pytest.mark.parametrize("n", range(60))
def test_one(n): pass
"""


def ran(folder: Path, text: str, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """What pytest says of a module with this text, under the settings of all tests."""
    (folder / "test_it.py").write_text(text)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("STORYBOARD_", "PYTEST_"))}
    return subprocess.run(
        [*COMMAND, "--rootdir", str(folder), *words, str(folder)],
        cwd=folder,
        env={**plain, "PYTHONPATH": str(HERE), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_run_that_skips_fails_where_tools_are_required(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert ran(tmp_path, SKIPS, *words).returncode == 0
    required = ran(tmp_path, SKIPS, *words, STORYBOARD_TEST_TOOLS="required")
    assert required.returncode == 1
    assert "1 skipped, although STORYBOARD_TEST_TOOLS is `required`" in required.stdout
    assert ran(tmp_path, MANY, *words, STORYBOARD_TEST_TOOLS="required").returncode == 0


def test_a_sample_is_the_same_part_each_time(tmp_path: Path) -> None:
    thirds = [ran(tmp_path, MANY, "-v", STORYBOARD_TEST_SAMPLE="3").stdout for _ in range(2)]
    names = [{line.split(" ")[0] for line in text.splitlines() if " PASSED" in line} for text in thirds]
    assert names[0] == names[1]
    assert 10 <= len(names[0]) <= 30
    assert f"{60 - len(names[0])} deselected" in thirds[0]


def test_a_third_of_a_sweep_runs_and_all_of_it_where_tools_are_required(tmp_path: Path) -> None:
    usual = ran(tmp_path, SWEEP, "-W", "ignore::pytest.PytestUnknownMarkWarning")
    passed = re.search(r"(\d+) passed, (\d+) deselected", usual.stdout)
    assert passed is not None
    assert 10 <= int(passed[1]) <= 30
    required = ran(tmp_path, SWEEP, "-W", "ignore::pytest.PytestUnknownMarkWarning", STORYBOARD_TEST_TOOLS="required")
    assert "60 passed" in required.stdout
    assert "deselected" not in required.stdout
