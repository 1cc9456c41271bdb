"""What announcements publishes. Key: the announcement."""

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Author, Event, Timer

STREAM = "announcements"

AnnouncementKind = Literal["skills_call", "funding_call"]


class AnnouncementEvent(Event, abstract=True):
    """An event about one announcement."""

    STREAM = STREAM
    announcement_id: str

    @property
    def key(self) -> str:
        """The announcement."""
        return self.announcement_id


class AnnouncementSubmitted(AnnouncementEvent):
    """Somebody asks to relay a call that is already published at `lien`."""

    revision: int
    kind: AnnouncementKind
    titre: str
    texte: str
    lien: str
    ends_on: dt.date
    author: Author
    submitted_at: AwareDatetime


class AnnouncementPublished(AnnouncementEvent):
    """A validated announcement is online."""

    revision: int
    kind: AnnouncementKind
    titre: str
    lien: str
    ends_on: dt.date
    author: Author
    published_at: AwareDatetime


class AnnouncementEndReached(Timer, AnnouncementEvent):
    """Timer: its last day is over."""

    ends_on: dt.date

    @property
    def timer_id(self) -> str:
        """One end per announcement."""
        return f"announcement-end:{self.announcement_id}"


class AnnouncementEnded(AnnouncementEvent):
    """An announcement has left the portal."""

    revision: int
    titre: str
    ended_at: AwareDatetime
