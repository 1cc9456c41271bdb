"""Who is told what, and how long a mail is tried: rules alone, no I/O and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from shared.events import TYPES, Event
from shared.events.announcements import AnnouncementPublished
from shared.events.contacts import venue_key
from shared.events.directory import EditApplied, NewsPublished
from shared.events.moderation import (
    AnnouncementRefused,
    CaseEvent,
    EditRefused,
    NewsRefused,
    ReviewOpened,
    ReviewReminded,
    ReviewWaiting,
)

Template = Literal[
    "review_opened",
    "review_reminder",
    "proposal_received",
    "announcement_waiting",
    "edit_applied",
    "edit_conflict",
    "refused",
    "published",
]
State = Literal["pending", "sent", "rejected", "unreachable", "failed"]

Told: TypeAlias = (
    ReviewOpened
    | ReviewReminded
    | EditApplied
    | EditRefused
    | NewsRefused
    | AnnouncementRefused
    | NewsPublished
    | AnnouncementPublished
)
"""What somebody is told about."""

MODERATORS = "moderators"

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
TRIED = timedelta(days=5)
"""How long a mail is tried while the server is away or puts us off (RFC 5321, 4.5.4.1)."""
CONTACT_AWAITED = timedelta(days=1)
ADDRESSES_AWAITED = timedelta(seconds=60)
"""How long a mail waits for the addresses that its event withholds; then it goes without."""


@dataclass(frozen=True)
class Notice:
    """One template for one recipient: `account:…`, `venue:…` or `moderators`."""

    template: Template
    recipient: str
    about: str
    """The id of the proposal or the announcement."""
    occasion: str = ""
    """Tells the reminders of one case apart."""

    @property
    def id(self) -> str:
        """The same whenever the same event is read again."""
        parts = (self.template, self.about, self.recipient, self.occasion)
        return ":".join(part for part in parts if part)


class Delivery(BaseModel):
    """A notice on its way; addresses are noted by their SHA-256 only."""

    model_config = ConfigDict(frozen=True)

    id: str
    template: str
    """A `Template`, or one of a later version: that row fails alone, when it is rendered."""
    recipient: str
    case_id: str
    event_type: str
    event_json: str
    correlation_id: str
    created_at: datetime
    due_at: datetime | None
    """None once it is done."""
    attempts: int = 0
    state: State = "pending"
    failing_since: datetime | None = None
    done_at: datetime | None = None
    sent: list[str] = []
    rejected: list[str] = []
    error: str | None = None
    """The last failure by its kind: what it says may hold an address."""

    @property
    def event(self) -> Told:
        """What is told."""
        event: Told = TYPES[self.event_type].model_validate_json(self.event_json)  # type: ignore[assignment]
        return event


@dataclass(frozen=True)
class ProposedAddresses:
    """The addresses that an edit would replace, and by which."""

    old: list[str]
    new: list[str]


def account_ref(account_id: str) -> str:
    """How a person is named as a recipient."""
    return f"account:{account_id}"


def about(event: Told) -> str:
    """The id of the proposal or the announcement that an event is about."""
    if isinstance(event, CaseEvent):
        return event.case_id
    if isinstance(event, AnnouncementPublished):
        return event.announcement_id
    return event.proposal_id


def managed_venue(event: Told) -> str | None:
    """The venue whose managers an event may concern."""
    return event.venue_id if isinstance(event, ReviewWaiting | EditApplied) else None


def plan(event: Told) -> list[Notice]:
    """Who is told about an event."""
    author = account_ref(event.author.account_id)
    match event:
        case ReviewOpened(kind="announcement"):
            told: list[tuple[Template, str]] = [("announcement_waiting", MODERATORS)]
            told.append(("proposal_received", author))
        case ReviewOpened():
            told = [("review_opened", one) for one in _in_charge(event)]
            told.append(("proposal_received", author))
        case ReviewReminded(kind="announcement"):
            told = []
        case ReviewReminded():
            told = [("review_reminder", one) for one in _in_charge(event)]
        case EditApplied():
            told = [("edit_applied", author)]
            if event.conflicts:
                told += [("edit_conflict", one) for one in _in_charge(event)]
        case EditRefused() | NewsRefused() | AnnouncementRefused():
            told = [("refused", author)]
        case NewsPublished() | AnnouncementPublished():
            told = [("published", author)]
    occasion = event.reminded_at.isoformat() if isinstance(event, ReviewReminded) else ""
    return [Notice(template, recipient, about(event), occasion) for template, recipient in told]


def _in_charge(event: ReviewWaiting | EditApplied) -> list[str]:
    """A venue's managers without the author, and its public addresses if it has any."""
    accounts = [
        account_ref(manager)
        for manager in dict.fromkeys(event.managers)
        if manager != event.author.account_id
    ]
    public = [venue_key(event.venue_id)] if event.venue_id and event.public_addresses else []
    return accounts + public


def deliveries(
    event: Event, notices: Iterable[Notice], *, correlation_id: str, moment: datetime
) -> list[Delivery]:
    """What is to be sent for an event, from this moment on."""
    return [
        Delivery(
            id=notice.id,
            template=notice.template,
            recipient=notice.recipient,
            case_id=notice.about,
            event_type=type(event).__name__,
            event_json=event.model_dump_json(),
            correlation_id=correlation_id,
            created_at=moment,
            due_at=moment,
        )
        for notice in notices
    ]


def withholds(event: Told) -> bool:
    """Whether an event leaves out addresses, which travel apart."""
    match event:
        case ReviewOpened() | ReviewReminded():
            return any(change.withheld for change in event.changes)
        case EditApplied():
            applied = any(change.withheld for change in event.applied)
            return applied or any(conflict.withheld for conflict in event.conflicts)
    return False


def reveal(event: Told, proposed: ProposedAddresses, online: list[str]) -> Told:
    """The event with the addresses it left out; `online` are those of the sheet now."""
    change = {"old": proposed.old, "new": proposed.new, "withheld": False}
    conflict = {
        "base": proposed.old,
        "current": online,
        "proposed": proposed.new,
        "withheld": False,
    }
    match event:
        case ReviewOpened() | ReviewReminded():
            shown = [one.model_copy(update=change if one.withheld else {}) for one in event.changes]
            return event.model_copy(update={"changes": shown})
        case EditApplied():
            applied = [
                one.model_copy(update=change if one.withheld else {}) for one in event.applied
            ]
            conflicts = [
                one.model_copy(update=conflict if one.withheld else {}) for one in event.conflicts
            ]
            return event.model_copy(update={"applied": applied, "conflicts": conflicts})
    return event


def pause(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many failed attempts (1 or more); `chance` is from 0 to 1."""
    longest = min(FIRST_PAUSE * 2.0 ** min(attempts - 1, 20), LONGEST_PAUSE)
    return longest * (0.5 + chance / 2)


def after_failure(failing: timedelta, *, contact_unknown: bool) -> State:
    """What becomes of a delivery that has been failing for so long."""
    if contact_unknown:
        return "unreachable" if failing >= CONTACT_AWAITED else "pending"
    return "failed" if failing >= TRIED else "pending"
