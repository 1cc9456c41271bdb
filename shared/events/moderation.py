"""What moderation publishes. Key: the case."""

from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Author, Contract, Event, FieldChange, Timer

STREAM = "moderation"

CaseKind = Literal["edit", "news", "announcement"]
DecidedAs = Literal["manager", "moderator", "silence"]


def reminder_timer(case_id: str) -> str:
    """The id of a case's reminder."""
    return f"review-reminder:{case_id}"


def deadline_timer(case_id: str) -> str:
    """The id of a case's deadline."""
    return f"review-deadline:{case_id}"


class CaseEvent(Event, abstract=True):
    """An event about one review case; its id is the id of what is reviewed."""

    STREAM = STREAM
    case_id: str

    @property
    def key(self) -> str:
        """The case."""
        return self.case_id


class ReviewWaiting(CaseEvent, abstract=True):
    """What people need to know to decide a case."""

    revision: int
    kind: CaseKind
    venue_id: str | None = None
    title: str
    """The venue's name, or the announcement's title."""
    changes: list[FieldChange] = []
    text: str = ""
    """The comment of an edit, the text of a news item or of an announcement."""
    link: str | None = None
    author: Author
    managers: list[str] = []
    """The accounts that manage the venue now."""
    public_addresses: int = 0
    deadline: AwareDatetime | None = None
    """When silence decides; none where only a moderator can."""


class ReviewOpened(ReviewWaiting):
    """A proposal waits for a decision."""

    opened_at: AwareDatetime


class ReviewReminded(ReviewWaiting):
    """Nobody has answered yet, and the deadline comes near."""

    reminded_at: AwareDatetime


class ReviewReminderReached(Timer, CaseEvent):
    """Timer: remind the managers now."""

    reminder_at: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One reminder per case."""
        return reminder_timer(self.case_id)


class ReviewDeadlineReached(Timer, CaseEvent):
    """Timer: nobody objected in time."""

    deadline: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One deadline per case."""
        return deadline_timer(self.case_id)


class Decision(Contract):
    """Who decided, when, and how the decision was taken."""

    how: DecidedAs
    by: str | None = None
    """`account:…`, `venue:…` (whoever reads its public address), or none for silence."""
    at: AwareDatetime
    reason: str | None = None


class CaseDecided(CaseEvent, abstract=True):
    """What every decision says."""

    revision: int
    author: Author
    title: str
    decision: Decision


class EditApproved(CaseDecided):
    """An edit is accepted, whole or for some of its fields."""

    venue_id: str
    fields: list[str]
    refused_fields: list[str] = []


class EditRefused(CaseDecided):
    """An edit is refused, with a reason."""

    venue_id: str


class NewsApproved(CaseDecided):
    """A news item is accepted."""

    venue_id: str


class NewsRefused(CaseDecided):
    """A news item is refused, with a reason."""

    venue_id: str


class AnnouncementValidated(CaseDecided):
    """An announcement may go online."""


class AnnouncementRefused(CaseDecided):
    """An announcement is refused, with a reason."""
