"""The inside of a worker process: how it begins, tells how far it is, and ends with its builder.

Loads little: everything here is loaded by each worker before its first task.
"""

import importlib
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any, TypeVar

R = TypeVar("R")

_counters: Any = None


def report_progress(slot: int, done: int, total: int) -> None:
    """Called in a worker: *done* of *total* frames of the task in *slot*."""
    _counters[2 * slot] = done
    _counters[2 * slot + 1] = total


def begin(lifeline: Connection, counters: Any) -> None:
    """A worker begins; *counters* are shared with the builder, and *lifeline* ends when that ends."""
    global _counters
    _counters = counters
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_builder, args=(lifeline,), daemon=True).start()


def timed(slot: int, function: Callable[..., R], *arguments: Any) -> tuple[R, float]:
    """What *function* gives, and the seconds it took."""
    began = monotonic()
    return function(slot, *arguments), monotonic() - began


def get_ready() -> None:
    """Load what every task needs, while the builder makes itself ready."""
    importlib.import_module("storyboard.media.probe")


def _end_with_builder(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)
