"""Questions about single ids, put together: whoever asks while one is under way goes with the next.

Nobody waits for company, so a lone question leaves at once, and a hundred that arrive together make a few calls.

A paid provider within reach: its translation and the client put together, one method a question.

Owns which calls may be repeated. In what order they are made, what is written down before them and what they may cost
is for ``build``; waiting for many jobs is for ``wait``.
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
    Repeat,
    Reply,
    TakeRequest,
)
from storyboard.providers.errors import ProviderError

T = TypeVar("T")
# Trouble that each id would meet alone as well.
_COMMON = frozenset({"auth", "no-balance", "rate-limited", "network", "timeout"})


class QueryBatcher(Generic[T]):
    """Puts *ask* to the provider, at most *batch* ids at a time, one call after the other.

    An id that the answer leaves out, and every id of a call whose reply cannot be used, is asked about once more,
    alone: what is said of one task never counts for another.
    """

    def __init__(self, ask: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], batch: int) -> None:
        self._ask, self._batch = ask, batch
        self._waiting: dict[str, asyncio.Future[T]] = {}
        self._loop: asyncio.Task[None] | None = None

    async def ask(self, task_id: str) -> T:
        """What the provider says of *task_id*. Raises ``ProviderError``."""
        answer = self._waiting.get(task_id)
        if answer is None:
            answer = self._waiting[task_id] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_seen)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
            self._loop.add_done_callback(_seen)
        return await asyncio.shield(answer)

    async def aclose(self) -> None:
        """Ask nothing more; questions that are open are cancelled."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        _cancel(self._waiting)

    async def _run(self) -> None:
        asked: dict[str, asyncio.Future[T]] = {}
        try:
            while self._waiting:
                await asyncio.sleep(0)  # those of the same moment come along
                asked = dict(islice(self._waiting.items(), self._batch))
                for task_id in asked:
                    del self._waiting[task_id]
                await self._answer(asked)
        except BaseException as problem:
            # Nobody waits in vain. Here and not in a callback, which comes later, when the next loop may have begun.
            left = asked | self._waiting
            self._waiting.clear()
            _cancel(left) if isinstance(problem, asyncio.CancelledError) else _fail(left, problem)
            raise

    async def _answer(self, asked: Mapping[str, asyncio.Future[T]]) -> None:
        found: Mapping[str, T] = {}
        try:
            found = await self._ask(list(asked))
        except ProviderError as problem:
            if len(asked) == 1 or problem.code in _COMMON:
                _fail(asked, problem)
                return
        for task_id, answer in asked.items():
            if task_id in found:
                _settle(answer, found[task_id])
            else:
                await self._alone(task_id, answer)

    async def _alone(self, task_id: str, answer: asyncio.Future[T]) -> None:
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


def _seen(answer: asyncio.Future[Any]) -> None:
    """An answer that nobody waits for any more is no error, and what broke a loop has reached those who asked."""
    if not answer.cancelled():
        answer.exception()


class Caller(Protocol):
    """What is needed of ``http.ApiClient``."""

    async def call(self, call: Call, repeat: Repeat = "unsent") -> Reply:
        """The reply to *call*."""


class RemoteJobs:
    """One provider behind one client. Every method raises ``ProviderError``."""

    def __init__(self, provider: Provider, client: Caller) -> None:
        self.provider = provider
        self._client = client
        self._statuses = QueryBatcher(self.ask, provider.batch)
        self._archive = QueryBatcher(self._archived, provider.batch)

    async def upload(self, request: TakeRequest) -> dict[Position, str]:
        """Upload the pictures that are too large for the submission; their references. Costs nothing."""
        found: dict[Position, str] = {}
        for position, call in self.provider.uploads(request).items():
            found[position] = self.provider.read_upload(await self._client.call(call, "always"))
        return found

    async def submit(self, request: TakeRequest, task_id: str, references: Mapping[Position, str] | None = None) -> str:
        """The paid call: the id under which the job was taken.

        Sent again only if it never left or was turned away with HTTP 429. After any other error whose ``sent`` is true
        the job may have been taken all the same; ``conflict`` says that it was.
        """
        call = self.provider.submission(request, task_id, references)
        return self.provider.read_acknowledgement(await self._client.call(call, "refused"), task_id)

    async def ask(self, task_ids: Sequence[str]) -> dict[str, Outcome]:
        """How the jobs are doing, by id."""
        reply = await self._client.call(self.provider.status_query(task_ids), "always")
        return self.provider.read_status(reply, task_ids)

    async def status(self, task_id: str) -> Outcome:
        """How one job is doing; questions of one moment share a call."""
        return await self._statuses.ask(task_id)

    async def archive(self, task_id: str) -> Archived:
        """What the archive knows of a task; questions of one moment share a call."""
        return await self._archive.ask(task_id)

    async def aclose(self) -> None:
        """Ask nothing more."""
        await self._statuses.aclose()
        await self._archive.aclose()

    async def _archived(self, task_ids: Sequence[str]) -> dict[str, Archived]:
        reply = await self._client.call(self.provider.archive_query(task_ids), "always")
        return self.provider.read_archive(reply, task_ids)
