"""What a service keeps in its database, read beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.bus import outbox
from shared.database import Database, Document
from shared.settings import ServiceSettings
from tests.harness.system import System

_OF_THE_BUS = {"inbox", "leases"}
_OF_THE_RELAY = {"due_at", "was_due_at"}


@asynccontextmanager
async def database(system: System, service: str) -> AsyncIterator[Database]:
    """A service's database."""
    environment = system.environment
    database = Database(
        environment["MONGO_URL"],
        f"{environment['DATABASE_PREFIX']}{service}",
        outbox.publisher(service, ServiceSettings()),
    )
    try:
        yield database
    finally:
        database.close()


async def rows(system: System, service: str, collection: str, **query: Any) -> list[Document]:
    """The documents of a collection that match."""
    async with database(system, service) as there:
        return await there.plain(collection).find(query).to_list(None)


@asynccontextmanager
async def nothing_written(system: System, service: str) -> AsyncIterator[None]:
    """Fail if the block leaves a trace in a service's database: a row, a change, an event."""
    async with database(system, service) as there:
        before = await _content(there)
        yield
        assert await _content(there) == before


async def _content(there: Database) -> dict[str, list[Document]]:
    names = await there.plain("outbox").database.list_collection_names()
    return {
        name: [
            {field: value for field, value in one.items() if field not in _OF_THE_RELAY}
            for one in await there.plain(name).find({}).to_list(None)
        ]
        for name in set(names) - _OF_THE_BUS
    }
