"""One case: see it, decide it, say what one thinks of it, take it back, undo it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from services.moderation.api.shown import (
    Body,
    CaseOut,
    Fields,
    ModeratorActor,
    Reason,
    Rules,
    SignedActor,
    Words,
    check_motive,
    shown,
    shown_case,
)
from services.moderation.domain.cases import Choice
from services.moderation.domain.motives import MESSAGES, MOTIVES
from services.moderation.use_cases import deciding, opinions, reverts
from services.moderation.use_cases.access import see
from services.moderation.use_cases.deciding import Answer, Verdict
from shared.errors import Problem, document
from shared.service import RequestTx

router = APIRouter()


class Seen(Body):
    """What was on screen: a decision on an older revision is refused with what came since."""

    revision: Annotated[int, Field(ge=1)]


class ApprovalIn(Seen):
    """Accept all fields, or only those named."""

    fields: Fields | None = None
    motive: str | None = None
    reason: Words | None = None


class RefusalIn(Seen):
    """Refuse, and say why: a motive, free words, or both."""

    motive: str | None = None
    reason: Words | None = None


class RevertIn(Seen):
    """Undo, and say why."""

    reason: Reason


class OpinionIn(Body):
    """Support, object (with a reason) or pass by; for some fields, or for all."""

    choice: Choice
    reason: Words = ""
    fields: Fields | None = None


class BulkItem(Seen):
    """One case of many."""

    case_id: str


class BulkIn(Body):
    """Decide many cases with one reason."""

    verdict: Verdict
    cases: Annotated[list[BulkItem], Field(min_length=1, max_length=100)]
    motive: str | None = None
    reason: Words | None = None


class BulkOutcome(Body):
    """What became of one of them: its state now, or the problem."""

    case_id: str
    state: str | None = None
    problem: dict[str, object] | None = None


class BulkOut(Body):
    """One outcome per case, in the order asked."""

    items: list[BulkOutcome]


class Sentences(Body):
    """Sentences ready to use, by name."""

    motives: dict[str, str]
    messages: dict[str, str]


@router.get("/motives")
async def list_motives(_: SignedActor) -> Sentences:
    """Motives and messages ready to use, in French; each can be completed."""
    return Sentences(motives=MOTIVES, messages=MESSAGES)


@router.post("/cases/decisions")
async def decide_many(tx: RequestTx, actor: ModeratorActor, policy: Rules, bulk: BulkIn) -> BulkOut:
    """Decide many cases; each stands alone, and those refused say why."""
    check_motive(bulk.motive)
    answers = [
        (one.case_id, Answer(bulk.verdict, one.revision, None, bulk.motive, bulk.reason))
        for one in {one.case_id: one for one in bulk.cases}.values()
    ]
    outcomes = await deciding.decide_many(tx, actor, answers, policy)
    return BulkOut(
        items=[
            BulkOutcome(case_id=case_id, problem=document(outcome))
            if isinstance(outcome, Problem)
            else BulkOutcome(case_id=case_id, state=outcome.state)
            for (case_id, _), outcome in zip(answers, outcomes, strict=True)
        ]
    )


@router.get("/cases/{case_id}")
async def get_case(tx: RequestTx, actor: SignedActor, case_id: str) -> CaseOut:
    """One case; edits and news for everybody with an account, the rest for those concerned."""
    [out] = await shown(tx, actor, await see(tx, actor, case_id))
    return out


@router.post("/cases/{case_id}/approve")
async def approve(
    tx: RequestTx, actor: SignedActor, policy: Rules, case_id: str, approval: ApprovalIn
) -> CaseOut:
    """Accept a proposal, whole or in part."""
    check_motive(approval.motive)
    answer = Answer("approve", **approval.model_dump())
    return await shown_case(tx, actor, await deciding.decide(tx, actor, case_id, answer, policy))


@router.post("/cases/{case_id}/refuse")
async def refuse(
    tx: RequestTx, actor: SignedActor, policy: Rules, case_id: str, refusal: RefusalIn
) -> CaseOut:
    """Refuse a proposal, with a reason for its author."""
    check_motive(refusal.motive)
    answer = Answer("refuse", **refusal.model_dump())
    return await shown_case(tx, actor, await deciding.decide(tx, actor, case_id, answer, policy))


@router.post("/cases/{case_id}/withdraw")
async def withdraw(tx: RequestTx, actor: SignedActor, case_id: str) -> CaseOut:
    """Take one's own proposal back."""
    return await shown_case(tx, actor, await deciding.withdraw_case(tx, actor, case_id))


@router.put("/cases/{case_id}/opinion")
async def opine(tx: RequestTx, actor: SignedActor, case_id: str, opinion: OpinionIn) -> CaseOut:
    """Say what one thinks of it; a second opinion replaces the first."""
    case = await opinions.opine(
        tx,
        actor,
        case_id,
        opinion.choice,
        reason=opinion.reason,
        fields=list(dict.fromkeys(opinion.fields or [])),
    )
    return await shown_case(tx, actor, case)


@router.post("/cases/{case_id}/revert")
async def revert(tx: RequestTx, actor: SignedActor, case_id: str, asked: RevertIn) -> CaseOut:
    """Undo what was accepted, as far as nobody has built on it."""
    case = await reverts.revert(tx, actor, case_id, revision=asked.revision, reason=asked.reason)
    return await shown_case(tx, actor, case)
