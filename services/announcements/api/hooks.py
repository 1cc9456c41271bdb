"""Where Ulule tells that something has happened: one secret path per partner."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.announcements.settings import Settings
from services.announcements.use_cases import ulule as use_cases
from shared.service import RequestTx

router = APIRouter(prefix="/partners", tags=["partners"])


async def _raw(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_raw)]
"""Read whole before the transaction is there: a slow sender must not hold one open."""


@router.post("/{slug}/hooks/{secret}", status_code=202)
async def receive(
    slug: str, secret: str, body: RawBody, request: Request, tx: RequestTx
) -> Mapping[str, Any]:
    """Take a push; its project is asked for later."""
    settings: Settings = request.app.state.settings
    return await use_cases.push(tx, slug, secret, body, api_url=settings.ulule_api_url)
