"""A build that is killed at any moment: the next one goes on, nothing is half there, nothing is paid twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.campaign.verbs import GROUP, alive
from tests.inside import hasty, run
from tests.project import CHAIN, HERE, Project, decoded, digest
from tests.shops import shop

# Builds with their worker processes that are killed by the clock; more when run by hand.
KILLS = int(os.environ.get("STORYBOARD_TEST_KILLS", "3"))
# What is quick to draw: the point is what is on disk, not what is in the picture.
PLAIN = CHAIN.replace("a river at night", "a cat").replace("a city in the rain", "a dog")


def campaign(*words: str) -> str:
    """What the campaign prints; it loses nothing."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.campaign", *words], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.timeout(900)
def test_killed_at_any_call_a_free_build_goes_on_to_the_same_film() -> None:
    campaign("--every", "40", "--start", str(random.randint(1, 40)), "--film", "free")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("memory", ["forever", "running", "none"])
def test_killed_at_any_call_nothing_is_bought_twice(memory: str) -> None:
    campaign("--every", "60", "--start", str(random.randint(1, 60)), "--film", "paid", "--memory", memory)


def test_killed_at_random_moments_a_film_is_bought_once() -> None:
    campaign("--moments", str(KILLS + 1), "--film", "paid-many")


def ended(group: int, within: float = 2.0) -> bool:
    deadline = time.monotonic() + within
    while alive(group, GROUP) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(group, GROUP)


def test_killed_at_random_moments_no_process_stays_and_the_film_is_the_same(tmp_path: Path) -> None:
    clean = Project(tmp_path / "clean", PLAIN, inside=True)
    with hasty():
        clean.build()
    moments = random.Random()
    for number in range(KILLS):
        project = Project(tmp_path / f"film-{number}", PLAIN, inside=True)
        process = project.start("build")
        time.sleep(moments.uniform(0.1, 2))
        process.kill()
        process.communicate()
        assert ended(process.pid), alive(process.pid, GROUP)
        assert not project.film.exists() or len(decoded(project.film)) == 36
        with hasty():
            project.build()
        assert digest(project.film) == digest(clean.film)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_build_and_the_next_one_goes_on(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with shop(seconds_per_job=60) as server:
        project = Project(tmp_path / "film", server=server)
        process = project.start("build")
        while len(server.bill) < 2:
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code, err
        assert "; 2 paid jobs continue at the provider; run `storyboard build` to continue" in out
        assert "3 not reached\ninterrupted, spent $0.00, in " in out
        assert ended(process.pid)
        server.finish_all()
        server.shop.seconds_per_job = 0.05
        with hasty():
            assert ", 2 to resume; $0.12\n" in run(project.folder, project.settings(), "plan").out
            assert run(project.folder, project.settings(), "build").code == 0
        assert len(server.bill) == 3


def test_a_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    with shop(seconds_per_job=60) as server:
        project = Project(tmp_path / "film", server=server)
        process = project.start("build")
        while len(server.bill) < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 130
        assert ended(process.pid)
