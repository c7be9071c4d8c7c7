"""What attempts cost: what is believed of a reported sum, what counts against a cap, and the bill.

Amounts are decimal, in US dollars. Where events are kept is for ``ledger``.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from msgspec import Struct

Event = Literal["reserved", "submitted", "settled", "released"]
SUCCEEDED = "succeeded"
_ZERO = Decimal(0)
_ABSURD = 100
_MOST = Decimal(10) ** 9


class Entry(Struct, frozen=True):
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


class Standing(Struct, frozen=True):
    """Money in US dollars: ``spent`` on attempts that ended, ``bound`` by those that have not, by task id."""

    spent: Decimal
    bound: dict[str, Decimal]

    @property
    def total(self) -> Decimal:
        """What may not pass the cap."""
        return self.spent + sum(self.bound.values(), _ZERO)


class Total(Struct, frozen=True):
    """One line of a bill: attempts that ended, all well or all without a take, and what they cost in US dollars."""

    name: str
    failed: bool
    attempts: int
    cost: Decimal


def amount(text: str | float | int | Decimal | None) -> Decimal | None:
    """A sum of money as somebody reported it; ``None`` unless it is a number from 0 to 10⁹."""
    if text is None or isinstance(text, bool) or len(str(text)) > 64:
        return None
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= _MOST else None


def billed(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> Decimal:
    """What an attempt cost as far as is known: the reported cost, or the estimate where none can be believed.

    Not believed: absent, no sum of money (see ``amount``), or more than a hundred times the estimate.
    """
    expected = estimated(estimate)
    value = amount(cost)
    return expected if value is None or value > _ABSURD * max(expected, Decimal(1)) else value


def charged(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> Decimal:
    """What an attempt counts against a cap: as billed, but never less than the estimate.

    So a provider that reports 0 or too little cannot make a build spend more than its cap.
    """
    return max(billed(cost, estimate), estimated(estimate))


class Account:
    """Sums by task id as events come in, each with the place in the ledger where its line ends.

    What was never reserved here was bought by somebody else and is only fetched: it spends nothing, so that no cap has
    to hold it. The bill (``totals``) has it all the same.
    """

    def __init__(self) -> None:
        self._reserved: set[str] = set()
        self._bound: dict[str, Decimal] = {}
        self._spent: dict[str, tuple[int, Decimal]] = {}

    def add(self, offset: int, entry: Entry) -> None:
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

    def standing(self, since: int) -> Standing:
        """What is bound, and what was spent on attempts that ended after the place *since*."""
        spent = sum((cost for place, cost in self._spent.values() if place > since), _ZERO)
        return Standing(spent, dict(self._bound))


def estimated(text: str | Decimal) -> Decimal:
    """An estimate as it was written down. Raises ``ValueError`` if it is no sum of money."""
    value = amount(text)
    if value is None:
        raise ValueError(f"not an estimate in US dollars: {text!r}")
    return value


def totals(entries: Iterable[Entry], by: Literal["shot", "day", "provider", "model"]) -> list[Total]:
    """The bill by shot, model, provider or day (UTC), sorted by name; attempts without a take on their own line."""
    ended = {entry.task_id: entry for entry in entries if entry.event == "settled"}
    groups: dict[tuple[str, bool], list[Decimal]] = {}
    for entry in ended.values():
        groups.setdefault((_group(entry, by), entry.failed), []).append(billed(entry.cost, entry.estimate))
    return [Total(name, failed, len(costs), sum(costs, _ZERO)) for (name, failed), costs in sorted(groups.items())]


def _group(entry: Entry, by: Literal["shot", "day", "provider", "model"]) -> str:
    if by == "day":
        return datetime.fromtimestamp(entry.at, UTC).date().isoformat()
    readers: dict[str, Callable[[Entry], str]] = {
        "shot": lambda entry: entry.shot,
        "provider": lambda entry: entry.provider,
        "model": lambda entry: entry.model,
    }
    return readers[by](entry)
