"""Claims to manage sheets, and who accepted which charter."""

from collections.abc import Sequence

from services.directory.domain.charter import Acceptance
from services.directory.domain.claims import Claim
from services.directory.store.documents import document, fields
from shared.database import Index, Transaction

INDEXES = (
    Index("claims", [("venue_id", 1)]),
    Index("charter_acceptances", [("account_id", 1)]),
    Index("charter_acceptances", [("venue_id", 1)]),
)


class Claims:
    """Requests to manage a sheet, with or without an answer; none is ever removed."""

    def __init__(self, tx: Transaction) -> None:
        self._claims = tx["claims"]

    async def get(self, claim_id: str) -> Claim | None:
        """One claim."""
        found = await self._claims.get(claim_id)
        return Claim.model_validate(fields(found)) if found else None

    async def put(self, claim: Claim) -> None:
        """Add or replace a claim."""
        await self._claims.put(document(claim))

    async def of(self, *venue_ids: str) -> list[Claim]:
        """All claims of a venue, by all its ids, newest first."""
        claims = [
            Claim.model_validate(fields(one))
            for venue_id in venue_ids
            for one in await self._claims.find({"venue_id": venue_id})
        ]
        return sorted(claims, key=lambda claim: claim.claimed_at, reverse=True)


class CharterAcceptances:
    """Who accepted which version of the charter, for which venue, when."""

    def __init__(self, tx: Transaction) -> None:
        self._acceptances = tx["charter_acceptances"]

    async def put(self, acceptance: Acceptance) -> None:
        """Keep an acceptance; the first one of a version keeps its date."""
        known = await self._acceptances.get(acceptance.id)
        kept = known or {"_id": acceptance.id, **acceptance.model_dump(), "times": 0}
        # changed each time: two claims of one person at once are then a conflict, and never two
        await self._acceptances.put({**kept, "times": kept["times"] + 1})

    async def of_account(self, account_id: str) -> list[Acceptance]:
        """All that an account has accepted, newest first."""
        return await self._find("account_id", account_id)

    async def of_venues(self, venue_ids: Sequence[str]) -> list[Acceptance]:
        """All that was accepted for a venue, by all its ids, newest first."""
        return await self._find("venue_id", *venue_ids)

    async def _find(self, field: str, *values: str) -> list[Acceptance]:
        found = await self._acceptances.find({field: {"$in": list(values)}})
        accepted = [Acceptance.model_validate(one) for one in found]
        return sorted(accepted, key=lambda one: one.accepted_at, reverse=True)
