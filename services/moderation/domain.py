"""The rules of review: who may decide a case, until when, and what silence means."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared.errors import InvalidField, InvalidInput, NotAllowed, Problem
from shared.events import Author, FieldChange
from shared.events.moderation import CaseKind, DecidedAs, Decision

State = Literal["open", "approved", "partly_approved", "refused"]

LONGEST_REASON = 2_000


class CaseNotFound(Problem):
    """No case has this id, or it is not for this person to see."""

    type = "case-not-found"
    status = 404
    title = "Ce dossier n'existe pas."


class ReviewAlreadyDecided(Problem):
    """Somebody, or silence, has decided before."""

    type = "already-decided"
    status = 409
    title = "Une décision a déjà été prise sur cette proposition."


class DeadlinePassed(Problem):
    """The time to decide is over; silence approves."""

    type = "deadline-passed"
    status = 409
    title = "Le délai est passé : sans réponse à temps, la proposition est acceptée."


class NotADecider(NotAllowed):
    """This person has no say in this case."""

    type = "not-a-decider"
    title = "Vous ne pouvez pas décider de cette proposition."


class ReviewCase(BaseModel):
    """A proposal under review, and the decision once there is one."""

    id: str
    kind: CaseKind
    venue_id: str | None = None
    title: str
    changes: list[FieldChange] = []
    text: str = ""
    link: str | None = None
    author: Author
    public_addresses: int = 0
    opened_at: AwareDatetime
    deadline: AwareDatetime | None = None
    state: State = "open"
    decision: Decision | None = None
    approved_fields: list[str] = []
    refused_fields: list[str] = []
    revision: int = 1

    @property
    def fields(self) -> list[str]:
        """The fields that an edit would change."""
        return [change.field for change in self.changes]

    def with_addresses(self, old: list[str], new: list[str]) -> "ReviewCase":
        """The case with the values that its events withhold."""
        shown = [
            FieldChange(field=change.field, old=old, new=new) if change.withheld else change
            for change in self.changes
        ]
        return self.model_copy(update={"changes": shown})


def role_in(
    case: ReviewCase, account_id: str, managers: Iterable[str], *, moderator: bool
) -> DecidedAs:
    """As what an account may decide this case; raises `NotADecider`.

    A manager's word binds, on their own proposal too; a moderator never decides their own.
    """
    if case.kind != "announcement" and account_id in managers:
        return "manager"
    if moderator and account_id != case.author.account_id:
        return "moderator"
    raise NotADecider


def approve(case: ReviewCase, decision: Decision, fields: list[str] | None = None) -> ReviewCase:
    """The case with all or some of its fields accepted."""
    _still_open(case, decision)
    chosen = case.fields if fields is None else list(dict.fromkeys(fields))
    unknown = [name for name in chosen if name not in case.fields]
    if unknown or (case.fields and not chosen):
        rule = "unknown_field" if unknown else "too_short"
        message = (
            f"La proposition ne porte pas sur : {', '.join(unknown)}."
            if unknown
            else "Choisissez au moins un champ, ou refusez la proposition."
        )
        raise InvalidInput(invalid=[InvalidField("fields", rule, message)])
    refused = [name for name in case.fields if name not in chosen]
    return _decided(
        case,
        decision,
        "partly_approved" if refused else "approved",
        [name for name in case.fields if name in chosen],
        refused,
    )


def refuse(case: ReviewCase, decision: Decision) -> ReviewCase:
    """The case refused; a reason is due to its author."""
    _still_open(case, decision)
    if not (decision.reason or "").strip():
        message = "Dites pourquoi vous refusez : la personne qui propose recevra ce motif."
        raise InvalidInput(invalid=[InvalidField("reason", "missing", message)])
    return _decided(case, decision, "refused", [], case.fields)


def close_by_silence(case: ReviewCase, deadline: datetime) -> ReviewCase | None:
    """The case accepted because nobody objected; None if this timer no longer means anything.

    The deadline comes with the timer, not from a clock: one that fires late counts all the same.
    """
    if case.state != "open" or case.deadline is None or case.deadline > deadline:
        return None
    decision = Decision(how="silence", at=case.deadline)
    return _decided(case, decision, "approved", case.fields, [])


def _still_open(case: ReviewCase, decision: Decision) -> None:
    if case.decision:
        raise ReviewAlreadyDecided(
            how=case.decision.how, at=case.decision.at.isoformat(), state=case.state
        )
    # a decision at the very instant of the deadline counts
    if case.deadline and decision.at > case.deadline:
        raise DeadlinePassed(deadline=case.deadline.isoformat())


def _decided(
    case: ReviewCase, decision: Decision, state: State, approved: list[str], refused: list[str]
) -> ReviewCase:
    return case.model_copy(
        update={
            "state": state,
            "decision": decision,
            "approved_fields": approved,
            "refused_fields": refused,
            "revision": case.revision + 1,
        }
    )
