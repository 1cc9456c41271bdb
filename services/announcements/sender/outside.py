"""Calls to servers that are not ours, at addresses that others choose.

A name may answer with an address inside our network, or with another one at each question: the
addresses are looked up once, all of them are checked, and only these are connected to.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

import httpx

from services.announcements.domain.addresses import is_reachable
from services.announcements.settings import Settings


class AddressRefused(httpx.TransportError):
    """The name leads, with one of its addresses at least, into a network that is not public."""


class TooLong(httpx.TransportError):
    """The answer has more bytes than its reader takes."""


@dataclass(frozen=True)
class Answer:
    """What a server said, whole."""

    status: int
    headers: httpx.Headers
    body: bytes


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Looks a name up, checks all its addresses, and connects to these and no others."""

    def __init__(self, private_networks: Iterable[IPv4Network | IPv6Network]) -> None:
        super().__init__(
            # a set SSL_CERT_FILE is trusted, as everywhere
            verify=httpx.create_ssl_context(trust_env=True),
            trust_env=False,
            # a connection kept is known by its address: it must not serve another name there
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
        self._private_networks = tuple(private_networks)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises `AddressRefused`, or what httpx raises."""
        name = request.url.raw_host.decode("ascii")
        addresses = await self._checked(name, request)
        failure: Exception = httpx.ConnectError("no address", request=request)
        for address in addresses:
            there = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": name.rstrip(".")},
            )
            try:
                return await super().handle_async_request(there)
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                failure = exc
        raise failure

    async def _checked(self, name: str, request: httpx.Request) -> list[str]:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        limit = request.extensions.get("timeout", {}).get("connect")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit):
                found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise httpx.ConnectTimeout("name not found in time", request=request) from None
        except (OSError, UnicodeError):
            raise httpx.ConnectError("name not found", request=request) from None
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not all(
            is_reachable(ip_address(address), self._private_networks) for address in addresses
        ):
            raise AddressRefused("address not allowed", request=request)
        return addresses


def client(settings: Settings) -> httpx.AsyncClient:
    """A client for addresses that others choose; belongs to the event loop it is used in."""
    return httpx.AsyncClient(
        transport=CheckedTransport(settings.private_networks),
        timeout=settings.webhook_timeout.total_seconds(),
        follow_redirects=False,
        trust_env=False,
        # a packed answer could be many times larger than what is counted
        headers={"User-Agent": "mednum", "Accept-Encoding": "identity"},
    )


async def read_limited(client: httpx.AsyncClient, request: httpx.Request, limit: int) -> Answer:
    """The whole answer, of at most `limit` bytes, within the client's timeout from end to end.

    Raises `TooLong`, `AddressRefused`, or what httpx raises.
    """
    try:
        async with asyncio.timeout(client.timeout.read):
            response = await client.send(request, stream=True)
            try:
                return Answer(response.status_code, response.headers, await _body(response, limit))
            finally:
                await response.aclose()
    except TimeoutError:
        raise httpx.ReadTimeout("not whole in time", request=request) from None


async def _body(response: httpx.Response, limit: int) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("packed although asked not to", request=response.request)
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            raise TooLong(f"more than {limit} bytes", request=response.request)
    return bytes(body)
