"""Everything that can happen: a contact is learned, somebody is told something or cannot be."""

from uuid import uuid4

from services.notifications import domain
from services.notifications.domain import Delivery, Final, Told
from services.notifications.store import Contacts, Deliveries, MergedVenues
from shared.database import Transaction
from shared.events.contacts import (
    AccountContactChanged,
    AddressesProposed,
    ContactErased,
    VenueAddressesChanged,
    venue_key,
)
from shared.events.directory import VenuesMerged, VenuesUnmerged
from shared.observability import correlated, correlation_id


async def learn_account(tx: Transaction, event: AccountContactChanged) -> None:
    """Keep where a person reads their mail."""
    await Contacts(tx).keep(event.key, event.changed_at, addresses=[event.email], name=event.name)


async def learn_venue(tx: Transaction, event: VenueAddressesChanged) -> None:
    """Keep the public addresses of a venue."""
    await Contacts(tx).keep(event.key, event.revision, addresses=event.addresses)


async def follow_merge(tx: Transaction, event: VenuesMerged) -> None:
    """Send what is for a merged venue to the one that stays."""
    keys = venue_key(event.merged_id), venue_key(event.venue_id)
    await MergedVenues(tx).put(*keys, event.merged_at)


async def follow_unmerge(tx: Transaction, event: VenuesUnmerged) -> None:
    """Send it to its own addresses again."""
    await MergedVenues(tx).remove(venue_key(event.merged_id), venue_key(event.venue_id))


async def learn_proposal(tx: Transaction, event: AddressesProposed) -> None:
    """Keep the addresses that a proposal would change, until it is closed."""
    # they come in order: the last ones are those of the present text
    await Contacts(tx).keep(event.key, 0, old=event.old, new=event.new)


async def forget(tx: Transaction, event: ContactErased) -> None:
    """Forget a contact."""
    await Contacts(tx).erase(event.key)


async def tell(tx: Transaction, event: Told) -> None:
    """Have everybody told whom an event concerns; the same event twice tells them once."""
    await Deliveries(tx).add(
        domain.deliveries(
            event,
            domain.plan(event),
            correlation_id=correlation_id.get(),
            secret=uuid4().hex,
            moment=tx.now,
        )
    )


async def finish(
    tx: Transaction, delivery_id: str, state: Final, error: str | None = None
) -> Delivery:
    """Note the last attempt of a delivery and let the others know; returns it as it is now."""
    delivery = await Deliveries(tx).get(delivery_id)
    if delivery.state != "pending":
        return delivery
    done = domain.finished(delivery, state, tx.now, error)
    await Deliveries(tx).put(done)
    _publish_outcome(tx, done)
    return done


async def note_bounce(tx: Transaction, name: str) -> Delivery | None:
    """Note that a mail came back, by what its Message-ID begins with; None if it is not ours.

    The same bounce twice is noted once.
    """
    delivery = await Deliveries(tx).with_mail(name)
    if delivery is None:
        return None
    after = domain.bounced(delivery, name)
    await Deliveries(tx).put(after)
    if after.state != delivery.state:
        with correlated(after.correlation_id, {}):
            _publish_outcome(tx, after)
    return after


def _publish_outcome(tx: Transaction, delivery: Delivery) -> None:
    event = domain.outcome(delivery, tx.now)
    tx.publish(event, event_id=f"{type(event).__name__}:{delivery.id}")


async def deliveries_of(tx: Transaction, case_id: str) -> list[Delivery]:
    """What was or will be sent about a proposal or an announcement."""
    return await Deliveries(tx).of_case(case_id)
