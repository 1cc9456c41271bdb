"""Everything that can happen: a contact is learned, somebody is to be told something."""

from services.notifications import domain
from services.notifications.domain import Delivery, Told
from services.notifications.store import Contacts, Deliveries
from shared.database import Transaction
from shared.events.contacts import (
    AccountContactChanged,
    AddressesProposed,
    ContactErased,
    VenueAddressesChanged,
)
from shared.observability import correlation_id


async def learn_account(tx: Transaction, event: AccountContactChanged) -> None:
    """Keep where a person reads their mail."""
    await Contacts(tx).keep(event.key, event.changed_at, addresses=[event.email], name=event.name)


async def learn_venue(tx: Transaction, event: VenueAddressesChanged) -> None:
    """Keep the public addresses of a venue."""
    await Contacts(tx).keep(event.key, event.revision, addresses=event.addresses)


async def learn_proposal(tx: Transaction, event: AddressesProposed) -> None:
    """Keep the addresses that a proposal would change, until it is closed."""
    # proposed once: it has no other version
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
            moment=tx.now,
        )
    )


async def deliveries_of(tx: Transaction, case_id: str) -> list[Delivery]:
    """What was or will be sent about a proposal or an announcement."""
    return await Deliveries(tx).of_case(case_id)
