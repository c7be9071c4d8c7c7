"""What all tests share: no test inherits settings or keys from the shell that started it.

Three settings are for whoever runs the tests: ``STORYBOARD_TEST_TOOLS=required`` fails where a program or a package
is missing, fails a run in which any test was skipped, and runs every test that is marked as ``sweep``, of which a
third runs otherwise; ``STORYBOARD_TEST_SAMPLE=3`` runs a third of all tests; ``STORYBOARD_TEST_SYSTEM`` stands for
another system, and leaves out the tests that cannot pass there: with ``bare`` the tests run without the calls that
Windows lacks (``tests/bare_system``), with ``exfat`` their folders are on an exFAT volume (``.ci/exfat``,
``tests/exfat_volume``). The ``left_out.txt`` of either folder lists the tests.
"""

import os
import runpy
import shutil
import sys
import zlib
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

# Whatever the shell says, bytecode is kept: without it each of hundreds of processes compiles the package again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


_HERE = Path(__file__).parent
_BARE_SYSTEM = _HERE / "bare_system"
_SYSTEM = os.environ.get("STORYBOARD_TEST_SYSTEM", "")
_SYSTEMS = {"bare": _BARE_SYSTEM, "exfat": _HERE / "exfat_volume"}
if _SYSTEM == "bare":
    runpy.run_path(str(_BARE_SYSTEM / "sitecustomize.py"))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_BARE_SYSTEM), os.environ.get("PYTHONPATH")]))
_REQUIRED = os.environ.get("STORYBOARD_TEST_TOOLS") == "required"
_SAMPLE = int(os.environ.get("STORYBOARD_TEST_SAMPLE", "1"))
_SAMPLE_OF_SWEEPS = 1 if _REQUIRED else 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the sample, the same tests in each run and spread over all modules."""
    left_out = _left_out()
    out = [item for item in items if _is_left_out(item, left_out)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if not _is_left_out(item, left_out)]


def _is_left_out(item: pytest.Item, left_out: Collection[str]) -> bool:
    """Say if a test is not in the sample, or listed by its file, by its function or by its own name."""
    name = item.nodeid
    sample = _SAMPLE * (_SAMPLE_OF_SWEEPS if item.get_closest_marker("sweep") else 1)
    if zlib.crc32(name.encode()) % sample:
        return True
    return not left_out.isdisjoint((name, name.partition("[")[0], name.partition("::")[0]))


def _left_out() -> frozenset[str]:
    """The tests that another system cannot pass, from the lines of its list that are no reasons."""
    if not _SYSTEM:
        return frozenset()
    lines = (_SYSTEMS[_SYSTEM] / "left_out.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


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
        if name.startswith(("STORYBOARD_", "RUNWARE_")) and not name.startswith("STORYBOARD_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("STORYBOARD_FONTS", "")  # no font of this machine decides a test


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
        missing(name)
    return found


def library(name: str, package: str) -> None:
    """Skip the test without *package* of the extra ``test-all``, which brings *name*, unless tools are required."""
    if find_spec(name) is None:
        missing(f"{package}, of the extra `test-all`,")


def missing(what: str) -> NoReturn:
    if _REQUIRED:
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is not installed")
