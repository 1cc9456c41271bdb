"""What partners have sent: stored deliveries, and records on the topic `partners`."""

import re
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any

from services.announcements.domain import cloud_events
from services.announcements.domain.partners import SLUG, PartnerUnknown
from services.announcements.domain.signatures import TOLERANCE, TimestampOutsideTolerance
from services.announcements.store.partners import KEPT
from services.announcements.use_cases import intake, partners
from services.announcements.use_cases.intake import Arrival, Incoming
from shared.bus.delivery import Handlers, Permanent, RecordHandlers
from shared.bus.envelope import Record
from shared.database import Transaction
from shared.errors import Problem
from shared.events.announcements import PartnerDeliveryReceived
from shared.strict_json import read_json

TOPIC = "partners"
OLDEST = KEPT - timedelta(days=1)
"""Its sender says when a record was written: older ones may be known no more, and come again."""

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
        if not -TOLERANCE <= tx.now - incoming.signed_about <= OLDEST:
            raise TimestampOutsideTolerance
        partner = await partners.existing(tx, _slug(incoming))
        signed_id = intake.authenticate(partner, incoming, at=tx.now)
        if await intake.first_answer(tx, partner, signed_id, incoming):
            return
        try:
            asked = intake.check(incoming, at=tx.now, own_hosts=own_hosts)
        except Problem as problem:
            refusal = problem

            async def note(tx: Transaction) -> None:
                await intake.refuse(tx, partner, signed_id, incoming, refusal)

            # its partner is to see it too, not operators alone
            raise Permanent(f"{problem.type}: {problem.title}", note=note) from None
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
    if any("\0" in name + value for name, value in headers.items()):
        raise Permanent("a header holds a NUL")
    try:
        # it may be read much later than it was written
        written = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Permanent("the record's time is none") from None
    headers = {
        f"ce-{name.removeprefix('ce_')}" if name.startswith("ce_") else name: value
        for name, value in headers.items()
    }
    return Incoming(
        # without one it is the binary form, and its data is JSON unless it says otherwise
        headers={"content-type": cloud_events.BINARY, **headers},
        body=record.value or b"",
        via="kafka",
        signed_about=written,
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
