"""Why a case was decided as it was, and asking another moderator to look again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.moderation.api.shown import (
    Body,
    CaseOut,
    Fields,
    ModeratorActor,
    Reason,
    SignedActor,
    role_of,
    shown_case,
)
from services.moderation.domain.appeals import can_appeal
from services.moderation.domain.cases import State
from services.moderation.use_cases import appeals
from shared.events.moderation import DecidedAs, Held, Mark, Told
from shared.service import RequestTx

router = APIRouter()


class AppealIn(Body):
    """Why it should be looked at again."""

    text: Reason


class AnswerIn(Body):
    """Another moderator's last word."""

    revision: Annotated[int, Field(ge=1)]
    grant: bool
    fields: Fields | None = None
    reason: Reason


class StatementOut(BaseModel):
    """A statement of reasons; `automated`: no person decided."""

    case_id: str
    title: str
    state: State
    decided_at: datetime
    decided_by: DecidedAs
    automated: bool
    rule: str | None
    ground: str
    approved_fields: list[str]
    refused_fields: list[str]
    held: list[Held]
    told: list[Told]
    marks: list[Mark]
    redress: list[str]
    appeal_until: datetime | None


@router.get("/cases/{case_id}/statement")
async def statement(tx: RequestTx, actor: SignedActor, case_id: str) -> StatementOut:
    """What was decided, by whom, on what ground, who was told before, and what can be done."""
    found = await appeals.statement(tx, actor, case_id)
    decision = found.decision
    return StatementOut(
        case_id=found.case.id,
        title=found.case.title,
        state=found.case.state,
        decided_at=decision.at,
        decided_by=decision.how,
        automated=found.automated,
        rule=decision.rule,
        ground=found.ground,
        approved_fields=found.case.approved_fields,
        refused_fields=found.case.refused_fields,
        held=decision.held,
        told=[one.model_copy(update={"who": role_of(one.who)}) for one in decision.told],
        marks=decision.marks,
        redress=found.redress,
        appeal_until=found.case.appeal_until if can_appeal(found.case) else None,
    )


@router.post("/cases/{case_id}/appeal", status_code=201)
async def lodge(tx: RequestTx, actor: SignedActor, case_id: str, appeal: AppealIn) -> CaseOut:
    """Ask another moderator to look at a refusal of yours again."""
    return await shown_case(tx, actor, await appeals.lodge(tx, actor, case_id, appeal.text))


@router.post("/cases/{case_id}/appeal/answer")
async def answer(tx: RequestTx, actor: ModeratorActor, case_id: str, given: AnswerIn) -> CaseOut:
    """Grant it, for all that was refused or some of it, or say why not."""
    case = await appeals.answer(tx, actor, case_id, **given.model_dump())
    return await shown_case(tx, actor, case)
