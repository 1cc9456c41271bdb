"""Where values come from, what protects them, and which of them nobody has looked at."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.fields import FieldGuide, field_guides
from services.directory.domain.provenance import Origin
from services.directory.use_cases import confirmations, venues
from shared.auth import Moderator, SignedIn, Visitor
from shared.service import RequestTx

router = APIRouter()


class FieldsOut(BaseModel):
    """What to know before an edit: every field of a sheet at its revision."""

    venue_id: str
    revision: int
    fields: list[FieldGuide]


class RecheckOut(BaseModel):
    """A venue with values that silence accepted and nobody has looked at."""

    venue_id: str
    nom: str
    since: datetime
    """When the oldest of them was accepted."""
    fields: dict[str, Origin]


class RecheckPage(BaseModel):
    """A part of the list, the oldest first; `next` is the `after` of the following part."""

    items: list[RecheckOut]
    next: str | None


class RecheckIn(BaseModel):
    """The fields whose values are right."""

    model_config = ConfigDict(extra="forbid")

    fields: Annotated[list[str], Field(min_length=1, max_length=32)]


@router.get("/venues/{venue_id}/fields")
async def get_fields(tx: RequestTx, account: Visitor, venue_id: str) -> FieldsOut:
    """Before an edit: which values are protected, and what will happen to a proposal."""
    venue = await venues.get_venue(tx, venue_id)
    guides = field_guides(venue, account.id if account else None, tx.now)
    return FieldsOut(venue_id=venue.id, revision=venue.revision, fields=guides)


@router.get("/rechecks")
async def list_rechecks(
    tx: RequestTx,
    _: Moderator,
    after: Annotated[str, Query(max_length=300)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> RecheckPage:
    """Values accepted by silence, to look at again; for moderators."""
    since, space, venue_id = after.partition(" ")
    place = (since, venue_id) if space else None
    found = await confirmations.to_recheck(tx, after=place, limit=limit + 1)
    items = [
        RecheckOut(venue_id=one.id, nom=one.nom, since=one.recheck_since, fields=fields)
        for one, fields in found[:limit]
    ]
    more = len(found) > limit
    last = " ".join(confirmations.recheck_place(found[limit - 1][0])) if more else None
    return RecheckPage(items=items, next=last)


@router.post("/venues/{venue_id}/rechecks")
async def recheck(tx: RequestTx, account: SignedIn, venue_id: str, found: RecheckIn) -> FieldsOut:
    """Say that values accepted by silence are right; for the venue's managers and moderators."""
    venue = await confirmations.recheck(tx, account, venue_id, found.fields)
    guides = field_guides(venue, account.id, tx.now)
    return FieldsOut(venue_id=venue.id, revision=venue.revision, fields=guides)
