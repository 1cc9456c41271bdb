"""Sheets: one, its history, who manages it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.venues import Revision, Venue
from services.directory.use_cases import venues
from shared.auth import ACCOUNT_ID, SignedIn
from shared.events import FieldValue
from shared.service import RequestTx

router = APIRouter()

AccountId = Annotated[str, Path(pattern=f"^{ACCOUNT_ID}$")]


class VenueOut(BaseModel):
    """A sheet: all 32 columns of the national schema, null where nothing is known."""

    id: str
    revision: int
    updated_at: datetime
    fiche: dict[str, FieldValue]

    @classmethod
    def of(cls, venue: Venue) -> "VenueOut":
        """The answer for a venue."""
        return cls(
            id=venue.id,
            revision=venue.revision,
            updated_at=venue.updated_at,
            fiche={name: venue.fiche.get(name) for name in COLUMNS},
        )


class HistoryOut(BaseModel):
    """A sheet's revisions, newest first."""

    items: list[Revision]


class ManagersOut(BaseModel):
    """The accounts that manage a venue."""

    venue_id: str
    managers: list[str]


@router.get("/venues/{venue_id}")
async def get_venue(tx: RequestTx, venue_id: str) -> VenueOut:
    """One sheet."""
    return VenueOut.of(await venues.get_venue(tx, venue_id))


@router.get("/venues/{venue_id}/history")
async def get_history(tx: RequestTx, venue_id: str) -> HistoryOut:
    """Who changed what, when, and how it was accepted."""
    return HistoryOut(items=await venues.get_history(tx, venue_id))


@router.put("/venues/{venue_id}/managers/{manager}")
async def add_manager(
    tx: RequestTx, account: SignedIn, venue_id: str, manager: AccountId
) -> ManagersOut:
    """Let an account manage a venue; for moderators."""
    venue = await venues.set_manager(tx, account, venue_id, manager, manages=True)
    return ManagersOut(venue_id=venue.id, managers=venue.managers)


@router.delete("/venues/{venue_id}/managers/{manager}")
async def remove_manager(
    tx: RequestTx, account: SignedIn, venue_id: str, manager: AccountId
) -> ManagersOut:
    """No longer let an account manage a venue; for moderators."""
    venue = await venues.set_manager(tx, account, venue_id, manager, manages=False)
    return ManagersOut(venue_id=venue.id, managers=venue.managers)
