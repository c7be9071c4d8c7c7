"""Paid jobs at once against the ideal: ``python -m benchmarks.paid_jobs [--jobs 200] [--at-once 20] [--seconds 2]``.

Builds a film of as many tiny shots from a server on loopback, which renders one clip and sells it under many names:
what is measured is the client. The ideal makespan is jobs x seconds / at once. Told are the time from the first
question until the last job was settled and that of the whole command, both against the ideal, and the requests a job.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, Sample
from tests.project import Project
from tests.shops import shop


def rows(quick: bool) -> Iterator[Row]:
    """Jobs of 2 s, 20 at once, asked about every half second."""
    jobs = 60 if quick else 200
    settled, whole, requests = measured(jobs, 20, 2.0, 0.5)
    ideal = Sample((jobs * 2.0 / 20,))
    name = f"{jobs} jobs of 2 s, 20 at once"
    yield Row("paid", f"{name}: until all are settled", Sample((settled,)), "the ideal makespan", ideal, 1.25)
    yield Row("paid", f"{name}: the whole command", Sample((whole,)), "the ideal makespan", ideal)
    yield Row("paid", f"{name}: requests", Sample((requests,), "a job"), "", None)


def measured(jobs: int, at_once: int, seconds: float, poll: float) -> tuple[float, float, float]:
    """Seconds from the first question until all jobs are settled, of the whole command, and requests a job."""
    shots = "".join(f"      - {{id: s{n}, prompt: shot {n}, seed: {n}}}\n" for n in range(jobs))
    text = f"scenes:\n  - id: one\n    shots:\n{shots}"
    with tempfile.TemporaryDirectory() as folder, shop(seconds_per_job=seconds, alike=True) as server:
        project = Project(Path(folder) / "film", text, server=server)
        extra = {"STORYBOARD_POLL_INTERVAL": str(poll), "STORYBOARD_MAX_COST": "1000"}
        ledger = project.folder / ".storyboard" / "ledger.jsonl"
        began = time.monotonic()
        asked = settled = 0.0
        process = project.start("build", "-q", "-j", str(at_once), env=extra)
        while process.poll() is None and not settled:
            time.sleep(0.02)
            asked = asked or (time.monotonic() if server.requests else 0.0)
            if len(server.bill) == jobs and _settled(ledger) == jobs:
                settled = time.monotonic()
        out, err = process.communicate()
        whole = time.monotonic() - began
        if process.returncode:
            raise SystemExit(out + err)
        return settled - asked, whole, len(server.requests) / jobs


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--poll", type=float, default=0.5)
    wanted = parser.parse_args()
    ideal = wanted.jobs * wanted.seconds / wanted.at_once
    settled, whole, requests = measured(wanted.jobs, wanted.at_once, wanted.seconds, wanted.poll)
    print(f"{wanted.jobs} jobs of {wanted.seconds:g} s, {wanted.at_once} at once, first poll after {wanted.poll:g} s")
    print(f"ideal makespan        {ideal:7.1f} s")
    print(f"all jobs settled      {settled:7.1f} s   {settled / ideal:.2f} of the ideal, from the first question")
    print(f"film built            {whole:7.1f} s   {whole / ideal:.2f} of the ideal, from the start of the command")
    print(f"requests a job        {requests:7.1f}")


def _settled(ledger: Path) -> int:
    return ledger.read_text().count('"settled"') if ledger.exists() else 0


if __name__ == "__main__":
    main()
