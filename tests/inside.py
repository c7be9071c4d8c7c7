"""Builds in this very process, with little patience: for tests that need many builds and no processes."""

import asyncio
import contextlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from storyboard.cli import build_run, main
from storyboard.engine import build as engine_build
from storyboard.engine.paid import generator
from tests import tiny
from tests.drawn import drawn_once
from tests.runners import InlineRunner

# Often asked, and patient: no limit here is to end anything, however busy the machine is.
HASTE = generator.Timeouts(interval_s=0.02, job_s=30.0, call_s=30.0, exchange_s=10.0, stall_s=10.0, download_s=30.0)

# For jobs that do not end: they are given up, and go on in the journal.
SOON = {"job_s": 1.0}


async def _nap(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


@contextlib.contextmanager
def hasty(**limits: float) -> Iterator[None]:
    """Workers are threads, waits are short, the tiny model is known, and nothing is drawn twice.

    *limits* are fields of ``Timeouts``, for what is to be given up soon.
    """
    import msgspec

    real = build_run.read_paid_options

    def read(*arguments: Any) -> generator.PaidOptions:
        return msgspec.structs.replace(real(*arguments), timeouts=msgspec.structs.replace(HASTE, sleep=_nap, **limits))

    from storyboard.providers import models

    known = models.cards
    with (
        mock.patch.object(engine_build, "WorkerPool", InlineRunner),
        mock.patch.object(build_run, "read_paid_options", read),
        drawn_once(),
    ):
        tiny.install()
        try:
            yield
        finally:
            models.cards = known


class Ran:
    """How a verb ended: exit code, what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:
        """The data of a ``--json`` envelope."""
        return json.loads(self.out)["data"]

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


def run(folder: Path, environment: dict[str, str], *words: str) -> Ran:
    """A verb in *folder* as the command line would run it."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with (
            mock.patch.dict(os.environ, environment),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main.run(words)
    finally:
        os.chdir(before)
    return Ran(code, out.getvalue(), err.getvalue())


def errors(ran: Ran) -> list[dict[str, Any]]:
    """The errors of a ``--json`` envelope."""
    found: list[dict[str, Any]] = json.loads(ran.out)["errors"]
    return found


@contextlib.contextmanager
def at_work(*seeds: int) -> Iterator[None]:
    """Builds in this process; fresh seeds are these, one after the other."""
    with hasty(), mock.patch("storyboard.cli.commands.take.draw", side_effect=[seed - 1 for seed in seeds]):
        yield
