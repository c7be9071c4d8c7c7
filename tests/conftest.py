"""What all tests share: no test inherits settings or keys from the shell that started it.

Two settings are for whoever runs the tests: ``STORYBOARD_TEST_TOOLS=required`` fails where a program or a package is
missing, and fails a run in which any test was skipped; ``STORYBOARD_TEST_SAMPLE=3`` runs a third of all tests.
"""

import os
import shutil
import sys
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NoReturn

import pytest

# Whatever the shell says, bytecode is kept: without it each of hundreds of processes compiles the package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


_REQUIRED = os.environ.get("STORYBOARD_TEST_TOOLS") == "required"
_SAMPLE = int(os.environ.get("STORYBOARD_TEST_SAMPLE", "1"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the sample, the same tests in each run and spread over all modules."""
    out = [item for item in items if zlib.crc32(item.nodeid.encode()) % _SAMPLE]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if zlib.crc32(item.nodeid.encode()) % _SAMPLE == 0]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that has skipped tests where nothing may be missing."""
    if _REQUIRED and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if _REQUIRED and _skipped(config) and reporter is not None:
        reporter.line(f"{_skipped(config)} skipped, although STORYBOARD_TEST_TOOLS is `required`", red=True)


def _skipped(config: pytest.Config) -> int:
    """How many tests were skipped; workers of xdist don't know."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter is not None else 0


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
    """The path of a program; skips the test without it, unless tools are required."""
    found = shutil.which(name)
    if found is None:
        _missing(name)
    return found


def library(name: str, package: str) -> None:
    """Skip the test without *package* of the extra ``test-all``, which brings *name*, unless tools are required."""
    if find_spec(name) is None:
        _missing(f"{package}, of the extra `test-all`,")


def _missing(what: str) -> NoReturn:
    if _REQUIRED:
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is not installed")
