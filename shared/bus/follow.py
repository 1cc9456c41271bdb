"""Reads our own topics without a group, from positions that the reader itself keeps.

For a read model that every process has of its own: all partitions are its, and how far it has
come is stored with what it made of it. A position says which record was the last, and is checked
before it is trusted: a broker may have begun anew, and a topic may have been made again.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.envelope import Envelope, Undecodable, open_envelope
from shared.bus.topics import topic_of
from shared.settings import ServiceSettings

BATCH = 500
"""Records of one batch."""
POLL_MS = 500
PATIENCE = 5.0
"""Seconds to wait for the records that positions name."""
NEW_PARTITIONS_MS = 30_000

Place = tuple[str, int]
"""A topic and the number of a partition."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Position:
    """The last record that was read of a partition: its offset, and its event's id."""

    offset: int
    event_id: str


@dataclass(frozen=True)
class Batch:
    """Some records in the order of their partitions, and the positions behind them."""

    envelopes: list[Envelope]
    positions: dict[Place, Position]


class TopicGrown(Exception):
    """A topic has more partitions than are read: start again."""


class TopicReader:
    """All partitions of some streams, from positions on. Use it in `async with`."""

    def __init__(self, settings: ServiceSettings, streams: Iterable[str]) -> None:
        self._topics = {topic_of(settings, stream) for stream in streams}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_url.split(","),
            enable_auto_commit=False,
            # not every broker knows where `latest` is
            auto_offset_reset="earliest",
            metadata_max_age_ms=NEW_PARTITIONS_MS,
        )

    async def __aenter__(self) -> "TopicReader":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def start(self, positions: Mapping[Place, Position]) -> bool:
        """Go on behind these positions, or from the start of everything if one is not true.

        Returns whether all were.
        """
        await self._find_topics()
        asked = {TopicPartition(*place): at for place, at in positions.items()}
        if asked and not await self._are_true(asked):
            asked = {}
        partitions = self._partitions()
        self._consumer.assign(list(partitions))
        for one in partitions:
            self._consumer.seek(one, asked[one].offset + 1 if one in asked else 0)
        return len(asked) == len(positions)

    async def batch(self) -> Batch:
        """What came, none after a while without any."""
        taken = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
        envelopes, positions = [], {}
        for partition, records in taken.items():
            for record in records:
                try:
                    envelopes.append(open_envelope(record))
                except Undecodable as exc:
                    # whoever handles this stream parks it
                    log.warning("record passed by", reason=str(exc), offset=record.offset)
            position = Position(records[-1].offset, _id(records[-1]))
            positions[partition.topic, partition.partition] = position
        if len(self._partitions()) > len(self._consumer.assignment()):
            raise TopicGrown
        return Batch(envelopes, positions)

    async def _are_true(self, asked: Mapping[TopicPartition, Position]) -> bool:
        """Whether the records that positions name are still where they say."""
        if not asked.keys() <= self._partitions():
            return False
        self._consumer.assign(list(asked))
        for partition, position in asked.items():
            self._consumer.seek(partition, position.offset)
        waiting = dict(asked)
        limit = time.monotonic() + PATIENCE
        while waiting and time.monotonic() < limit:
            taken = await self._consumer.getmany(*waiting, timeout_ms=POLL_MS, max_records=1)
            for partition, [record, *_] in taken.items():
                expected = waiting.pop(partition)
                if Position(record.offset, _id(record)) != expected:
                    return False
        return not waiting

    async def _find_topics(self) -> None:
        """Wait until somebody has made the topics, and their partitions are known."""
        while not await self._consumer.topics() >= self._topics:  # noqa: ASYNC110
            await asyncio.sleep(1)
        # only of the topics that it reads does the consumer learn the partitions
        self._consumer.assign([TopicPartition(topic, 0) for topic in self._topics])
        while not all(map(self._consumer.partitions_for_topic, self._topics)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    def _partitions(self) -> set[TopicPartition]:
        return {
            TopicPartition(topic, number)
            for topic in self._topics
            for number in self._consumer.partitions_for_topic(topic) or ()
        }


def _id(record: object) -> str:
    headers = dict(getattr(record, "headers", ()))
    return (headers.get("ce_id") or b"").decode(errors="replace")
