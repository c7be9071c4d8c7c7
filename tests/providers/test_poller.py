"""The wait loop, on a clock that only moves when it is slept on."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from storyboard.providers.base import Failed, Outcome, Running, Succeeded, Unknown, state_of
from storyboard.providers.errors import ProviderError, Secret
from storyboard.providers.poller import Poller
from storyboard.providers.runware.wire import Runware
from tests.providers.conftest import client_of, take_request
from tests.runware_server import RunwareServer
from tests.runware_server.faults import FAULTS

DONE = Succeeded(Secret("https://vm.runware.ai/a.mp4"))
TROUBLE = ProviderError("server", "HTTP 503", retryable=True)


class World:
    """A clock, a provider that answers by what the clock says, and a record of the questions."""

    def __init__(self, answer: Callable[[str, float], Outcome | ProviderError]) -> None:
        self.now = 0.0
        self.questions: list[tuple[float, list[str]]] = []
        self._answer = answer

    async def ask(self, task_ids: Sequence[str]) -> Mapping[str, Outcome]:
        self.questions.append((self.now, list(task_ids)))
        found: dict[str, Outcome] = {}
        for task_id in task_ids:
            outcome = self._answer(task_id, self.now)
            if isinstance(outcome, ProviderError):
                raise outcome
            found[task_id] = outcome
        return found

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1)
            await asyncio.sleep(0)

    def poller(self, **options: Any) -> Poller:
        return Poller(self.ask, clock=lambda: self.now, sleep=self.sleep, **options)

    def wait(self, *task_ids: str, **options: Any) -> list[Any]:
        async def run() -> list[Any]:
            poller = self.poller(**options)
            return await asyncio.gather(*(poller.wait(task_id) for task_id in task_ids), return_exceptions=True)

        return asyncio.run(run())

    @property
    def moments(self) -> list[float]:
        return [moment for moment, _ in self.questions]


def done_at(seconds: float) -> Callable[[str, float], Outcome]:
    return lambda _task_id, now: DONE if now >= seconds else Running(10)


def test_first_question_comes_after_5_seconds_and_the_gaps_grow_to_10() -> None:
    world = World(done_at(80))
    assert world.wait("a") == [DONE]
    gaps = [later - earlier for earlier, later in zip([0.0, *world.moments], world.moments, strict=False)]
    assert gaps == [5, 5, 5, 5, 5, 6.25, 7.8125, 9.765625, 10, 10, 10, 10]


def test_interval_can_be_shortened() -> None:
    world = World(done_at(0.3))
    world.wait("a", interval_s=0.1)
    assert world.moments == pytest.approx([0.1, 0.2, 0.3])


def test_all_jobs_are_asked_about_in_one_question() -> None:
    world = World(done_at(12))
    assert world.wait(*"abcdef") == [DONE] * 6
    assert [ids for _, ids in world.questions] == [list("abcdef")] * 3


def test_what_has_been_asked_about_before_comes_along_and_keeps_its_own_rhythm() -> None:
    async def run() -> list[tuple[float, list[str]]]:
        world = World(done_at(33))
        poller = world.poller()
        first = asyncio.create_task(poller.wait("a"))
        while world.now < 12:  # noqa: ASYNC110 - time passes elsewhere
            await asyncio.sleep(0)
        await asyncio.gather(first, poller.wait("b"))
        return world.questions

    asked = asyncio.run(run())
    assert asked[:2] == [(5, ["a"]), (10, ["a"])]
    assert asked[2][1] == ["a"]
    later = [moment for moment, ids in asked[3:] if ids == ["a", "b"]]
    assert len(later) == len(asked) - 3
    assert {round(after - before) for before, after in itertools.pairwise(later)} <= {2, 3}


def test_question_holds_no_more_ids_than_allowed() -> None:
    world = World(done_at(0))
    ids = [f"job-{number}" for number in range(120)]
    assert world.wait(*ids, batch=50) == [DONE] * 120
    assert [len(asked) for _, asked in world.questions] == [50, 50, 20]


def test_finished_job_is_not_asked_about_again() -> None:
    world = World(lambda task_id, now: DONE if task_id == "a" or now > 20 else Running())
    world.wait("a", "b")
    assert [ids for _, ids in world.questions] == [["a", "b"], ["b"], ["b"], ["b"], ["b"]]


def test_job_that_comes_later_is_asked_about_after_its_own_first_interval() -> None:
    async def run() -> list[tuple[float, list[str]]]:
        world = World(done_at(100))
        poller = world.poller()
        first = asyncio.create_task(poller.wait("a"))
        while world.now < 20:  # noqa: ASYNC110 - time passes elsewhere
            await asyncio.sleep(0)
        start = world.now
        await asyncio.gather(first, poller.wait("b"))
        return [(moment - start, ids) for moment, ids in world.questions if "b" in ids]

    asked = asyncio.run(run())
    assert 5 <= asked[0][0] <= 6


def test_failed_job_ends_only_its_own_wait() -> None:
    failed = Failed(ProviderError("moderated", "no"))
    world = World(lambda task_id, now: failed if task_id == "a" else done_at(30)(task_id, now))
    assert world.wait("a", "b") == [failed, DONE]


def test_trouble_with_asking_is_borne() -> None:
    world = World(lambda _, now: TROUBLE if now < 300 else DONE)
    assert world.wait("a") == [DONE]


def test_refused_key_ends_every_wait_at_once() -> None:
    refused = ProviderError("auth", "no")
    world = World(lambda _, now: refused if now > 8 else Running())
    assert world.wait("a", "b", "c") == [refused] * 3
    assert len(world.questions) == 2


def test_job_that_still_runs_at_the_deadline_is_told_as_running() -> None:
    world = World(lambda _task_id, _now: Running(99))
    assert world.wait("a") == [Running(99)]
    assert 1190 <= world.now <= 1200


def test_job_that_is_never_seen_is_unknown_at_the_deadline_and_not_before() -> None:
    world = World(lambda _task_id, _now: Unknown())
    assert world.wait("a", deadline_s=600) == [Unknown()]
    assert world.now == 600


def test_job_that_is_seen_late_is_waited_for() -> None:
    world = World(lambda _, now: Unknown() if now < 400 else DONE)
    assert world.wait("a") == [DONE]


def test_job_that_ran_once_is_running_though_it_is_not_mentioned_any_more() -> None:
    world = World(lambda _, now: Running(50) if now < 20 else Unknown())
    assert world.wait("a", deadline_s=100) == [Running(50)]


def test_trouble_until_the_deadline_is_raised_if_the_job_was_never_seen() -> None:
    assert World(lambda _task_id, _now: TROUBLE).wait("a", deadline_s=100) == [TROUBLE]


def test_two_waits_for_one_job_share_its_questions() -> None:
    world = World(done_at(12))
    assert world.wait("a", "a") == [DONE, DONE]
    assert {tuple(ids) for _, ids in world.questions} == {("a",)}


def test_cancelled_wait_leaves_the_others_waiting() -> None:
    async def run() -> tuple[Any, ...]:
        world = World(done_at(30))
        poller = world.poller()
        gone, kept = asyncio.create_task(poller.wait("a")), asyncio.create_task(poller.wait("b"))
        await asyncio.sleep(0)
        gone.cancel()
        return tuple(await asyncio.gather(gone, kept, return_exceptions=True))

    gone, kept = asyncio.run(run())
    assert isinstance(gone, asyncio.CancelledError)
    assert kept == DONE


def test_closed_poller_asks_nothing_more() -> None:
    async def run() -> int:
        world = World(lambda _task_id, _now: Running())
        poller = world.poller()
        waiting = asyncio.create_task(poller.wait("a"))
        while not world.questions:  # noqa: ASYNC110 - time passes elsewhere
            await asyncio.sleep(0)
        await poller.aclose()
        asked = len(world.questions)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        for _ in range(50):
            await asyncio.sleep(0)
        return len(world.questions) - asked

    assert asyncio.run(run()) == 0


def test_poller_can_be_used_again_after_all_is_done() -> None:
    async def run() -> list[Outcome]:
        world = World(done_at(0))
        poller = world.poller()
        return [await poller.wait("a"), await poller.wait("b")]

    assert asyncio.run(run()) == [DONE, DONE]


def test_fault_in_our_own_code_reaches_the_waiter() -> None:
    def broken(_task_id: str, _now: float) -> Outcome:
        raise ZeroDivisionError

    (outcome,) = World(broken).wait("a")
    assert isinstance(outcome, ZeroDivisionError)


def test_a_running_job_is_shown_after_each_query() -> None:
    shown: list[Running] = []
    world = World(done_at(12))

    async def run() -> Outcome:
        return await world.poller().wait("a", on_running=shown.append)

    assert asyncio.run(run()) == DONE
    assert shown == [Running(10), Running(10)]


# Against the server, with every fault of polls.

POLL_OUTCOMES = {
    "poll-empty-5-times": "succeeded",
    "poll-empty-for-ever": "unknown",
    "poll-task-not-found": "unknown",
    "poll-back-to-processing": "succeeded",
    "poll-unknown-status": "succeeded",
    "poll-no-status": "succeeded",
    "poll-error-in-errors": "provider-failed",
    "poll-error-in-data": "provider-failed",
    "poll-moderated": "moderated",
    "poll-timeout-provider": "timeout",
    "poll-429": "succeeded",
    "poll-500": "succeeded",
    "poll-401": "raised auth",
    "poll-other-task": "succeeded",
    "poll-thrice": "succeeded",
    "poll-two-videos": "succeeded",
    "poll-seed-absent": "succeeded",
    "poll-seed-text": "succeeded",
    "poll-seed-other": "succeeded",
    "poll-cost-absent": "succeeded",
    "poll-cost-zero": "succeeded",
    "poll-cost-negative": "succeeded",
    "poll-cost-nan": "succeeded",
    "poll-cost-huge": "succeeded",
    "poll-cost-text": "succeeded",
    "poll-cost-tenfold": "succeeded",
    "url-null": "unreadable-reply",
}


def bought(server: RunwareServer, *keys: str, deadline_s: float = 1.0) -> list[Any]:
    async def run() -> list[Any]:
        from storyboard.providers.remote_jobs import RemoteJobs

        async with client_of(server) as client:
            remote = RemoteJobs(Runware(), client)
            ids = [Runware().task_id(key, 1) for key in keys]
            for task_id in ids:
                await remote.submit(take_request(), task_id)
            poller = Poller(remote.ask, interval_s=0.01, deadline_s=deadline_s, batch=Runware.batch)
            return await asyncio.gather(*(poller.wait(task_id) for task_id in ids), return_exceptions=True)

    return asyncio.run(run())


def told(outcome: Any) -> str:
    match outcome:
        case Failed(error=error):
            return str(error.code)
        case ProviderError():
            return f"raised {outcome.code}"
        case _:
            return state_of(outcome)


def test_every_fault_of_a_poll_has_its_outcome() -> None:
    assert POLL_OUTCOMES.keys() - {"url-null"} == {fault.name for fault in FAULTS.values() if fault.phase == "poll"}


@pytest.mark.parametrize("name", POLL_OUTCOMES)
def test_poll_fault_touches_its_own_job_and_buys_nothing(runware: RunwareServer, name: str) -> None:
    runware.arm(name)
    hit, other = bought(runware, "one", "two")
    assert told(hit) == POLL_OUTCOMES[name]
    assert told(other) == ("raised auth" if name == "poll-401" else "succeeded")
    assert len(runware.bill) == 2


def test_many_jobs_need_few_questions(runware: RunwareServer) -> None:
    assert {told(outcome) for outcome in bought(runware, *map(str, range(60)), deadline_s=30)} == {"succeeded"}
    assert len(runware.seen("getResponse")) <= 10
