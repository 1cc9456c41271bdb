"""Finding announcements: by words, kind, place, skill, and what is over soon."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from services.announcements.domain.announcements import Announcement, State
from services.announcements.domain.calls import HelpKind, today
from services.announcements.domain.search import matches, words
from services.announcements.domain.territories import overlap
from services.announcements.store import Announcements
from shared.database import Document, Transaction
from shared.events.announcements import AnnouncementKind


@dataclass(frozen=True)
class Filters:
    """What is asked for; nothing asked shows all that is online."""

    q: str = ""
    kind: AnnouncementKind | None = None
    territoire: str | None = None
    """In the form of a call's: one that lies in it, or in which it lies, is shown."""
    skill: str = ""
    help_kind: HelpKind | None = None
    remote: bool | None = None
    closing_within: int | None = None
    """Days from today to the end, or to the next selection date."""
    state: State = "online"


@dataclass(frozen=True)
class Page:
    """Part of the list, and behind which place the next part starts (none at the end)."""

    announcements: list[Announcement]
    next: str | None


async def list_online(tx: Transaction, filters: Filters, after: str, limit: int) -> Page:
    """At most `limit` announcements behind a place, soonest date first."""
    first_day = today(tx.now)
    if filters.state == "online":
        # a timer may be late: what is over is not shown
        after = max(after, first_day.isoformat())
    equal: dict[str, Any] = {
        name: value
        for name, value in (
            ("kind", filters.kind),
            ("call.help_kind", filters.help_kind),
            ("call.remote", filters.remote),
        )
        if value is not None
    }
    store = Announcements(tx)
    if not _looks_closer(filters):
        found = await store.page(filters.state, after=after, limit=limit + 1, equal=equal)
    else:
        # a few thousand are online at most, and no index of words is the same everywhere
        rows = await store.searched(filters.state, after=after, equal=equal)
        ids = [row["_id"] for row in rows if _is_asked_for(row, filters, first_day)][: limit + 1]
        found = await store.all_of(ids)
    shown = found[:limit]
    return Page(shown, shown[-1].place if len(found) > limit else None)


def _looks_closer(filters: Filters) -> bool:
    closing = filters.closing_within is not None
    whole = filters.state != "draft"
    asked = words(filters.q) or words(filters.skill) or filters.territoire
    return bool(asked) or closing or not whole


def _is_asked_for(row: Document, filters: Filters, first_day: dt.date) -> bool:
    if filters.state == "draft" and not row.get("origin"):
        return False
    if filters.closing_within is not None:
        until = dt.date.fromisoformat(row["until"])
        if (until - first_day).days > filters.closing_within:
            return False
    call = row["call"]
    if filters.territoire and not (
        call["territoire"] and overlap(call["territoire"], filters.territoire)
    ):
        return False
    if words(filters.skill) and not any(
        matches(filters.skill, words(skill)) for skill in call.get("skills", [])
    ):
        return False
    return not words(filters.q) or matches(filters.q, row["words"])
