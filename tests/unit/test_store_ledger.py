"""Money in the ledger: no event lost, none counted twice, the cap never exceeded."""

import os
import subprocess
import sys
import tempfile
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from storyboard.core.results import CostTotal, amount, billed, charged
from storyboard.store.ledger import Event, Ledger, LedgerEntry, Spend

ENTRY = LedgerEntry(
    at=1_790_000_000.0,
    event="reserved",
    task_id="t1",
    key="ab" * 32,
    attempt=1,
    shot="glide",
    provider="runware",
    model="runway:1@2",
    seconds=8,
    size="1280x720",
    estimate="0.964",
)


def entry(task: str = "t1", event: Event = "reserved", **fields: Any) -> LedgerEntry:
    return replace(ENTRY, task_id=task, event=event, **fields)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / ".storyboard" / "ledger.jsonl")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".storyboard" / "ledger.jsonl"


def test_events_are_kept_in_order_for_the_next_process(ledger: Ledger, path: Path) -> None:
    events = [entry(), entry(event="submitted"), entry(event="settled", cost="0.9", outcome="succeeded")]
    for one in events:
        ledger.append(one)
    assert Ledger(path).entries() == events
    assert path.read_bytes().count(b"\n") == 3


def test_new_project_owes_nothing(ledger: Ledger) -> None:
    assert ledger.entries() == []
    assert ledger.spend() == Spend(Decimal(0), {})
    assert ledger.position() == 0


@pytest.mark.parametrize(
    ("events", "spent", "bound"),
    [
        ([entry()], "0", "0.964"),
        ([entry(), entry(event="submitted")], "0", "0.964"),
        ([entry(), entry(event="released")], "0", "0"),
        ([entry(), entry(event="released"), entry()], "0", "0.964"),
        ([entry(), entry(event="settled", cost="1.2")], "1.2", "0"),
        ([entry(), entry(event="settled", cost="1.2"), entry(event="settled", cost="1.2")], "1.2", "0"),
        ([entry(), entry(event="settled", cost="1.2"), entry(event="released")], "1.2", "0"),
        ([entry(), entry(event="settled", cost="1.2"), entry()], "1.2", "0.964"),
        ([entry(), entry(event="settled", cost="1.2"), entry(), entry(event="settled", cost="1.3")], "2.5", "0"),
        ([entry(), entry("t2"), entry("t2", "settled", cost=None)], "0.964", "0.964"),
        ([entry(event="settled", cost="1.2")], "0", "0"),  # bought elsewhere, and fetched here
        ([entry(event="settled", cost="1.2"), entry(event="settled", cost="1.2")], "0", "0"),
        ([entry(event="settled", cost="1.2"), entry()], "0", "0.964"),
        ([entry(), entry(event="released"), entry(event="settled", cost="1.2")], "0", "0"),  # another clone bought it
    ],
)
def test_spend_follows_the_events_of_each_task(
    ledger: Ledger, events: list[LedgerEntry], spent: str, bound: str
) -> None:
    for one in events:
        ledger.append(one)
    spend = ledger.spend()
    assert spend.spent == Decimal(spent)
    assert sum(spend.reserved.values()) == Decimal(bound)
    assert spend.total == Decimal(spent) + Decimal(bound)


@pytest.mark.parametrize(
    "cost",
    [
        None,
        "",
        "x",
        "-1",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e308",
        "1e999999999",
        "9" * 100,
        "96.5",
        True,
        float("nan"),
    ],
)
def test_cost_that_cannot_be_believed_is_the_estimate(cost: Any) -> None:
    assert billed(cost, "0.964") == Decimal("0.964") or cost == "96.5"
    assert charged(cost, "0.964") >= Decimal("0.964")
    assert charged(cost, "0.964") <= Decimal("96.5")


@pytest.mark.parametrize(
    ("cost", "bill", "against_the_cap"),
    [
        ("0", "0", "0.964"),
        ("0.9", "0.9", "0.964"),
        ("0.964", "0.964", "0.964"),
        ("9.64", "9.64", "9.64"),
        (1.5, "1.5", "1.5"),
    ],
)
def test_cost_counts_as_told_but_against_the_cap_never_less_than_the_estimate(
    cost: Any, bill: str, against_the_cap: str
) -> None:
    assert billed(cost, "0.964") == Decimal(bill)
    assert charged(cost, "0.964") == Decimal(against_the_cap)


def test_amounts_are_exact() -> None:
    assert sum((amount("0.965") or Decimal(0) for _ in range(1000)), Decimal(0)) == Decimal(965)


@pytest.mark.parametrize("estimate", ["-1", "NaN", "x", "", "1e300"])
def test_estimate_that_is_no_sum_is_refused_before_anything_is_written(
    ledger: Ledger, path: Path, estimate: str
) -> None:
    with pytest.raises(ValueError, match="not an estimate"):
        ledger.reserve(entry(estimate=estimate), Decimal(10))
    with pytest.raises(ValueError, match="not an estimate"):
        ledger.append(entry(estimate=estimate))
    assert not path.exists()


def test_reservation_is_refused_exactly_above_the_cap(ledger: Ledger) -> None:
    assert ledger.reserve(entry("a", estimate="0.6"), Decimal("1.0"))
    assert not ledger.reserve(entry("b", estimate="0.41"), Decimal("1.0"))
    assert ledger.reserve(entry("c", estimate="0.4"), Decimal("1.0"))
    assert [one.task_id for one in ledger.entries()] == ["a", "c"]


def test_same_task_reserved_again_counts_once(ledger: Ledger) -> None:
    for _ in range(3):
        assert ledger.reserve(entry(), Decimal("1.0"))
    assert ledger.spend().total == Decimal("0.964")


def test_only_reservations_are_reserved(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="not a reservation"):
        ledger.reserve(entry(event="settled"), None)


def test_without_a_cap_everything_is_reserved(ledger: Ledger) -> None:
    assert all(ledger.reserve(entry(str(n), estimate="1000"), None) for n in range(3))


def test_what_was_spent_before_does_not_count_but_what_is_bound_does(ledger: Ledger) -> None:
    ledger.append(entry("old"))
    ledger.append(entry("old", "settled", cost="0.964"))
    ledger.append(entry("flying"))
    start = ledger.position()
    assert ledger.spend(start) == Spend(Decimal(0), {"flying": Decimal("0.964")})
    assert not ledger.reserve(entry("new"), Decimal("1.9"), start)
    assert ledger.reserve(entry("new"), Decimal("1.93"), start)
    ledger.append(entry("flying", "settled"))
    assert ledger.spend(start).spent == Decimal("0.964")
    assert ledger.spend().spent == Decimal("1.928")


def test_reservation_sees_what_another_process_wrote(ledger: Ledger, path: Path) -> None:
    assert ledger.reserve(entry("a"), Decimal(2))
    assert Ledger(path).reserve(entry("b"), Decimal(2))
    assert not ledger.reserve(entry("c"), Decimal(2))
    Ledger(path).append(entry("b", "released"))
    assert ledger.reserve(entry("c"), Decimal(2))


def test_ledger_that_was_deleted_is_read_anew(ledger: Ledger, path: Path) -> None:
    assert ledger.reserve(entry("a"), Decimal(1))
    path.unlink()
    assert ledger.reserve(entry("b"), Decimal(1))
    assert [one.task_id for one in ledger.entries()] == ["b"]


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_torn_last_line_is_survived_and_the_next_starts_a_new_one(ledger: Ledger, path: Path, cut: int) -> None:
    ledger.append(entry("a"))
    ledger.append(entry("b"))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - cut)
    whole = ["a", "b"] if cut == 1 else ["a"]
    assert [one.task_id for one in ledger.entries()] == whole
    assert ledger.reserve(entry("c"), Decimal("0.964") * (len(whole) + 1))
    assert [one.task_id for one in Ledger(path).entries()] == [*whole, "c"]
    assert not ledger.reserve(entry("d"), Decimal("0.964") * (len(whole) + 1))


def test_line_that_cannot_be_read_is_told_and_the_others_count(ledger: Ledger, path: Path) -> None:
    ledger.append(entry("a"))
    with path.open("ab") as file:
        file.write(b'\xff\n{"at": 1}\n' + msgspec.json.encode(entry("n", estimate="NaN")) + b"\n\n")
    ledger.append(entry("b"))
    assert [one.task_id for one in ledger.entries()] == ["a", "b"]
    assert len(ledger.troubles) == 3


def test_failed_write_leaves_the_file_as_it_was(ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.append(entry("a"))
    before = path.read_bytes()
    real = os.write
    calls = 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(data)[:10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match=r"ledger\.jsonl"):
            ledger.reserve(entry("b"), Decimal(10))
    assert path.read_bytes() == before
    assert ledger.reserve(entry("b"), Decimal("1.928"))


def test_bill_has_failures_on_their_own_line(ledger: Ledger) -> None:
    day = 86_400
    for bought_here in ("b", "d"):
        ledger.append(entry(bought_here))
    ledger.append(entry("a", "settled", cost="0.9", outcome="succeeded"))
    ledger.append(entry("b", "settled", cost=None, outcome="moderated", at=ENTRY.at + day))
    ledger.append(entry("c", "settled", cost="0", outcome="failed", shot="temple"))
    ledger.append(entry("d", "settled", cost="2", outcome="succeeded", shot="temple", model="other:1"))
    ledger.append(entry("d", "settled", cost="2", outcome="succeeded", shot="temple", model="other:1"))
    ledger.append(entry("e", "submitted", shot="temple"))
    assert ledger.totals("shot") == [
        CostTotal("glide", False, 1, Decimal("0.9"), found=Decimal("0.9")),
        CostTotal("glide", True, 1, Decimal("0.964")),
        CostTotal("temple", False, 1, Decimal(2)),
        CostTotal("temple", True, 1, Decimal(0)),
    ]
    assert [(one.name, one.cost) for one in ledger.totals("model")] == [
        ("other:1", Decimal(2)),
        ("runway:1@2", Decimal("0.9")),
        ("runway:1@2", Decimal("0.964")),
    ]
    assert [(one.name, one.attempts) for one in ledger.totals("provider")] == [("runware", 2), ("runware", 2)]
    assert [one.name for one in ledger.totals("day")] == ["2026-09-21", "2026-09-21", "2026-09-22"]


WORKER = """
import random, sys, threading, time
from decimal import Decimal
from pathlib import Path
import msgspec
from storyboard.store.ledger import LedgerEntry
from storyboard.store.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
entry = msgspec.json.decode(sys.argv[2], type=LedgerEntry)
print("ready", flush=True)
sys.stdin.readline()
def work(name):
    rng = random.Random(name)
    for turn in range(4):
        time.sleep(rng.random() / 50)
        price = rng.choice(["0.25", "0.5", "0.964"])
        one = msgspec.structs.replace(entry, task_id=f"{name}-{turn}", estimate=price)
        if ledger.reserve(one, Decimal("36.00")):
            event = rng.choice(["settled", "submitted", "released"])
            cost = rng.choice([None, "0", "-1", "NaN", "x", "1e308", price])
            ledger.append(msgspec.structs.replace(one, event=event, cost=cost))
threads = [threading.Thread(target=work, args=(f"{sys.argv[3]}-{n}",)) for n in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


# One worker alone keeps less than the cap (20 and 26 of 36), so that both take part whichever comes first.
def test_threads_of_two_processes_never_pass_the_cap(ledger: Ledger, path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(path), msgspec.json.encode(ENTRY).decode()]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen([*command, name], stdin=pipe, stdout=pipe) for name in ("one", "two")]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"\n")
        worker.stdin.close()
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.close()
    assert [worker.wait() for worker in workers] == [0, 0]
    entries = ledger.entries()
    held: dict[str, Decimal] = {}
    most = Decimal(0)
    for one in entries:
        held[one.task_id] = Decimal(0) if one.event == "released" else Decimal(one.estimate)
        most = max(most, sum(held.values(), Decimal(0)))
    assert {one.task_id.split("-")[0] for one in entries} == {"one", "two"}
    assert Decimal("35") < most <= Decimal(36)
    assert ledger.spend().total == sum(held.values(), Decimal(0))
    assert ledger.troubles == []


def test_look_and_reservation_are_one_step(ledger: Ledger, path: Path) -> None:
    start = threading.Barrier(8)
    won: list[bool] = []

    def work(number: int) -> None:
        mine = Ledger(path)
        start.wait()
        won.append(mine.reserve(entry(str(number), estimate="1"), Decimal(3)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True] * 3


PRICES = st.sampled_from(["0", "0.1", "0.25", "0.964", "3"])
COSTS = st.sampled_from([None, "0", "-1", "NaN", "x", "1e308", "0.1", "0.964", "2.5", "30"])


class Spending(RuleBasedStateMachine):
    """Any order of reserving, settling, releasing and crashing, against a plain sum."""

    cap = Decimal(5)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.jsonl"
        self.ledger = Ledger(self.path)
        self.prices: dict[str, str] = {}
        self.open: set[str] = set()
        self.spent: dict[str, Decimal] = {}
        self.overrun = Decimal(0)
        self.next = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    def total(self) -> Decimal:
        bound = sum((Decimal(self.prices[task]) for task in self.open), Decimal(0))
        return bound + sum(self.spent.values(), Decimal(0))

    @rule(price=PRICES)
    def reserve(self, price: str) -> None:
        task, self.next = f"t{self.next}", self.next + 1
        fits = self.total() + Decimal(price) <= self.cap
        assert self.ledger.reserve(entry(task, estimate=price), self.cap) is fits
        if fits:
            self.prices[task] = price
            self.open.add(task)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), cost=COSTS)
    def settle(self, data: st.DataObject, cost: str | None) -> None:
        task = data.draw(st.sampled_from(sorted(self.open)))
        price = self.prices[task]
        self.ledger.append(entry(task, "settled", estimate=price, cost=cost))
        self.open.remove(task)
        self.spent[task] = max(Decimal(price), Decimal(cost) if cost in ("0.1", "0.964", "2.5", "30") else Decimal(0))
        self.overrun += self.spent[task] - Decimal(price)

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def settle_again_after_a_crash(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.spent)))
        self.ledger.append(entry(task, "settled", estimate=self.prices[task], cost=None))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), event=st.sampled_from(["released", "submitted"]))
    def move(self, data: st.DataObject, event: Event) -> None:
        task = data.draw(st.sampled_from(sorted(self.open)))
        self.ledger.append(entry(task, event, estimate=self.prices[task]))
        if event == "released":
            self.open.remove(task)

    @rule(torn=st.binary(max_size=30).filter(lambda data: b"\n" not in data and b"\r" not in data))
    def crash_in_the_middle_of_a_line(self, torn: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(b'{"at":1,' + torn)
        self.ledger = Ledger(self.path)

    @rule()
    def another_process(self) -> None:
        self.ledger = Ledger(self.path)

    @invariant()
    def stands_as_told(self) -> None:
        spend = self.ledger.spend()
        assert spend.spent == sum(self.spent.values(), Decimal(0))
        assert set(spend.reserved) == self.open
        assert spend.total <= self.cap + self.overrun


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
