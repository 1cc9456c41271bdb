"""A case is opened, put right, or taken over by a corrected one."""

from typing import Any

from services.moderation.domain.cases import (
    KINDS,
    ReviewCase,
    approve,
    improved_fields,
    supersede,
)
from services.moderation.domain.cases import improve as on_a_better_text
from services.moderation.domain.deciders import Actor, in_charge, moderators_decide
from services.moderation.domain.policy import Policy
from services.moderation.domain.risks import domains_linked, held, sent_again
from services.moderation.domain.shortcuts import SENTENCES, shortcut
from services.moderation.store import Cases, Contributors, RefusedDomains, VenueManagers
from services.moderation.use_cases.access import views
from services.moderation.use_cases.outcomes import announce, clear_timers, facts, waiting
from services.moderation.use_cases.record import note
from shared.database import Transaction
from shared.events import FieldChange
from shared.events.moderation import (
    Decision,
    ProposalSuperseded,
    ReviewDeadlineReached,
    ReviewOpened,
    ReviewReminderReached,
)


async def open_review(
    tx: Transaction,
    case: ReviewCase,
    policy: Policy,
    *,
    by_manager: bool = False,
    replaces: str | None = None,
) -> None:
    """Open a case and set its timers, or decide it at once if a rule says so.

    The week counts from the proposal, whenever its event comes in.
    """
    if await Cases(tx).get(case.id):
        return
    author = await Contributors(tx).get(case.author.account_id)
    new = author.is_new(tx.now)
    case = case.model_copy(update={"by_new_account": new, "replaces": replaces})
    if replaces:
        await _supersede(tx, replaces, by=case)
    decision = None
    if by_manager:
        ref = f"account:{case.author.account_id}"
        decision = Decision(how="manager", by=ref, at=tx.now)
    else:
        case = await weighed(tx, case)
        if rule := shortcut(case, trusted=author.trusted):
            reason = SENTENCES[rule]
            decision = Decision(how="shortcut", at=tx.now, rule=rule, reason=reason)
    if decision:
        await _decide_at_once(tx, case, decision)
    else:
        await _wait(tx, case, policy)


async def improve(
    tx: Transaction,
    case_id: str,
    proposal_revision: int,
    *,
    by: str,
    changes: list[FieldChange] | None = None,
    title: str | None = None,
    text: str | None = None,
    link: str | None = None,
    departement: str | None = None,
) -> None:
    """Take over a better text of an open proposal, from somebody who may decide it.

    An older text changes nothing; anybody else's is left aside, and never applied.
    """
    case = await Cases(tx).get(case_id)
    if case is None or case.state != "open" or case.proposal_revision >= proposal_revision:
        return
    better: dict[str, Any] = {"improved_by": by}
    better |= {"changes": changes} if changes is not None else {"text": text, "link": link}
    better |= {"title": title} if title else {}
    better |= {"departement": departement} if departement else {}
    improver = Actor(id=by.removeprefix("account:"), moderator=True)
    [view] = await views(tx, improver, [case])
    if not view.may_decide:
        await note(tx, case, "leave_aside", by=by)
        return
    if view.decides == "moderator":
        better["improved_fields"] = improved_fields(case, changes)
    after = on_a_better_text(await weighed(tx, case.model_copy(update=better)), proposal_revision)
    await Cases(tx).save(after)
    await note(tx, after, "improve", by=by)


async def _supersede(tx: Transaction, case_id: str, *, by: ReviewCase) -> None:
    case = await Cases(tx).get(case_id)
    if case is None or case.state != "open" or case.author.account_id != by.author.account_id:
        return
    after = supersede(case, by.id)
    await Cases(tx).save(after)
    await clear_timers(tx, after)
    tx.publish(
        ProposalSuperseded(
            **facts(after),
            by=by.id,
            superseded_at=tx.now,
        )
    )
    await note(tx, after, "supersede", by=f"account:{after.author.account_id}")


async def weighed(tx: Transaction, case: ReviewCase) -> ReviewCase:
    """The case with what the rules hold of it."""
    refused = await RefusedDomains(tx).known(domains_linked(case))
    found = held(case, refused)
    if case.venue_id and KINDS[case.kind].silence:
        ids = await VenueManagers(tx).ids_of(case.venue_id)
        before = [one for id_ in ids for one in await Cases(tx).find({"venue_id": id_})]
        again = sent_again(case, [one for one in before if one.id != case.id])
        found += [again] if again else []
    return case.model_copy(update={"held": found})


async def _decide_at_once(tx: Transaction, case: ReviewCase, decision: Decision) -> None:
    decided = approve(case, decision)
    await Cases(tx).add(decided)
    await note(tx, case, "open", by=f"account:{case.author.account_id}")
    by = decision.by or f"rule:{decision.rule}"
    await announce(tx, decided, decision, by=by)


async def _wait(tx: Transaction, case: ReviewCase, policy: Policy) -> None:
    managers = await VenueManagers(tx).of(case.venue_id)
    silence = KINDS[case.kind].silence
    case = case.model_copy(
        update={
            "asked": in_charge(case, managers),
            "deadline": case.opened_at + policy.period if silence else None,
            "reminders": len(policy.reminders) if silence else 0,
        }
    )
    await Cases(tx).add(case)
    await note(
        tx,
        case,
        "open",
        by=f"account:{case.author.account_id}",
        rules=[one.rule for one in case.held],
    )
    asked = await waiting(tx, case, case.held, for_moderators=moderators_decide(case, managers))
    tx.publish(ReviewOpened(**asked, opened_at=case.opened_at))
    if case.deadline is None:
        return
    deadline = ReviewDeadlineReached(case_id=case.id, deadline=case.deadline)
    tx.schedule(deadline, at=case.deadline, timer_id=deadline.timer_id)
    for number, after in enumerate(policy.reminders, 1):
        at = case.opened_at + after
        timer = ReviewReminderReached(case_id=case.id, reminder_at=at, number=number)
        tx.schedule(timer, at=at, timer_id=timer.timer_id)
