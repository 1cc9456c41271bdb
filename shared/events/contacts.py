"""The only road for addresses of people: one compacted topic, keyed by whom they belong to.

Published by the service that learns an address, kept by those that write to people.
"""

import hashlib

from pydantic import AwareDatetime

from shared.events.base import Event

STREAM = "contacts"


def account_key(account_id: str) -> str:
    """The key of a person's own contact."""
    return account_id


def venue_key(venue_id: str) -> str:
    """The key of a venue's public addresses."""
    return f"venue:{venue_id}"


def proposal_key(proposal_id: str) -> str:
    """The key of the addresses that a proposal would change."""
    return f"proposal:{proposal_id}"


def digest(about: str, address: str) -> str:
    """Which of some addresses is meant, told without it; another one for each matter."""
    return hashlib.sha256(f"{about}:{address.lower()}".encode()).hexdigest()


class AccountContactChanged(Event):
    """Where one person reads their mail."""

    STREAM = STREAM
    account_id: str
    email: str
    name: str = ""
    changed_at: AwareDatetime

    @property
    def key(self) -> str:
        """The account."""
        return account_key(self.account_id)


class VenueAddressesChanged(Event):
    """The public addresses (`courriels`) of a venue, at this revision of its sheet."""

    STREAM = STREAM
    venue_id: str
    revision: int
    addresses: list[str]

    @property
    def key(self) -> str:
        """The venue."""
        return venue_key(self.venue_id)


class AddressesProposed(Event):
    """The values of `courriels` in a proposal, old and new, until it is closed."""

    STREAM = STREAM
    proposal_id: str
    old: list[str]
    new: list[str]

    @property
    def key(self) -> str:
        """The proposal."""
        return proposal_key(self.proposal_id)


class ContactErased(Event):
    """A tombstone, now or later: travels with the contact's key and no body at all."""

    STREAM = STREAM
    contact: str

    @property
    def key(self) -> str:
        """The contact erased."""
        return self.contact
