"""Somebody reports a sheet, and what follows once moderation says that it is founded."""

from datetime import datetime
from uuid import uuid4

from services.directory.domain.notices import today
from services.directory.domain.reports import (
    Delisting,
    NotDelisted,
    Report,
    check_other,
)
from services.directory.domain.venues import Venue, VenueNotFound
from services.directory.store.reports import Delistings, Reports
from services.directory.store.venues import Venues
from services.directory.use_cases.duplicates import note_reported
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import InvalidField, InvalidInput, NotAllowed
from shared.events.directory import (
    ReportReason,
    VenueCorrectionAsked,
    VenueListingChanged,
    VenueReported,
)


async def report(
    tx: Transaction,
    account: Account,
    venue_id: str,
    *,
    reason: ReportReason,
    text: str,
    other_venue: str | None = None,
) -> str:
    """Say that something is wrong with a sheet; returns the id of the case."""
    venue = await get_venue(tx, venue_id)
    check_other(venue_id, reason, other_venue)
    if other_venue and await Venues(tx).get(other_venue) is None:
        message = "Cette autre fiche n'existe pas dans l'annuaire."
        raise InvalidInput(invalid=[InvalidField("other_venue", "unknown", message)])
    made = Report(
        id=uuid4().hex,
        venue_id=venue_id,
        reason=reason,
        text=text,
        other_venue=other_venue,
        reported_at=tx.now,
    )
    await Reports(tx).put(made)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    tx.publish(
        VenueReported(
            venue_id=venue.id,
            report_id=made.id,
            venue_nom=venue.nom,
            author=account.author,
            text=text,
            code_insee=_text(venue, "code_insee"),
            code_postal=_text(venue, "code_postal"),
            reason=reason,
            other_venue=other_venue,
            reported_at=tx.now,
        )
    )
    return made.id


async def uphold(tx: Transaction, report_id: str, *, by: str, at: datetime) -> None:
    """Do what follows from a report that is founded, once; who (`account:…`) decided that, when."""
    made = await Reports(tx).get(report_id)
    # older ones have no reason: people do what is to be done
    if made is None or made.upheld_at:
        return
    await Reports(tx).put(made.model_copy(update={"upheld_at": at}))
    venue = await _staying(tx, made.venue_id)
    match made.reason:
        case "closed" | "charter":
            await _delist(
                tx,
                Delisting(venue_id=venue.id, why=made.reason, since=today(at), report_id=report_id),
            )
        case "wrong":
            _ask_for_correction(tx, venue, made)
        case "duplicate":
            other = await _staying(tx, made.other_venue or "")
            # they may have been merged meanwhile
            if other.id != venue.id:
                await note_reported(tx, venue, other, by)


async def _staying(tx: Transaction, venue_id: str) -> Venue:
    """A venue, or the one that it was merged into since; raises `VenueNotFound`."""
    venue = await Venues(tx).staying(venue_id)
    if venue is None:
        raise VenueNotFound(venue_id=venue_id)
    return venue


async def relist(tx: Transaction, account: Account, venue_id: str) -> Venue:
    """Put a sheet back into the search and the lists; for moderators."""
    if not account.may("moderator"):
        raise NotAllowed
    venue = await get_venue(tx, venue_id)
    if venue_id not in await Delistings(tx).of([venue_id]):
        raise NotDelisted
    await Delistings(tx).remove(venue_id)
    tx.publish(VenueListingChanged(venue_id=venue_id, changed_at=tx.now))
    return venue


async def _delist(tx: Transaction, delisting: Delisting) -> None:
    known = (await Delistings(tx).of([delisting.venue_id])).get(delisting.venue_id)
    # what breaks the charter is the graver word; else the first date stays
    if known and known.why in (delisting.why, "charter"):
        return
    await Delistings(tx).put(delisting)
    tx.publish(
        VenueListingChanged(
            venue_id=delisting.venue_id,
            left=delisting.why,
            since=delisting.since,
            changed_at=tx.now,
        )
    )


def _ask_for_correction(tx: Transaction, venue: Venue, made: Report) -> None:
    if venue.managers:
        tx.publish(
            VenueCorrectionAsked(
                venue_id=venue.id,
                report_id=made.id,
                venue_nom=venue.nom,
                managers=venue.managers,
                text=made.text,
                asked_at=tx.now,
            )
        )


def _text(venue: Venue, field: str) -> str | None:
    value = venue.fiche.get(field)
    return str(value) if value else None
