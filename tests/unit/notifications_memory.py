"""A database in memory, and its only transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import bson
from bson.codec_options import CodecOptions

from shared.database import Collection, Document, Transaction
from shared.events import Event

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


class MemoryCollection(Collection):
    """Rows go through BSON, so that what MongoDB could not keep fails here too."""

    def __init__(self, rows: dict[str, bytes]) -> None:
        self._rows = rows

    async def find_one(self, query: Mapping[str, Any]) -> Document | None:
        return next(iter(await self.find(query)), None)

    async def find(
        self,
        query: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        assert not sort
        assert not limit
        assert fields in (None, ["_id"])
        [(field, wanted)] = query.items()
        among = wanted["$in"] if isinstance(wanted, dict) else [wanted]
        rows = [bson.decode(row, AWARE) for row in self._rows.values()]
        return [row for row in rows if _matches(row.get(field), among)]

    async def insert(self, *documents: Document) -> None:
        for document in documents:
            assert document["_id"] not in self._rows
            await self.put(document)

    async def put(self, document: Document) -> None:
        self._rows[document["_id"]] = bson.encode(document)

    async def delete(self, query: Mapping[str, Any]) -> int:
        return int(self._rows.pop(query["_id"], None) is not None)


def _matches(value: Any, among: list[Any]) -> bool:
    """As MongoDB compares: a list matches by any of its values."""
    values = value if isinstance(value, list) else [value]
    return any(one in among for one in values)


class Memory(Transaction):
    """A database and its only transaction, with its own clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.published: dict[str, Event] = {}
        """By event id."""
        self._collections: dict[str, dict[str, bytes]] = {}

    def __getitem__(self, collection: str) -> MemoryCollection:
        return MemoryCollection(self._collections.setdefault(collection, {}))

    def publish(self, event: Event, *, event_id: str | None = None) -> None:
        # as the outbox: two rows of one id are an error
        assert event_id
        assert event_id not in self.published
        self.published[event_id] = event

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Memory"]:
        yield self

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await work(self)

    def rows(self, collection: str) -> dict[str, Document]:
        found = self._collections.get(collection, {})
        return {id_: bson.decode(row, AWARE) for id_, row in found.items()}
