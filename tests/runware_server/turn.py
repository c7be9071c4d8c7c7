"""What a fault is and how it gets its hands on an exchange.

A fault belongs to a phase. ``submit``, ``poll`` and ``download`` faults act on a whole exchange (``act``); ``poll`` and
``url`` faults may instead change what a poll says of one job (``edit``), and then keep to the first job they touched;
``media`` faults spoil the bytes of one clip (``spoil``), each time it is fetched; the one ``connect`` fault takes the
listener away for a while. ``nth`` is the occasion on which a fault first acts, ``times`` how often (``ALWAYS`` for no
end), ``seconds`` its pace. ``money`` marks the cases in which a careless client pays twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.runware_server.rules import Task
from tests.runware_server.wire import Wire

Phase = Literal["connect", "submit", "poll", "url", "download", "media"]
Item = dict[str, Any]
Act = Callable[["Turn"], Awaitable[None]]
# What a poll says of one job (items of data, items of errors), its id, the second origin -> what it says instead.
Edit = Callable[[list[Item], list[Item], str, str], tuple[list[Item], list[Item]]]
ALWAYS = 10**9


class Turn:
    """One exchange in the hands of a fault."""

    def __init__(
        self,
        wire: Wire,
        tasks: list[Task],
        elsewhere: str,
        answer: Callable[[], tuple[int, dict[str, Any]]],
        clip: bytes = b"",
        headers: dict[str, str] | None = None,
        delivered: Callable[[dict[str, Any]], None] = lambda _payload: None,
    ) -> None:
        self.wire, self.tasks, self.elsewhere, self.answer = wire, tasks, elsewhere, answer
        self._delivered = delivered
        self.clip, self.headers = clip, headers or {}
        self.seconds = 1.0
        self.strike = 1
        self.target = ""

    async def deliver(self, status: int, payload: dict[str, Any]) -> None:
        """Send a reply that the client gets, so that its jobs are acknowledged."""
        await self.wire.json(status, payload)
        self._delivered(payload)

    @property
    def task_id(self) -> str:
        """The id of the first task."""
        return str(self.tasks[0].get("taskUUID"))

    @property
    def etag(self) -> str:
        """A strong one, from the length and the end of the clip."""
        return f'"{len(self.clip):x}-{self.clip[-8:].hex()}"'

    async def serve_clip(self) -> None:
        """The clip as a good server serves it: whole, or the part that was asked for."""
        headers = {"Content-Type": "video/mp4", "ETag": self.etag, "Accept-Ranges": "bytes"}
        start = self.range_start()
        if start is None or self.headers.get("if-range", self.etag) != self.etag:
            await self.wire.reply(200, self.clip, headers)
        elif start >= len(self.clip):
            await self.wire.reply(416, b"", {"Content-Range": f"bytes */{len(self.clip)}"})
        else:
            headers["Content-Range"] = f"bytes {start}-{len(self.clip) - 1}/{len(self.clip)}"
            await self.wire.reply(206, self.clip[start:], headers)

    def range_start(self) -> int | None:
        """Where an open-ended range begins, if one was asked for."""
        unit, _, span = self.headers.get("range", "").partition("=")
        first, _, last = span.partition("-")
        return int(first) if unit == "bytes" and first.isdigit() and not last else None


@dataclass(frozen=True)
class Fault:
    """One named case."""

    name: str
    phase: Phase
    about: str
    act: Act | None = None
    edit: Edit | None = None
    spoil: Callable[[bytes], bytes] | None = None
    nth: int = 1
    times: int = 1
    seconds: float = 1.0
    money: bool = False


class Armed:
    """A fault on watch: it counts its occasions and knows the one job it keeps to."""

    def __init__(self, fault: Fault, nth: int | None, times: int | None, seconds: float | None) -> None:
        self.fault = fault
        self.nth = fault.nth if nth is None else nth
        self.times = fault.times if times is None else times
        self.seconds = fault.seconds if seconds is None else seconds
        self.occasions = 0
        self.struck = 0
        self._bound: str | None = None

    def strikes(self) -> bool:
        """Count one occasion; whether the fault acts on it."""
        self.occasions += 1
        if not self.nth <= self.occasions < self.nth + self.times:
            return False
        self.struck += 1
        return True

    def binds(self, subject: str) -> bool:
        """Whether *subject* is the one this fault keeps to; the first to come is."""
        self._bound = self._bound or subject
        return self._bound == subject and self.strikes()

    def edit(self, payload: dict[str, Any], tasks: list[Task], elsewhere: str) -> None:
        """Change what *payload* says of the job this fault keeps to."""
        if self.fault.edit is None:
            return
        for task_id in [str(task.get("taskUUID")) for task in tasks]:
            data, errors = payload["data"], payload.get("errors", [])
            mine = [item for item in data if item.get("taskUUID") == task_id]
            if self.fault.phase == "url" and not any(item.get("status") == "success" for item in mine):
                continue
            if not self.binds(task_id):
                continue
            failed = [item for item in errors if item.get("taskUUID") == task_id]
            new_data, new_errors = self.fault.edit([dict(item) for item in mine], failed, task_id, elsewhere)
            payload["data"] = [item for item in data if item not in mine] + new_data
            payload["errors"] = [item for item in errors if item not in failed] + new_errors
