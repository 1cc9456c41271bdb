"""Moderation over HTTP: the JSON API for people with an account; `pages` is for links in mails."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.moderation import use_cases
from services.moderation.domain import LONGEST_REASON, ReviewCase, State
from services.moderation.pages import router as pages
from shared.auth import SignedIn
from shared.database import Transaction
from shared.events import Author, FieldChange
from shared.events.moderation import CaseKind, Decision
from shared.service import RequestTx

router = APIRouter(tags=["moderation"])
router.include_router(pages)

Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON)]


class CaseOut(BaseModel):
    """A review case and its decision."""

    id: str
    kind: CaseKind
    venue_id: str | None
    title: str
    changes: list[FieldChange]
    text: str
    link: str | None
    author: Author
    opened_at: datetime
    deadline: datetime | None
    state: State
    decision: Decision | None
    approved_fields: list[str]
    refused_fields: list[str]
    revision: int


class CasePage(BaseModel):
    """The oldest cases, and how many there are."""

    total: int
    items: list[CaseOut]


class ApprovalIn(BaseModel):
    """Accept all fields, or only those named."""

    model_config = ConfigDict(extra="forbid")

    fields: Annotated[list[str], Field(min_length=1, max_length=32)] | None = None
    reason: Reason | None = None


class RefusalIn(BaseModel):
    """Refuse, and say why."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Reason, StringConstraints(min_length=1)]


@router.get("/cases")
async def list_cases(
    tx: RequestTx,
    account: SignedIn,
    state: Literal["open", "decided"] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> CasePage:
    """What waits for you (all of it for moderators), or was decided on your venues."""
    cases = await use_cases.list_cases(tx, account, state=state)
    return CasePage(total=len(cases), items=await _shown(tx, *cases[:limit]))


@router.get("/cases/{case_id}")
async def get_case(tx: RequestTx, account: SignedIn, case_id: str) -> CaseOut:
    """One case; for its author and those who may decide it."""
    [shown] = await _shown(tx, await use_cases.get_case(tx, account, case_id))
    return shown


@router.post("/cases/{case_id}/approve")
async def approve(tx: RequestTx, account: SignedIn, case_id: str, approval: ApprovalIn) -> CaseOut:
    """Accept a proposal, whole or in part."""
    case = await use_cases.decide(
        tx, account, case_id, "approve", fields=approval.fields, reason=approval.reason
    )
    [shown] = await _shown(tx, case)
    return shown


@router.post("/cases/{case_id}/refuse")
async def refuse(tx: RequestTx, account: SignedIn, case_id: str, refusal: RefusalIn) -> CaseOut:
    """Refuse a proposal, with a reason for its author."""
    case = await use_cases.decide(tx, account, case_id, "refuse", reason=refusal.reason)
    [shown] = await _shown(tx, case)
    return shown


async def _shown(tx: Transaction, *cases: ReviewCase) -> list[CaseOut]:
    shown = await use_cases.with_addresses(tx, *cases)
    return [CaseOut.model_validate(case.model_dump()) for case in shown]
