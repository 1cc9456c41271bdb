"""Sheets: one, its history, who manages it."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from services.directory.domain.checks import Check, Role
from services.directory.domain.completeness import CRITERIA, Completeness
from services.directory.domain.fiche import COLUMNS
from services.directory.domain.venues import Revision, Venue
from services.directory.use_cases import care, venues
from services.directory.use_cases.care import Care
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


class CriterionOut(BaseModel):
    """One criterion of a complete sheet, and what to do where it is not met."""

    key: str
    label: str
    met: bool
    advice: str


class CompletenessOut(BaseModel):
    """How complete a sheet is: one point for each criterion that is met."""

    score: int
    out_of: int
    criteria: list[CriterionOut]

    @classmethod
    def of(cls, measured: Completeness) -> "CompletenessOut":
        """The answer for a sheet that was measured."""
        criteria = [
            CriterionOut(
                key=one.key, label=one.label, met=one.key in measured.met, advice=one.advice
            )
            for one in CRITERIA
        ]
        return cls(score=measured.score, out_of=len(CRITERIA), criteria=criteria)


class OneVenueOut(VenueOut):
    """A sheet, and how it is cared for."""

    completeness: CompletenessOut
    checked_on: date | None
    """When somebody last said that the sheet is right."""
    checked_by: Role | None

    @classmethod
    def with_care(cls, venue: Venue, cared: Care) -> "OneVenueOut":
        """The answer for a venue."""
        return cls(
            **VenueOut.of(venue).model_dump(),
            completeness=CompletenessOut.of(cared.completeness),
            checked_on=cared.check.on if cared.check else None,
            checked_by=cared.check.by_role if cared.check else None,
        )


class ConfirmationOut(BaseModel):
    """A manager has said that the sheet is right, at this revision."""

    at: datetime
    revision: int

    @classmethod
    def of(cls, check: Check) -> "ConfirmationOut":
        """The answer for a manager's check."""
        return cls(at=check.at, revision=check.revision)


class HistoryOut(BaseModel):
    """A sheet's revisions, newest first, and when its managers have confirmed them."""

    items: list[Revision]
    confirmations: list[ConfirmationOut]


class ManagersOut(BaseModel):
    """The accounts that manage a venue."""

    venue_id: str
    managers: list[str]


@router.get("/venues/{venue_id}")
async def get_venue(tx: RequestTx, venue_id: str) -> OneVenueOut:
    """One sheet, how complete it is, and when it was last found right."""
    venue = await venues.get_venue(tx, venue_id)
    return OneVenueOut.with_care(venue, await care.of(tx, venue))


@router.get("/venues/{venue_id}/history")
async def get_history(tx: RequestTx, venue_id: str) -> HistoryOut:
    """Who changed what, when, and how it was accepted."""
    confirmed = await care.confirmations(tx, venue_id)
    return HistoryOut(
        items=await venues.get_history(tx, venue_id),
        confirmations=[ConfirmationOut.of(one) for one in confirmed],
    )


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
