"""Timers: the relay with many of them behind it, and APScheduler on the same database server.

Sizes are constants that the environment may change; `QUICK=1` is a smoke run.
"""

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from faststream.kafka import KafkaBroker

from bench import apscheduler_rate
from bench.servers import bus
from bench.table import row
from shared.bus import outbox
from shared.bus.broker import make_broker
from shared.bus.topics import ensure_topics, topic_of
from shared.database import Database, Document, Publisher, now
from shared.events import announcements
from shared.events.announcements import AnnouncementEndReached
from shared.settings import ServiceSettings

SERVICE = announcements.STREAM
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PATIENCE = 900.0
"""Seconds without which a firing is given up."""


def size(name: str, full: int, quick: int) -> int:
    """A number of the environment, or its default."""
    return int(os.environ.get(name) or (quick if os.environ.get("QUICK") else full))


FEW = 1_000
PENDING = size("PENDING", 1_000_000, 5_000)
DUE = size("DUE", 10_000, 500)
STREAM_SECONDS = size("STREAM_SECONDS", 30, 3)
STREAM_RATE = 100
OVERDUE = size("OVERDUE", 50_000, 2_000)
POLLS = size("POLLS", 200, 50)
ROUNDS = size("ROUNDS", 3, 1)
AGAINST_DUE = size("AGAINST_DUE", 2_000, 200)


class Timers:
    """One service's outbox, its real relay, and topics to count on."""

    def __init__(self, settings: ServiceSettings, database: Database, broker: KafkaBroker) -> None:
        self._settings = settings
        self._outbox = database.plain("outbox")
        self._database = database
        self._made = 0
        self.relay = outbox.Relay(database, broker, _nothing)

    async def insert(self, dues: list[datetime], topic: str = "pending-") -> set[str]:
        """Set timers in bulk; returns their event ids."""
        settings = self._settings.model_copy(update={"topic_prefix": topic})
        publisher = outbox.publisher(SERVICE, settings)
        ids: set[str] = set()
        for first in range(0, len(dues), 1_000):
            rows = []
            for due in dues[first : first + 1_000]:
                self._made += 1
                event = AnnouncementEndReached(
                    announcement_id=f"{self._made:032x}", ends_on=due.date()
                )
                rows.append(_row(publisher, event, due))
            ids |= {one["headers"]["ce_id"] for one in rows}
            await self._outbox.insert_many(rows)
        return ids

    async def check_rows(self) -> None:
        """Rows made in bulk are those of a transaction."""
        due = now() + DAY
        event = AnnouncementEndReached(announcement_id="check", ends_on=due.date())
        async with self._database.transaction() as tx:
            tx.schedule(event, at=due, timer_id=event.timer_id)
        publisher = outbox.publisher(SERVICE, self._settings)
        assert await self._outbox.find_one({"_id": event.timer_id}) == _row(publisher, event, due)
        await self._outbox.delete_one({"_id": event.timer_id})

    async def poll(self) -> float:
        """Milliseconds of a look when nothing is due, the median of many."""
        taken = []
        for _ in range(POLLS):
            started = time.perf_counter()
            await self.relay.send_due()
            taken.append(time.perf_counter() - started)
        return statistics.median(taken) * 1_000

    async def fire(self, dues: list[datetime], topic: str) -> "Fired":
        """Set timers, start the relay, and read what comes until all have come."""
        async with self._reading(topic) as consumer:
            expected = await self.insert(dues, topic)
            fired = Fired(expected)
            async with self._relaying():
                limit = fired.started + PATIENCE
                while not fired.complete and time.perf_counter() < limit:
                    fired.note(await consumer.getmany(timeout_ms=100))
                await self._all_marked()
                fired.taken = time.perf_counter() - fired.started
            # end offsets are not right on every broker: read until nothing more comes
            while late := await consumer.getmany(timeout_ms=3_000):
                fired.note(late)
        return fired

    async def _all_marked(self) -> None:
        while await self._outbox.find({"due_at": {"$lte": now()}}).to_list(1):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def _reading(self, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
        settings = self._settings.model_copy(update={"topic_prefix": topic})
        await ensure_topics(settings, SERVICE, frozenset())
        consumer = AIOKafkaConsumer(
            topic_of(settings, SERVICE),
            bootstrap_servers=settings.kafka_url,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def _relaying(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.relay.run())
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


class Fired:
    """What came over the topic, against what was set."""

    def __init__(self, expected: set[str]) -> None:
        self.started = time.perf_counter()
        self.taken = 0.0
        """Seconds until all had been read and were marked in the outbox."""
        self.sent_late: list[float] = []
        self.read_late: list[float] = []
        self._expected = expected
        self._seen: set[str] = set()
        self._records = 0

    def note(self, batch: dict[object, list[ConsumerRecord]]) -> None:
        """Count the records just read."""
        read_at = time.time()
        for record in (one for records in batch.values() for one in records):
            headers = dict(record.headers)
            due = datetime.fromisoformat(headers["ce_time"].decode()).timestamp()
            self.sent_late.append(record.timestamp / 1_000 - due)
            self.read_late.append(read_at - due)
            self._seen.add(headers["ce_id"].decode())
            self._records += 1

    @property
    def complete(self) -> bool:
        """Whether all have come."""
        return self._expected <= self._seen

    @property
    def rate(self) -> float:
        """Timers a second."""
        return len(self._expected) / self.taken

    @property
    def count(self) -> str:
        """What was lost and what came twice."""
        dropped = len(self._expected - self._seen)
        return f"{dropped} dropped, {self._records - len(self._seen)} doubled"


async def _nothing() -> None:
    return None


def _row(publisher: Publisher, event: AnnouncementEndReached, due: datetime) -> Document:
    """The row that `Transaction.schedule` makes of a timer."""
    sealed = publisher(event, event_id=f"{event.timer_id}@{due.isoformat()}", at=due)
    return sealed | {"_id": event.timer_id, "seq": 0, "timer": True}


def _spread(first: datetime, count: int, span: timedelta) -> list[datetime]:
    """Times evenly over a span, in milliseconds as the database keeps them."""
    step = span / count
    times = (first + step * number for number in range(count))
    return [one.replace(microsecond=one.microsecond // 1_000 * 1_000) for one in times]


def _percentiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1_000:.0f} ms, p99 {cuts[98] * 1_000:.0f} ms"


async def _polls(few: Timers, many: Timers) -> None:
    """Cost of a look with few pending and with many, in turns."""
    later = now() + DAY
    await few.insert(_spread(later, FEW, 30 * DAY))
    started = time.perf_counter()
    await many.insert(_spread(later, PENDING, 30 * DAY))
    row(f"{PENDING:,} timers set in bulk", f"{time.perf_counter() - started:.0f} s")
    taken = [(await few.poll(), await many.poll()) for _ in range(ROUNDS)]
    low, high = (statistics.median(one) for one in zip(*taken, strict=True))
    row(
        f"a look of the relay, nothing due, {PENDING:,} pending",
        f"{high:.2f} ms",
        f"{low:.2f} ms ({FEW:,} pending)",
        high / low,
    )


async def _firing(timers: Timers) -> None:
    rates = []
    for turn in range(ROUNDS):
        fired = await timers.fire(_spread(now() - HOUR, DUE, timedelta(minutes=1)), f"due{turn}-")
        rates.append(fired.rate)
        assert fired.complete, fired.count
    row(
        f"firing {DUE:,} due timers, {PENDING:,} pending ({fired.count})",
        f"{statistics.median(rates):.0f}/s",
    )


async def _stream(timers: Timers) -> None:
    count = STREAM_RATE * STREAM_SECONDS
    start = now() + timedelta(seconds=5)
    fired = await timers.fire(_spread(start, count, timedelta(seconds=STREAM_SECONDS)), "stream-")
    what = f"lateness at {STREAM_RATE} due a second for {STREAM_SECONDS} s, {PENDING:,} pending"
    row(f"{what}: sent", _percentiles(fired.sent_late))
    row(f"{what}: read by a consumer ({fired.count})", _percentiles(fired.read_late))


async def _outage(timers: Timers) -> None:
    fired = await timers.fire(_spread(now() - HOUR, OVERDUE, HOUR), "outage-")
    row(
        f"catching up {OVERDUE:,} timers of an hour's outage ({fired.count})",
        f"{fired.taken:.1f} s, {fired.rate:.0f}/s",
    )


async def _against(timers: Timers) -> float:
    rates = []
    for turn in range(ROUNDS):
        dues = _spread(now() - HOUR, AGAINST_DUE, timedelta(minutes=1))
        rates.append((await timers.fire(dues, f"against{turn}-")).rate)
    return statistics.median(rates)


async def measure(settings: ServiceSettings) -> float:
    """All of ours; returns the rate to compare with APScheduler's."""
    async with _timers(settings, "few") as few, _timers(settings, "many") as many:
        await _polls(few, many)
        await _firing(many)
        await _stream(many)
        await _outage(many)
        return await _against(many)


@asynccontextmanager
async def _timers(settings: ServiceSettings, name: str) -> AsyncIterator[Timers]:
    publisher = outbox.publisher(SERVICE, settings)
    database = Database(settings.mongo_url, f"{settings.database_prefix}{name}", publisher)
    broker = make_broker(settings)
    await database.ensure_indexes(outbox.INDEXES)
    await broker.connect()
    try:
        timers = Timers(settings, database, broker)
        await timers.check_rows()
        yield timers
    finally:
        await broker.stop()
        database.close()


def run() -> None:
    """Ours, then APScheduler's, on one database server."""
    with bus() as settings:
        ours = asyncio.run(measure(settings))
        row(f"firing {AGAINST_DUE:,} due timers, {PENDING:,} pending", f"{ours:.0f}/s")
        for pending in apscheduler_rate.PENDING:
            apscheduler_rate.compare(settings.mongo_url, pending, AGAINST_DUE, ours)
