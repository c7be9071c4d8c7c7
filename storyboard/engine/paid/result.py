"""What becomes of a job that has ended well: the bill is written down, the clip is fetched and judged.

What is paid for is fetched again and again rather than bought again, and it counts only once it has passed the gate.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from storyboard.core.clip import ClipInfo
from storyboard.core.plan import LockEntry
from storyboard.core.results import amount
from storyboard.durable import remove
from storyboard.engine.generators import GeneratedClip, GenerationRequest
from storyboard.engine.paid.budget import Attempt
from storyboard.engine.paid.context import PaidContext
from storyboard.engine.worker_tasks import PaidFailed, TaskFailed, judge_clip
from storyboard.providers.base import Outcome, Succeeded
from storyboard.providers.errors import FetchError
from storyboard.store.ledger import SUCCEEDED

FETCHES = 3


class ResultDownload:
    """The clip of one attempt. *ask* tells anew how the job ended: the address of a result may be another by then."""

    def __init__(
        self, tools: PaidContext, order: GenerationRequest, attempt: Attempt, ask: Callable[[], Awaitable[Outcome]]
    ) -> None:
        self._tools = tools
        self._order = order
        self._attempt = attempt
        self._ask = ask

    async def run(self, made: Succeeded, began: float, locked: LockEntry | None = None) -> GeneratedClip:
        """Write down what it cost, fetch it, pass it through the gate. Raises ``PaidFailed``.

        A *locked* take may have been made from another request: it is held against the lockfile alone.
        """
        await asyncio.to_thread(self._settle, made)
        problem: Exception | None = None
        for number in range(FETCHES):
            if number:
                await self._tools.sleep(self._tools.interval_s)
                fresh = await self._ask()
                made = fresh if isinstance(fresh, Succeeded) else made
            try:
                info = await self._fetched(made, self._order.out, locked)
            except (FetchError, TaskFailed) as trouble:
                problem = trouble
                remove(self._order.out)
                continue
            if locked is not None:
                return self._locked(made, info, time.monotonic() - began, locked)
            return self._delivery(made, info, time.monotonic() - began)
        why = problem.message if isinstance(problem, FetchError) else str(problem)
        text = f"task {self._attempt.task_id} is paid for (${self._cost(made)}) but could not be had: {why}"
        raise PaidFailed(f"{text}; nothing is bought again", "bad-media")

    def _settle(self, made: Succeeded) -> None:
        task_id = self._attempt.task_id
        try:
            if self._tools.journal.job(task_id) is not None:
                self._tools.journal.advance(task_id, "succeeded")
            ended = self._tools.budget.ended(self._attempt)
            if ended is None or ended.outcome != SUCCEEDED:
                self._tools.budget.settle(self._attempt, made.cost)
        except OSError as problem:
            text = f"{self._order.shot.id}: task {task_id} cost ${self._cost(made)}, and that could not be written down"
            raise PaidFailed(f"{text}: {problem.filename}: {problem.strerror}", "unwritten") from problem

    async def _fetched(self, made: Succeeded, out: Path, locked: LockEntry | None) -> ClipInfo:
        await self._tools.downloader.fetch(made.url, out)
        source = self._attempt.source
        label = self._order.step.action.id
        asked = (source.size, source.duration) if locked is None else (None, None)
        info = await self._tools.workers.run(label, judge_clip, out, *asked)
        if locked is not None and (info.frames, info.rate) != (locked.info.frames, locked.info.rate):
            told = f"{info.frames} frames at {info.rate} a second, the locked take {locked.info.frames}"
            raise TaskFailed(f"has {told} at {locked.info.rate}")
        return info

    def _locked(self, made: Succeeded, info: ClipInfo, seconds: float, locked: LockEntry) -> GeneratedClip:
        """With what the lockfile says of it."""
        cost = amount(locked.cost)
        paid = self._cost(made) if cost is None else cost
        return GeneratedClip(info, seconds, locked.seed, paid, self._attempt.task_id)

    def _delivery(self, made: Succeeded, info: ClipInfo, seconds: float) -> GeneratedClip:
        asked = self._attempt.source.seed
        notes = list(made.notes)
        if made.seed is not None and made.seed != asked:
            notes.append(f"seed {asked} was asked for, {made.seed} was used")
        if self._cost(made) > self._attempt.estimate:
            notes.append(f"{_dollars(self._cost(made))} was charged, {_dollars(self._attempt.estimate)} was expected")
        for note in notes:
            self._tools.tell(f"{self._order.shot.id}: {note}")
        seed = asked if made.seed is None else made.seed
        return GeneratedClip(info, seconds, seed, self._cost(made), self._attempt.task_id, tuple(notes))

    def _cost(self, made: Succeeded) -> Decimal:
        return made.cost if made.cost is not None else self._attempt.estimate


def _dollars(amount: Decimal) -> str:
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents if cents == amount else amount}"
