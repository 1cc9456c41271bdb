"""Sheets and their history."""

from collections.abc import Iterable, Sequence

from services.directory.domain.venues import Revision, Venue
from services.directory.store.documents import document, fields
from shared.database import Document, Index, Transaction

INDEXES = (
    Index("venues", [("ordinal", 1)], unique=True),
    Index("venues", [("fiche.code_insee", 1)], sparse=True),
    Index("venues", [("fiche.code_postal", 1)], sparse=True),
    Index("venues", [("managers", 1)]),
    Index("history", [("venue_id", 1)]),
)


class Venues:
    """Sheets at their present revision."""

    def __init__(self, tx: Transaction) -> None:
        self._venues = tx["venues"]
        self._counters = tx["counters"]

    async def get(self, venue_id: str) -> Venue | None:
        """One venue."""
        found = await self._venues.get(venue_id)
        return Venue.model_validate(fields(found)) if found else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, Venue]:
        """Those of these venues that exist, by id."""
        found = await self._venues.find({"_id": {"$in": list(ids)}})
        return {one["_id"]: Venue.model_validate(fields(one)) for one in found}

    async def add(self, venues: Iterable[Venue]) -> None:
        """Add venues whose ordinals were taken by `take_ordinals`."""
        await self._venues.insert(*(document(venue) for venue in venues))

    async def save(self, *venues: Venue) -> None:
        """Replace venues whose revisions were each raised by one."""
        await self._venues.save(*(document(venue) for venue in venues))

    async def save_managers(self, venue: Venue) -> None:
        """Replace a venue whose managers changed."""
        await self._venues.save(document(venue), version="managers_revision")

    async def count(self) -> int:
        """How many venues there are; kept, not counted."""
        counter = await self._counters.get("venues")
        return int(counter["n"]) if counter else 0

    async def take_ordinals(self, count: int) -> range:
        """The next places in the list."""
        first = await self.count()
        # the same file again writes nothing, and meets nobody else's transaction
        if count:
            await self._counters.put({"_id": "venues", "n": first + count})
        return range(first, first + count)

    async def page(self, first: int, count: int) -> list[Venue]:
        """The venues at these places of the list."""
        return await self._find({"ordinal": {"$gte": first, "$lt": first + count}})

    async def where(self, field: str, value: str) -> list[Venue]:
        """The venues with this value in an indexed field of the sheet, in the list's order."""
        return await self._find({f"fiche.{field}": value})

    async def managed_by(self, account_id: str) -> list[Venue]:
        """The venues that an account manages, in the list's order."""
        return await self._find({"managers": account_id})

    async def _find(self, query: Document) -> list[Venue]:
        venues = [Venue.model_validate(fields(one)) for one in await self._venues.find(query)]
        return sorted(venues, key=lambda venue: venue.ordinal)


class History:
    """Every revision of every sheet; only ever added to."""

    def __init__(self, tx: Transaction) -> None:
        self._history = tx["history"]

    async def add(self, revisions: Iterable[Revision]) -> None:
        """Add revisions."""
        await self._history.insert(
            *({"_id": f"{one.venue_id}@{one.revision}", **one.model_dump()} for one in revisions)
        )

    async def of(self, venue_id: str) -> list[Revision]:
        """All revisions of a sheet, newest first."""
        found = await self._history.find({"venue_id": venue_id})
        revisions = [Revision.model_validate(one) for one in found]
        return sorted(revisions, key=lambda one: one.revision, reverse=True)
