"""Who is told what, and how long a mail is tried: rules alone, no I/O and no clock."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

from shared.events import TYPES, Author, Event
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementPublished,
    AnnouncementUpdated,
    SubscriptionDisabled,
)
from shared.events.contacts import digest, venue_key
from shared.events.directory import (
    ClaimDisowned,
    ClaimEvent,
    ClaimLapsed,
    ClaimProofRequested,
    ClaimProved,
    EditApplied,
    MediatorAttachmentAsked,
    NewsPublished,
    VenueCorrectionAsked,
    VenueReviewAsked,
)
from shared.events.moderation import (
    AnnouncementRefused,
    AppealDismissed,
    AppealLodged,
    ApprovalReverted,
    CaseEvent,
    ClaimApproved,
    ClaimRefused,
    EditRefused,
    MessagePosted,
    NewsRefused,
    ReportDismissed,
    ReportUpheld,
    ReviewEscalated,
    ReviewOpened,
    ReviewReminded,
    ReviewWaiting,
)
from shared.events.notifications import NoticeBounced, NoticeSent

Template = Literal[
    "review_opened",
    "review_reminder",
    "review_contested",
    "moderators_waiting",
    "moderators_reminder",
    "moderators_escalated",
    "proposal_received",
    "message_posted",
    "edit_applied",
    "edit_conflict",
    "edit_shortcut",
    "published",
    "refused",
    "reverted",
    "report_upheld",
    "claim_approved",
    "appeal_lodged",
    "appeal_dismissed",
    "announcement_too_late",
    "webhook_disabled",
    "claim_proof",
    "claim_proved",
    "manager_named",
    "claim_disowned",
    "claim_lapsed",
    "mediator_asked",
    "sheet_review",
    "sheet_wrong",
]
Final = Literal["sent", "rejected", "unreachable", "failed"]
State = Literal["pending"] | Final

Refusal: TypeAlias = (
    EditRefused | NewsRefused | AnnouncementRefused | ReportDismissed | ClaimRefused
)
Told: TypeAlias = (
    ReviewOpened
    | ReviewReminded
    | ReviewEscalated
    | MessagePosted
    | EditApplied
    | NewsPublished
    | AnnouncementPublished
    | AnnouncementUpdated
    | AnnouncementEnded
    | SubscriptionDisabled
    | Refusal
    | ReportUpheld
    | ClaimApproved
    | ApprovalReverted
    | AppealLodged
    | AppealDismissed
    | ClaimProofRequested
    | ClaimProved
    | ClaimDisowned
    | ClaimLapsed
    | MediatorAttachmentAsked
    | VenueReviewAsked
    | VenueCorrectionAsked
)
"""What somebody is told about."""

TO_AUTHOR: dict[type[Told], Template] = {
    **dict.fromkeys(get_args(Refusal), "refused"),
    NewsPublished: "published",
    AnnouncementPublished: "published",
    AnnouncementUpdated: "published",
    AnnouncementEnded: "announcement_too_late",
    SubscriptionDisabled: "webhook_disabled",
    ReportUpheld: "report_upheld",
    ClaimApproved: "claim_approved",
    ApprovalReverted: "reverted",
    AppealDismissed: "appeal_dismissed",
    ClaimDisowned: "claim_disowned",
    ClaimLapsed: "claim_lapsed",
}
"""What concerns the author alone."""

MODERATORS = "moderators"
PARTNER = "account:partner:"
OfASheet: TypeAlias = VenueReviewAsked | VenueCorrectionAsked
"""What concerns a venue's managers, and comes from nobody whom they could know."""
NotForPartners: TypeAlias = (
    ReviewOpened | AnnouncementPublished | AnnouncementUpdated | AnnouncementEnded
)
"""A platform sends many: it hears of refusals, and sees the rest in its deliveries and webhooks."""
ASKED_OF_MANAGERS = frozenset({"edit", "news", "claim"})
"""Kinds that concern those who manage the venue; a report may be about them."""

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
    """Tells apart what may be told several times about one case."""

    @property
    def id(self) -> str:
        """The same whenever the same event is read again."""
        parts = (self.template, self.about, self.recipient, self.occasion)
        return ":".join(part for part in parts if part)


class Delivery(BaseModel):
    """A notice on its way; addresses are noted by the Message-ID of their mail only."""

    model_config = ConfigDict(frozen=True)

    id: str
    template: str
    """A `Template`, or one of a later version: that row fails alone, when it is rendered."""
    recipient: str
    case_id: str
    event_type: str
    event_json: str
    correlation_id: str
    secret: str = ""
    """Makes the Message-IDs of its mails: nobody can make up a bounce of what they did not get."""
    created_at: datetime
    due_at: datetime | None
    """None once it is done."""
    attempts: int = 0
    state: State = "pending"
    failing_since: datetime | None = None
    done_at: datetime | None = None
    sent: list[str] = []
    """The Message-IDs (without their domain) of the mails that a server has taken."""
    rejected: list[str] = []
    """Those of the mails that were refused, or came back."""
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
    """The id of the proposal, the claim, the announcement, the sheet… that an event is about."""
    match event:
        case CaseEvent():
            id_ = event.case_id
        case ClaimEvent():
            id_ = event.claim_id
        case AnnouncementPublished() | AnnouncementUpdated() | AnnouncementEnded():
            id_ = event.announcement_id
        case SubscriptionDisabled():
            id_ = event.subscription_id
        case VenueReviewAsked() | MediatorAttachmentAsked():
            id_ = event.venue_id
        case VenueCorrectionAsked():
            id_ = event.report_id
        case _:
            id_ = event.proposal_id
    return id_


def managed_venue(event: Told) -> str | None:
    """The venue whose managers an event may concern."""
    return event.venue_id if isinstance(event, ReviewWaiting | EditApplied) else None


def plan(event: Told) -> list[Notice]:
    """Who is told about an event."""
    match event:
        case VenueReviewAsked() | VenueCorrectionAsked():
            told = _of_a_sheet(event)
        case ClaimProofRequested() | ClaimProved():
            told = _of_a_claim(event)
        case MediatorAttachmentAsked():
            told = [("mediator_asked", one) for one in _asked_of(event)]
        case _:
            told = _told(event)
    occasion = _occasion(event)
    return [Notice(template, recipient, about(event), occasion) for template, recipient in told]


def _of_a_sheet(event: OfASheet) -> list[tuple[Template, str]]:
    """What its managers hear of a sheet that nobody has proposed to change."""
    template: Template = "sheet_review" if isinstance(event, VenueReviewAsked) else "sheet_wrong"
    return [(template, account_ref(one)) for one in event.managers]


def _asked_of(event: MediatorAttachmentAsked) -> list[str]:
    """Who may show a mediator at a venue: its managers, else the moderators."""
    return [account_ref(one) for one in event.managers] or [MODERATORS]


def writer(event: Told) -> Author:
    """Whose proposal, announcement or subscription it is."""
    match event:
        case SubscriptionDisabled():
            return event.owner
        case AnnouncementEnded():
            return event.author or Author(account_id="")
        case MediatorAttachmentAsked():
            return Author(account_id=event.account_id)
        case VenueReviewAsked() | VenueCorrectionAsked():
            return Author(account_id="")
        case _:
            return event.author


def _told(event: Told) -> list[tuple[Template, str]]:
    author = account_ref(writer(event).account_id)
    if author.startswith(PARTNER) and isinstance(event, NotForPartners):
        return _to_moderators("moderators_waiting", isinstance(event, ReviewOpened))
    match event:
        case ReviewOpened():
            # events older than `for_moderators` do not say it of announcements
            moderated = event.for_moderators or event.kind == "announcement"
            told = _to_managers("review_opened", event)
            told += _to_moderators("moderators_waiting", moderated)
            told.append(("proposal_received", author))
        case ReviewReminded():
            told = _to_managers("review_reminder", event)
            told += _to_moderators("moderators_reminder", event.for_moderators)
        case ReviewEscalated(why="contested"):
            told = _to_managers("review_contested", event)
            told += _to_moderators("moderators_escalated", event.for_moderators)
        case ReviewEscalated():
            told = _to_moderators("moderators_escalated", True)
        case MessagePosted():
            told = [("message_posted", one) for one in _readers(event)]
        case EditApplied():
            told = [("edit_applied", author), *_of_an_edit(event)]
        case AppealLodged():
            told = _to_moderators("appeal_lodged", True)
        case AnnouncementEnded(was_online=True) | AnnouncementEnded(author=None):
            # other ends are known: a date, an act of its author, or a reverted approval
            told = []
        case _:
            told = [(TO_AUTHOR[type(event)], author)]
    return told


def _occasion(event: Told) -> str:
    match event:
        case MessagePosted():
            occasion = event.message_id
        case ReviewReminded():
            occasion = event.reminded_at.isoformat()
        case ReviewEscalated():
            occasion = event.escalated_at.isoformat()
        case AnnouncementUpdated() | AnnouncementEnded():
            occasion = str(event.revision)
        case SubscriptionDisabled():
            occasion = event.disabled_at.isoformat()
        case ClaimProofRequested():
            occasion = str(event.number)
        case MediatorAttachmentAsked():
            occasion = f"{event.account_id}:{event.asked_at.isoformat()}"
        case VenueReviewAsked():
            occasion = event.asked_at.isoformat()
        case EditApplied():
            # what an appeal grants is applied later than the rest
            occasion = event.applied_at.isoformat()
        case _:
            occasion = ""
    return occasion


def _to_managers(template: Template, event: ReviewWaiting) -> list[tuple[Template, str]]:
    return [(template, one) for one in in_charge(event)]


def _to_moderators(template: Template, asked: bool) -> list[tuple[Template, str]]:
    return [(template, MODERATORS)] if asked else []


def _of_an_edit(event: EditApplied) -> list[tuple[Template, str]]:
    """What those in charge hear of an edit: what was in the way, and what nobody was asked."""
    templates: list[Template] = []
    if event.conflicts:
        templates.append("edit_conflict")
    if event.accepted_by == "shortcut" and event.applied:
        templates.append("edit_shortcut")
    return [(template, one) for template in templates for one in in_charge(event)]


def _of_a_claim(event: ClaimProofRequested | ClaimProved) -> list[tuple[Template, str]]:
    """A venue's address is asked who claims its sheet; once it is proved, all of them are told."""
    venue = venue_key(event.venue_id)
    if isinstance(event, ClaimProofRequested):
        return [("claim_proof", venue)]
    told: list[tuple[Template, str]] = [("claim_proved", account_ref(event.author.account_id))]
    return [*told, ("manager_named", venue)] if event.public_addresses else told


def _readers(event: MessagePosted) -> list[str]:
    """Everybody who takes part in a thread, without whoever wrote this message."""
    sender = event.sender.account_id
    writing = {sender if sender.startswith("venue:") else account_ref(sender)}
    if event.sender_role == "moderator":
        writing.add(MODERATORS)
    readers = [account_ref(event.author.account_id), *in_charge(event)]
    readers += [MODERATORS] if event.for_moderators else []
    return [one for one in readers if one not in writing]


def in_charge(event: ReviewWaiting | EditApplied | MessagePosted) -> list[str]:
    """A venue's managers without the author, and its public addresses if it has any."""
    if not isinstance(event, EditApplied) and event.kind not in ASKED_OF_MANAGERS:
        return []
    accounts = [
        account_ref(manager)
        for manager in dict.fromkeys(event.managers)
        if manager != event.author.account_id
    ]
    public = [venue_key(event.venue_id)] if event.venue_id and event.public_addresses else []
    return accounts + public


def addressed(event: Told, addresses: Iterable[str]) -> list[str]:
    """Those of a recipient's addresses that an event is for: one of a venue's, or all."""
    if isinstance(event, ClaimProofRequested):
        addresses = [one for one in addresses if digest(event.claim_id, one) == event.recipient]
    return list(dict.fromkeys(addresses))


def mail_name(delivery: Delivery, address: str) -> str:
    """What comes before the @ in the Message-ID of an address's mail, the same each time."""
    told = f"{delivery.secret}{delivery.id}{address}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def deliveries(
    event: Event, notices: Iterable[Notice], *, correlation_id: str, secret: str, moment: datetime
) -> list[Delivery]:
    """What is to be sent for an event, from this moment on; `secret` is drawn for this event."""
    return [
        Delivery(
            id=notice.id,
            template=notice.template,
            recipient=notice.recipient,
            case_id=notice.about,
            event_type=type(event).__name__,
            event_json=event.model_dump_json(),
            correlation_id=correlation_id,
            secret=secret,
            created_at=moment,
            due_at=moment,
        )
        for notice in notices
    ]


def withholds(event: Told) -> bool:
    """Whether an event leaves out addresses, which travel apart."""
    match event:
        case ReviewWaiting():
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
        case ReviewWaiting():
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


def finished(delivery: Delivery, state: Final, moment: datetime, error: str | None) -> Delivery:
    """A delivery after its last attempt: sent if one address has the mail, whatever the others."""
    changes: dict[str, object] = {
        "state": "sent" if delivery.sent else state,
        "attempts": delivery.attempts + 1,
        "done_at": moment,
        "due_at": None,
        "error": error or delivery.error,
    }
    return delivery.model_copy(update=changes)


def bounced(delivery: Delivery, name: str) -> Delivery:
    """A delivery of which one mail came back; rejected once it has no other."""
    sent = [one for one in delivery.sent if one != name]
    changes: dict[str, object] = {"sent": sent, "rejected": [*delivery.rejected, name]}
    if delivery.state == "sent" and not sent:
        changes |= {"state": "rejected", "error": "Bounced"}
    return delivery.model_copy(update=changes)


def outcome(delivery: Delivery, moment: datetime) -> NoticeSent | NoticeBounced:
    """What the others hear of a delivery that is done."""
    facts = {
        "case_id": delivery.case_id,
        "recipient": delivery.recipient,
        "template": delivery.template,
        "at": moment,
    }
    return NoticeSent(**facts) if delivery.state == "sent" else NoticeBounced(**facts)
