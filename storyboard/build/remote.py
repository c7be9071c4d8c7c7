"""Opens a paid provider for a build: client, wait loop, downloads, journal and budget put together.

Nothing here is imported by a build that has nothing to buy.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from storyboard.build.budget import Budget, Prices
from storyboard.build.paid import PaidMaker
from storyboard.build.tasks import PaidFailed
from storyboard.build.tools import Tools
from storyboard.build.workers import Workers
from storyboard.build.workspace import Workspace
from storyboard.providers.addresses import results_policy
from storyboard.providers.base import Provider, find
from storyboard.providers.download import DEADLINE_S as DOWNLOAD_S
from storyboard.providers.download import STALL_S, Downloader
from storyboard.providers.errors import ProviderError, Secret
from storyboard.providers.http import CALL_S, EXCHANGE_S, ApiClient
from storyboard.providers.remote import Remote
from storyboard.providers.wait import DEADLINE_S, FIRST_ASK_S, Poller


class Account(Struct, frozen=True):
    """How to reach one provider: the address of its API, ``None`` for its own, and the key."""

    endpoint: str | None = None
    key: Secret | None = None


class Pace(Struct, frozen=True):
    """How patient a build is, in seconds: between questions, with a job, with a call, with a download that stalls."""

    interval_s: float = FIRST_ASK_S
    job_s: float = DEADLINE_S
    call_s: float = CALL_S
    exchange_s: float = EXCHANGE_S
    stall_s: float = STALL_S
    download_s: float = DOWNLOAD_S
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class Spending(Struct, frozen=True):
    """What a build may do with paid providers: accounts by name, jobs at once, how patient it is."""

    accounts: dict[str, Account] = {}
    at_once: int = 4
    pace: Pace = Pace()


def open_maker(
    name: str,
    spending: Spending,
    workspace: Workspace,
    workers: Workers,
    budget: Budget,
    prices: Prices,
    remake: frozenset[str],
    check: Callable[[], None],
    tell: Callable[[str], None],
) -> PaidMaker:
    """The maker of one paid provider. Raises ``PaidFailed`` (``auth``) without a usable key."""
    provider = find(name)
    account = spending.accounts.get(name, Account())
    if account.key is None:
        raise PaidFailed(f"{name} needs a key: set {provider.key_variable}, or {provider.key_variable}_FILE", "auth")
    pace = spending.pace
    client = _client(provider, account, account.key, pace)
    remote = Remote(provider, client)
    tools = Tools(
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
    return PaidMaker(tools, remake)


def _client(provider: Provider, account: Account, key: Secret, pace: Pace) -> ApiClient:
    try:
        return ApiClient(
            account.endpoint or provider.endpoint,
            key,
            provider.refusal,
            sleep=pace.sleep,
            call_s=pace.call_s,
            exchange_s=pace.exchange_s,
        )
    except ProviderError as problem:
        raise PaidFailed(f"the key for {provider.name} cannot be used: {problem.message}", "auth") from problem
