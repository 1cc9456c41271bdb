"""The one state machine of every case: what can happen to it, and what it then is.

A case is decided at most once; an appeal against that decision is decided at most once, by
somebody else. Nothing moves a deadline.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from services.moderation.domain.problems import (
    AboutToClose,
    NothingToRevert,
    ReviewAlreadyDecided,
)
from shared.errors import InvalidField, InvalidInput
from shared.events import Author, FieldChange
from shared.events.base import Evidence
from shared.events.directory import ReportReason
from shared.events.moderation import CaseKind, Decision, Held, Mark, Told

State = Literal[
    "open", "approved", "partly_approved", "refused", "withdrawn", "superseded", "failed"
]
Act = Literal["approve", "refuse", "deadline", "withdraw", "supersede", "conflict", "overturn"]

TRANSITIONS: dict[tuple[State, Act], frozenset[State]] = {
    # state, what happens: what the case may become
    ("open", "approve"): frozenset({"approved", "partly_approved"}),
    ("open", "refuse"): frozenset({"refused"}),
    ("open", "deadline"): frozenset({"approved", "partly_approved", "refused"}),
    ("open", "withdraw"): frozenset({"withdrawn"}),
    ("open", "supersede"): frozenset({"superseded"}),
    # the sheet had changed meanwhile: nothing of what was accepted could be applied
    ("approved", "conflict"): frozenset({"failed"}),
    ("partly_approved", "conflict"): frozenset({"failed"}),
    # another moderator grants an appeal
    ("refused", "overturn"): frozenset({"approved", "partly_approved"}),
    ("partly_approved", "overturn"): frozenset({"approved", "partly_approved"}),
    # of what was accepted nothing could be applied, of what was refused perhaps something can
    ("failed", "overturn"): frozenset({"approved", "partly_approved"}),
}

LONGEST_REASON = 2_000

TOGETHER = {"latitude": "longitude", "longitude": "latitude"}
"""Half of a position is another position."""


@dataclass(frozen=True)
class Kind:
    """How cases of a kind are decided."""

    managers: bool
    """By the venue's managers, if there are any."""
    silence: bool
    """By the deadline, if nobody objects; else a person must say yes, however late."""


KINDS: dict[CaseKind, Kind] = {
    "edit": Kind(managers=True, silence=True),
    "news": Kind(managers=True, silence=True),
    "announcement": Kind(managers=False, silence=False),
    "report": Kind(managers=False, silence=False),
    "claim": Kind(managers=True, silence=False),
}

Choice = Literal["support", "object", "abstain"]


class Opinion(BaseModel):
    """What somebody who does not decide thinks of it; `abstain`: seen, I cannot judge."""

    account_id: str
    choice: Choice
    reason: str = ""
    fields: list[str] = []
    """What an objection is about; none means the whole proposal."""
    at: AwareDatetime

    def about(self, fields: Iterable[str]) -> bool:
        """Whether it is about one of these fields at least."""
        return bool(set(self.fields) & set(fields))


class Appeal(BaseModel):
    """A request to look at a refusal again, and the answer."""

    text: str
    lodged_at: AwareDatetime
    decision: Decision | None = None
    granted: bool | None = None
    fields: list[str] = []
    """Those accepted after all."""


class Reversion(BaseModel):
    """An approval that was undone."""

    by: str
    at: AwareDatetime
    reason: str


class ReviewCase(BaseModel):
    """What is under review, what people said of it, and the decision once there is one."""

    id: str
    kind: CaseKind
    venue_id: str | None = None
    about: str = ""
    """What a report is about: `venue:…`, `announcement:…` or `case:…`."""
    report_reason: ReportReason | None = None
    """What sort of thing a report says of its sheet."""
    other_venue: str | None = None
    """The sheet that says the same, of a reported duplicate."""
    title: str
    changes: list[FieldChange] = []
    text: str = ""
    link: str | None = None
    author: Author
    by_new_account: bool = False
    departement: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    """Where the sheet says the venue is; degrees (WGS 84)."""
    public_addresses: int = 0
    evidence: Evidence | None = None
    """What somebody who asks to manage a sheet has shown."""
    asked: list[str] = []
    """The managers who were told when it was opened: `account:…`, `venue:…`."""
    reminders: int = 0
    """How many are scheduled."""
    proposal_revision: int = 1
    opened_at: AwareDatetime
    deadline: AwareDatetime | None = None
    held: list[Held] = []
    """What the rules ask an explicit decision for."""
    opinions: list[Opinion] = []
    escalated_by: list[str] = []
    """Whose objection has brought it to a person."""
    improved_by: str | None = None
    improved_fields: list[str] | None = None
    """What moderators have put right ([]: all of it); silence accepts its author's words only."""
    replaces: str | None = None
    """The proposal that this one corrects."""
    marks: list[Mark] = []
    state: State = "open"
    decision: Decision | None = None
    approved_fields: list[str] = []
    refused_fields: list[str] = []
    superseded_by: str | None = None
    appeal_until: AwareDatetime | None = None
    appeal_closed: bool = False
    appeal: Appeal | None = None
    reverted: Reversion | None = None
    revision: int = 1

    @property
    def fields(self) -> list[str]:
        """The fields that an edit would change."""
        return [change.field for change in self.changes]

    @property
    def objections(self) -> list[Opinion]:
        """Those that stand."""
        return [one for one in self.opinions if one.choice == "object"]

    def opinion_of(self, account_id: str) -> Opinion | None:
        """What somebody said of it."""
        return next((one for one in self.opinions if one.account_id == account_id), None)

    @property
    def contested(self) -> bool:
        """Whether an objection stands."""
        return bool(self.objections)

    def about_to_close(self, at: datetime) -> bool:
        """Whether the deadline is over and its timer has not run yet."""
        return self.state == "open" and self.deadline is not None and at > self.deadline

    def with_addresses(self, old: list[str], new: list[str]) -> "ReviewCase":
        """The case with the values that its events withhold."""
        shown = [
            FieldChange(field=change.field, old=old, new=new) if change.withheld else change
            for change in self.changes
        ]
        return self.model_copy(update={"changes": shown})


def moved(case: ReviewCase, act: Act, to: State, **changes: object) -> ReviewCase:
    """The case in another state, as the table allows; raises `ReviewAlreadyDecided`."""
    check_can(case, act)
    assert to in TRANSITIONS[case.state, act], (case.state, act, to)  # noqa: S101
    return changed(case, state=to, **changes)


def check_can(case: ReviewCase, act: Act) -> None:
    """Raise `ReviewAlreadyDecided` unless this can happen to the case as it is."""
    if (case.state, act) in TRANSITIONS:
        return
    if case.decision is None:
        raise ReviewAlreadyDecided(state=case.state)
    at = case.decision.at.isoformat()
    raise ReviewAlreadyDecided(state=case.state, how=case.decision.how, at=at)


def changed(case: ReviewCase, **changes: object) -> ReviewCase:
    """The case at its next revision."""
    return case.model_copy(update={**changes, "revision": case.revision + 1})


def approve(case: ReviewCase, decision: Decision, fields: list[str] | None = None) -> ReviewCase:
    """All or some of it accepted; a decision counts until the deadline's timer has run."""
    check_can(case, "approve")
    chosen = chosen_among(case.fields, fields)
    refused = [name for name in case.fields if name not in chosen]
    return moved(
        case,
        "approve",
        "partly_approved" if refused else "approved",
        decision=decision.model_copy(update={"marks": case.marks}),
        approved_fields=chosen,
        refused_fields=refused,
    )


def refuse(case: ReviewCase, decision: Decision) -> ReviewCase:
    """The case refused; a reason is due to its author."""
    check_can(case, "refuse")
    if not (decision.reason or "").strip():
        message = "Dites pourquoi vous refusez : la personne qui propose recevra ce motif."
        raise InvalidInput(invalid=[InvalidField("reason", "missing", message)])
    return moved(
        case,
        "refuse",
        "refused",
        decision=decision.model_copy(update={"marks": case.marks}),
        refused_fields=case.fields,
    )


def close_at_deadline(
    case: ReviewCase, deadline: datetime, *, told: list[Told], held: list[Held]
) -> ReviewCase | None:
    """What silence makes of it; None if this timer no longer means anything.

    The deadline comes with the timer, not from a clock: one that fires late counts all the same.
    What is `held` (by a rule or an objection) is left out, the rest is accepted.
    """
    if (case.state, "deadline") not in TRANSITIONS or case.deadline is None:
        return None
    if case.deadline > deadline:
        return None
    whole = any(not one.fields for one in held)
    left_out = [
        name
        for name in case.fields
        if whole or name in _pairs(f for one in held for f in one.fields)
    ]
    decision = Decision(
        how="silence", at=case.deadline, rule="deadline", told=told, held=held, marks=case.marks
    )
    refused = whole or (bool(case.fields) and len(left_out) == len(case.fields))
    return moved(
        case,
        "deadline",
        "refused" if refused else "partly_approved" if left_out else "approved",
        decision=decision,
        approved_fields=[name for name in case.fields if name not in left_out],
        refused_fields=left_out,
    )


def withdraw(case: ReviewCase) -> ReviewCase:
    """Its author no longer wants it."""
    return moved(case, "withdraw", "withdrawn")


def supersede(case: ReviewCase, by: str) -> ReviewCase:
    """Its author has sent a corrected one."""
    return moved(case, "supersede", "superseded", superseded_by=by)


def fail(case: ReviewCase) -> ReviewCase:
    """It was accepted, and nothing of it could be applied."""
    return moved(case, "conflict", "failed")


def revert(case: ReviewCase, reversion: Reversion) -> ReviewCase:
    """What was accepted is undone; raises `NothingToRevert`."""
    if case.state not in ("approved", "partly_approved") or case.reverted:
        raise NothingToRevert
    return changed(case, reverted=reversion)


def improve(case: ReviewCase, proposal_revision: int) -> ReviewCase:
    """The case on a better text; an objection to fields that are gone goes with them."""
    check_can(case, "approve")
    opinions = [one for one in case.opinions if not one.fields or one.about(case.fields)]
    return changed(case, proposal_revision=proposal_revision, opinions=opinions)


def improved_fields(case: ReviewCase, changes: list[FieldChange] | None) -> list[str] | None:
    """What other words change of an edit, on top of earlier ones; [] for the whole of a news.

    None if they only leave something out.
    """
    if changes is None:
        return []
    old = {one.field: one for one in case.changes}
    now = {one.field for one in changes if one.withheld or one != old.get(one.field)}
    earlier = case.improved_fields or []
    return [one.field for one in changes if one.field in {*now, *earlier}] or None


def give_opinion(case: ReviewCase, opinion: Opinion) -> ReviewCase:
    """The case with somebody's opinion, in place of their last one."""
    check_can(case, "approve")
    if case.about_to_close(opinion.at):
        raise AboutToClose
    unknown = [name for name in opinion.fields if name not in case.fields]
    if unknown:
        raise InvalidInput(invalid=[_unknown_fields(unknown)])
    if opinion.choice == "object" and not opinion.reason.strip():
        message = "Dites ce qui ne va pas : c'est ce qui permettra de trancher."
        raise InvalidInput(invalid=[InvalidField("reason", "missing", message)])
    others = [one for one in case.opinions if one.account_id != opinion.account_id]
    return changed(case, opinions=[*others, opinion])


def chosen_among(known: list[str], fields: list[str] | None) -> list[str]:
    """The fields that somebody accepts of those there are (none named: all)."""
    if fields is None:
        return known
    unknown = [name for name in dict.fromkeys(fields) if name not in known]
    if unknown:
        raise InvalidInput(invalid=[_unknown_fields(unknown)])
    if known and not fields:
        message = "Choisissez au moins un champ, ou refusez la proposition."
        raise InvalidInput(invalid=[InvalidField("fields", "too_short", message)])
    chosen = [name for name in known if name in fields]
    if any(name in known and name not in chosen for name in _pairs(chosen)):
        message = "La latitude et la longitude vont ensemble."
        raise InvalidInput(invalid=[InvalidField("fields", "together", message)])
    return chosen


def _pairs(fields: Iterable[str]) -> set[str]:
    """These fields, and those that go with them."""
    found = set(fields)
    return found | {TOGETHER[name] for name in found if name in TOGETHER}


def _unknown_fields(names: list[str]) -> InvalidField:
    message = f"La proposition ne porte pas sur : {', '.join(names)}."
    return InvalidField("fields", "unknown_field", message)
