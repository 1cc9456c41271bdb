"""Where Ulule tells that something has happened: one secret path per partner."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from services.announcements.api.intake import Limiter, RawBody, refusals
from services.announcements.settings import Settings
from services.announcements.store.partners import known_partner
from services.announcements.use_cases import ulule as use_cases
from shared.errors import Problem
from shared.service import RequestDatabase

router = APIRouter(prefix="/partners", tags=["partners"])


@router.post("/{slug}/hooks/{secret}", status_code=202, responses=refusals())
async def receive(
    slug: str, secret: str, body: RawBody, request: Request, database: RequestDatabase
) -> Mapping[str, Any]:
    """Take a push; its project is asked for later."""
    partner = use_cases.authenticate(await known_partner(database, slug), secret)
    limiter: Limiter = request.app.state.limiter
    limiter.check(partner)
    settings: Settings = request.app.state.settings
    try:
        async with database.transaction() as tx:
            pushed = await use_cases.push(tx, slug, body, api_url=settings.ulule_api_url)
    except Problem:
        use_cases.PUSHES.labels("refused").inc()
        raise
    if pushed.label:
        use_cases.PUSHES.labels(pushed.label).inc()
    return pushed.answer
