"""Finding announcements: by words, kind, place, skill, and what is over soon."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.announcements.domain.announcements import Announcement, State
from services.announcements.domain.calls import HelpKind, today
from services.announcements.domain.search import matches, words
from services.announcements.domain.territories import overlap
from services.announcements.store import Announcements
from shared.database import Document, Transaction
from shared.events.announcements import AnnouncementKind

NEVER_SENT: frozenset[State] = frozenset({"draft", "withdrawn"})
"""States of which some are their author's alone."""


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
    venue_id: str | None = None
    state: State = "online"

    @property
    def looks_closer(self) -> bool:
        """Whether the database alone cannot tell."""
        typed = words(self.q) or words(self.skill) or self.territoire
        return bool(typed) or self.closing_within is not None or self.state in NEVER_SENT


@dataclass(frozen=True)
class Page:
    """Part of the list, and behind which place the next part starts (none at the end)."""

    announcements: list[Announcement]
    next: str | None


async def list_online(tx: Transaction, filters: Filters, after: str, limit: int) -> Page:
    """At most `limit` announcements behind a place, soonest date first."""
    first_day = today(tx.now)
    # a timer may be late: what is over is not shown, what goes on with another date is
    open_on = first_day if filters.state == "online" else None
    equal: dict[str, Any] = {
        name: value
        for name, value in (
            ("kind", filters.kind),
            ("call.help_kind", filters.help_kind),
            ("call.remote", filters.remote),
            ("call.venue_id", filters.venue_id),
        )
        if value is not None
    }
    store = Announcements(tx)
    if not filters.looks_closer:
        found = await store.page(
            filters.state, after=after, limit=limit + 1, equal=equal, open_on=open_on
        )
    else:
        # a few thousand are online at most, and no index of words is the same everywhere
        rows = await store.searched(filters.state, after=after, equal=equal, open_on=open_on)
        asked = _asked_for(filters, first_day)
        found = await store.all_of([row["_id"] for row in rows if asked(row)][: limit + 1])
    shown = found[:limit]
    return Page(shown, shown[-1].place if len(found) > limit else None)


def _asked_for(filters: Filters, first_day: dt.date) -> Callable[[Document], bool]:
    """What tells the rows that are asked for; what was typed is folded once."""
    q, skill = words(filters.q), words(filters.skill)

    def is_asked_for(row: Document) -> bool:
        if filters.state in NEVER_SENT and not (row.get("origin") or row.get("submitted_at")):
            return False
        within = filters.closing_within
        if within is not None and (_until(row, first_day) - first_day).days > within:
            return False
        call = row["call"]
        if filters.territoire and not (
            call["territoire"] and overlap(call["territoire"], filters.territoire)
        ):
            return False
        if skill and not any(matches(skill, words(one)) for one in call.get("skills", [])):
            return False
        return not q or matches(q, row["words"])

    return is_asked_for


def _until(row: Document, first_day: dt.date) -> dt.date:
    """The last day of its present wave, as `open_until` of the whole call says it."""
    waves = [dt.date.fromisoformat(wave) for wave in row["call"].get("waves", [])]
    to_come = (wave for wave in waves if wave >= first_day)
    return next(to_come, dt.date.fromisoformat(row["until"]))
