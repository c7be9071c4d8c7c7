"""Takes that cost money, each bought once: which attempt is open, which comes next, and when to stop.

The task id is a function of key and attempt, so that this machine after a crash, or another one, asks for the same
job. One attempt is the business of ``purchase``.

Opens a paid provider for a build: client, wait loop, downloads, journal and budget put together.

Nothing here is imported by a build that has nothing to buy.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct

from storyboard.core.model import Generated
from storyboard.engine.generators import GeneratedClip, GenerationRequest
from storyboard.engine.paid.budget import Budget, Prices
from storyboard.engine.paid.context import RETRYABLE, MayBeRetried, PaidContext, order_of
from storyboard.engine.paid.purchase import Purchase
from storyboard.engine.project_store import Workspace
from storyboard.engine.worker_pool import WorkerPool
from storyboard.engine.worker_tasks import PaidFailed
from storyboard.providers.api_client import CALL_S, EXCHANGE_S, ApiClient
from storyboard.providers.base import Provider, attempt_of, find
from storyboard.providers.download import DEADLINE_S as DOWNLOAD_S
from storyboard.providers.download import STALL_S, Downloader
from storyboard.providers.errors import ProviderError, Secret
from storyboard.providers.poller import DEADLINE_S, FIRST_QUERY_S, Poller
from storyboard.providers.remote_jobs import RemoteJobs
from storyboard.providers.safe_transport import results_policy
from storyboard.store.journal import Job, JournalTooNew, NoSuchJob, is_task_id

# Attempts that one build may pay for when the provider says that another try may help.
ATTEMPTS_A_BUILD = 3
_HOPELESS = frozenset({"unknown", "gone", "bad-media", "unreadable-reply"})


class RemoteGenerator:
    """Makes takes with one paid provider. *remake* names the shots whose request is rolled again."""

    def __init__(self, tools: PaidContext, remake: frozenset[str]) -> None:
        self._tools = tools
        self._provider: Provider = tools.remote.provider
        self._remake = remake

    async def make(self, order: GenerationRequest) -> GeneratedClip:
        """Buy the take, or pick up the one that was bought. Raises ``PaidFailed`` and other ``TaskFailed``."""
        if order.step.locked is not None:
            return await self._fetched(order)
        began: float | None = None
        source, key = _generated(order), order.step.key or ""
        number = self._first_attempt(order, key)
        for tries_left in range(ATTEMPTS_A_BUILD, 0, -1):
            purchase = Purchase(self._tools, order, source, key, number)
            try:
                return await purchase.run(began)
            except (NoSuchJob, JournalTooNew) as damage:
                raise _lost_in_journal(order, purchase.task_id) from damage
            except MayBeRetried as failure:
                if tries_left == 1:
                    raise failure.reason from failure
                self._tools.tell(f"{order.shot.id}: attempt {number} failed ({failure.reason}); trying again")
            except PaidFailed as failure:
                if not self._may_leave(order, failure) or tries_left == 1:
                    raise
                purchase.leave(failure.code)
                self._tools.tell(f"{order.shot.id}: {failure}; bought again, as --remake says")
            number, began = number + 1, purchase.began
        raise AssertionError("unreachable")

    async def _fetched(self, order: GenerationRequest) -> GeneratedClip:
        """The take that the lockfile names, by its task id. Nothing is submitted, whatever the provider says."""
        task_id = order.locked.task_id if order.locked is not None else None
        if order.locked is None or task_id is None or not is_task_id(task_id):
            text = f"the lockfile names {task_id!r} as the task of the take, which is no task id; nothing was bought"
            raise PaidFailed(text, "gone")
        key = order.locked.key
        number = attempt_of(self._provider, key, task_id)
        purchase = Purchase(self._tools, order, _generated(order), key, number, task_id)
        try:
            return await purchase.fetch(order.locked)
        except (NoSuchJob, JournalTooNew) as damage:
            raise _lost_in_journal(order, task_id) from damage

    async def pick_up(self, job: Job, out: Path) -> GeneratedClip | None:
        """The take of a job that no shot asks for any more, if it is ready: it was paid for, so it is kept."""
        order = order_of(job, out)
        return await Purchase(self._tools, order, _generated(order), job.key, job.attempt).pick_up()

    def stored(self, delivery: GeneratedClip) -> None:
        """The take of *delivery* is in the store: its job is done with."""
        if delivery.task_id is not None:
            self._tools.journal.close(delivery.task_id)

    async def close(self) -> None:
        """Ask nothing more; jobs that are not finished stay in the journal."""
        await self._tools.poller.aclose()
        await self._tools.remote.aclose()
        await self._tools.client.aclose()

    def _first_attempt(self, order: GenerationRequest, key: str) -> int:
        """The attempt that is open; a new one for a remake; the locked one; the one after the last proven failure."""
        open_jobs = [job.attempt for job in self._tools.journal.jobs() if job.key == key]
        past = self._tools.budget.past(key)
        task_id = order.locked.task_id if order.locked is not None else None
        locked = attempt_of(self._provider, key, task_id) if task_id is not None else 0
        if open_jobs and order.step.do == "resume":
            return max(open_jobs)
        if self._is_remade(order):
            return max([*open_jobs, *(entry.attempt for entry in past), locked], default=0) + 1
        failed = [entry.attempt for entry in past if entry.failed and entry.outcome in RETRYABLE]
        return max([*open_jobs, locked, max(failed, default=0) + 1])

    def _may_leave(self, order: GenerationRequest, failure: PaidFailed) -> bool:
        """Whether an open job that gives nothing may be left for a new one: only if the user has named the shot."""
        return order.step.do == "resume" and self._is_remade(order) and failure.code in _HOPELESS

    def _is_remade(self, order: GenerationRequest) -> bool:
        """Whether this very take is rolled again: that in the cut, and none beside it."""
        return order.shot.id in self._remake and order.step.action.seed is None


def _lost_in_journal(order: GenerationRequest, task_id: str) -> PaidFailed:
    text = f"{order.shot.id}: its file in the journal has gone or cannot be read, task {task_id}"
    return PaidFailed(f"{text}; the next build asks the provider for it", "unwritten")


def _generated(order: GenerationRequest) -> Generated:
    source = order.shot.source
    if not isinstance(source, Generated):
        raise TypeError(f"shot {order.shot.id} is not generated")
    return source


class ProviderAccount(Struct, frozen=True):
    """How to reach one provider: the address of its API, ``None`` for its own, and the key."""

    endpoint: str | None = None
    key: Secret | None = None


class Timeouts(Struct, frozen=True):
    """How patient a build is, in seconds: between questions, with a job, with a call, with a download that stalls."""

    interval_s: float = FIRST_QUERY_S
    job_s: float = DEADLINE_S
    call_s: float = CALL_S
    exchange_s: float = EXCHANGE_S
    stall_s: float = STALL_S
    download_s: float = DOWNLOAD_S
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class PaidOptions(Struct, frozen=True):
    """What a build may do with paid providers: accounts by name, jobs at once, how patient it is."""

    accounts: dict[str, ProviderAccount] = {}
    at_once: int = 4
    pace: Timeouts = Timeouts()


def open_maker(
    name: str,
    spending: PaidOptions,
    workspace: Workspace,
    workers: WorkerPool,
    budget: Budget,
    prices: Prices,
    remake: frozenset[str],
    check: Callable[[], None],
    tell: Callable[[str], None],
) -> RemoteGenerator:
    """The maker of one paid provider. Raises ``PaidFailed`` (``auth``) without a usable key."""
    provider = find(name)
    account = spending.accounts.get(name, ProviderAccount())
    if account.key is None:
        raise PaidFailed(f"{name} needs a key: set {provider.key_variable}, or {provider.key_variable}_FILE", "auth")
    pace = spending.pace
    client = _client(provider, account, account.key, pace)
    remote = RemoteJobs(provider, client)
    tools = PaidContext(
        remote=remote,
        client=client,
        poller=Poller(remote.ask, interval_s=pace.interval_s, deadline_s=pace.job_s, batch=provider.batch),
        downloader=Downloader(
            results_policy(provider.result_hosts, client.endpoint),
            stall_s=pace.stall_s,
            deadline_s=pace.download_s,
            sleep=pace.sleep,
        ),
        journal=workspace.journal,
        budget=budget,
        workers=workers,
        estimate=prices.estimate,
        interval_s=min(pace.interval_s, 2.0),
        limit=asyncio.Semaphore(spending.at_once),
        fetching=asyncio.Semaphore(spending.at_once),
        tell=tell,
        check=check,
        sleep=pace.sleep,
    )
    return RemoteGenerator(tools, remake)


def _client(provider: Provider, account: ProviderAccount, key: Secret, pace: Timeouts) -> ApiClient:
    try:
        return ApiClient(
            account.endpoint or provider.endpoint,
            key,
            provider.error_of,
            sleep=pace.sleep,
            call_s=pace.call_s,
            exchange_s=pace.exchange_s,
        )
    except ProviderError as problem:
        raise PaidFailed(f"the key for {provider.name} cannot be used: {problem.message}", "auth") from problem
