"""Reports about a sheet, and sheets that come back into the lists."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.directory.api.venues import VenueId
from services.directory.domain.fiche import readable
from services.directory.use_cases import reports
from shared.auth import SignedIn
from shared.events.directory import ReportReason
from shared.service import RequestTx

router = APIRouter()


class ReportIn(BaseModel):
    """What is wrong with a sheet: its sort, in somebody's words, and the other of a duplicate."""

    model_config = ConfigDict(extra="forbid")

    reason: ReportReason
    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
        BeforeValidator(readable),
    ]
    other_venue: VenueId | None = None


class ReportOut(BaseModel):
    """The case that moderation opens for it."""

    case_id: str


@router.post("/venues/{venue_id}/reports", status_code=202)
async def report(tx: RequestTx, account: SignedIn, venue_id: str, said: ReportIn) -> ReportOut:
    """Say that something is wrong with a sheet: moderators look at it."""
    case_id = await reports.report(
        tx,
        account,
        venue_id,
        reason=said.reason,
        text=said.text,
        other_venue=said.other_venue,
    )
    return ReportOut(case_id=case_id)


@router.delete("/venues/{venue_id}/delisting", status_code=204)
async def relist(tx: RequestTx, account: SignedIn, venue_id: str) -> Response:
    """Put a sheet back that had left the search and the lists; for moderators."""
    await reports.relist(tx, account, venue_id)
    return Response(status_code=204)
