"""The FastStream broker of a service: one producer, and one subscriber over all its topics."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage

from shared.bus.delivery import Delivery
from shared.bus.topics import LARGEST_MESSAGE, topic_of
from shared.settings import ServiceSettings

BATCH = 100
"""Records whose effects are one transaction."""
POLL_MS = 100
HEARTBEATS_PER_SESSION = 6
LONGEST_HANDLING_MS = 3_600_000
"""An outage is waited out inside a delivery; the group must not take that for a death."""


def make_broker(settings: ServiceSettings) -> KafkaBroker:
    """A broker, not started."""
    return KafkaBroker(
        settings.kafka_url.split(","),
        acks="all",
        enable_idempotence=settings.kafka_idempotence,
        max_request_size=LARGEST_MESSAGE,
        request_timeout_ms=10_000,
        graceful_timeout=8.0,
        apply_types=False,
        logger=structlog.get_logger("mednum.bus"),
        log_level=logging.DEBUG,
    )


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Whether the group has dealt out its partitions; a spare replica may hold none of them."""

    def __init__(self) -> None:
        self.dealt = False

    async def on_partitions_revoked(self, _revoked: object) -> None:
        """A rebalance begins."""
        self.dealt = False

    async def on_partitions_assigned(self, _assigned: object) -> None:
        """A rebalance has ended."""
        self.dealt = True


def subscribe(
    broker: KafkaBroker,
    settings: ServiceSettings,
    *,
    service: str,
    listens: frozenset[str],
    delivery: Delivery,
    assignment: Assignment,
) -> Callable[[], AIOKafkaConsumer | None]:
    """Let a delivery take every batch of these streams; returns how to get at the consumer.

    Offsets are committed after `delivery` returns; if it is stopped before, they stay.
    """

    async def parse(records: tuple[ConsumerRecord, ...]) -> KafkaAckableMessage:
        # the default parser decodes headers and lets one bad record spoil its whole batch
        return KafkaAckableMessage(
            body=b"", headers={}, raw_message=records, consumer=subscriber.consumer
        )

    async def decode(message: KafkaAckableMessage) -> Any:
        return message.raw_message

    subscriber = broker.subscriber(
        *sorted(topic_of(settings, stream) for stream in listens),
        batch=True,
        max_records=BATCH,
        batch_timeout_ms=POLL_MS,
        group_id=topic_of(settings, service),
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        session_timeout_ms=settings.kafka_session_timeout_ms,
        heartbeat_interval_ms=settings.kafka_session_timeout_ms // HEARTBEATS_PER_SESSION,
        max_poll_interval_ms=LONGEST_HANDLING_MS,
        listener=assignment,
        parser=parse,
        decoder=decode,
    )

    @subscriber
    async def deliver(records: Sequence[ConsumerRecord]) -> None:
        await delivery(records)

    return lambda: subscriber.consumer


async def lag(consumer: AIOKafkaConsumer) -> int:
    """Messages of the assigned partitions that are not fetched yet."""
    return sum(
        [
            max(0, (consumer.highwater(partition) or 0) - await consumer.position(partition))
            for partition in consumer.assignment()
        ]
    )
