"""Claims to manage a sheet: how one is proved, who answers, and how often mails go out."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from services.directory.domain.fiche import Fiche, public_addresses
from services.directory.domain.venues import Revision, Venue
from shared.errors import Problem
from shared.events import Author
from shared.events.base import Evidence
from shared.events.contacts import digest

Proof = Literal["moderator", "mail", "siret"]
State = Literal[
    "waiting_proof",  # the venue's public address was asked
    "waiting_decision",  # its managers or moderators were
    "approved",
    "refused",
    "disowned",  # by whoever reads the public address
    "lapsed",
    "replaced",  # by another claim of the same person, proved in another way
    "withdrawn",
]

TIME_TO_ANSWER = dt.timedelta(days=7)
"""How long the link in a mail to a public address lasts."""
SETTLED = dt.timedelta(days=30)
"""How long an address must have been on the sheet before it proves anything."""
MOST_MAILS = 3
"""For one claim."""
MOST_MAILS_TO_A_VENUE = 10
"""By everybody, in as many days as a link lasts: nobody's inbox is a target."""
PAUSE = dt.timedelta(minutes=10)
"""Between two mails of a claim."""

NO_SIRET = "00000000000000"
"""What sheets say whose SIRET nobody knows."""


class ClaimNotFound(Problem):
    """No claim has this id, or it is not for this person to see."""

    type = "claim-not-found"
    status = 404
    title = "Cette demande n'existe pas."


class ClaimWaiting(Problem):
    """The same person's claim has no answer yet."""

    type = "claim-waiting"
    status = 409
    title = "Vous avez déjà demandé à gérer cette fiche : cette demande attend une réponse."


class ClaimOver(Problem):
    """The claim has its answer: a link counts once."""

    type = "claim-over"
    status = 409
    title = "Cette demande a déjà reçu une réponse."


class ProofImpossible(Problem):
    """This venue and this account cannot be brought together in this way."""

    type = "proof-impossible"
    status = 409
    title = "Cette preuve n'est pas possible pour cette fiche."


class TooManyMails(Problem):
    """The venue's public addresses have got enough mails."""

    type = "too-many-mails"
    status = 429
    title = "Trop de courriels ont été envoyés à ce lieu : réessayez plus tard."


class Claim(BaseModel):
    """Somebody's request to manage a venue's sheet, and what became of it."""

    id: str
    venue_id: str
    author: Author
    text: str
    proof: Proof
    state: State
    claimed_at: AwareDatetime
    charter: str
    """The version accepted with it, at `claimed_at`."""
    recipient: str | None = None
    """`contacts.digest` of the claim and the address that was asked."""
    sent_to: str | None = None
    """That address, masked."""
    mails: list[AwareDatetime] = []
    expires_at: AwareDatetime | None = None
    """Until when the public address may answer."""
    proved_at: AwareDatetime | None = None
    decided_at: AwareDatetime | None = None
    decided_as: Literal["mail", "siret", "manager", "moderator"] | None = None
    """What or who gave the answer."""
    decided_by: str | None = None
    """`account:…` or `venue:…`."""

    @property
    def evidence(self) -> Evidence:
        """What those who answer must know."""
        return Evidence(
            charter=self.charter,
            charter_accepted_at=self.claimed_at,
            proof=None if self.proof == "moderator" or not self.proved_at else self.proof,
            proved_at=self.proved_at,
        )

    @property
    def waits(self) -> bool:
        """Whether somebody is to answer."""
        return self.state in ("waiting_proof", "waiting_decision")

    def ended(
        self,
        state: State,
        at: dt.datetime,
        *,
        by: str | None = None,
        decided_as: Literal["mail", "siret", "manager", "moderator"] | None = None,
    ) -> "Claim":
        """The claim with its answer."""
        return self.model_copy(
            update={"state": state, "decided_at": at, "decided_by": by, "decided_as": decided_as}
        )


def answered_before(claims: Iterable[Claim], account_id: str) -> bool:
    """Whether people have had to do with this account here: managed it once, or was refused.

    A proof is then no longer enough: what somebody has taken away is not taken back by a click.
    """
    return any(
        one.author.account_id == account_id and one.state in ("approved", "refused", "disowned")
        for one in claims
    )


class PublicAddress(BaseModel):
    """A public address of a sheet, as a claimant may choose it."""

    id: str
    """Names it in a claim; says nothing of the address."""
    masked: str
    proves: bool
    """Whether it has been on the sheet long enough, and not by the claimant."""


def masked(address: str) -> str:
    """`c…@ville.fr`: enough for those who know it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}…@{domain}"


def choices(
    venue: Venue, history: Iterable[Revision], claimant: str, now: dt.datetime
) -> list[PublicAddress]:
    """The public addresses of a sheet, and whether each proves something for this account."""
    settled = settled_addresses(venue.fiche, history, claimant, now)
    return [
        PublicAddress(
            id=address_id(venue.id, address), masked=masked(address), proves=address in settled
        )
        for address in public_addresses(venue.fiche)
    ]


def address_id(venue_id: str, address: str) -> str:
    """How a claim names one of a venue's addresses."""
    return digest(venue_id, address)[:12]


def settled_addresses(
    fiche: Fiche, history: Iterable[Revision], claimant: str, now: dt.datetime
) -> list[str]:
    """The public addresses that prove something for an account.

    Those that the sheet had when it came, or for `SETTLED` at least, and not by the claimant.
    """
    added: dict[str, Revision] = {}
    for entry in sorted(history, key=lambda one: one.revision):
        for change in entry.changes:
            if change.field == "courriels":
                before = public_addresses({"courriels": change.old})
                for address in public_addresses({"courriels": change.new}):
                    if address not in before:
                        added[address] = entry
    return [
        address
        for address in public_addresses(fiche)
        if _settled(added.get(address), claimant, now)
    ]


def _settled(added: Revision | None, claimant: str, now: dt.datetime) -> bool:
    # no entry: the sheet came with it, before anybody could ask for anything
    if added is None or (added.revision == 1 and added.accepted.how == "import"):
        return True
    claimant_ref = f"account:{claimant}"
    own = claimant_ref in (added.by, added.accepted.by, added.accepted.improved_by)
    return not own and now - added.at >= SETTLED


def chosen(venue: Venue, settled: Sequence[str], wanted: str | None) -> str:
    """The address to write to; raises `ProofImpossible`."""
    known = public_addresses(venue.fiche)
    if not known:
        raise ProofImpossible(
            "Cette fiche n'a pas d'adresse publique. Demandez à l'équipe de modération.",
            why="no_address",
        )
    if wanted is None and len(settled) > 1:
        raise ProofImpossible(
            "Cette fiche a plusieurs adresses publiques : choisissez-en une.", why="choose"
        )
    address = next((one for one in known if wanted == address_id(venue.id, one)), None)
    if wanted is not None and address is None:
        raise ProofImpossible(
            "Cette adresse n'est pas, ou n'est plus, sur la fiche.", why="unknown_address"
        )
    if address is None and settled:
        [address] = settled
    if address not in settled:
        raise ProofImpossible(
            "Cette adresse est trop récente sur la fiche, ou c'est vous qui l'y avez mise : elle "
            "ne prouve rien. Demandez à l'équipe de modération.",
            why="recent_address",
        )
    return str(address)


def check_siret(fiche: Fiche, siret: str | None) -> None:
    """Raise `ProofImpossible` unless the account's verified SIRET is the sheet's."""
    pivot = str(fiche.get("pivot", ""))
    if not re.fullmatch(r"\d{14}", pivot, re.ASCII) or pivot == NO_SIRET:
        detail, why = "Cette fiche ne porte pas de SIRET.", "no_siret_on_sheet"
    elif siret is None:
        detail = "Votre connexion ne donne pas de SIRET vérifié : connectez-vous avec ProConnect."
        why = "no_verified_siret"
    elif siret != pivot:
        detail, why = "Le SIRET de votre organisation n'est pas celui de la fiche.", "other_siret"
    else:
        return
    raise ProofImpossible(f"{detail} Vous pouvez aussi demander à l'équipe de modération.", why=why)


def asked_often(to_venue: Iterable[Claim], now: dt.datetime) -> bool:
    """Whether a venue has got its mails about claims: for a proof, or for people to decide."""
    sent = [
        at
        for one in to_venue
        for at in ([one.claimed_at] if one.proof == "moderator" else one.mails)
        if now - at < TIME_TO_ANSWER
    ]
    return len(sent) >= MOST_MAILS_TO_A_VENUE


def check_may_send(claim: Claim | None, to_venue: Iterable[Claim], now: dt.datetime) -> None:
    """Raise `TooManyMails` unless one more mail may go to a venue, for this claim or a new one."""
    if asked_often(to_venue, now):
        raise TooManyMails
    if claim is None:
        return
    if len(claim.mails) >= MOST_MAILS:
        raise TooManyMails(f"Nous avons déjà envoyé {MOST_MAILS} courriels pour cette demande.")
    wait = claim.mails[-1] + PAUSE - now
    if wait > dt.timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        raise TooManyMails(
            "Un courriel vient de partir : attendez quelques minutes avant d'en demander un autre.",
            headers={"Retry-After": str(seconds)},
        )
