"""Every paid attempt and what it cost, failures too: ``.storyboard/ledger.jsonl``, one line an event, append only.

Owns the file, and the reservation that keeps any number of threads and processes below a cap. Leaves the arithmetic to
``bills``, prices to the model cards and the decision to spend to the build.

What attempts cost: what is believed of a reported sum, what counts against a cap, and the bill.

Amounts are decimal, in US dollars. Where events are kept is for ``ledger``.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from storyboard.core.money import billed, charged, estimated
from storyboard.core.results import CostTotal
from storyboard.durable import errors_for_path, fsync_folder, make_folders, open_regular, write_all
from storyboard.store.integrity import Quarantined
from storyboard.store.project_lock import lock_at, take_patiently

if TYPE_CHECKING:
    from filelock import BaseFileLock


Event = Literal["reserved", "submitted", "settled", "released"]
SUCCEEDED = "succeeded"
_ZERO = Decimal(0)


class LedgerEntry(Struct, frozen=True):
    """One event of one attempt.

    ``at`` in epoch seconds, ``seconds`` of video asked for, ``size`` as ``1280x720``; ``estimate`` and ``cost`` in US
    dollars as decimal text, ``cost`` as the provider reported it. ``outcome`` says how a settled attempt ended:
    ``succeeded``, or the code of its failure.
    """

    at: float
    event: Event
    task_id: str
    key: str
    attempt: int
    shot: str
    provider: str
    model: str
    seconds: float
    size: str
    estimate: str
    cost: str | None = None
    outcome: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the attempt ended without a take."""
        return self.event == "settled" and self.outcome not in (None, SUCCEEDED)


class Spend(Struct, frozen=True):
    """Money in US dollars: ``spent`` on attempts that ended, ``bound`` by those that have not, by task id."""

    spent: Decimal
    bound: dict[str, Decimal]

    @property
    def total(self) -> Decimal:
        """What may not pass the cap."""
        return self.spent + sum(self.bound.values(), _ZERO)


class AttemptTotals:
    """Sums by task id as events come in, each with the place in the ledger where its line ends.

    What was never reserved here was bought by somebody else and is only fetched: it spends nothing, so that no cap has
    to hold it. The bill (``totals``) has it all the same.
    """

    def __init__(self) -> None:
        self._reserved: set[str] = set()
        self._bound: dict[str, Decimal] = {}
        self._spent: dict[str, tuple[int, Decimal]] = {}

    def add(self, offset: int, entry: LedgerEntry) -> None:
        """One event more, in the order of the ledger."""
        task = entry.task_id
        if entry.event == "settled" and task not in self._reserved:
            return
        if entry.event == "settled":
            # Settled again without a reservation between: the same bill told twice, after a crash.
            cost = charged(entry.cost, entry.estimate)
            place, before = self._spent.get(task, (offset, _ZERO))
            again = self._bound.pop(task, None) is None
            self._spent[task] = (place, max(before, cost)) if again else (offset, before + cost)
        elif entry.event == "released":
            self._bound.pop(task, None)
        else:
            self._reserved.add(task)
            self._bound[task] = estimated(entry.estimate)

    def standing(self, since: int) -> Spend:
        """What is bound, and what was spent on attempts that ended after the place *since*."""
        spent = sum((cost for place, cost in self._spent.values() if place > since), _ZERO)
        return Spend(spent, dict(self._bound))


def totals(entries: Iterable[LedgerEntry], by: Literal["shot", "day", "provider", "model"]) -> list[CostTotal]:
    """The bill by shot, model, provider or day (UTC), sorted by name; attempts without a take on their own line."""
    ended = {entry.task_id: entry for entry in entries if entry.event == "settled"}
    groups: dict[tuple[str, bool], list[Decimal]] = {}
    for entry in ended.values():
        groups.setdefault((_group(entry, by), entry.failed), []).append(billed(entry.cost, entry.estimate))
    return [CostTotal(name, failed, len(costs), sum(costs, _ZERO)) for (name, failed), costs in sorted(groups.items())]


def _group(entry: LedgerEntry, by: Literal["shot", "day", "provider", "model"]) -> str:
    if by == "day":
        return datetime.fromtimestamp(entry.at, UTC).date().isoformat()
    readers: dict[str, Callable[[LedgerEntry], str]] = {
        "shot": lambda entry: entry.shot,
        "provider": lambda entry: entry.provider,
        "model": lambda entry: entry.model,
    }
    return readers[by](entry)


_POLL_S = 0.01


class Ledger:
    """The ledger at *path*; a second file beside it, ending in ``.lock``, keeps writers apart.

    Lines that cannot be read are told in ``troubles`` of the last reading and count for nothing: a torn last line was
    never acknowledged to anybody.
    """

    def __init__(self, path: Path) -> None:
        self.troubles: list[Quarantined] = []
        self._path = path
        self._threads = Lock()
        self._account = AttemptTotals()
        self._read_to = (0, 0)

    @cached_property
    def _processes(self) -> "BaseFileLock":
        return lock_at(self._path.with_name(self._path.name + ".lock"), _POLL_S)

    def append(self, entry: LedgerEntry) -> None:
        """Write one event down; when this returns, it survives a power cut.

        Raises ``OSError`` naming the file, which then is as it was; ``ValueError`` for an estimate that is no sum.
        """
        estimated(entry.estimate)
        with self._alone():
            self._append(entry)

    def reserve(self, entry: LedgerEntry, cap: Decimal | None, since: int = 0) -> bool:
        """Bind the estimate of an attempt before it is submitted, unless that would pass *cap* (US dollars).

        Look and entry are one step for all threads and processes, so that spent + bound ≤ cap at every instant.
        Attempts that ended before *since* (a ``position``) do not count, those that have not ended always do.
        Returns whether it was bound. Raises as ``append`` does.
        """
        wanted = estimated(entry.estimate)
        if entry.event != "reserved":
            raise ValueError(f"not a reservation: {entry.event}")
        with self._alone():
            self._catch_up()
            standing = self._account.standing(since)
            held = standing.total - standing.bound.get(entry.task_id, Decimal(0))
            if cap is not None and held + wanted > cap:
                return False
            self._append(entry)
        return True

    def position(self) -> int:
        """The end of the ledger now, for ``since``: a place in the file, since clocks may jump."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def entries(self) -> list[LedgerEntry]:
        """Every event that can be read, oldest first. Waits for nobody."""
        return [entry for _, entry in self._lines()]

    def standing(self, since: int = 0) -> Spend:
        """What is spent (on attempts that ended after *since*) and bound. Waits for nobody."""
        account = AttemptTotals()
        for offset, entry in self._lines():
            account.add(offset, entry)
        return account.standing(since)

    def totals(self, by: Literal["shot", "day", "provider", "model"]) -> list[CostTotal]:
        """The bill by shot, model, provider or day, as ``bills.totals`` draws it up."""
        return totals(self.entries(), by)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._threads:
            make_folders(self._path.parent)
            take_patiently(self._processes)
            try:
                yield
            finally:
                self._processes.release()

    def _append(self, entry: LedgerEntry) -> None:
        """Under the lock: one line, after a newline where a killed writer left none; undone if it fails."""
        line = msgspec.json.encode(entry) + b"\n"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        with errors_for_path(self._path):
            descriptor = os.open(self._path, flags, 0o644)
            try:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                try:
                    write_all(descriptor, b"\n" + line if torn else line)
                    os.fsync(descriptor)
                except BaseException:
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)
            if size == 0:
                fsync_folder(self._path.parent)

    def _catch_up(self) -> None:
        """Under the lock: read what was added since the last time, all of it if this is another file now."""
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            seen = None
        identity, offset = self._read_to
        if seen is None or seen.st_ino != identity or seen.st_size < offset:
            self._account, offset = AttemptTotals(), 0
        for line_at, entry in self._lines(offset):
            self._account.add(line_at, entry)
        self._read_to = (0, 0) if seen is None else (seen.st_ino, seen.st_size)

    def _lines(self, offset: int = 0) -> list[tuple[int, LedgerEntry]]:
        """Events from *offset* on, each with the place where its line ends."""
        self.troubles = []
        try:
            with errors_for_path(self._path), os.fdopen(open_regular(self._path), "rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return []
        found: list[tuple[int, LedgerEntry]] = []
        for line in data.splitlines(keepends=True):
            offset += len(line)
            entry = self._entry(line)
            if entry is not None:
                found.append((offset, entry))
        return found

    def _entry(self, line: bytes) -> LedgerEntry | None:
        if not line.strip():
            return None
        try:
            entry = msgspec.json.decode(line, type=LedgerEntry)
            estimated(entry.estimate)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
            self.troubles.append(Quarantined(self._path, f"a line cannot be read: {line[:80]!r}", self._path))
            return None
        return entry
