"""Sheets and their history."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel

from services.directory.domain.venues import Revision, Venue
from services.directory.store.documents import fields
from shared.database import Conflict, Document, Index, Transaction

ASKED = 50
"""Ids of one question: the embedded database takes an `$in` in quadratic time."""

TO_RECHECK = "recheck"
"""The mark of a venue with a value that silence accepted."""

INDEXES = (
    Index("venues", [("ordinal", 1)], unique=True),
    # one for all that few venues have: each index more costs every sheet of an import
    Index("venues", [("marks", 1)], sparse=True),
    Index("history", [("venue_id", 1)]),
)


def _document(venue: Venue) -> Document:
    kept = _known(venue)
    kept["_id"] = kept.pop("id")
    kept["sources"] = [_known(source) for source in venue.sources]
    kept["origins"] = {name: _known(origin) for name, origin in venue.origins.items()}
    marks = [_managed_by(one) for one in venue.managers]
    marks += [TO_RECHECK] if venue.recheck_since else []
    return kept | {"marks": marks} if marks else kept


def _managed_by(account_id: str) -> str:
    return f"manager {account_id}"


def _known(model: BaseModel) -> Document:
    """A model's fields that have a value; its own dump would look at each value of a sheet."""
    return {name: value for name, value in model if value is not None}


def _venue(found: Document) -> Venue:
    return Venue.model_validate(fields(_with_sources(found) if "imported" in found else found))


def _with_sources(found: Document) -> Document:
    """A venue that was kept before sources had names and values their origins."""
    imported, moment = found["imported"], found["updated_at"]
    unknown = {"by": "account:inconnu", "how": "moderator", "at": moment}
    edited = {*found["fiche"], *imported} - {"date_maj"}
    return found | {
        "sources": [{"name": "inconnue", "id": found["_id"], "fiche": imported}],
        "created_by": "import:inconnue",
        "created_at": moment,
        "origins": {
            name: unknown for name in edited if found["fiche"].get(name) != imported.get(name)
        },
    }


class Venues:
    """Sheets at their present revision."""

    def __init__(self, tx: Transaction) -> None:
        self._venues = tx["venues"]
        self._counters = tx["counters"]

    async def get(self, venue_id: str) -> Venue | None:
        """One venue."""
        found = await self._venues.get(venue_id)
        return _venue(found) if found else None

    async def staying(self, venue_id: str) -> Venue | None:
        """A venue, or the one that it was merged into at last."""
        venue = await self.get(venue_id)
        while venue and venue.merged_into:
            venue = await self.get(venue.merged_into)
        return venue

    async def is_merged(self, venue_id: str) -> bool:
        """Whether a venue is one with another."""
        found = await self._venues.find({"_id": venue_id}, fields=["merged_into"])
        return any(one.get("merged_into") for one in found)

    async def get_many(self, ids: Sequence[str]) -> dict[str, Venue]:
        """Those of these venues that exist, by id."""
        found: dict[str, Venue] = {}
        for first in range(0, len(ids), ASKED):
            wanted = {"_id": {"$in": list(ids[first : first + ASKED])}}
            for one in await self._venues.find(wanted):
                found[one["_id"]] = _venue(one)
        return found

    async def add(self, venues: Iterable[Venue]) -> None:
        """Add venues whose ordinals were taken by `take_ordinals`."""
        await self._venues.insert(*(_document(venue) for venue in venues))

    async def save(self, *venues: Venue) -> None:
        """Replace venues whose revisions were each raised by one."""
        await self._venues.save(*(_document(venue) for venue in venues))

    async def save_sources(self, *venues: Venue) -> None:
        """Note what sources said of venues whose sheets it did not change.

        Raises `Conflict` if any of them is no longer at the revision read.
        """
        for venue in venues:
            sources = _document(venue)["sources"]
            read = {"_id": venue.id, "revision": venue.revision}
            if not await self._venues.update(read, {"$set": {"sources": sources}}):
                raise Conflict(venue.id)

    async def save_managers(self, venue: Venue) -> None:
        """Replace a venue whose managers changed."""
        await self._venues.save(_document(venue), version="managers_revision")

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

    async def sources_page(self, first: int, count: int) -> list[tuple[str, list[Document]]]:
        """Ids and sources (without what they said) of the venues at these places of the list."""
        names = ("sources.name", "sources.id", "sources.absent_since")
        found = await self._venues.find(
            {"ordinal": {"$gte": first, "$lt": first + count}}, fields=names
        )
        return [(one["_id"], one["sources"]) for one in found]

    async def page(self, first: int, count: int) -> list[Venue]:
        """The venues at these places of the list."""
        return await self._find({"ordinal": {"$gte": first, "$lt": first + count}})

    async def to_recheck(self, until: datetime) -> list[Venue]:
        """The venues with a value accepted by silence until then and not looked at since."""
        found = await self._find({"marks": TO_RECHECK})
        return [one for one in found if one.recheck_since and one.recheck_since <= until]

    async def managed_by(self, account_id: str) -> list[Venue]:
        """The venues that an account manages, in the list's order."""
        found = await self._find({"marks": _managed_by(account_id)})
        # a merged one keeps its managers for when it is one of its own again
        return [venue for venue in found if not venue.merged_into]

    async def _find(self, query: Document) -> list[Venue]:
        venues = [_venue(one) for one in await self._venues.find(query)]
        return sorted(venues, key=lambda venue: venue.ordinal)


class Sources:
    """The sources whose import has begun once."""

    def __init__(self, tx: Transaction) -> None:
        self._sources = tx["sources"]

    async def get(self, name: str) -> Document | None:
        """A source, if it is known."""
        return await self._sources.get(name)

    async def add(self, name: str, import_id: str, at: datetime) -> None:
        """Know a source from now on."""
        await self._sources.insert({"_id": name, "first_import": import_id, "at": at})


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
