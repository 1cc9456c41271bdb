"""Where partners push: signed deliveries, answered once they are stored."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from time import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.announcements.api.announcements import OwnHosts
from services.announcements.api.together import Together
from services.announcements.domain.partners import Partner, PartnerUnknown
from services.announcements.use_cases import intake
from services.announcements.use_cases.intake import Arrival, Incoming
from shared.database import now
from shared.errors import Problem
from shared.service import RequestDatabase

router = APIRouter(prefix="/partners", tags=["partners"])


class TooManyDeliveries(Problem):
    """More deliveries in a minute than this partner's rule allows."""

    type = "too-many-deliveries"
    status = 429
    title = "Trop d'envois en une minute : réessayez un peu plus tard."


class Limiter:
    """Counts each partner's deliveries of the last minute, in this process."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def check(self, partner: Partner) -> None:
        """Count one; raises `TooManyDeliveries` with the seconds to wait."""
        item = RateLimitItemPerMinute(partner.per_minute)
        if not self._windows.hit(item, partner.slug):
            wait = self._windows.get_window_stats(item, partner.slug).reset_time - time()
            raise TooManyDeliveries(headers={"Retry-After": str(max(1, ceil(wait)))})


async def _raw(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_raw)]
"""Read whole before anything else: a slow sender must not hold a transaction open."""


_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def refusals(*more: int) -> dict[int | str, dict[str, Any]]:
    """What a route that partners push to may answer instead, as problem documents."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
        for status in sorted((404, 413, 422, 429, 503, *more))
    }


@router.post(
    "/{slug}/events",
    status_code=202,
    responses=refusals(401, 403, 415),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                form: {"schema": {"type": "object"}}
                for form in (
                    "application/cloudevents+json",
                    "application/cloudevents-batch+json",
                    "application/json",
                )
            },
        }
    },
)
async def receive(
    slug: str, request: Request, body: RawBody, database: RequestDatabase, own_hosts: OwnHosts
) -> Mapping[str, Any]:
    """Take a signed delivery (Standard Webhooks) of CloudEvents; 202 means that it is stored."""
    at = now()
    incoming = Incoming(dict(request.headers), body, "http", signed_about=at)
    together: Together = request.app.state.together
    partner = await together.partner(database, slug)
    if partner is None:
        raise PartnerUnknown
    signed_id = intake.authenticate(partner, incoming, at=at)
    limiter: Limiter = request.app.state.limiter
    limiter.check(partner)
    try:
        asked = intake.check(incoming, at=at, own_hosts=own_hosts)
    except Problem as problem:
        refusal = problem
        answer = await database.run(
            lambda tx: intake.refuse(tx, partner, signed_id, incoming, refusal)
        )
        if isinstance(answer, Problem):
            if answer is refusal:
                intake.EVENTS.labels("refused").inc()
            raise answer from None
        return answer
    return await together.store(database, Arrival(partner, signed_id, incoming, asked))
