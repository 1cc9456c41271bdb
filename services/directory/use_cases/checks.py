"""Somebody says that a sheet is still right."""

from services.directory.domain.checks import Check, Role, SheetChanged, role_of
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.directory import VenueChecked
from shared.links import SheetLink


async def check(tx: Transaction, account: Account, venue_id: str, *, revision: int | None) -> Check:
    """Note that an account finds a sheet right; raises `SheetChanged` if it read another text."""
    venue = await get_venue(tx, venue_id)
    role = role_of(account.id, venue.managers, moderator=account.may("moderator"))
    noted = await _note(tx, venue, role, revision)
    is_new = noted.at == tx.now
    if is_new and role == "manager" and (contact := account.contact(tx.now)):
        # reminders are written to them
        tx.publish(contact)
    return noted


async def check_by_link(tx: Transaction, link: SheetLink, *, revision: int) -> Check:
    """The same by the link in a mail, for who still manages the venue."""
    venue = await venue_of_link(tx, link)
    return await _note(tx, venue, "manager", revision)


async def venue_of_link(tx: Transaction, link: SheetLink) -> Venue:
    """The venue of a link, if its holder still manages it; raises `NotAllowed`."""
    venue = await get_venue(tx, link.venue_id)
    if link.holder.removeprefix("account:") not in venue.managers:
        raise NotAllowed("Vous n'êtes plus responsable de cette fiche.")
    return venue


async def _note(tx: Transaction, venue: Venue, role: Role, revision: int | None) -> Check:
    if revision not in (None, venue.revision):
        raise SheetChanged(revision=revision, current_revision=venue.revision)
    made = Check(venue_id=venue.id, at=tx.now, by_role=role, revision=venue.revision)
    last = await Checks(tx).last(venue.id)
    if last and made.repeats(last):
        return last
    await Checks(tx).put(made)
    tx.publish(
        VenueChecked(venue_id=venue.id, revision=venue.revision, by_role=role, checked_at=made.at)
    )
    return made
