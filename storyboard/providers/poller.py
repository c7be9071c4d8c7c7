"""The one wait loop for slow jobs: all jobs of a provider, asked about together.

Owns when to ask and when to give up. What is asked and how the answer reads is in the *ask* function that is handed in,
clock and sleep are too. Trouble with asking is not trouble of the job: it is borne until the job's deadline, except a
refused key, which ends all waiting.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from storyboard.providers.base import ENDINGS, Outcome, Running, Unknown, state_of
from storyboard.providers.errors import ProviderError

FIRST_ASK_S = 5.0
# A job is asked about again after a fourth of the time it has taken so far, within one and two first intervals.
SHARE = 0.25
LONGEST = 2.0
# What falls due within this part of its interval counts as due.
NEARLY = 0.25
DEADLINE_S = 20 * 60.0
BATCH = 50

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, Outcome]]]


class _Job:
    def __init__(self, began: float, interval: float, deadline: float) -> None:
        self.began = began
        self.due = began + interval
        self.interval = interval
        self.deadline = deadline
        self.asked = False
        self.seen: Outcome = Unknown()
        self.trouble: ProviderError | None = None
        self.waiters = 0
        self.done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def is_due(self, now: float) -> bool:
        """Whether it is time to ask, or nearly."""
        return self.due <= now + self.interval * NEARLY

    def settle(self, outcome: Outcome) -> None:
        if not self.done.done():
            self.done.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Poller:
    """Waits for any number of jobs of one provider with as few questions as possible.

    A job is first asked about *interval_s* seconds after its wait began, then at intervals that grow with the time it
    has taken to twice that. Questions that fall due within a fourth of an interval go out together, and whatever has
    been asked about before comes along, at most *batch* ids in one: so many jobs need few questions, and what is done
    is known early. *clock* gives monotonic seconds.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        interval_s: float = FIRST_ASK_S,
        deadline_s: float = DEADLINE_S,
        batch: int = BATCH,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        on_outcome: Callable[[str, Outcome], None] | None = None,
    ) -> None:
        self._ask, self._batch, self._clock, self._sleep = ask, batch, clock, sleep
        self._interval_s, self._deadline_s = interval_s, deadline_s
        self._on_outcome = on_outcome
        self._jobs: dict[str, _Job] = {}
        self._loop: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def wait(self, task_id: str, *, deadline_s: float | None = None) -> Outcome:
        """How the job ended: ``Succeeded`` or ``Failed``; at the deadline, ``Running`` or ``Unknown`` as last seen.

        Raises ``ProviderError``: ``auth`` at once; at the deadline the last trouble with asking, if no answer ever told
        of the job. Two waits for one id share its questions; a cancelled wait leaves the other alone.
        """
        job = self._jobs.get(task_id) or self._start(task_id, deadline_s)
        job.waiters += 1
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
            self._loop.add_done_callback(self._ended)
        self._more.set()
        return job

    def _ended(self, loop: "asyncio.Task[None]") -> None:
        """What broke in the loop, other than trouble with asking, reaches those who wait."""
        problem = None if loop.cancelled() else loop.exception()
        if problem is not None:
            self._fail_all(problem)

    def _fail_all(self, problem: BaseException) -> None:
        for job in self._jobs.values():
            job.fail(problem)
        self._jobs.clear()

    async def aclose(self) -> None:
        """Ask nothing more; waits that are open are cancelled. The jobs go on at the provider."""
        for job in self._jobs.values():
            job.done.cancel()
        self._jobs.clear()
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while self._jobs:
            now = self._clock()
            due = self._due(now)
            for start in range(0, len(due), self._batch):
                await self._ask_about(due[start : start + self._batch])
            self._give_up()
            if self._jobs:
                await self._rest(max(0.0, self._next_moment() - self._clock()))

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not when another job has come to be waited for."""
        self._more.clear()
        ways = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._more.wait())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def _due(self, now: float) -> list[str]:
        """Ids to ask about now: none until one is due."""
        if not any(job.due <= now for job in self._jobs.values()):
            return []
        return [task_id for task_id, job in self._jobs.items() if job.asked or job.is_due(now)]

    def _next_moment(self) -> float:
        return min(min(job.due, job.deadline) for job in self._jobs.values())

    async def _ask_about(self, task_ids: Sequence[str]) -> None:
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
            self._note(task_id, answer.get(task_id), trouble)

    def _note(self, task_id: str, outcome: Outcome | None, trouble: ProviderError | None) -> None:
        job = self._jobs.get(task_id)
        if job is None:
            return
        now = self._clock()
        job.asked = True
        if job.is_due(now):
            self._put_off(job, now)
        job.trouble = trouble
        if outcome is None:
            return
        if isinstance(outcome, Running) or ENDINGS[state_of(outcome)]:
            job.seen = outcome
        if self._on_outcome is not None:
            self._on_outcome(task_id, outcome)
        if ENDINGS[state_of(outcome)]:
            job.settle(outcome)
            self._jobs.pop(task_id, None)

    def _put_off(self, job: _Job, now: float) -> None:
        job.interval = min(max((now - job.began) * SHARE, self._interval_s), self._interval_s * LONGEST)
        job.due = now + job.interval

    def _give_up(self) -> None:
        now = self._clock()
        for task_id, job in list(self._jobs.items()):
            if now < job.deadline:
                continue
            if isinstance(job.seen, Unknown) and job.trouble is not None:
                job.fail(job.trouble)
            else:
                job.settle(job.seen)
            self._jobs.pop(task_id, None)
