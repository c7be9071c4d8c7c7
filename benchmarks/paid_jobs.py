"""Paid jobs at once against the ideal: ``python -m benchmarks.paid_jobs [--jobs 200] [--at-once 20] [--seconds 2]``.

Builds a film of as many tiny shots from a server on loopback. The ideal makespan is jobs x seconds / at once. Told are
the time until the last job was settled and that of the whole build, both against the ideal, and the requests a job.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.shops import PaidProject, shop


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--poll", type=float, default=0.5)
    wanted = parser.parse_args()
    shots = "".join(f"      - {{id: s{n}, prompt: shot {n}, seed: {n}}}\n" for n in range(wanted.jobs))
    text = f"scenes:\n  - id: one\n    shots:\n{shots}"
    ideal = wanted.jobs * wanted.seconds / wanted.at_once
    with tempfile.TemporaryDirectory() as folder, shop(seconds_per_job=wanted.seconds) as server:
        project = PaidProject(Path(folder) / "film", server, text)
        extra = {"STORYBOARD_POLL_INTERVAL": str(wanted.poll), "STORYBOARD_MAX_COST": "1000"}
        began = time.monotonic()
        process = project.start("build", "-j", str(wanted.at_once), env=extra)
        records = project.folder / ".storyboard" / "ledger.jsonl"
        while process.poll() is None and _settled(records) < wanted.jobs:
            time.sleep(0.05)
        bought = time.monotonic() - began
        out, err = process.communicate()
        whole = time.monotonic() - began
        if process.returncode:
            raise SystemExit(out + err)
        requests = len(server.requests)
    print(f"{wanted.jobs} jobs of {wanted.seconds:g} s, {wanted.at_once} at once, first poll after {wanted.poll:g} s")
    print(f"ideal makespan        {ideal:7.1f} s")
    print(f"all jobs settled      {bought:7.1f} s   {bought / ideal:.2f} of the ideal")
    print(f"film built            {whole:7.1f} s   {whole / ideal:.2f} of the ideal")
    print(f"requests a job        {requests / wanted.jobs:7.1f}")


def _settled(ledger: Path) -> int:
    return ledger.read_text().count('"settled"') if ledger.exists() else 0


if __name__ == "__main__":
    main()
