"""Looking at events as they go by, without being a consumer of any group."""

from collections.abc import AsyncIterator
from datetime import datetime

from aiokafka import AIOKafkaConsumer

from shared.bus.envelope import Envelope, open_envelope
from shared.bus.topics import topic_of
from shared.events import TOPICS
from shared.settings import ServiceSettings


async def watch(settings: ServiceSettings, since: datetime) -> AsyncIterator[Envelope]:
    """Every event published from a time on, of all streams, until cancelled."""
    consumer = AIOKafkaConsumer(
        *(topic_of(settings, stream) for stream in TOPICS),
        bootstrap_servers=settings.kafka_url,
        # not every broker knows where `latest` is
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async for record in consumer:
            envelope = open_envelope(record)
            time = envelope.headers.get("ce_time", "")
            if time and datetime.fromisoformat(time) >= since:
                yield envelope
    finally:
        await consumer.stop()
