"""One attempt at one take that costs money: ask, reserve, write down, submit, wait. Or only ask, for a locked take.

The journal is on disk before a submission leaves, and the provider is asked whether it knows the id before every
submission. What cannot be known is said, not guessed. Which attempt it is, and what follows a failure, is for ``paid``;
fetching what was made for ``collect``.
"""

import asyncio
import time
from collections.abc import Mapping

from msgspec.structs import replace

from storyboard.core.model import Generated, Json
from storyboard.core.plan import LockEntry
from storyboard.core.results import amount
from storyboard.engine.generators import GeneratedClip, GenerationRequest
from storyboard.engine.paid.budget import Attempt
from storyboard.engine.paid.context import RETRYABLE, MayBeRetried, PaidContext, job_of, take_request
from storyboard.engine.paid.result import ResultDownload
from storyboard.engine.worker_main import has_come
from storyboard.engine.worker_tasks import PaidFailed
from storyboard.providers.base import (
    Call,
    Failed,
    Outcome,
    Position,
    Running,
    Succeeded,
    Unknown,
)
from storyboard.providers.errors import ProviderError
from storyboard.store.journal import Job, JournalConflict
from storyboard.store.ledger import SUCCEEDED

# Times that a lost submission is asked about, and sent again under its own id, before it is left to the next build.
SUBMISSIONS_A_BUILD = 3
# Times that a provider which has no result of a locked take is asked before it is believed.
QUESTIONS_ABOUT_LOCKED = 3


class Purchase:
    """One attempt at one take, from the first question to the clip.

    Its task id follows from key and number, unless *task_id* is said: that of a take which the lockfile names.
    """

    def __init__(
        self,
        tools: PaidContext,
        order: GenerationRequest,
        source: Generated,
        key: str,
        number: int,
        task_id: str | None = None,
    ) -> None:
        self._tools = tools
        self._provider = tools.remote.provider
        self._order = order
        self._shot = order.shot.id
        self._is_locked = task_id is not None
        task_id = self._provider.task_id(key, number) if task_id is None else task_id
        self._attempt = Attempt(task_id, key, number, self._shot, source, tools.estimate(source))
        self._request = take_request(source, order.pictures)
        self._collection = ResultDownload(tools, order, self._attempt, self._ask)
        self._was_bought = False
        self.began: float | None = None

    @property
    def task_id(self) -> str:
        """The id of this attempt, the same on every machine."""
        return self._attempt.task_id

    async def run(self, began: float | None) -> GeneratedClip:
        """Find or buy the take, and fetch it. It *began* with an earlier attempt, or begins when it is its turn."""
        async with self._tools.limit:
            has_come()
            self.began = time.monotonic() if began is None else began
            outcome = await self._ended()
        match outcome:
            case Succeeded():
                async with self._tools.fetching:
                    delivery = await self._collection.run(outcome, self.began)
                    return replace(delivery, was_bought=self._was_bought)
            case Failed(error):
                return self._failed(error)
            case Running():
                raise self._given_up("is still running; the next build collects it", "running")
            case Unknown():
                raise self._unknown()

    async def pick_up(self) -> GeneratedClip | None:
        """Fetch the take if the job has ended well; ``None`` if it has not. Nothing is submitted."""
        began = time.monotonic()
        match await self._ask():
            case Succeeded() as made:
                return await self._collection.run(made, began)
            case Failed(error):
                self.leave(error.code)
        return None

    async def fetch(self, locked: LockEntry) -> GeneratedClip:
        """Fetch the take that the lockfile names. Nothing is submitted. Raises ``PaidFailed``.

        It was finished when it was locked, so a provider that has no result of it now is not waited for.
        """
        async with self._tools.limit:
            has_come()
            self.began = time.monotonic()
            was_bought = self._tools.journal.job(self.task_id) is None
            known = await self._ask()
            for _ in range(QUESTIONS_ABOUT_LOCKED - 1):
                if not isinstance(known, Succeeded | Failed):
                    await self._tools.sleep(self._tools.interval_s)
                    known = await self._ask()
        if isinstance(known, Succeeded):
            async with self._tools.fetching:
                delivery = await self._collection.run(known, self.began, locked)
                return replace(delivery, was_bought=was_bought)
        raise self._given_up(self._gone(known, locked), "gone")

    def _gone(self, known: Outcome, locked: LockEntry) -> str:
        name = self._provider.name
        has = f"but neither the cache nor the provider has it now: {name}"
        match known:
            case Failed(error):
                says = f"{has} says: {error.message.rstrip('.')}"
            case Running():
                says = f"{has} knows the task and has no result of it"
            case _:
                says = f"{has} does not know the task"
        shot, paid = self._shot, amount(locked.cost) or self._attempt.estimate
        again = f"`--remake {shot}` buys it again, for ${self._attempt.estimate}"
        return f"was paid for (${paid}), {says}. Copy the cache of whoever has take {locked.take[:12]}, or {again}"

    async def _ended(self) -> Outcome:
        """How the job ended; it is submitted only if nobody knows it."""
        job = self._tools.journal.job(self.task_id)
        known = await self._ask()
        self._was_bought = job is None and not isinstance(known, Unknown)
        if isinstance(known, Unknown) and job is not None and job.state == "opened":
            known = await self._ask_again()
        if isinstance(known, Unknown):
            self._check_unbought(job)
            known = await self._submitted() if job is None or job.state == "opened" else known
        return known if isinstance(known, Succeeded | Failed) else await self._wait()

    def leave(self, code: str) -> None:
        """Look no more for this job; what it may have cost stays in the ledger."""
        if self._tools.budget.ended(self._attempt) is None:
            self._tools.budget.settle(self._attempt, None, code)
        self._tools.journal.close(self.task_id)

    # asking

    async def _ask(self) -> Outcome:
        """What the provider knows of the id: its queue first, then its archive. Free."""
        try:
            found = await self._tools.remote.status(self.task_id)
            if not isinstance(found, Unknown):
                return found
            archived = await self._tools.remote.archive(self.task_id)
        except ProviderError as problem:
            if problem.code == "not-found":
                return Unknown()
            raise self._trouble(problem, "nothing was submitted") from problem
        if not archived.known or isinstance(archived.outcome, Unknown):
            return Running() if archived.known else Unknown()
        self._check_same(archived.request)
        return archived.outcome

    async def _ask_again(self) -> Outcome:
        """Give what may have arrived a moment to become visible, twice."""
        known: Outcome = Unknown()
        for _ in range(2):
            await self._tools.sleep(self._tools.interval_s)
            known = await self._ask()
            if not isinstance(known, Unknown):
                break
        return known

    def _check_same(self, request: Mapping[str, Json] | None) -> None:
        if request is None or self._is_locked:  # a locked take may have been made from another request
            return
        if not self._provider.same_request(request, self._submission()):
            text = f"{self._shot}: the provider knows task {self.task_id} with another request; nothing was submitted"
            raise PaidFailed(f"{text}. `--remake {self._shot}` uses a new id", "conflict")

    async def _wait(self) -> Outcome:
        try:
            return await self._tools.poller.wait(self.task_id)
        except ProviderError as problem:
            raise self._trouble(problem, f"task {self.task_id} goes on; the next build asks again") from problem

    # buying

    def _check_unbought(self, job: Job | None) -> None:
        """The provider does not know the id. Unless it is sure that it was not bought, nothing is submitted."""
        old = job is not None and self._tools.clock() - job.opened_at > self._provider.task_id_retention_s
        if old or (job is not None and not self._provider.client_task_ids):
            raise self._unknown()
        ended = self._tools.budget.ended(self._attempt)
        if ended is None:
            return
        if ended.outcome == "moderated":
            text = f"{self._provider.name} refused this request by its policy before; change the prompt or the picture"
            raise PaidFailed(f"{text}, or say `--remake {self._shot}` to ask again", "moderated")
        if ended.outcome == SUCCEEDED:
            text = f"was paid for (${ended.cost or ended.estimate}), but neither the cache nor the provider has it now"
            raise self._given_up(f"{text}. `--remake {self._shot}` buys it again", "gone")

    async def _submitted(self) -> Outcome:
        """Reserve the money, write the job down, and submit it."""
        references = await self._uploaded()
        self._tools.check()
        await asyncio.to_thread(self._tools.budget.reserve, self._attempt)
        try:
            await asyncio.to_thread(self._tools.journal.open, self._job(references))
        except OSError:
            self._tools.budget.release(self._attempt)
            raise
        except JournalConflict as problem:
            text = f"{self._shot}: task {self.task_id} is in the journal with another request; nothing was submitted"
            raise PaidFailed(f"{text}. `--remake {self._shot}` uses a new id", "conflict") from problem
        for tries_left in range(SUBMISSIONS_A_BUILD, 0, -1):
            known = await self._submit_once(references, last=tries_left == 1)
            if known is not None:
                return known
        raise AssertionError("unreachable")

    async def _uploaded(self) -> dict[Position, str]:
        try:
            return await self._tools.remote.upload(self._request)
        except ProviderError as problem:
            raise self._trouble(problem, "nothing was submitted") from problem

    async def _submit_once(self, references: Mapping[Position, str], *, last: bool) -> Outcome | None:
        """What is known after one submission: ``None`` if it was lost and may be sent again under its id."""
        try:
            await self._tools.remote.submit(self._request, self.task_id, references)
        except ProviderError as problem:
            if problem.code == "conflict":
                await asyncio.to_thread(self._tools.journal.advance, self.task_id, "submitted")
                known = await self._ask()
                return Running() if isinstance(known, Unknown) else known
            if problem.sent and problem.code in _LOST:
                return await self._after_loss(problem, last=last)
            self._never_taken(problem)
        await asyncio.to_thread(self._tools.journal.advance, self.task_id, "submitted")
        return Running()

    async def _after_loss(self, problem: ProviderError, *, last: bool) -> Outcome | None:
        """Nobody knows whether it arrived."""
        known = await self._ask_again()
        if not isinstance(known, Unknown):
            await asyncio.to_thread(self._tools.journal.advance, self.task_id, "submitted")
            return known
        if not self._provider.client_task_ids:
            await asyncio.to_thread(self._tools.journal.advance, self.task_id, "submitted")
            raise self._unknown()
        if last:
            raise self._trouble(problem, f"task {self.task_id} may have been taken; the next build asks again")
        return None

    def _never_taken(self, problem: ProviderError) -> None:
        """A refusal, or a request that never left: nothing is owed."""
        self._tools.budget.release(self._attempt, problem.code)
        self._tools.journal.close(self.task_id)
        raise self._trouble(problem, "nothing was bought") from problem

    # after the end

    def _failed(self, error: ProviderError) -> GeneratedClip:
        if error.code == "unreadable-reply":
            raise self._given_up(f"was made, but its result cannot be read: {error.message}", error.code)
        self._tools.budget.settle(self._attempt, None, error.code)
        self._tools.journal.close(self.task_id)
        reason = self._trouble(error, "")
        if error.retryable and error.code in RETRYABLE:
            raise MayBeRetried(reason)
        raise reason

    def _submission(self) -> Call:
        return self._provider.submission(
            self._request, self.task_id, dict.fromkeys(self._provider.uploads(self._request), "")
        )

    def _job(self, references: Mapping[Position, str]) -> Job:
        # an upload has a new name each time, the same picture has not: what is digested holds no names of uploads
        placed = dict.fromkeys(references, "uploaded")
        body = self._provider.submission(self._request, self.task_id, placed).body
        return job_of(self._attempt, self._order.step.request or {}, body, self._tools.clock())

    # words

    def _trouble(self, problem: ProviderError, consequence: str) -> PaidFailed:
        field = f", at `{problem.field}`" if problem.field else ""
        text = f"{self._provider.name} says: {problem.message.rstrip('.')}{field}"
        if problem.code == "moderated":
            what = _MODERATED.get(problem.field or "", "prompt or the picture")
            text += f"; refused by its policy: change the {what}"
        return PaidFailed(f"{text}; {consequence}" if consequence else text, problem.code)

    def _unknown(self) -> PaidFailed:
        text = (
            f"unknown, may have been paid: {self._shot}, task {self.task_id}, ${self._attempt.estimate}. "
            f"Build again to look again, or `--remake {self._shot}` to buy it again"
        )
        return PaidFailed(text, "unknown")

    def _given_up(self, what: str, code: str) -> PaidFailed:
        return PaidFailed(f"task {self.task_id} {what}", code)


_LOST = frozenset({"network", "timeout", "server", "unreadable-reply"})
_MODERATED = {"positivePrompt": "prompt", "inputs": "picture", "inputs.frameImages": "picture"}
