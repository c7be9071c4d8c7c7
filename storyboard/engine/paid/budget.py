"""The budget of a build: estimates, the cap, and a reservation before every paid submission.

Sums are kept in the ledger, which all processes of the project share.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from storyboard.core.model import Generated
from storyboard.core.model_cards import ModelCard
from storyboard.core.results import amount, dollars, doubtful_text, is_doubtful, money_data
from storyboard.engine.worker_tasks import TaskFailed
from storyboard.store.journal import Account
from storyboard.store.ledger import SUCCEEDED, Bill, Event, Ledger, LedgerEntry, Reservations

# Outcome of a released attempt that was certainly not sent.
NOT_SENT = "not-sent"


class OverBudget(TaskFailed):
    """A take that was not bought since it would have exceeded the cap."""

    code = "over-budget"

    def __init__(self, shot: str, estimate: Decimal, cap: Decimal) -> None:
        super().__init__(f"{dollars(estimate)} for {shot} would exceed the {dollars(cap)} cap; nothing was submitted")


class Attempt(Struct, frozen=True):
    """One attempt at one take, as identified in the ledger, and the account that pays for it."""

    task_id: str
    key: str
    number: int
    shot: str
    source: Generated
    estimate: Decimal
    account: Account | None = None


class CostDoubted(TaskFailed):
    """A take that was not bought, because a cost that the provider reported in this build cannot be believed."""

    code = "doubtful-cost"

    def __init__(self, attempt: Attempt, cost: Decimal | None) -> None:
        provider = attempt.source.provider
        reported = doubtful_text(cost, attempt.estimate)
        super().__init__(
            f"{provider} reports {reported} for task {attempt.task_id} of {attempt.shot}; nothing more is "
            f"submitted; compare it with the bill of {provider}, then build again"
        )


class Prices:
    """List prices, corrected by earlier charges for equal model, duration and size."""

    def __init__(self, cards: Mapping[str, ModelCard], ledger: Ledger) -> None:
        self._cards = cards
        self._seen: dict[tuple[str, str, float, str], Decimal] = {}
        for entry in ledger.entries():
            cost = amount(entry.cost)
            if entry.event == "settled" and entry.outcome == SUCCEEDED and cost:
                self._seen[entry.provider, entry.model, entry.seconds, entry.size] = cost

    def estimate(self, source: Generated) -> Decimal:
        """Return the expected cost of one take, in US dollars: at least half the list price."""
        listed = self._cards[source.model].price(source)
        seen = self._seen.get((source.provider, source.model, float(source.duration), str(source.size)))
        return listed if seen is None else max(seen, listed / 2)

    def durations(self, model: str) -> Sequence[int]:
        """Return the seconds of the clips that a model makes."""
        return self._cards[model].durations


class Budget:
    """The cap of one build over a shared ledger.

    Attempts that ended before *since* (a position in the ledger, by default its end) do not count against the cap;
    unfinished ones always do.
    """

    def __init__(
        self, ledger: Ledger, cap: Decimal | None, since: int | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.cap = cap
        self._ledger = ledger
        self._clock = clock
        self._since = ledger.position() if since is None else since
        self._doubt: tuple[Attempt, Decimal | None] | None = None
        self._past: dict[str, list[LedgerEntry]] = {}
        for entry in ledger.entries():
            self._past.setdefault(entry.key, []).append(entry)

    def past(self, key: str) -> list[LedgerEntry]:
        """Return the ledger entries of attempts at *key*, oldest first."""
        return self._past.get(key, [])

    def ended(self, attempt: Attempt) -> LedgerEntry | None:
        """Return the entry that ended the attempt, if any: settled, or refused by the provider."""
        found = [entry for entry in self.past(attempt.key) if entry.task_id == attempt.task_id and entry.outcome]
        return found[-1] if found else None

    def lost_reservation(self, attempt: Attempt) -> LedgerEntry | None:
        """Return the reservation of an attempt of which it is not known whether it was submitted after that.

        Its build was killed before it wrote the job to the journal, or the journal was removed.
        """
        events = [entry for entry in self.past(attempt.key) if entry.task_id == attempt.task_id]
        while events and events[-1].event == "released" and events[-1].outcome is None:
            events.pop()
        return events[-1] if events and events[-1].event in ("reserved", "submitted") else None

    def reserve(self, attempt: Attempt) -> None:
        """Reserve the estimate before the attempt is submitted. Raises ``OverBudget``, ``CostDoubted``, ``OSError``."""
        if self._doubt:
            raise CostDoubted(*self._doubt)
        entry = self._entry(attempt, "reserved")
        if not self._ledger.reserve(entry, self.cap, self._since):
            raise OverBudget(attempt.shot, attempt.estimate, self.cap or Decimal(0))
        self._past.setdefault(attempt.key, []).append(entry)

    def is_bought_here(self, attempt: Attempt) -> bool:
        """Return whether the attempt is reserved, or was when it ended: no other clone has submitted it."""
        reservations = Reservations()
        settled = [reservations.follow(entry) for entry in self.past(attempt.key) if entry.task_id == attempt.task_id]
        return any(settled) or attempt.task_id in reservations.open

    def release(self, attempt: Attempt, outcome: str | None = None) -> None:
        """Release the reservation of an attempt that was not accepted.

        *outcome* is the code of a refusal, or ``NOT_SENT``; ``None`` if another clone may have submitted the task.
        """
        self._append(self._entry(attempt, "released", None, outcome))

    def settle(self, attempt: Attempt, cost: Decimal | None, outcome: str = SUCCEEDED) -> None:
        """Record the end of an attempt for *cost* US dollars, ``None`` if the provider does not report it.

        After a cost that cannot be believed, ``reserve`` refuses every further attempt of this build.
        """
        if is_doubtful(cost, attempt.estimate):
            self._doubt = self._doubt or (attempt, cost)
        paid = amount(cost)
        reported = money_data(paid) if paid is not None else str(cost) if cost is not None else None
        self._append(self._entry(attempt, "settled", reported, outcome))

    def release_all_but(self, open_tasks: set[str]) -> None:
        """Release the reservations of a killed build for attempts without a journal entry, which it never submitted."""
        bound = self._ledger.spend().reserved
        last = {entry.task_id: entry for entry in self._ledger.entries() if entry.task_id in bound}
        for task_id, entry in last.items():
            if task_id not in open_tasks:
                self._ledger.append(_release_entry(entry, self._clock()))

    def give_up(self, key: str, is_lost: Callable[[str], bool]) -> None:
        """Settle the attempts at *key* that are still reserved and lost by task id: they may have been paid."""
        last = {entry.task_id: entry for entry in self.past(key)}
        for entry in last.values():
            if entry.event in ("reserved", "submitted") and is_lost(entry.task_id):
                self._append(replace(entry, at=self._clock(), event="settled", outcome="unknown"))

    def bill(self) -> Bill:
        """Return the bill of this build: the sums that it adds to those of ``storyboard cost``."""
        return self._ledger.bill(self._since)

    def _append(self, entry: LedgerEntry) -> None:
        self._ledger.append(entry)
        self._past.setdefault(entry.key, []).append(entry)

    def _entry(
        self, attempt: Attempt, event: Event, cost: str | None = None, outcome: str | None = None
    ) -> LedgerEntry:
        source = attempt.source
        return LedgerEntry(
            at=self._clock(),
            event=event,
            task_id=attempt.task_id,
            key=attempt.key,
            attempt=attempt.number,
            shot=attempt.shot,
            provider=source.provider,
            model=source.model,
            seconds=float(source.duration),
            size=str(source.size),
            estimate=money_data(attempt.estimate),
            cost=cost,
            outcome=outcome,
            account=attempt.account,
        )


def _release_entry(entry: LedgerEntry, at: float) -> LedgerEntry:
    return replace(entry, at=at, event="released", cost=None, outcome=None)
