"""What follows from a decision, whoever or whatever took it."""

from typing import Any

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.contributors import same_person
from services.moderation.domain.policy import Policy
from services.moderation.domain.risks import domains_proposed
from services.moderation.store import (
    Assignments,
    Cases,
    Contributors,
    RefusedDomains,
    VenueManagers,
)
from services.moderation.use_cases.record import note
from shared.database import Transaction
from shared.events.moderation import (
    AnnouncementRefused,
    AnnouncementValidated,
    AppealWindowEnded,
    CaseDecided,
    CaseKind,
    ClaimApproved,
    ClaimRefused,
    Decision,
    EditApproved,
    EditRefused,
    Held,
    NewsApproved,
    NewsRefused,
    ReportDismissed,
    ReportUpheld,
    assignment_timer,
    deadline_timer,
    reminder_timer,
)

PROPOSALS = frozenset({"edit", "news", "announcement"})
"""Kinds that count for what an account has earned."""

EVENTS: dict[CaseKind, tuple[type[CaseDecided], type[CaseDecided]]] = {
    "edit": (EditApproved, EditRefused),
    "news": (NewsApproved, NewsRefused),
    "announcement": (AnnouncementValidated, AnnouncementRefused),
    "report": (ReportUpheld, ReportDismissed),
    "claim": (ClaimApproved, ClaimRefused),
}
"""What is published when a case of a kind is accepted, and when it is refused."""


async def settle(
    tx: Transaction, case: ReviewCase, decision: Decision, policy: Policy, *, by: str
) -> ReviewCase:
    """Keep a decided case, tell the world, and stop its timers; returns it."""
    if decision.how == "moderator" and _refused_some(case):
        case = case.model_copy(update={"appeal_until": decision.at + policy.appeal_window})
    await Cases(tx).save(case)
    await clear_timers(tx, case)
    await announce(tx, case, decision, by=by)
    if case.appeal_until:
        timer = AppealWindowEnded(case_id=case.id, ends_at=case.appeal_until)
        tx.schedule(timer, at=case.appeal_until, timer_id=timer.timer_id)
    return case


async def announce(
    tx: Transaction,
    case: ReviewCase,
    decision: Decision,
    *,
    by: str,
    fields: list[str] | None = None,
) -> None:
    """Publish a decision (on some fields only, after an appeal), log it, and let it count."""
    tx.publish(_event(case, decision, case.approved_fields if fields is None else fields))
    await note(
        tx,
        case,
        "decide",
        by=by,
        rule=decision.rule,
        how=decision.how,
        outcome=case.state,
        seconds=(decision.at - case.opened_at).total_seconds(),
        held=[one.rule for one in decision.held],
        marks=list(decision.marks),
        on_appeal=decision.on_appeal,
    )
    await _count(tx, case, decision, fields)
    answered = decision.how in ("manager", "moderator")
    # what a report complains of is no proposal
    if case.kind in PROPOSALS and answered and _refused_some(case):
        hosts = domains_proposed(case, case.refused_fields)
        await RefusedDomains(tx).add(hosts, case.id)


async def clear_timers(tx: Transaction, case: ReviewCase) -> None:
    """Nothing waits for this case any more."""
    tx.unschedule(deadline_timer(case.id))
    for number in range(1, case.reminders + 1):
        tx.unschedule(reminder_timer(case.id, number))
    tx.unschedule(assignment_timer(case.id))
    await Assignments(tx).remove(case.id)


def facts(case: ReviewCase) -> dict[str, Any]:
    """What every event says of its case."""
    return {
        "case_id": case.id,
        "revision": case.revision,
        "kind": case.kind,
        "venue_id": case.venue_id,
        "title": case.title,
        "author": case.author,
    }


async def waiting(
    tx: Transaction, case: ReviewCase, held: list[Held], *, for_moderators: bool
) -> dict[str, Any]:
    """What people need to know to decide a case; `held`: what silence will not accept."""
    return {
        **facts(case),
        "changes": case.changes,
        "text": case.text,
        "link": case.link,
        "managers": await VenueManagers(tx).of(case.venue_id),
        "public_addresses": case.public_addresses,
        "for_moderators": for_moderators,
        "held": held,
        "deadline": case.deadline,
        "evidence": case.evidence,
    }


async def _count(
    tx: Transaction, case: ReviewCase, decision: Decision, on_appeal: list[str] | None
) -> None:
    """Earned or lost by what others said: not by one's own word, a shortcut or a lack of answer."""
    unanswered = decision.how == "silence" and case.state == "refused"
    if case.kind not in PROPOSALS or unanswered or decision.how == "shortcut":
        return
    decider = (decision.by or "").removeprefix("account:")
    people = await Contributors(tx).of([case.author.account_id, decider])
    author, fingerprint = people[case.author.account_id], people[decider].fingerprint
    if same_person(author, decider, frozenset({fingerprint} if fingerprint else ())):
        return
    if not decision.on_appeal:
        accepted, by_silence = case.state != "refused", decision.how == "silence"
        await Contributors(tx).put(author.after(accepted=accepted, by_silence=by_silence))
    elif on_appeal == case.approved_fields:
        # the refusal of all of it has counted, and no longer does
        await Contributors(tx).put(author.cleared())


def _refused_some(case: ReviewCase) -> bool:
    return case.state == "refused" or bool(case.refused_fields)


def _event(case: ReviewCase, decision: Decision, fields: list[str]) -> CaseDecided:
    approved, refused = EVENTS[case.kind]
    event = refused if case.state == "refused" else approved
    # each event takes of these what it knows
    known: dict[str, Any] = {
        **facts(case),
        "about": case.about,
        "fields": fields,
        "refused_fields": case.refused_fields,
        "proposal_revision": case.proposal_revision,
        "decision": decision,
        "appeal_until": case.appeal_until,
    }
    return event(**known)
