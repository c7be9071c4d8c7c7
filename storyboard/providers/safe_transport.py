"""Which addresses results and pictures may be fetched from, before and after names are looked up.

Owns the rules for a URL as text and for the IP address that a connection really goes to. The connecting is done by
``download``.

The transport of downloads: it connects to the address that it has checked, and to no other.

A name can lead anywhere, and elsewhere the next moment; so it is looked up once, here, and the rules of ``addresses``
are applied to what was found.
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


class Policy(Struct, frozen=True):
    """Where something may be fetched from and how large it may be.

    *hosts* are the only ones, compared exactly; ``None`` is any public host. *loopback* is the one origin on this
    machine that may be used as well, as ``http://127.0.0.1:8080``: set only when the API itself is there.
    """

    hosts: frozenset[str] | None
    max_bytes: int
    loopback: str | None = None


def results_policy(hosts: frozenset[str], endpoint: str, max_bytes: int = 2 * 1024**3) -> Policy:
    """For the results of a provider with these *hosts*, whose API is at *endpoint*."""
    url = httpx.URL(endpoint)
    local = url.scheme == "http" and is_loopback(url.host)
    return Policy(hosts, max_bytes, origin(url) if local else None)


def pictures_policy(max_bytes: int = 20 * 1000**2) -> Policy:
    """For a picture that an author gave by its https address."""
    return Policy(None, max_bytes)


def checked_url(text: str, policy: Policy) -> httpx.URL:
    """*text* as an address that *policy* allows.

    Raises ``ValueError`` for anything but https on port 443 and an allowed host written as a name, without user or
    password; of the loopback, only the policy's own origin.
    """
    if len(text) > MAX_URL or not _PRINTABLE.fullmatch(text):
        raise ValueError("too long, or not an address")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as problem:
        raise ValueError("not an address") from problem
    if url.userinfo:
        raise ValueError("an address with a user or a password")
    if policy.loopback is not None and origin(url) == policy.loopback:
        return url
    if url.scheme != "https" or url.port not in {None, 443}:
        raise ValueError("not https on its usual port")
    if not url.host or _is_literal(url.host) or is_loopback(url.host):
        raise ValueError("not a host by its name")
    if policy.hosts is not None and url.host not in policy.hosts:
        raise ValueError("a host that results do not come from")
    return url


def origin(url: httpx.URL) -> str:
    """Scheme, host and port as one text."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{url.port or {'https': 443, 'http': 80}.get(url.scheme, 0)}"


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; what tunnels or maps to another counts as that one."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    return is_public(str(inner)) if inner is not None else found.is_global and not found.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
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


async def look_up(host: str, port: int) -> Sequence[str]:
    """The IP addresses of *host* in the order in which to try them. Raises ``OSError``."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedTransport(httpx.AsyncBaseTransport):
    """Looks the host up, refuses addresses that are not public, and connects to exactly the address it has checked.

    The certificate is still checked against the name. *inner* makes the connection.
    """

    def __init__(self, policy: Policy, resolve: Resolver, inner: httpx.AsyncBaseTransport) -> None:
        self._policy, self._resolve, self._inner = policy, resolve, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The reply of the first allowed address that can be reached. Raises ``FetchError`` if none is allowed."""
        name = request.url.host
        local = origin(request.url) == self._policy.loopback
        port = request.url.port or (80 if local else 443)
        try:
            found = await self._resolve(name, port)
        except OSError as problem:
            raise httpx.ConnectError("the host is not known") from problem
        allowed = [address for address in found if (is_loopback if local else is_public)(address)]
        if not allowed:
            raise FetchError("refused-address", f"{plain_text(name, 80)} is not at an address of the internet")
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
