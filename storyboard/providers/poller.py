"""The wait loop for jobs: one loop for all jobs of a provider, with shared status queries.

It decides when to query and when to give up. *ask*, clock and sleep are passed in. An error of a query is not an error
of the job: it is tolerated until the job's deadline, except for a refused key, which ends all waits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from storyboard.providers.base import ENDINGS, Outcome, Running, Unknown, state_of
from storyboard.providers.errors import ProviderError

FIRST_QUERY_S = 5.0
# Next interval: a fourth of the time elapsed so far, between one and two first intervals.
INTERVAL_SHARE = 0.25
MAX_INTERVAL_FACTOR = 2.0
# A query that is due within this share of its interval counts as due.
DUE_MARGIN = 0.25
DEADLINE_S = 20 * 60.0
BATCH = 50

QueryStatus = Callable[[Sequence[str]], Awaitable[Mapping[str, Outcome]]]


class _Job:
    def __init__(self, began: float, interval: float, deadline: float) -> None:
        self.began = began
        self.due = began + interval
        self.interval = interval
        self.deadline = deadline
        self.asked = False
        self.last_outcome: Outcome = Unknown()
        self.last_error: ProviderError | None = None
        self.waiters = 0
        self.listeners: list[Callable[[Running], None]] = []
        self.done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def is_due(self, now: float) -> bool:
        """Return whether the next query is due, within ``DUE_MARGIN`` of the interval."""
        return self.due <= now + self.interval * DUE_MARGIN

    def settle(self, outcome: Outcome) -> None:
        if not self.done.done():
            self.done.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Poller:
    """Waits for any number of jobs of one provider with few queries.

    The first query for a job comes *interval_s* seconds after its wait began, later ones at intervals that grow with
    the elapsed time up to twice that. Queries that are due within a fourth of an interval are sent together, and every
    job queried before is included, at most *batch* ids in one query: many jobs need few queries, and results are seen
    early. *clock* gives monotonic seconds.
    """

    def __init__(
        self,
        ask: QueryStatus,
        *,
        interval_s: float = FIRST_QUERY_S,
        deadline_s: float = DEADLINE_S,
        batch: int = BATCH,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._ask, self._batch, self._clock, self._sleep = ask, batch, clock, sleep
        self._interval_s, self._deadline_s = interval_s, deadline_s
        self._jobs: dict[str, _Job] = {}
        self._loop: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def wait(
        self, task_id: str, *, deadline_s: float | None = None, on_running: Callable[[Running], None] | None = None
    ) -> Outcome:
        """Wait for the end of a job: ``Succeeded`` or ``Failed``; at the deadline, the last ``Running`` or ``Unknown``.

        *on_running* is called after each query of a job that runs. Two waits for one id share its queries; cancelling
        one leaves the other alone.

        Raises ``ProviderError``: ``auth`` at once; at the deadline the last error of a query, if no reply ever covered
        the job.
        """
        job = self._jobs.get(task_id) or self._start(task_id, deadline_s)
        job.waiters += 1
        job.listeners += [on_running] if on_running is not None else []
        try:
            return await asyncio.shield(job.done)
        finally:
            job.waiters -= 1
            if not job.waiters and not job.done.done():
                job.done.cancel()
                self._jobs.pop(task_id, None)

    def _start(self, task_id: str, deadline_s: float | None) -> _Job:
        start = self._clock()
        limit = self._deadline_s if deadline_s is None else deadline_s
        job = _Job(start, self._interval_s, start + limit)
        self._jobs[task_id] = job
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
            self._loop.add_done_callback(self._on_loop_done)
        self._more.set()
        return job

    def _on_loop_done(self, loop: "asyncio.Task[None]") -> None:
        """Pass an unexpected exception of the loop on to all waits."""
        problem = None if loop.cancelled() else loop.exception()
        if problem is not None:
            self._fail_all(problem)

    def _fail_all(self, problem: BaseException) -> None:
        for job in self._jobs.values():
            job.fail(problem)
        self._jobs.clear()

    async def aclose(self) -> None:
        """Stop querying and cancel open waits. The jobs continue at the provider."""
        for job in self._jobs.values():
            job.done.cancel()
        self._jobs.clear()
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while self._jobs:
            now = self._clock()
            due = self._due_ids(now)
            for start in range(0, len(due), self._batch):
                await self._query(due[start : start + self._batch])
            self._expire()
            if self._jobs:
                await self._sleep_or_wake(max(0.0, self._next_due() - self._clock()))

    async def _sleep_or_wake(self, seconds: float) -> None:
        """Sleep, or wake up when another job is added."""
        self._more.clear()
        ways = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._more.wait())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def _due_ids(self, now: float) -> list[str]:
        """Return the ids for the next query; none until one job is due."""
        if not any(job.due <= now for job in self._jobs.values()):
            return []
        return [task_id for task_id, job in self._jobs.items() if job.asked or job.is_due(now)]

    def _next_due(self) -> float:
        return min(min(job.due, job.deadline) for job in self._jobs.values())

    async def _query(self, task_ids: Sequence[str]) -> None:
        answer: Mapping[str, Outcome] = {}
        trouble = None
        try:
            answer = await self._ask(task_ids)
        except ProviderError as error:
            trouble = error
        if trouble is not None and trouble.code == "auth":
            self._fail_all(trouble)
            return
        for task_id in task_ids:
            self._record(task_id, answer.get(task_id), trouble)

    def _record(self, task_id: str, outcome: Outcome | None, trouble: ProviderError | None) -> None:
        job = self._jobs.get(task_id)
        if job is None:
            return
        now = self._clock()
        job.asked = True
        if job.is_due(now):
            self._reschedule(job, now)
        job.last_error = trouble
        if outcome is None:
            return
        if isinstance(outcome, Running) or ENDINGS[state_of(outcome)]:
            job.last_outcome = outcome
        if isinstance(outcome, Running):
            for listener in job.listeners:
                listener(outcome)
        if ENDINGS[state_of(outcome)]:
            job.settle(outcome)
            self._jobs.pop(task_id, None)

    def _reschedule(self, job: _Job, now: float) -> None:
        job.interval = min(
            max((now - job.began) * INTERVAL_SHARE, self._interval_s), self._interval_s * MAX_INTERVAL_FACTOR
        )
        job.due = now + job.interval

    def _expire(self) -> None:
        now = self._clock()
        for task_id, job in list(self._jobs.items()):
            if now < job.deadline:
                continue
            if isinstance(job.last_outcome, Unknown) and job.last_error is not None:
                job.fail(job.last_error)
            else:
                job.settle(job.last_outcome)
            self._jobs.pop(task_id, None)
