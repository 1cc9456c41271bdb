"""What the directory publishes. Key: the venue, so that a sheet's events keep their order."""

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Author, Contract, Event, Evidence, FieldChange, FieldValue, Timer
from shared.events.moderation import DecidedAs, Held

STREAM = "directory"


class VenueEvent(Event, abstract=True):
    """An event about one venue."""

    STREAM = STREAM
    venue_id: str

    @property
    def key(self) -> str:
        """The venue."""
        return self.venue_id


class VenueManagersChanged(VenueEvent):
    """The accounts that manage a venue now; `revision` counts these changes."""

    revision: int
    managers: list[str]


class Proposed(VenueEvent, abstract=True):
    """What an edit and a news item have in common when they are proposed."""

    proposal_id: str
    venue_nom: str
    author: Author
    author_is_manager: bool
    public_addresses: int
    """How many public addresses the sheet has; the addresses travel on `contacts`."""
    code_insee: str | None = None
    """Where the venue is: the commune's code, else its postal code."""
    code_postal: str | None = None
    replaces: str | None = None
    """The proposal that this one corrects."""
    proposed_at: AwareDatetime


class EditProposed(Proposed):
    """Somebody proposes to change fields of a sheet."""

    base_revision: int
    changes: list[FieldChange]
    comment: str = ""
    latitude: float | None = None
    """Where the sheet says the venue is, before any change; degrees (WGS 84)."""
    longitude: float | None = None


class NewsProposed(Proposed):
    """Somebody proposes a news item for a venue."""

    titre: str
    texte: str
    lien: str | None = None


class ManagementClaimed(VenueEvent):
    """Somebody asks to manage a venue's sheet."""

    claim_id: str
    venue_nom: str
    author: Author
    text: str
    public_addresses: int
    code_insee: str | None = None
    code_postal: str | None = None
    claimed_at: AwareDatetime
    evidence: Evidence | None = None


ReportReason = Literal["closed", "wrong", "duplicate", "charter"]


class VenueReported(VenueEvent):
    """Somebody says that something is wrong with a sheet."""

    report_id: str
    venue_nom: str
    author: Author
    text: str
    code_insee: str | None = None
    code_postal: str | None = None
    reason: ReportReason | None = None
    other_venue: str | None = None
    """The sheet that says the same, of a duplicate."""
    reported_at: AwareDatetime


class VenueUpdated(VenueEvent):
    """A sheet says something else than before, whatever changed it."""

    revision: int
    nom: str
    code_insee: str | None = None
    code_postal: str | None = None
    fields: list[str]
    """The columns that changed, by their names; their values are on the sheet."""
    updated_at: AwareDatetime


class Improved(VenueEvent, abstract=True):
    """A manager or a moderator has put a proposal right before it is decided."""

    proposal_id: str
    proposal_revision: int
    """Counts the texts of a proposal; its author's is 1."""
    improved_by: str
    improved_at: AwareDatetime


class EditImproved(Improved):
    """An edit has other values now: all its changes, the kept ones too."""

    changes: list[FieldChange]


class NewsImproved(Improved):
    """A news item has another text now."""

    titre: str
    texte: str
    lien: str | None = None


class FieldConflict(Contract):
    """A field that changed between the proposal and its acceptance, hence not applied."""

    field: str
    base: FieldValue = None
    current: FieldValue = None
    proposed: FieldValue = None
    withheld: bool = False


class EditApplied(VenueEvent):
    """An approved edit met the sheet: what is online now, and what was in the way."""

    proposal_id: str
    venue_nom: str
    revision: int
    author: Author
    accepted_by: DecidedAs
    applied: list[FieldChange]
    unchanged: list[str]
    conflicts: list[FieldConflict]
    refused_fields: list[str] = []
    reason: str | None = None
    held: list[Held] = []
    """Why nobody's silence accepted some of the refused fields."""
    managers: list[str] = []
    public_addresses: int
    applied_at: AwareDatetime


class NewsPublished(VenueEvent):
    """An approved news item is online on its venue's page."""

    proposal_id: str
    venue_nom: str
    author: Author
    accepted_by: DecidedAs
    titre: str
    published_at: AwareDatetime


class EditReverted(VenueEvent):
    """An accepted edit was undone: what is as before again, and what others changed since."""

    proposal_id: str
    revision: int
    restored: list[FieldChange]
    kept: list[str]
    reason: str
    reverted_at: AwareDatetime


class NewsUnpublished(VenueEvent):
    """A news item is no longer online."""

    proposal_id: str
    reason: str
    unpublished_at: AwareDatetime


class ImportEvent(Event, abstract=True):
    """An event about some sheets of one import, at most 500; order holds per import."""

    STREAM = STREAM
    source: str
    import_id: str
    venue_ids: list[str]

    @property
    def key(self) -> str:
        """The import."""
        return self.import_id


class VenuesImported(ImportEvent):
    """These sheets are new, or say something else than before, if only their date."""

    imported_at: AwareDatetime


class VenuesLeftSource(ImportEvent):
    """The source's file no longer has these venues; their sheets stay."""

    left_at: AwareDatetime


class VenueConfirmed(VenueEvent):
    """Somebody looked at values that people wrote, and found them still right."""

    revision: int
    fields: list[str]
    confirmed_at: AwareDatetime


class ClaimEvent(VenueEvent, abstract=True):
    """What a claim to manage a sheet leads to before, or without, a review."""

    claim_id: str
    venue_nom: str
    author: Author
    """Who asks to manage the sheet."""


class ClaimProofRequested(ClaimEvent):
    """One of the venue's public addresses is asked whether it knows who claims the sheet."""

    recipient: str
    """`contacts.digest` of the claim and the address, which the sheet had long before."""
    number: int
    """Counts the mails of this claim."""
    text: str
    managed: bool
    """Whether the venue has managers: they decide then, and the answer is a proof for them."""
    expires_at: AwareDatetime
    requested_at: AwareDatetime


class ClaimProved(ClaimEvent):
    """Its author manages the venue from now on: nobody did, and a proof was enough."""

    proof: Literal["mail", "siret"]
    public_addresses: int
    proved_at: AwareDatetime


class ClaimDisowned(ClaimEvent):
    """Whoever reads the venue's public address does not know its author."""

    disowned_at: AwareDatetime


class ClaimLapsed(ClaimEvent):
    """The venue's public address has not answered in time."""

    lapsed_at: AwareDatetime


class ClaimProofEnded(Timer, VenueEvent):
    """Timer: the time to answer from the venue's public address is over."""

    claim_id: str
    ends_at: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One per claim."""
        return claim_timer(self.claim_id)


def claim_timer(claim_id: str) -> str:
    """The timer of a claim that waits for a proof."""
    return f"claim-proof:{claim_id}"


class VenueChecked(VenueEvent):
    """Somebody has read the sheet and says that it is right; it stays as it is."""

    revision: int
    """The sheet's, now."""
    by_role: Literal["manager", "moderator", "visitor"]
    """A manager's word is what protects the values that managers gave."""
    checked_at: AwareDatetime


class SheetValue(Contract):
    """What a sheet says in one column; never a column of addresses."""

    column: str
    value: FieldValue = None


class SheetReviewDue(Timer, VenueEvent):
    """Timer: see whether a sheet's managers are to be asked to read it again."""

    due_at: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One per sheet."""
        return f"sheet-review:{self.venue_id}"


class VenueReviewAsked(VenueEvent):
    """A sheet was neither changed nor found right for as long as its managers chose."""

    venue_nom: str
    revision: int
    managers: list[str]
    """Those who want to hear of it."""
    values: list[SheetValue]
    """What the sheet says, as far as it helps to see whether it is still right."""
    cared_at: AwareDatetime
    """When it was last changed or found right."""
    every_months: int
    number: int
    """Counts the reminders that nothing has followed, this one included."""
    at_most: int
    asked_at: AwareDatetime


class VenueStopsChanged(VenueEvent):
    """The stops of an itinerant venue are others now; they are on its page."""

    revision: int
    """Counts the lists of stops, not the sheet's revisions."""
    count: int
    changed_at: AwareDatetime


class VenueNoticesChanged(VenueEvent):
    """A venue's temporary notices are others than before; those that end do so without a word."""

    venue_nom: str
    changed_at: AwareDatetime


class VenueStopEnded(Timer, VenueEvent):
    """Timer: a stop of an itinerant venue is over, and helps nobody to find it any more."""

    ended_at: AwareDatetime

    @property
    def timer_id(self) -> str:
        """One per venue: the next end."""
        return stops_timer(self.venue_id)


def stops_timer(venue_id: str) -> str:
    """The timer of the next stop of a venue that ends."""
    return f"stops:{venue_id}"


class MediatorAttachmentAsked(VenueEvent):
    """Somebody asks to be shown among a venue's mediators: who, by their account alone."""

    venue_nom: str
    account_id: str
    managers: list[str]
    """The accounts that manage the venue now."""
    asked_at: AwareDatetime


class VenueMediatorsChanged(VenueEvent):
    """A venue shows other mediators than before; who they are is on its page."""

    count: int
    changed_at: AwareDatetime


class VenuesMerged(VenueEvent):
    """Two venues are one now: `merged_id` is another name of `venue_id`, whatever names it."""

    merged_id: str
    merge_id: str
    revision: int
    """Of the sheet that stays."""
    merged_revision: int
    merged_at: AwareDatetime


class VenuesUnmerged(VenueEvent):
    """They are two again: `merged_id` is a venue of its own, as it was before."""

    merged_id: str
    merge_id: str
    revision: int
    """Of the sheet that had stayed."""
    merged_revision: int
    unmerged_at: AwareDatetime


class VenueListingChanged(VenueEvent):
    """A sheet has left the search and the lists, or is back in them."""

    left: Literal["closed", "charter"] | None = None
    """Why it has left; none if it is back."""
    since: dt.date | None = None
    changed_at: AwareDatetime


class VenueCorrectionAsked(VenueEvent):
    """Moderators found that what somebody reported of a sheet is wrong with it."""

    report_id: str
    venue_nom: str
    managers: list[str]
    text: str
    """What was reported, by somebody whose name is not told."""
    asked_at: AwareDatetime
