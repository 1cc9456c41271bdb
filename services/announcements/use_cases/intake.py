"""From a partner's delivery to announcements: checked and stored first, applied afterwards."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client import Counter

from services.announcements.domain import cloud_events, signatures
from services.announcements.domain.cloud_events import Change, Ignored
from services.announcements.domain.partners import (
    Delivery,
    Partner,
    PartnerSuspended,
    Via,
    WrongDoor,
    delivery_id,
    status_of,
)
from services.announcements.store.partners import Deliveries, Partners
from services.announcements.use_cases import relayed
from services.announcements.use_cases.relayed import Source
from shared.database import Transaction
from shared.errors import InvalidField, Problem
from shared.events.announcements import EndReason, PartnerDeliveryReceived

ENDS: dict[str, EndReason] = {
    "announcement.closed": "closed",
    "announcement.withdrawn": "withdrawn",
}

RENEWED = frozenset({"traceparent", "tracestate"})
"""Attributes that differ at each attempt."""

_DATA = re.compile(r"(?:\d+\.)?data")

EVENTS = Counter(
    "mednum_partner_events_total", "Partners' events by what became of them", ["outcome"]
)


class DeliveryIdReused(Problem):
    """Another body came under an id that was used."""

    type = "delivery-id-reused"
    status = 422
    title = "Cet identifiant d'envoi a déjà servi pour un autre contenu."


@dataclass(frozen=True)
class Incoming:
    """A delivery as it comes in, over HTTP or Kafka."""

    headers: Mapping[str, str]
    """By their names in lower case; CloudEvents attributes of the binary form are `ce-…`."""
    body: bytes
    via: Via
    signed_about: datetime
    """What its timestamp is measured against."""

    @property
    def content_type(self) -> str:
        """As its sender says."""
        return self.headers.get("content-type", "")

    @property
    def attributes(self) -> dict[str, str]:
        """CloudEvents attributes of the binary form."""
        return {
            name.removeprefix("ce-"): value
            for name, value in self.headers.items()
            if name.startswith("ce-")
        }

    @property
    def form(self) -> str:
        """Its content type without parameters."""
        return cloud_events.form_of(self.content_type)

    @property
    def fingerprint(self) -> str:
        """Of all that says something: in the binary form the headers are not signed."""
        binary = self.form == cloud_events.BINARY
        said = {k: v for k, v in self.attributes.items() if binary and k not in RENEWED}
        headers = json.dumps([self.form, sorted(said.items())]).encode()
        return hashlib.sha256(headers + self.body).hexdigest()


def authenticate(partner: Partner, incoming: Incoming, *, at: datetime) -> str:
    """The signed id.

    Raises `SignatureInvalid`, `TimestampOutsideTolerance`, `PartnerSuspended` or `WrongDoor`.
    """
    signed = signatures.read(incoming.headers)
    # keys count now, whatever time a record claims
    keys = partner.valid_keys(at)
    signatures.check(signed, incoming.body, keys, at=incoming.signed_about)
    if partner.suspended:
        raise PartnerSuspended
    if partner.kind != "events":
        raise WrongDoor
    return signed.id


def check(
    incoming: Incoming, *, at: datetime, own_hosts: AbstractSet[str]
) -> list[Change | Ignored]:
    """What a delivery asks for; raises what is wrong with it."""
    events = cloud_events.read(
        incoming.content_type,
        incoming.attributes,
        incoming.body,
        encoded=incoming.via == "http",
    )
    batch = cloud_events.is_batch(incoming.content_type)
    return cloud_events.changes(events, batch=batch, at=at, own_hosts=own_hosts)


async def first_answer(
    tx: Transaction, partner: Partner, signed_id: str, incoming: Incoming
) -> dict[str, Any] | None:
    """What was answered to the same delivery before, if it was; raises `DeliveryIdReused`."""
    known = await Deliveries(tx).get(delivery_id(partner.slug, signed_id))
    if known is None or _may_pass_now(known, incoming):
        return None
    answer = _again(known, incoming)
    if isinstance(answer, Problem):
        raise answer
    return answer


def _again(known: Delivery, incoming: Incoming) -> dict[str, Any] | Problem:
    """What a delivery is answered whose id was used."""
    return known.answer if known.fingerprint == incoming.fingerprint else DeliveryIdReused()


def _may_pass_now(known: Delivery, incoming: Incoming) -> bool:
    """Whether the same was refused at the door: it is looked at again."""
    return known.status == "refused" and known.fingerprint == incoming.fingerprint


@dataclass(frozen=True)
class Arrival:
    """A delivery that was found right, to be stored."""

    partner: Partner
    signed_id: str
    incoming: Incoming
    asked: list[Change | Ignored]
    context: Context = field(default_factory=copy_context)
    """Of the request: its correlation id goes into the event."""

    @property
    def id(self) -> str:
        """The delivery's."""
        return delivery_id(self.partner.slug, self.signed_id)


async def store(tx: Transaction, arrivals: Sequence[Arrival]) -> list[dict[str, Any] | Problem]:
    """Keep deliveries to be applied; each one's answer, the first one if it was known."""
    found = await Deliveries(tx).get_many([one.id for one in arrivals])
    known = {one.id: one for one in found}
    new: list[Delivery] = []
    again: list[Delivery] = []
    answers: list[dict[str, Any] | Problem] = []
    for arrival in arrivals:
        first = known.get(arrival.id)
        if first and not _may_pass_now(first, arrival.incoming):
            answers.append(_again(first, arrival.incoming))
            continue
        delivery = _delivery(arrival, tx.now)
        known[delivery.id] = delivery
        (again if first else new).append(delivery)
        event = PartnerDeliveryReceived(partner=delivery.partner, delivery_id=delivery.id)
        arrival.context.run(tx.publish, event)
        answers.append(delivery.answer)
    await Deliveries(tx).add(*new)
    for delivery in again:
        await Deliveries(tx).save(delivery)
    return answers


def _delivery(arrival: Arrival, at: datetime) -> Delivery:
    incoming = arrival.incoming
    return Delivery(
        id=arrival.id,
        partner=arrival.partner.slug,
        received_at=at,
        status="accepted",
        body=incoming.body,
        content_type=incoming.content_type,
        attributes=incoming.attributes,
        fingerprint=incoming.fingerprint,
        answer=_answer(arrival.partner, arrival.signed_id, arrival.asked),
        via=incoming.via,
    )


def _answer(partner: Partner, signed_id: str, asked: list[Change | Ignored]) -> dict[str, Any]:
    known = [one.reference for one in asked if isinstance(one, Change)]
    return {
        "delivery": signed_id,
        "events": len(asked),
        "ignored": len(asked) - len(known),
        "announcements": [relayed.announcement_id(partner.slug, one) for one in known],
    }


async def refuse(
    tx: Transaction, partner: Partner, signed_id: str, incoming: Incoming, problem: Problem
) -> dict[str, Any] | Problem:
    """Let a partner see what was refused at the door, and why; its body is not kept.

    Returns the refusal; for an id that was used, what is answered to it instead.
    """
    id_ = delivery_id(partner.slug, signed_id)
    known = await Deliveries(tx).get(id_)
    if known and not _may_pass_now(known, incoming):
        # what was right when it first came, and is over by now, has its answer
        return _again(known, incoming)
    delivery = Delivery(
        id=id_,
        partner=partner.slug,
        received_at=tx.now,
        status="refused",
        reason=_reason(problem),
        content_type=incoming.content_type[:100],
        # the binary form's attributes are not signed: others may not come under the same id
        fingerprint=incoming.fingerprint,
        via=incoming.via,
    )
    await Deliveries(tx).save(delivery)
    return problem


async def apply(tx: Transaction, id_: str, *, own_hosts: AbstractSet[str]) -> None:
    """Make announcements of a stored delivery, once; each event has its own result."""
    delivery = await Deliveries(tx).get(id_)
    if delivery is None or delivery.status != "accepted":
        return
    partner = await Partners(tx).get(delivery.partner)
    events = cloud_events.read(
        delivery.content_type, delivery.attributes, delivery.body, encoded=delivery.via == "http"
    )
    results = []
    for event in events:
        outcome, reason = "ignored", None
        if partner and event.type in cloud_events.KNOWN:
            outcome, reason = await _apply(tx, partner, event, own_hosts)
        EVENTS.labels(outcome).inc()
        results.append(
            {
                "reference": event.subject,
                "type": event.type,
                "outcome": outcome,
                "reason": reason,
            }
        )
    reasons = [str(one["reason"]) for one in results if one["reason"]]
    update = {
        "status": status_of(results),
        "results": results,
        "reason": "; ".join(reasons) or None,
    }
    await Deliveries(tx).save(delivery.model_copy(update=update))


async def _apply(
    tx: Transaction,
    partner: Partner,
    event: cloud_events.CloudEvent,
    own_hosts: AbstractSet[str],
) -> tuple[str, str | None]:
    """The outcome of one event, and why it was refused."""
    try:
        if partner.suspended:
            raise PartnerSuspended
        # again: a replay may come when its last day is over
        [change] = cloud_events.changes([event], batch=False, at=tx.now, own_hosts=own_hosts)
        if isinstance(change, Ignored):
            return "ignored", None
        result = await _relay(tx, partner, change, own_hosts)
    except Problem as problem:
        return "refused", _reason(problem)
    return result.outcome, None


async def _relay(
    tx: Transaction, partner: Partner, change: Change, own_hosts: AbstractSet[str]
) -> relayed.Result:
    source = Source.of(partner, change.reference, change.version)
    if change.call:
        return await relayed.take_over(
            tx, source, change.call, own_hosts=own_hosts, hold=partner.intake == "hold"
        )
    if change.figures:
        return await relayed.progress(
            tx, source, raised=change.figures.raised, supporters=change.figures.supporters
        )
    return await relayed.end(tx, source, ENDS[change.type])


def _reason(problem: Problem) -> str:
    """Which rule, where; never a value, nor the name of a field that its sender made up."""
    wrong = (f"{_known_place(one)}: {one.rule}" for one in problem.invalid)
    return ", ".join([problem.type, *dict.fromkeys(wrong)])


def _known_place(fault: InvalidField) -> str:
    place = _DATA.match(fault.field)
    return place[0] if place and fault.rule == "extra_forbidden" else fault.field
