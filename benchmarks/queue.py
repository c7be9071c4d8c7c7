"""A long queue of paid jobs, most of them waiting for a turn: ``python -m benchmarks.queue [--queued 10000]``.

A film of as many shots is bought from a server on loopback whose jobs do not end. When 64 are open and the start is
over, the builder is watched for a while: what it takes of one core, its memory, its open files, its questions.
"""

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Row, Sample
from tests.project import Project
from tests.shops import shop

AT_ONCE = 64
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Watched:
    """Of one process: seconds of CPU, kilobytes of memory, open files."""

    cpu: float
    memory: int
    files: int


@dataclass(frozen=True)
class Waiting:
    """How a builder waited for *seconds*: what it was before and after, and the questions it put a minute."""

    seconds: float
    before: Watched
    after: Watched
    questions: float


def rows(quick: bool) -> Iterator[Row]:
    """64 open jobs and the rest in the queue, asked about every second."""
    queued, seconds = (500, 10.0) if quick else (10_000, 60.0)
    found = measured(queued, seconds, 1.0)
    name = f"{queued:,} jobs in the queue, {AT_ONCE} open"
    fifth = Sample((0.2 * found.seconds,))
    yield Row("queue", f"{name}: CPU", Sample((found.after.cpu - found.before.cpu,)), "a fifth of a core", fifth, 1.0)
    for what, ours, before in (
        ("memory", found.after.memory, found.before.memory),
        ("open files", found.after.files, found.before.files),
    ):
        reference = Sample((float(before),), "")
        yield Row("queue", f"{name}: {what}", Sample((float(ours),), ""), "the same before the wait", reference, 1.05)
    one = Sample((2 * 60.0,), "")
    asked = Sample((found.questions,), "")
    yield Row("queue", f"{name}: questions a minute", asked, "one a batch and second", one, 1.0)


def measured(queued: int, seconds: float, poll: float) -> Waiting:
    """Watch a builder for *seconds* while its open jobs do not end; questions are *poll* seconds apart."""
    shots = "".join(f"      - {{id: s{n}, prompt: shot {n}, seed: {n}}}\n" for n in range(queued))
    with tempfile.TemporaryDirectory() as folder, shop(seconds_per_job=86_400.0, alike=True) as server:
        project = Project(Path(folder) / "film", f"scenes:\n  - id: one\n    shots:\n{shots}", server=server)
        extra = {"STORYBOARD_POLL_INTERVAL": str(poll), "STORYBOARD_MAX_COST": "100000"}
        process = project.start("build", "-q", "-j", str(AT_ONCE), env=extra)
        try:
            while process.poll() is None and len(server.bill) < AT_ONCE:
                time.sleep(0.05)
            _settle(process.pid)
            asked, before, began = len(server.requests), _watched(process.pid), time.monotonic()
            time.sleep(seconds)
            after, took = _watched(process.pid), time.monotonic() - began
            questions = (len(server.requests) - asked) * 60 / took
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
        if process.returncode != 128 + signal.SIGTERM or len(server.bill) != AT_ONCE:
            raise SystemExit(out + err)
        return Waiting(took, before, after, questions)


def _settle(pid: int) -> None:
    """Until the start is over: a second in which less than half of one core is used."""
    busy = 1.0
    while busy > 0.5:
        before = _watched(pid).cpu
        time.sleep(1.0)
        busy = _watched(pid).cpu - before


def _watched(pid: int) -> Watched:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return Watched((int(fields[11]) + int(fields[12])) / _TICKS, memory, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--poll", type=float, default=1.0)
    wanted = parser.parse_args()
    found = measured(wanted.queued, wanted.seconds, wanted.poll)
    cpu = (found.after.cpu - found.before.cpu) / found.seconds
    print(f"{wanted.queued} jobs in the queue, {AT_ONCE} open, asked about every {wanted.poll:g} s")
    print(f"of one core           {cpu:7.1%}")
    print(f"memory                {found.before.memory / 1024:7.1f} MB, after {found.seconds:.0f} s", end=" ")
    print(f"{found.after.memory / 1024:.1f} MB")
    print(f"open files            {found.before.files:7d}, after that {found.after.files}")
    print(f"questions a minute    {found.questions:7.1f}")


if __name__ == "__main__":
    main()
