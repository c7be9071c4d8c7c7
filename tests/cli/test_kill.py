"""A build that is killed at any moment: the next one goes on, nothing is half there, nothing is paid twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.inside import hasty, run
from tests.project import CHAIN, Project, decoded, digest
from tests.shops import shop

# Every call is a point when these are run by hand (STORYBOARD_TEST_STRIDE=1, some minutes for each memory).
STRIDE = int(os.environ.get("STORYBOARD_TEST_STRIDE", "0"))
LANES = 2
# Builds with their worker processes that are killed by the clock; more when run by hand.
KILLS = int(os.environ.get("STORYBOARD_TEST_KILLS", "3"))
# What is quick to draw: the point is what is on disk, not what is in the picture.
PLAIN = CHAIN.replace("a river at night", "a cat").replace("a city in the rain", "a dog")
ASKING_FOR_ITS_OWN = (
    CHAIN.replace("a river", "POINT river").replace("a forest", "POINT forest").replace("a city", "POINT city")
)


def rounds(project: Project, start: int, stride: int, *options: str) -> list[dict[str, Any]]:
    words = [sys.executable, "-m", "tests.killing", str(project.folder), *options]
    words += ["--start", str(1 if STRIDE else start), "--stride", str(STRIDE or stride), "--lanes", str(LANES)]
    ran = subprocess.run(words, env=project.environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = [json.loads(line) for line in ran.stdout.splitlines()]
    return sorted(found, key=lambda each: int(each["point"]))


def judge(found: list[dict[str, Any]]) -> None:
    assert {each["code"] for each in found} == {0, 137}
    assert len([each for each in found if each["code"] == 0]) == LANES
    traces = ("again", "partial", "left", "journal")
    wrong = [each for each in found if any(each[trace] for trace in traces) or each["film"] is None]
    assert not wrong, json.dumps(wrong)


@pytest.mark.timeout(900)
def test_killed_at_any_call_a_free_build_goes_on_to_the_same_film(tmp_path: Path) -> None:
    project = Project(tmp_path / "film", PLAIN)
    found = rounds(project, random.randint(1, 25), 25)
    judge(found)
    assert len({each["film"] for each in found}) == 1


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("memory", ["forever", "running", "none"])
def test_killed_at_any_call_nothing_is_bought_twice(tmp_path: Path, memory: str) -> None:
    with shop(memory=memory, alike=True) as server:
        project = Project(tmp_path / "film", ASKING_FOR_ITS_OWN, server=server)
        # a provider without memory may have sold what it knows nothing of: that is told and not repeated
        found = rounds(project, random.randint(1, 50), 50, *(["--forgetful"] if memory == "none" else []))
        judge(found)
        bought = Counter(line["task_id"] for line in server.bill)
        assert [task for task, times in bought.items() if times > 1] == []
        told = sum(len(each["unknown"]) for each in found)
        assert 3 * len(found) <= len(server.bill) <= 3 * len(found) + told
        assert memory == "none" or not told


def alive(group: int) -> list[int]:
    """Processes of a process group that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def ended(group: int, within: float = 2.0) -> bool:
    deadline = time.monotonic() + within
    while alive(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(group)


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
        assert ended(process.pid), alive(process.pid)
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
        assert "interrupted; 2 paid jobs continue at the provider; run `storyboard build` to continue" in out
        assert "made 0 shots, reused 0" in out
        assert ended(process.pid)
        server.finish_all()
        server.shop.seconds_per_job = 0.05
        with hasty():
            assert ", 2 to resume, 0 to reuse" in run(project.folder, project.settings(), "plan").out
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
