"""What announcements does when moderation has decided, and when a last day is over."""

from services.announcements import use_cases
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
    """Put it online."""
    await use_cases.put_online(tx, event.case_id, event.decision)


async def on_announcement_refused(event: AnnouncementRefused, tx: Transaction) -> None:
    """Note the refusal and its reason."""
    await use_cases.refuse(tx, event.case_id, event.decision)


async def on_proposal_withdrawn(event: ProposalWithdrawn, tx: Transaction) -> None:
    """Close what its author no longer wants."""
    if event.kind == "announcement":
        await use_cases.withdraw(tx, event.case_id)


async def on_approval_reverted(event: ApprovalReverted, tx: Transaction) -> None:
    """Take it offline."""
    if event.kind == "announcement":
        await use_cases.revert(tx, event.case_id)


async def on_announcement_end_reached(event: AnnouncementEndReached, tx: Transaction) -> None:
    """Take it offline."""
    await use_cases.end(tx, event.announcement_id, event.ends_on)


HANDLERS: Handlers = {
    AnnouncementValidated: on_announcement_validated,
    AnnouncementRefused: on_announcement_refused,
    ProposalWithdrawn: on_proposal_withdrawn,
    ApprovalReverted: on_approval_reverted,
    AnnouncementEndReached: on_announcement_end_reached,
}
