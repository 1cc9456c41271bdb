"""An author asks another moderator to look again; every refusal says on what it rests."""

from dataclasses import dataclass

from services.moderation.domain import appeals
from services.moderation.domain.appeals import can_appeal, check_answerable
from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.deciders import Actor
from services.moderation.domain.problems import (
    NoAppeal,
    NotADecider,
    NotTheAuthor,
    OutOfScope,
    OwnProposal,
)
from services.moderation.domain.risks import domains_proposed
from services.moderation.store import Cases, RefusedDomains, Scopes
from services.moderation.use_cases.access import is_own, see, take_part
from services.moderation.use_cases.outcomes import announce, clear_timers, facts
from services.moderation.use_cases.record import check_revision, note
from shared.database import Transaction
from shared.events.moderation import AppealDismissed, AppealLodged, Decision, appeal_timer


@dataclass(frozen=True)
class Statement:
    """A statement of reasons: what was decided, by whom, on what ground, and what can be done."""

    case: ReviewCase
    decision: Decision
    """The last word: an appeal's, if there was one."""
    automated: bool
    ground: str
    redress: list[str]


async def lodge(tx: Transaction, actor: Actor, case_id: str, text: str) -> ReviewCase:
    """Ask another moderator; raises `NoAppeal` if there is nothing to ask for, or no longer."""
    case = (await see(tx, actor, case_id)).case
    if actor.id != case.author.account_id:
        raise NotTheAuthor
    after = appeals.lodge(case, text, tx.now)
    await Cases(tx).save(after)
    tx.unschedule(appeal_timer(case.id))
    tx.publish(
        AppealLodged(
            **facts(after),
            text=text,
            lodged_at=tx.now,
        )
    )
    await note(tx, after, "appeal", by=actor.ref)
    return after


async def answer(
    tx: Transaction,
    actor: Actor,
    case_id: str,
    *,
    grant: bool,
    revision: int,
    fields: list[str] | None,
    reason: str,
) -> ReviewCase:
    """Another moderator's last word on a refusal."""
    view = await see(tx, actor, case_id)
    case = view.case
    await check_judge(tx, actor, case)
    view.check_free(actor)
    await check_revision(tx, case, revision)
    decision = Decision(
        how="moderator", by=actor.ref, at=tx.now, reason=reason, marks=case.marks, on_appeal=grant
    )
    if not grant:
        return await _dismiss(tx, case, decision)
    after, chosen = appeals.grant(case, decision, fields)
    await Cases(tx).save(after)
    await clear_timers(tx, after)
    await announce(tx, after, decision, by=actor.ref, fields=chosen)
    # without fields it is all or nothing: what is accepted leaves nothing refused
    still = domains_proposed(after, after.refused_fields) if after.changes else set()
    await RefusedDomains(tx).remove(domains_proposed(case, chosen) - still, case.id)
    return after


async def check_judge(tx: Transaction, actor: Actor, case: ReviewCase) -> None:
    """Raise what keeps somebody from answering a case's appeal."""
    if not actor.moderator:
        raise NotADecider
    if await is_own(tx, actor, case):
        raise OwnProposal
    if not (await Scopes(tx).of(actor.id)).covers(case):
        raise OutOfScope
    check_answerable(case, actor.ref)


async def _dismiss(tx: Transaction, case: ReviewCase, decision: Decision) -> ReviewCase:
    after = appeals.dismiss(case, decision)
    await Cases(tx).save(after)
    await clear_timers(tx, after)
    tx.publish(
        AppealDismissed(
            **facts(after),
            decision=decision,
        )
    )
    await note(tx, after, "dismiss_appeal", by=decision.by or "")
    return after


async def statement(tx: Transaction, actor: Actor, case_id: str) -> Statement:
    """Why a case was decided as it was, for its author and those who decide."""
    case = (await take_part(tx, actor, case_id)).case
    if case.decision is None:
        raise NoAppeal("Rien n'est encore décidé.")
    decision = case.appeal.decision if case.appeal and case.appeal.decision else case.decision
    held = " ".join(one.sentence for one in decision.held)
    return Statement(
        case=case,
        decision=decision,
        automated=decision.how in ("silence", "shortcut"),
        ground=_undone(case) or decision.reason or held or _ground(decision),
        redress=_redress(case),
    )


def _undone(case: ReviewCase) -> str | None:
    return f"Mise en ligne, puis annulée : {case.reverted.reason}" if case.reverted else None


def _ground(decision: Decision) -> str:
    match decision:
        case Decision(how="silence", told=[]):
            return "Le délai est passé sans réponse ; aucun courriel n'a pu être remis avant."
        case Decision(how="silence"):
            return "Personne ne s'y est opposé avant la fin du délai."
        case Decision(how="manager"):
            return "La personne responsable du lieu en a décidé ainsi."
    return "L'équipe de modération en a décidé ainsi."


def _redress(case: ReviewCase) -> list[str]:
    found = ["Vous pouvez écrire dans le fil de discussion du dossier."]
    if case.state == "refused" or case.refused_fields:
        found.append("Vous pouvez corriger votre proposition et la renvoyer, sans tout retaper.")
    if can_appeal(case):
        found.append("Vous pouvez demander qu'une autre personne de l'équipe la réexamine.")
    return found
