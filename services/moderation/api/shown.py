"""What the API says of a case, and who asks."""

import unicodedata
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.moderation.domain.cases import LONGEST_REASON, Choice, Opinion, ReviewCase, State
from services.moderation.domain.contributors import Fingerprints
from services.moderation.domain.deciders import Actor
from services.moderation.domain.motives import MOTIVES
from services.moderation.domain.policy import Policy
from services.moderation.use_cases.access import Role, View, views, with_addresses
from shared.auth import Account, SignedIn
from shared.database import Transaction
from shared.errors import RULES, InvalidField, InvalidInput, NotAllowed
from shared.events import Author, FieldChange
from shared.events.base import Evidence
from shared.events.directory import ReportReason
from shared.events.moderation import CaseKind, Decision, Held, Mark


def _seen(text: object) -> object:
    """What people wrote, without the signs that nobody can see."""
    if not isinstance(text, str):
        return text
    return "".join(
        sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf")
    )


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON),
    BeforeValidator(_seen),
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON),
    BeforeValidator(_seen),
]
Fields = Annotated[list[str], Field(min_length=1, max_length=32)]


class Body(BaseModel):
    """What somebody sends: nothing but what is named."""

    model_config = ConfigDict(extra="forbid")


def actor_of(account: Account, fingerprints: Fingerprints) -> Actor:
    """An account as moderation's rules know it."""
    return Actor(
        id=account.id,
        name=account.author.name,
        moderator=account.may("moderator"),
        since=account.created_at,
        fingerprints=fingerprints.all(account.email),
    )


async def _actor(request: Request, account: SignedIn) -> Actor:
    return actor_of(account, request.app.state.fingerprints)


SignedActor = Annotated[Actor, Depends(_actor)]
"""A route's parameter: who asks, or a 401."""


async def _moderator(actor: SignedActor) -> Actor:
    if not actor.moderator:
        raise NotAllowed
    return actor


ModeratorActor = Annotated[Actor, Depends(_moderator)]
"""A route's parameter: a moderator, or a 401 or 403."""


async def _policy(request: Request) -> Policy:
    policy: Policy = request.app.state.policy
    return policy


Rules = Annotated[Policy, Depends(_policy)]
"""A route's parameter: how long things take."""


def check_slug(slug: str | None, table: dict[str, str], field: str) -> None:
    """Raise `InvalidInput` unless a sentence of this name is there."""
    if slug is not None and slug not in table:
        raise InvalidInput(invalid=[InvalidField(field, "literal_error", RULES["literal_error"])])


def check_motive(slug: str | None) -> None:
    """Raise `InvalidInput` unless there is such a motive."""
    check_slug(slug, MOTIVES, "motive")


class OpinionOut(BaseModel):
    """An opinion; who gave it is for moderators."""

    choice: Choice
    reason: str
    fields: list[str]
    at: datetime
    account_id: str | None


class AppealOut(BaseModel):
    """A request to look at a refusal again, and its answer."""

    text: str
    lodged_at: datetime
    granted: bool | None
    decision: Decision | None


class RevertedOut(BaseModel):
    """When and why an approval was undone."""

    at: datetime
    reason: str


class AssignmentOut(BaseModel):
    """The moderator who works on it."""

    holder: str
    expires_at: datetime


class CaseOut(BaseModel):
    """A case as one person sees it."""

    id: str
    kind: CaseKind
    venue_id: str | None
    about: str
    report_reason: ReportReason | None
    other_venue: str | None
    title: str
    changes: list[FieldChange]
    text: str
    link: str | None
    author: Author
    by_new_account: bool
    departement: str | None
    replaces: str | None
    proposal_revision: int
    improved_by: str | None
    opened_at: datetime
    deadline: datetime | None
    evidence: Evidence | None
    """What somebody who asks to manage a sheet has shown: charter, proof."""
    about_to_close: bool
    """The deadline is over and the timer about to run: a decision still counts."""
    held: list[Held]
    contested: bool
    opinions: dict[Choice, int]
    your_opinion: Choice | None
    said: list[OpinionOut]
    marks: list[Mark]
    state: State
    decision: Decision | None
    approved_fields: list[str]
    refused_fields: list[str]
    superseded_by: str | None
    appeal_until: datetime | None
    appeal: AppealOut | None
    reverted: RevertedOut | None
    your_role: Role
    you_may_decide: bool
    assignment: AssignmentOut | None
    revision: int


async def shown(tx: Transaction, actor: Actor, *seen: View) -> list[CaseOut]:
    """Views as the API says them; addresses only to those who take part."""
    inside = await with_addresses(tx, *(one.case for one in seen if one.inside))
    revealed = {one.id: one for one in inside}
    return [_out(tx, actor, view, revealed.get(view.case.id, view.case)) for view in seen]


async def shown_case(tx: Transaction, actor: Actor, case: ReviewCase) -> CaseOut:
    """One case after something was done to it."""
    [out] = await shown(tx, actor, *await views(tx, actor, [case]))
    return out


def _out(tx: Transaction, actor: Actor, view: View, case: ReviewCase) -> CaseOut:
    choices: tuple[Choice, ...] = ("support", "object", "abstain")
    mine = [one.choice for one in case.opinions if one.account_id == actor.id]
    return CaseOut(
        **_unnamed(case, view).model_dump(
            exclude={
                "opinions",
                "appeal",
                "appeal_closed",
                "reverted",
                "asked",
                "reminders",
                "escalated_by",
            }
        ),
        about_to_close=case.about_to_close(tx.now),
        contested=case.contested,
        opinions={one: sum(two.choice == one for two in case.opinions) for one in choices},
        your_opinion=mine[0] if mine else None,
        said=[_said(one, view) for one in case.opinions] if view.inside else [],
        appeal=AppealOut(**case.appeal.model_dump()) if case.appeal and view.inside else None,
        reverted=RevertedOut(**case.reverted.model_dump()) if case.reverted else None,
        your_role=view.role,
        you_may_decide=view.may_decide,
        assignment=_assignment(view),
    )


def _unnamed(case: ReviewCase, view: View) -> ReviewCase:
    """The case without the accounts behind its decision, which are for the team."""
    if case.decision is None or view.moderates:
        return case
    told = [one.model_copy(update={"who": role_of(one.who)}) for one in case.decision.told]
    by = case.decision.by and role_of(case.decision.by)
    decision = case.decision.model_copy(update={"told": told, "by": by})
    return case.model_copy(update={"decision": decision})


def role_of(who: str) -> str:
    """`account`, of an account; the public address of a venue and the rest as they are."""
    return "account" if who.startswith("account:") else who


def _said(opinion: Opinion, view: View) -> OpinionOut:
    who = opinion.account_id if view.moderates else None
    return OpinionOut(**opinion.model_dump(exclude={"account_id"}), account_id=who)


def _assignment(view: View) -> AssignmentOut | None:
    if view.assignment is None or not view.moderates:
        return None
    return AssignmentOut(holder=view.assignment.holder, expires_at=view.assignment.expires_at)


Sort = Literal["open", "decided"]
