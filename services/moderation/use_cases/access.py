"""Who may see a case, and as what they may decide it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.moderation.domain.cases import KINDS, ReviewCase
from services.moderation.domain.contributors import Contributor, same_person
from services.moderation.domain.deciders import Actor, Scope, role_in
from services.moderation.domain.problems import CaseNotFound, NotADecider, TakenByAnother
from services.moderation.store import (
    Assignment,
    Assignments,
    Cases,
    Contributors,
    ProposedAddresses,
    Scopes,
    VenueManagers,
)
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.moderation import DecidedAs
from shared.links import DecisionLink

Role = Literal["author", "manager", "moderator", "reader"]
OPEN_TO_ALL = frozenset({"edit", "news"})
"""Kinds that everybody with an account may see and give an opinion on."""


@dataclass(frozen=True)
class View:
    """A case as somebody sees it."""

    case: ReviewCase
    role: Role
    decides: DecidedAs | NotAllowed
    """As what they decide it, or why they do not."""
    assignment: Assignment | None

    @property
    def may_decide(self) -> bool:
        """Whether they may decide it as it is now."""
        return self.case.state == "open" and not isinstance(self.decides, NotAllowed)

    def decides_as(self) -> DecidedAs:
        """As what they may decide it; raises `NotAllowed`."""
        if isinstance(self.decides, NotAllowed):
            raise self.decides
        return self.decides

    def check_free(self, actor: Actor) -> None:
        """Raise `TakenByAnother` while another moderator works on it."""
        if self.assignment and self.assignment.holder != actor.id:
            raise TakenByAnother(until=self.assignment.expires_at.isoformat())

    @property
    def moderates(self) -> bool:
        """Whether they look at it for the team, not as one of those concerned."""
        return self.role == "moderator"

    @property
    def inside(self) -> bool:
        """Whether they take part in it: what is withheld or written there is theirs to see."""
        return self.role != "reader"


async def get_case(tx: Transaction, case_id: str) -> ReviewCase:
    """A case; raises `CaseNotFound`."""
    case = await Cases(tx).get(case_id)
    if case is None:
        raise CaseNotFound(case_id=case_id)
    return case


async def see(tx: Transaction, actor: Actor, case_id: str) -> View:
    """A case for somebody; not found if it is not theirs to see."""
    [view] = await views(tx, actor, [await get_case(tx, case_id)])
    if view.role == "reader" and view.case.kind not in OPEN_TO_ALL:
        raise CaseNotFound(case_id=case_id)
    return view


async def take_part(tx: Transaction, actor: Actor, case_id: str) -> View:
    """A case for its author, its managers and moderators; else not found."""
    view = await see(tx, actor, case_id)
    if not view.inside:
        raise CaseNotFound(case_id=case_id)
    return view


async def views(tx: Transaction, actor: Actor, cases: Sequence[ReviewCase]) -> list[View]:
    """Cases as somebody sees them."""
    managers = await VenueManagers(tx).of_each({one.venue_id for one in cases if one.venue_id})
    people = await Contributors(tx).of([actor.id, *(one.author.account_id for one in cases)])
    assignments = await Assignments(tx).of(one.id for one in cases)
    scope = await Scopes(tx).of(actor.id)
    return [
        _view(
            case,
            actor,
            managers=managers.get(case.venue_id or "", []),
            own=_own(actor, people[actor.id], people[case.author.account_id]),
            scope=scope,
            assignment=_standing(assignments.get(case.id), tx),
        )
        for case in cases
    ]


def _standing(assignment: Assignment | None, tx: Transaction) -> Assignment | None:
    return assignment if assignment and assignment.expires_at > tx.now else None


def _view(
    case: ReviewCase,
    actor: Actor,
    *,
    managers: Sequence[str],
    own: bool,
    scope: Scope,
    assignment: Assignment | None,
) -> View:
    role: Role = "reader"
    if KINDS[case.kind].managers and actor.id in managers:
        role = "manager"
    elif actor.id == case.author.account_id:
        role = "author"
    elif actor.moderator:
        role = "moderator"
    decides: DecidedAs | NotAllowed
    try:
        decides = role_in(case, actor, managers, own=own, scope=scope)
    except NotAllowed as refusal:
        decides = refusal
    return View(case, role, decides, assignment)


async def is_own(tx: Transaction, actor: Actor, case: ReviewCase) -> bool:
    """Whether somebody is the author of a case, by account or by address."""
    people = await Contributors(tx).of([actor.id, case.author.account_id])
    return _own(actor, people[actor.id], people[case.author.account_id])


def _own(actor: Actor, known: Contributor, author: Contributor) -> bool:
    fingerprints = actor.fingerprints | {known.fingerprint} - {None}
    return same_person(author, actor.id, frozenset(one for one in fingerprints if one))


async def case_by_link(tx: Transaction, link: DecisionLink) -> ReviewCase:
    """The case of a link, if its holder still has a say in it."""
    case = await get_case(tx, link.case_id)
    kind, _, holder = link.holder.partition(":")
    managers = await VenueManagers(tx).of(case.venue_id)
    theirs = holder == case.venue_id if kind == "venue" else holder in managers
    if not theirs or not KINDS[case.kind].managers:
        raise NotADecider
    return case


async def with_addresses(tx: Transaction, *cases: ReviewCase) -> list[ReviewCase]:
    """Cases with the addresses that their events withhold, where they are known."""
    withholding = [case.id for case in cases if any(change.withheld for change in case.changes)]
    known = await ProposedAddresses(tx).of(withholding) if withholding else {}
    return [case.with_addresses(*known[case.id]) if case.id in known else case for case in cases]
