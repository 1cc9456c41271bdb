"""Mediators: what they publish of themselves, and the venues that show them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from services.directory.api.venues import VenueId
from services.directory.domain.mediators import Mediator, Profile, State
from services.directory.use_cases import mediators
from services.directory.use_cases.mediators import Shown
from shared.auth import SignedIn
from shared.service import RequestTx

router = APIRouter()

MediatorId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


class ProfileIn(BaseModel):
    """What a mediator publishes of themselves: nothing is taken from their account."""

    model_config = ConfigDict(extra="forbid")

    nom: Any
    """As they wish to be called."""
    presentation: Any = None
    langues: Any = None
    """A list of texts."""
    services: Any = None
    """Of the national schema's list."""
    courriel: Any = None
    telephone: Any = None
    lien: Any = None
    venues: list[VenueId] = Field(default=[])
    """All venues where they help; each is asked whether it shows them."""


class MediatorOut(Profile):
    """A mediator as everybody sees them."""

    id: str

    @classmethod
    def of(cls, mediator: Mediator) -> "MediatorOut":
        """The answer for a mediator: never the account."""
        return cls(**mediator.model_dump(exclude={"account_id", "published_at", "updated_at"}))


class MediatorPage(MediatorOut):
    """A mediator and the venues that show them."""

    venues: list[str]
    updated_at: datetime

    @classmethod
    def of_shown(cls, shown: Shown) -> "MediatorPage":
        """The answer for a mediator."""
        return cls(
            **MediatorOut.of(shown.mediator).model_dump(),
            venues=shown.confirmed,
            updated_at=shown.mediator.updated_at,
        )


class AttachmentOut(BaseModel):
    """A venue that somebody has named, and whether it shows them."""

    venue_id: str
    state: State
    asked_at: datetime


class OwnProfile(MediatorOut):
    """One's own profile, and what each venue says."""

    shown: bool
    """Whether anybody can see it: a venue at least has agreed."""
    venues: list[AttachmentOut]

    @classmethod
    def of_own(cls, own: Shown) -> "OwnProfile":
        """The answer for one's own profile."""
        return cls(
            **MediatorOut.of(own.mediator).model_dump(),
            shown=bool(own.confirmed),
            venues=[AttachmentOut(**one.model_dump()) for one in own.attachments],
        )


class MediatorsOut(BaseModel):
    """Mediators, by name."""

    items: list[MediatorOut]

    @classmethod
    def of(cls, found: list[Mediator]) -> "MediatorsOut":
        """The answer for some mediators."""
        return cls(items=[MediatorOut.of(one) for one in found])


@router.get("/mediators/me")
async def get_own(tx: RequestTx, account: SignedIn) -> OwnProfile:
    """One's own profile, and which venues show it."""
    return OwnProfile.of_own(await mediators.own_profile(tx, account))


@router.put("/mediators/me")
async def publish(tx: RequestTx, account: SignedIn, given: ProfileIn) -> OwnProfile:
    """Publish or replace one's own profile; it is seen once a venue has agreed."""
    said = given.model_dump(exclude={"venues"})
    return OwnProfile.of_own(await mediators.publish(tx, account, said, given.venues))


@router.delete("/mediators/me", status_code=204)
async def erase(tx: RequestTx, account: SignedIn) -> None:
    """Take one's profile away, for good."""
    await mediators.erase(tx, account)


@router.get("/mediators/{mediator_id}")
async def get_mediator(tx: RequestTx, mediator_id: MediatorId) -> MediatorPage:
    """A mediator whom a venue at least shows."""
    return MediatorPage.of_shown(await mediators.get_mediator(tx, mediator_id))


@router.get("/venues/{venue_id}/mediators")
async def list_mediators(tx: RequestTx, venue_id: str) -> MediatorsOut:
    """The mediators whom a venue shows."""
    return MediatorsOut.of(await mediators.of_venue(tx, venue_id))


@router.get("/venues/{venue_id}/mediators/waiting")
async def list_waiting(tx: RequestTx, account: SignedIn, venue_id: str) -> MediatorsOut:
    """Who asks to be shown; for the venue's managers and moderators."""
    return MediatorsOut.of(await mediators.waiting_at(tx, account, venue_id))


@router.put("/venues/{venue_id}/mediators/{mediator_id}")
async def confirm(
    tx: RequestTx, account: SignedIn, venue_id: str, mediator_id: MediatorId
) -> MediatorsOut:
    """Show somebody who has asked for it; for the venue's managers and moderators."""
    return MediatorsOut.of(await mediators.answer(tx, account, venue_id, mediator_id, shown=True))


@router.delete("/venues/{venue_id}/mediators/{mediator_id}")
async def remove(
    tx: RequestTx, account: SignedIn, venue_id: str, mediator_id: MediatorId
) -> MediatorsOut:
    """Show somebody no longer, and be asked no more; for the venue's managers and moderators."""
    return MediatorsOut.of(await mediators.answer(tx, account, venue_id, mediator_id, shown=False))
