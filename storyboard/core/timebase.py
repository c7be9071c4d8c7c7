"""Frame rates as fractions, and conversions between frames, seconds and timecode.

Floats never hold a rate or a moment: 23.976 is 24000/1001, and 0.1 s is a tenth.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Any

# NTSC rates that are usually written as decimals.
_NTSC = {
    Fraction(23976, 1000): Fraction(24000, 1001),
    Fraction(2398, 100): Fraction(24000, 1001),
    Fraction(2997, 100): Fraction(30000, 1001),
    Fraction(5994, 100): Fraction(60000, 1001),
}

# A larger exponent is a mistake, and its fraction would need gigabytes.
_MAX_EXPONENT = 18


def exact(value: int | float | str | Fraction) -> Fraction:
    """Return the number as it is written: ``0.1`` is 1/10, not the nearest float.

    Raises ``ValueError`` if *value* is not a finite number.
    """
    if isinstance(value, Fraction):
        return value
    try:
        number = Decimal(str(value))
        if number.is_finite() and abs(number.adjusted()) > _MAX_EXPONENT:
            raise ValueError(f"out of reach: {value!r}")
        return Fraction(number)
    except (InvalidOperation, OverflowError, ValueError) as problem:
        raise ValueError(f"not a finite number: {value!r}") from problem


def frame_rate(value: int | float | str) -> Fraction:
    """Return a rate in frames a second from ``24``, ``23.976``, ``29.97`` or ``"30000/1001"``.

    The decimals that stand for NTSC rates become the exact ones. Raises ``ValueError`` if it is not positive.
    """
    if isinstance(value, str) and "/" in value:
        numerator, _, denominator = value.partition("/")
        rate = Fraction(int(numerator), int(denominator))
    else:
        rate = exact(value)
    if rate <= 0:
        raise ValueError(f"not a frame rate: {value!r}")
    return _NTSC.get(rate, rate)


def frames_in(seconds: Fraction, rate: Fraction) -> int:
    """Return the number of whole frames nearest to *seconds*, halves rounded up."""
    below = 2 * seconds.denominator * rate.denominator
    return (2 * seconds.numerator * rate.numerator + below // 2) // below


def seconds_of(frames: int, rate: Fraction) -> Fraction:
    """Return the seconds that *frames* frames last."""
    return Fraction(frames) / rate


def timecode(frame: int, rate: Fraction) -> str:
    """Return ``hours:minutes:seconds:frames`` at the rate rounded to whole frames (SMPTE ST 12-1).

    Multiples of 29.97 have drop-frame timecode, ``00:01:00;02``: it leaves out numbers, not frames, so that it stays
    with the clock. 23.976 has none in the standard, and its timecode is 3.6 s behind the clock after one hour.
    """
    base = max(1, round(rate))
    drop = _dropped_numbers(rate)
    rest, frames = divmod(_frame_number(frame, base, drop), base)
    minutes, seconds = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop else ':'}{frames:02d}"


@lru_cache(maxsize=16)
def _dropped_numbers(rate: Fraction) -> int:
    """Return how many frame numbers each minute leaves out, except every tenth: 2 at 29.97, 4 at 59.94, else 0."""
    thirties = rate / Fraction(30000, 1001)
    return 2 * thirties.numerator if thirties.denominator == 1 else 0


def _frame_number(frame: int, base: int, drop: int) -> int:
    """Return the number that drop-frame timecode gives to *frame*, counted from 0."""
    tens, rest = divmod(frame, 600 * base - 9 * drop)
    minutes = max(0, rest - drop) // (60 * base - drop)
    return frame + drop * (9 * tens + minutes)


def plain_number(value: Fraction) -> int | float:
    """Return *value* for JSON: ``8`` for 8/1, ``7.5`` for 15/2."""
    return value.numerator if value.denominator == 1 else float(value)


def in_words(seconds: Fraction) -> str:
    """Return a length: ``40 s``, ``2 min 5 s``, ``7.5 s``."""
    minutes, rest = divmod(seconds, 60)
    number = f"{float(rest):.2f}".rstrip("0").rstrip(".")
    return f"{number} s" if not minutes else f"{minutes} min {number} s"


def decimal_seconds(seconds: Fraction) -> str:
    """Return *seconds* with at most three decimals: ``8``, ``7.5``, ``0.042``."""
    return f"{float(seconds):.3f}".rstrip("0").rstrip(".")


def as_text(value: Any) -> Any:
    """Encode a fraction for msgspec (``enc_hook``). Raises ``TypeError``."""
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"not to be packed: {type(value).__name__}")


def from_text(kind: type, value: Any) -> Any:
    """Decode a fraction for msgspec (``dec_hook``). Raises ``TypeError`` or ``ValueError``."""
    if kind is Fraction:
        return parse_fraction(value)
    raise TypeError(f"not to be unpacked: {kind.__name__}")


@lru_cache(1024)
def parse_fraction(text: str) -> Fraction:
    """Return the fraction written in *text*; cached, since rates and moments repeat."""
    return Fraction(text)
