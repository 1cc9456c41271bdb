"""Temporary notices; kept beside sheets, so that no import touches them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from services.directory.domain.notices import Notice, shown
from services.directory.store.documents import fields, in_parts
from shared.database import Document, Index, Transaction

INDEXES = (Index("notices", [("venue_id", 1)]),)


class Notices:
    """The notices of all venues, those that are over too."""

    def __init__(self, tx: Transaction) -> None:
        self._notices = tx["notices"]

    async def get(self, notice_id: str) -> Notice | None:
        """One notice."""
        found = await self._notices.get(notice_id)
        return _notice(found) if found else None

    async def shown_of(self, venue_ids: Sequence[str], today: dt.date) -> dict[str, list[Notice]]:
        """The notices of these venues that are current or to come, the earliest first, by venue."""
        found = [
            one
            for ids in in_parts(venue_ids)
            for one in await self._notices.find({"venue_id": {"$in": ids}})
        ]
        by_venue: dict[str, list[Notice]] = defaultdict(list)
        for one in shown(map(_notice, found), today):
            by_venue[one.venue_id].append(one)
        return dict(by_venue)

    async def put(self, notice: Notice) -> None:
        """Add or replace a notice."""
        # the database has moments, and no days
        row = notice.model_dump(mode="json", exclude={"id", "updated_at"})
        await self._notices.put({"_id": notice.id, **row, "updated_at": notice.updated_at})

    async def remove(self, notice_id: str) -> None:
        """Remove a notice."""
        await self._notices.delete({"_id": notice_id})


def _notice(document: Document) -> Notice:
    return Notice.model_validate(fields(document))
