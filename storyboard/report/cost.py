"""The bill as a table and as data."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from storyboard.core.results import CostTotal, dollars, money_data
from storyboard.report.text import clean, several


def cost_text(lines: Sequence[CostTotal], bound: Mapping[str, Decimal]) -> str:
    """Return a line for each name, failures apart, then the sum, the part found bought, and what is reserved."""
    if not lines and not bound:
        return "nothing spent"
    width = max([len(line.name) for line in lines] + [5])
    text = []
    for line in lines:
        word = "attempt" if line.attempts == 1 else "attempts"
        note = "  failed; possibly not charged" if line.failed else ""
        text.append(f"{clean(line.name):<{width}}  {dollars(line.cost):>9}  {line.attempts} {word}{note}")
    text.append(f"{'total':<{width}}  {dollars(_sum(lines)):>9}")
    found = sum((line.found for line in lines), Decimal(0))
    if found:
        parts = {"bought here": _sum(lines) - found, "found bought, as by another clone": found}
        text += [f"{'':<{width}}  {dollars(part):>9}  {name}" for name, part in parts.items()]
    if bound:
        reserved = dollars(sum(bound.values(), Decimal(0)))
        text.append(f"about {reserved} more reserved for {several(len(bound), 'unfinished job')}")
    return "\n".join(text)


def cost_data(by: str, lines: Sequence[CostTotal], bound: Mapping[str, Decimal]) -> dict[str, Any]:
    """Return the bill as JSON data; dollars as text."""
    found = sum((line.found for line in lines), Decimal(0))
    return {
        "by": by,
        "lines": [
            {
                "name": line.name,
                "failed": line.failed,
                "attempts": line.attempts,
                "cost": money_data(line.cost),
                "found_bought": money_data(line.found),
            }
            for line in lines
        ],
        "total": money_data(_sum(lines)),
        "bought_here": money_data(_sum(lines) - found),
        "found_bought": money_data(found),
        "bound": {task: money_data(amount) for task, amount in bound.items()},
    }


def _sum(lines: Sequence[CostTotal]) -> Decimal:
    return sum((line.cost for line in lines), Decimal(0))
