"""The cap holds whatever providers report and however many submit at once."""

import os
import random
import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from storyboard.core.model import Generated
from storyboard.core.results import charged
from storyboard.engine.paid.budget import Attempt, Budget, CostDoubted, OverBudget, Prices
from storyboard.providers.models import cards
from storyboard.store import ledger as ledgers
from storyboard.store.ledger import Ledger
from tests.unit.films import generated

# Ten thousand when run by hand: STORYBOARD_TEST_SCHEDULES=10000.
SCHEDULES = int(os.environ.get("STORYBOARD_TEST_SCHEDULES", "60"))
HOSTILE: list[Any] = [None, "0", "-1", "NaN", "Infinity", "1e308", "free", "", "0.001"]


def attempt(number: int, estimate: Decimal, source: Generated | None = None) -> Attempt:
    return Attempt(
        f"task-{number}", f"{number:064x}", 1, f"s{number}", source or generated(provider="runware"), estimate
    )


def decimals(text: Any) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except ArithmeticError:
        return None


class Watch:
    """Adds up what is bound and spent as events come in; the worst moment is what counts."""

    def __init__(self) -> None:
        self.bound: dict[str, Decimal] = {}
        self.spent = Decimal(0)
        self.worst = Decimal(0)

    def told(self, entry: ledgers.LedgerEntry) -> None:
        if entry.event == "reserved":
            self.bound[entry.task_id] = Decimal(entry.estimate)
        elif entry.event == "settled":
            self.bound.pop(entry.task_id, None)
            self.spent += charged(entry.cost, entry.estimate)
        else:
            self.bound.pop(entry.task_id, None)
        self.worst = max(self.worst, self.spent + sum(self.bound.values(), Decimal(0)))


def schedule(seed: int, path: Path, submitters: int) -> tuple[Decimal, Decimal]:
    """Random submitters take steps in random order; the worst moment, and the cap."""
    chance = random.Random(seed)
    cap = Decimal(chance.randint(1, 40)) / 4
    watch = Watch()
    budgets = [Budget(Ledger(path), cap), Budget(Ledger(path), cap)]
    for budget in budgets:
        real: Callable[..., None] = budget._ledger._write_line

        def told(entry: ledgers.LedgerEntry, real: Callable[..., None] = real) -> None:
            real(entry)
            watch.told(entry)

        budget._ledger._write_line = told  # type: ignore[method-assign]
    waiting = [(n, Decimal(chance.randint(1, 240)) / 100) for n in range(submitters)]
    running: list[Attempt] = []
    while waiting or running:
        budget = chance.choice(budgets)
        if waiting and (not running or chance.random() < 0.6):
            number, estimate = waiting.pop()
            wanted = attempt(number, estimate)
            try:
                budget.reserve(wanted)
                running.append(wanted)
            except (OverBudget, CostDoubted):
                continue
        else:
            ended = running.pop(chance.randrange(len(running)))
            match chance.randrange(3):
                case 0:
                    budget.release(ended)
                case 1:
                    budget.settle(ended, decimals(chance.choice(HOSTILE)))
                case _:
                    budget.settle(ended, ended.estimate * Decimal(chance.randint(0, 100)) / 100, "moderated")
    return watch.worst, cap


@pytest.mark.timeout(3600)
def test_no_schedule_of_64_submitters_passes_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for seed in range(SCHEDULES):
        path = tmp_path / f"{seed}" / "ledger.jsonl"
        worst, cap = schedule(seed, path, 64)
        assert worst <= cap, seed
        for left in path.parent.iterdir():
            left.unlink()


def submit_many(path: Path, first: int, count: int, cap: Decimal) -> None:
    budget = Budget(Ledger(path), cap, since=0)

    def one(number: int) -> None:
        chance = random.Random(number)
        wanted = attempt(number, Decimal(chance.randint(1, 100)) / 100)
        try:
            budget.reserve(wanted)
        except (OverBudget, CostDoubted):
            return
        budget.settle(wanted, decimals(chance.choice(HOSTILE)))

    threads = [threading.Thread(target=one, args=(first + n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_processes_of_32_threads_share_one_cap(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    context = get_context("spawn")
    cap = Decimal("8.50")
    others = [context.Process(target=submit_many, args=(path, start, 32, cap)) for start in (0, 1000)]
    for other in others:
        other.start()
    for other in others:
        other.join()
        assert other.exitcode == 0
    watch = Watch()
    for entry in Ledger(path).entries():
        watch.told(entry)
    assert Decimal(4) < watch.worst <= cap


def test_estimates_learn_from_the_same_shape_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    paid = generated(provider="runware")
    shorter = generated(provider="runware", duration=Fraction(5))
    budget = Budget(ledger, None)
    wanted = attempt(1, Decimal("0.96"), paid)
    budget.reserve(wanted)
    budget.settle(wanted, Decimal("0.965"))
    prices = Prices(cards(), ledger)
    assert prices.estimate(paid) == Decimal("0.965")
    assert prices.estimate(shorter) == Decimal("0.60")


def test_a_provider_that_once_asked_for_nothing_is_not_expected_to_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    budget = Budget(ledger, None)
    wanted = attempt(1, Decimal("0.96"))
    budget.reserve(wanted)
    budget.settle(wanted, Decimal("0.0001"))
    assert Prices(cards(), ledger).estimate(generated(provider="runware")) == Decimal("0.48")


def test_what_a_killed_build_reserved_and_never_submitted_is_freed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    Budget(ledger, None).reserve(attempt(1, Decimal(1)))
    Budget(ledger, None).reserve(attempt(2, Decimal(1)))
    budget = Budget(ledger, Decimal(2))
    budget.release_all_but({"task-2"})
    assert ledger.spend().reserved == {"task-2": Decimal(1)}
    budget.reserve(attempt(3, Decimal(1)))
    with pytest.raises(OverBudget):
        budget.reserve(attempt(4, Decimal("0.01")))


@pytest.mark.parametrize("cost", ["1e999999999", "-1e999999999", "NaN", "Infinity", "-0.01"])
def test_a_cost_that_is_no_sum_of_money_is_written_as_short_as_it_was_reported(tmp_path: Path, cost: str) -> None:
    budget = Budget(Ledger(tmp_path / "ledger.jsonl"), None)
    budget.reserve(attempt(1, Decimal("0.60")))
    budget.settle(attempt(1, Decimal("0.60")), Decimal(cost))
    assert Ledger(tmp_path / "ledger.jsonl").entries()[-1].cost == str(Decimal(cost))
    assert budget.bill().cost == Decimal("0.60")
    with pytest.raises(CostDoubted):
        budget.reserve(attempt(2, Decimal("0.60")))
