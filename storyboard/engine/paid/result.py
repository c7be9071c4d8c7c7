"""The result of a paid job that has succeeded: its cost goes to the ledger, its clip is downloaded and checked.

A failed download is repeated, never bought again. A clip counts only once it has been checked.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from storyboard.core.build_events import Notice
from storyboard.core.clip import ClipInfo
from storyboard.core.plan import LockEntry
from storyboard.core.results import amount, billed, dollars, doubtful_text, is_doubtful
from storyboard.durable import remove
from storyboard.engine.generators import GeneratedClip, GenerationRequest
from storyboard.engine.paid.budget import Attempt
from storyboard.engine.paid.context import PaidContext
from storyboard.engine.worker_tasks import PaidFailed, TaskFailed, check_clip
from storyboard.operating_system import shortage
from storyboard.providers.base import Outcome, Succeeded
from storyboard.providers.errors import FetchError
from storyboard.store.ledger import SUCCEEDED

# Downloads of one result in a build.
FETCHES = 3


class ResultDownload:
    """The download of one attempt's clip. *query* returns the outcome again: the address of a result can change."""

    def __init__(
        self,
        context: PaidContext,
        request: GenerationRequest,
        attempt: Attempt,
        query: Callable[[], Awaitable[Outcome]],
    ) -> None:
        self._context = context
        self._request = request
        self._attempt = attempt
        self._query = query

    async def settle(self, made: Succeeded) -> None:
        """Write the cost to the ledger, before another job may be submitted. Raises ``PaidFailed``."""
        await asyncio.to_thread(self._settle, made)

    async def run(self, made: Succeeded, began: float, locked: LockEntry | None = None) -> GeneratedClip:
        """Download the clip, whose cost is settled, and check it. Raises ``PaidFailed``.

        A *locked* take may have been made from another request, so it is compared with the lockfile only.
        """
        problem: Exception | None = None
        self._context.show_state(self._request.step.action.id, "downloading")
        for number in range(FETCHES):
            if number:
                await self._context.sleep(self._context.interval_s)
                fresh = await self._query()
                made = fresh if isinstance(fresh, Succeeded) else made
            try:
                info = await self._fetch(made, self._request.out, locked)
            except (FetchError, TaskFailed) as trouble:
                problem = trouble
                remove(self._request.out)
                continue
            if locked is not None:
                return self._locked_clip(made, info, time.monotonic() - began, locked)
            return self._clip(made, info, time.monotonic() - began)
        broken = (
            f"could not be downloaded: {problem.message}" if isinstance(problem, FetchError) else f"its clip {problem}"
        )
        text = f"task {self._attempt.task_id} is paid for ({dollars(self._cost(made))}), but {broken}"
        raise PaidFailed(f"{text}; it is not bought again", "bad-media")

    def _settle(self, made: Succeeded) -> None:
        task_id = self._attempt.task_id
        try:
            if self._context.journal.job(task_id) is not None:
                self._context.journal.advance(task_id, "succeeded")
            ended = self._context.budget.ended(self._attempt)
            if ended is None or ended.outcome != SUCCEEDED:
                self._context.budget.settle(self._attempt, made.cost)
        except OSError as problem:
            text = f"task {task_id} cost {dollars(self._cost(made))}, but its cost could not be written"
            raise PaidFailed(
                f"{text}: {problem.filename}: {shortage(problem) or problem.strerror}", "unwritten"
            ) from problem

    async def _fetch(self, made: Succeeded, out: Path, locked: LockEntry | None) -> ClipInfo:
        await self._context.downloader.fetch(made.url, out)
        source = self._attempt.source
        label = self._request.step.action.id
        asked = (source.size, source.duration) if locked is None else (None, None)
        info = await self._context.runner.run(label, check_clip, out, *asked)
        if locked is not None and (info.frames, info.rate) != (locked.info.frames, locked.info.rate):
            own = f"{info.frames} frames at {info.fps} fps"
            raise TaskFailed(
                f"has {own}, but the locked take has {locked.info.frames} at {Fraction(locked.info.rate)} fps"
            )
        return info

    def _locked_clip(self, made: Succeeded, info: ClipInfo, seconds: float, locked: LockEntry) -> GeneratedClip:
        """Return the clip with the seed and cost that the lockfile records."""
        cost = amount(locked.cost)
        paid = self._cost(made) if cost is None else cost
        return GeneratedClip(info, seconds, locked.seed, paid, self._attempt.task_id)

    def _clip(self, made: Succeeded, info: ClipInfo, seconds: float) -> GeneratedClip:
        asked = self._attempt.source.seed
        notes = list(made.notes)
        if made.seed is not None and made.seed != asked:
            notes.append(f"seed {asked} was requested, but seed {made.seed} was used")
        if is_doubtful(made.cost, self._attempt.estimate):
            notes.append(
                f"{doubtful_text(made.cost, self._attempt.estimate)}; compare it with the bill of the provider"
            )
        elif self._cost(made) > self._attempt.estimate:
            notes.append(
                f"{dollars(self._cost(made))} was charged, but {dollars(self._attempt.estimate)} was estimated"
            )
        for note in notes:
            self._context.notify(Notice(f"{self._request.shot.id}: {note}", "odd-result"))
        seed = asked if made.seed is None else made.seed
        return GeneratedClip(info, seconds, seed, self._cost(made), self._attempt.task_id, tuple(notes))

    def _cost(self, made: Succeeded) -> Decimal:
        return billed(made.cost, self._attempt.estimate)
