"""The generator of paid takes: buys each take once, chooses the attempt, and opens the provider for a build.

A task id is a function of key and attempt, so a crashed build and another machine find one and the same job.
``purchase`` runs one attempt. Builds without paid steps do not import this module.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct

from storyboard.core.build_events import Listener, Notice
from storyboard.core.model import Generated
from storyboard.engine.generators import GeneratedClip, GenerationRequest
from storyboard.engine.paid.budget import Budget, Prices
from storyboard.engine.paid.context import RETRYABLE, MayBeRetried, PaidContext, request_of_job
from storyboard.engine.paid.purchase import Purchase
from storyboard.engine.worker_pool import OnStart, TaskRunner
from storyboard.engine.worker_tasks import PaidFailed
from storyboard.providers.api_client import CALL_S, EXCHANGE_S, ApiClient
from storyboard.providers.base import Provider, attempt_of, find
from storyboard.providers.download import DEADLINE_S as DOWNLOAD_S
from storyboard.providers.download import STALL_S, Downloader
from storyboard.providers.errors import ProviderError, Secret
from storyboard.providers.poller import DEADLINE_S, FIRST_QUERY_S, Poller
from storyboard.providers.remote_jobs import RemoteJobs
from storyboard.providers.safe_transport import results_policy
from storyboard.store.journal import Job, Journal, JournalTooNew, NoSuchJob, account_of, is_task_id

# Attempts of one build at a take, if the provider says that another one may succeed.
ATTEMPTS_A_BUILD = 3
_HOPELESS = frozenset({"unknown", "gone", "conflict", "bad-media", "unreadable-reply"})


class RemoteGenerator:
    """Generates takes with one paid provider. *remake* names the shots to buy again with an unchanged request."""

    def __init__(self, context: PaidContext, remake: frozenset[str]) -> None:
        self._context = context
        self._provider: Provider = context.remote.provider
        self._remake = remake

    async def generate(self, request: GenerationRequest, on_start: OnStart) -> GeneratedClip:
        """Buy a take, or collect the one that was bought. Raises ``PaidFailed`` and other ``TaskFailed``."""
        if request.step.locked is not None:
            return await self._fetch_locked(request, on_start)
        began: float | None = None
        source, key = _generated_source(request), request.step.key or ""
        number = self._first_attempt(request, key)
        for tries_left in range(ATTEMPTS_A_BUILD, 0, -1):
            purchase = Purchase(self._context, request, source, key, number)
            try:
                return await purchase.run(on_start if began is None else None, began)
            except (NoSuchJob, JournalTooNew) as damage:
                raise _journal_error(request, purchase.task_id) from damage
            except MayBeRetried as failure:
                if not request.may_buy:
                    raise failure.with_price(self._context.estimate(source)) from failure
                if tries_left == 1:
                    raise failure.reason from failure
                text = f"{request.shot.id}: attempt {number} failed ({failure.reason}); trying again"
                self._context.notify(Notice(text, "attempt-failed"))
                number += 1
            except PaidFailed as failure:
                if purchase.was_submitted or not self._may_abandon(request, failure) or tries_left == 1:
                    raise
                purchase.abandon(failure.code)
                text = f"{request.shot.id}: {failure}; bought again because of `--remake`"
                self._context.notify(Notice(text, failure.code))
                number = self._unused_attempt(key, number)
            began = purchase.began
        raise AssertionError("unreachable")

    async def _fetch_locked(self, request: GenerationRequest, on_start: OnStart) -> GeneratedClip:
        """Fetch the take that the lockfile names, by its task id, without submitting anything."""
        task_id = request.locked.task_id if request.locked is not None else None
        if request.locked is None or task_id is None or not is_task_id(task_id):
            text = f"the lockfile has an invalid task id for the take, {task_id!r}; nothing was bought"
            raise PaidFailed(text, "gone")
        key = request.locked.key
        number = attempt_of(self._provider, key, task_id)
        purchase = Purchase(self._context, request, _generated_source(request), key, number, task_id)
        try:
            return await purchase.fetch(request.locked, on_start)
        except (NoSuchJob, JournalTooNew) as damage:
            raise _journal_error(request, task_id) from damage

    async def collect(self, job: Job, out: Path) -> GeneratedClip | None:
        request = request_of_job(job, out)
        return await Purchase(self._context, request, _generated_source(request), job.key, job.attempt).collect()

    def close_job(self, clip: GeneratedClip) -> None:
        if clip.task_id is not None:
            self._context.journal.close(clip.task_id)

    async def close(self) -> None:
        """Stop querying; unfinished jobs stay in the journal."""
        await self._context.poller.aclose()
        await self._context.remote.aclose()
        await self._context.client.aclose()

    def _first_attempt(self, request: GenerationRequest, key: str) -> int:
        """Return the open attempt, a new one for a remake, the locked one, or the next after a certain failure."""
        open_jobs = self._open_attempts(key)
        task_id = request.locked.task_id if request.locked is not None else None
        locked = attempt_of(self._provider, key, task_id) if task_id is not None else 0
        if open_jobs and request.step.do == "resume":
            return max(open_jobs)
        if self._is_remade(request):
            self._context.budget.give_up(key, self._context.journal.is_damaged)
            return self._unused_attempt(key, locked)
        past = self._context.budget.past(key)
        failed = [entry.attempt for entry in past if entry.failed and entry.outcome in RETRYABLE]
        return max([*open_jobs, locked, max(failed, default=0) + 1])

    def _unused_attempt(self, key: str, number: int) -> int:
        """Return the first attempt after *number* that neither the journal nor the ledger has."""
        past = self._context.budget.past(key)
        return max([number, *self._open_attempts(key), *(entry.attempt for entry in past)]) + 1

    def _open_attempts(self, key: str) -> list[int]:
        return [job.attempt for job in self._context.journal.jobs() if job.key == key]

    def _may_abandon(self, request: GenerationRequest, failure: PaidFailed) -> bool:
        """Return whether a hopeless attempt of an earlier build may be given up: only if the user named the shot.

        A selected take that is made again begins with a new attempt, unless its job is open. An alternate take is
        bought again only if the attempt that it has is hopeless.
        """
        named = request.shot.id in self._remake and request.may_buy
        begins_with_old = request.step.action.seed is not None or request.step.do == "resume"
        return named and begins_with_old and failure.code in _HOPELESS

    def _is_remade(self, request: GenerationRequest) -> bool:
        """Return whether the take is bought again by ``--remake``, which excludes alternate takes."""
        return request.shot.id in self._remake and request.step.action.seed is None


def _journal_error(request: GenerationRequest, task_id: str) -> PaidFailed:
    text = f"the journal entry of task {task_id} is missing or unreadable"
    return PaidFailed(f"{text}; the next build queries the provider for the task", "unwritten")


def _generated_source(request: GenerationRequest) -> Generated:
    source = request.shot.source
    if not isinstance(source, Generated):
        raise TypeError(f"shot {request.shot.id} is not generated")
    return source


class ProviderAccount(Struct, frozen=True):
    """The address of a provider's API, ``None`` for its default, and the key."""

    endpoint: str | None = None
    key: Secret | None = None


class Timeouts(Struct, frozen=True):
    """Limits in seconds: between queries, for a job, a call, an exchange, a stalled download, and a whole download."""

    interval_s: float = FIRST_QUERY_S
    job_s: float = DEADLINE_S
    call_s: float = CALL_S
    exchange_s: float = EXCHANGE_S
    stall_s: float = STALL_S
    download_s: float = DOWNLOAD_S
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class PaidOptions(Struct, frozen=True):
    """Accounts of paid providers by name, paid jobs at once, and timeouts."""

    accounts: dict[str, ProviderAccount] = {}
    jobs: int = 4
    timeouts: Timeouts = Timeouts()


def no_key_text(provider: Provider) -> str:
    """Return the error for a provider without a key, with the variables that can hold one."""
    return f"{provider.name} needs a key: set {provider.key_variable}, or {provider.key_variable}_FILE"


def open_generator(
    name: str,
    options: PaidOptions,
    folder: Path,
    journal: Journal,
    runner: TaskRunner,
    budget: Budget,
    prices: Prices,
    remake: frozenset[str],
    check: Callable[[], None],
    notify: Listener,
) -> RemoteGenerator:
    """Open the generator of one paid provider; *folder* is the state folder.

    Raises ``PaidFailed`` (``auth``) without a usable key, and ``OSError``.
    """
    provider = find(name)
    account = options.accounts.get(name, ProviderAccount())
    if account.key is None:
        raise PaidFailed(no_key_text(provider), "auth")
    timeouts = options.timeouts
    client = _client(provider, account, account.key, timeouts)
    remote = RemoteJobs(provider, client)
    context = PaidContext(
        remote=remote,
        client=client,
        account=account_of(folder, client.endpoint, account.key.reveal()),
        poller=Poller(remote.ask, interval_s=timeouts.interval_s, deadline_s=timeouts.job_s, batch=provider.batch),
        downloader=Downloader(
            results_policy(provider.result_hosts, client.endpoint),
            stall_s=timeouts.stall_s,
            deadline_s=timeouts.download_s,
            sleep=timeouts.sleep,
        ),
        journal=journal,
        budget=budget,
        runner=runner,
        estimate=prices.estimate,
        interval_s=min(timeouts.interval_s, 2.0),
        limit=asyncio.Semaphore(options.jobs),
        fetching=asyncio.Semaphore(options.jobs),
        notify=notify,
        check=check,
        clock=client.time_of_day,
        sleep=timeouts.sleep,
    )
    return RemoteGenerator(context, remake)


def _client(provider: Provider, account: ProviderAccount, key: Secret, timeouts: Timeouts) -> ApiClient:
    try:
        return ApiClient(
            account.endpoint or provider.endpoint,
            key,
            provider.error_of,
            sleep=timeouts.sleep,
            call_s=timeouts.call_s,
            exchange_s=timeouts.exchange_s,
        )
    except ProviderError as problem:
        raise PaidFailed(f"the key for {provider.name} cannot be used: {problem.message}", "auth") from problem
