"""What the provider tests share: a Runware on the loopback, and the way to it."""

import asyncio
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import httpx
import pytest

from storyboard.core.model import Size
from storyboard.providers.api_client import ApiClient
from storyboard.providers.base import TakeRequest
from storyboard.providers.errors import Secret
from storyboard.providers.remote_jobs import RemoteJobs
from storyboard.providers.runware.wire import Runware
from tests.runware_server import RunwareServer


@pytest.fixture
def runware() -> Iterator[RunwareServer]:
    """A server that remembers task ids for ever and makes clips at once."""
    with RunwareServer(seconds_per_job=0.0) as server:
        yield server


def take_request(**changes: Any) -> TakeRequest:
    """A request that the card allows."""
    fields: dict[str, Any] = {
        "provider": "runware",
        "model": "runway:1@2",
        "prompt": "a lighthouse at dusk",
        "duration": Fraction(5),
        "size": Size(1280, 720),
        "seed": 42,
    }
    return TakeRequest(**(fields | changes))


async def no_sleep(_seconds: float) -> None:
    """Waits are not waited for."""
    await asyncio.sleep(0)


def client_of(server: RunwareServer, **options: Any) -> ApiClient:
    """A client of the server that does not wait between retries."""
    # No certificates are read for each client; the server speaks http.
    plain = httpx.AsyncHTTPTransport(verify=False, trust_env=False)
    settings: dict[str, Any] = {"sleep": no_sleep, "transport": plain} | options
    key = settings.pop("key", server.key)
    return ApiClient(server.url, Secret(key), Runware().error_of, **settings)


def with_remote(server: RunwareServer, use: Callable[[RemoteJobs], Any], **options: Any) -> Any:
    """Run *use* with the server within reach."""

    async def run() -> Any:
        async with client_of(server, **options) as client:
            return await use(RemoteJobs(Runware(), client))

    return asyncio.run(run())
