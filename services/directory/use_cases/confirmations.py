"""Values that somebody looks at again: a manager's whole sheet, or what silence accepted."""

from collections.abc import Iterable

from services.directory.domain.provenance import Origin
from services.directory.domain.venues import Revision, Venue
from services.directory.store.venues import History, Venues
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import InvalidField, InvalidInput, NotAllowed
from shared.events.directory import VenueConfirmed


async def confirm(tx: Transaction, venue: Venue, account_id: str) -> None:
    """Note, in place, that a manager finds the whole sheet still right: their word counts anew."""
    written = [name for name, one in venue.origins.items() if one.by_people]
    await _keep(tx, venue, venue.confirm(written, f"account:{account_id}", tx.now), written)


async def recheck(tx: Transaction, account: Account, venue_id: str, fields: Iterable[str]) -> Venue:
    """Note that values accepted by silence are right; for the venue's managers and moderators."""
    venue = await get_venue(tx, venue_id)
    if account.id not in venue.managers and not account.may("moderator"):
        raise NotAllowed
    waiting = venue.to_recheck()
    if unknown := [name for name in fields if name not in waiting]:
        message = "Cette valeur n'attend pas de relecture."
        raise InvalidInput(
            invalid=[InvalidField(f"fields.{name}", "not_waiting", message) for name in unknown]
        )
    names = sorted(set(fields))
    await _keep(tx, venue, venue.confirm(names, f"account:{account.id}", tx.now), names)
    return venue


async def to_recheck(
    tx: Transaction, *, after: tuple[str, str] | None, limit: int
) -> list[tuple[Venue, dict[str, Origin]]]:
    """Venues with values accepted by silence, the oldest first, `limit` of them.

    `after` is `recheck_since` (ISO 8601) and id of the last one seen.
    """
    venues = sorted(await Venues(tx).to_recheck(tx.now), key=recheck_place)
    ahead = [one for one in venues if after is None or recheck_place(one) > after]
    return [(one, one.to_recheck()) for one in ahead[:limit]]


def recheck_place(venue: Venue) -> tuple[str, str]:
    """Where a venue is on the list."""
    return (venue.recheck_since.isoformat() if venue.recheck_since else "", venue.id)


async def _keep(tx: Transaction, venue: Venue, entry: Revision, fields: list[str]) -> None:
    await Venues(tx).save(venue)
    await History(tx).add([entry])
    tx.publish(
        VenueConfirmed(
            venue_id=venue.id, revision=venue.revision, fields=fields, confirmed_at=tx.now
        )
    )
