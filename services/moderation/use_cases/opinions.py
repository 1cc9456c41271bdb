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
from services.moderation.use_cases.record import note
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
    after = give_opinion(case, opinion)
    # once: a change of mind, or one objection more, writes to nobody again
    first = after.contested and not case.escalated
    if first:
        after = after.model_copy(update={"escalated": True})
    await Cases(tx).save(after)
    await note(tx, after, choice, by=actor.ref)
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
