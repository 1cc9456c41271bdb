"""The log, and the numbers of a year."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel

from services.moderation.api.shown import ModeratorActor, SignedActor, role_of
from services.moderation.use_cases import numbers
from services.moderation.use_cases.access import take_part
from services.moderation.use_cases.numbers import Reports
from shared.database import Document
from shared.service import RequestTx

router = APIRouter()

FIRST = datetime(2020, 1, 1, tzinfo=UTC)


class LogOut(BaseModel):
    """What happened to one case, oldest first."""

    items: list[dict[str, Any]]


class KindOut(BaseModel):
    """Cases of one kind: how many were opened, what became of them, who decided."""

    opened: int
    outcomes: dict[str, int]
    decided_by: dict[str, int]
    median_hours: float | None
    """From a proposal to its decision."""


class TransparencyOut(BaseModel):
    """A calendar year (UTC) of moderation in numbers; nobody is named."""

    year: int
    kinds: dict[str, KindOut]
    objections: int
    appeals: int
    appeals_granted: int
    reverted: int
    failed: int
    """Accepted, and nothing of it could be applied."""
    rules: dict[str, int]
    unreachable: int


@router.get("/transparency")
async def transparency(
    request: Request, tx: RequestTx, year: Annotated[int, Query(ge=2020, le=2200)]
) -> TransparencyOut:
    """The numbers for a yearly report, for everybody."""
    reports: Reports = request.app.state.reports
    report = await reports.of(tx, year)
    return TransparencyOut.model_validate(report, from_attributes=True)


@router.get("/cases/{case_id}/log")
async def case_log(tx: RequestTx, actor: SignedActor, case_id: str) -> LogOut:
    """Everything that happened to a case, for those who take part in it."""
    view = await take_part(tx, actor, case_id)
    entries = [_entry(one) for one in await numbers.log_of(tx, case_id)]
    # who objected is for moderators, as in the case itself
    if not view.moderates:
        entries = [_unnamed(one) for one in entries if one["act"] != "note"]
    return LogOut(items=entries)


@router.get("/log", response_class=Response)
async def export(
    tx: RequestTx,
    _: ModeratorActor,
    since: AwareDatetime = FIRST,
    until: AwareDatetime | None = None,
    after: Annotated[str, Query(max_length=300)] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> Response:
    """The log as NDJSON, oldest first; header `X-Next` goes into `after`."""
    page = await numbers.read_log(
        tx, since, until or tx.now + timedelta(days=1), after=after, limit=limit
    )
    lines = "".join(json.dumps(_entry(one), ensure_ascii=False) + "\n" for one in page.entries)
    headers = {"X-Next": page.next} if page.next else {}
    return Response(lines, media_type="application/x-ndjson", headers=headers)


def _entry(row: Document) -> dict[str, Any]:
    entry = {name: value for name, value in row.items() if name not in ("_id", "place")}
    return entry | {"at": row["at"].isoformat()}


def _unnamed(entry: dict[str, Any]) -> dict[str, Any]:
    hidden = entry["act"] in ("support", "object", "abstain")
    return entry | {"by": None if hidden else role_of(entry["by"])}
