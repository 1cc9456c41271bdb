"""Records that no honest client writes: the name of a header is any bytes."""

from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from tests.harness.system import System


class RawName(str):
    """A header name that is these bytes on the wire."""

    raw: bytes

    def __new__(cls, raw: bytes) -> "RawName":
        """Keep the bytes beside a text that may be shown."""
        name = super().__new__(cls, raw.decode(errors="replace"))
        name.raw = raw
        return name

    def encode(self, *_: str) -> bytes:
        """What the record's builder writes."""
        return self.raw


async def send_together(system: System, stream: str, *messages: dict[str, Any]) -> None:
    """Write messages as one batch of one partition, names of headers as they are."""
    producer = AIOKafkaProducer(bootstrap_servers=system.environment["KAFKA_URL"], acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()
        # the usual builder is compiled, and encodes names itself
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1_000_000)
        for one in messages:
            batch.append(timestamp=None, **{"key": None, **one})
        topic = f"{system.environment['TOPIC_PREFIX']}{stream}"
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()
