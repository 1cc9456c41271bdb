"""Queries of moderation, one class per collection."""

from collections.abc import Sequence
from typing import Any

from services.moderation.domain import ReviewCase
from shared.database import Document, Index, Transaction

INDEXES = (
    Index("cases", [("state", 1)]),
    Index("cases", [("venue_id", 1)], sparse=True),
    Index("venue_managers", [("managers", 1)]),
)


def _document(case: ReviewCase) -> Document:
    fields = case.model_dump()
    return {"_id": fields.pop("id"), **fields}


def _case(document: Document) -> ReviewCase:
    return ReviewCase.model_validate({**document, "id": document["_id"]})


class Cases:
    """Review cases, open and decided; none is ever removed."""

    def __init__(self, tx: Transaction) -> None:
        self._cases = tx["cases"]

    async def get(self, case_id: str) -> ReviewCase | None:
        """One case."""
        found = await self._cases.get(case_id)
        return _case(found) if found else None

    async def add(self, case: ReviewCase) -> None:
        """Add a new case."""
        await self._cases.insert(_document(case))

    async def save(self, case: ReviewCase) -> None:
        """Replace a case whose revision was raised by one."""
        await self._cases.save(_document(case))

    async def open(self) -> list[ReviewCase]:
        """All open cases, oldest first."""
        return await self._find({"state": "open"})

    async def of_venues(self, venue_ids: Sequence[str]) -> list[ReviewCase]:
        """All cases of these venues, oldest first."""
        return await self._find({"venue_id": {"$in": list(venue_ids)}})

    async def _find(self, query: dict[str, Any]) -> list[ReviewCase]:
        cases = [_case(found) for found in await self._cases.find(query)]
        return sorted(cases, key=lambda case: (case.opened_at, case.id))


class VenueManagers:
    """Which accounts manage which venue, as the directory last said."""

    def __init__(self, tx: Transaction) -> None:
        self._managers = tx["venue_managers"]

    async def of(self, venue_id: str | None) -> list[str]:
        """The accounts that manage a venue."""
        found = await self._managers.get(venue_id) if venue_id else None
        return list(found["managers"]) if found else []

    async def venues_of(self, account_id: str) -> list[str]:
        """The venues that an account manages."""
        return [one["_id"] for one in await self._managers.find({"managers": account_id})]

    async def put(self, venue_id: str, revision: int, managers: list[str]) -> None:
        """Keep the newest word; an older one changes nothing."""
        known = await self._managers.get(venue_id)
        if known is None or known["revision"] < revision:
            await self._managers.put({"_id": venue_id, "revision": revision, "managers": managers})


class ProposedAddresses:
    """The addresses that open proposals would change; gone once they are closed."""

    def __init__(self, tx: Transaction) -> None:
        self._addresses = tx["proposed_addresses"]

    async def of(self, proposal_ids: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
        """Old and new addresses by proposal, of those that have come and are still there."""
        found = await self._addresses.find({"_id": {"$in": list(proposal_ids)}})
        return {one["_id"]: (one["old"], one["new"]) for one in found}

    async def put(self, proposal_id: str, old: list[str], new: list[str]) -> None:
        """Keep them."""
        await self._addresses.put({"_id": proposal_id, "old": old, "new": new})

    async def erase(self, proposal_id: str) -> None:
        """Forget them."""
        await self._addresses.delete({"_id": proposal_id})
