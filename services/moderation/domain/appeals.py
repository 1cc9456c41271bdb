"""A refusal looked at again: asked for once, answered once, by somebody else."""

from collections.abc import Sequence
from datetime import datetime

from services.moderation.domain.cases import (
    Appeal,
    ReviewCase,
    changed,
    check_can,
    chosen_among,
    moved,
)
from services.moderation.domain.problems import AnotherModerator, NoAppeal
from shared.events.moderation import Decision


def can_appeal(case: ReviewCase) -> bool:
    """Whether its author may still ask; the window is over once its timer has run."""
    return (
        case.appeal_until is not None
        and case.appeal is None
        and case.reverted is None
        and not case.appeal_closed
    )


def lodge(case: ReviewCase, text: str, at: datetime) -> ReviewCase:
    """The case with its author's request; raises `NoAppeal`."""
    if not can_appeal(case):
        raise NoAppeal
    return changed(case, appeal=Appeal(text=text, lodged_at=at))


def check_answerable(case: ReviewCase, by: str | None) -> Appeal:
    """The appeal that somebody may answer; raises `NoAppeal` or `AnotherModerator`."""
    # what was undone since is closed for good: its author can send it again
    if case.appeal is None or case.appeal.decision or case.decision is None or case.reverted:
        raise NoAppeal
    if case.decision.by == by:
        raise AnotherModerator
    return case.appeal


def dismiss(case: ReviewCase, decision: Decision) -> ReviewCase:
    """The refusal stands."""
    appeal = check_answerable(case, decision.by)
    return changed(case, appeal=_answered(appeal, decision, granted=False))


def grant(
    case: ReviewCase, decision: Decision, fields: list[str] | None = None
) -> tuple[ReviewCase, list[str]]:
    """The refused fields, or some of them, accepted after all; the case, and those fields."""
    appeal = check_answerable(case, decision.by)
    check_can(case, "overturn")
    chosen = chosen_among(case.refused_fields, fields)
    left = [name for name in case.refused_fields if name not in chosen]
    after = moved(
        case,
        "overturn",
        "partly_approved" if left else "approved",
        approved_fields=[name for name in case.fields if name not in left],
        refused_fields=left,
        appeal=_answered(appeal, decision, granted=True, fields=chosen),
    )
    return after, chosen


def close(case: ReviewCase) -> ReviewCase | None:
    """The decision stands for good; None if there is nothing to close."""
    if not can_appeal(case):
        return None
    return changed(case, appeal_closed=True)


def _answered(
    appeal: Appeal, decision: Decision, *, granted: bool, fields: Sequence[str] = ()
) -> Appeal:
    answer = {"decision": decision, "granted": granted, "fields": list(fields)}
    return appeal.model_copy(update=answer)
