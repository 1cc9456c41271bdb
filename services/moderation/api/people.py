"""What people have earned, what moderators are entrusted with, and undoing all of an author's."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from services.moderation.api.queue import Departement
from services.moderation.api.shown import Body, ModeratorActor, Reason, Rules, SignedActor
from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.deciders import Scope
from services.moderation.use_cases import people, reverts
from services.moderation.use_cases.reverts import Plan
from shared.auth import ACCOUNT_ID, Admin
from shared.events.moderation import CaseKind
from shared.service import RequestTx

router = APIRouter()

AccountId = Annotated[str, Path(pattern=f"^{ACCOUNT_ID}$")]


class ContributorOut(BaseModel):
    """Your record, and what it allows."""

    since: datetime | None
    new: bool
    accepted: int
    refused: int
    trusted: bool
    why: str


class HostsOut(BaseModel):
    """Sites, and the refused proposals they were seen in."""

    hosts: dict[str, list[str]]


class ScopeIn(Body):
    """Territory and kinds; an empty list means everything."""

    departements: Annotated[list[Departement], Field(max_length=120, default_factory=list)]
    kinds: Annotated[list[CaseKind], Field(max_length=10, default_factory=list)]


class RevertAllIn(Body):
    """Without `plan` it is a dry run; with the `plan` that the dry run gave, it is done."""

    reason: Reason
    plan: str | None = None


class RevertedCase(BaseModel):
    """One of the cases concerned."""

    id: str
    title: str
    fields: list[str]


class RevertAllOut(BaseModel):
    """What is undone (or would be), refused, or left because a manager decided."""

    done: bool
    plan: str
    reverted: list[RevertedCase]
    refused: list[RevertedCase]
    kept: list[RevertedCase]
    more: bool


@router.get("/contributors/me")
async def own_record(tx: RequestTx, actor: SignedActor) -> ContributorOut:
    """Whether you are trusted, and why."""
    record = await people.known(tx, actor)
    return ContributorOut(
        since=record.since,
        new=record.is_new(tx.now),
        accepted=record.accepted,
        refused=record.refused,
        trusted=record.trusted,
        why=record.standing,
    )


@router.post("/contributors/{account_id}/revert")
async def revert_all(
    tx: RequestTx, actor: ModeratorActor, policy: Rules, account_id: AccountId, asked: RevertAllIn
) -> RevertAllOut:
    """Undo everything by one author: a dry run first, then the same again with its plan."""
    if asked.plan is None:
        return _out(await reverts.plan(tx, actor, account_id), done=False)
    plan = await reverts.revert_all(
        tx, actor, account_id, token=asked.plan, reason=asked.reason, policy=policy
    )
    return _out(plan, done=True)


@router.get("/refused-hosts")
async def list_hosts(tx: RequestTx, _: ModeratorActor) -> HostsOut:
    """Sites that refused proposals linked to: a new link to them waits for an answer."""
    return HostsOut(hosts=dict(await people.refused_hosts(tx)))


@router.delete("/refused-hosts/{host}", status_code=204)
async def clear_host(tx: RequestTx, _: ModeratorActor, host: str) -> Response:
    """Let links to a site pass again: it was refused for something else."""
    await people.clear_host(tx, host)
    return Response(status_code=204)


@router.get("/moderators/{account_id}/scope")
async def get_scope(tx: RequestTx, _: ModeratorActor, account_id: AccountId) -> ScopeIn:
    """What is entrusted to a moderator."""
    return ScopeIn(**(await people.scope_of(tx, account_id)).model_dump())


@router.put("/moderators/{account_id}/scope")
async def put_scope(tx: RequestTx, _: Admin, account_id: AccountId, scope: ScopeIn) -> ScopeIn:
    """Entrust a moderator with a territory and kinds; for admins."""
    await people.entrust(tx, account_id, Scope(**scope.model_dump()))
    return scope


def _out(plan: Plan, *, done: bool) -> RevertAllOut:
    def shown(cases: list[ReviewCase]) -> list[RevertedCase]:
        return [RevertedCase(id=one.id, title=one.title, fields=one.fields) for one in cases]

    return RevertAllOut(
        done=done,
        plan=plan.token,
        reverted=shown(plan.revert),
        refused=shown(plan.refuse),
        kept=shown(plan.kept),
        more=plan.more,
    )
