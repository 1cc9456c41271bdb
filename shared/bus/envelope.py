"""CloudEvents 1.0 on Kafka, binary content mode: attributes in `ce_…` headers, JSON body.

A contact's tombstone has no body: its event is made of the message's key alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import ValidationError

from shared.database import Document
from shared.events import TYPES, Event
from shared.events.contacts import ContactErased
from shared.observability import correlation_id, trace_headers

SPEC_VERSION = "1.0"


class Record(Protocol):
    """What is used of a consumed record; aiokafka's `ConsumerRecord` is one."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values; a value may be missing."""
        ...


def place(record: Record) -> str:
    """Where and when a record was written; the time, as an emptied broker counts anew."""
    return f"{record.topic}:{record.partition}:{record.offset}@{record.timestamp}"


class Undecodable(Exception):
    """A message that no attempt will ever understand; its text is safe to show."""


@dataclass
class Unread:
    """A record that the Kafka client's own decoder refused, as far as it could be read."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    reason: str = ""
    """Why it cannot be used, safe to show; nothing if only its neighbours were bad."""


@dataclass(frozen=True)
class Envelope:
    """A message's attributes; the event itself is decoded only when somebody wants it."""

    id: str
    type: str
    headers: Mapping[str, str]
    record: Record

    @property
    def correlation_id(self) -> str:
        """The id that ties a mail to the request that caused it."""
        return self.headers.get("ce_correlationid", "")

    def event(self) -> Event:
        """The event; raises `Undecodable` without repeating any value (it may be personal)."""
        event_type = TYPES[self.type]
        try:
            if event_type is ContactErased:
                return ContactErased(contact=(self.record.key or b"").decode())
            return event_type.model_validate_json(self.record.value or b"")
        except ValidationError as exc:
            wrong = "; ".join(
                f"{'.'.join(str(part) for part in error['loc']) or 'body'}: {error['type']}"
                for error in exc.errors(include_input=False, include_context=False)
            )
            raise Undecodable(f"{self.type} is not valid: {wrong}") from None
        except UnicodeDecodeError:
            raise Undecodable(f"{self.type}: the key is not UTF-8") from None


def open_envelope(record: Record) -> Envelope:
    """The attributes of a record; raises `Undecodable`."""
    try:
        headers = {key: (value or b"").decode() for key, value in record.headers}
    except UnicodeDecodeError:
        raise Undecodable("a header is not UTF-8") from None
    for attribute in ("ce_id", "ce_type"):
        if not headers.get(attribute):
            raise Undecodable(f"the header {attribute} is missing")
    return Envelope(headers["ce_id"], headers["ce_type"], headers, record)


def seal(event: Event, *, source: str, event_id: str, at: datetime) -> Document:
    """An event's key, body (none for a tombstone) and headers, as an outbox row keeps them."""
    tombstone = isinstance(event, ContactErased)
    headers = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event_id,
        "ce_type": type(event).__name__,
        "ce_source": f"/mednum/{source}",
        "ce_time": at.isoformat(),
        "ce_subject": event.key,
        "ce_correlationid": correlation_id.get(),
        "content-type": "application/json",
        **{f"ce_{name}": value for name, value in trace_headers().items()},
    }
    return {
        "key": event.key,
        "value": None if tombstone else event.model_dump_json(),
        "headers": {name: value for name, value in headers.items() if value},
    }
