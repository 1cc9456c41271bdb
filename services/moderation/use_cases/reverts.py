"""Undo what was accepted: one proposal, or all of an author's after a dry run."""

import hashlib
from dataclasses import dataclass

from services.moderation.domain.cases import Reversion, ReviewCase, refuse
from services.moderation.domain.cases import revert as undone
from services.moderation.domain.deciders import Actor
from services.moderation.domain.policy import Policy
from services.moderation.domain.problems import (
    ManagersWordBinds,
    NothingToRevert,
    OutOfScope,
    OwnProposal,
    PlanChanged,
)
from services.moderation.store import Cases, Contributors, Scopes
from services.moderation.use_cases.access import is_own, see, views
from services.moderation.use_cases.outcomes import PROPOSALS, clear_timers, facts, settle
from services.moderation.use_cases.record import check_revision, note
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.moderation import ApprovalReverted, Decision

AT_ONCE = 100
"""Cases undone by one request; the next one goes on."""


@dataclass(frozen=True)
class Plan:
    """What would be undone of an author's, and what would not."""

    revert: list[ReviewCase]
    """Online now."""
    refuse: list[ReviewCase]
    """Still under review."""
    kept: list[ReviewCase]
    """A manager has decided, or is to decide."""
    more: bool
    """Whether there is more than one request may do."""

    @property
    def token(self) -> str:
        """Changes with anything that the plan is about."""
        told = ",".join(f"{one.id}@{one.revision}" for one in (*self.revert, *self.refuse))
        return hashlib.sha256(told.encode()).hexdigest()[:32]


async def revert(
    tx: Transaction, actor: Actor, case_id: str, *, revision: int, reason: str
) -> ReviewCase:
    """Undo one approval: a manager any at their venue, a moderator any that no manager took."""
    view = await see(tx, actor, case_id)
    if view.role != "manager":
        if not actor.moderator:
            raise NotAllowed
        if await is_own(tx, actor, view.case):
            raise OwnProposal
        if not (await Scopes(tx).of(actor.id)).covers(view.case):
            raise OutOfScope
    if not _online(view.case):
        raise NothingToRevert
    if view.role != "manager" and _by_manager(view.case):
        raise ManagersWordBinds
    await check_revision(tx, view.case, revision)
    return await _undo(tx, actor, view.case, reason)


async def plan(tx: Transaction, actor: Actor, author: str) -> Plan:
    """What would be undone of an author's proposals. Changes nothing."""
    scope = await Scopes(tx).of(actor.id)
    if actor.id == author:
        raise OwnProposal
    cases = [
        one
        for one in await Cases(tx).of_author(author)
        if one.kind in PROPOSALS and scope.covers(one)
    ]
    if cases and await is_own(tx, actor, cases[0]):
        raise OwnProposal
    online = [one for one in cases if _online(one)]
    theirs = [one for one in online if not _by_manager(one)]
    seen = await views(tx, actor, [one for one in cases if one.state == "open"])
    waiting = [one.case for one in seen if one.may_decide and one.role == "moderator"]
    managers_first = [one.case for one in seen if one.case not in waiting]
    todo = [*theirs, *waiting][:AT_ONCE]
    return Plan(
        revert=[one for one in todo if one.state != "open"],
        refuse=[one for one in todo if one.state == "open"],
        kept=[one for one in online if _by_manager(one)] + managers_first,
        more=len(theirs) + len(waiting) > AT_ONCE,
    )


async def revert_all(
    tx: Transaction, actor: Actor, author: str, *, token: str, reason: str, policy: Policy
) -> Plan:
    """Do what a dry run has announced; raises `PlanChanged` if it is no longer that."""
    todo = await plan(tx, actor, author)
    if todo.token != token:
        raise PlanChanged
    for case in todo.revert:
        await _undo(tx, actor, case, reason)
    for case in todo.refuse:
        decision = Decision(how="moderator", by=actor.ref, at=tx.now, reason=reason)
        decided = refuse(case, decision)
        assert decided.decision  # noqa: S101
        await settle(tx, decided, decided.decision, policy, by=actor.ref)
    return todo


async def _undo(tx: Transaction, actor: Actor, case: ReviewCase, reason: str) -> ReviewCase:
    after = undone(case, Reversion(by=actor.ref, at=tx.now, reason=reason))
    await Cases(tx).save(after)
    await clear_timers(tx, after)
    tx.publish(
        ApprovalReverted(
            **facts(after),
            by=actor.ref,
            reason=reason,
            reverted_at=tx.now,
        )
    )
    await note(tx, after, "revert", by=actor.ref)
    if not await is_own(tx, actor, case):
        author = await Contributors(tx).get(after.author.account_id)
        await Contributors(tx).put(author.after(accepted=False))
    return after


def _online(case: ReviewCase) -> bool:
    accepted = case.state in ("approved", "partly_approved")
    return case.kind in PROPOSALS and accepted and case.reverted is None


def _by_manager(case: ReviewCase) -> bool:
    return case.decision is not None and case.decision.how == "manager"
