"""A paid take as the provider and the journal see it.

What buying a take works with, and how one attempt tells another that it may follow.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from storyboard.core.file_signatures import picture_type
from storyboard.core.graph import Action, take_id
from storyboard.core.keys import Request
from storyboard.core.model import Generated, Json, Shot, Size
from storyboard.core.plan import Step
from storyboard.core.reason import Reason
from storyboard.core.timebase import exact
from storyboard.engine.generators import GenerationRequest
from storyboard.engine.paid.budget import Attempt, Budget
from storyboard.engine.worker_pool import WorkerPool
from storyboard.engine.worker_tasks import PaidFailed
from storyboard.providers.base import Picture, TakeRequest
from storyboard.providers.poller import Poller
from storyboard.providers.remote_jobs import RemoteJobs
from storyboard.store.journal import Job, Journal

if TYPE_CHECKING:  # both import httpx, which a build without paid takes does not need
    from storyboard.providers.api_client import ApiClient
    from storyboard.providers.download import Downloader


def take_request(source: Generated, pictures: Mapping[str, bytes]) -> TakeRequest:
    """What a provider is asked for; *pictures* by ``first_frame`` and ``last_frame``."""
    return TakeRequest(
        provider=source.provider,
        model=source.model,
        prompt=source.prompt,
        duration=source.duration,
        size=source.size,
        seed=source.seed,
        negative_prompt=source.negative_prompt,
        params=source.params,
        first_frame=_picture(pictures.get("first_frame")),
        last_frame=_picture(pictures.get("last_frame")),
    )


def job_of(attempt: Attempt, request: Request, body: Json, opened_at: float) -> Job:
    """The journal's entry; *body* is what is sent, with stand-ins for the names of uploads."""
    return Job(
        task_id=attempt.task_id,
        key=attempt.key,
        attempt=attempt.number,
        shot=attempt.shot,
        provider=attempt.source.provider,
        model=attempt.source.model,
        request_digest=hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest(),
        request=dict(request),
        estimate=str(attempt.estimate),
        opened_at=opened_at,
    )


def order_of(job: Job, out: Path) -> GenerationRequest:
    """A job of the journal as an order for the clip alone: what was asked for, without its pictures."""
    request = job.request
    source = Generated(
        prompt=request["prompt"],
        model=job.model,
        provider=job.provider,
        duration=exact(request["duration"]),
        size=Size(request["width"], request["height"]),
        seed=request["seed"],
        negative_prompt=request.get("negative_prompt"),
        params=request.get("params", {}),
    )
    action = Action(take_id(job.shot), "take", job.shot)
    step = Step(action, "resume", Reason("paid-for"), job.key, request)
    return GenerationRequest(step, Shot(job.shot, "", source), {}, out)


def _picture(data: bytes | None) -> Picture | None:
    return None if data is None else Picture(data, picture_type(data) or "application/octet-stream")


class PaidContext(Struct, frozen=True):
    """What a paid maker works with; all of it is handed in, so that tests can hand in others.

    *check* raises ``TaskFailed`` if the project's lock is no longer ours: then nothing may be bought.
    """

    remote: RemoteJobs
    poller: Poller
    downloader: "Downloader"
    client: "ApiClient"
    journal: Journal
    budget: Budget
    workers: WorkerPool
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
