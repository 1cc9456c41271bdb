"""Messages that could not be handled: kept on `<topic>.<group>.dead`, listed, shown, replayed.

A letter is the original message, byte for byte, with headers that say why and where from.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.bus.envelope import Record, place
from shared.bus.topics import dead_topic, topic_of
from shared.database import Document
from shared.settings import ServiceSettings

_IDLE_MS = 1_500
"""Without a record for so long, a topic is read: end offsets are not right on every broker."""


def letter(record: Record, group: str, reason: str, attempts: int, at: datetime) -> Document:
    """The outbox row that parks a record; the same record always gives the same row."""
    origin = f"{record.topic}:{record.partition}:{record.offset}"
    name = f"{group}:{place(record)}"
    # headers need not be text, and a replay must give them back as they were
    headers = [[key, _text(value)] for key, value in record.headers]
    return {
        "_id": f"dead:{name}",
        "due_at": at,
        "seq": 0,
        "topic": dead_topic(record.topic, group),
        "key": record.key,
        "value": record.value,
        "headers": {
            "dead_id": hashlib.sha256(name.encode()).hexdigest()[:12],
            "dead_reason": reason,
            "dead_origin": origin,
            "dead_attempts": str(attempts),
            "dead_at": at.isoformat(),
            "dead_headers": json.dumps(headers),
        },
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


@dataclass
class DeadLetter:
    """A parked message: why, since when, where from, and the message itself."""

    id: str
    topic: str
    reason: str
    origin: str
    attempts: int
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    replayed: bool = False

    @property
    def type(self) -> str:
        """The event's type, if it has one that can be read."""
        return (dict(self.headers).get("ce_type") or b"?").decode(errors="replace")

    @property
    def is_lost(self) -> bool:
        """Whether only its place is known: there is nothing to put back."""
        return self.key is None and self.value is None and not self.headers

    @property
    def origin_topic(self) -> str:
        """Where it was and where a replay puts it again."""
        return self.origin.rsplit(":", 2)[0]


async def read(
    settings: ServiceSettings, service: str, listens: frozenset[str]
) -> list[DeadLetter]:
    """All dead letters of a service, oldest first."""
    parked = [
        TopicPartition(dead_topic(topic_of(settings, stream), service), 0) for stream in listens
    ]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_url, auto_offset_reset="earliest", enable_auto_commit=False
    )
    letters: dict[str, DeadLetter] = {}
    await consumer.start()
    try:
        consumer.assign(parked)
        while batch := await consumer.getmany(timeout_ms=_IDLE_MS):
            for record in (record for records in batch.values() for record in records):
                _note(letters, record)
    finally:
        await consumer.stop()
    return sorted(letters.values(), key=lambda one: one.at)


def _note(letters: dict[str, DeadLetter], record: Record) -> None:
    headers = {name: (value or b"").decode() for name, value in record.headers}
    if replayed := headers.get("dead_replayed"):
        if replayed in letters:
            letters[replayed].replayed = True
        return
    letters[headers["dead_id"]] = DeadLetter(
        id=headers["dead_id"],
        topic=record.topic,
        reason=headers["dead_reason"],
        origin=headers["dead_origin"],
        attempts=int(headers["dead_attempts"]),
        at=datetime.fromisoformat(headers["dead_at"]),
        key=record.key,
        value=record.value,
        headers=[(name, _bytes(value)) for name, value in json.loads(headers["dead_headers"])],
    )


async def replay(settings: ServiceSettings, letters: Sequence[DeadLetter]) -> None:
    """Put messages back on their topics as they were, and note it beside each letter."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_url, acks="all")
    await producer.start()
    try:
        for one in letters:
            await producer.send_and_wait(
                one.origin_topic, one.value, key=one.key, headers=one.headers
            )
            await producer.send_and_wait(
                one.topic, b"", key=one.key, headers=[("dead_replayed", one.id.encode())]
            )
    finally:
        await producer.stop()
