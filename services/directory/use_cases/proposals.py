"""What people propose: edits and news, new ones, corrected ones, and texts improved by others."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from services.directory.domain.fiche import WITHHELD, public_addresses
from services.directory.domain.proposals import (
    EditImprovement,
    NewsImprovement,
    NewsItem,
    Proposal,
    ProposalNotFound,
    check_changes,
)
from services.directory.domain.rework import (
    Correction,
    Rework,
    check_improvable,
    check_parts,
    corrected,
    corrected_news,
    improved,
    improved_news,
)
from services.directory.domain.venues import Venue, at_revision
from services.directory.store.proposals import News, Proposals
from services.directory.store.venues import History
from services.directory.use_cases.venues import get_own, get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.events import FieldValue
from shared.events.contacts import AddressesProposed
from shared.events.directory import EditImproved, EditProposed, NewsImproved, NewsProposed

Sheet = Mapping[str, FieldValue]


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
    base = await _sheet_at(tx, venue, base_revision)
    proposal = Proposal(
        **_proposed_by(tx, account, venue),
        base_revision=base_revision,
        base={},
        changes=check_changes(changes, base),
        comment=comment,
    )
    return await _submit_edit(tx, account, venue, base, proposal)


async def propose_news(
    tx: Transaction, account: Account, venue_id: str, *, titre: str, texte: str, lien: str | None
) -> NewsItem:
    """Keep a news item for review."""
    venue = await get_venue(tx, venue_id)
    proposed = _proposed_by(tx, account, venue)
    item = NewsItem(**proposed, titre=titre, texte=texte, lien=lien)
    return await _submit_news(tx, account, venue, item)


async def correct(
    tx: Transaction, account: Account, proposal_id: str, correction: Correction
) -> Proposal | NewsItem:
    """Send again what one has proposed, corrected, as a new proposal; for its author only."""
    old = await find_proposal(tx, proposal_id)
    if old.author.account_id != account.id:
        raise ProposalNotFound
    check_parts(correction, old)
    venue = await get_venue(tx, old.venue_id)
    proposed = {**_proposed_by(tx, account, venue), "replaces": old.id}
    if isinstance(old, NewsItem):
        words = corrected_news(old, correction)
        item = NewsItem(**proposed, **words.model_dump())
        return await _submit_news(tx, account, venue, item)
    base_revision = correction.base_revision
    if base_revision is None:
        base_revision = venue.revision
    base = await _sheet_at(tx, venue, base_revision)
    proposal = Proposal(
        **proposed,
        base_revision=base_revision,
        base={},
        changes=corrected(old, correction, base),
        comment=old.comment if correction.comment is None else correction.comment,
    )
    return await _submit_edit(tx, account, venue, base, proposal)


async def improve(
    tx: Transaction, account: Account, proposal_id: str, rework: Rework
) -> Proposal | NewsItem:
    """Put a waiting proposal right; for its venue's managers and moderators, not its author."""
    proposal = await get_proposal(tx, account, proposal_id)
    check_improvable(proposal, account.id)
    check_parts(rework, proposal)
    made = {"by": f"account:{account.id}", "at": tx.now}
    if isinstance(proposal, NewsItem):
        words = improved_news(proposal, rework)
        proposal.improvements.append(NewsImprovement(**words.model_dump(), **made))
        tx.publish(NewsImproved(**_improved(proposal), **words.model_dump()))
    else:
        seen = await get_own(tx, proposal.venue_id)
        base = await _sheet_at(tx, seen, proposal.base_revision)
        text = improved(proposal, rework, base)
        proposal.improvements.append(EditImprovement(changes=text, **made))
        proposal.base.update(_values_of(base, text))
        tell_proposed_addresses(tx, proposal, text)
        tx.publish(EditImproved(**_improved(proposal), changes=proposal.field_changes()))
    await keep_proposal(tx, proposal)
    return proposal


async def find_proposal(tx: Transaction, proposal_id: str) -> Proposal | NewsItem:
    """An edit or a news item; raises `ProposalNotFound`."""
    proposal = await Proposals(tx).get(proposal_id) or await News(tx).get(proposal_id)
    if proposal is None:
        raise ProposalNotFound
    return proposal


async def keep_proposal(tx: Transaction, proposal: Proposal | NewsItem) -> None:
    """Add or replace it."""
    if isinstance(proposal, NewsItem):
        await News(tx).put(proposal)
    else:
        await Proposals(tx).put(proposal)


async def get_proposal(tx: Transaction, account: Account, proposal_id: str) -> Proposal | NewsItem:
    """A proposal, for its author, its venue's managers and moderators; else not found."""
    proposal = await find_proposal(tx, proposal_id)
    venue = await get_venue(tx, proposal.venue_id)
    own = account.id in (proposal.author.account_id, *venue.managers)
    if not own and not account.may("moderator"):
        raise ProposalNotFound
    return proposal


async def list_news(tx: Transaction, venue_id: str) -> list[NewsItem]:
    """A venue's news that is online."""
    venue = await get_venue(tx, venue_id)
    return await News(tx).online(venue.id)


def tell_proposed_addresses(tx: Transaction, proposal: Proposal, text: Sheet) -> None:
    """Publish the addresses that a text of a proposal would change."""
    for name in WITHHELD & text.keys():
        tx.publish(
            AddressesProposed(
                proposal_id=proposal.id,
                old=_listed(proposal.base.get(name)),
                new=_listed(text[name]),
            )
        )


async def _sheet_at(tx: Transaction, venue: Venue, revision: int) -> dict[str, FieldValue]:
    """The sheet as somebody saw it; raises `UnknownRevision`."""
    history = await History(tx).of(venue.id) if revision < venue.revision else []
    return at_revision(venue, history, revision)


async def _submit_edit(
    tx: Transaction, account: Account, venue: Venue, base: Sheet, proposal: Proposal
) -> Proposal:
    proposal.base = _values_of(base, proposal.changes)
    await Proposals(tx).put(proposal)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    tell_proposed_addresses(tx, proposal, proposal.changes)
    tx.publish(
        EditProposed(
            **_proposed(venue, proposal),
            base_revision=proposal.base_revision,
            changes=proposal.field_changes(),
            comment=proposal.comment,
            latitude=base.get("latitude"),
            longitude=base.get("longitude"),
        )
    )
    return proposal


async def _submit_news(tx: Transaction, account: Account, venue: Venue, item: NewsItem) -> NewsItem:
    await News(tx).put(item)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    tx.publish(
        NewsProposed(**_proposed(venue, item), titre=item.titre, texte=item.texte, lien=item.lien)
    )
    return item


def _proposed_by(tx: Transaction, account: Account, venue: Venue) -> dict[str, Any]:
    return {
        "id": uuid4().hex,
        "venue_id": venue.id,
        "author": account.author,
        "author_is_manager": account.id in venue.managers,
        "proposed_at": tx.now,
    }


def _proposed(venue: Venue, proposal: Proposal | NewsItem) -> dict[str, Any]:
    return {
        "venue_id": venue.id,
        "proposal_id": proposal.id,
        "venue_nom": venue.nom,
        "author": proposal.author,
        "author_is_manager": proposal.author_is_manager,
        "public_addresses": len(public_addresses(venue.fiche)),
        "code_insee": venue.fiche.get("code_insee"),
        "code_postal": venue.fiche.get("code_postal"),
        "replaces": proposal.replaces,
        "proposed_at": proposal.proposed_at,
    }


def _improved(proposal: Proposal | NewsItem) -> dict[str, Any]:
    newest = proposal.improvements[-1]
    return {
        "venue_id": proposal.venue_id,
        "proposal_id": proposal.id,
        "proposal_revision": proposal.revision,
        "improved_by": newest.by,
        "improved_at": newest.at,
    }


def _values_of(base: Sheet, names: Sheet) -> dict[str, FieldValue]:
    return {name: base[name] for name in names if name in base}


def _listed(value: FieldValue) -> list[str]:
    return value if isinstance(value, list) else []
