"""Lines of a storyboard to write instead of others, as text that can be pasted, and the numbers in them.

Numbers are read as people write them elsewhere: times with colons and units, levels as shares, decimal commas.
"""

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from storyboard.core.timebase import plain_number
from storyboard.document.yaml.scalars import format_text

_LONGEST = 200
_MOST_TAKES = 100
_SIZE = re.compile(r"\d+x\d+\Z")
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,6})?)\Z")
_PARTS = re.compile(r"(?:(\d{1,6})\s*h)?\s*(?:(\d{1,6})\s*m(?:in)?)?\s*(?:(\d{1,6}(?:[.,]\d{1,6})?)\s*s(?:ec)?)?\Z")
_NUMBER = re.compile(r"[$€]?\s*([-+\u2212]?(?:\d{1,9}(?:[.,]\d{1,6})?|[.,]\d{1,6}))\s*([a-z%€$]*)\Z")
# A word behind a number, and by what the number is multiplied for the unit of the field.
_TIME_UNITS = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), Fraction(1)),
    **dict.fromkeys(("ms", "msec", "milliseconds"), Fraction(1, 1000)),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), Fraction(60)),
}
_OTHER_UNITS = {
    **dict.fromkeys(("", "fps", "db", "lufs", "lkfs", "x", "usd", "dollars", "eur", "$", "€", "px"), Fraction(1)),
    "%": Fraction(1, 100),
}
_TIMES = frozenset(("duration", "start", "end", "offset", "at", "fade_in", "fade_out"))


def format_value(value: object) -> str:
    """Return *value* in YAML on one line, as it may stand inside of braces; what is too long ends in ``…``."""
    return _format(value, [_LONGEST])


def field_line(name: str, value: object) -> str:
    """Return ``name: value`` in YAML on one line."""
    return f"{name}: {format_value(value)}".rstrip()


def _format(value: object, room: list[int]) -> str:
    """Return *value* in YAML, and subtract its characters from *room*: with aliases a short text has many values."""
    room[0] -= 2
    match value:
        case list():
            return f"[{', '.join(_format(one, room) if room[0] > 0 else '…' for one in value[:_LONGEST])}]"
        case dict():
            some = list(value.items())[:_LONGEST]
            fields = (f"{name}: {_format(one, room)}".rstrip() if room[0] > 0 else "…" for name, one in some)
            return f"{{{', '.join(fields)}}}"
    text = _format_scalar(value)
    room[0] -= len(text)
    return text


def _format_scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, int | float | Fraction):
        return str(plain_number(value) if isinstance(value, Fraction) else value)
    text = str(value)
    return format_text(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def line_for(name: str, value: object, wanted: Sequence[str], siblings: Mapping[str, object]) -> str | None:
    """Return the help with the line for the field *name*, whose *value* has none of the *wanted* types of JSON Schema.

    *siblings* are the fields around it. ``None`` if the line is not clear.
    """
    if name == "takes" and isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_TAKES:
        first = siblings.get("seed")
        first = first if isinstance(first, int) and not isinstance(first, bool) else 1
        return f"write `{field_line(name, [first + number for number in range(value)])}`: a seed for each take"
    if name == "trim" and _is_number(value):
        return f"write `{field_line(name, {'start': value})}`, or `{field_line(name, {'end': value})}`"
    if name == "seed" and isinstance(value, str) and number_for(name, value) is None:
        return "write a whole number; `storyboard take SHOT` makes takes with unused seeds"
    if name == "include" and isinstance(value, list):
        return f"write an item for each scene: {', '.join(f'`- {field_line(name, one)}`' for one in value)}"
    if name in ("scenes", "shots") and isinstance(value, dict) and value:
        return f"write a list: `- {field_line('id', next(iter(value)))}` and its fields below, for each"
    meant = _meant_value(name, value, wanted, siblings)
    unit = "; a gain is in decibels" if name == "audio" and isinstance(meant, dict) else ""
    return None if meant is None else f"write `{field_line(name, meant)}`{unit}"


def _meant_value(name: str, value: object, wanted: Sequence[str], siblings: Mapping[str, object]) -> object:
    """Return what *value* means in the field *name*, ``None`` if that is not clear."""
    match name, value:
        case "tags", str():
            return value.replace(",", " ").split()
        case "takes", str() if (
            numbers := [number_for("seed", one) for one in value.split(",")]
        ) and None not in numbers:
            return numbers
        case "trim", [start, end] if _is_number(start) and _is_number(end):
            return {"start": start, "end": end}
        case "transition", [str() as kind, seconds] if _is_number(seconds):
            return {"type": kind, "duration": seconds}
        case "transition", _ if _is_number(value):
            return {"type": "dissolve", "duration": value}
        case "audio", bool():
            return "keep" if value else "mute"
        case "audio", _ if _is_number(value) and "scenes" not in siblings:
            return {"gain": value}
        case "output", str():
            return {"size" if _SIZE.match(value) else "file": value}
        case "card", [str() as text, str() as subtitle]:
            return {"text": text, "subtitle": subtitle}
        case "caption", dict():
            return [value]
        case "scenes", str():
            return [{"include": value}]
        case "start", str() if "object" in wanted and number_for(name, value) is None:
            return {"shot": value}
        case _, 0 | 1 if list(wanted) == ["boolean"]:
            return bool(value)
        case _, [str() as only] if "string" in wanted:
            return only
        case _, dict() if "string" in wanted and "object" not in wanted and len(value) == 1:
            return next((one for one in value.values() if isinstance(one, str)), None)
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def with_duration(name: str, source: object, seconds: object) -> str:
    """Return the field of a card or an image, which is a text or fields, with a duration of its own in it."""
    fields = dict(source) if isinstance(source, Mapping) else {"text" if name == "card" else "file": source}
    number = number_for("duration", seconds) if isinstance(seconds, str) else None
    return field_line(name, {**fields, "duration": seconds if number is None else number})


def number_for(field: str, text: str) -> Fraction | None:
    """Return the number that *text* means in *field*, in the unit of the field; ``None`` if that is not clear."""
    words = text.strip().casefold()
    if field in _TIMES and (seconds := _clock_seconds(words)) is not None:
        return seconds
    found = _NUMBER.match(words)
    units = _TIME_UNITS if field in _TIMES else _OTHER_UNITS
    if found is None or found.group(2) not in units:
        return None
    number = Fraction(found.group(1).replace(",", ".").replace("\u2212", "-"))
    return number * units[found.group(2)]


def _clock_seconds(text: str) -> Fraction | None:
    """Return the seconds of ``1:30``, ``0:01:30.5`` or ``1m30s``."""
    found = _CLOCK.match(text) or (_PARTS.match(text) if text else None)
    if found is None:
        return None
    hours, minutes, seconds = (Fraction((part or "0").replace(",", ".")) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


# A volume between these is neither a share nor percent.
_MOST_SHARE, _LEAST_PERCENT = 2, 10


def decibels_for(level: object) -> Fraction | None:
    """Return the gain in decibels of a volume: a share up to 2, percent from 10, or decibels; ``None`` for silence.

    Raises ``ValueError`` if *level* is no volume.
    """
    is_share = is_percent = False
    if isinstance(level, str):
        number = number_for("gain", level)
        is_percent = level.rstrip().endswith("%")
        is_share = not is_percent and not level.casefold().rstrip().endswith("db")
        if number is None:
            raise ValueError(level)
        number = number * 100 if is_percent else number
    elif isinstance(level, int | float) and not isinstance(level, bool):
        number, is_share = Fraction(str(level)), True
    else:
        raise ValueError(level)
    if is_share and _MOST_SHARE < number < _LEAST_PERCENT:
        raise ValueError(level)
    if is_percent or (is_share and number > _MOST_SHARE):
        number, is_share = number / 100, True
    if not is_share or number < 0:
        return number
    return None if number == 0 else Fraction(round(20 * math.log10(number), 1)).limit_denominator(10)
