"""Who last said that a sheet is right; kept beside sheets, so that no import touches it."""

from collections.abc import Sequence

from services.directory.domain.checks import Check
from shared.database import Document, Index, Transaction

INDEXES = (Index("confirmations", [("venue_id", 1)]),)


class Checks:
    """The last check of each sheet, and all that its managers have confirmed."""

    def __init__(self, tx: Transaction) -> None:
        self._checks = tx["checks"]
        self._confirmations = tx["confirmations"]

    async def last(self, venue_id: str) -> Check | None:
        """The last check of a sheet, if there was one."""
        return (await self.last_of([venue_id])).get(venue_id)

    async def last_of(self, venue_ids: Sequence[str]) -> dict[str, Check]:
        """The last check of each of these sheets that has one, by venue."""
        found = await self._checks.find({"_id": {"$in": list(venue_ids)}})
        return {one["_id"]: _check(one) for one in found}

    async def put(self, check: Check) -> None:
        """Keep the last check of a sheet; a manager's is kept for its history, too."""
        row = check.model_dump()
        await self._checks.put({"_id": check.venue_id, **row})
        if check.by_role == "manager":
            await self._confirmations.put(
                {"_id": f"{check.venue_id}@{check.at.isoformat()}", **row}
            )

    async def confirmations(self, venue_id: str) -> list[Check]:
        """What its managers have confirmed, newest first."""
        found = await self._confirmations.find({"venue_id": venue_id})
        return sorted(map(_check, found), key=lambda one: one.at, reverse=True)


def _check(document: Document) -> Check:
    return Check.model_validate(document)
