"""What announcements publishes. Key: the announcement; of a partner's delivery, the partner."""

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Author, Event, Timer

STREAM = "announcements"

AnnouncementKind = Literal["skills_call", "funding_call"]
EndReason = Literal["expired", "closed", "withdrawn", "reverted", "funded", "unfunded"]


class AnnouncementEvent(Event, abstract=True):
    """An event about one announcement."""

    STREAM = STREAM
    announcement_id: str

    @property
    def key(self) -> str:
        """The announcement."""
        return self.announcement_id


class AnnouncementSubmitted(AnnouncementEvent):
    """Somebody asks to relay a call that is already published at `lien`, or to change its text."""

    revision: int
    submission_id: str | None = None
    """The case that reviews this text; none means the announcement's own id (its first text)."""
    replaces: str | None = None
    """The case of the text that this one corrects."""
    kind: AnnouncementKind
    titre: str
    texte: str
    lien: str
    details: list[str] = []
    """What else its page shows, a line each, in French: goal, place, skills."""
    territoire: str | None = None
    """`commune:69123`, `departement:69`, `region:84` or `france`."""
    ends_on: dt.date
    author: Author
    submitted_at: AwareDatetime


class AnnouncementImproved(AnnouncementEvent):
    """A moderator has put a text right before it is decided."""

    submission_id: str
    proposal_revision: int
    """Counts the texts of a submission; its author's is 1."""
    titre: str
    texte: str
    lien: str
    details: list[str] = []
    territoire: str | None = None
    improved_by: str
    improved_at: AwareDatetime


class AnnouncementWithdrawn(AnnouncementEvent):
    """Its author no longer wants a text that waits for a decision."""

    submission_id: str
    withdrawn_at: AwareDatetime


class AnnouncementShown(AnnouncementEvent, abstract=True):
    """What is online now."""

    revision: int
    kind: AnnouncementKind
    titre: str
    lien: str
    territoire: str | None = None
    ends_on: dt.date
    next_date: dt.date | None = None
    """Of a rolling call, its next selection date."""
    author: Author


class AnnouncementPublished(AnnouncementShown):
    """A validated announcement is online."""

    published_at: AwareDatetime


class AnnouncementUpdated(AnnouncementShown):
    """A validated change of its text is online."""

    updated_at: AwareDatetime


class AnnouncementProgressed(AnnouncementEvent):
    """A funding call's figures have moved."""

    revision: int
    raised: int
    """Whole units of the currency; of a presale, orders."""
    supporters: int | None = None
    progressed_at: AwareDatetime


class AnnouncementWaveOpened(AnnouncementEvent):
    """A rolling call is open for its next selection date."""

    revision: int
    titre: str
    lien: str
    territoire: str | None = None
    date: dt.date
    remaining: int
    """How many dates come after this one."""
    opened_at: AwareDatetime


class AnnouncementEndReached(Timer, AnnouncementEvent):
    """Timer: its last day is over, or a rolling call's selection date."""

    ends_on: dt.date

    @property
    def timer_id(self) -> str:
        """One end per announcement."""
        return f"announcement-end:{self.announcement_id}"


class AnnouncementEnded(AnnouncementEvent):
    """An announcement has left the portal."""

    revision: int
    titre: str
    why: EndReason = "expired"
    was_online: bool = True
    """False if its last day had passed before it was validated."""
    territoire: str | None = None
    author: Author | None = None
    ended_at: AwareDatetime


class PartnerDeliveryReceived(Event):
    """A partner's delivery is stored and waits to be applied; its content stays in the database."""

    STREAM = STREAM
    partner: str
    delivery_id: str

    @property
    def key(self) -> str:
        """The partner: what one partner sends keeps its order."""
        return self.partner


class SubscriptionDisabled(Event):
    """An endpoint gets no deliveries any more until its owner enables it again."""

    STREAM = STREAM
    subscription_id: str
    owner: Author
    host: str
    """Of the endpoint's address, without path or query: they may hold secrets."""
    why: Literal["gone", "failing"]
    failing_since: AwareDatetime | None = None
    disabled_at: AwareDatetime

    @property
    def key(self) -> str:
        """The subscription."""
        return self.subscription_id
