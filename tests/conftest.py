"""What all tests share: no test inherits settings or keys from the shell that started it."""

import os
import shutil
import sys
from collections.abc import Iterator

import pytest

# Whatever the shell says, bytecode is kept: without it each of hundreds of processes compiles the package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("STORYBOARD_", "RUNWARE_")) and name != "STORYBOARD_TEST_TOOLS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="module")
def inside() -> Iterator[None]:
    """Builds of the whole module run in this process, with little patience."""
    from tests.inside import hasty

    with hasty():
        yield


def tool(name: str) -> str:
    """The path of a program that is not a Python package; skips the test without it, unless tools are required."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("STORYBOARD_TEST_TOOLS") == "required":
            pytest.fail(f"{name} is missing")
        pytest.skip(f"{name} is not installed")
    return found
