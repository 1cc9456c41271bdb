"""The queue: what waits, how much of it, and who works on what."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, StringConstraints

from services.moderation.api.shown import (
    AssignmentOut,
    CaseOut,
    ModeratorActor,
    Rules,
    SignedActor,
    Sort,
    shown,
)
from services.moderation.use_cases import queue
from services.moderation.use_cases.queue import Wanted
from shared.events.directory import ReportReason
from shared.events.moderation import CaseKind
from shared.service import RequestTx

router = APIRouter()

Departement = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|2[AB]|9[78][0-9])$")]

After = Annotated[str, Query(max_length=300)]
Limit = Annotated[int, Query(ge=1, le=200)]


class CasePage(BaseModel):
    """Part of a queue; `next` goes into the parameter `after` of the next request."""

    items: list[CaseOut]
    next: str | None


class CountsOut(BaseModel):
    """How many open cases there are of each sort."""

    total: int
    unanswered: int
    near_deadline: int
    contested: int
    by_new_account: int
    kinds: dict[str, int]
    rules: dict[str, int]


@router.get("/cases")
async def list_cases(
    tx: RequestTx,
    actor: SignedActor,
    state: Sort = "open",
    kind: CaseKind | None = None,
    report_reason: ReportReason | None = None,
    departement: Departement | None = None,
    venue_id: str | None = None,
    unanswered: bool = False,
    near_deadline: bool = False,
    contested: bool = False,
    by_new_account: bool = False,
    rule: str | None = None,
    appealed: bool = False,
    after: After = "",
    limit: Limit = 100,
) -> CasePage:
    """Oldest first: your venues' cases, or those entrusted to you; a venue's, to everybody."""
    wanted = Wanted(
        # only a decided case can be appealed against
        state="decided" if appealed else state,
        kind=kind,
        report_reason=report_reason,
        departement=departement,
        venue_id=venue_id,
        unanswered=unanswered,
        near_deadline=near_deadline,
        contested=contested,
        by_new_account=by_new_account,
        rule=rule,
        appealed=appealed,
        after=after,
        limit=limit,
    )
    page = await queue.list_cases(tx, actor, wanted)
    return CasePage(items=await shown(tx, actor, *page.views), next=page.next)


@router.get("/cases/counts")
async def count_cases(tx: RequestTx, actor: SignedActor) -> CountsOut:
    """The same in numbers, of what is open."""
    counts = await queue.count_cases(tx, actor)
    return CountsOut.model_validate(counts, from_attributes=True)


@router.get("/cases/mine")
async def own_cases(
    tx: RequestTx, actor: SignedActor, after: After = "", limit: Limit = 100
) -> CasePage:
    """What you have proposed, oldest first."""
    page = await queue.own_cases(tx, actor, after=after, limit=limit)
    return CasePage(items=await shown(tx, actor, *page.views), next=page.next)


@router.put("/cases/{case_id}/assignment")
async def take(tx: RequestTx, actor: ModeratorActor, policy: Rules, case_id: str) -> AssignmentOut:
    """Keep a case for yourself for a while."""
    mine = await queue.take(tx, actor, case_id, policy)
    return AssignmentOut(holder=mine.holder, expires_at=mine.expires_at)


@router.delete("/cases/{case_id}/assignment", status_code=204)
async def release(tx: RequestTx, actor: ModeratorActor, case_id: str) -> Response:
    """Give it back."""
    await queue.release(tx, actor, case_id)
    return Response(status_code=204)
