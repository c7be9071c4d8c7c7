"""Every fault of a provider, the network and a clip: how a build ends, what it says, what it buys.

The table is ``docs/faults.md``; each of its rows is a test. ``python -m tests.cli.test_faults`` prints it anew.
"""

import re
import tempfile
from collections import Counter
from pathlib import Path
from unittest import mock

import pytest

from tests.inside import SOON, errors, hasty, run
from tests.project import HERE, Project
from tests.runware_server.faults import FAULTS
from tests.runware_server.server import RunwareServer
from tests.shops import shop

ONE = "scenes:\n  - id: s\n    shots:\n      - {id: a, prompt: a river, seed: 3}\n"
TABLE = HERE / "docs" / "faults.md"
ROW = re.compile(r"\| `([a-z0-9-]+)` \| ([^|]*) \| (\d+) \| (\d+) \| ([^|]*) \|")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Seconds of a fault: longer than a build waits that is impatient with it, however slow the machine is.
SLOW = {"submit-ack-late": 60.0, "download-stall": 60.0, "submit-refused": 600.0}
# What a build is impatient with while a fault acts that would last; with all else it is patient.
IMPATIENT = {
    "submit-ack-late": {"exchange_s": 2.0},
    "submit-slow-headers": {"exchange_s": 2.0},
    "submit-conflict-own": SOON,
    "poll-empty-for-ever": SOON,
    "poll-task-not-found": SOON,
    "download-10-gib-unannounced": {"download_s": 1.5},
    "download-dribble": {"download_s": 1.5},
    "download-stall": {"stall_s": 0.4, "download_s": 1.5},
}


def rows() -> dict[str, tuple[str, int, int, str]]:
    """The table: what happens, the exit code, how often the task was bought, the message."""
    found = ROW.findall(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else []
    return {name: (about, int(code), int(bought), text.strip()) for name, about, code, bought, text in found}


def arm(server: RunwareServer, name: str) -> None:
    """Let the fault act; those of a poll on the first one after the submission."""
    fault = FAULTS[name]
    asked_before = 1 if fault.phase == "poll" else 0
    server.arm(name, nth=fault.nth + asked_before, seconds=SLOW.get(name))


def outcome(folder: Path, name: str, memory: str = "forever") -> tuple[int, int, str, int, int]:
    """Exit code, accepted tasks and message of a build under the fault; exit and accepted tasks after one without.

    Only the first of them is impatient.
    """
    with shop(memory=memory) as server:
        project = Project(folder, ONE, server=server)
        environment = project.settings()
        arm(server, name)
        with hasty(**IMPATIENT.get(name, {})):
            first = run(folder, environment, "build", "--json")
        bought = len(server.bill)
        text = "; ".join(error["message"] for error in errors(first))
        server.disarm()
        with hasty():
            second = run(folder, environment, "build", "--json")
        twice = [task for task, times in Counter(line["task_id"] for line in server.bill).items() if times > 1]
        assert twice == []
        assert project.journal() == []
        return first.code, bought, lasting(text), second.code, len(server.bill)


def lasting(text: str) -> str:
    """A message without what differs from run to run."""
    text = re.sub(r"is damaged in frame \d+|does not decode after frame \d+: [^;]*", "is damaged", UUID.sub("ID", text))
    return re.sub(r"\bhas \d+ of", "has N of", text)


def test_the_table_has_every_fault() -> None:
    assert list(rows()) == list(FAULTS)


@pytest.mark.sweep
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_as_the_table_says_and_the_next_build_goes_on(tmp_path: Path, name: str) -> None:
    _, code, bought, text = rows()[name]
    found = outcome(tmp_path / "film", name)
    assert found[:3] == (code, bought, text)
    assert found[3:] == ((6, 0) if (code, bought) == (6, 0) else (0, max(1, bought)))


MONEY = [name for name, fault in FAULTS.items() if fault.money]


@pytest.mark.sweep
@pytest.mark.parametrize("name", MONEY)
def test_money_is_safe_with_a_provider_that_remembers_running_jobs_alone(tmp_path: Path, name: str) -> None:
    found = outcome(tmp_path / "film", name, "running")
    assert found[3:] == (0, 1)


@pytest.mark.sweep
@pytest.mark.parametrize("name", MONEY)
def test_a_lost_answer_of_a_provider_without_memory_is_reported_and_not_repeated(tmp_path: Path, name: str) -> None:
    forgetful = mock.patch("storyboard.providers.runware.wire.Runware.client_task_ids", new=False)
    with hasty(**IMPATIENT.get(name, {})), forgetful, shop(memory="none") as server:
        project = Project(tmp_path / "film", ONE, server=server)
        arm(server, name)
        first = run(project.folder, project.settings(), "build", "--json")
        server.disarm()
        second = run(project.folder, project.settings(), "build", "--json")
        assert len(server.bill) == 1
        if first.code:
            [error] = errors(second)
            for word in ("may have been paid", "a", server.bill[0]["task_id"], "$0.12", "build again", "--remake a"):
                assert word in error["message"]
            assert run(project.folder, project.settings(), "build", "--remake", "a").code == 0
            assert len(server.bill) == 2


def printed() -> None:
    """The table, as it comes out now."""
    with tempfile.TemporaryDirectory() as folder:
        for name, fault in FAULTS.items():
            code, bought, text, *_ = outcome(Path(folder) / name, name)
            print(f"| `{name}` | {fault.about} | {code} | {bought} | {text} |", flush=True)


if __name__ == "__main__":
    printed()
