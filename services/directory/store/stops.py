"""The stops of itinerant venues, and every list there has been."""

from collections.abc import Iterable

from services.directory.domain.stops import Stop, Stops
from services.directory.store.venues import ASKED
from shared.database import Document, Index, Transaction

INDEXES = (Index("stops_history", [("venue_id", 1)]),)


class VenueStops:
    """One list per venue; each one replaced is kept."""

    def __init__(self, tx: Transaction) -> None:
        self._stops = tx["stops"]
        self._history = tx["stops_history"]

    async def get(self, venue_id: str) -> Stops:
        """A venue's list; an empty one if nobody has written any."""
        found = await self._stops.get(venue_id)
        return Stops.model_validate(found) if found else Stops(venue_id=venue_id)

    async def save(self, stops: Stops) -> None:
        """Keep a list whose revision was raised by one."""
        row = _document(stops)
        if stops.revision == 1:
            await self._stops.insert({"_id": stops.venue_id, **row})
        else:
            await self._stops.save({"_id": stops.venue_id, **row})
        await self._history.insert({"_id": f"{stops.venue_id}@{stops.revision}", **row})

    async def history(self, venue_id: str) -> list[Stops]:
        """Every list of a venue, newest first."""
        found = await self._history.find({"venue_id": venue_id})
        lists = [Stops.model_validate(one) for one in found]
        return sorted(lists, key=lambda one: one.revision, reverse=True)


async def stops_of(tx: Transaction, venue_ids: Iterable[str]) -> dict[str, list[Stop]]:
    """The stops of those of these venues that have any, past ones too, by the venue's id."""
    wanted = list(venue_ids)
    found: dict[str, list[Stop]] = {}
    for first in range(0, len(wanted), ASKED):
        query = {"_id": {"$in": wanted[first : first + ASKED]}}
        for one in map(Stops.model_validate, await tx["stops"].find(query)):
            if one.stops:
                found[one.venue_id] = one.stops
    return found


def _document(stops: Stops) -> Document:
    # days as text: a database has moments only
    return {**stops.model_dump(), "stops": [one.model_dump(mode="json") for one in stops.stops]}
