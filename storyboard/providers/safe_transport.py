"""Addresses that downloads may use: rules for the URL as text, and for the IP address of the connection.

A host name can resolve to any address, and to another one a moment later. The transport resolves it once, checks the
result, and connects to exactly that address.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx
from msgspec import Struct

from storyboard.providers.api_client import is_loopback
from storyboard.providers.errors import FetchError, plain_text

MAX_URL = 4096
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
_NAT64 = IPv6Network("64:ff9b::/96")

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class FetchPolicy(Struct, frozen=True):
    """The hosts that may be fetched from, and the size limit.

    *hosts* are compared exactly; ``None`` allows any public host. *loopback* is one further origin on this machine,
    such as ``http://127.0.0.1:8080``: set only if the API itself is there.
    """

    hosts: frozenset[str] | None
    max_bytes: int
    loopback: str | None = None


def results_policy(hosts: frozenset[str], endpoint: str, max_bytes: int = 2 * 1024**3) -> FetchPolicy:
    """Return the policy for results from *hosts* of a provider whose API is at *endpoint*."""
    url = httpx.URL(endpoint)
    local = url.scheme == "http" and is_loopback(url.host)
    return FetchPolicy(hosts, max_bytes, origin(url) if local else None)


def pictures_policy(max_bytes: int = 20 * 1000**2) -> FetchPolicy:
    """Return the policy for pictures that an author names by https URL."""
    return FetchPolicy(None, max_bytes)


def check_url(text: str, policy: FetchPolicy) -> httpx.URL:
    """Return *text* as a URL that *policy* allows.

    Raises ``ValueError`` unless it is https on port 443 with an allowed host name and without user or password, or the
    loopback origin of the policy.
    """
    if len(text) > MAX_URL or not _PRINTABLE.fullmatch(text):
        raise ValueError("the URL is too long or has characters that no URL has")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as problem:
        raise ValueError("not a URL") from problem
    if url.userinfo:
        raise ValueError("the URL has a user or a password")
    if policy.loopback is not None and origin(url) == policy.loopback:
        return url
    if url.scheme != "https" or url.port not in {None, 443}:
        raise ValueError("the URL is not https on port 443")
    if not url.host or _is_literal(url.host) or is_loopback(url.host):
        raise ValueError("the URL has no host name")
    if policy.hosts is not None and url.host not in policy.hosts:
        raise ValueError("the host of the URL is not one of the provider's")
    return url


def origin(url: httpx.URL) -> str:
    """Return scheme, host and port as one text."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{url.port or {'https': 443, 'http': 80}.get(url.scheme, 0)}"


def is_public(address: str) -> bool:
    """Return whether *address* is a public IP address. Tunnelled and mapped addresses count as their target."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    inner = _embedded_ipv4(found) if isinstance(found, IPv6Address) else None
    return is_public(str(inner)) if inner is not None else found.is_global and not found.is_multicast


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        # 0x7f000001, 2130706433 and 127.1 are addresses to some resolvers.
        return host.rsplit(".", 1)[-1].lower().startswith(tuple("0123456789"))
    return True


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of *host* in the order to try them. Raises ``OSError``."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedTransport(httpx.AsyncBaseTransport):
    """Transport that resolves the host, refuses addresses that are not public, and connects to the checked address.

    The certificate is still checked against the name. *inner* makes the connection.
    """

    def __init__(self, policy: FetchPolicy, resolve: Resolver, inner: httpx.AsyncBaseTransport) -> None:
        self._policy, self._resolve, self._inner = policy, resolve, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the reply of the first allowed address that is reachable. Raises ``FetchError`` if none is allowed."""
        name = request.url.host
        local = origin(request.url) == self._policy.loopback
        port = request.url.port or (80 if local else 443)
        try:
            found = await self._resolve(name, port)
        except OSError as problem:
            raise httpx.ConnectError("unknown host") from problem
        allowed = [address for address in found if (is_loopback if local else is_public)(address)]
        if not allowed:
            raise FetchError("refused-address", f"{plain_text(name, 80)} has no public address")
        request.headers["Host"] = request.url.netloc.decode("ascii")
        request.extensions = {**request.extensions, "sni_hostname": name}
        return await self._first_reachable(request, allowed)

    async def _first_reachable(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        named = request.url
        for address in addresses[:-1]:
            request.url = named.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        request.url = named.copy_with(host=addresses[-1])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
