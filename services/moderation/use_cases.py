"""Everything that can happen in moderation; called by HTTP and by events alike."""

from datetime import datetime, timedelta
from typing import Any, Literal

from services.moderation.domain import (
    CaseNotFound,
    NotADecider,
    ReviewCase,
    approve,
    close_by_silence,
    refuse,
    role_in,
)
from services.moderation.store import Cases, ProposedAddresses, VenueManagers
from shared.auth import Account
from shared.database import Transaction
from shared.events.moderation import (
    AnnouncementRefused,
    AnnouncementValidated,
    CaseEvent,
    DecidedAs,
    Decision,
    EditApproved,
    EditRefused,
    NewsApproved,
    NewsRefused,
    ReviewDeadlineReached,
    ReviewOpened,
    ReviewReminded,
    ReviewReminderReached,
    deadline_timer,
    reminder_timer,
)
from shared.links import DecisionLink

Verdict = Literal["approve", "refuse"]


async def open_review(
    tx: Transaction,
    case: ReviewCase,
    *,
    period: timedelta | None,
    reminder: timedelta | None,
    by_manager: bool = False,
) -> None:
    """Open a case; a manager's own proposal is accepted at once, others get their timers.

    The week counts from the proposal, whenever its event comes in.
    """
    if await Cases(tx).get(case.id):
        return
    if by_manager:
        decision = Decision(how="manager", by=f"account:{case.author.account_id}", at=tx.now)
        decided = approve(case, decision)
        await Cases(tx).add(decided)
        _publish_decision(tx, decided, decision)
        return
    if period:
        case = case.model_copy(update={"deadline": case.opened_at + period})
    await Cases(tx).add(case)
    waiting = await _waiting(tx, case)
    tx.publish(ReviewOpened(**waiting, opened_at=case.opened_at))
    if case.deadline:
        deadline = ReviewDeadlineReached(case_id=case.id, deadline=case.deadline)
        tx.schedule(deadline, at=case.deadline, timer_id=deadline.timer_id)
        if reminder:
            reminder_at = case.opened_at + reminder
            timer = ReviewReminderReached(case_id=case.id, reminder_at=reminder_at)
            tx.schedule(timer, at=reminder_at, timer_id=timer.timer_id)


async def decide(
    tx: Transaction,
    account: Account,
    case_id: str,
    verdict: Verdict,
    *,
    fields: list[str] | None = None,
    reason: str | None = None,
) -> ReviewCase:
    """A signed-in manager's or moderator's decision; raises what is wrong with it."""
    case = await _get(tx, case_id)
    managers = await VenueManagers(tx).of(case.venue_id)
    how = role_in(case, account.id, managers, moderator=account.may("moderator"))
    return await _settle(tx, case, verdict, how, f"account:{account.id}", fields, reason)


async def decide_by_link(
    tx: Transaction,
    link: DecisionLink,
    verdict: Verdict,
    *,
    fields: list[str] | None = None,
    reason: str | None = None,
) -> ReviewCase:
    """A manager's decision by the link in their mail."""
    case = await get_case_by_link(tx, link)
    return await _settle(tx, case, verdict, "manager", link.holder, fields, reason)


async def get_case_by_link(tx: Transaction, link: DecisionLink) -> ReviewCase:
    """The case of a link, if its holder still has a say in it."""
    case = await _get(tx, link.case_id)
    kind, _, holder = link.holder.partition(":")
    managers = await VenueManagers(tx).of(case.venue_id)
    if not (holder == case.venue_id if kind == "venue" else holder in managers):
        raise NotADecider
    return case


async def get_case(tx: Transaction, account: Account, case_id: str) -> ReviewCase:
    """A case, for its author and those who may decide it; else not found."""
    case = await _get(tx, case_id)
    if account.id == case.author.account_id:
        return case
    managers = await VenueManagers(tx).of(case.venue_id)
    try:
        role_in(case, account.id, managers, moderator=account.may("moderator"))
    except NotADecider:
        raise CaseNotFound from None
    return case


async def list_cases(
    tx: Transaction, account: Account, *, state: Literal["open", "decided"]
) -> list[ReviewCase]:
    """The cases waiting for this account, or decided on its venues; oldest first.

    A moderator sees every open case, a manager those of their venues.
    """
    if account.may("moderator") and state == "open":
        return await Cases(tx).open()
    venues = await VenueManagers(tx).venues_of(account.id)
    cases = await Cases(tx).of_venues(venues) if venues else []
    return [case for case in cases if (case.state == "open") == (state == "open")]


async def with_addresses(tx: Transaction, *cases: ReviewCase) -> list[ReviewCase]:
    """Cases with the addresses that their events withhold, where they are known."""
    withholding = [case.id for case in cases if any(change.withheld for change in case.changes)]
    known = await ProposedAddresses(tx).of(withholding) if withholding else {}
    return [case.with_addresses(*known[case.id]) if case.id in known else case for case in cases]


async def remind(tx: Transaction, case_id: str) -> None:
    """Tell those who can decide that the deadline comes near, if it is still open."""
    case = await _get(tx, case_id)
    late = case.deadline is not None and tx.now > case.deadline
    if case.state == "open" and not late:
        waiting = await _waiting(tx, case)
        tx.publish(ReviewReminded(**waiting, reminded_at=tx.now))


async def deadline_reached(tx: Transaction, case_id: str, deadline: datetime) -> None:
    """Accept by silence what nobody has answered."""
    case = await _get(tx, case_id)
    decided = close_by_silence(case, deadline)
    if decided and decided.decision:
        await Cases(tx).save(decided)
        _publish_decision(tx, decided, decided.decision)


async def _get(tx: Transaction, case_id: str) -> ReviewCase:
    case = await Cases(tx).get(case_id)
    if case is None:
        raise CaseNotFound(case_id=case_id)
    return case


async def _settle(
    tx: Transaction,
    case: ReviewCase,
    verdict: Verdict,
    how: DecidedAs,
    by: str,
    fields: list[str] | None,
    reason: str | None,
) -> ReviewCase:
    decision = Decision(how=how, by=by, at=tx.now, reason=reason or None)
    decided = approve(case, decision, fields) if verdict == "approve" else refuse(case, decision)
    await Cases(tx).save(decided)
    tx.unschedule(deadline_timer(case.id))
    tx.unschedule(reminder_timer(case.id))
    _publish_decision(tx, decided, decision)
    return decided


async def _waiting(tx: Transaction, case: ReviewCase) -> dict[str, Any]:
    return {
        "case_id": case.id,
        "revision": case.revision,
        "kind": case.kind,
        "venue_id": case.venue_id,
        "title": case.title,
        "changes": case.changes,
        "text": case.text,
        "link": case.link,
        "author": case.author,
        "managers": await VenueManagers(tx).of(case.venue_id),
        "public_addresses": case.public_addresses,
        "deadline": case.deadline,
    }


def _publish_decision(tx: Transaction, case: ReviewCase, decision: Decision) -> None:
    tx.publish(_decision_event(case, decision))


def _decision_event(case: ReviewCase, decision: Decision) -> CaseEvent:
    common: dict[str, Any] = {
        "case_id": case.id,
        "revision": case.revision,
        "author": case.author,
        "title": case.title,
        "decision": decision,
    }
    approved = case.state != "refused"
    if case.kind == "announcement":
        return AnnouncementValidated(**common) if approved else AnnouncementRefused(**common)
    common["venue_id"] = case.venue_id
    if case.kind == "news":
        return NewsApproved(**common) if approved else NewsRefused(**common)
    if not approved:
        return EditRefused(**common)
    return EditApproved(**common, fields=case.approved_fields, refused_fields=case.refused_fields)
