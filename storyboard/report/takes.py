"""The takes of a shot as a table and as data."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from storyboard.core.results import Take, dollars
from storyboard.core.suggest import either
from storyboard.report.plan import Paint
from storyboard.report.reason import change_data
from storyboard.report.text import clean, listed


def takes_text(shot: str, takes: Sequence[Take], unmade: Sequence[int], paint: Paint) -> str:
    """Return a line for each take: number and seed as verbs read them, time, provider, cost, digest and notes."""
    if not takes and not unmade:
        return f"{clean(shot)}: no takes yet"
    rows = [_row(take) for take in takes] + [("", _seed_name(seed), "", "", "", "", "not made yet") for seed in unmade]
    heads = ("", "", "made (UTC)", "by", "cost", "take", "")
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(heads, widths, strict=True)).rstrip()]
    for row in rows:
        *cells, remark = row
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False))
        lines.append(f"{line}  {paint(remark, _COLORS.get(remark.split(';')[0], ''))}".rstrip())
    return "\n".join([f"{clean(shot)}: {_count(len(takes))}", *(f"  {line}" for line in lines)])


_COLORS = {"in the cut": "green", "not made yet": "yellow"}


def _row(take: Take) -> tuple[str, ...]:
    return (
        f"#{take.number}",
        "" if take.seed is None else _seed_name(take.seed),
        take.at[:16].replace("T", " "),
        clean(take.provider),
        dollars(Decimal(take.cost)) if take.cost else "",
        take.digest[:12],
        _notes(take),
    )


def _notes(take: Take) -> str:
    remarks = {
        "in the cut": take.in_cut,
        "in the cut from the next build on": take.comes_in,
        "accepted for this request": take.accepted and not take.changes,
        f"differs: {listed(take.fields)}": bool(take.changes),
        "not in this cache": not take.whole,
    }
    return "; ".join(text for text, holds in remarks.items() if holds)


def _count(number: int) -> str:
    return "1 take" if number == 1 else f"{number} takes"


def takes_data(shot: str, takes: Sequence[Take], unmade: Sequence[int]) -> dict[str, Any]:
    """Return the takes as JSON data; digests are whole, ``differs`` has every field before and after."""
    return {"shot": shot, "takes": [take_data(take) for take in takes], "unmade": list(unmade)}


def take_data(take: Take) -> Mapping[str, Any]:
    """Return one take as JSON data."""
    return {
        "number": take.number,
        "take": take.digest,
        "seed": take.seed,
        "made_at": take.at or None,
        "provider": take.provider,
        "cost": take.cost,
        "in_cut": take.in_cut,
        "comes_in": take.comes_in,
        "accepted": take.accepted and not take.changes,
        "in_cache": take.whole,
        "differs": [change_data(change) for change in take.changes],
    }


def take_line(take: Take) -> str:
    """Return ``take 2 (seed 97986, 3f2a91bc0d4e)``."""
    return f"take {take.number} (seed {take.seed}, {take.digest[:12]})"


def _seed_name(seed: int) -> str:
    return f"seed:{seed}"


def ways_to_name(text: str, takes: Sequence[Take], seed: int | None = None) -> str:
    """Return unambiguous words for the takes, and for a *seed* without a take, that *text* can mean.

    The word is ``seed:1`` for the one take whose seed is *text*, else ``'#1'``, in quotes because most shells begin a
    comment at ``#``.
    """
    by_seed = [take for take in takes if str(take.seed) == text and str(take.number) != text]
    words = [
        f"`{_seed_name(take.seed)}`" if [take] == by_seed and take.seed is not None else f"`'#{take.number}'`"
        for take in takes
    ]
    ways = [f"{word} for {take_line(take)}" for word, take in zip(words, takes, strict=True)]
    return either([*ways, *([f"`{_seed_name(seed)}` for the seed {seed}, not made yet"] if seed is not None else [])])
