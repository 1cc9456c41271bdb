"""Sheets as the search index reads them: whatever it shows or finds by comes from here."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.directory.domain.checks import Check
from services.directory.domain.notices import Notice
from services.directory.domain.shown import shown
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.store.notices import Notices
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
    checked_on: dt.date | None = None
    """When somebody last said that it is right."""
    closures: tuple[Days, ...] = ()
    """When the venue is closed whatever its hours say."""


class Sheets:
    """The sheets that can be found."""

    def __init__(self, tx: Transaction) -> None:
        self._venues = Venues(tx)
        self._checks = Checks(tx)
        self._notices = Notices(tx)
        self._today = tx.now.date()

    async def of(self, ids: Sequence[str]) -> list[Sheet]:
        """Those of these venues that can be found."""
        return await self._sheets([*(await self._venues.get_many(ids)).values()])

    async def page(self, first: int, count: int) -> list[Sheet]:
        """Those at these places of the list that can be found."""
        return await self._sheets(await self._venues.page(first, count))

    async def places(self) -> int:
        """How many places the list has."""
        return await self._venues.count()

    async def _sheets(self, found: Sequence[Venue]) -> list[Sheet]:
        venues = [venue for venue in found if not venue.merged_into]
        checks: dict[str, Check] = {}
        notices: dict[str, list[Notice]] = {}
        for ids in _parts([venue.id for venue in venues]):
            checks |= await self._checks.last_of(ids)
            # one that ends today in Paris may go on elsewhere
            notices |= await self._notices.shown_of(ids, self._today - dt.timedelta(days=1))
        return [_sheet(venue, checks.get(venue.id), notices.get(venue.id, ())) for venue in venues]


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), ASKED):
        yield ids[first : first + ASKED]


def _sheet(venue: Venue, check: Check | None, notices: Sequence[Notice]) -> Sheet:
    return Sheet(
        venue.id,
        venue.ordinal,
        venue.revision,
        venue.fiche,
        {
            **shown(venue),
            "absent_from_source": venue.absent_from_source,
            "checked_on": check.on if check else None,
        },
        check.on if check else None,
        tuple((one.starts_on, one.until) for one in notices if one.kind == "closure"),
    )
