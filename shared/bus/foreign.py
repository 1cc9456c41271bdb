"""Reads the topics that others than our services write, by a consumer of its own.

Whatever they put there, our own streams are read on: another consumer, another group, another
delivery. The client decodes a record's header names itself, and a name that is no UTF-8, or a
codec that it lacks, ends its reading of that partition; such a place is read here byte by byte.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CorruptRecordException, KafkaError, UnsupportedCodecError, for_code
from aiokafka.protocol.fetch import FetchRequest

from shared.bus import raw
from shared.bus.broker import BATCH, HEARTBEATS_PER_SESSION, LONGEST_HANDLING_MS, Assignment
from shared.bus.delivery import Delivery
from shared.bus.envelope import Record
from shared.bus.topics import LARGEST_MESSAGE, topic_of
from shared.settings import ServiceSettings

UNREADABLE = (UnicodeDecodeError, UnsupportedCodecError, CorruptRecordException, *raw.GARBLED)
"""What the client raises for a record, or a batch of them, that it can make nothing of."""
IDLE = 0.1
"""Seconds between two looks at what was fetched."""
LONGEST_WAIT = 30.0

log = structlog.get_logger()


class ForeignReader:
    """Gives a delivery every record of some streams; offsets are committed after it returned."""

    def __init__(
        self,
        settings: ServiceSettings,
        delivery: Delivery,
        *,
        service: str,
        streams: frozenset[str],
    ) -> None:
        self._settings = settings
        self._delivery = delivery
        self._service = service
        self._topics = [topic_of(settings, stream) for stream in sorted(streams)]
        self._assignment = Assignment()
        self.consumer: AIOKafkaConsumer | None = None
        self._failure: str | None = None

    @property
    def fault(self) -> str | None:
        """Why nothing is read or delivered, for the readiness check."""
        if self._failure or self._delivery.failure:
            return self._failure or self._delivery.failure
        return None if self._assignment.dealt else "no partition assigned yet"

    async def run(self) -> None:
        """Read until cancelled; after any failure, start again from what is committed."""
        wait = 1.0
        while True:
            try:
                await self._read()
            except Exception as exc:
                # it had been reading until now: no reason to wait for long
                wait = min(wait * 2, LONGEST_WAIT) if self._failure else 1.0
                self._failure = type(exc).__name__
                log.warning("foreign reader waits", error=self._failure, seconds=wait)
                await asyncio.sleep(wait)

    async def _read(self) -> None:
        self._assignment.dealt = False
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_url.split(","),
            group_id=f"{topic_of(self._settings, self._service)}.foreign",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._settings.kafka_session_timeout_ms,
            heartbeat_interval_ms=self._settings.kafka_session_timeout_ms // HEARTBEATS_PER_SESSION,
            max_poll_interval_ms=LONGEST_HANDLING_MS,
        )
        consumer.subscribe(self._topics, listener=self._assignment)
        try:
            await consumer.start()
            self.consumer, self._failure = consumer, None
            while True:
                await self._round(consumer)
        finally:
            self.consumer = None
            with contextlib.suppress(Exception):
                await consumer.stop()

    async def _round(self, consumer: AIOKafkaConsumer) -> None:
        """Deliver what is there of each partition, then commit it."""
        records: list[Record] = []
        partitions = list(consumer.assignment())
        # in any order: a full one must not keep the others waiting
        for partition in random.sample(partitions, len(partitions)):
            if len(records) < BATCH:
                records += await self._take(consumer, partition, BATCH - len(records))
        if not records:
            await asyncio.sleep(IDLE)
            return
        await self._delivery(records)
        ends = {TopicPartition(one.topic, one.partition): one.offset + 1 for one in records}
        try:
            await consumer.commit(ends)
        except KafkaError as exc:
            # another has the partition now, and reads them again: the inbox knows them
            log.warning("offsets not committed", error=type(exc).__name__)

    async def _take(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, most: int
    ) -> Sequence[Record]:
        """At most so many records of one partition."""
        try:
            # never several partitions in one call: what it had taken of the others would be gone
            batch = await consumer.getmany(partition, max_records=most)
            return batch.get(partition, ())  # type: ignore[no-any-return]
        except UNREADABLE:
            # the position has not moved
            position = await consumer.position(partition)
            data = await self._fetch(partition, position)
            records, behind = raw.read(partition.topic, partition.partition, data, position)
            taken = records[:most]
            consumer.seek(partition, behind if taken == records else taken[-1].offset + 1)
            return taken

    async def _fetch(self, partition: TopicPartition, position: int) -> bytes:
        """What is at a position, as the broker keeps it."""
        client = AIOKafkaClient(bootstrap_servers=self._settings.kafka_url.split(","))
        await client.bootstrap()
        try:
            await client.set_topics([partition.topic])
            leader = client.cluster.leader_for_partition(partition)
            wanted = [(partition.topic, [(partition.partition, position, LARGEST_MESSAGE)])]
            answer = await client.send(
                leader, FetchRequest(1_000, 1, LARGEST_MESSAGE, 0, wanted, rack_id="")
            )
            [(_, [(_, code, *_, data)])] = answer.topics
            if code:
                raise for_code(code)
            return bytes(data)
        finally:
            await client.close()
