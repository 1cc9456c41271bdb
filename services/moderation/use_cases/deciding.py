"""People decide: one case, many at once, by the link in a mail, or by taking theirs back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.moderation.domain.cases import ReviewCase, approve, check_can, refuse, withdraw
from services.moderation.domain.deciders import Actor
from services.moderation.domain.motives import MOTIVES, completed
from services.moderation.domain.policy import Policy
from services.moderation.domain.problems import NotTheAuthor
from services.moderation.store import Cases
from services.moderation.use_cases.access import case_by_link, see
from services.moderation.use_cases.outcomes import clear_timers, facts, settle
from services.moderation.use_cases.record import check_revision, note
from shared.database import Transaction
from shared.errors import Problem
from shared.events.moderation import DecidedAs, Decision, ProposalWithdrawn
from shared.links import DecisionLink

Verdict = Literal["approve", "refuse"]


@dataclass(frozen=True)
class Answer:
    """What somebody decides, and at which revision of the case."""

    verdict: Verdict
    revision: int
    fields: list[str] | None = None
    """The fields accepted; none means all."""
    motive: str | None = None
    """One of `MOTIVES`, which the reason completes."""
    reason: str | None = None


async def decide(
    tx: Transaction, actor: Actor, case_id: str, answer: Answer, policy: Policy
) -> ReviewCase:
    """A signed-in manager's or moderator's decision; raises what is wrong with it."""
    view = await see(tx, actor, case_id)
    how = view.decides_as()
    if how == "moderator":
        view.check_free(actor)
    return await _settle(tx, view.case, answer, policy, how, actor.ref)


async def decide_by_link(
    tx: Transaction, link: DecisionLink, answer: Answer, policy: Policy
) -> ReviewCase:
    """A manager's decision by the link in their mail."""
    case = await case_by_link(tx, link)
    return await _settle(tx, case, answer, policy, "manager", link.holder)


async def decide_many(
    tx: Transaction, actor: Actor, answers: Sequence[tuple[str, Answer]], policy: Policy
) -> list[ReviewCase | Problem]:
    """Each case decided, or why not; one refusal keeps no other from being decided."""
    outcomes: list[ReviewCase | Problem] = []
    for case_id, answer in answers:
        try:
            outcomes.append(await decide(tx, actor, case_id, answer, policy))
        except Problem as problem:
            outcomes.append(problem)
    return outcomes


async def withdraw_case(tx: Transaction, actor: Actor, case_id: str) -> ReviewCase:
    """Its author takes a proposal back; raises `NotTheAuthor`."""
    case = (await see(tx, actor, case_id)).case
    if actor.id != case.author.account_id:
        raise NotTheAuthor
    return await _withdraw(tx, case, by=actor.ref)


async def withdrawn_elsewhere(tx: Transaction, case_id: str) -> None:
    """Close a case whose author has taken the proposal back where it was made, once."""
    case = await Cases(tx).get(case_id)
    if case and case.state == "open":
        await _withdraw(tx, case, by=f"account:{case.author.account_id}")


async def _withdraw(tx: Transaction, case: ReviewCase, *, by: str) -> ReviewCase:
    after = withdraw(case)
    await Cases(tx).save(after)
    await clear_timers(tx, after)
    tx.publish(ProposalWithdrawn(**facts(after), withdrawn_at=tx.now))
    await note(tx, after, "withdraw", by=by)
    return after


async def _settle(
    tx: Transaction,
    case: ReviewCase,
    answer: Answer,
    policy: Policy,
    how: DecidedAs,
    by: str,
) -> ReviewCase:
    check_can(case, answer.verdict)
    await check_revision(tx, case, answer.revision)
    reason = completed(MOTIVES, answer.motive, answer.reason)
    decision = Decision(how=how, by=by, at=tx.now, reason=reason)
    if answer.verdict == "approve":
        decided = approve(case, decision, answer.fields)
    else:
        decided = refuse(case, decision)
    assert decided.decision  # noqa: S101
    return await settle(tx, decided, decided.decision, policy, by=by)
