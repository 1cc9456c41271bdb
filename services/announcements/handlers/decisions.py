"""What announcements does when moderation has decided, and when a day is over."""

from services.announcements.use_cases import decisions
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.announcements import AnnouncementEndReached
from shared.events.moderation import (
    AnnouncementRefused,
    AnnouncementValidated,
    ApprovalReverted,
    ProposalWithdrawn,
)


async def on_announcement_validated(event: AnnouncementValidated, tx: Transaction) -> None:
    """Show the text."""
    await decisions.validate(
        tx, event.case_id, proposal_revision=event.proposal_revision, decision=event.decision
    )


async def on_announcement_refused(event: AnnouncementRefused, tx: Transaction) -> None:
    """Note the refusal and its reason."""
    await decisions.refuse(tx, event.case_id, event.decision)


async def on_proposal_withdrawn(event: ProposalWithdrawn, tx: Transaction) -> None:
    """Close what its author no longer wants."""
    if event.kind == "announcement":
        await decisions.take_back(tx, event.case_id)


async def on_approval_reverted(event: ApprovalReverted, tx: Transaction) -> None:
    """Show the text before again, or take it offline."""
    if event.kind == "announcement":
        await decisions.revert(tx, event.case_id)


async def on_announcement_end_reached(event: AnnouncementEndReached, tx: Transaction) -> None:
    """Go on to the next wave, or take it offline."""
    await decisions.reach(tx, event.announcement_id, event.ends_on)


HANDLERS_DECISIONS: Handlers = {
    AnnouncementValidated: on_announcement_validated,
    AnnouncementRefused: on_announcement_refused,
    ProposalWithdrawn: on_proposal_withdrawn,
    ApprovalReverted: on_approval_reverted,
    AnnouncementEndReached: on_announcement_end_reached,
}
