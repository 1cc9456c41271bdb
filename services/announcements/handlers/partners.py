"""What partners have sent: stored deliveries, and records on the topic `partners`."""

import re
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from services.announcements.domain.partners import SLUG, PartnerUnknown
from services.announcements.domain.strict_json import read_json
from services.announcements.use_cases import intake, partners
from services.announcements.use_cases.intake import Arrival, Incoming
from shared.bus.delivery import Handlers, Permanent, RecordHandlers
from shared.bus.envelope import Record
from shared.database import Transaction
from shared.errors import Problem
from shared.events.announcements import PartnerDeliveryReceived

TOPIC = "partners"

_SOURCE = re.compile(rf"/partners/({SLUG})")


def handlers_partners(own_hosts: AbstractSet[str]) -> Handlers:
    """What is done with deliveries that were stored."""

    async def on_partner_delivery_received(event: PartnerDeliveryReceived, tx: Transaction) -> None:
        await intake.apply(tx, event.delivery_id, own_hosts=own_hosts)

    return {PartnerDeliveryReceived: on_partner_delivery_received}


def foreign(own_hosts: AbstractSet[str]) -> RecordHandlers:
    """What is done with records of partners inside the network."""

    async def on_partner_record(record: Record, tx: Transaction) -> None:
        incoming = incoming_of(record)
        partner = await partners.existing(tx, _slug(incoming))
        signed_id = intake.authenticate(partner, incoming, at=tx.now)
        if await intake.first_answer(tx, partner, signed_id, incoming):
            return
        asked = intake.check(incoming, at=tx.now, own_hosts=own_hosts)
        [answer] = await intake.store(tx, [Arrival(partner, signed_id, incoming, asked)])
        if isinstance(answer, Problem):
            raise answer

    return {TOPIC: on_partner_record}


def incoming_of(record: Record) -> Incoming:
    """A record as a delivery over HTTP would be; raises `Permanent`."""
    try:
        headers = {name.lower(): (value or b"").decode() for name, value in record.headers}
    except UnicodeDecodeError:
        raise Permanent("a header is not UTF-8") from None
    return Incoming(
        headers={
            f"ce-{name.removeprefix('ce_')}" if name.startswith("ce_") else name: value
            for name, value in headers.items()
        },
        body=record.value or b"",
        via="kafka",
        # it may be read much later than it was written
        signed_about=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )


def _slug(incoming: Incoming) -> str:
    """The partner that a record's source names; raises `PartnerUnknown`."""
    source: Any = incoming.attributes.get("source")
    if source is None:
        value = read_json(incoming.body)
        first = value[0] if isinstance(value, list) and value else value
        source = first.get("source") if isinstance(first, dict) else None
    found = _SOURCE.fullmatch(source) if isinstance(source, str) else None
    if found is None:
        raise PartnerUnknown
    return found[1]
