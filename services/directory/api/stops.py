"""Where an itinerant venue stops, when."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.stops import Stop, Stops
from services.directory.use_cases import stops
from shared.auth import SignedIn
from shared.service import RequestTx

router = APIRouter()


class StopsIn(BaseModel):
    """All stops of a venue in their order, against the revision that was read."""

    model_config = ConfigDict(extra="forbid")

    base_revision: Annotated[int, Field(strict=True, ge=0)]
    stops: list[dict[str, Any]]
    """Each with `commune`, `code_postal`, `adresse`; perhaps `code_insee`, `complement_adresse`,
    `latitude` and `longitude`, `horaires`, `debut`, `fin`."""


class StopsOut(BaseModel):
    """All stops of a venue, past ones too."""

    venue_id: str
    revision: int
    """0 while nobody has written any."""
    stops: list[Stop]
    by: str | None
    at: datetime | None

    @classmethod
    def of(cls, kept: Stops) -> "StopsOut":
        """The answer for a venue's stops."""
        return cls.model_validate(kept.model_dump())


class StopsHistory(BaseModel):
    """Every list there has been, newest first."""

    items: list[StopsOut]


@router.get("/venues/{venue_id}/stops")
async def get_stops(tx: RequestTx, venue_id: str) -> StopsOut:
    """Where an itinerant venue stops, when."""
    return StopsOut.of(await stops.get_stops(tx, venue_id))


@router.put("/venues/{venue_id}/stops")
async def put_stops(tx: RequestTx, account: SignedIn, venue_id: str, wanted: StopsIn) -> StopsOut:
    """Replace all stops at once; for the venue's managers and moderators."""
    kept = await stops.put_stops(
        tx, account, venue_id, wanted.stops, base_revision=wanted.base_revision
    )
    return StopsOut.of(kept)


@router.get("/venues/{venue_id}/stops/history")
async def get_stops_history(tx: RequestTx, venue_id: str) -> StopsHistory:
    """Who changed the stops, when, to what."""
    lists = await stops.get_stops_history(tx, venue_id)
    return StopsHistory(items=[StopsOut.of(one) for one in lists])
