"""Everything that can happen in the directory; called by HTTP and by events alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from services.directory.domain.fiche import WITHHELD, public_addresses
from services.directory.domain.merge import Merge, three_way, with_values
from services.directory.domain.proposals import (
    Acceptance,
    Change,
    NewsItem,
    Proposal,
    ProposalNotFound,
    Revision,
    Venue,
    VenueNotFound,
    at_revision,
    check_changes,
    day,
)
from services.directory.store import History, News, Proposals, Venues
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events import FieldChange, FieldValue
from shared.events.contacts import (
    AddressesProposed,
    ContactErased,
    VenueAddressesChanged,
    proposal_key,
)
from shared.events.directory import (
    EditApplied,
    EditProposed,
    FieldConflict,
    NewsProposed,
    NewsPublished,
    VenueManagersChanged,
)
from shared.events.moderation import Decision

ADDRESSES_KEPT = timedelta(days=7)
"""After a proposal is closed: mails about it are tried for so long."""


@dataclass(frozen=True)
class Page:
    """Part of the directory's list, and where the next part starts (none at the end)."""

    venues: list[Venue]
    total: int
    next: int | None


async def get_venue(tx: Transaction, venue_id: str) -> Venue:
    """A venue; raises `VenueNotFound`."""
    venue = await Venues(tx).get(venue_id)
    if venue is None:
        raise VenueNotFound(venue_id=venue_id)
    return venue


async def list_venues(tx: Transaction, *, after: int, limit: int) -> Page:
    """`limit` venues from place `after` of the list."""
    venues = Venues(tx)
    total = await venues.count()
    following = after + limit
    return Page(await venues.page(after, limit), total, following if following < total else None)


async def find_venues(
    tx: Transaction, wanted: Mapping[str, str], *, after: int, limit: int
) -> Page:
    """`limit` venues from place `after` of the list with these values in indexed fields."""
    (field, value), *others = wanted.items()
    found = [
        venue
        for venue in await Venues(tx).where(field, value)
        if all(venue.fiche.get(name) == asked for name, asked in others)
    ]
    ahead = [venue for venue in found if venue.ordinal >= after]
    following = ahead[limit].ordinal if len(ahead) > limit else None
    return Page(ahead[:limit], len(found), following)


async def get_history(tx: Transaction, venue_id: str) -> list[Revision]:
    """A sheet's history, newest first."""
    await get_venue(tx, venue_id)
    return await History(tx).of(venue_id)


async def propose_edit(
    tx: Transaction,
    account: Account,
    venue_id: str,
    *,
    base_revision: int,
    changes: Mapping[str, FieldValue],
    comment: str,
) -> Proposal:
    """Keep an edit for review; a manager's own goes the same way and needs no answer."""
    venue = await get_venue(tx, venue_id)
    history = await History(tx).of(venue_id) if base_revision < venue.revision else []
    base = at_revision(venue, history, base_revision)
    proposal = Proposal(
        id=uuid4().hex,
        venue_id=venue_id,
        base_revision=base_revision,
        base={name: base.get(name) for name in changes if name in base},
        changes=check_changes(changes, base),
        comment=comment,
        author=account.author,
        author_is_manager=account.id in venue.managers,
        proposed_at=tx.now,
    )
    await Proposals(tx).put(proposal)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    for name in WITHHELD & proposal.changes.keys():
        tx.publish(
            AddressesProposed(
                proposal_id=proposal.id,
                old=_listed(proposal.base.get(name)),
                new=_listed(proposal.changes[name]),
            )
        )
    tx.publish(
        EditProposed(
            **_proposed(venue, proposal),
            base_revision=base_revision,
            changes=proposal.field_changes(),
            comment=comment,
        )
    )
    return proposal


async def propose_news(
    tx: Transaction, account: Account, venue_id: str, *, titre: str, texte: str, lien: str | None
) -> NewsItem:
    """Keep a news item for review."""
    venue = await get_venue(tx, venue_id)
    item = NewsItem(
        id=uuid4().hex,
        venue_id=venue_id,
        titre=titre,
        texte=texte,
        lien=lien,
        author=account.author,
        author_is_manager=account.id in venue.managers,
        proposed_at=tx.now,
    )
    await News(tx).put(item)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    tx.publish(
        NewsProposed(**_proposed(venue, item), titre=item.titre, texte=item.texte, lien=item.lien)
    )
    return item


async def get_proposal(tx: Transaction, account: Account, proposal_id: str) -> Proposal | NewsItem:
    """A proposal, for its author, its venue's managers and moderators; else not found."""
    proposal = await Proposals(tx).get(proposal_id) or await News(tx).get(proposal_id)
    if proposal is None:
        raise ProposalNotFound
    venue = await get_venue(tx, proposal.venue_id)
    own = account.id in (proposal.author.account_id, *venue.managers)
    if not own and not account.may("moderator"):
        raise ProposalNotFound
    return proposal


async def list_news(tx: Transaction, venue_id: str) -> list[NewsItem]:
    """A venue's news that is online."""
    await get_venue(tx, venue_id)
    return await News(tx).online(venue_id)


async def apply_edit(
    tx: Transaction,
    proposal_id: str,
    *,
    fields: list[str],
    refused_fields: list[str],
    decision: Decision,
) -> None:
    """Merge the accepted fields of a proposal into the sheet, once."""
    proposal = await Proposals(tx).get(proposal_id)
    if proposal is None:
        raise ProposalNotFound
    if proposal.state != "waiting":
        return
    venue = await get_venue(tx, proposal.venue_id)
    accepted = {name: proposal.changes[name] for name in fields}
    merge = three_way(proposal.base, venue.fiche, accepted)
    if merge.applied:
        await _revise(tx, venue, proposal, merge, decision)
    applied = EditApplied(
        venue_id=venue.id,
        proposal_id=proposal.id,
        venue_nom=venue.nom,
        revision=venue.revision,
        author=proposal.author,
        accepted_by=decision.how,
        applied=[
            _hidden(FieldChange(field=name, old=old, new=new))
            for name, (old, new) in merge.applied.items()
        ],
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
        refused_fields=refused_fields,
        reason=decision.reason,
        managers=venue.managers,
        public_addresses=len(public_addresses(venue.fiche)),
        applied_at=tx.now,
    )
    tx.publish(applied)
    outcome = {
        "accepted_by": decision.how,
        "revision": venue.revision,
        "applied": list(merge.applied),
        "unchanged": merge.unchanged,
        "conflicts": list(merge.conflicts),
        "refused_fields": refused_fields,
        "reason": decision.reason,
    }
    await _close(tx, proposal.model_copy(update={"state": "applied", "outcome": outcome}))


async def refuse_edit(tx: Transaction, proposal_id: str, decision: Decision) -> None:
    """Note that a proposal was refused, once."""
    proposal = await Proposals(tx).get(proposal_id)
    if proposal is None:
        raise ProposalNotFound
    if proposal.state == "waiting":
        outcome = {"refused_by": decision.how, "reason": decision.reason}
        await _close(tx, proposal.model_copy(update={"state": "refused", "outcome": outcome}))


async def publish_news(tx: Transaction, news_id: str, decision: Decision) -> None:
    """Put a news item online, once."""
    item = await News(tx).get(news_id)
    if item is None:
        raise ProposalNotFound
    if item.state != "waiting":
        return
    venue = await get_venue(tx, item.venue_id)
    outcome = {"accepted_by": decision.how}
    await News(tx).put(
        item.model_copy(update={"state": "online", "published_at": tx.now, "outcome": outcome})
    )
    tx.publish(
        NewsPublished(
            venue_id=venue.id,
            proposal_id=item.id,
            venue_nom=venue.nom,
            author=item.author,
            accepted_by=decision.how,
            titre=item.titre,
            published_at=tx.now,
        )
    )


async def refuse_news(tx: Transaction, news_id: str, decision: Decision) -> None:
    """Note that a news item was refused, once."""
    item = await News(tx).get(news_id)
    if item is None:
        raise ProposalNotFound
    if item.state == "waiting":
        outcome = {"refused_by": decision.how, "reason": decision.reason}
        await News(tx).put(item.model_copy(update={"state": "refused", "outcome": outcome}))


async def set_manager(
    tx: Transaction, account: Account, venue_id: str, manager: str, *, manages: bool
) -> Venue:
    """Say whether an account manages a venue; moderators and admins only."""
    if not account.may("moderator"):
        raise NotAllowed
    venue = await get_venue(tx, venue_id)
    managers = [one for one in venue.managers if one != manager]
    if manages:
        managers.append(manager)
    if sorted(managers) == sorted(venue.managers):
        return venue
    venue = venue.model_copy(
        update={"managers": managers, "managers_revision": venue.managers_revision + 1}
    )
    await Venues(tx).save_managers(venue)
    tx.publish(
        VenueManagersChanged(venue_id=venue_id, revision=venue.managers_revision, managers=managers)
    )
    return venue


async def _revise(
    tx: Transaction, venue: Venue, proposal: Proposal, merge: Merge, decision: Decision
) -> None:
    """Write the next revision of a sheet, in place."""
    before = public_addresses(venue.fiche)
    changes = [Change(field=name, old=old, new=new) for name, (old, new) in merge.applied.items()]
    if venue.fiche.get("date_maj") != day(tx.now):
        changes.append(Change(field="date_maj", old=venue.fiche.get("date_maj"), new=day(tx.now)))
    venue.fiche = with_values(venue.fiche, {change.field: change.new for change in changes})
    venue.revision += 1
    venue.updated_at = tx.now
    await Venues(tx).save(venue)
    accepted = Acceptance(how=decision.how, by=decision.by, at=decision.at, proposal_id=proposal.id)
    await History(tx).add(
        [
            Revision(
                venue_id=venue.id,
                revision=venue.revision,
                at=tx.now,
                by=f"account:{proposal.author.account_id}",
                accepted=accepted,
                changes=changes,
            )
        ]
    )
    tell_addresses(tx, venue, before)


def tell_addresses(tx: Transaction, venue: Venue, before: list[str]) -> None:
    """Publish a venue's public addresses if they are no longer those of before."""
    addresses = public_addresses(venue.fiche)
    if addresses != before:
        tx.publish(
            VenueAddressesChanged(venue_id=venue.id, revision=venue.revision, addresses=addresses)
        )


async def _close(tx: Transaction, proposal: Proposal) -> None:
    await Proposals(tx).put(proposal)
    if WITHHELD & proposal.changes.keys():
        erased = ContactErased(contact=proposal_key(proposal.id))
        tx.schedule(erased, at=tx.now + ADDRESSES_KEPT, timer_id=f"erasure:{erased.contact}")


def _proposed(venue: Venue, proposal: Proposal | NewsItem) -> dict[str, Any]:
    return {
        "venue_id": venue.id,
        "proposal_id": proposal.id,
        "venue_nom": venue.nom,
        "author": proposal.author,
        "author_is_manager": proposal.author_is_manager,
        "public_addresses": len(public_addresses(venue.fiche)),
        "proposed_at": proposal.proposed_at,
    }


def _hidden(change: FieldChange) -> FieldChange:
    return FieldChange(field=change.field, withheld=True) if change.field in WITHHELD else change


def _listed(value: FieldValue) -> list[str]:
    return value if isinstance(value, list) else []
