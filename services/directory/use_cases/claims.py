"""What becomes of somebody's wish to manage a sheet, from the charter to the answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from services.directory.domain.charter import (
    CURRENT,
    Acceptance,
    NothingToAccept,
    check_accepted,
    to_accept_again,
)
from services.directory.domain.claims import (
    TIME_TO_ANSWER,
    Claim,
    ClaimNotFound,
    ClaimOver,
    ClaimWaiting,
    Proof,
    ProofImpossible,
    PublicAddress,
    State,
    answered_before,
    asked_often,
    check_may_send,
    check_siret,
    choices,
    chosen,
    masked,
    settled_addresses,
)
from services.directory.domain.fiche import public_addresses
from services.directory.domain.proposals import AlreadyManager
from services.directory.domain.venues import Venue
from services.directory.store.claims import CharterAcceptances, Claims
from services.directory.store.venues import History, Venues
from services.directory.use_cases.venues import add_manager, get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.contacts import digest, venue_key
from shared.events.directory import (
    ClaimDisowned,
    ClaimLapsed,
    ClaimProofEnded,
    ClaimProofRequested,
    ClaimProved,
    ManagementClaimed,
    claim_timer,
)
from shared.events.moderation import Decision
from shared.links import ClaimLink


@dataclass(frozen=True)
class Wish:
    """What a claim says: `address` is one of `claim_proofs`, for a proof by mail."""

    text: str
    charter: str | None
    proof: Proof = "moderator"
    address: str | None = None


@dataclass(frozen=True)
class Proofs:
    """How an account can prove that it speaks for a venue."""

    addresses: list[PublicAddress]
    siret: bool
    managed: bool
    """Whether the venue has managers: they answer then, whatever is proved."""


async def claim(tx: Transaction, account: Account, venue_id: str, wish: Wish) -> Claim:
    """Ask to manage a venue's sheet; a matching SIRET is enough where nobody manages it yet."""
    venue = await get_venue(tx, venue_id)
    if account.id in venue.managers:
        raise AlreadyManager
    check_accepted(wish.charter)
    others = await Claims(tx).of(*venue.ids)
    await _replace_waiting(tx, account, wish, others)
    made = Claim(
        id=uuid4().hex,
        venue_id=venue.id,
        author=account.author,
        text=wish.text,
        proof=wish.proof,
        state="waiting_decision",
        claimed_at=tx.now,
        charter=CURRENT.version,
    )
    await _accept(tx, account.id, venue.id)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    if wish.proof == "mail":
        check_may_send(None, others, tx.now)
        return await _ask_address(tx, venue, made, wish.address)
    if wish.proof == "siret":
        check_siret(venue.fiche, account.siret)
        return await _proved(tx, venue, made, by=f"account:{account.id}")
    return await _ask_people(tx, venue, made)


async def claim_proofs(tx: Transaction, account: Account, venue_id: str) -> Proofs:
    """What this account may prove with."""
    venue = await get_venue(tx, venue_id)
    try:
        check_siret(venue.fiche, account.siret)
    except ProofImpossible:
        matches = False
    else:
        matches = True
    history = await History(tx).of(venue.id)
    return Proofs(choices(venue, history, account.id, tx.now), matches, bool(venue.managers))


async def send_again(tx: Transaction, account: Account, venue_id: str, claim_id: str) -> Claim:
    """One more mail to the same address, for the claim's author."""
    found = await get_claim(tx, account, venue_id, claim_id)
    if found.author.account_id != account.id:
        raise NotAllowed
    _check_waits_for_proof(found, tx.now)
    venue = await get_venue(tx, venue_id)
    check_may_send(found, await Claims(tx).of(*venue.ids), tx.now)
    sent = found.model_copy(update={"mails": [*found.mails, tx.now]})
    await Claims(tx).put(sent)
    _send(tx, venue, sent)
    return sent


async def get_claim(tx: Transaction, account: Account, venue_id: str, claim_id: str) -> Claim:
    """A claim, for its author, the venue's managers and moderators."""
    found, venue = await Claims(tx).get(claim_id), await Venues(tx).staying(venue_id)
    if found is None or venue is None or found.venue_id not in venue.ids:
        raise ClaimNotFound
    theirs = account.id in (found.author.account_id, *venue.managers)
    if not theirs and not account.may("moderator"):
        raise ClaimNotFound
    return found


async def list_claims(
    tx: Transaction, account: Account, venue_id: str
) -> tuple[list[Claim], list[Acceptance]]:
    """A venue's claims and who accepted which charter, newest first; for managers, moderators."""
    venue = await get_venue(tx, venue_id)
    if account.id not in venue.managers and not account.may("moderator"):
        raise NotAllowed
    accepted = await CharterAcceptances(tx).of_venues(venue.ids)
    return await Claims(tx).of(*venue.ids), accepted


async def claim_by_link(tx: Transaction, link: ClaimLink) -> tuple[Claim, Venue]:
    """The claim that a mail's link is about, with or without its answer."""
    found = await Claims(tx).get(link.claim_id)
    if found is None or link.holder != venue_key(found.venue_id):
        raise ClaimNotFound
    return found, await get_venue(tx, found.venue_id)


async def answer_by_link(tx: Transaction, link: ClaimLink, *, known: bool) -> Claim:
    """What whoever reads the public address says: they know the claimant, or they do not; once."""
    found, venue = await claim_by_link(tx, link)
    _check_waits_for_proof(found, tx.now)
    if found.recipient not in [digest(found.id, one) for one in public_addresses(venue.fiche)]:
        raise ProofImpossible("L'adresse à laquelle nous avons écrit n'est plus sur la fiche.")
    tx.unschedule(claim_timer(found.id))
    if known:
        return await _proved(tx, venue, found, by=link.holder)
    ended = found.ended("disowned", tx.now, by=link.holder, decided_as="mail")
    await Claims(tx).put(ended)
    tx.publish(ClaimDisowned(**_facts(venue, ended), disowned_at=tx.now))
    return ended


async def lapse(tx: Transaction, claim_id: str) -> None:
    """The public address has not answered in time."""
    found = await Claims(tx).get(claim_id)
    if found is None or found.state != "waiting_proof":
        return
    venue = await Venues(tx).staying(found.venue_id)
    await Claims(tx).put(found.ended("lapsed", tx.now))
    if venue:
        tx.publish(ClaimLapsed(**_facts(venue, found), lapsed_at=tx.now))


async def decided(tx: Transaction, claim_id: str, decision: Decision, *, granted: bool) -> None:
    """Note what managers or moderators have answered; claims older than this record have none."""
    found = await Claims(tx).get(claim_id)
    if found is None:
        return
    state: State = "approved" if granted else "refused"
    how: Literal["manager", "moderator"] = "manager" if decision.how == "manager" else "moderator"
    ended = found.ended(state, decision.at, by=decision.by, decided_as=how)
    await Claims(tx).put(ended)


async def withdraw(tx: Transaction, claim_id: str, at: datetime) -> None:
    """Its author no longer wants it."""
    found = await Claims(tx).get(claim_id)
    if found and found.waits:
        await Claims(tx).put(found.ended("withdrawn", at))


async def accept_charter(
    tx: Transaction, account: Account, venue_id: str, version: str | None
) -> Acceptance:
    """Accept the present charter for a venue that one manages."""
    venue = await get_venue(tx, venue_id)
    if account.id not in venue.managers:
        raise NothingToAccept
    check_accepted(version)
    return await _accept(tx, account.id, venue.id)


async def accepted_by(tx: Transaction, account: Account) -> tuple[list[Acceptance], list[str]]:
    """What an account has accepted, and the venues that it manages under an older charter."""
    accepted = await CharterAcceptances(tx).of_account(account.id)
    managed = await Venues(tx).managed_by(account.id)
    by_venue: dict[str, list[Acceptance]] = {venue.id: [] for venue in managed}
    # what was accepted for one of two sheets counts for the venue that they are now
    stays = {id_: venue.id for venue in managed for id_ in venue.ids}
    for one in accepted:
        by_venue.get(stays.get(one.venue_id, ""), []).append(one)
    return accepted, to_accept_again(by_venue)


async def _replace_waiting(
    tx: Transaction, account: Account, wish: Wish, claims: list[Claim]
) -> None:
    """Make way for a claim that is proved in another way; raises `ClaimWaiting` for the rest."""
    for one in claims:
        if one.author.account_id != account.id or not one.waits:
            continue
        lapsed = one.expires_at is not None and tx.now >= one.expires_at
        if one.state == "waiting_decision" or (wish.proof == "mail" and not lapsed):
            raise ClaimWaiting(claim_id=one.id, state=one.state)
        tx.unschedule(claim_timer(one.id))
        await Claims(tx).put(one.ended("lapsed" if lapsed else "replaced", tx.now))


async def _accept(tx: Transaction, account_id: str, venue_id: str) -> Acceptance:
    acceptance = Acceptance(
        account_id=account_id,
        venue_id=venue_id,
        version=CURRENT.version,
        accepted_at=tx.now,
    )
    await CharterAcceptances(tx).put(acceptance)
    return acceptance


async def _ask_address(tx: Transaction, venue: Venue, made: Claim, wanted: str | None) -> Claim:
    history = await History(tx).of(venue.id)
    settled = settled_addresses(venue.fiche, history, made.author.account_id, tx.now)
    address = chosen(venue, settled, wanted)
    asking = made.model_copy(
        update={
            "state": "waiting_proof",
            "recipient": digest(made.id, address),
            "sent_to": masked(address),
            "mails": [tx.now],
            "expires_at": tx.now + TIME_TO_ANSWER,
        }
    )
    await Claims(tx).put(asking)
    _send(tx, venue, asking)
    timer = ClaimProofEnded(venue_id=venue.id, claim_id=asking.id, ends_at=asking.expires_at)
    tx.schedule(timer, at=timer.ends_at, timer_id=timer.timer_id)
    return asking


async def _proved(tx: Transaction, venue: Venue, claim: Claim, *, by: str) -> Claim:
    """A proof is enough where nobody manages the venue, and for who has had no answer there.

    Else people decide, and see it.
    """
    proved = claim.model_copy(update={"proved_at": tx.now})
    if not await proof_is_enough(tx, venue, claim):
        return await _ask_people(tx, venue, proved)
    how: Literal["mail", "siret"] = "mail" if claim.proof == "mail" else "siret"
    ended = proved.ended("approved", tx.now, by=by, decided_as=how)
    await Claims(tx).put(ended)
    await add_manager(tx, venue.id, claim.author.account_id)
    public = len(public_addresses(venue.fiche))
    tx.publish(
        ClaimProved(**_facts(venue, ended), proof=how, public_addresses=public, proved_at=tx.now)
    )
    return ended


async def _ask_people(tx: Transaction, venue: Venue, claim: Claim) -> Claim:
    """Have managers, public addresses and moderators decide."""
    waiting = claim.model_copy(update={"state": "waiting_decision"})
    await Claims(tx).put(waiting)
    tx.publish(
        ManagementClaimed(
            **_facts(venue, waiting),
            text=waiting.text,
            public_addresses=await _addresses_that_decide(tx, venue, waiting),
            code_insee=venue.fiche.get("code_insee"),
            code_postal=venue.fiche.get("code_postal"),
            claimed_at=waiting.claimed_at,
            evidence=waiting.evidence,
        )
    )
    return waiting


async def proof_is_enough(tx: Transaction, venue: Venue, claim: Claim) -> bool:
    """Whether nobody manages a venue, and the claimant has had no answer there."""
    if venue.managers:
        return False
    earlier = [one for one in await Claims(tx).of(*venue.ids) if one.id != claim.id]
    return not answered_before(earlier, claim.author.account_id)


async def _addresses_that_decide(tx: Transaction, venue: Venue, claim: Claim) -> int:
    """How many public addresses are asked.

    None where there are managers, where one of them proves nothing, for who has had an answer,
    where they were asked often.
    """
    if not await proof_is_enough(tx, venue, claim):
        return 0
    others = [one for one in await Claims(tx).of(*venue.ids) if one.id != claim.id]
    if asked_often(others, tx.now):
        return 0
    public = public_addresses(venue.fiche)
    history = await History(tx).of(venue.id)
    settled = settled_addresses(venue.fiche, history, claim.author.account_id, tx.now)
    return len(public) if settled == public else 0


def _send(tx: Transaction, venue: Venue, claim: Claim) -> None:
    tx.publish(
        ClaimProofRequested(
            **_facts(venue, claim),
            recipient=claim.recipient,
            number=len(claim.mails),
            text=claim.text,
            managed=bool(venue.managers),
            expires_at=claim.expires_at,
            requested_at=tx.now,
        )
    )


def _check_waits_for_proof(claim: Claim, now: datetime) -> None:
    expired = claim.expires_at is not None and now >= claim.expires_at
    if claim.state != "waiting_proof" or expired:
        raise ClaimOver(state="lapsed" if expired and claim.waits else claim.state)


def _facts(venue: Venue, claim: Claim) -> dict[str, Any]:
    """What every event says of its claim."""
    return {
        "venue_id": venue.id,
        "claim_id": claim.id,
        "venue_nom": venue.nom,
        "author": claim.author,
    }
