"""Moderation's database in memory: transactions that commit or leave no trace, and timers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from shared.database import Collection, Transaction
from shared.events import Event
from tests.unit.memory import MemoryCollection, Rows

T = TypeVar("T")


class Memory:
    """What is kept between transactions: rows, events in their order, timers by their id."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {}
        self.published: list[Event] = []
        self.timers: dict[str, tuple[Event, datetime]] = {}

    def run(
        self, work: Callable[["MemoryTransaction"], Awaitable[T]], now: datetime
    ) -> tuple[T, list[Event]]:
        """Its result and the events it published; an exception leaves everything as it was."""
        tx = MemoryTransaction(self, now)
        result = done(work(tx))
        self.rows = tx.rows
        self.published += tx.events
        for timer_id, timer in tx.changes.items():
            self.timers.pop(timer_id, None)
            if timer:
                self.timers[timer_id] = timer
        return result, tx.events

    def look(self, work: Callable[["MemoryTransaction"], Awaitable[T]]) -> T:
        """What a query finds."""
        return done(work(MemoryTransaction(self, datetime.max.replace(tzinfo=UTC))))


class MemoryTransaction(Transaction):
    """One transaction, on a copy of the rows."""

    def __init__(self, memory: Memory, now: datetime) -> None:
        self.now = now
        self.rows = {name: {**rows} for name, rows in memory.rows.items()}
        self.events: list[Event] = []
        self.changes: dict[str, tuple[Event, datetime] | None] = {}

    def __getitem__(self, collection: str) -> Collection:
        return MemoryCollection(self.rows.setdefault(collection, {}))

    def publish(self, event: Event, *, event_id: str | None = None) -> None:
        assert event_id is None
        self.events.append(event)

    def schedule(self, event: Event, *, at: datetime, timer_id: str) -> None:
        self.changes[timer_id] = (event, at)

    def unschedule(self, timer_id: str) -> None:
        self.changes[timer_id] = None


def done(work: Awaitable[T]) -> T:
    """The result of what never has to wait."""
    try:
        work.__await__().__next__()
    except StopIteration as stopped:
        result: T = stopped.value
        return result
    raise AssertionError("it waits for something")
