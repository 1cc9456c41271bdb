"""Events by hand: what is on a stream, and how to put something there."""

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.bus.envelope import seal
from shared.database import now
from shared.events import Event
from tests.harness.system import PATIENCE, System


@dataclass(frozen=True)
class Seen:
    """An event as any reader of CloudEvents sees it."""

    key: str
    headers: dict[str, str]
    body: Any
    """None for a tombstone."""

    @property
    def type(self) -> str:
        """What has happened."""
        return self.headers["ce_type"]


def _consumer(system: System, stream: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        f"{system.environment['TOPIC_PREFIX']}{stream}",
        bootstrap_servers=system.environment["KAFKA_URL"],
        auto_offset_reset="earliest",
    )


async def everything_on(system: System, stream: str) -> list[Any]:
    """All records of a stream, in the order of each partition."""
    consumer = _consumer(system, stream)
    await consumer.start()
    try:
        records = []
        # the embedded broker's end offsets are not right: read until nothing more comes
        while batch := await consumer.getmany(timeout_ms=3_000):
            records += [record for one in batch.values() for record in one]
        return records
    finally:
        await consumer.stop()


async def published(system: System, stream: str, key: str, count: int) -> list[Seen]:
    """The events of one key in their order, once there are so many."""
    consumer = _consumer(system, stream)
    await consumer.start()
    try:
        found: list[Seen] = []
        limit = time.monotonic() + PATIENCE
        while len(found) < count:
            assert time.monotonic() < limit, [one.type for one in found]
            batch = await consumer.getmany(timeout_ms=500)
            found += [
                _seen(record)
                for records in batch.values()
                for record in records
                if record.key == key.encode()
            ]
        return found
    finally:
        await consumer.stop()


def _seen(record: Any) -> Seen:
    return Seen(
        key=record.key.decode(),
        headers={name: value.decode() for name, value in record.headers},
        body=None if record.value is None else json.loads(record.value),
    )


async def send(system: System, stream: str, *messages: dict[str, Any]) -> None:
    """Put messages on a stream, as a faulty or careless sender would."""
    producer = AIOKafkaProducer(bootstrap_servers=system.environment["KAFKA_URL"], acks="all")
    await producer.start()
    try:
        for one in messages:
            await producer.send_and_wait(f"{system.environment['TOPIC_PREFIX']}{stream}", **one)
    finally:
        await producer.stop()


def message(event: Event, event_id: str = "") -> dict[str, Any]:
    """An event as a Kafka message, with a new id unless one is given."""
    row = seal(event, source=event.STREAM, event_id=event_id or uuid4().hex, at=now())
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    value = row["value"].encode() if row["value"] else None
    return {"key": row["key"].encode(), "value": value, "headers": headers}


async def tell(system: System, *events: Event) -> None:
    """Publish events as the services that own them would, one after the other."""
    for event in events:
        await send(system, event.STREAM, message(event))
