"""Names of topics, and the admin calls that make them."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events import contacts
from shared.settings import ServiceSettings

_FOREVER = "-1"
_FOREIGN = str(30 * 24 * 60 * 60 * 1000)
"""30 days: what others write is theirs, and holds people's addresses."""
LARGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes: a dead letter is a message of the usual limit (1 MiB) and what was wrong with it."""


def topic_of(settings: ServiceSettings, stream: str) -> str:
    """The topic of a stream on this broker."""
    return f"{settings.topic_prefix}{stream}"


def dead_topic(topic: str, service: str) -> str:
    """Where one listening service parks what it could not handle of a topic."""
    return f"{topic}.{service}.dead"


def _config(stream: str, foreign: frozenset[str]) -> dict[str, str]:
    if stream in foreign:
        return {"retention.ms": _FOREIGN}
    # events are the memory of the whole system: a service that comes later reads them all
    if stream == contacts.STREAM:
        return {"cleanup.policy": "compact"}
    return {"retention.ms": _FOREVER}


async def ensure_topics(
    settings: ServiceSettings,
    service: str,
    listens: frozenset[str],
    foreign: frozenset[str] = frozenset(),
) -> None:
    """Create the topics that a service writes or reads, and its dead letters; idempotent.

    `foreign`: those of `listens` that others write.
    """
    wanted = [
        NewTopic(
            topic_of(settings, stream),
            settings.topic_partitions,
            settings.topic_replication,
            topic_configs=_config(stream, foreign),
        )
        for stream in sorted(listens | {service, contacts.STREAM})
    ] + [
        NewTopic(
            dead_topic(topic_of(settings, stream), service),
            1,
            settings.topic_replication,
            topic_configs={
                "retention.ms": _FOREIGN if stream in foreign else _FOREVER,
                "max.message.bytes": str(LARGEST_MESSAGE),
            },
        )
        for stream in sorted(listens)
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_url)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in existing]
        if missing:
            result = await admin.create_topics(missing)
            for _, code, *_ in result.topic_errors:
                error = for_code(code)
                # another service was quicker
                if code and error is not TopicAlreadyExistsError:
                    raise error(str(result.topic_errors))
    finally:
        await admin.close()
