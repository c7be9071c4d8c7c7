"""Questions put together: few calls, and what is said of one task never counts for another."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from storyboard.providers.errors import ProviderError
from storyboard.providers.remote_jobs import QueryBatcher


class Desk:
    """Answers each id with itself, after a moment; ``silent`` are left out, ``trouble`` is met by several at once."""

    def __init__(self, *silent: str, trouble: ProviderError | None = None) -> None:
        self.calls: list[list[str]] = []
        self._silent = set(silent)
        self._trouble = trouble

    async def ask(self, task_ids: Sequence[str]) -> Mapping[str, str]:
        self.calls.append(list(task_ids))
        await asyncio.sleep(0.001)
        if self._trouble is not None and (len(task_ids) > 1 or self._trouble.code == "auth"):
            raise self._trouble
        return {one: f"about {one}" for one in task_ids if len(task_ids) == 1 or one not in self._silent}

    def answers(self, *task_ids: str, batch: int = 50) -> list[Any]:
        async def run() -> list[Any]:
            together = QueryBatcher(self.ask, batch)
            return await asyncio.gather(*(together.ask(one) for one in task_ids), return_exceptions=True)

        return asyncio.run(run())


def test_questions_of_one_moment_share_a_call_and_each_gets_its_own_answer() -> None:
    desk = Desk()
    ids = [f"t{number}" for number in range(120)]
    assert desk.answers(*ids) == [f"about {one}" for one in ids]
    assert [len(call) for call in desk.calls] == [50, 50, 20]


def test_a_question_that_comes_while_another_is_under_way_goes_with_the_next() -> None:
    async def run() -> list[list[str]]:
        desk = Desk()
        together = QueryBatcher(desk.ask, 50)
        first = asyncio.create_task(together.ask("a"))
        while not desk.calls:  # noqa: ASYNC110 - until it has left
            await asyncio.sleep(0)
        await asyncio.gather(first, together.ask("b"), together.ask("c"), together.ask("b"))
        return desk.calls

    assert asyncio.run(run()) == [["a"], ["b", "c"]]


def test_a_task_that_the_answer_leaves_out_is_asked_about_alone() -> None:
    desk = Desk("b")
    assert desk.answers("a", "b", "c") == ["about a", "about b", "about c"]
    assert desk.calls == [["a", "b", "c"], ["b"]]


def test_a_reply_that_cannot_be_used_fails_nobody_who_is_answered_alone() -> None:
    desk = Desk(trouble=ProviderError("unreadable-reply", "no"))
    assert desk.answers("a", "b") == ["about a", "about b"]
    assert desk.calls == [["a", "b"], ["a"], ["b"]]


def test_a_refused_key_is_told_to_all_and_not_tried_again() -> None:
    refused = ProviderError("auth", "no")
    desk = Desk(trouble=refused)
    assert desk.answers("a", "b") == [refused, refused]
    assert len(desk.calls) == 1


def test_a_fault_in_our_own_code_reaches_everybody_who_asked() -> None:
    async def broken(_ids: Sequence[str]) -> Mapping[str, str]:
        raise ZeroDivisionError

    async def run() -> list[Any]:
        together = QueryBatcher(broken, 1)
        return await asyncio.gather(together.ask("a"), together.ask("b"), return_exceptions=True)

    assert [type(each) for each in asyncio.run(run())] == [ZeroDivisionError, ZeroDivisionError]


def test_questions_that_are_open_at_the_end_are_cancelled() -> None:
    async def run() -> None:
        together = QueryBatcher(Desk().ask, 50)
        asking = asyncio.create_task(together.ask("a"))
        await asyncio.sleep(0)
        await together.aclose()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(run())


def test_a_question_in_the_moment_in_which_the_last_loop_ends_is_answered() -> None:
    """Both wake in one turn of the event loop: the loop of the first question, to its end, and who asks the second."""

    async def run() -> list[Any]:
        ready = asyncio.Event()

        async def ask(task_ids: Sequence[str]) -> Mapping[str, str]:
            await ready.wait()
            return {one: f"about {one}" for one in task_ids}

        async def later() -> str:
            await ready.wait()
            return await together.ask("b")

        together = QueryBatcher(ask, 50)
        first = asyncio.create_task(together.ask("a"))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(later())
        await asyncio.sleep(0)
        ready.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    assert asyncio.run(run()) == ["about a", "about b"]
