"""Moderation over HTTP: the JSON API for people with an account; `pages` is for links in mails."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
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

    @classmethod
    async def of(cls, case: ReviewCase, tx: Transaction) -> "CaseOut":
        """The answer for a case, with its addresses while they are kept."""
        addresses = await use_cases.proposed_addresses(tx, case)
        out = cls.model_validate(case.model_dump())
        if addresses:
            old, new = addresses
            out.changes = [
                FieldChange(field=one.field, old=old, new=new) if one.withheld else one
                for one in out.changes
            ]
        return out


class CasePage(BaseModel):
    """Cases, oldest first."""

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
    tx: RequestTx, account: SignedIn, state: Literal["open", "decided"] = "open"
) -> CasePage:
    """What waits for you (all of it for moderators), or was decided on your venues."""
    cases = await use_cases.list_cases(tx, account, state=state)
    return CasePage(items=[await CaseOut.of(case, tx) for case in cases])


@router.get("/cases/{case_id}")
async def get_case(tx: RequestTx, account: SignedIn, case_id: str) -> CaseOut:
    """One case; for its author and those who may decide it."""
    return await CaseOut.of(await use_cases.get_case(tx, account, case_id), tx)


@router.post("/cases/{case_id}/approve")
async def approve(tx: RequestTx, account: SignedIn, case_id: str, approval: ApprovalIn) -> CaseOut:
    """Accept a proposal, whole or in part."""
    case = await use_cases.decide(
        tx, account, case_id, "approve", fields=approval.fields, reason=approval.reason
    )
    return await CaseOut.of(case, tx)


@router.post("/cases/{case_id}/refuse")
async def refuse(tx: RequestTx, account: SignedIn, case_id: str, refusal: RefusalIn) -> CaseOut:
    """Refuse a proposal, with a reason for its author."""
    case = await use_cases.decide(tx, account, case_id, "refuse", reason=refusal.reason)
    return await CaseOut.of(case, tx)
