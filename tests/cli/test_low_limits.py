"""Limits of the shell (``ulimit``): a build that lacks something ends by itself, and names it."""

import itertools
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from storyboard.operating_system import shortage
from tests.conftest import tool
from tests.inside import Ran
from tests.project import CHAIN, Project
from tests.shops import shop

MB = 1 << 20
# User ids that nobody has: the limit is on all threads of a user.
USERS = itertools.count(100_000 + os.getpid() % 20_000 * 100)


def limited(project: Project, limit: int, most: int, *words: str) -> Ran:
    """A verb of a process that may use no more than *most*.

    The process limits itself, and then becomes the verb: a fork of this one would inherit what libraries' threads hold.
    """
    itself = "import os, resource as r, sys; r.setrlimit({0}, ({1}, {1})); os.execv(sys.argv[1], sys.argv[1:])"
    return ended(project, [sys.executable, "-S", "-c", itself.format(limit, most), *project.command(*words)])


def ended(project: Project, command: list[str]) -> Ran:
    """How a process of the program has ended; in words, in any case."""
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in ran.out + ran.err, ran
    assert "this is a bug" not in ran.out + ran.err, ran
    return ran


@pytest.mark.sweep
@pytest.mark.parametrize("most", [7, 8, 10, 12, 16, 24])
def test_a_build_with_few_open_files_ends_and_names_the_limit(tmp_path: Path, most: int) -> None:
    project = Project(tmp_path / "film", CHAIN)
    ran = limited(project, resource.RLIMIT_NOFILE, most, "build")
    assert ran.code == 0 or f"too many open files (`ulimit -n` allows {most})" in ran.err, ran
    assert project.build()["cost"] == "0"


@pytest.mark.sweep
@pytest.mark.parametrize("most", [0, 1, 1000, 4096, 20_000])
def test_a_build_with_small_files_ends_and_names_the_limit(tmp_path: Path, most: int) -> None:
    project = Project(tmp_path / "film", CHAIN)
    ran = limited(project, resource.RLIMIT_FSIZE, most, "build")
    assert ran.code == 1, ran
    assert "the file is too large (`ulimit -f` allows" in ran.err, ran
    assert project.build()["cost"] == "0"


@pytest.mark.sweep
@pytest.mark.parametrize("most", [60, 100, 150, 200, 300, 400, 450, 500])
def test_a_build_with_little_memory_ends_before_any_work_and_names_the_limit(tmp_path: Path, most: int) -> None:
    project = Project(tmp_path / "film", CHAIN)
    ran = limited(project, resource.RLIMIT_AS, most * MB, "build")
    assert ran.code == 1, ran
    assert f"memory ran out (`ulimit -v` allows {most * MB / 1e6:.4g} MB), and 600 MB are needed" in ran.err, ran


@pytest.mark.sweep
@pytest.mark.parametrize("most", [580, 620, 700])
def test_a_build_with_hardly_enough_memory_ends_and_the_next_one_goes_on(tmp_path: Path, most: int) -> None:
    project = Project(tmp_path / "film", CHAIN)
    ran = limited(project, resource.RLIMIT_AS, most * MB, "build")
    assert ran.code in (0, 1), ran
    project.build()


@pytest.mark.sweep
@pytest.mark.parametrize("verb", ["check", "plan", "status"])
@pytest.mark.parametrize(
    ("limit", "most"), [(resource.RLIMIT_AS, 60 * MB), (resource.RLIMIT_NOFILE, 8), (resource.RLIMIT_FSIZE, 0)]
)
def test_a_verb_that_only_reads_ends_under_low_limits(tmp_path: Path, verb: str, limit: int, most: int) -> None:
    ran = limited(Project(tmp_path / "film", CHAIN), limit, most, verb)
    assert ran.code == 0 or "`ulimit -" in ran.err, ran


def with_few_threads(project: Project, most: int, *words: str) -> Ran:
    """A verb by a user who may have no more than *most* threads, all processes together.

    The limit does not count for root. Another user must be able to read the tests and their interpreter, wherever
    they lie.
    """
    limit = [tool("prlimit"), f"--nproc={most}:{most}", "--"]
    if os.getuid() == 0:
        user, may = next(USERS), "-all,+dac_override"
        rights = [f"--inh-caps={may}", f"--ambient-caps={may}", f"--bounding-set={may}"]
        limit = [tool("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", *rights, *limit]
    return ended(project, [*limit, *project.command(*words)])


@pytest.mark.sweep
@pytest.mark.skipif(os.getuid() != 0, reason="needs a user who runs nothing else, and only root can become one")
@pytest.mark.parametrize("most", [0, 1, 2, 4, 8, 12])
def test_a_build_with_few_threads_ends_and_names_the_limit(tmp_path: Path, most: int) -> None:
    project = Project(tmp_path / "film", CHAIN)
    ran = with_few_threads(project, most, "build", "-j", "2")
    assert ran.code == 0 or f"no thread or process could be started (`ulimit -u` allows {most})" in ran.err, ran
    assert ran.code == 1 or most > 4, ran
    assert project.build()["cost"] == "0"


@pytest.mark.sweep
@pytest.mark.skipif(os.getuid() != 0, reason="needs a user who runs nothing else, and only root can become one")
@pytest.mark.parametrize("most", [1, 5, 8])
def test_with_few_threads_no_take_is_bought_twice(tmp_path: Path, most: int) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", CHAIN, server=server)
        for _ in range(2):
            ran = with_few_threads(project, most, "build")
            assert ran.code == 0 or f"`ulimit -u` allows {most}" in ran.err, ran
        project.build()
        assert len(server.bill) == 3


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("limit", "most"),
    [
        (resource.RLIMIT_NOFILE, 12),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_NOFILE, 20),
        (resource.RLIMIT_FSIZE, 600),
        (resource.RLIMIT_FSIZE, 4096),
        (resource.RLIMIT_AS, 620 * MB),
    ],
)
def test_under_low_limits_no_take_is_bought_twice(tmp_path: Path, limit: int, most: int) -> None:
    with shop() as server:
        project = Project(tmp_path / "film", CHAIN, server=server)
        limited(project, limit, most, "build")
        limited(project, limit, most, "build")
        project.build()
        assert len(server.bill) == 3


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (MemoryError(), "memory ran out"),
        (RuntimeError("can't start new thread"), "no thread or process could be started"),
        (ImportError("liba.so: failed to map segment from shared object"), "memory ran out"),
        (ExceptionGroup("several", [ValueError(), OSError(24, "Too many open files")]), "too many open files"),
    ],
)
def test_what_ran_out_is_found_among_the_causes(problem: Exception, told: str) -> None:
    outer = ValueError("outer")
    outer.__cause__ = problem
    assert str(shortage(outer)).startswith(told)


@pytest.mark.sweep
@pytest.mark.parametrize("problem", [ValueError(), OSError(28, "No space left on device"), KeyError("memory")])
def test_another_problem_is_no_lack(problem: Exception) -> None:
    assert shortage(problem) is None
