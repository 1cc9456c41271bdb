"""What people ask about a sheet: to manage it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.directory.domain.fiche import readable
from services.directory.use_cases import requests
from shared.auth import SignedIn
from shared.service import RequestTx

router = APIRouter()


class RequestIn(BaseModel):
    """What somebody has to say about a sheet, to those who look after it."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
        BeforeValidator(readable),
    ]


class RequestOut(BaseModel):
    """The case that moderation opens for it."""

    case_id: str


@router.post("/venues/{venue_id}/claims", status_code=202)
async def claim(tx: RequestTx, account: SignedIn, venue_id: str, asked: RequestIn) -> RequestOut:
    """Ask to manage a venue's sheet."""
    return RequestOut(case_id=await requests.claim(tx, account, venue_id, asked.text))
