"""Ledger of paid attempts and their cost, failures included: ``.storyboard/ledger.jsonl``, append only.

One line is one event; amounts are decimal text in US dollars. Owns the file, the sums over it, and the reservation that
keeps any number of threads and processes below a spending cap. Leaves prices to the model cards and the decision to
spend to the engine.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.results import CostTotal, billed, charged, estimated, is_doubtful
from storyboard.durable import errors_for_path, fsync_folder, make_folders, open_regular, write_all
from storyboard.operating_system import open_to_append, read_at
from storyboard.store.integrity import Quarantined
from storyboard.store.journal import Account
from storyboard.store.project_lock import make_lock, wait_for_lock

if TYPE_CHECKING:
    from filelock import BaseFileLock

Grouping = Literal["shot", "day", "provider", "model"]
Event = Literal["reserved", "submitted", "settled", "released"]
SUCCEEDED = "succeeded"
MODERATED = "moderated"
_ZERO = Decimal(0)
_POLL_S = 0.01


class LedgerEntry(Struct, frozen=True):
    """One event of one attempt.

    ``at`` in epoch seconds, ``seconds`` of video requested, ``size`` as ``1280x720``; ``estimate`` and ``cost`` in US
    dollars as decimal text, ``cost`` as the provider reported it. ``outcome`` is the result of a settled attempt:
    ``succeeded``, or the code of its failure. ``account`` is ``None`` in lines of earlier versions.
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
    account: Account | None = None

    @property
    def failed(self) -> bool:
        """Return whether the attempt ended without a take."""
        return self.event == "settled" and self.outcome not in (None, SUCCEEDED)


class Spend(Struct, frozen=True):
    """Money in US dollars: ``spent`` on ended attempts, ``reserved`` for open ones by task id."""

    spent: Decimal
    reserved: dict[str, Decimal]

    @property
    def total(self) -> Decimal:
        """The sum that may not exceed the cap."""
        return self.spent + sum(self.reserved.values(), _ZERO)


class Bill(Struct, frozen=True):
    """US dollars on the bill of a build; *failed* is the part for attempts without a take, possibly not charged."""

    cost: Decimal
    failed: Decimal


class Reservations:
    """The reservations that a sequence of ledger events leaves open: ``open`` has US dollars by task id."""

    def __init__(self) -> None:
        self.open: dict[str, Decimal] = {}

    def follow(self, entry: LedgerEntry) -> bool:
        """Apply the next event, and return whether it settles a reservation: then the attempt was bought here."""
        if entry.event in ("reserved", "submitted"):
            self.open[entry.task_id] = estimated(entry.estimate)
            return False
        return self.open.pop(entry.task_id, None) is not None and entry.event == "settled"


class AttemptTotals:
    """Sums by task id over the events of a ledger, each with the file offset of the end of its line.

    An attempt without a reservation of its own was bought elsewhere and is only fetched here, so it counts against no
    cap. The bill (``totals``) includes it.
    """

    def __init__(self) -> None:
        self._reservations = Reservations()
        self._spent: dict[str, tuple[int, Decimal]] = {}

    def add(self, offset: int, entry: LedgerEntry) -> None:
        """Add the next event of the ledger."""
        task, is_bought_here = entry.task_id, self._reservations.follow(entry)
        if entry.event != "settled":
            return
        # Settled again without a reservation between: one bill recorded twice, after a crash.
        cost = charged(entry.cost, entry.estimate)
        place, before = self._spent.get(task, (offset, _ZERO))
        if is_bought_here:
            self._spent[task] = (offset, before + cost)
        elif task in self._spent:
            self._spent[task] = (place, max(before, cost))

    def spend(self, since: int) -> Spend:
        """Return the reserved sums, and the sum spent on attempts that ended after the offset *since*."""
        spent = sum((cost for place, cost in self._spent.values() if place > since), _ZERO)
        return Spend(spent, dict(self._reservations.open))


class EndedAttempt(Struct, frozen=True):
    """One attempt that ended, by its last *entry*; *offset* is the end of the line that ended it.

    *bought_here* is set if the attempt was reserved when it ended. A reservation is released where another clone turns
    out to have submitted the task, so the sums of all clones bought here are the bill of the provider.
    """

    entry: LedgerEntry
    offset: int
    bought_here: bool

    @property
    def cost(self) -> Decimal:
        """US dollars on the bill."""
        return billed(self.entry.cost, self.entry.estimate)


def ended_attempts(lines: Iterable[tuple[int, LedgerEntry]]) -> list[EndedAttempt]:
    """Return the attempts that ended, in order, from the events with the offsets of the ends of their lines."""
    reservations = Reservations()
    ended: dict[str, list[EndedAttempt]] = {}
    for offset, entry in lines:
        task = entry.task_id
        if reservations.follow(entry):
            ended.setdefault(task, []).append(EndedAttempt(entry, offset, bought_here=True))
        elif entry.event != "settled":
            continue
        elif task in ended:  # one bill recorded twice, after a crash
            ended[task][-1] = replace(ended[task][-1], entry=entry)
        else:
            ended[task] = [EndedAttempt(entry, offset, bought_here=False)]
    return [attempt for attempts in ended.values() for attempt in attempts]


def totals(attempts: Iterable[EndedAttempt], by: Grouping) -> list[CostTotal]:
    """Return the bill by shot, model, provider or day (UTC), sorted by name.

    Attempts without a take are summed on their own line.
    """
    groups: dict[tuple[str, bool], list[EndedAttempt]] = {}
    for attempt in attempts:
        groups.setdefault((_group(attempt.entry, by), attempt.entry.failed), []).append(attempt)
    return [_total(name, found, failed=failed) for (name, failed), found in sorted(groups.items())]


def _total(name: str, attempts: Sequence[EndedAttempt], *, failed: bool) -> CostTotal:
    cost = sum((attempt.cost for attempt in attempts), _ZERO)
    found = sum((attempt.cost for attempt in attempts if not attempt.bought_here), _ZERO)
    return CostTotal(name, failed, len(attempts), cost, found)


def _group(entry: LedgerEntry, by: Grouping) -> str:
    if by == "day":
        try:
            return datetime.fromtimestamp(entry.at, UTC).date().isoformat()
        except (OverflowError, ValueError, OSError):  # written while the clock was far off
            return "no date"
    readers: dict[str, Callable[[LedgerEntry], str]] = {
        "shot": lambda entry: entry.shot,
        "provider": lambda entry: entry.provider,
        "model": lambda entry: entry.model,
    }
    return readers[by](entry)


class Ledger:
    """The ledger at *path*; a second file with the suffix ``.lock`` excludes concurrent writers.

    Unreadable lines are listed in ``troubles`` of the latest reading and count as nothing: a torn last line was never
    acknowledged.
    """

    def __init__(self, path: Path) -> None:
        self.troubles: list[Quarantined] = []
        self._path = path
        self._thread_lock = Lock()
        self._totals = AttemptTotals()
        self._position_read = (0, 0)

    @cached_property
    def _process_lock(self) -> "BaseFileLock":
        return make_lock(self._path.with_name(self._path.name + ".lock"), _POLL_S)

    def append(self, entry: LedgerEntry) -> None:
        """Write one event; once this returns, it survives a power failure.

        Raises ``OSError`` with the file name, leaving the file unchanged; ``ValueError`` for an estimate that is no
        amount.
        """
        estimated(entry.estimate)
        with self._exclusive_access():
            self._write_line(entry)

    def reserve(self, entry: LedgerEntry, cap: Decimal | None, since: int = 0) -> bool:
        """Reserve the estimate of an attempt before it is submitted, unless that would exceed *cap* (US dollars).

        Check and entry are one step for all threads and processes, so that spent + reserved ≤ cap at every instant.
        Attempts that ended before *since* (a ``position``) do not count; open ones always do. Return whether the sum
        was reserved. Raises as ``append`` does.
        """
        wanted = estimated(entry.estimate)
        if entry.event != "reserved":
            raise ValueError(f"not a reservation: {entry.event}")
        with self._exclusive_access():
            self._read_new_lines()
            spend = self._totals.spend(since)
            others = spend.total - spend.reserved.get(entry.task_id, Decimal(0))
            if cap is not None and others + wanted > cap:
                return False
            self._write_line(entry)
        return True

    def position(self) -> int:
        """Return the present end of the ledger, for ``since``: a file offset, because clocks may jump."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def entries(self) -> list[LedgerEntry]:
        """Return every readable event, oldest first. Takes no lock."""
        return [entry for _, entry in self._read_lines()]

    def spend(self, since: int = 0) -> Spend:
        """Return the sums spent on attempts that ended after *since*, and reserved. Takes no lock."""
        attempts = AttemptTotals()
        for offset, entry in self._read_lines():
            attempts.add(offset, entry)
        return attempts.spend(since)

    def bill(self, since: int) -> Bill:
        """Return the bill of the attempts that were bought here and ended after *since*. Takes no lock."""
        mine = [one for one in ended_attempts(self._read_lines()) if one.bought_here and one.offset > since]
        failed = sum((one.cost for one in mine if one.entry.failed), _ZERO)
        return Bill(sum((one.cost for one in mine), _ZERO), failed)

    def doubtful(self) -> list[LedgerEntry]:
        """Return the entries of ended attempts whose reported cost cannot be believed. Takes no lock."""
        ended = [one.entry for one in ended_attempts(self._read_lines())]
        return [entry for entry in ended if is_doubtful(entry.cost, entry.estimate)]

    def totals(self, by: Grouping) -> list[CostTotal]:
        """Return the bill by shot, model, provider or day, as the function ``totals`` does."""
        return totals(ended_attempts(self._read_lines()), by)

    @contextmanager
    def _exclusive_access(self) -> Iterator[None]:
        with self._thread_lock:
            make_folders(self._path.parent)
            wait_for_lock(self._process_lock)
            try:
                yield
            finally:
                self._process_lock.release()

    def _write_line(self, entry: LedgerEntry) -> None:
        """Append one line under the lock, after a newline if a killed writer left none; undo it if it fails."""
        line = msgspec.json.encode(entry) + b"\n"
        with errors_for_path(self._path):
            descriptor = open_to_append(self._path)
            try:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and read_at(descriptor, 1, size - 1) != b"\n"
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

    def _read_new_lines(self) -> None:
        """Read the lines added since the last call, under the lock; all lines if the file was replaced."""
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            seen = None
        identity, offset = self._position_read
        if seen is None or seen.st_ino != identity or seen.st_size < offset:
            self._totals, offset = AttemptTotals(), 0
        for line_at, entry in self._read_lines(offset):
            self._totals.add(line_at, entry)
        self._position_read = (0, 0) if seen is None else (seen.st_ino, seen.st_size)

    def _read_lines(self, offset: int = 0) -> list[tuple[int, LedgerEntry]]:
        """Return the events from *offset* on, each with the offset of the end of its line."""
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
            entry = self._parse_line(line)
            if entry is not None:
                found.append((offset, entry))
        return found

    def _parse_line(self, line: bytes) -> LedgerEntry | None:
        if not line.strip():
            return None
        try:
            entry = msgspec.json.decode(line, type=LedgerEntry)
            estimated(entry.estimate)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
            self.troubles.append(Quarantined(self._path, f"a line cannot be read: {line[:80]!r}", self._path))
            return None
        return entry
