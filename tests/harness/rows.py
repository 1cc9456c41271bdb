"""What a service keeps in its database, read beside it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.bus import outbox
from shared.database import Database, Document
from shared.settings import ServiceSettings
from tests.harness.system import PATIENCE, System

_OF_THE_BUS = {"inbox", "leases", "public_events"}
"""What comes of earlier events, whenever they come: no trace of the request at hand."""
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


async def wait_for_rows(
    system: System, service: str, collection: str, count: int, **query: Any
) -> None:
    """Wait until so many documents match, by what an event does behind us."""
    limit = time.monotonic() + PATIENCE
    while len(found := await rows(system, service, collection, **query)) != count:
        assert time.monotonic() < limit, found
        await asyncio.sleep(0.1)


@asynccontextmanager
async def nothing_written(system: System, service: str) -> AsyncIterator[None]:
    """Fail if the block leaves a trace in a service's database: a row, a change, an event."""
    async with database(system, service) as there:
        before = await _content(there)
        yield
        after = await _content(there)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert not changed, f"written: {', '.join(sorted(changed))}"


async def _content(there: Database) -> dict[str, list[Document]]:
    names = await there.plain("outbox").database.list_collection_names()
    return {
        name: [
            {field: value for field, value in one.items() if field not in _OF_THE_RELAY}
            for one in await there.plain(name).find({}).to_list(None)
        ]
        for name in set(names) - _OF_THE_BUS
    }
