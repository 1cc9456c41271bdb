"""People who do not decide say what they think."""

from services.moderation.domain.cases import Choice, Opinion, ReviewCase, give_opinion
from services.moderation.domain.contributors import (
    ACCEPTED_TO_BE_KNOWN,
    NEW_FOR,
    Contributor,
)
from services.moderation.domain.deciders import Actor, reachable
from services.moderation.domain.problems import AccountTooNew, CaseNotFound, OwnProposal
from services.moderation.store import Cases, VenueManagers
from services.moderation.use_cases.access import OPEN_TO_ALL, is_own, see
from services.moderation.use_cases.outcomes import waiting
from services.moderation.use_cases.people import known
from services.moderation.use_cases.record import OBJECTION_DROPPED, note
from shared.database import Transaction
from shared.events.moderation import ReviewEscalated


async def opine(
    tx: Transaction, actor: Actor, case_id: str, choice: Choice, *, reason: str, fields: list[str]
) -> ReviewCase:
    """Support, object to or pass by a proposal; an objection brings it to a person at once."""
    case = (await see(tx, actor, case_id)).case
    if case.kind not in OPEN_TO_ALL:
        raise CaseNotFound(case_id=case_id)
    if await is_own(tx, actor, case):
        raise OwnProposal
    if not actor.moderator and choice != "abstain":
        _check_known(await known(tx, actor), tx)
    opinion = Opinion(account_id=actor.id, choice=choice, reason=reason, fields=fields, at=tx.now)
    before = case.opinion_of(actor.id)
    if before and before.model_copy(update={"at": tx.now}) == opinion:
        return case
    after = give_opinion(case, opinion)
    # once for each: a change of mind writes to nobody again
    first = choice == "object" and actor.id not in case.escalated_by
    if first:
        after = after.model_copy(update={"escalated_by": [*case.escalated_by, actor.id]})
    await Cases(tx).save(after)
    dropped = before is not None and before.choice == "object" and choice != "object"
    await note(tx, after, choice, by=actor.ref, rule=OBJECTION_DROPPED if dropped else None)
    if first:
        await _escalate(tx, after, reason)
    return after


def _check_known(contributor: Contributor, tx: Transaction) -> None:
    if contributor.is_new(tx.now):
        raise AccountTooNew(
            f"Il faut {NEW_FOR.days} jours d'ancienneté ou {ACCEPTED_TO_BE_KNOWN} propositions "
            "acceptées. Vous pouvez déjà proposer.",
            since=contributor.since.isoformat() if contributor.since else None,
            accepted=contributor.accepted,
        )


async def _escalate(tx: Transaction, case: ReviewCase, objection: str) -> None:
    managers = await VenueManagers(tx).of(case.venue_id)
    # the objection travels beside them, in its own words
    asked = await waiting(tx, case, case.held, for_moderators=not reachable(case, managers))
    tx.publish(ReviewEscalated(**asked, why="contested", objection=objection, escalated_at=tx.now))
