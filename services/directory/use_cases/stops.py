"""The stops of an itinerant venue are read, and written by who looks after its sheet."""

from collections.abc import Mapping, Sequence

from services.directory.domain.stops import (
    Stop,
    Stops,
    check_itinerant,
    check_stops,
    next_end,
    shown_stops,
)
from services.directory.domain.venues import Venue
from services.directory.store.stops import VenueStops
from services.directory.store.venues import Venues
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events import FieldValue
from shared.events.directory import VenueStopEnded, VenueStopsChanged, stops_timer


async def get_stops(tx: Transaction, venue_id: str) -> Stops:
    """A venue's stops; none where nobody has written any."""
    await get_venue(tx, venue_id)
    return await VenueStops(tx).get(venue_id)


async def shown_of(tx: Transaction, venue: Venue) -> list[Stop]:
    """The stops of a venue that help somebody now or later."""
    kept = await VenueStops(tx).get(venue.id)
    return shown_stops(venue.fiche, kept.stops, tx.now)


async def get_stops_history(tx: Transaction, venue_id: str) -> list[Stops]:
    """Every list of stops that a venue has had, newest first."""
    await get_venue(tx, venue_id)
    return await VenueStops(tx).history(venue_id)


async def put_stops(
    tx: Transaction,
    account: Account,
    venue_id: str,
    given: Sequence[Mapping[str, FieldValue]],
    *,
    base_revision: int,
) -> Stops:
    """Replace all stops of a venue that its sheet says is itinerant; an empty list always may."""
    venue = await get_venue(tx, venue_id)
    if account.id not in venue.managers and not account.may("moderator"):
        raise NotAllowed
    if given:
        check_itinerant(venue.fiche)
    stops = check_stops(given)
    known = await VenueStops(tx).get(venue.id)
    after = known.replaced(
        stops, base_revision=base_revision, by=f"account:{account.id}", at=tx.now
    )
    if after.stops == known.stops:
        return known
    await VenueStops(tx).save(after)
    _tell(tx, after)
    return after


async def end_stops(tx: Transaction, venue_id: str) -> None:
    """Have those told who find venues by their stops that one of these is over."""
    venue = await Venues(tx).staying(venue_id)
    if venue:
        _tell(tx, await VenueStops(tx).get(venue.id))


def _tell(tx: Transaction, kept: Stops) -> None:
    tx.publish(
        VenueStopsChanged(
            venue_id=kept.venue_id,
            revision=kept.revision,
            count=len(kept.stops),
            changed_at=tx.now,
        )
    )
    end = next_end(kept.stops, tx.now)
    if end is None:
        tx.unschedule(stops_timer(kept.venue_id))
        return
    timer = VenueStopEnded(venue_id=kept.venue_id, ended_at=end)
    tx.schedule(timer, at=end, timer_id=timer.timer_id)
