"""« Toujours exact »: a sheet was found right; and how often its managers are asked."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.checks import Check, Role
from services.directory.domain.reminders import Reminders, Rhythm
from services.directory.use_cases import checks, reminders
from shared.auth import Account, SignedIn
from shared.service import RequestTx

router = APIRouter()


class CheckIn(BaseModel):
    """What somebody has read; `revision` refuses a sheet that has changed since."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[int, Field(strict=True)] | None = None


class CheckOut(BaseModel):
    """When a sheet was last found right, and by whom."""

    venue_id: str
    checked_on: date
    checked_by: Role

    @classmethod
    def of(cls, check: Check) -> "CheckOut":
        """The answer for a check."""
        return cls(venue_id=check.venue_id, checked_on=check.on, checked_by=check.by_role)


@router.post("/venues/{venue_id}/checks")
async def check(
    tx: RequestTx, account: SignedIn, venue_id: str, read: CheckIn | None = None
) -> CheckOut:
    """Say that a sheet is right as it is; a manager's word protects the values they gave."""
    revision = read.revision if read else None
    return CheckOut.of(await checks.check(tx, account, venue_id, revision=revision))


class RhythmIn(BaseModel):
    """How many months a sheet may stay as it is before its managers are asked; null: never."""

    model_config = ConfigDict(extra="forbid")

    every_months: Rhythm | None


class RhythmOut(BaseModel):
    """The rhythm of a sheet's reminders, and whether you hear of them."""

    venue_id: str
    every_months: Rhythm | None
    you_hear: bool

    @classmethod
    def of(cls, chosen: Reminders, account: Account) -> "RhythmOut":
        """The answer for one of a venue's managers."""
        hears = chosen.every_months is not None and bool(chosen.hears([account.id]))
        return cls(venue_id=chosen.venue_id, every_months=chosen.every_months, you_hear=hears)


@router.get("/venues/{venue_id}/reminders")
async def get_rhythm(tx: RequestTx, account: SignedIn, venue_id: str) -> RhythmOut:
    """How often a sheet's managers are asked to read it again; for them."""
    return RhythmOut.of(await reminders.get_rhythm(tx, account, venue_id), account)


@router.put("/venues/{venue_id}/reminders")
async def choose_rhythm(
    request: Request, tx: RequestTx, account: SignedIn, venue_id: str, asked: RhythmIn
) -> RhythmOut:
    """Choose it, or never; for its managers. The clock starts anew."""
    chosen = await reminders.choose_rhythm(
        tx, account, venue_id, asked.every_months, month=request.app.state.reminder_month
    )
    return RhythmOut.of(chosen, account)
