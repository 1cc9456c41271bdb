"""A database in memory, and its only transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import bson

from shared.database import Document, Transaction
from shared.events import Event
from tests.unit.memory import AWARE, MemoryCollection

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


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
