"""Paid jobs at once against the ideal: a film of tiny shots from a server on loopback.

The ideal makespan is jobs x seconds / at once. Told are the time until the last job was settled and that of the whole
build, both against the ideal, and the requests a job.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, Sample
from tests.shops import PaidProject, shop

_AT_ONCE, _SECONDS, _POLL = 20, 2.0, 0.5


def rows(quick: bool) -> Iterator[Row]:
    jobs = 20 if quick else 200
    text = "scenes:\n  - id: one\n    shots:\n"
    text += "".join(f"      - {{id: s{n}, prompt: shot {n}, seed: {n}}}\n" for n in range(jobs))
    bought, whole, requests = _built(jobs, text)
    ideal = Sample((jobs * _SECONDS / _AT_ONCE,))
    note = f"{jobs} jobs of {_SECONDS:g} s, {_AT_ONCE} at once, a first poll after {_POLL:g} s"
    yield Row("paid", "all jobs settled", Sample((bought,)), "the ideal makespan", ideal, note=note)
    yield Row("paid", "film built", Sample((whole,)), "the ideal makespan", ideal)
    yield Row("paid", "requests a job", Sample((requests / jobs,), ""), "")


def _built(jobs: int, text: str) -> tuple[float, float, int]:
    """Seconds until all was bought, seconds until the film was there, requests in all."""
    with tempfile.TemporaryDirectory() as folder, shop(seconds_per_job=_SECONDS) as server:
        project = PaidProject(Path(folder) / "film", server, text)
        extra = {"STORYBOARD_POLL_INTERVAL": str(_POLL), "STORYBOARD_MAX_COST": "1000"}
        began = time.monotonic()
        process = project.start("build", "-j", str(_AT_ONCE), env=extra)
        records = project.folder / ".storyboard" / "ledger.jsonl"
        while process.poll() is None and _settled(records) < jobs:
            time.sleep(0.05)
        bought = time.monotonic() - began
        out, err = process.communicate()
        whole = time.monotonic() - began
        if process.returncode:
            raise RuntimeError(out + err)
        return bought, whole, len(server.requests)


def _settled(ledger: Path) -> int:
    return ledger.read_text().count('"settled"') if ledger.exists() else 0
