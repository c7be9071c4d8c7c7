"""Sums of money that providers report: which are believed, and what an attempt counts against a spending cap."""

from decimal import Decimal, InvalidOperation

# A reported cost above this multiple of the estimate is taken for an error.
_ABSURD = 100
_MOST = Decimal(10) ** 9


def amount(text: str | float | int | Decimal | None) -> Decimal | None:
    """Return a reported sum of money; ``None`` unless it is a number from 0 to 10⁹."""
    if text is None or isinstance(text, bool) or len(str(text)) > 64:
        return None
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= _MOST else None


def billed(cost: str | float | int | Decimal | None, estimate: str | Decimal) -> Decimal:
    """Return the cost of an attempt: the reported cost, or the estimate where the report cannot be believed.

    Not believed are an absent cost, text that ``amount`` refuses, and more than a hundred times the estimate.
    """
    expected = estimated(estimate)
    value = amount(cost)
    return expected if value is None or value > _ABSURD * max(expected, Decimal(1)) else value


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
