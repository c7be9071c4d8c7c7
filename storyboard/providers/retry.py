"""When to ask again: full jitter, ``Retry-After``, and a budget that all calls to one provider share.

Pure: random numbers and the time of day are handed in. The figures are those of the AWS SDKs' standard mode: waits
drawn evenly from 0 to 1, 2, 4 … at most 20 seconds, a bucket of 500 from which a retry takes 5, after a timeout 10.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRIES = 3
MAX_WAIT_S = 20.0
MAX_RETRY_AFTER_S = 60.0


class RetryBudget:
    """A bucket that retries empty and successes fill again, so that trouble is not met with more of it."""

    capacity = 500
    cost = 5
    timeout_cost = 10

    def __init__(self) -> None:
        self.tokens = self.capacity

    def take(self, *, timed_out: bool) -> int | None:
        """Pay for one retry; what it cost, or ``None`` if there is not enough left."""
        price = self.timeout_cost if timed_out else self.cost
        if self.tokens < price:
            return None
        self.tokens -= price
        return price

    def give_back(self, price: int) -> None:
        """After a success: what its last retry cost, or 1 if there was none."""
        self.tokens = min(self.capacity, self.tokens + max(1, price))


def wait_before(retry: int, asked_s: float | None, random: Callable[[], float]) -> float:
    """Seconds to wait before retry number *retry* (from 0), at least what the other side asked for."""
    jittered = random() * min(2.0**retry, MAX_WAIT_S)
    return jittered if asked_s is None else max(asked_s, jittered)


def retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """Seconds asked for by a ``Retry-After`` header, in either form, at most 60.

    A date counts from the reply's own ``Date`` header *date* if it has one, else from *now*. What is negative, past or
    neither a whole number nor a date asks for nothing. RFC 9110, 10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    until = _moment(text)
    if until is None:
        return None
    seconds = (until - (_moment(date or "") or now)).total_seconds()
    return min(seconds, MAX_RETRY_AFTER_S) if seconds > 0 else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
