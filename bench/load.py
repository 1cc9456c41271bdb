"""Many requests at once, as bytes that were made before: the client costs as little as it can."""

import asyncio
import time
from collections.abc import Iterable
from urllib.parse import urlsplit


def gets(url: str, paths: Iterable[str]) -> list[bytes]:
    """A GET of each path."""
    host = urlsplit(url).netloc
    return [f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for path in paths]


async def load(
    url: str, requests: Iterable[bytes], connections: int, *, status: int
) -> tuple[float, list[float]]:
    """Seconds that all took, and each; every one must be answered with this status."""
    waiting = list(requests)
    lasted: list[float] = []
    started = time.perf_counter()
    await asyncio.gather(*(_connection(url, waiting, lasted, status) for _ in range(connections)))
    return time.perf_counter() - started, lasted


async def _connection(url: str, waiting: list[bytes], lasted: list[float], status: int) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    while waiting:
        request = waiting.pop()
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        lasted.append(time.perf_counter() - started)
        assert head.startswith(b"HTTP/1.1 %d" % status), (request, head, answer)
    writer.close()
    await writer.wait_closed()
