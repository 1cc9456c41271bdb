"""Somebody says that a sheet is still right."""

from services.directory.domain.checks import Check, Role, SheetChanged, role_of
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.use_cases.confirmations import confirm
from services.directory.use_cases.reminders import begin_if_none
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
    noted = await _note(tx, venue, role, account.id, revision or venue.revision)
    is_new = noted.at == tx.now
    if is_new and role == "manager" and (contact := account.contact(tx.now)):
        # reminders are written to them
        tx.publish(contact)
    return noted


async def check_by_link(tx: Transaction, link: SheetLink, *, revision: int) -> Check:
    """The same by the link in a mail, for who still manages the venue."""
    venue = await venue_of_link(tx, link)
    return await _note(tx, venue, "manager", link.account_id, revision)


async def venue_of_link(tx: Transaction, link: SheetLink) -> Venue:
    """The venue of a link, if its holder still manages it; raises `NotAllowed`."""
    venue = await get_venue(tx, link.venue_id)
    if link.account_id not in venue.managers:
        raise NotAllowed("Vous n'êtes plus responsable de cette fiche.")
    return venue


async def _note(tx: Transaction, venue: Venue, role: Role, account_id: str, read: int) -> Check:
    last = await Checks(tx).last(venue.id)
    same_text = last is not None and last.covers(read, current=venue.revision)
    if last and same_text and last.repeats(role, tx.now):
        return last
    if read != venue.revision and not same_text:
        raise SheetChanged(revision=read, current_revision=venue.revision)
    if role == "manager":
        await confirm(tx, venue, account_id)
        await begin_if_none(tx, venue.id)
    made = Check(venue_id=venue.id, at=tx.now, by_role=role, read=read, revision=venue.revision)
    await Checks(tx).put(made)
    tx.publish(
        VenueChecked(venue_id=venue.id, revision=made.revision, by_role=role, checked_at=made.at)
    )
    return made
