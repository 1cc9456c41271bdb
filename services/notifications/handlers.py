"""What notifications listens to: contacts to know, and what people are told."""

from services.notifications import use_cases
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementPublished,
    AnnouncementUpdated,
    SubscriptionDisabled,
)
from shared.events.contacts import (
    AccountContactChanged,
    AddressesProposed,
    ContactErased,
    VenueAddressesChanged,
)
from shared.events.directory import (
    ClaimDisowned,
    ClaimLapsed,
    ClaimProofRequested,
    ClaimProved,
    EditApplied,
    MediatorAttachmentAsked,
    NewsPublished,
    VenueCorrectionAsked,
    VenueReviewAsked,
    VenuesMerged,
    VenuesUnmerged,
)
from shared.events.moderation import (
    AnnouncementRefused,
    AppealDismissed,
    AppealLodged,
    ApprovalReverted,
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
)


async def on_account_contact_changed(event: AccountContactChanged, tx: Transaction) -> None:
    """Keep where a person reads their mail."""
    await use_cases.learn_account(tx, event)


async def on_venue_addresses_changed(event: VenueAddressesChanged, tx: Transaction) -> None:
    """Keep the public addresses of a venue."""
    await use_cases.learn_venue(tx, event)


async def on_venues_merged(event: VenuesMerged, tx: Transaction) -> None:
    """Know where mails for a merged venue go."""
    await use_cases.follow_merge(tx, event)


async def on_venues_unmerged(event: VenuesUnmerged, tx: Transaction) -> None:
    """Forget it."""
    await use_cases.follow_unmerge(tx, event)


async def on_addresses_proposed(event: AddressesProposed, tx: Transaction) -> None:
    """Keep the addresses that a proposal would change."""
    await use_cases.learn_proposal(tx, event)


async def on_contact_erased(event: ContactErased, tx: Transaction) -> None:
    """Forget a contact."""
    await use_cases.forget(tx, event)


async def on_review_opened(event: ReviewOpened, tx: Transaction) -> None:
    """Ask those who decide, and tell the author what happens next."""
    await use_cases.tell(tx, event)


async def on_review_reminded(event: ReviewReminded, tx: Transaction) -> None:
    """Remind those who have not answered."""
    await use_cases.tell(tx, event)


async def on_review_escalated(event: ReviewEscalated, tx: Transaction) -> None:
    """Tell those who must answer now."""
    await use_cases.tell(tx, event)


async def on_message_posted(event: MessagePosted, tx: Transaction) -> None:
    """Tell everybody else who takes part."""
    await use_cases.tell(tx, event)


async def on_edit_applied(event: EditApplied, tx: Transaction) -> None:
    """Tell the author what is online, and the managers what was in the way."""
    await use_cases.tell(tx, event)


async def on_edit_refused(event: EditRefused, tx: Transaction) -> None:
    """Tell the author why."""
    await use_cases.tell(tx, event)


async def on_news_published(event: NewsPublished, tx: Transaction) -> None:
    """Tell the author."""
    await use_cases.tell(tx, event)


async def on_news_refused(event: NewsRefused, tx: Transaction) -> None:
    """Tell the author why."""
    await use_cases.tell(tx, event)


async def on_announcement_published(event: AnnouncementPublished, tx: Transaction) -> None:
    """Tell the author."""
    await use_cases.tell(tx, event)


async def on_announcement_updated(event: AnnouncementUpdated, tx: Transaction) -> None:
    """Tell the author."""
    await use_cases.tell(tx, event)


async def on_announcement_ended(event: AnnouncementEnded, tx: Transaction) -> None:
    """Tell the author of one that was validated too late."""
    await use_cases.tell(tx, event)


async def on_subscription_disabled(event: SubscriptionDisabled, tx: Transaction) -> None:
    """Tell its owner what to do."""
    await use_cases.tell(tx, event)


async def on_announcement_refused(event: AnnouncementRefused, tx: Transaction) -> None:
    """Tell the author why."""
    await use_cases.tell(tx, event)


async def on_report_upheld(event: ReportUpheld, tx: Transaction) -> None:
    """Thank the author."""
    await use_cases.tell(tx, event)


async def on_report_dismissed(event: ReportDismissed, tx: Transaction) -> None:
    """Tell the author why."""
    await use_cases.tell(tx, event)


async def on_claim_approved(event: ClaimApproved, tx: Transaction) -> None:
    """Tell the author what they can do now."""
    await use_cases.tell(tx, event)


async def on_claim_refused(event: ClaimRefused, tx: Transaction) -> None:
    """Tell the author why."""
    await use_cases.tell(tx, event)


async def on_approval_reverted(event: ApprovalReverted, tx: Transaction) -> None:
    """Tell the author what is undone, and why."""
    await use_cases.tell(tx, event)


async def on_appeal_lodged(event: AppealLodged, tx: Transaction) -> None:
    """Ask the moderators to look again."""
    await use_cases.tell(tx, event)


async def on_appeal_dismissed(event: AppealDismissed, tx: Transaction) -> None:
    """Tell the author why nothing changes."""
    await use_cases.tell(tx, event)


async def on_claim_proof_requested(event: ClaimProofRequested, tx: Transaction) -> None:
    """Ask a venue's public address whether it knows who claims the sheet."""
    await use_cases.tell(tx, event)


async def on_claim_proved(event: ClaimProved, tx: Transaction) -> None:
    """Tell the author what they can do now, and the venue who manages its sheet."""
    await use_cases.tell(tx, event)


async def on_claim_disowned(event: ClaimDisowned, tx: Transaction) -> None:
    """Tell the author."""
    await use_cases.tell(tx, event)


async def on_claim_lapsed(event: ClaimLapsed, tx: Transaction) -> None:
    """Tell the author what else they can do."""
    await use_cases.tell(tx, event)


async def on_venue_review_asked(event: VenueReviewAsked, tx: Transaction) -> None:
    """Ask its managers whether the sheet is still right."""
    await use_cases.tell(tx, event)


async def on_venue_correction_asked(event: VenueCorrectionAsked, tx: Transaction) -> None:
    """Tell its managers what is wrong with the sheet."""
    await use_cases.tell(tx, event)


async def on_mediator_attachment_asked(event: MediatorAttachmentAsked, tx: Transaction) -> None:
    """Ask who looks after the venue whether it shows them."""
    await use_cases.tell(tx, event)


HANDLERS: Handlers = {
    AccountContactChanged: on_account_contact_changed,
    VenueAddressesChanged: on_venue_addresses_changed,
    VenuesMerged: on_venues_merged,
    VenuesUnmerged: on_venues_unmerged,
    AddressesProposed: on_addresses_proposed,
    ContactErased: on_contact_erased,
    ReviewOpened: on_review_opened,
    ReviewReminded: on_review_reminded,
    ReviewEscalated: on_review_escalated,
    MessagePosted: on_message_posted,
    EditApplied: on_edit_applied,
    EditRefused: on_edit_refused,
    NewsPublished: on_news_published,
    NewsRefused: on_news_refused,
    AnnouncementPublished: on_announcement_published,
    AnnouncementUpdated: on_announcement_updated,
    AnnouncementEnded: on_announcement_ended,
    AnnouncementRefused: on_announcement_refused,
    SubscriptionDisabled: on_subscription_disabled,
    ReportUpheld: on_report_upheld,
    ReportDismissed: on_report_dismissed,
    ClaimApproved: on_claim_approved,
    ClaimRefused: on_claim_refused,
    ApprovalReverted: on_approval_reverted,
    AppealLodged: on_appeal_lodged,
    AppealDismissed: on_appeal_dismissed,
    ClaimProofRequested: on_claim_proof_requested,
    ClaimProved: on_claim_proved,
    ClaimDisowned: on_claim_disowned,
    ClaimLapsed: on_claim_lapsed,
    MediatorAttachmentAsked: on_mediator_attachment_asked,
    VenueReviewAsked: on_venue_review_asked,
    VenueCorrectionAsked: on_venue_correction_asked,
}
