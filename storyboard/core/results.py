"""Results of builds as values that are stored and shown: records, takes, costs, items of the cache, commits."""

import hashlib
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any, Literal

import msgspec
from msgspec import Struct

from storyboard.core.keys import Request
from storyboard.core.reason import Change

Kind = Literal["take", "frame", "segment", "sound", "cut"]
ACCEPTED = "accepted"


class Provenance(Struct, frozen=True):
    """Origin of an output. Never part of a key.

    ``at`` is ISO 8601 in UTC; ``seconds`` of wall time; ``tool`` the version that made it; ``label`` the id of the shot
    at that time; ``cost`` US dollars as decimal text, ``None`` where nothing was paid. A record whose ``note`` is
    ``ACCEPTED`` repeats seed, task and cost of the record whose bytes it uses.
    """

    at: str
    seconds: float = 0.0
    provider: str = ""
    tool: str = ""
    label: str = ""
    seed: int | None = None
    task_id: str | None = None
    cost: str | None = None
    note: str = ""


class Record(Struct, frozen=True):
    """One result: ``outputs`` map a name to the digest of a blob, ``values`` to a digest that is no blob.

    ``request`` is the JSON behind the key; ``info`` the facts of the probe, as builtins.
    """

    key: str
    kind: Kind
    request: dict[str, Any]
    outputs: dict[str, str]
    made: Provenance
    values: dict[str, str] = {}
    info: dict[str, Any] = {}

    @property
    def accepted(self) -> bool:
        """True for bytes that were made for another request and accepted for this one."""
        return self.made.note == ACCEPTED

    @property
    def digest(self) -> str:
        """Digest that tells the result from others of its key: that of its only output, or one over all of them."""
        if len(self.outputs) == 1:
            return next(iter(self.outputs.values()))
        named = msgspec.json.encode([self.outputs, self.values], order="deterministic")
        return hashlib.sha256(named).hexdigest()


class Take(Struct, frozen=True):
    """One take of a shot. ``number`` counts from 1, the oldest first; ``at`` is ISO 8601 in UTC, empty if unknown.

    ``changes`` are the differences of its request from the current one; a seed among those of the shot is no
    difference. ``whole`` says that its bytes are in the cache; ``in_cut`` that the lockfile names it; ``comes_in`` that
    the next build puts it into the cut in place of that one.
    """

    number: int
    digest: str
    key: str
    request: Request
    info: dict[str, Any]
    at: str
    provider: str
    seed: int | None
    cost: str | None
    task_id: str | None
    changes: tuple[Change, ...]
    accepted: bool
    whole: bool
    in_cut: bool
    comes_in: bool

    @property
    def fields(self) -> list[str]:
        """The fields of the request that differ."""
        return list(dict.fromkeys(change.field for change in self.changes))


class CostTotal(Struct, frozen=True):
    """One line of a bill: attempts that ended, all with or all without a take, and their cost in US dollars.

    *found* is the part of the cost for takes that another clone had bought.
    """

    name: str
    failed: bool
    attempts: int
    cost: Decimal
    found: Decimal = Decimal(0)


class CacheItem(Struct, frozen=True):
    """One item of the cache: a record and its blobs, or a blob without a record (``record`` is ``None``).

    *size* in bytes; *kept* is why it stays, empty if it may be removed.
    """

    kind: str
    digest: str
    size: int
    kept: str
    record: Record | None = None

    @property
    def cost(self) -> Decimal:
        """US dollars paid for it, as far as known."""
        return (amount(self.record.made.cost) if self.record is not None else None) or Decimal(0)


class Commit(Struct, frozen=True):
    """One commit; ``parents`` are those among the requested commits, ``at`` is ISO 8601."""

    id: str
    parents: tuple[str, ...]
    author: str
    at: str
    subject: str


# A reported cost above this multiple of the estimate cannot be believed.
_ABSURD = 100
_MOST = Decimal(10) ** 9
# Finer sums are rounded up; as text they would have an exponent.
_LEAST_EXPONENT = -6
_LEAST = Decimal(10) ** _LEAST_EXPONENT


def amount(text: str | float | int | Decimal | None) -> Decimal | None:
    """Return a reported sum of money, in millionths at the finest; ``None`` unless it is a number from 0 to 10⁹."""
    if text is None or isinstance(text, bool) or len(str(text)) > 64:
        return None
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= _MOST:
        return None
    return value if _LEAST_EXPONENT <= int(value.as_tuple().exponent) <= 0 else value.quantize(_LEAST, ROUND_UP)


def billed(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> Decimal:
    """Return the cost of an attempt: the reported cost, or the estimate without a report that ``amount`` accepts.

    A doubtful cost counts as reported, until the bill of the provider proves otherwise.
    """
    value = amount(cost)
    return estimated(estimate) if value is None else value


def is_doubtful(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> bool:
    """Return whether a reported cost cannot be believed: no sum of money, or more than 100 times the estimate."""
    value = amount(cost)
    if value is None:
        return cost is not None
    return value > _ABSURD * max(estimated(estimate), Decimal("0.01"))


def doubtful_text(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> str:
    """Return ``a cost of $1000.59, where $0.60 was estimated``."""
    value = amount(cost)
    reported = dollars(value) if value is not None else str(cost)[:40]
    return f"a cost of {reported}, where {dollars(estimated(estimate))} was estimated"


def charged(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> Decimal:
    """Return what an attempt counts against a spending cap: its billed cost, at least the estimate.

    A provider that reports 0 or too little therefore cannot make a build spend more than its cap.
    """
    return max(billed(cost, estimate), estimated(estimate))


def estimated(text: str | Decimal) -> Decimal:
    """Return a stored estimate. Raises ``ValueError`` if it is no sum of money."""
    value = amount(text)
    if value is None:
        raise ValueError(f"not an estimate in US dollars: {text!r}")
    return value


def money_data(amount: Decimal) -> str:
    """Return ``0.96``: US dollars as the decimal text of JSON data and of stored files, without an exponent."""
    return f"{amount:f}"


def dollars(amount: Decimal) -> str:
    """Return ``$0.96``; fractions of a cent only where there are any."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents}" if cents == amount else f"${amount.normalize():f}"
