"""The main loop of a worker process: runs one task after another, reports progress, and exits with its builder.

Builder and worker are connected by two pipes, the worker's stdin and stdout, because every system has those. A worker
keeps them for messages; what a library prints to stdout goes to stderr.
"""

import importlib
import os
import pickle
import struct
import threading
import traceback
from contextlib import suppress
from io import FileIO
from queue import SimpleQueue
from time import monotonic

from storyboard.operating_system import ignore_ctrl_c, shortage, use_one_thread_in_numpy

# The kinds of message from a worker: it is ready, after the seconds that it took to start; its task has progressed,
# returned, or raised.
READY, PROGRESS, MADE, RAISED = "ready", "progress", "made", "raised"
# Seconds between two reports of progress: tasks report each frame, and each report is a message to the builder.
_REPORT_INTERVAL_S = 0.1

_LENGTH = struct.Struct("!Q")


class MessagePipe:
    """Messages of any length over two pipes, which it owns: one thread may send and another receive."""

    def __init__(self, incoming: FileIO, outgoing: FileIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def send(self, message: bytes) -> None:
        """Write a message. Raises ``OSError`` if the other process has ended."""
        for data in (_LENGTH.pack(len(message)), message):
            rest = memoryview(data)
            while rest:
                rest = rest[self._outgoing.write(rest) or 0 :]

    def receive(self) -> bytes:
        """Return the next message. Raises ``EOFError`` if the other process has ended, and ``OSError``."""
        return self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0])

    def close(self) -> None:
        """Close both pipes."""
        self._incoming.close()
        self._outgoing.close()

    def _read(self, size: int) -> bytes:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            count = self._incoming.readinto(rest)
            if not count:
                raise EOFError
            rest = rest[count:]
        return bytes(data)


_builder: MessagePipe | None = None
_next_report = 0.0


def report_progress(done: int, total: int) -> None:
    """Report that the running task has made *done* of *total* frames. Does nothing outside a worker process."""
    global _next_report
    now = monotonic()
    if _builder is not None and now >= _next_report:
        _next_report = now + _REPORT_INTERVAL_S
        _builder.send(pickle.dumps((PROGRESS, (done, total))))


def serve() -> None:
    """Run the tasks that the builder sends until it has ended. Ignores Ctrl-C, which the builder handles."""
    global _builder
    began = monotonic()
    ignore_ctrl_c()
    _builder = _take_standard_pipes()
    tasks: SimpleQueue[bytes] = SimpleQueue()
    try:
        threading.Thread(target=_receive, args=(_builder, tasks), daemon=True).start()
        use_one_thread_in_numpy()
        importlib.import_module("storyboard.media.probe")  # what every task needs, while the builder starts up
    except (ImportError, MemoryError, RuntimeError) as problem:
        _exit_if_short(problem)
        raise
    _builder.send(pickle.dumps((READY, monotonic() - began)))
    while True:
        _builder.send(_run_task(tasks.get()))


def _exit_if_short(problem: Exception) -> None:
    """End this process with a line about the resource that ran out, if *problem* is of that kind."""
    lacking = shortage(problem)
    if lacking is not None:
        os.write(2, f"storyboard: a worker process cannot start: {lacking}\n".encode())
        os._exit(1)


def _take_standard_pipes() -> MessagePipe:
    """Return stdin and stdout as pipes to the builder; libraries then read nothing and print to stderr."""
    tasks, outcomes = FileIO(os.dup(0), "rb"), FileIO(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    with suppress(OSError):  # stderr may be closed
        os.dup2(2, 1)
    os.close(null)
    return MessagePipe(tasks, outcomes)


def _receive(builder: MessagePipe, tasks: "SimpleQueue[bytes]") -> None:
    """Receive tasks, also while one is running, and end this process when the builder has ended."""
    try:
        while True:
            tasks.put(builder.receive())
    except (EOFError, OSError):
        os._exit(1)


def _run_task(task: bytes) -> bytes:
    """Run a pickled task and return its outcome as a message."""
    global _next_report
    _next_report = 0.0
    try:
        function, arguments = pickle.loads(task)  # noqa: S301 - only the builder has the other end of the pipe
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
