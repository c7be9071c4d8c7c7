"""The transport of downloads: it connects to the address that it has checked, and to no other.

A name can lead anywhere, and elsewhere the next moment; so it is looked up once, here, and the rules of ``addresses``
are applied to what was found.
"""

import httpx

from storyboard.providers.addresses import Policy, Resolver, is_public, origin
from storyboard.providers.errors import plain_text
from storyboard.providers.http import is_loopback
from storyboard.providers.partial import FetchError


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
