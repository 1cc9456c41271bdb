"""What other collections keep by venue and show on its page: it goes with the venue."""

from collections.abc import Callable, Mapping

from services.directory.domain.mediators import attachment_id
from shared.database import Document, Transaction

Moved = dict[str, list[str]]
"""The ids of rows by collection."""

_IDS: dict[str, Callable[[Document, str], str]] = {
    "news": lambda row, _: str(row["_id"]),
    "notices": lambda row, _: str(row["_id"]),
    "mediations": lambda row, venue_id: attachment_id(row["mediator_id"], venue_id),
    "stops": lambda _, venue_id: venue_id,
    "stops_history": lambda row, venue_id: f"{venue_id}@{row['revision']}",
}
"""Collections with a `venue_id`, and the id of a row that belongs to another venue.

Claims and proposals stay under the sheet they were made for, checks under the one that was read.
"""
_STOPS = ("stops", "stops_history")


async def move(tx: Transaction, venue_id: str, into: str) -> Moved:
    """Give what belongs to a venue to another one, where that has none; returns what it was."""
    has_stops = await tx["stops"].get(into) is not None
    moved: Moved = {}
    for name in _IDS:
        if name in _STOPS and has_stops:
            continue
        given = [await _give(tx, name, row, into) for row in await _rows(tx, name, venue_id)]
        moved[name] = [id_ for id_ in given if id_]
    return moved


async def move_back(tx: Transaction, moved: Mapping[str, list[str]], venue_id: str) -> None:
    """Give back to a venue what had been moved, as it is now and as far as it is still there."""
    for name, ids in moved.items():
        for row in await tx[name].find({"_id": {"$in": ids}}):
            if name == "stops":
                for entry in await _rows(tx, "stops_history", row["venue_id"]):
                    await _give(tx, "stops_history", entry, venue_id)
            await _give(tx, name, row, venue_id)


async def _rows(tx: Transaction, name: str, venue_id: str) -> list[Document]:
    return await tx[name].find({"_id" if name == "stops" else "venue_id": venue_id})


async def _give(tx: Transaction, name: str, row: Document, venue_id: str) -> str | None:
    """The row's new id; none if the venue has such a row already."""
    id_ = _IDS[name](row, venue_id)
    if id_ != row["_id"]:
        if await tx[name].get(id_):
            return None
        await tx[name].delete({"_id": row["_id"]})
    await tx[name].put(row | {"_id": id_, "venue_id": venue_id})
    return id_
