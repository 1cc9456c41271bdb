"""Queries of the announcements."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from services.announcements.domain.announcements import Announcement, State
from services.announcements.domain.calls import KEPT
from services.announcements.domain.origins import Seen
from shared.database import Document, Index, Transaction

INDEXES = (
    Index("announcements", [("state", 1), ("place", 1)]),
    Index("announcements", [("cases", 1)]),
    Index("announcements", [("author.account_id", 1)]),
)
_SEARCHED = (
    "place", "until", "kind", "words", "call.territoire", "call.skills", "call.help_kind",
    "call.remote", "call.waves", "origin.partner", "submitted_at",
)  # fmt: skip


class Announcements:
    """Announcements in every state."""

    def __init__(self, tx: Transaction) -> None:
        self._announcements = tx["announcements"]

    async def get(self, announcement_id: str) -> Announcement | None:
        """One announcement."""
        found = await self._announcements.get(announcement_id)
        return _announcement(found) if found else None

    async def of_case(self, case_id: str) -> Announcement | None:
        """The announcement whose text a case is about."""
        found = await self._announcements.find_one({"cases": case_id})
        return _announcement(found) if found else None

    async def add(self, announcement: Announcement) -> None:
        """Add an announcement."""
        await self._announcements.insert(_document(announcement))

    async def save(self, announcement: Announcement) -> None:
        """Replace an announcement whose revision was raised by one."""
        await self._announcements.save(_document(announcement))

    async def of_author(self, account_id: str) -> list[Announcement]:
        """All of one author's."""
        found = await self._announcements.find({"author.account_id": account_id})
        return [_announcement(one) for one in found]

    async def page(
        self,
        state: State,
        *,
        after: str,
        limit: int,
        equal: Mapping[str, Any],
        open_on: dt.date | None,
    ) -> list[Announcement]:
        """At most `limit` behind this place, soonest date first; `open_on` leaves out what is over.

        A place moves only when the timer of its date has fired.
        """
        query = _query(state, after, equal, open_on)
        found = await self._announcements.find(query, sort=[("place", 1)], limit=limit)
        return [_announcement(one) for one in found]

    async def searched(
        self, state: State, *, after: str, equal: Mapping[str, Any], open_on: dt.date | None
    ) -> list[Document]:
        """What a search looks at, of all behind this place, soonest date first."""
        query = _query(state, after, equal, open_on)
        return await self._announcements.find(query, sort=[("place", 1)], fields=_SEARCHED)

    async def all_of(self, ids: Sequence[str]) -> list[Announcement]:
        """The announcements with these ids, soonest date first."""
        found = await self._announcements.find({"_id": {"$in": list(ids)}})
        return sorted((_announcement(one) for one in found), key=lambda one: one.place)


class Links:
    """Which announcement has which link, in its canonical form."""

    def __init__(self, tx: Transaction) -> None:
        self._links = tx["links"]

    async def holder(self, link: str) -> str | None:
        """The announcement that has a link."""
        found = await self._links.get(link)
        return str(found["announcement_id"]) if found else None

    async def claim(self, link: str, announcement_id: str) -> None:
        """Take a link that nobody has; whoever does so at the same time conflicts."""
        await self._links.insert({"_id": link, "announcement_id": announcement_id})

    async def release(self, link: str, announcement_id: str) -> None:
        """Give a link back, if it is this announcement's."""
        await self._links.delete({"_id": link, "announcement_id": announcement_id})


class Versions:
    """What is known of partners' resources that are no announcements here."""

    def __init__(self, tx: Transaction) -> None:
        self._versions = tx["versions"]

    async def of(self, announcement_id: str) -> Seen:
        """What was seen of it so far."""
        found = await self._versions.get(announcement_id)
        return Seen.model_validate(found) if found else Seen()

    async def put(self, announcement_id: str, seen: Seen, at: dt.datetime) -> None:
        """Note what was seen."""
        await self._versions.put({"_id": announcement_id, **seen.model_dump(), "at": at})


def _query(
    state: State, after: str, equal: Mapping[str, Any], open_on: dt.date | None
) -> dict[str, Any]:
    query = {"state": state, "place": {"$gt": after}, **equal}
    if open_on:
        day = {"$gte": open_on.isoformat()}
        # the present wave's end is known by its timer, which may be late; the later ones are not
        query["$or"] = [{"until": day}, {"call.waves": day}]
    return query


def _document(announcement: Announcement) -> Document:
    # dates as text: the database knows no day without an hour
    fields = announcement.model_dump(mode="json")
    return {
        "_id": fields.pop("id"),
        **fields,
        "kind": announcement.kind,
        "place": announcement.place,
        "words": announcement.words,
    }


def _announcement(document: Document) -> Announcement:
    return Announcement.model_validate({**document, "id": document["_id"]}, context=KEPT)
