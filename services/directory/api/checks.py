"""« Toujours exact »: somebody has read a sheet, and found it right."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.checks import Check, Role
from services.directory.use_cases import checks
from shared.auth import SignedIn
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
