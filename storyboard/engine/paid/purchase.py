"""One attempt at one paid take: query, reserve, journal, submit, wait. For a locked take only query and fetch.

The journal entry is on disk before a submission is sent, and the provider is queried for the task id before every
submission. A state that cannot be determined is reported, never guessed. Leaves the choice of the attempt and what
follows a failure to ``generator``, the download to ``result``.
"""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

from msgspec.structs import replace

from storyboard.core.keys import is_prepared
from storyboard.core.model import Generated, Json
from storyboard.core.plan import LockEntry
from storyboard.core.results import amount, dollars
from storyboard.engine.generators import GeneratedClip, GenerationRequest
from storyboard.engine.paid.budget import NOT_SENT, Attempt
from storyboard.engine.paid.context import RETRYABLE, MayBeRetried, PaidContext, job_of, take_request
from storyboard.engine.paid.result import ResultDownload
from storyboard.engine.worker_pool import OnStart
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
from storyboard.store.journal import Account, Job, JournalConflict
from storyboard.store.ledger import MODERATED, SUCCEEDED

# Submissions of a build under one task id: after the last one is lost, the job is left to the next build.
SUBMISSIONS_A_BUILD = 3
# A date that lies further ahead was written by a clock that was ahead. HTTP states dates in whole seconds.
CLOCK_TOLERANCE_S = 60
# Queries for a locked take before a provider without a result of it is believed.
QUESTIONS_ABOUT_LOCKED = 3


class Purchase:
    """One attempt at one take, from the first query to the clip.

    Its task id follows from key and number, unless *task_id* is given, for a take that the lockfile names.
    ``was_submitted`` tells that this build has submitted the job: then no other attempt may be bought in its place.
    """

    def __init__(
        self,
        context: PaidContext,
        request: GenerationRequest,
        source: Generated,
        key: str,
        number: int,
        task_id: str | None = None,
    ) -> None:
        self._context = context
        self._provider = context.remote.provider
        self._step = request.step
        self._shot = request.shot.id
        self._is_locked = task_id is not None
        self._may_buy = request.may_buy
        task_id = self._provider.task_id(key, number) if task_id is None else task_id
        price = context.estimate(source)
        self._attempt = Attempt(task_id, key, number, self._shot, source, price, context.account)
        self._request = take_request(source, request.pictures)
        self._download = ResultDownload(context, request, self._attempt, self._query)
        self._was_bought = False
        self._may_have_arrived = False
        self._is_orphan = False
        self.was_submitted = False
        self.began: float | None = None

    @property
    def task_id(self) -> str:
        """The task id of this attempt, equal on every machine."""
        return self._attempt.task_id

    async def run(self, on_start: OnStart | None, began: float | None = None) -> GeneratedClip:
        """Find or buy the take, and fetch it.

        Calls *on_start* once there is room among the paid jobs. *began* is the start of an earlier attempt.
        """
        async with self._context.limit:
            if on_start is not None:
                on_start()
            self.began = time.monotonic() if began is None else began
            outcome = await self._outcome()
            if isinstance(outcome, Succeeded):
                self._was_bought |= not self._context.budget.is_bought_here(self._attempt)
                await self._download.settle(outcome)
        match outcome:
            case Succeeded():
                async with self._context.fetching:
                    clip = await self._download.run(outcome, self.began)
                    return replace(clip, was_bought=self._was_bought)
            case Failed(error):
                raise self._failure(error)
            case Running():
                raise self._task_error("is still running; the next build collects it", "running")
            case Unknown():
                raise self._unknown_error()

    async def collect(self) -> GeneratedClip | None:
        """Fetch the take if the job has succeeded, without submitting anything; ``None`` if it runs.

        Raises ``PaidFailed`` if it is not known whether the job was paid.
        """
        began, self._is_orphan = time.monotonic(), True
        job = self._context.journal.job(self.task_id)
        match await self._query():
            case Succeeded() as made:
                await self._download.settle(made)
                return await self._download.run(made, began)
            case Failed(error):
                self.abandon(error.code)
            case Unknown() if job is not None:
                self._check_known_here(job.account, job.opened_at)
        return None

    async def fetch(self, locked: LockEntry, on_start: OnStart) -> GeneratedClip:
        """Fetch the take that the lockfile names, without submitting anything. Raises ``PaidFailed``.

        The job had ended when the take was locked, so there is no wait for a provider without a result.
        """
        async with self._context.limit:
            on_start()
            self.began = time.monotonic()
            was_bought = self._context.journal.job(self.task_id) is None
            known = await self._query()
            for _ in range(QUESTIONS_ABOUT_LOCKED - 1):
                if not isinstance(known, Succeeded | Failed):
                    await self._context.sleep(self._context.interval_s)
                    known = await self._query()
        if isinstance(known, Succeeded):
            await self._download.settle(known)
            async with self._context.fetching:
                clip = await self._download.run(known, self.began, locked)
                return replace(clip, was_bought=was_bought)
        raise self._task_error(self._gone_text(known, locked), "gone")

    def _gone_text(self, known: Outcome, locked: LockEntry) -> str:
        name = self._provider.name
        match known:
            case Failed(error):
                reply = f"{name} reports: {error.message.rstrip('.')}"
            case Running():
                reply = f"{name} has the task without a result"
            case _:
                reply = f"{name} does not have the task"
        paid, price = dollars(amount(locked.cost) or self._attempt.estimate), dollars(self._attempt.estimate)
        copy = f"copy the cache of a machine that has take {locked.take[:12]}"
        other = self._other_seed or f"buy it again for {price} with `--remake {self._shot}`"
        return f"was paid for ({paid}), but its take is not in this cache, and {reply}; {copy}, or {other}"

    async def _outcome(self) -> Outcome:
        """Return how the job ended. It is submitted only if neither journal nor provider has it."""
        job = self._context.journal.job(self.task_id)
        known = await self._query()
        self._was_bought = job is None and not isinstance(known, Unknown)
        self._may_have_arrived = job is not None
        if isinstance(known, Unknown) and job is not None and job.state == "opened":
            known = await self._query_again()
        if isinstance(known, Unknown):
            self._check_unbought(job)
            known = await self._submit() if job is None or job.state == "opened" else known
        return known if isinstance(known, Succeeded | Failed) else await self._wait()

    def abandon(self, code: str) -> None:
        """Close the job without a result; the cost that it may have had stays in the ledger."""
        if self._context.budget.ended(self._attempt) is None:
            self._context.budget.settle(self._attempt, None, code)
        self._context.journal.close(self.task_id)

    # queries

    async def _query(self) -> Outcome:
        """Look up the task id in the provider's queue, then in its archive. Costs nothing."""
        try:
            found = await self._context.remote.status(self.task_id)
            if not isinstance(found, Unknown):
                return found
            archived = await self._context.remote.archive(self.task_id)
        except ProviderError as problem:
            if problem.code == "not-found":
                return Unknown()
            raise self._provider_error(problem, "nothing was submitted") from problem
        if not archived.known or isinstance(archived.outcome, Unknown):
            return Running() if archived.known else Unknown()
        self._check_request(archived.request)
        return archived.outcome

    async def _query_again(self) -> Outcome:
        """Query twice more, after a pause each: a submission that arrived may not be visible at once."""
        known: Outcome = Unknown()
        for _ in range(2):
            await self._context.sleep(self._context.interval_s)
            known = await self._query()
            if not isinstance(known, Unknown):
                break
        return known

    def _check_request(self, request: Mapping[str, Json] | None) -> None:
        if request is None or self._is_locked:  # a locked take may have been made from another request
            return
        if not self._provider.same_request(request, self._submission()):
            raise self._conflict("at the provider")

    async def _wait(self) -> Outcome:
        try:
            return await self._context.poller.wait(self.task_id, on_running=self._show_state)
        except ProviderError as problem:
            raise self._provider_error(
                problem, f"task {self.task_id} continues; the next build queries it again"
            ) from problem

    def _show_state(self, job: Running) -> None:
        self._context.show_state(self._step.action.id, job.status or "running", job.progress)

    # buying

    def _check_unbought(self, job: Job | None) -> None:
        """Raise ``PaidFailed`` unless a task that the provider does not know was certainly never bought."""
        lost = self._context.budget.lost_reservation(self._attempt)
        if job is not None:
            self._check_known_here(job.account, job.opened_at)
        elif self._context.journal.is_damaged(self.task_id):
            raise self._unknown_error()
        elif lost is not None:
            self._check_known_here(lost.account, lost.at)
        if job is not None and not self._provider.client_task_ids:
            raise self._unknown_error()
        ended = self._context.budget.ended(self._attempt)
        if ended is None:
            return
        if ended.outcome == MODERATED:
            text = f"{self._provider.name} refused this request before, by its policy; change the prompt or the picture"
            other = self._other_seed or f"submit it again with `--remake {self._shot}`"
            raise PaidFailed(f"{text}, or {other}", "moderated")
        if ended.outcome == SUCCEEDED:
            paid = dollars(Decimal(ended.cost or ended.estimate))
            other = "" if ended.account in (None, self._context.account) else " with another key"
            text = f"was paid for{other} ({paid}), but its take is neither in this cache nor at the provider"
            raise self._task_error(f"{text}; buy it again with `--remake {self._shot}`", "gone")

    def _check_known_here(self, account: Account | None, begun_at: float) -> None:
        """Raise ``PaidFailed`` unless the provider would find a job, begun at that time, if it had been submitted.

        It does not find a job that is older than its memory, or that another account has paid for. Entries of earlier
        versions name no account.
        """
        if account not in (None, self._context.account):
            raise self._other_account_error(account)
        age_s = self._context.clock() - begun_at
        # written while the clock was ahead: its age is not known
        if age_s < -CLOCK_TOLERANCE_S or age_s > self._provider.task_id_retention_s:
            raise self._unknown_error()

    async def _submit(self) -> Outcome:
        """Reserve the money, write the job to the journal, and submit it. Raises ``PaidFailed`` without a price."""
        if not self._may_buy:
            text = "was already paid for by the plan, but the provider does not have it; nothing was submitted"
            raise self._task_error(f"{text}; run `storyboard plan` to see the price", "unpriced")
        references = await self._upload()
        self._context.check()
        await asyncio.to_thread(self._context.budget.reserve, self._attempt)
        try:
            await asyncio.to_thread(self._context.journal.open, self._job(references))
        except OSError:
            self._context.budget.release(self._attempt, NOT_SENT)
            raise
        except JournalConflict as problem:
            raise self._conflict("in the journal") from problem
        self.was_submitted = True
        for tries_left in range(SUBMISSIONS_A_BUILD, 0, -1):
            known = await self._submit_once(references, last=tries_left == 1)
            if known is not None:
                return known
        raise AssertionError("unreachable")

    async def _upload(self) -> dict[Position, str]:
        try:
            return await self._context.remote.upload(self._request)
        except ProviderError as problem:
            raise self._provider_error(problem, "nothing was submitted") from problem

    async def _submit_once(self, references: Mapping[Position, str], *, last: bool) -> Outcome | None:
        """Submit once; ``None`` if the submission was lost and may be sent again under its task id."""
        try:
            await self._context.remote.submit(self._request, self.task_id, references)
        except ProviderError as problem:
            if problem.code == "conflict":
                if not self._may_have_arrived:
                    await asyncio.to_thread(self._yield_to_another_clone)
                await asyncio.to_thread(self._context.journal.advance, self.task_id, "submitted")
                known = await self._query()
                return Running() if isinstance(known, Unknown) else known
            if problem.sent and problem.code in _LOST:
                return await self._after_loss(problem, last=last)
            self._release(problem)
        await asyncio.to_thread(self._context.journal.advance, self.task_id, "submitted")
        self._context.show_state(self._step.action.id, "submitted")
        return Running()

    def _yield_to_another_clone(self) -> None:
        """Release the reservation of a task that was in use before this build had sent it: another clone bought it."""
        self._was_bought = True
        self._context.budget.release(self._attempt)

    async def _after_loss(self, problem: ProviderError, *, last: bool) -> Outcome | None:
        """Find out whether a submission arrived whose reply was lost; ``None`` if it may be sent again."""
        self._may_have_arrived = True
        known = await self._query_again()
        if not isinstance(known, Unknown):
            await asyncio.to_thread(self._context.journal.advance, self.task_id, "submitted")
            return known
        if not self._provider.client_task_ids:
            await asyncio.to_thread(self._context.journal.advance, self.task_id, "submitted")
            raise self._unknown_error()
        if last:
            raise self._provider_error(
                problem, f"task {self.task_id} may have been accepted; the next build queries it again"
            )
        return None

    def _release(self, problem: ProviderError) -> NoReturn:
        """Release the reservation after a refusal or a request that was never sent, and raise."""
        self._context.budget.release(self._attempt, problem.code)
        self._context.journal.close(self.task_id)
        raise self._provider_error(problem, "nothing was bought") from problem

    def _failure(self, error: ProviderError) -> PaidFailed | MayBeRetried:
        """Settle a job that has failed, and return what to raise."""
        if error.code == "unreadable-reply":
            return self._task_error(f"succeeded, but its result cannot be read: {error.message}", error.code)
        self._context.budget.settle(self._attempt, None, error.code)
        self._context.journal.close(self.task_id)
        reason = self._provider_error(error, "")
        return MayBeRetried(reason) if error.retryable and error.code in RETRYABLE else reason

    def _submission(self) -> Call:
        references: dict[Position, str] = dict.fromkeys(self._provider.uploads(self._request), "")
        return self._provider.submission(self._request, self.task_id, references | self._prepared())

    def _prepared(self) -> dict[Position, str]:
        """Return stand-ins for prepared pictures: another version of a library may write other bytes of them."""
        request = self._step.request or {}
        fields: dict[Position, str] = {"first": "first_frame", "last": "last_frame"}
        return {at: request[field] for at, field in fields.items() if is_prepared(request.get(field))}

    def _job(self, references: Mapping[Position, str]) -> Job:
        # uploads get new names each time, so the digest of the request must not contain them
        stand_ins = dict.fromkeys(references, "uploaded") | self._prepared()
        body = self._provider.submission(self._request, self.task_id, stand_ins).body
        return job_of(self._attempt, self._step.request or {}, body, self._context.clock())

    # errors

    def _provider_error(self, problem: ProviderError, consequence: str) -> PaidFailed:
        field = f", at `{problem.field}`" if problem.field else ""
        text = f"{self._provider.name} reports: {problem.message.rstrip('.')}{field}"
        if problem.code == "moderated":
            what = _MODERATED.get(problem.field or "", "prompt or the picture")
            text += f"; refused by its policy: change the {what}"
        return PaidFailed(f"{text}; {consequence}" if consequence else text, problem.code)

    def _unknown_error(self) -> PaidFailed:
        text = (
            f"the state of task {self.task_id} is unknown, and {dollars(self._attempt.estimate)} may have been paid; "
            "build again to query it"
        )
        return PaidFailed(f"{text}{self._remake_hint}", "unknown")

    @property
    def _other_seed(self) -> str:
        """The way out for an alternate take that ``--remake`` does not buy again; empty for a selected one."""
        seed = self._step.action.seed
        return "" if seed is None else f"take seed {seed} out of `takes`"

    @property
    def _remake_hint(self) -> str:
        return "" if self._is_orphan else f", or buy it again with `--remake {self._shot}`"

    def _other_account_error(self, account: Account | None) -> PaidFailed:
        variable, there = self._provider.key_variable, self._context.account.endpoint
        where, way = "with another key", f"set that key in {variable}"
        if account is not None and account.endpoint != there:
            where = f"at {account.endpoint}"
            way = f"set {variable.removesuffix('_API_KEY')}_BASE_URL to that address"
        text = (
            f"the state of task {self.task_id} is unknown, and {dollars(self._attempt.estimate)} may have been paid "
            f"{where}: {self._provider.name} does not have the task for the key in use; {way} and build again"
        )
        return PaidFailed(f"{text}{self._remake_hint}", "unknown")

    def _conflict(self, where: str) -> PaidFailed:
        text = f"task {self.task_id} has another request {where}; nothing was submitted"
        return PaidFailed(f"{text}; buy it under a new id with `--remake {self._shot}`", "conflict")

    def _task_error(self, what: str, code: str) -> PaidFailed:
        return PaidFailed(f"task {self.task_id} {what}", code)


_LOST = frozenset({"network", "timeout", "server", "unreadable-reply"})
_MODERATED = {"positivePrompt": "prompt", "inputs": "picture", "inputs.frameImages": "picture"}
