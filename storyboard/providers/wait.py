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
GROWTH = 1.5
LONGEST = 2.0
DEADLINE_S = 20 * 60.0
BATCH = 50

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, Outcome]]]


class _Job:
    def __init__(self, due: float, interval: float, deadline: float) -> None:
        self.due = due
        self.interval = interval
        self.deadline = deadline
        self.seen: Outcome = Unknown()
        self.trouble: ProviderError | None = None
        self.done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: Outcome) -> None:
        if not self.done.done():
            self.done.set_result(outcome)

    def fail(self, error: ProviderError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Poller:
    """Waits for any number of jobs of one provider with as few questions as possible.

    A job is first asked about *interval_s* seconds after its wait began, then at intervals that grow by half to twice
    that. Questions that fall due within a fifth of an interval go out together, at most *batch* ids in one.
    *clock* gives monotonic seconds.
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

    async def wait(self, task_id: str, *, deadline_s: float | None = None) -> Outcome:
        """How the job ended: ``Succeeded`` or ``Failed``; at the deadline, ``Running`` or ``Unknown`` as last seen.

        Raises ``ProviderError``: ``auth`` at once; at the deadline the last trouble with asking, if no answer ever told
        of the job. Two waits for one id share its questions; a cancelled wait leaves the other alone.
        """
        job = self._jobs.get(task_id)
        if job is None:
            start = self._clock()
            limit = self._deadline_s if deadline_s is None else deadline_s
            job = _Job(start + self._interval_s, self._interval_s, start + limit)
            self._jobs[task_id] = job
            job.done.add_done_callback(lambda _: self._jobs.pop(task_id, None))
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
        return await asyncio.shield(job.done)

    async def aclose(self) -> None:
        """Ask nothing more; waits that are open are cancelled. The jobs go on at the provider."""
        for job in list(self._jobs.values()):
            job.done.cancel()
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
                await self._sleep(max(0.0, self._next_moment() - self._clock()))

    def _due(self, now: float) -> list[str]:
        """Ids to ask about now; those nearly due come along if any is due."""
        if not any(job.due <= now for job in self._jobs.values()):
            return []
        return [task_id for task_id, job in self._jobs.items() if job.due <= now + job.interval / 5]

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
            for job in list(self._jobs.values()):
                job.fail(trouble)
            self._jobs.clear()
            return
        for task_id in task_ids:
            self._note(task_id, answer.get(task_id), trouble)

    def _note(self, task_id: str, outcome: Outcome | None, trouble: ProviderError | None) -> None:
        job = self._jobs.get(task_id)
        if job is None:
            return
        job.due = self._clock() + job.interval
        job.interval = min(job.interval * GROWTH, self._interval_s * LONGEST)
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
