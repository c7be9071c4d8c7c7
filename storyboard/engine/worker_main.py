"""The main loop of a worker process: runs one task after another, reports progress, and exits with its builder."""

import importlib
import os
import pickle
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from time import monotonic

# The kinds of message from a worker: it is ready, its task has progressed, returned, or raised.
READY, PROGRESS, MADE, RAISED = "ready", "progress", "made", "raised"
# Seconds between two reports of progress: tasks report each frame, and each report is a message to the builder.
_REPORT_INTERVAL_S = 0.1

_builder: Connection | None = None
_next_report = 0.0


def report_progress(done: int, total: int) -> None:
    """Report that the running task has made *done* of *total* frames. Does nothing outside a worker process."""
    global _next_report
    now = monotonic()
    if _builder is not None and now >= _next_report:
        _next_report = now + _REPORT_INTERVAL_S
        _builder.send((PROGRESS, (done, total)))


def serve(channel: int) -> None:
    """Run the tasks that the builder sends over *channel*, the number of an open socket, until the builder has ended.

    Ignores Ctrl-C, which the builder handles.
    """
    global _builder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _builder = Connection(channel)
    tasks: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(_builder, tasks), daemon=True).start()
    importlib.import_module("storyboard.media.probe")  # needed by every task, loaded while the builder starts up
    _builder.send((READY, None))
    while True:
        _builder.send_bytes(_run_task(tasks.get()))


def _receive(builder: Connection, tasks: "SimpleQueue[bytes]") -> None:
    """Receive tasks, also while one is running, and end this process when the builder has ended."""
    try:
        while True:
            tasks.put(builder.recv_bytes())
    except (EOFError, OSError):
        os._exit(1)


def _run_task(task: bytes) -> bytes:
    """Run a pickled task and return its outcome as a message."""
    global _next_report
    _next_report = 0.0
    try:
        function, arguments = pickle.loads(task)  # noqa: S301 - only the builder has the other end of the socket
        return pickle.dumps((MADE, function(*arguments)))
    except Exception as problem:  # noqa: BLE001 - the builder decides what to do about it
        return _failure_message(problem)


def _failure_message(problem: Exception) -> bytes:
    problem.add_note("In a worker process:\n" + "".join(traceback.format_exception(problem)))
    try:
        message = pickle.dumps((RAISED, problem))
        pickle.loads(message)  # noqa: S301 - the builder must be able to read it
    except Exception:  # noqa: BLE001 - exceptions of libraries can hold anything
        return pickle.dumps((RAISED, RuntimeError(f"{type(problem).__name__}: {problem}")))
    return message
