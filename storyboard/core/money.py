"""New."""

from decimal import Decimal, InvalidOperation

_ABSURD = 100


_MOST = Decimal(10) ** 9


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


def estimated(text: str | Decimal) -> Decimal:
    """An estimate as it was written down. Raises ``ValueError`` if it is no sum of money."""
    value = amount(text)
    if value is None:
        raise ValueError(f"not an estimate in US dollars: {text!r}")
    return value
