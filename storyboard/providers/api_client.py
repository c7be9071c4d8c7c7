"""The HTTP client for the APIs of all paid providers: deadlines, limits, retries, and the key.

It exchanges one call for one reply. The provider interprets replies; its ``error_of`` decides here whether repeating
may help. ``download`` fetches results with a client that has no key.

The environment is ignored: no proxy variables, no netrc (which could replace the key), no certificate variables.
Certificates are checked against the list that comes with httpx, read once per process because that takes 70 ms.
Importing this module imports httpx, which takes a tenth of a second: import it where calls are made.

httpx logs whole addresses with their signatures at INFO, and httpcore headers of replies at DEBUG.
``suppress_logs`` drops these records for our own requests only.
"""

import asyncio
import json
import logging
import random as random_numbers
import re
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx

from storyboard.providers.base import Call, Reply, RetryRule
from storyboard.providers.errors import ProviderError, Redactor, Secret
from storyboard.providers.retry import MAX_RETRIES, RetryBudget, backoff_s, parse_date, parse_retry_after

_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")
_suppressed: ContextVar[bool] = ContextVar("storyboard_http_quiet", default=False)


def _is_logged(_record: logging.LogRecord) -> bool:
    return not _suppressed.get()


@contextmanager
def suppress_logs() -> Iterator[None]:
    """Drop all log records of httpx and httpcore in this task and the tasks it starts."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_logged)
    token = _suppressed.set(True)
    try:
        yield
    finally:
        _suppressed.reset(token)


def ssl_context(scheme: str) -> ssl.SSLContext:
    """Return the context for connections of that scheme, ``https`` or ``http``."""
    return _verifying_context() if scheme == "https" else _refusing_context()


@cache
def _verifying_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@cache
def _refusing_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


CONNECT_S, READ_S, EXCHANGE_S, CALL_S = 10.0, 60.0, 120.0, 300.0
MAX_REPLY_BYTES = 16 * 1024 * 1024
USER_AGENT = "storyboard"

if find_spec("sniffio") is None:
    # httpcore tries to import it for each of its locks; looking for it everywhere costs 0.4 ms a time
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


class ApiClient:
    """Client of one API with one key.

    The key goes into the ``Authorization`` header of requests to *endpoint* and nowhere else; redirects are not
    followed. *clock* gives monotonic seconds, *sleep* waits, *random* draws from 0 to 1, *now* is the time of day;
    *transport* replaces the network. Use it as an asynchronous context manager.

    Raises ``ValueError`` for an endpoint that is neither https nor http on the loopback, ``ProviderError`` (``auth``)
    for a key that can't stand in a header.
    """

    def __init__(
        self,
        endpoint: str,
        key: Secret,
        error_of: Callable[[Reply], ProviderError | None],
        *,
        headers: Mapping[str, str] | None = None,
        budget: RetryBudget | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = random_numbers.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        read_s: float = READ_S,
        exchange_s: float = EXCHANGE_S,
        call_s: float = CALL_S,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoint = check_endpoint(endpoint)
        self.budget = budget or RetryBudget()
        self._key = _check_key(key)
        self._redactor = Redactor(self._key)
        self._error_of = error_of
        self._clock, self._sleep, self._random, self._now = clock, sleep, random, now
        self._offset_s = 0.0
        self._exchange_s, self._call_s, self._max_reply_bytes = exchange_s, call_s, max_reply_bytes
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **(headers or {}),
        }
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(read_s, connect=min(CONNECT_S, read_s)),
            follow_redirects=False,
            trust_env=False,
            verify=ssl_context(httpx.URL(self.endpoint).scheme),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        with suppress_logs():
            await self._client.aclose()

    def time_of_day(self) -> float:
        """Return epoch seconds by the clock of the API, as its last reply stated it; before that by the clock here.

        The memory of a provider runs by its own clock, and the one of this machine may be set at any time.
        """
        return self._now().timestamp() + self._offset_s

    async def call(self, call: Call, repeat: RetryRule = "unsent") -> Reply:
        """Send *call*, retry as *repeat* allows, and return the last reply, which may be a refusal.

        At most three retries are made, within the shared budget. *repeat*: ``unsent`` retries only requests that
        certainly never left; ``refused`` also those rejected with HTTP 429; ``always``, for calls that change and cost
        nothing, after any transient error.

        Raises ``ProviderError``: ``network`` or ``timeout`` without a reply, ``unreadable-reply`` for one that is not
        JSON, too large, or compressed against the request.
        """
        started = self._clock()
        price = 0
        for retry in range(MAX_RETRIES + 1):
            result = await self._exchange(call, self._call_s - (self._clock() - started))
            error = result if isinstance(result, ProviderError) else self._error_of(result)
            if error is None and isinstance(result, Reply):
                self.budget.give_back(price)
                return result
            if error is None or retry == MAX_RETRIES or not _may_repeat(error, repeat):
                break
            wait_s = backoff_s(retry, result.retry_after, self._random)
            paid = self.budget.take(timed_out=error.code == "timeout") if self._has_time(started, wait_s) else None
            if paid is None:
                break
            price = paid
            await self._sleep(wait_s)
        if isinstance(result, ProviderError):
            raise result
        return result

    def _has_time(self, started: float, wait_s: float) -> bool:
        return self._clock() - started + wait_s < self._call_s

    async def _exchange(self, call: Call, left_s: float) -> Reply | ProviderError:
        """Send one request and return its reply or error.

        Nothing is raised: exceptions of httpx hold the request with the key.
        """
        limit_s = max(0.0, min(self._exchange_s, left_s))
        try:
            with suppress_logs():
                async with asyncio.timeout(limit_s):
                    return await self._send(call)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as problem:
            return _transport_error(problem, sent=False)
        except (TimeoutError, httpx.HTTPError) as problem:
            return _transport_error(problem, sent=True)

    async def _send(self, call: Call) -> Reply | ProviderError:
        content = b"" if call.body is None else json.dumps(call.body, ensure_ascii=False, allow_nan=False).encode()
        headers = {**self._headers, "Authorization": f"Bearer {self._key.reveal()}"}
        url = f"{self.endpoint}{call.path}"
        async with self._client.stream(call.method, url, content=content, headers=headers) as response:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                return _unreadable_reply("the reply is compressed", response.status_code)
            body = await self._read(response)
            if body is None:
                return _unreadable_reply("the reply is too large", response.status_code)
            return self._parse_reply(response, body)

    async def _read(self, response: httpx.Response) -> bytes | None:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_reply_bytes:
                return None
        return bytes(body)

    def _parse_reply(self, response: httpx.Response, body: bytes) -> Reply | ProviderError:
        status = response.status_code
        asked = parse_retry_after(response.headers.get("retry-after"), response.headers.get("date"), self._now())
        stated = parse_date(response.headers.get("date", ""))
        if stated is not None:
            self._offset_s = (stated - self._now()).total_seconds()
        try:
            data = self._redactor.data(read_json(body)) if body or status == 200 else None
        except ValueError:
            if status < 300:
                return _unreadable_reply("the reply is not JSON", status)
            data = None
        return Reply(status, data, asked)


def check_endpoint(address: str) -> str:
    """Return *address* without a trailing slash. Raises ``ValueError`` unless it is https, or http on the loopback."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as problem:
        raise ValueError("not a URL") from problem
    secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))
    if not secure or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError("the URL of an API must be https, or http on this machine, without user, query or fragment")
    return str(url).rstrip("/")


def is_loopback(host: str) -> bool:
    """Return whether *host* is ``localhost`` or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_key(key: Secret) -> Secret:
    text = key.reveal().strip()
    if not text or not all("!" <= c <= "~" for c in text):
        raise ProviderError("auth", "the key is empty or has invalid characters", sent=False)
    return Secret(text)


def _may_repeat(error: ProviderError, repeat: RetryRule) -> bool:
    if not error.sent:
        return error.retryable
    return {"always": error.retryable, "refused": error.code == "rate-limited", "unsent": False}[repeat]


def _transport_error(problem: Exception, *, sent: bool) -> ProviderError:
    if isinstance(problem, TimeoutError | httpx.TimeoutException):
        return ProviderError("timeout", "no answer in time", retryable=True, sent=sent)
    doing = "the connection broke" if sent else "no connection"
    return ProviderError("network", f"{doing}: {type(problem).__name__}", retryable=True, sent=sent)


def _unreadable_reply(message: str, status: int) -> ProviderError:
    return ProviderError("unreadable-reply", message, retryable=True, status=status)


MAX_DEPTH = 64
MAX_PARTS = 200_000


# A whole string, terminated or not, or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def read_json(text: bytes) -> Any:
    """Return the value of *text*.

    Raises ``ValueError`` if it is not UTF-8 or JSON, repeats a key, or is too complex.
    """
    # Checked before parsing: the parser uses the interpreter's stack.
    if _is_too_complex(text):
        raise ValueError("nested too deep, or of too many parts")
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_build_object,
            parse_float=Decimal,
            parse_constant=lambda _name: None,
        )
    except ArithmeticError as problem:
        raise ValueError("a number that cannot be read") from problem


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _is_too_complex(text: bytes) -> bool:
    depth = 0
    for part, token in enumerate(_TOKEN.finditer(text)):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH or part > MAX_PARTS:
            return True
    return False
