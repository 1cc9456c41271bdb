"""The directory's list."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.directory.api.venues import VenueOut
from services.directory.use_cases import venues
from shared.service import RequestTx

router = APIRouter()


class VenuePage(BaseModel):
    """A part of the list; `next` is the `after` of the following part."""

    total: int
    items: list[VenueOut]
    next: int | None


@router.get("/venues")
async def list_venues(
    tx: RequestTx,
    after: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    code_insee: str | None = None,
    code_postal: str | None = None,
) -> VenuePage:
    """The directory's list in parts, or the venues of a commune or postcode."""
    given = {"code_insee": code_insee, "code_postal": code_postal}
    if wanted := {name: value for name, value in given.items() if value}:
        page = await venues.find_venues(tx, wanted, after=after, limit=limit)
    else:
        page = await venues.list_venues(tx, after=after, limit=limit)
    return VenuePage(
        total=page.total, items=[VenueOut.of(venue) for venue in page.venues], next=page.next
    )
