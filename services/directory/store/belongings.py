"""What other collections keep by venue and show on its page: it goes with the venue."""

from collections.abc import Mapping

from shared.database import Transaction

COLLECTIONS = ("news", "notices", "stops", "mediations")
"""Rows with an indexed `venue_id`; claims and proposals stay under the sheet they were made for."""

Moved = dict[str, list[str]]
"""The ids of rows by collection."""


async def move(tx: Transaction, venue_id: str, into: str) -> Moved:
    """Give all that belongs to a venue to another one; returns what it was."""
    moved: Moved = {}
    for name in COLLECTIONS:
        rows = await tx[name].find({"venue_id": venue_id})
        for row in rows:
            await tx[name].put(row | {"venue_id": into})
        moved[name] = [row["_id"] for row in rows]
    return moved


async def move_back(tx: Transaction, moved: Mapping[str, list[str]], venue_id: str) -> None:
    """Give back to a venue what had been moved, as far as it is still there."""
    for name, ids in moved.items():
        for row in await tx[name].find({"_id": {"$in": ids}}):
            await tx[name].put(row | {"venue_id": venue_id})
