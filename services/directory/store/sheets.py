"""Sheets as the search index reads them: whatever it shows or finds by comes from here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.directory.domain.checks import Check
from services.directory.domain.shown import shown
from services.directory.domain.stops import Stop, moves, shown_stops
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.store.reports import Delistings
from services.directory.store.stops import stops_of
from services.directory.store.venues import Venues
from shared.database import Transaction
from shared.events import FieldValue


@dataclass(frozen=True)
class Sheet:
    """A venue's sheet: its place in the list, what it says, and what everybody may read."""

    id: str
    ordinal: int
    revision: int
    fiche: dict[str, FieldValue]
    public: dict[str, Any]
    stops: Sequence[Stop] = ()
    """Where an itinerant venue stands, now or later."""
    checked_on: date | None = None
    """When somebody last found it right."""


class Sheets:
    """The sheets that can be found."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._venues = Venues(tx)

    async def of(self, ids: Sequence[str]) -> list[Sheet]:
        """Those of these venues that can be found."""
        found = await self._venues.get_many(ids)
        return await self._sheets(found.values())

    async def page(self, first: int, count: int) -> list[Sheet]:
        """Those at these places of the list that can be found."""
        found = await self._venues.page(first, count)
        return await self._sheets(found)

    async def places(self) -> int:
        """How many places the list has."""
        return await self._venues.count()

    async def _sheets(self, venues: Iterable[Venue]) -> list[Sheet]:
        found = await Delistings(self._tx).listed(list(venues))
        checks = await Checks(self._tx).last_of([one.id for one in found])
        stops = await stops_of(self._tx, [one.id for one in found if moves(one.fiche)])
        return [
            _sheet(one, stops.get(one.id, ()), checks.get(one.id), self._tx.now) for one in found
        ]


def _sheet(venue: Venue, stops: Sequence[Stop], check: Check | None, now: datetime) -> Sheet:
    public = shown(venue)
    standing = shown_stops(venue.fiche, stops, now)
    if standing:
        public["arrets"] = [one.model_dump(mode="json") for one in standing]
    return Sheet(
        venue.id,
        venue.ordinal,
        venue.revision,
        venue.fiche,
        public,
        standing,
        checked_on=check.on if check else None,
    )
