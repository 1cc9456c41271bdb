"""Who last said that a sheet is right; kept beside sheets, so that no import touches it."""

from collections.abc import Sequence

from services.directory.domain.checks import Check
from services.directory.store.documents import in_parts
from shared.database import Document, Transaction


class Checks:
    """The last check of each sheet."""

    def __init__(self, tx: Transaction) -> None:
        self._checks = tx["checks"]

    async def last(self, venue_id: str) -> Check | None:
        """The last check of a sheet, if there was one."""
        return (await self.last_of([venue_id])).get(venue_id)

    async def last_of(self, venue_ids: Sequence[str]) -> dict[str, Check]:
        """The last check of each of these sheets that has one, by venue."""
        found = [
            one
            for ids in in_parts(venue_ids)
            for one in await self._checks.find({"_id": {"$in": ids}})
        ]
        return {one["_id"]: _check(one) for one in found}

    async def put(self, check: Check) -> None:
        """Keep the last check of a sheet."""
        await self._checks.put({"_id": check.venue_id, **check.model_dump()})


def _check(document: Document) -> Check:
    return Check.model_validate(document)
