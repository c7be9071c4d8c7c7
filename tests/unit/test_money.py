"""Sums of money: one way to print them, one way to store them."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest

import storyboard
from storyboard.core.results import dollars, money_data


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.6", "$0.60"),
        ("12", "$12.00"),
        ("1E+1", "$10.00"),
        ("0.605", "$0.605"),
        ("1E-7", "$0.0000001"),
    ],
)
def test_sixty_cents_are_not_printed_as_six_tenths(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


@pytest.mark.parametrize(("amount", "text"), [("0.60", "0.60"), ("1E+1", "10"), ("1E-7", "0.0000001")])
def test_stored_sums_of_money_have_no_exponent(amount: str, text: str) -> None:
    assert money_data(Decimal(amount)) == text


def test_no_message_writes_a_sum_of_money_by_itself() -> None:
    """Only ``dollars`` puts ``$`` before a value; ``${{name}}`` is a reference to a var."""
    found = []
    for path in Path(storyboard.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                pairs = zip(node.values, node.values[1:], strict=False)
                found += [
                    f"{path.name}:{node.lineno}"
                    for text, value in pairs
                    if isinstance(text, ast.Constant)
                    and str(text.value).endswith("$")
                    and isinstance(value, ast.FormattedValue)
                ]
    assert {place.partition(":")[0] for place in found} == {"results.py"}
