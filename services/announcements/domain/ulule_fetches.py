"""What is to be asked of Ulule's API, and when: projects that were pushed, and rounds."""

import datetime as dt
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.announcements.domain.ulule import ProjectUnreadable

LONGEST_CURSOR = 300
MOST_PAGES = 100
"""Of a round; a list that is longer is said to be cut."""

FIRST_PAUSE = dt.timedelta(seconds=1)
LONGEST_PAUSE = dt.timedelta(hours=1)
"""Of our own; the API may ask for a longer one."""
PATIENCE = dt.timedelta(hours=24)
"""For how long a fetch that fails is tried again, and a page before its round begins anew."""


class Fetch(BaseModel):
    """A project to ask for, on behalf of the deliveries that named it."""

    model_config = ConfigDict(frozen=True)

    partner: str
    project: int
    due_at: AwareDatetime
    deliveries: list[str] = []
    attempts: int = 0
    failing_since: AwareDatetime | None = None
    error: str | None = None
    missing: bool = False
    """Whether the last whole answer was that there is no such project."""

    @property
    def id(self) -> str:
        """One per project and partner: one answer serves all who wait for it."""
        return f"{self.partner}:{self.project}"

    def failed(self, error: str, at: dt.datetime, due_at: dt.datetime) -> "Fetch":
        """The same after an attempt that failed."""
        return self.model_copy(
            update={
                "attempts": self.attempts + 1,
                "failing_since": self.failing_since or at,
                "error": error,
                "due_at": due_at,
            }
        )

    def once_missing(self, due_at: dt.datetime) -> "Fetch":
        """The same after a first answer that there is no such project."""
        return self.model_copy(update={"missing": True, "due_at": due_at})

    def is_hopeless(self, at: dt.datetime) -> bool:
        """Whether it has failed for so long that nobody should wait any more."""
        return self.failing_since is not None and at - self.failing_since >= PATIENCE

    def without(self, deliveries: list[str], at: dt.datetime) -> "Fetch | None":
        """What is left to ask once these have their answer: those that came meanwhile."""
        later = [one for one in self.deliveries if one not in deliveries]
        if not later:
            return None
        return Fetch(partner=self.partner, project=self.project, due_at=at, deliveries=later)


class Round(BaseModel):
    """A walk through all online projects of a partner, a page at a time."""

    model_config = ConfigDict(frozen=True)

    partner: str
    name: str = ""
    """The partner's at Ulule; of another one the cursors mean nothing."""
    due_at: AwareDatetime
    cursors: list[str] = []
    """Of the pages asked for so far; the last one is the next to be read."""
    seen: list[int] = []
    attempts: int = 0
    failing_since: AwareDatetime | None = None
    error: str | None = None

    @property
    def cursor(self) -> str:
        """The query of the next page; of the first one, none."""
        return self.cursors[-1] if self.cursors else ""

    def goes_on(self, after: str | None) -> bool:
        """Whether a page is to follow; a cursor that comes again leads nowhere."""
        return after is not None and after not in self.cursors and not self.is_long

    @property
    def is_long(self) -> bool:
        """Whether it has come to the last page that is read."""
        return len(self.cursors) >= MOST_PAGES

    def next(self, after: str, seen: list[int], at: dt.datetime) -> "Round":
        """The same, one page further."""
        return Round(
            partner=self.partner,
            name=self.name,
            due_at=at,
            cursors=[*self.cursors, after],
            seen=[*self.seen, *seen],
        )

    def failed(self, error: str, at: dt.datetime, due_at: dt.datetime) -> "Round":
        """The same after a page that could not be had: it goes on from there."""
        update = {
            "attempts": self.attempts + 1,
            "failing_since": self.failing_since or at,
            "error": error,
            "due_at": due_at,
        }
        return self.model_copy(update=update)

    def is_stuck(self, at: dt.datetime) -> bool:
        """Whether its page has failed for so long that it should begin anew."""
        return self.failing_since is not None and at - self.failing_since >= PATIENCE

    def anew(self) -> "Round":
        """From the first page, once it is due; its failures are remembered for their pauses."""
        return Round(
            partner=self.partner,
            name=self.name,
            due_at=self.due_at,
            attempts=self.attempts,
            error=self.error,
        )

    def over(self, due_at: dt.datetime) -> "Round":
        """The next one, from the first page."""
        return Round(partner=self.partner, name=self.name, due_at=due_at)


class Page(BaseModel):
    """A page of a partner's projects."""

    projects: list[Any]
    next: str | None
    """The query of the page after it."""

    @classmethod
    def read(cls, value: object) -> "Page":
        """A page from decoded JSON; raises `ProjectUnreadable`."""
        match value:
            case {"projects": list(projects), "meta": {"next": str() | None as after}}:
                return cls(projects=projects, next=cursor(after) if after else None)
        raise ProjectUnreadable("not a page")


def cursor(after: str) -> str:
    """The query that a page gives for the next one, in one spelling, without place or filters."""
    # whatever stands before the question mark is not where we ask
    ours = ("status", "limit", "lang")
    try:
        query = parse_qsl(after[: 2 * LONGEST_CURSOR].rpartition("?")[2], max_num_fields=20)
        kept = urlencode(sorted((name, value) for name, value in query if name not in ours))
    except ValueError:
        # too many fields, or half a character
        raise ProjectUnreadable("not a cursor") from None
    if not kept or len(kept) > LONGEST_CURSOR:
        raise ProjectUnreadable("not a cursor")
    return kept


def pause(attempts: int, jitter: float) -> dt.timedelta:
    """How long to wait after so many attempts that failed; `jitter` is between 0 and 1."""
    full = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return full * (0.5 + jitter / 2)
