"""What becomes of a proposal once moderation has decided, or its author has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.directory.domain.fiche import WITHHELD, public_addresses
from services.directory.domain.merge import Merge, three_way, undone
from services.directory.domain.proposals import NewsItem, Proposal, ProposalNotFound
from services.directory.domain.venues import Acceptance, Venue, applied_by, origins_before
from services.directory.store.proposals import News, Proposals
from services.directory.store.venues import History
from services.directory.use_cases.merges import base_for
from services.directory.use_cases.proposals import (
    find_proposal,
    keep_proposal,
    tell_proposed_addresses,
)
from services.directory.use_cases.venues import get_venue, lineage, revise
from shared.database import Transaction
from shared.events import FieldChange, FieldValue
from shared.events.contacts import ContactErased, proposal_key
from shared.events.directory import (
    EditApplied,
    EditReverted,
    FieldConflict,
    NewsPublished,
    NewsUnpublished,
)
from shared.events.moderation import Decision

ADDRESSES_KEPT = timedelta(days=40)
"""After a proposal is closed: for late mails, and for who looks at a refusal again."""


async def apply_edit(
    tx: Transaction,
    proposal_id: str,
    *,
    fields: list[str],
    proposal_revision: int,
    decision: Decision,
) -> None:
    """Merge the accepted fields of a proposal's text into the sheet, each once."""
    proposal = await Proposals(tx).get(proposal_id)
    if proposal is None:
        raise ProposalNotFound
    accepted = proposal.to_apply(fields, proposal_revision, on_appeal=decision.on_appeal)
    if not accepted:
        return
    venue = await get_venue(tx, proposal.venue_id)
    base = await base_for(tx, proposal.venue_id, proposal.base, accepted)
    merge = three_way(base, venue.fiche, accepted)
    if merge.applied:
        await revise(
            tx,
            venue,
            merge.applied,
            by=f"account:{proposal.author.account_id}",
            accepted=Acceptance(
                how=decision.how,
                by=decision.by,
                at=decision.at,
                proposal_id=proposal.id,
                improved_by=proposal.improved_by(proposal_revision),
                rule=decision.rule,
            ),
        )
    if decision.on_appeal or proposal_revision != proposal.revision:
        # forgotten since it was closed, or those of another text
        tell_proposed_addresses(tx, proposal, accepted)
    proposal.accepted_revision = proposal_revision
    proposal.outcome = _outcome(proposal, venue, merge, decision)
    tx.publish(_applied(tx, proposal, venue, merge, decision))
    await _close(tx, proposal, "applied")


def _outcome(proposal: Proposal, venue: Venue, merge: Merge, decision: Decision) -> dict[str, Any]:
    """What its author reads: an appeal adds to what was accepted before."""
    applied = [*proposal.merged("applied"), *merge.applied]
    unchanged = [*proposal.merged("unchanged"), *merge.unchanged]
    conflicts = [*proposal.merged("conflicts"), *merge.conflicts]
    accepted = {*applied, *unchanged, *conflicts}
    return {
        "accepted_by": decision.how,
        "rule": decision.rule,
        "venue_id": venue.id,
        "revision": venue.revision,
        "applied": applied,
        "unchanged": unchanged,
        "conflicts": conflicts,
        "refused_fields": [name for name in proposal.shown if name not in accepted],
        "held": [one.model_dump() for one in decision.held],
        "reason": decision.reason,
    }


def _applied(
    tx: Transaction, proposal: Proposal, venue: Venue, merge: Merge, decision: Decision
) -> EditApplied:
    return EditApplied(
        venue_id=venue.id,
        proposal_id=proposal.id,
        venue_nom=venue.nom,
        revision=venue.revision,
        author=proposal.author,
        accepted_by=decision.how,
        applied=_hidden(merge.applied),
        unchanged=merge.unchanged,
        conflicts=[
            FieldConflict(field=name, withheld=True)
            if name in WITHHELD
            else FieldConflict(
                field=name,
                base=conflict.base,
                current=conflict.current,
                proposed=conflict.proposed,
            )
            for name, conflict in merge.conflicts.items()
        ],
        refused_fields=(proposal.outcome or {})["refused_fields"],
        reason=decision.reason,
        held=decision.held,
        managers=venue.managers,
        public_addresses=len(public_addresses(venue.fiche)),
        applied_at=tx.now,
    )


async def publish_news(
    tx: Transaction, news_id: str, *, proposal_revision: int, decision: Decision
) -> None:
    """Put a text of a news item online, once."""
    item = await News(tx).get(news_id)
    if item is None:
        raise ProposalNotFound
    if item.state != "waiting" and not (decision.on_appeal and item.state == "refused"):
        return
    venue = await get_venue(tx, item.venue_id)
    words = item.text(proposal_revision)
    item.accepted_revision = proposal_revision
    item.published_at = tx.now
    item.outcome = {"accepted_by": decision.how, "rule": decision.rule}
    await _close(tx, item, "online")
    tx.publish(
        NewsPublished(
            venue_id=venue.id,
            proposal_id=item.id,
            venue_nom=venue.nom,
            author=item.author,
            accepted_by=decision.how,
            titre=words.titre,
            published_at=tx.now,
        )
    )


async def refuse(tx: Transaction, proposal_id: str, decision: Decision) -> None:
    """Note that a proposal was refused, once."""
    outcome = {"refused_by": decision.how, "reason": decision.reason}
    await _leave(tx, proposal_id, "refused", outcome)


async def withdraw(tx: Transaction, proposal_id: str) -> None:
    """Note that its author no longer wants a proposal, once."""
    await _leave(tx, proposal_id, "withdrawn", {})


async def supersede(tx: Transaction, proposal_id: str, by: str) -> None:
    """Note that a corrected proposal has taken the place of one, once."""
    await _leave(tx, proposal_id, "superseded", {"by": by})


async def unpublish_news(tx: Transaction, news_id: str, *, by: str, reason: str) -> None:
    """Take a news item offline, once; one whose approval comes late never goes online."""
    item = await News(tx).get(news_id)
    if item is None:
        raise ProposalNotFound
    if item.state not in ("online", "waiting"):
        return
    item.outcome = {**(item.outcome or {}), "reverted_by": by, "revert_reason": reason}
    await _close(tx, item, "unpublished")
    venue = await get_venue(tx, item.venue_id)
    tx.publish(
        NewsUnpublished(
            venue_id=venue.id, proposal_id=item.id, reason=reason, unpublished_at=tx.now
        )
    )


async def revert_edit(
    tx: Transaction, proposal_id: str, *, by: str, reason: str, at: datetime
) -> None:
    """Put back the values of before, but for what others have changed since; once.

    An edit whose approval comes late is not applied any more.
    """
    proposal = await Proposals(tx).get(proposal_id)
    if proposal is None:
        raise ProposalNotFound
    if proposal.state not in ("applied", "waiting"):
        return
    # two sheets may have become one since, or two again
    applied_to = (proposal.outcome or {}).get("venue_id", proposal.venue_id)
    *merged, venue = await lineage(tx, applied_to)
    history = [entry for one in (venue, *merged) for entry in await History(tx).of(one.id)]
    applied = applied_by(proposal.id, history)
    restored = undone(applied, venue.fiche)
    kept = [name for name in applied if name not in restored]
    if restored:
        accepted = Acceptance(how="revert", by=by, at=at, proposal_id=proposal.id)
        back = {name: new for name, (_, new) in restored.items()}
        origins = origins_before(venue, history, back)
        await revise(tx, venue, restored, by=by, accepted=accepted, origins=origins)
    proposal.outcome = {
        **(proposal.outcome or {}),
        "reverted_by": by,
        "revert_reason": reason,
        "restored": list(restored),
        "kept": kept,
    }
    await _close(tx, proposal, "reverted")
    tx.publish(
        EditReverted(
            venue_id=venue.id,
            proposal_id=proposal.id,
            revision=venue.revision,
            restored=_hidden(restored),
            kept=kept,
            reason=reason,
            reverted_at=tx.now,
        )
    )


async def _leave(tx: Transaction, proposal_id: str, state: str, outcome: dict[str, Any]) -> None:
    """Close a proposal that still waits."""
    proposal = await find_proposal(tx, proposal_id)
    if proposal.state == "waiting":
        proposal.outcome = outcome
        await _close(tx, proposal, state)


async def _close(tx: Transaction, proposal: Proposal | NewsItem, state: str) -> None:
    await keep_proposal(tx, proposal.model_copy(update={"state": state}))
    if proposal.has_addresses:
        erased = ContactErased(contact=proposal_key(proposal.id))
        tx.schedule(erased, at=tx.now + ADDRESSES_KEPT, timer_id=f"erasure:{erased.contact}")


def _hidden(values: Mapping[str, tuple[FieldValue, FieldValue]]) -> list[FieldChange]:
    """Old and new of each field as events carry them."""
    return [
        FieldChange(field=name, withheld=True)
        if name in WITHHELD
        else FieldChange(field=name, old=old, new=new)
        for name, (old, new) in values.items()
    ]
