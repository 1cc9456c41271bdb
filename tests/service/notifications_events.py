"""What the other services tell notifications, and what it then says of its mails."""

import datetime as dt
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from shared.database import now
from shared.events import Author, FieldChange
from shared.events.contacts import AccountContactChanged, VenueAddressesChanged
from shared.events.directory import EditApplied
from shared.events.moderation import Decision, ReviewOpened
from tests.harness import System
from tests.harness.stories import Person
from tests.harness.system import token

MODERATOR = token("moderator", "moderator")
DEADLINE = now().replace(microsecond=0) + dt.timedelta(days=7)
BY_MANAGER = Decision(how="manager", by="venue:x", at=now(), reason="Le nom est bon.")
CHANGE = FieldChange(field="horaires", old="Mo-Fr 09:00-12:00", new="Mo-Sa 10:00-18:00")


def contact(person: Person) -> AccountContactChanged:
    """Where a person reads their mail."""
    return AccountContactChanged(account_id=person.id, email=person.email, changed_at=now())


def author(person: Person) -> Author:
    """How events name a person."""
    return Author(account_id=person.id, name="Ada L.")


def public(venue: str, *addresses: str) -> VenueAddressesChanged:
    """The public addresses of a venue."""
    return VenueAddressesChanged(venue_id=venue, revision=1, addresses=list(addresses))


def waiting(person: Person, venue: str, **values: Any) -> dict[str, Any]:
    """What moderation says of an open case."""
    said = {
        "case_id": uuid4().hex,
        "revision": 1,
        "kind": "edit",
        "venue_id": venue,
        "title": "Médiathèque des Tilleuls",
        "changes": [CHANGE],
        "text": "Vu sur place.",
        "author": author(person),
        "public_addresses": 1,
        "deadline": DEADLINE,
    }
    return said | values


def review(person: Person, venue: str, **values: Any) -> ReviewOpened:
    """A case that has just been opened."""
    return ReviewOpened(**waiting(person, venue, **values), opened_at=now())


def decided(person: Person) -> dict[str, Any]:
    """What moderation says of a decision."""
    return {
        "case_id": uuid4().hex,
        "revision": 2,
        "author": author(person),
        "title": "Médiathèque des Tilleuls",
        "decision": BY_MANAGER,
    }


def new_venue() -> tuple[str, str]:
    """The id of a venue that only this test knows, and a public address for it."""
    venue = f"lieu-{uuid4().hex[:8]}"
    return venue, f"accueil@{venue}.example.org"


def deliveries(system: System, case: str) -> dict[str, Any]:
    """What became of each mail about a case, by recipient."""
    items = system.get("notifications", f"/deliveries?case_id={case}", as_=MODERATOR)["items"]
    return {item["recipient"]: item for item in items}


def subject(mail: EmailMessage) -> str:
    """A mail's subject."""
    return str(mail["Subject"])


def applied(person: Person, venue: str, **values: Any) -> EditApplied:
    """What the directory says of an edit that is online."""
    said: dict[str, Any] = {
        "venue_id": venue,
        "proposal_id": uuid4().hex,
        "venue_nom": "Médiathèque",
        "revision": 2,
        "author": author(person),
        "accepted_by": "manager",
        "applied": [CHANGE],
        "unchanged": [],
        "conflicts": [],
        "public_addresses": 1,
        "applied_at": now(),
    }
    return EditApplied(**said | values)
