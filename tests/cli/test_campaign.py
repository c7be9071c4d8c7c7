"""The campaign repeats by its seed, loses nothing, and sees a program that is broken on purpose."""

import re
import subprocess
import sys

import pytest

from tests.campaign.broken import BROKEN
from tests.project import HERE

# What finds each of the broken programs soonest, and what the campaign then says.
FOUND_BY = {
    "no-journal": (("--seed", "14", "--only", "replies", "--number", "5"), "1 jobs were bought twice"),
    "in-place": (("--every", "1", "--calls", "write", "--film", "free"), "not JSON"),
    "other-ids": (("--only", "kill", "--tries", "8"), "takes were bought for|is not finished"),
    "shows-key": (("--only", "clock", "--tries", "2"), "prints the key"),
    "forgets-costs": (("--only", "clock", "--tries", "2"), "and the bill 0.36"),
    "writes-outside": (("--only", "clock", "--tries", "2"), "appeared outside the project"),
}


def campaign(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.campaign", *words], cwd=HERE, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BROKEN)
def test_a_program_that_is_broken_on_purpose_is_noticed(name: str) -> None:
    words, loss = FOUND_BY[name]
    ran = campaign(*words, "--broken", name)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(loss, ran.stdout), ran.stdout
    [again] = set(re.findall(r"again: python -m tests\.campaign (.*)", ran.stdout)[:1])
    assert f"--broken {name}" in again


@pytest.mark.timeout(600)
def test_a_seed_makes_the_same_tries_however_many_run_at_once() -> None:
    def tries(lanes: str) -> list[str]:
        ran = campaign("--tries", "6", "--seed", "3", "--lanes", lanes, "-v")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        lines = re.findall(r"^ +(\d+) (\w+) +[\d.]+ s +([^;]*)", ran.stdout, re.MULTILINE)
        return sorted(" ".join(line) for line in lines)

    first = tries("1")
    assert len(first) == 6
    assert tries("3") == first
