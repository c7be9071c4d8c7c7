"""The services that paid generation needs, and the translation of takes to provider requests and journal entries."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from storyboard.core.build_events import JobState, Listener
from storyboard.core.file_signatures import picture_type
from storyboard.core.graph import Action, take_id
from storyboard.core.keys import Request
from storyboard.core.model import Generated, Json, Shot, Size
from storyboard.core.plan import Step
from storyboard.core.reason import Reason
from storyboard.core.results import dollars, money_data
from storyboard.core.timebase import exact
from storyboard.engine.generators import GenerationRequest
from storyboard.engine.paid.budget import Attempt, Budget
from storyboard.engine.worker_pool import TaskRunner
from storyboard.engine.worker_tasks import PaidFailed
from storyboard.providers.base import Picture, TakeRequest, UnknownProvider, find
from storyboard.providers.poller import Poller
from storyboard.providers.remote_jobs import RemoteJobs
from storyboard.store.journal import Account, Job, Journal

if TYPE_CHECKING:  # both import httpx, which a build without paid takes does not need
    from storyboard.providers.api_client import ApiClient
    from storyboard.providers.download import Downloader


def take_request(source: Generated, pictures: Mapping[str, bytes]) -> TakeRequest:
    """Return the provider's request for a take; *pictures* by ``first_frame`` and ``last_frame``."""
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
    """Return the journal entry of an attempt; *body* is the submission with stand-ins for the names of uploads."""
    return Job(
        task_id=attempt.task_id,
        key=attempt.key,
        attempt=attempt.number,
        shot=attempt.shot,
        provider=attempt.source.provider,
        model=attempt.source.model,
        request_digest=hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest(),
        request=dict(request),
        estimate=money_data(attempt.estimate),
        opened_at=opened_at,
        account=attempt.account,
    )


def request_of_job(job: Job, out: Path) -> GenerationRequest:
    """Return the generation request of a job in the journal, without its pictures."""
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


def why_left(job: Job, cards: Collection[str]) -> str | None:
    """Return why a job of the journal can only be left alone; ``None`` if its take can be collected.

    *cards* are the known models. The job is of a package that has been removed, or of another version.
    """
    try:
        find(job.provider)
    except UnknownProvider as unknown:
        return f"the provider `{job.provider}` {unknown.reason}"
    if job.model not in cards:
        return f"the model `{job.model}` is not known"
    try:
        request_of_job(job, Path())
    except (AttributeError, KeyError, TypeError, ValueError):
        return "its request cannot be read by this version"
    return None


def _picture(data: bytes | None) -> Picture | None:
    return None if data is None else Picture(data, picture_type(data) or "application/octet-stream")


class PaidContext(Struct, frozen=True):
    """The services of one paid generator.

    *account* pays for what is submitted. *check* raises ``TaskFailed`` if the project's lock has been lost: nothing may
    be bought then. *limit* bounds the paid jobs at once, *fetching* the downloads. *clock* gives epoch seconds, by the
    provider's clock once it has replied.
    """

    remote: RemoteJobs
    poller: Poller
    downloader: "Downloader"
    client: "ApiClient"
    account: Account
    journal: Journal
    budget: Budget
    runner: TaskRunner
    estimate: Callable[[Generated], Decimal]
    interval_s: float
    limit: asyncio.Semaphore
    fetching: asyncio.Semaphore
    notify: Listener
    check: Callable[[], None]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def show_state(self, action: str, text: str, progress: int | None = None) -> None:
        """Report the state of the job for the take *action* in the provider's words, with its progress in percent."""
        self.notify(JobState(action, self.remote.provider.name, text, progress))


# Outcomes of failed attempts, as in the ledger, after which another attempt may follow.
RETRYABLE = frozenset({"timeout", "server", "provider-failed", "rate-limited"})


class MayBeRetried(Exception):
    """An attempt that has certainly failed while another one may succeed; *reason* is the error to report."""

    def __init__(self, reason: PaidFailed) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def with_price(self, price: Decimal) -> PaidFailed:
        """Return the error to report for a take that the plan had no price for."""
        text = f"{self.reason}; nothing more was bought; build again to make another attempt for {dollars(price)}"
        return PaidFailed(text, self.reason.code)
