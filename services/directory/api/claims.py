"""Claims to manage a sheet, and the charter that comes first."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.directory.api.venues import VenueId
from services.directory.domain.charter import CHARTERS, CURRENT, Acceptance, Charter
from services.directory.domain.claims import MOST_MAILS, Claim, Proof, PublicAddress, State
from services.directory.domain.fiche import readable
from services.directory.use_cases import claims
from services.directory.use_cases.claims import Wish
from shared.auth import SignedIn
from shared.events import Author
from shared.service import RequestTx

router = APIRouter()

Version = Annotated[str, StringConstraints(max_length=20)]


class ClaimIn(BaseModel):
    """A claim: why, the version of the charter that is accepted, and how it is to be proved."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
        BeforeValidator(readable),
    ]
    charter: Version | None = None
    """The version that is accepted, as `GET /charter` says it."""
    proof: Proof = "moderator"
    address: Annotated[str, StringConstraints(max_length=20)] | None = None
    """For `mail`: the `id` of one of `claim-proofs`; may be left out if only one proves."""


class ClaimOut(BaseModel):
    """A claim, and what became of it."""

    case_id: str
    """The claim's id, and that of the review where people decide it."""
    venue_id: str
    author: Author
    text: str
    proof: Proof
    state: State
    claimed_at: datetime
    charter: str
    charter_accepted_at: datetime
    sent_to: str | None
    """The public address that was asked, masked."""
    mails_left: int | None
    """How many more mails may be sent to it."""
    expires_at: datetime | None
    proved_at: datetime | None
    decided_at: datetime | None
    decided_as: str | None

    @classmethod
    def of(cls, claim: Claim) -> "ClaimOut":
        """The answer for a claim."""
        left = MOST_MAILS - len(claim.mails) if claim.state == "waiting_proof" else None
        return cls(
            case_id=claim.id,
            charter_accepted_at=claim.claimed_at,
            mails_left=left,
            **claim.model_dump(exclude={"id", "recipient", "mails", "decided_by"}),
        )


class ClaimsOut(BaseModel):
    """A venue's claims, newest first, and who accepted which charter for it."""

    items: list[ClaimOut]
    acceptances: list[Acceptance]


class ProofsOut(BaseModel):
    """How an account can show that it speaks for a venue."""

    charter: str
    """The version to accept."""
    mail: list[PublicAddress]
    siret: bool
    """Whether its verified SIRET is the sheet's."""
    managed: bool
    """Whether the venue has managers: they or moderators answer then, whatever is proved."""


class CharterOut(Charter):
    """The charter as it is to be accepted now, and the versions there have been."""

    versions: list[str]


class AcceptanceIn(BaseModel):
    """A charter accepted by who manages a venue already."""

    model_config = ConfigDict(extra="forbid")

    venue_id: VenueId
    version: Version


class AcceptancesOut(BaseModel):
    """What an account has accepted, and the venues for which the present charter is not."""

    current: str
    items: list[Acceptance]
    to_accept: list[str] = Field(default=[])


@router.get("/charter")
async def get_charter() -> CharterOut:
    """The network's charter, which whoever manages a sheet accepts first."""
    return CharterOut(**CURRENT.model_dump(), versions=[one.version for one in CHARTERS])


@router.get("/charter/acceptances/me")
async def my_acceptances(tx: RequestTx, account: SignedIn) -> AcceptancesOut:
    """Which versions one has accepted, for which venues, and what is still to accept."""
    accepted, missing = await claims.accepted_by(tx, account)
    return AcceptancesOut(current=CURRENT.version, items=accepted, to_accept=missing)


@router.post("/charter/acceptances", status_code=201)
async def accept_charter(tx: RequestTx, account: SignedIn, accepted: AcceptanceIn) -> Acceptance:
    """Accept the present charter for a venue that one manages."""
    return await claims.accept_charter(tx, account, accepted.venue_id, accepted.version)


@router.get("/venues/{venue_id}/claim-proofs")
async def get_proofs(tx: RequestTx, account: SignedIn, venue_id: str) -> ProofsOut:
    """How one can show that one speaks for a venue: its public addresses (masked), its SIRET."""
    proofs = await claims.claim_proofs(tx, account, venue_id)
    return ProofsOut(
        charter=CURRENT.version,
        mail=proofs.addresses,
        siret=proofs.siret,
        managed=proofs.managed,
    )


@router.post("/venues/{venue_id}/claims", status_code=202)
async def claim(
    tx: RequestTx, account: SignedIn, venue_id: str, asked: ClaimIn, response: Response
) -> ClaimOut:
    """Ask to manage a venue's sheet; `proof`: `moderator`, `mail` or `siret`."""
    made = await claims.claim(tx, account, venue_id, Wish(**asked.model_dump()))
    response.headers["Location"] = f"/venues/{venue_id}/claims/{made.id}"
    return ClaimOut.of(made)


@router.get("/venues/{venue_id}/claims")
async def list_claims(tx: RequestTx, account: SignedIn, venue_id: str) -> ClaimsOut:
    """Who asked to manage a sheet, how it was proved, under which charter; for its managers."""
    found, accepted = await claims.list_claims(tx, account, venue_id)
    return ClaimsOut(items=[ClaimOut.of(one) for one in found], acceptances=accepted)


@router.get("/venues/{venue_id}/claims/{claim_id}")
async def get_claim(tx: RequestTx, account: SignedIn, venue_id: str, claim_id: str) -> ClaimOut:
    """What became of a claim; for its author, the venue's managers and moderators."""
    return ClaimOut.of(await claims.get_claim(tx, account, venue_id, claim_id))


@router.post("/venues/{venue_id}/claims/{claim_id}/mails", status_code=202)
async def send_again(tx: RequestTx, account: SignedIn, venue_id: str, claim_id: str) -> ClaimOut:
    """Have the mail to the venue's public address sent once more; for the claim's author."""
    return ClaimOut.of(await claims.send_again(tx, account, venue_id, claim_id))
