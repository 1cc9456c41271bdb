"""Sheets: what they say, how they get another revision, and who manages them."""

from collections.abc import Iterable, Mapping

from services.directory.domain.fiche import public_addresses
from services.directory.domain.provenance import Origin
from services.directory.domain.venues import (
    Acceptance,
    Change,
    Revision,
    Venue,
    VenueNotFound,
    day,
    first_revision,
)
from services.directory.store.venues import History, Venues
from services.directory.use_cases import reminders
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events import FieldValue
from shared.events.contacts import VenueAddressesChanged
from shared.events.directory import VenueManagersChanged, VenueUpdated


async def get_venue(tx: Transaction, venue_id: str) -> Venue:
    """A venue, or the one that it was merged into; raises `VenueNotFound`."""
    venue = await Venues(tx).staying(venue_id)
    if venue is None:
        raise VenueNotFound(venue_id=venue_id)
    return venue


async def get_own(tx: Transaction, venue_id: str) -> Venue:
    """A venue as it was kept under this very id, merged or not; raises `VenueNotFound`."""
    venue = await Venues(tx).get(venue_id)
    if venue is None:
        raise VenueNotFound(venue_id=venue_id)
    return venue


async def merged_into(tx: Transaction, venue_id: str) -> str | None:
    """The venue that stays, if this one was merged; none if it was not, or is not known."""
    if not await Venues(tx).is_merged(venue_id):
        return None
    return (await get_venue(tx, venue_id)).id


async def lineage(tx: Transaction, venue_id: str) -> list[Venue]:
    """A venue, the one that it was merged into, and so on to the one that stays."""
    venues = [await get_own(tx, venue_id)]
    while into := venues[-1].merged_into:
        venues.append(await get_own(tx, into))
    return venues


async def get_history(tx: Transaction, venue_id: str) -> list[Revision]:
    """A sheet's history, newest first."""
    return await history_of(tx, await get_venue(tx, venue_id))


async def history_of(tx: Transaction, venue: Venue) -> list[Revision]:
    """The history of this very sheet, newest first."""
    history = await History(tx).of(venue.id)
    if history and history[-1].revision == 1:
        return history
    return [*history, first_revision(venue, history)]


async def set_manager(
    tx: Transaction, account: Account, venue_id: str, manager: str, *, manages: bool
) -> Venue:
    """Say whether an account manages a venue; moderators and admins only."""
    if not account.may("moderator"):
        raise NotAllowed
    # a manager's word binds: it is given by somebody else
    if manager == account.id and manages:
        raise NotAllowed("Demandez à une autre personne de l'équipe de vous confier cette fiche.")
    venue = await get_venue(tx, venue_id)
    others = [one for one in venue.managers if one != manager]
    return await _manage(tx, venue, [*others, manager] if manages else others)


async def add_manager(tx: Transaction, venue_id: str, manager: str) -> None:
    """Let an account manage a venue whose claim was approved, once."""
    venue = await get_venue(tx, venue_id)
    if manager not in venue.managers:
        await _manage(tx, venue, [*venue.managers, manager])


async def _manage(tx: Transaction, venue: Venue, managers: list[str]) -> Venue:
    if sorted(managers) == sorted(venue.managers):
        return venue
    former = set(venue.managers)
    venue = venue.model_copy(
        update={"managers": managers, "managers_revision": venue.managers_revision + 1}
    )
    await Venues(tx).save_managers(venue)
    if set(managers) - former:
        await reminders.begin(tx, venue.id)
    tell_managers(tx, venue)
    return venue


def tell_managers(tx: Transaction, venue: Venue) -> None:
    """Publish who manages a venue now."""
    tx.publish(
        VenueManagersChanged(
            venue_id=venue.id, revision=venue.managers_revision, managers=venue.managers
        )
    )


async def revise(
    tx: Transaction,
    venue: Venue,
    values: Mapping[str, tuple[FieldValue, FieldValue]],
    *,
    by: str,
    accepted: Acceptance,
    origins: Mapping[str, Origin] | None = None,
) -> None:
    """Write the next revision of a sheet, in place: old and new of each field, dated today.

    `origins` say where values come from that this revision does not bring but bring back.
    """
    before = public_addresses(venue.fiche)
    dated = (venue.fiche.get("date_maj"), day(tx.now))
    if dated[0] != dated[1]:
        values = {**values, "date_maj": dated}
    entry = venue.revise(values, by=by, accepted=accepted, now=tx.now, origins=origins)
    await Venues(tx).save(venue)
    await History(tx).add([entry])
    tell_addresses(tx, venue, before)
    tell_update(tx, venue, entry.changes)


def tell_addresses(tx: Transaction, venue: Venue, before: list[str]) -> None:
    """Publish a venue's public addresses if they are no longer those of before."""
    if event := addresses_changed(venue, before):
        tx.publish(event)


def addresses_changed(venue: Venue, before: list[str]) -> VenueAddressesChanged | None:
    """What to publish of a venue's public addresses, if they are no longer those of before."""
    addresses = public_addresses(venue.fiche)
    if addresses == before:
        return None
    return VenueAddressesChanged(venue_id=venue.id, revision=venue.revision, addresses=addresses)


def tell_update(tx: Transaction, venue: Venue, changes: Iterable[Change]) -> None:
    """Publish which columns of a known sheet say something else; a new date alone says nothing."""
    fields = [change.field for change in changes if change.old != change.new]
    if not {*fields} - {"date_maj"}:
        return
    tx.publish(
        VenueUpdated(
            venue_id=venue.id,
            revision=venue.revision,
            nom=venue.nom,
            code_insee=_text(venue.fiche.get("code_insee")),
            code_postal=_text(venue.fiche.get("code_postal")),
            fields=fields,
            updated_at=tx.now,
        )
    )


def _text(value: FieldValue) -> str | None:
    return str(value) if value else None
