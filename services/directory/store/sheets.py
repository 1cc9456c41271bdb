"""Sheets as the search index reads them: whatever it shows or finds by comes from here."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.directory.domain.checks import Check
from services.directory.domain.notices import Notice
from services.directory.domain.shown import shown
from services.directory.domain.stops import Stop, moves, shown_stops
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.store.notices import Notices
from services.directory.store.reports import Delistings
from services.directory.store.stops import stops_of
from services.directory.store.venues import ASKED, Venues
from shared.database import Transaction
from shared.events import FieldValue

Days = tuple[dt.date, dt.date]
"""The first and the last, both included."""


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
    checked_on: dt.date | None = None
    """When somebody last said that it is right."""
    closures: tuple[Days, ...] = ()
    """When the venue is closed whatever its hours say."""


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
        stops = await stops_of(self._tx, [one.id for one in found if moves(one.fiche)])
        checks: dict[str, Check] = {}
        notices: dict[str, list[Notice]] = {}
        for ids in _parts([venue.id for venue in found]):
            checks |= await Checks(self._tx).last_of(ids)
            # one that ends today in Paris may go on elsewhere
            yesterday = self._tx.now.date() - dt.timedelta(days=1)
            notices |= await Notices(self._tx).shown_of(ids, yesterday)
        return [
            _sheet(
                one,
                shown_stops(one.fiche, stops.get(one.id, ()), self._tx.now),
                checks.get(one.id),
                notices.get(one.id, ()),
            )
            for one in found
        ]


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), ASKED):
        yield ids[first : first + ASKED]


def _sheet(
    venue: Venue, standing: Sequence[Stop], check: Check | None, notices: Sequence[Notice]
) -> Sheet:
    public = shown(venue) | {
        "absent_from_source": venue.absent_from_source,
        "checked_on": check.on if check else None,
    }
    if standing:
        public["arrets"] = [one.model_dump(mode="json") for one in standing]
    return Sheet(
        venue.id,
        venue.ordinal,
        venue.revision,
        venue.fiche,
        public,
        standing,
        check.on if check else None,
        tuple((one.starts_on, one.until) for one in notices if one.kind == "closure"),
    )
