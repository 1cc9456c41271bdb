"""Queries of the announcements."""

import datetime as dt

from services.announcements.domain import Announcement
from shared.database import Document, Index, Transaction
from shared.events.announcements import AnnouncementKind

INDEXES = (Index("announcements", [("state", 1), ("place", 1)]),)


def place(announcement: Announcement) -> str:
    """Where it stands among the others: soonest end first."""
    return f"{announcement.ends_on.isoformat()}:{announcement.id}"


class Announcements:
    """Announcements in every state."""

    def __init__(self, tx: Transaction) -> None:
        self._announcements = tx["announcements"]

    async def get(self, announcement_id: str) -> Announcement | None:
        """One announcement."""
        found = await self._announcements.get(announcement_id)
        return _announcement(found) if found else None

    async def add(self, announcement: Announcement) -> None:
        """Add an announcement."""
        await self._announcements.insert(_document(announcement))

    async def save(self, announcement: Announcement) -> None:
        """Replace an announcement whose revision was raised by one."""
        await self._announcements.save(_document(announcement))

    async def online(
        self, *, today: dt.date, kind: AnnouncementKind | None, after: str, limit: int
    ) -> list[Announcement]:
        """At most `limit` that are online behind this place and not over, soonest end first."""
        query: Document = {"state": "online", "place": {"$gt": max(after, today.isoformat())}}
        if kind:
            query["kind"] = kind
        found = await self._announcements.find(query, sort=[("place", 1)], limit=limit)
        return [_announcement(one) for one in found]


def _document(announcement: Announcement) -> Document:
    fields = announcement.model_dump()
    return {
        "_id": fields.pop("id"),
        **fields,
        # the database knows no day without an hour
        "ends_on": announcement.ends_on.isoformat(),
        "place": place(announcement),
    }


def _announcement(document: Document) -> Announcement:
    return Announcement.model_validate({**document, "id": document["_id"]})
