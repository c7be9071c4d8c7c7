"""Jobs at one paid provider: its translation and the client combined, one method per question.

It decides which calls may be repeated. ``engine`` decides their order, what is written before them and what they may
cost; ``poller`` waits for many jobs. Status and archive queries of one moment are merged: a single query leaves at
once, and a hundred that arrive together need few calls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from storyboard.providers.base import (
    Archived,
    Call,
    Outcome,
    Position,
    Provider,
    Reply,
    RetryRule,
    TakeRequest,
)
from storyboard.providers.errors import ProviderError

T = TypeVar("T")
# Errors that every id would meet by itself as well.
_COMMON_ERRORS = frozenset({"auth", "no-balance", "rate-limited", "network", "timeout"})


class QueryBatcher(Generic[T]):
    """Merges queries for single ids into calls of at most *batch* ids, one call after the other.

    An id that the reply leaves out, and every id of a call without a usable reply, is queried once more by itself: a
    statement about one task never counts for another.
    """

    def __init__(self, ask: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], batch: int) -> None:
        self._ask, self._batch = ask, batch
        self._waiting: dict[str, asyncio.Future[T]] = {}
        self._loop: asyncio.Task[None] | None = None

    async def ask(self, task_id: str) -> T:
        """Return the provider's answer for *task_id*. Raises ``ProviderError``."""
        answer = self._waiting.get(task_id)
        if answer is None:
            answer = self._waiting[task_id] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieve_exception)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
            self._loop.add_done_callback(_retrieve_exception)
        return await asyncio.shield(answer)

    async def aclose(self) -> None:
        """Stop querying and cancel open queries."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        _cancel(self._waiting)

    async def _run(self) -> None:
        asked: dict[str, asyncio.Future[T]] = {}
        try:
            while self._waiting:
                await asyncio.sleep(0)  # collect the queries of this moment
                asked = dict(islice(self._waiting.items(), self._batch))
                for task_id in asked:
                    del self._waiting[task_id]
                await self._answer(asked)
        except BaseException as problem:
            # Not in a callback: it runs later, when the next loop may have begun.
            left = asked | self._waiting
            self._waiting.clear()
            _cancel(left) if isinstance(problem, asyncio.CancelledError) else _fail(left, problem)
            raise

    async def _answer(self, asked: Mapping[str, asyncio.Future[T]]) -> None:
        found: Mapping[str, T] = {}
        try:
            found = await self._ask(list(asked))
        except ProviderError as problem:
            if len(asked) == 1 or problem.code in _COMMON_ERRORS:
                _fail(asked, problem)
                return
        for task_id, answer in asked.items():
            if task_id in found:
                _settle(answer, found[task_id])
            else:
                await self._ask_alone(task_id, answer)

    async def _ask_alone(self, task_id: str, answer: asyncio.Future[T]) -> None:
        try:
            _settle(answer, (await self._ask([task_id]))[task_id])
        except ProviderError as problem:
            _fail({task_id: answer}, problem)


def _settle(answer: asyncio.Future[T], found: T) -> None:
    if not answer.done():
        answer.set_result(found)


def _fail(asked: Mapping[str, asyncio.Future[T]], problem: BaseException) -> None:
    for answer in asked.values():
        if not answer.done():
            answer.set_exception(problem)


def _cancel(asked: Mapping[str, asyncio.Future[T]]) -> None:
    for answer in asked.values():
        answer.cancel()


def _retrieve_exception(answer: asyncio.Future[Any]) -> None:
    """Mark the exception of *answer* as retrieved: asyncio logs those that no waiter has seen."""
    if not answer.cancelled():
        answer.exception()


class ApiCaller(Protocol):
    """The part of ``api_client.ApiClient`` that is used here."""

    async def call(self, call: Call, repeat: RetryRule = "unsent") -> Reply:
        """Return the reply to *call*."""


class RemoteJobs:
    """One provider behind one client. Every method raises ``ProviderError``."""

    def __init__(self, provider: Provider, client: ApiCaller) -> None:
        self.provider = provider
        self._client = client
        self._statuses = QueryBatcher(self.ask, provider.batch)
        self._archive = QueryBatcher(self._query_archive, provider.batch)

    async def upload(self, request: TakeRequest) -> dict[Position, str]:
        """Upload the pictures that are too large for the submission and return their references. Costs nothing."""
        found: dict[Position, str] = {}
        for position, call in self.provider.uploads(request).items():
            found[position] = self.provider.read_upload(await self._client.call(call, "always"))
        return found

    async def submit(self, request: TakeRequest, task_id: str, references: Mapping[Position, str] | None = None) -> str:
        """Make the paid call and return the id of the accepted job.

        It is repeated only if it never left or was rejected with HTTP 429. After any other error whose ``sent`` is true
        the job may exist; ``conflict`` says that it does.
        """
        call = self.provider.submission(request, task_id, references)
        return self.provider.read_acknowledgement(await self._client.call(call, "refused"), task_id)

    async def ask(self, task_ids: Sequence[str]) -> dict[str, Outcome]:
        """Return the outcomes of jobs by id."""
        reply = await self._client.call(self.provider.status_query(task_ids), "always")
        return self.provider.read_status(reply, task_ids)

    async def status(self, task_id: str) -> Outcome:
        """Return the outcome of one job; queries of one moment share a call."""
        return await self._statuses.ask(task_id)

    async def archive(self, task_id: str) -> Archived:
        """Return the archive's entry of a task; queries of one moment share a call."""
        return await self._archive.ask(task_id)

    async def aclose(self) -> None:
        """Stop querying."""
        await self._statuses.aclose()
        await self._archive.aclose()

    async def _query_archive(self, task_ids: Sequence[str]) -> dict[str, Archived]:
        reply = await self._client.call(self.provider.archive_query(task_ids), "always")
        return self.provider.read_archive(reply, task_ids)
