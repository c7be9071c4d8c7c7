"""Download results and pictures with a client that has no key: retries, deadlines, redirects, resuming, size limits.

``safe_transport`` decides which addresses are allowed. ``media`` checks whether the file is a video or a picture: a
body without a length that ends early looks complete here. The environment (proxies, netrc) is ignored.
"""

import asyncio
import hashlib
import random as random_numbers
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import httpx
from msgspec import Struct

from storyboard.durable import remove
from storyboard.providers.api_client import USER_AGENT, ssl_context, suppress_logs
from storyboard.providers.errors import FetchCode, FetchError, Secret
from storyboard.providers.retry import MAX_RETRIES, backoff_s
from storyboard.providers.safe_transport import CheckedTransport, FetchPolicy, Resolver, check_url, origin, resolve_host

_NOT_MEDIA = ("text/", "application/json", "application/xml", "application/xhtml", "application/problem")


class FetchedFile(Struct, frozen=True):
    """A downloaded file: size in bytes, sha256 of the content, media type as the server states it."""

    size: int
    sha256: str
    media_type: str


class DownloadInterrupted(Exception):
    """Raised if the body ended early or the connection broke; another try may resume."""

    def __init__(self, code: FetchCode = "network", message: str = "the connection broke") -> None:
        super().__init__(message)
        self.code: FetchCode = code


class PartialDownload:
    """A file being downloaded: its content so far, the running hash, and the state needed to resume."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file, self._max_bytes = file, max_bytes
        self._restart()
        self._etag: str | None = None
        self._total: int | None = None
        self._media_type = ""

    def resume_headers(self) -> dict[str, str]:
        """Return the headers of a try that resumes; empty without content or a validator to compare."""
        if not self._size or self._etag is None or self._total is None:
            return {}
        return {"Range": f"bytes={self._size}-", "If-Range": self._etag}

    def begin(self, response: httpx.Response) -> None:
        """Take the headers of a reply, and resume or restart accordingly."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise FetchError("wrong-type", "the reply is compressed, although no compression was requested")
        self._media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        kind = next((kind for kind in _NOT_MEDIA if self._media_type.startswith(kind)), None)
        if kind is not None:  # the rest of the header is the server's, and not printed
            raise FetchError("wrong-type", f"the server sends {kind.rstrip('/')}, which is neither video nor picture")
        if response.status_code == 206:
            self._resume(response)
            return
        self._restart()
        self._etag = _strong_etag(response.headers.get("etag"))
        self._total = _content_length(response)
        if self._total is not None and self._total > self._max_bytes:
            raise self._too_large()

    def write(self, chunk: bytes) -> None:
        """Append *chunk* to the file and the hash."""
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise self._too_large()
        self._file.write(chunk)
        self._hash.update(chunk)

    def end(self) -> None:
        """Check the size against the one that the server stated, if it did."""
        if self._total is not None and self._size != self._total:
            self.discard()
            raise DownloadInterrupted("incomplete", "the length differs from the announced length")
        if not self._size:
            raise DownloadInterrupted("incomplete", "the reply is empty")

    def discard(self) -> None:
        """Discard the content; the next try starts from the beginning."""
        self._restart()
        self._etag = None

    def finish(self) -> FetchedFile:
        """Flush the file and return its facts."""
        self._file.flush()
        return FetchedFile(self._size, self._hash.hexdigest(), self._media_type)

    def _resume(self, response: httpx.Response) -> None:
        expected = f"bytes {self._size}-{(self._total or 0) - 1}/{self._total}"
        same = _strong_etag(response.headers.get("etag")) == self._etag is not None
        if not self._size or not same or response.headers.get("content-range", "") != expected:
            self.discard()
            raise DownloadInterrupted("incomplete", "the reply has a part that was not requested")

    def _restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self._size = 0

    def _too_large(self) -> FetchError:
        return FetchError("too-large", f"larger than {self._max_bytes} bytes")


def _strong_etag(etag: str | None) -> str | None:
    return etag if etag and etag.startswith('"') and etag.endswith('"') and len(etag) > 2 else None


def _content_length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


__all__ = ["Downloader", "FetchError", "FetchedFile"]

CONNECT_S, STALL_S, DEADLINE_S = 10.0, 30.0, 900.0
MAX_REDIRECTS = 3


class Downloader:
    """Downloader of addresses that *policy* allows.

    *stall_s* without a byte, or *deadline_s* in all, end a download. *resolve* looks up hosts, *connect* replaces the
    network, *sleep* and *random* are for the waits between tries.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        stall_s: float = STALL_S,
        deadline_s: float = DEADLINE_S,
        resolve: Resolver = resolve_host,
        connect: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self._policy = policy
        self._stall_s, self._deadline_s = stall_s, deadline_s
        self._resolve, self._connect = resolve, connect
        self._sleep, self._random = sleep, random

    async def fetch(self, url: Secret | str, into: Path) -> FetchedFile:
        """Download *url* into the new file *into*, which is removed if the download fails.

        An interruption is followed by up to three more tries. They resume if the server still has the same content
        (strong ETag, range and total size agree), else restart. Raises ``FetchError``, ``FileExistsError``, ``OSError``
        from writing.
        """
        text = url.reveal() if isinstance(url, Secret) else url
        try:
            address = check_url(text, self._policy)
        except ValueError as problem:
            raise FetchError("refused-address", str(problem)) from None
        with into.open("xb") as file:
            try:
                return await self._fetch_before_deadline(address, file)
            except BaseException:
                remove(into)
                raise

    async def _fetch_before_deadline(self, url: httpx.URL, file: BinaryIO) -> FetchedFile:
        late = FetchError("timeout", f"not finished within {self._deadline_s:g} s", retryable=True)
        with suppress_logs():
            try:
                async with asyncio.timeout(self._deadline_s), self._client(url.scheme) as client:
                    return await self._fetch_with_retries(client, url, file)
            except TimeoutError:
                pass
        raise late

    def _client(self, scheme: str) -> httpx.AsyncClient:
        # Connections are not kept: one to an address might be taken for another host of the same address.
        limits = httpx.Limits(max_keepalive_connections=0)
        inner = self._connect or httpx.AsyncHTTPTransport(verify=ssl_context(scheme), trust_env=False, limits=limits)
        return httpx.AsyncClient(
            transport=CheckedTransport(self._policy, self._resolve, inner),
            timeout=httpx.Timeout(self._stall_s, connect=min(CONNECT_S, self._stall_s)),
            follow_redirects=False,
            trust_env=False,
        )

    async def _fetch_with_retries(self, client: httpx.AsyncClient, url: httpx.URL, file: BinaryIO) -> FetchedFile:
        part = PartialDownload(file, self._policy.max_bytes)
        for retry in range(MAX_RETRIES + 1):
            try:
                await self._fetch_once(client, url, part)
                return part.finish()
            except (DownloadInterrupted, httpx.HTTPError) as problem:
                error = _to_fetch_error(problem)
            if retry < MAX_RETRIES:
                await self._sleep(backoff_s(retry, None, self._random))
        raise error

    async def _fetch_once(self, client: httpx.AsyncClient, url: httpx.URL, part: PartialDownload) -> None:
        async with self._open_response(client, url, part.resume_headers()) as response:
            if response.status_code == 416:
                part.discard()
            _check_status(response)
            part.begin(response)
            async for chunk in response.aiter_raw():
                part.write(chunk)
            part.end()

    @asynccontextmanager
    async def _open_response(
        self, client: httpx.AsyncClient, url: httpx.URL, headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        sent = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": USER_AGENT, **headers}
        for _ in range(MAX_REDIRECTS + 1):
            async with client.stream("GET", url, headers=sent) as response:
                if not response.is_redirect:
                    yield response
                    return
                url = self._redirect_target(url, response.headers.get("location", ""))
        raise FetchError("refused-address", "too many redirects")

    def _redirect_target(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            target = check_url(str(url.join(location)), self._policy)
        except (ValueError, httpx.InvalidURL):
            target = None
        if target is None or origin(target) != origin(url):
            raise FetchError("refused-address", "a redirect to another origin")
        return target


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in {200, 206}:
        return
    if status in {403, 404, 410}:
        raise FetchError("expired", f"HTTP {status}: removed, or expired", status=status)
    if status == 416:
        raise DownloadInterrupted("incomplete", "HTTP 416")
    if status == 429 or status >= 500:
        raise DownloadInterrupted("server", f"HTTP {status}")
    raise FetchError("server", f"HTTP {status}", status=status)


def _to_fetch_error(problem: Exception) -> FetchError:
    if isinstance(problem, DownloadInterrupted):
        return FetchError(problem.code, str(problem), retryable=True)
    if isinstance(problem, httpx.TimeoutException):
        return FetchError("timeout", "no data for too long", retryable=True)
    return FetchError("network", f"the connection broke: {type(problem).__name__}", retryable=True)
