"""The outbox and its relay: rows of a service's database become messages, in order.

A row waits until `due_at` (an event at once, a timer at its time), is published, then loses
`due_at` (kept as `was_due_at`); it stays `KEPT` so that an emptied broker can be filled again.
A row of many events, which a bulk of changes leaves, has them in `messages`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from faststream.kafka import KafkaBroker

from shared.bus.envelope import seal
from shared.bus.topics import topic_of
from shared.database import Database, Document, Index, Lease, Publisher, now
from shared.events import Event
from shared.metrics import OUTBOX_PUBLISHED, OUTBOX_REFUSED, TIMER_LATENESS
from shared.observability import correlated
from shared.settings import ServiceSettings

KEPT = timedelta(days=7)
BATCH = 500
"""Rows sent without waiting in between, and held in memory."""
MARKED = 100
"""Rows marked by one update: the embedded database takes an `$in` in quadratic time."""
POLL = 0.25
"""Seconds between two looks when nobody wakes the relay."""

INDEXES = (
    Index("outbox", [("due_at", 1)], sparse=True),
    Index("outbox", [("was_due_at", 1)], expire_after=KEPT),
)

_UNSENDABLE = (MessageSizeTooLargeError, RecordListTooLargeError)

log = structlog.get_logger()


def publisher(service: str, settings: ServiceSettings) -> Publisher:
    """How a service's transactions turn events into outbox rows."""

    def message(event: Event, event_id: str, at: datetime) -> Document:
        sealed = seal(event, source=service, event_id=event_id, at=at)
        return {"topic": topic_of(settings, event.STREAM), **sealed}

    def row(*events: Event, event_id: str | None, at: datetime) -> Document:
        event_id = event_id or uuid4().hex
        base = {"_id": event_id, "due_at": at}
        if len(events) == 1:
            return base | message(events[0], event_id, at)
        ids = (f"{event_id}.{number}" for number in range(len(events)))
        return base | {
            "messages": [message(one, id_, at) for one, id_ in zip(events, ids, strict=True)]
        }

    return row


async def requeue_published(database: Database) -> int:
    """Have every row still kept sent again, for a broker that has lost everything."""
    outbox = database.plain("outbox")
    result = await outbox.update_many(
        {"was_due_at": {"$exists": True}},
        [{"$set": {"due_at": "$was_due_at"}}, {"$unset": "was_due_at"}],
    )
    return result.modified_count


class Relay:
    """Sends due rows, while it holds its database's lease; stops at the first failure."""

    def __init__(
        self, database: Database, broker: KafkaBroker, prepare: Callable[[], Awaitable[None]]
    ) -> None:
        self._database = database
        self._broker = broker
        self._prepare = prepare
        self._lease = Lease(database, "relay")
        self._wake = asyncio.Event()
        self.failure: str | None = None
        """Why rows are not leaving, for the readiness check."""
        database.on_published.append(self._wake.set)

    async def run(self) -> None:
        """Relay until cancelled; any failure is waited out, 1 to 30 seconds."""
        wait = 1.0
        try:
            while True:
                try:
                    if await self._lease.hold():
                        await self.send_due()
                    self.failure, wait = None, 1.0
                except Exception as exc:
                    self.failure = type(exc).__name__
                    log.warning("relay waits", error=self.failure, seconds=wait)
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, 30)
                    continue
                await self._pause()
        finally:
            with contextlib.suppress(Exception):
                await self._lease.release()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), POLL)
        self._wake.clear()

    async def send_due(self) -> None:
        """Publish all rows that are due and mark what was confirmed, a batch at a time."""
        moment = now()
        # one cursor for all: the embedded database reads every match again for each query
        outbox = self._database.plain("outbox")
        due = outbox.find({"due_at": {"$lte": moment}}, batch_size=BATCH)
        due.sort([("due_at", 1), ("seq", 1)])
        try:
            while rows := await due.to_list(BATCH):
                await self._send_batch(rows, moment)
                # rows leave again, though it may be long until all have
                self.failure = None
                if not await self._lease.hold():
                    return
        finally:
            await due.close()

    async def _send_batch(self, rows: list[Document], moment: datetime) -> None:
        confirmed, failure = await self._publish(rows)
        await self._mark(confirmed, moment)
        if failure:
            # a topic may have gone with its broker
            await self._prepare()
            raise failure

    async def _publish(self, rows: list[Document]) -> tuple[list[Document], Exception | None]:
        """Send in order without waiting, then wait; returns the rows before the first failure."""
        waiting: list[tuple[Document, Awaitable[object]]] = []
        failure: Exception | None = None
        for row in rows:
            try:
                sent = [await self._send(one) for one in row.get("messages") or [row]]
            except _UNSENDABLE as exc:
                await self._refuse(row, type(exc).__name__)
            except Exception as exc:
                failure = exc
                break
            else:
                waiting.append((row, asyncio.gather(*sent)))
        results = await asyncio.gather(*(sent for _, sent in waiting), return_exceptions=True)
        confirmed: list[Document] = []
        for (row, _), result in zip(waiting, results, strict=True):
            if isinstance(result, _UNSENDABLE):
                await self._refuse(row, type(result).__name__)
                continue
            if isinstance(result, Exception):
                return confirmed, result
            confirmed.append(row)
        return confirmed, failure

    async def _send(self, row: Document) -> Awaitable[object]:
        with correlated(row["headers"].get("ce_correlationid"), row["headers"]) as correlation:
            return await self._broker.publish(
                row["value"].encode() if isinstance(row["value"], str) else row["value"],
                row["topic"],
                key=row["key"].encode() if isinstance(row["key"], str) else row["key"],
                headers=row["headers"],
                correlation_id=correlation,
                no_confirm=True,
            )

    async def _mark(self, rows: list[Document], moment: datetime) -> None:
        for first in range(0, len(rows), MARKED):
            ids = [row["_id"] for row in rows[first : first + MARKED]]
            # a timer moved meanwhile is due later than `moment`, and stays
            await self._database.plain("outbox").update_many(
                {"_id": {"$in": ids}, "due_at": {"$lte": moment}},
                [{"$set": {"was_due_at": "$due_at"}}, {"$unset": "due_at"}],
            )
        OUTBOX_PUBLISHED.inc(len(rows))
        for row in rows:
            if row.get("timer"):
                TIMER_LATENESS.observe((now() - row["due_at"]).total_seconds())

    async def _refuse(self, row: Document, reason: str) -> None:
        log.error("outbox row can never be sent", event_id=row["_id"], reason=reason)
        OUTBOX_REFUSED.inc()
        await self._database.plain("outbox").update_one(
            {"_id": row["_id"]}, {"$set": {"refused": reason}, "$unset": {"due_at": ""}}
        )


async def pending(database: Database) -> tuple[int, float]:
    """How many rows are due and not sent, and the age in seconds of the oldest."""
    moment = now()
    outbox = database.plain("outbox")
    due = {"due_at": {"$lte": moment}}
    oldest = await outbox.find(due, {"due_at": 1}).sort("due_at", 1).to_list(1)
    if not oldest:
        return 0, 0.0
    return await outbox.count_documents(due), (moment - oldest[0]["due_at"]).total_seconds()
