"""Delays before retries (full jitter, ``Retry-After``), and a retry budget shared by all calls to one provider.

Pure: random numbers and the time of day are passed in. The figures are those of the AWS SDKs' standard mode: delays
drawn evenly from 0 to 1, 2, 4 … at most 20 seconds, a budget of 500 tokens, 5 for a retry, 10 after a timeout.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRIES = 3
MAX_WAIT_S = 20.0
MAX_RETRY_AFTER_S = 60.0


class RetryBudget:
    """A token bucket that retries drain and successes refill, so that an overloaded API is not retried without end."""

    capacity = 500
    cost = 5
    timeout_cost = 10

    def __init__(self) -> None:
        self.tokens = self.capacity

    def take(self, *, timed_out: bool) -> int | None:
        """Take the tokens of one retry and return their number, ``None`` if too few are left."""
        price = self.timeout_cost if timed_out else self.cost
        if self.tokens < price:
            return None
        self.tokens -= price
        return price

    def give_back(self, price: int) -> None:
        """Return, after a success, the tokens of its last retry, or 1 if there was none."""
        self.tokens = min(self.capacity, self.tokens + max(1, price))


def backoff_s(retry: int, asked_s: float | None, random: Callable[[], float]) -> float:
    """Return the seconds to wait before retry number *retry* (from 0), at least *asked_s*."""
    jittered = random() * min(2.0**retry, MAX_WAIT_S)
    return jittered if asked_s is None else max(asked_s, jittered)


def parse_retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """Return the seconds of a ``Retry-After`` header, in either form, at most 60.

    A date counts from the reply's own ``Date`` header *date* if it has one, else from *now*. ``None`` for a value that
    is negative, past, or neither a whole number nor a date. RFC 9110, 10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    until = parse_date(text)
    if until is None:
        return None
    seconds = (until - (parse_date(date or "") or now)).total_seconds()
    return min(seconds, MAX_RETRY_AFTER_S) if seconds > 0 else None


def parse_date(text: str) -> datetime | None:
    """Return the moment of a ``Date`` header, in UTC unless it states a zone; ``None`` for other text."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
