"""Sheets as the search index reads them: whatever it shows or finds by comes from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.directory.domain.checks import Check
from services.directory.domain.shown import shown
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.store.reports import Delistings
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
    checked_on: date | None = None
    """When somebody last found it right."""


class Sheets:
    """The sheets that can be found."""

    def __init__(self, tx: Transaction) -> None:
        self._venues = Venues(tx)
        self._delistings = Delistings(tx)
        self._checks = Checks(tx)

    async def of(self, ids: Sequence[str]) -> list[Sheet]:
        """Those of these venues that can be found."""
        found = await self._venues.get_many(ids)
        return await self._listed(list(found.values()))

    async def page(self, first: int, count: int) -> list[Sheet]:
        """Those at these places of the list that can be found."""
        found = await self._venues.page(first, count)
        return await self._listed(found)

    async def _listed(self, venues: list[Venue]) -> list[Sheet]:
        listed = await self._delistings.listed(venues)
        checks = await self._checks.last_of([venue.id for venue in listed])
        return [_sheet(venue, checks.get(venue.id)) for venue in listed]

    async def places(self) -> int:
        """How many places the list has."""
        return await self._venues.count()


def _sheet(venue: Venue, check: Check | None) -> Sheet:
    return Sheet(
        venue.id,
        venue.ordinal,
        venue.revision,
        venue.fiche,
        shown(venue),
        checked_on=check.on if check else None,
    )
