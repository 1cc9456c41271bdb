"""What moderation publishes. Key: the case."""

from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Author, Contract, Event, Evidence, FieldChange, Timer

STREAM = "moderation"

CaseKind = Literal["edit", "news", "announcement", "report", "claim"]
DecidedAs = Literal["manager", "moderator", "silence", "shortcut"]
Role = Literal["author", "manager", "moderator"]
Mark = Literal["manager_unreachable"]


def reminder_timer(case_id: str, number: int) -> str:
    """The id of one of a case's reminders, counted from 1."""
    return f"review-reminder:{case_id}:{number}"


def deadline_timer(case_id: str) -> str:
    """The id of a case's deadline."""
    return f"review-deadline:{case_id}"


def assignment_timer(case_id: str) -> str:
    """The id of the end of a moderator's hold on a case."""
    return f"assignment:{case_id}"


def appeal_timer(case_id: str) -> str:
    """The id of the end of a case's appeal window."""
    return f"appeal-window:{case_id}"


class CaseEvent(Event, abstract=True):
    """An event about one review case; its id is the id of what is reviewed."""

    STREAM = STREAM
    case_id: str

    @property
    def key(self) -> str:
        """The case."""
        return self.case_id


class Held(Contract):
    """Something that silence does not accept: why, in the words shown to people."""

    rule: str
    """`objection`, or the name of a rule that asks for an explicit decision."""
    fields: list[str] = []
    """The fields concerned; none means the whole proposal."""
    sentence: str


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
    for_moderators: bool = False
    """Whether moderators are asked, beside the managers or alone."""
    held: list[Held] = []
    """What silence will not accept."""
    deadline: AwareDatetime | None = None
    """When silence decides; none where only a person can."""
    evidence: Evidence | None = None
    """What somebody who asks to manage a sheet has shown."""


class ReviewOpened(ReviewWaiting):
    """A proposal waits for a decision."""

    opened_at: AwareDatetime


class ReviewReminded(ReviewWaiting):
    """Nobody has answered yet, and the deadline comes near."""

    reminded_at: AwareDatetime


class ReviewEscalated(ReviewWaiting):
    """A person must answer now: somebody objects, or the managers cannot be reached."""

    why: Literal["contested", "manager_unreachable"]
    objection: str | None = None
    """The reason of the objection."""
    escalated_at: AwareDatetime


class ReviewReminderReached(Timer, CaseEvent):
    """Timer: remind those who decide now."""

    reminder_at: AwareDatetime
    number: int = 1

    @property
    def timer_id(self) -> str:
        """One for each reminder of a case."""
        return reminder_timer(self.case_id, self.number)


class ReviewDeadlineReached(Timer, CaseEvent):
    """Timer: the time to object is over."""

    deadline: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One deadline per case."""
        return deadline_timer(self.case_id)


class AssignmentExpired(Timer, CaseEvent):
    """Timer: a moderator took a case and did not decide it in time."""

    expires_at: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One moderator at a time per case."""
        return assignment_timer(self.case_id)


class AppealWindowEnded(Timer, CaseEvent):
    """Timer: a decision can no longer be appealed against."""

    ends_at: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One window per case."""
        return appeal_timer(self.case_id)


class Told(Contract):
    """One mail about a case: to whom, when, and what became of it."""

    who: str
    """`account:…`, `venue:…` (its public addresses) or `moderators`."""
    what: str
    at: AwareDatetime
    outcome: Literal["sent", "bounced"]


class Decision(Contract):
    """Who decided, when, and how the decision was taken."""

    how: DecidedAs
    by: str | None = None
    """`account:…`, `venue:…` (whoever reads its public address), or none if nobody did."""
    at: AwareDatetime
    reason: str | None = None
    rule: str | None = None
    """What decided when nobody did: `deadline`, or the shortcut's name."""
    told: list[Told] = []
    """Of a decision that nobody took: who was told before."""
    held: list[Held] = []
    """Of a decision that nobody took: what it leaves out, and why."""
    marks: list[Mark] = []
    on_appeal: bool = False
    """Whether it overturns a refusal."""


class CaseDecided(CaseEvent, abstract=True):
    """What every decision says."""

    revision: int
    author: Author
    title: str
    decision: Decision
    appeal_until: AwareDatetime | None = None
    """Until when the author can ask another moderator; none if that is not possible."""


class EditApproved(CaseDecided):
    """An edit is accepted, whole or for some of its fields."""

    venue_id: str
    fields: list[str]
    refused_fields: list[str] = []
    proposal_revision: int = 1
    """Which text of the proposal: others may have improved it."""


class EditRefused(CaseDecided):
    """An edit is refused, with a reason."""

    venue_id: str


class NewsApproved(CaseDecided):
    """A news item is accepted."""

    venue_id: str
    proposal_revision: int = 1


class NewsRefused(CaseDecided):
    """A news item is refused, with a reason."""

    venue_id: str


class AnnouncementValidated(CaseDecided):
    """An announcement, or a new text of one, may go online."""

    proposal_revision: int = 1
    """Which text of the submission: a moderator may have improved it."""


class AnnouncementRefused(CaseDecided):
    """An announcement is refused, with a reason."""


class ReportUpheld(CaseDecided):
    """A report is founded."""

    about: str
    """`venue:…`, `announcement:…` or `case:…`."""


class ReportDismissed(CaseDecided):
    """A report is not founded."""

    about: str


class ClaimApproved(CaseDecided):
    """An account is to manage a venue from now on: `author`'s."""

    venue_id: str


class ClaimRefused(CaseDecided):
    """An account is not to manage a venue."""

    venue_id: str


class ProposalWithdrawn(CaseEvent):
    """Its author no longer wants it."""

    revision: int
    kind: CaseKind
    venue_id: str | None = None
    title: str
    author: Author
    withdrawn_at: AwareDatetime


class ProposalSuperseded(CaseEvent):
    """Its author has sent a corrected one instead."""

    revision: int
    kind: CaseKind
    venue_id: str | None = None
    by: str
    """The proposal that takes its place."""
    superseded_at: AwareDatetime


class ApprovalReverted(CaseEvent):
    """What was accepted is to be undone, as far as nobody has built on it."""

    revision: int
    kind: CaseKind
    venue_id: str | None = None
    title: str
    author: Author
    by: str
    reason: str
    reverted_at: AwareDatetime


class AppealLodged(CaseEvent):
    """An author asks another moderator to look at a refusal again."""

    revision: int
    kind: CaseKind
    venue_id: str | None = None
    title: str
    author: Author
    text: str
    lodged_at: AwareDatetime


class AppealDismissed(CaseDecided):
    """Another moderator has looked at it, and the refusal stands."""

    kind: CaseKind
    venue_id: str | None = None


class MessagePosted(CaseEvent):
    """Somebody wrote in a case's thread, for the others who take part."""

    message_id: str
    kind: CaseKind
    venue_id: str | None = None
    title: str
    sender: Author
    sender_role: Role
    text: str
    author: Author
    """Who made the proposal."""
    managers: list[str] = []
    public_addresses: int = 0
    for_moderators: bool = False
    deadline: AwareDatetime | None = None
    posted_at: AwareDatetime
