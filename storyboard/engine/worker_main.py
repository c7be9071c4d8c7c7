"""The inside of a worker process: does one task after the other, tells how far it is, and ends with its builder.

When a step's turn has come: steps wait for a free worker, or for room among the paid jobs.

Whoever lets them wait calls ``has_come``; what that does was set by the engine. A step is a task of its own, so what is
set there is known to all that it calls, and to nothing else.
"""

import importlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from multiprocessing.connection import Connection
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar

R = TypeVar("R")

# The kinds of message from a worker: it can begin, it tells its progress, or its task has ended.
READY, PROGRESS, MADE, RAISED = "ready", "progress", "made", "raised"
# Seconds between two reports of progress. A task tells more often, and each report is a message to the builder.
_PAUSE_S = 0.1

_builder: Connection | None = None
_next_report = 0.0


def report_progress(done: int, total: int) -> None:
    """Called in a task: *done* of *total* frames are made. Outside a worker nobody is told."""
    global _next_report
    now = monotonic()
    if _builder is not None and now >= _next_report:
        _next_report = now + _PAUSE_S
        _builder.send((PROGRESS, (done, total)))


def timed(function: Callable[..., R], *arguments: Any) -> tuple[R, float]:
    """What *function* gives, and the seconds it took."""
    began = monotonic()
    return function(*arguments), monotonic() - began


def serve(channel: int) -> None:
    """Do what the builder asks for over *channel*, the number of an open socket, until the builder has ended.

    Ctrl-C is ignored: the builder answers it.
    """
    global _builder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _builder = Connection(channel)
    wanted: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(_builder, wanted), daemon=True).start()
    importlib.import_module("storyboard.media.probe")  # what every task needs, while the builder makes itself ready
    _builder.send((READY, None))
    while True:
        _builder.send_bytes(_answer(wanted.get()))


def _receive(builder: Connection, wanted: "SimpleQueue[bytes]") -> None:
    """Take in tasks, also while one is being done; when the builder has ended, so does this process."""
    try:
        while True:
            wanted.put(builder.recv_bytes())
    except (EOFError, OSError):
        os._exit(1)


def _answer(task: bytes) -> bytes:
    """Do a task, and return how it ended, as a message."""
    global _next_report
    _next_report = 0.0
    try:
        function, arguments = pickle.loads(task)  # noqa: S301 - nobody but the builder has the other end
        return pickle.dumps((MADE, function(*arguments)))
    except Exception as problem:  # noqa: BLE001 - the builder is who knows what to do about it
        return _raised(problem)


def _raised(problem: Exception) -> bytes:
    problem.add_note("In a worker process:\n" + "".join(traceback.format_exception(problem)))
    try:
        message = pickle.dumps((RAISED, problem))
        pickle.loads(message)  # noqa: S301 - whether the builder will be able to read it
    except Exception:  # noqa: BLE001 - exceptions of libraries can hold anything
        return pickle.dumps((RAISED, RuntimeError(f"{type(problem).__name__}: {problem}")))
    return message


_COMES: ContextVar[Callable[[], None] | None] = ContextVar("turn", default=None)
# Frames and films are made beside the event loop as soon as their inputs are there.
_AT_ONCE = ("frame", "cut")


def wait_for_turn(kind: str, tell: Callable[[], None]) -> None:
    """Have *tell* called, once, when the turn of the running step comes, which is of that *kind*."""
    waiting = [tell]

    def come() -> None:
        if waiting:
            waiting.pop()()

    _COMES.set(come)
    if kind in _AT_ONCE:
        come()


def has_come() -> None:
    """The turn of the running step has come; said a second time, it means nothing."""
    come = _COMES.get()
    if come is not None:
        come()
