"""What buying a take works with, and how one attempt tells another that it may follow."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from msgspec import Struct

from storyboard.build.budget import Budget
from storyboard.build.tasks import PaidFailed
from storyboard.build.workers import Workers
from storyboard.core.model import Generated
from storyboard.providers.download import Downloader
from storyboard.providers.http import ApiClient
from storyboard.providers.remote import Remote
from storyboard.providers.wait import Poller
from storyboard.store.journal import Journal


class Tools(Struct, frozen=True):
    """What a paid maker works with; all of it is handed in, so that tests can hand in others.

    *check* raises ``TaskFailed`` if the project's lock is no longer ours: then nothing may be bought.
    """

    remote: Remote
    poller: Poller
    downloader: Downloader
    client: ApiClient
    journal: Journal
    budget: Budget
    workers: Workers
    estimate: Callable[[Generated], Decimal]
    interval_s: float
    limit: asyncio.Semaphore
    fetching: asyncio.Semaphore
    tell: Callable[[str], None]
    check: Callable[[], None]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


# How a failed attempt is named in the ledger when another one may follow.
RETRYABLE = frozenset({"timeout", "server", "provider-failed", "rate-limited"})


class MayBeRetried(Exception):
    """An attempt that is proven to have failed, in a way that another one may not; *reason* is what to say of it."""

    def __init__(self, reason: PaidFailed) -> None:
        super().__init__(str(reason))
        self.reason = reason
