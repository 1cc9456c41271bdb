"""What was reported of sheets, and the sheets that left the lists for it."""

from collections.abc import Sequence

from services.directory.domain.reports import Delisting, Report
from services.directory.domain.venues import Venue
from services.directory.store.documents import document, fields, in_parts
from shared.database import Transaction


class Reports:
    """Reports, founded or not."""

    def __init__(self, tx: Transaction) -> None:
        self._reports = tx["reports"]

    async def get(self, report_id: str) -> Report | None:
        """One report."""
        found = await self._reports.get(report_id)
        return Report.model_validate(fields(found)) if found else None

    async def put(self, report: Report) -> None:
        """Add or replace a report."""
        await self._reports.put(document(report))


class Delistings:
    """The sheets that are no longer searched nor listed."""

    def __init__(self, tx: Transaction) -> None:
        self._delistings = tx["delistings"]

    async def of(self, venue_ids: Sequence[str]) -> dict[str, Delisting]:
        """Those of these venues that have left the lists, by venue."""
        found = [
            one
            for ids in in_parts(venue_ids)
            for one in await self._delistings.find({"_id": {"$in": ids}})
        ]
        return {one["_id"]: Delisting.model_validate(one) for one in found}

    async def listed(self, venues: Sequence[Venue]) -> list[Venue]:
        """Those of these venues that are searched and listed: not merged away, not delisted."""
        left = await self.of([venue.id for venue in venues])
        return [one for one in venues if one.merged_into is None and one.id not in left]

    async def put(self, delisting: Delisting) -> None:
        """Take a sheet out of the lists."""
        # the database has moments, and no days
        row = delisting.model_dump(mode="json")
        await self._delistings.put({"_id": delisting.venue_id, **row})

    async def remove(self, venue_id: str) -> None:
        """Put a sheet back into the lists."""
        await self._delistings.delete({"_id": venue_id})
