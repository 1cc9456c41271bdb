"""Sheets: one, its history, who manages it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from services.directory.api.care import CareOut
from services.directory.domain.fiche import known
from services.directory.domain.shown import shown
from services.directory.domain.stops import Stop
from services.directory.domain.venues import Change, Revision, Venue
from services.directory.use_cases import care, stops, venues
from services.directory.use_cases.care import Care
from shared.auth import ACCOUNT_ID, SignedIn
from shared.events import FieldValue
from shared.service import RequestTx

router = APIRouter()

VenueId = Annotated[str, Field(min_length=1, max_length=200)]
"""The id of a venue in a body."""

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
        return cls(**shown(venue))


class OriginOut(BaseModel):
    """Where a value comes from, how it was accepted, and until when no import changes it."""

    model_config = ConfigDict(from_attributes=True)

    by: str
    how: str
    at: datetime
    accepted_by: str | None
    rule: str | None
    proposal_id: str | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    protected_until: datetime | None
    to_recheck: bool
    """Whether silence accepted it and nobody has looked at it since."""


class SourceOut(BaseModel):
    """A source that has, or had, the venue."""

    name: str
    id: str
    absent_since: datetime | None


class VenueDetail(CareOut, VenueOut):
    """A sheet, where each of its values comes from, and how it is cared for."""

    provenance: dict[str, OriginOut]
    """Of every filled field but `id` and `date_maj`."""
    sources: list[SourceOut]
    absent_from_source: bool
    """Whether no source has the venue any more."""
    arrets: list[Stop]
    """Of an itinerant venue: where it stands, today or later."""

    @classmethod
    def with_care(cls, venue: Venue, cared: Care, arrets: list[Stop]) -> "VenueDetail":
        """The answer for a venue."""
        return cls(
            **VenueOut.of(venue).model_dump(),
            **CareOut.of_care(cared).model_dump(),
            provenance={
                name: OriginOut.model_validate(venue.origin(name))
                for name in venue.fiche
                if name not in ("id", "date_maj")
            },
            sources=[SourceOut(**one.model_dump(exclude={"fiche"})) for one in venue.sources],
            absent_from_source=venue.absent_from_source,
            arrets=arrets,
        )


class HistoryOut(BaseModel):
    """A sheet's revisions, newest first."""

    items: list[Revision]

    @classmethod
    def of(cls, entries: list[Revision]) -> "HistoryOut":
        """The answer for some entries; what nobody knows is null, as in a sheet."""
        return cls(items=[one.model_copy(update={"changes": _read(one)}) for one in entries])


def _read(entry: Revision) -> list[Change]:
    """The changes of an entry as people should read them."""
    changes = [
        Change(field=one.field, old=known(one.field, one.old), new=known(one.field, one.new))
        for one in entry.changes
    ]
    return [one for one in changes if one.old != one.new]


class ManagersOut(BaseModel):
    """The accounts that manage a venue."""

    venue_id: str
    managers: list[str]


@router.get("/venues/{venue_id}")
async def get_venue(tx: RequestTx, venue_id: str) -> VenueDetail:
    """One sheet, where its values come from, and how it is cared for."""
    venue = await venues.get_venue(tx, venue_id)
    cared = await care.of(tx, venue)
    return VenueDetail.with_care(venue, cared, await stops.shown_of(tx, venue))


@router.get("/venues/{venue_id}/history")
async def get_history(tx: RequestTx, venue_id: str) -> HistoryOut:
    """Who changed what, when, and how it was accepted."""
    return HistoryOut.of(await venues.get_history(tx, venue_id))


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
