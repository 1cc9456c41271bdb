"""An export ends with whoever reads it, and says what is wrong before it starts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from pymongo.errors import ConnectionFailure

from services.directory.api import exports
from services.directory.app import service
from services.directory.exporting.streams import Pages
from services.directory.settings import Settings
from shared.embedded import free_port
from shared.service import build
from tests.unit.test_exports import FICHE, venue


@asynccontextmanager
async def served(monkeypatch: pytest.MonkeyPatch, pages: Pages) -> AsyncIterator[int]:
    """The directory's routes over a real socket, on these sheets; its port."""
    monkeypatch.setattr(exports, "all_venues", lambda _: pages)
    port = free_port()
    settings = Settings(jwt_key="x" * 40, roles="api", mongo_url="mongodb://127.0.0.1:1")
    config = uvicorn.Config(build(service(settings)), port=port, log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await serving


async def test_who_goes_away_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    sheet = venue(FICHE)

    async def endless() -> Pages:
        try:
            while True:
                await asyncio.sleep(0)
                yield [sheet] * 100
        finally:
            ended.set()

    async with served(monkeypatch, endless()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /exports/venues.ndjson HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200" in await reader.readline()
        await reader.readexactly(100_000)
        assert not ended.is_set()
        writer.close()
        await asyncio.wait_for(ended.wait(), 60)


async def test_an_outage_is_said_before_the_file_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> Pages:
        raise ConnectionFailure("away")
        yield []

    async with served(monkeypatch, away()) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/exports/venues.csv")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_outage_in_the_middle_ends_the_file_visibly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def breaking() -> Pages:
        yield [venue(FICHE)]
        raise ConnectionFailure("away")

    async with served(monkeypatch, breaking()) as port, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"http://127.0.0.1:{port}/exports/venues.csv")


async def test_an_empty_directory_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> Pages:
        yield []

    async with served(monkeypatch, nothing()) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/exports/venues.geojson")
        assert answer.json() == {"type": "FeatureCollection", "features": []}
