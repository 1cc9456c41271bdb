"""What the directory does when moderation has decided."""

from datetime import timedelta

from services.directory.use_cases import claims, decisions, reminders, reports, stops, venues
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.directory import ClaimProofEnded, SheetReviewDue, VenueStopEnded
from shared.events.moderation import (
    ApprovalReverted,
    CaseKind,
    ClaimApproved,
    ClaimRefused,
    EditApproved,
    EditRefused,
    NewsApproved,
    NewsRefused,
    ProposalSuperseded,
    ProposalWithdrawn,
    ReportUpheld,
)

OURS: frozenset[CaseKind] = frozenset({"edit", "news"})


async def on_edit_approved(event: EditApproved, tx: Transaction) -> None:
    """Merge what was accepted into the sheet."""
    await decisions.apply_edit(
        tx,
        event.case_id,
        fields=event.fields,
        proposal_revision=event.proposal_revision,
        decision=event.decision,
    )


async def on_edit_refused(event: EditRefused, tx: Transaction) -> None:
    """Close the proposal."""
    await decisions.refuse(tx, event.case_id, event.decision)


async def on_news_approved(event: NewsApproved, tx: Transaction) -> None:
    """Put the news online."""
    await decisions.publish_news(
        tx, event.case_id, proposal_revision=event.proposal_revision, decision=event.decision
    )


async def on_news_refused(event: NewsRefused, tx: Transaction) -> None:
    """Close the news item."""
    await decisions.refuse(tx, event.case_id, event.decision)


async def on_proposal_withdrawn(event: ProposalWithdrawn, tx: Transaction) -> None:
    """Close what its author no longer wants."""
    if event.kind == "claim":
        await claims.withdraw(tx, event.case_id, event.withdrawn_at)
    elif event.kind in OURS:
        await decisions.withdraw(tx, event.case_id)


async def on_proposal_superseded(event: ProposalSuperseded, tx: Transaction) -> None:
    """Close what was sent again, corrected."""
    if event.kind in OURS:
        await decisions.supersede(tx, event.case_id, event.by)


async def on_approval_reverted(event: ApprovalReverted, tx: Transaction) -> None:
    """Undo it, as far as nobody has built on it."""
    if event.kind == "edit":
        await decisions.revert_edit(
            tx, event.case_id, by=event.by, reason=event.reason, at=event.reverted_at
        )
    elif event.kind == "news":
        await decisions.unpublish_news(tx, event.case_id, by=event.by, reason=event.reason)


async def on_claim_approved(event: ClaimApproved, tx: Transaction) -> None:
    """Let whoever asked manage the venue."""
    await venues.add_manager(tx, event.venue_id, event.author.account_id)
    await claims.decided(tx, event.case_id, event.decision, granted=True)


async def on_claim_refused(event: ClaimRefused, tx: Transaction) -> None:
    """Close the claim: another may be made."""
    await claims.decided(tx, event.case_id, event.decision, granted=False)


async def on_venue_stop_ended(event: VenueStopEnded, tx: Transaction) -> None:
    """No longer find the venue where it stood."""
    await stops.end_stops(tx, event.venue_id)


async def on_claim_proof_ended(event: ClaimProofEnded, tx: Transaction) -> None:
    """Close the claim that a public address has not answered."""
    await claims.lapse(tx, event.claim_id)


async def on_report_upheld(event: ReportUpheld, tx: Transaction) -> None:
    """Do what its reason asks for."""
    decision = event.decision
    await reports.uphold(tx, event.case_id, by=decision.by or "moderator", at=decision.at)


def reminding(month: timedelta) -> Handlers:
    """The clock of the reminders; `month` is how long one of its months lasts."""

    async def on_sheet_review_due(event: SheetReviewDue, tx: Transaction) -> None:
        await reminders.reached(tx, event.venue_id, event.due_at, month=month)

    return {SheetReviewDue: on_sheet_review_due}


HANDLERS: Handlers = {
    EditApproved: on_edit_approved,
    EditRefused: on_edit_refused,
    NewsApproved: on_news_approved,
    NewsRefused: on_news_refused,
    ProposalWithdrawn: on_proposal_withdrawn,
    ProposalSuperseded: on_proposal_superseded,
    ApprovalReverted: on_approval_reverted,
    ClaimApproved: on_claim_approved,
    ReportUpheld: on_report_upheld,
    ClaimRefused: on_claim_refused,
    ClaimProofEnded: on_claim_proof_ended,
    VenueStopEnded: on_venue_stop_ended,
}
