"""What waits for somebody: their cases, oldest first, with counts; and who works on which."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from services.moderation.domain.cases import KINDS
from services.moderation.domain.deciders import Actor, Scope
from services.moderation.domain.policy import Policy
from services.moderation.domain.problems import NotADecider
from services.moderation.store import (
    Assignment,
    Assignments,
    Cases,
    Scopes,
    VenueManagers,
    place,
)
from services.moderation.use_cases.access import OPEN_TO_ALL, View, see, views
from services.moderation.use_cases.appeals import check_judge
from services.moderation.use_cases.record import note
from shared.database import Document, Transaction
from shared.events.directory import ReportReason
from shared.events.moderation import AssignmentExpired, CaseKind, assignment_timer

NEAR = timedelta(days=2)
"""How long before its deadline a case is shown as near it."""

OF_MANAGERS = sorted(kind for kind, decided in KINDS.items() if decided.managers)
DECIDED = ("approved", "partly_approved", "refused", "withdrawn", "superseded", "failed")


@dataclass(frozen=True)
class Wanted:
    """Which cases somebody asks for; what is not set does not count."""

    state: Literal["open", "decided"] = "open"
    kind: CaseKind | None = None
    report_reason: ReportReason | None = None
    departement: str | None = None
    venue_id: str | None = None
    unanswered: bool = False
    near_deadline: bool = False
    contested: bool = False
    by_new_account: bool = False
    rule: str | None = None
    appealed: bool = False
    after: str = ""
    limit: int = 100


@dataclass(frozen=True)
class Page:
    """Part of a queue, and behind which place the next part starts (none at the end)."""

    views: list[View]
    next: str | None


@dataclass
class Counts:
    """How many open cases there are of each sort."""

    total: int = 0
    unanswered: int = 0
    near_deadline: int = 0
    contested: int = 0
    by_new_account: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)


async def list_cases(tx: Transaction, actor: Actor, wanted: Wanted) -> Page:
    """The cases for somebody: a manager's venues, a moderator's scope, a venue's to all."""
    query = {**await _theirs(tx, actor, wanted.venue_id), **_filters(tx, wanted)}
    return await _page(tx, actor, query, wanted.after, wanted.limit)


async def own_cases(tx: Transaction, actor: Actor, *, after: str, limit: int) -> Page:
    """What somebody has proposed, oldest first."""
    return await _page(tx, actor, {"author.account_id": actor.id}, after, limit)


async def _page(tx: Transaction, actor: Actor, query: Document, after: str, limit: int) -> Page:
    found = await Cases(tx).find(query, after=after, limit=limit + 1)
    shown = found[:limit]
    following = place(shown[-1]) if len(found) > limit else None
    return Page(await views(tx, actor, shown), following)


async def count_cases(tx: Transaction, actor: Actor) -> Counts:
    """The same as numbers, of what is open."""
    query = {**await _theirs(tx, actor, None), "state": "open"}
    fields = ["kind", "deadline", "contested", "by_new_account", "rules", "opinions.choice"]
    counts = Counts()
    for one in await Cases(tx).facts(query, fields):
        counts.total += 1
        counts.unanswered += not one.get("opinions")
        counts.near_deadline += bool(one.get("deadline") and one["deadline"] <= tx.now + NEAR)
        counts.contested += bool(one["contested"])
        counts.by_new_account += bool(one["by_new_account"])
        counts.kinds[one["kind"]] += 1
        counts.rules.update(one["rules"])
    return counts


async def _theirs(tx: Transaction, actor: Actor, venue_id: str | None) -> Document:
    """Which cases somebody may list."""
    venues = await VenueManagers(tx).venues_of(actor.id)
    managed = {"venue_id": {"$in": venues}, "kind": {"$in": OF_MANAGERS}}
    if actor.moderator:
        entrusted = _entrusted(await Scopes(tx).of(actor.id))
        query = {"$or": [entrusted, managed]} if entrusted and venues else entrusted
        return query | ({"venue_id": await _any_id(tx, venue_id)} if venue_id else {})
    if venue_id is None:
        return managed
    kinds = OF_MANAGERS if venue_id in venues else sorted(OPEN_TO_ALL)
    return {"venue_id": await _any_id(tx, venue_id), "kind": {"$in": kinds}}


async def _any_id(tx: Transaction, venue_id: str) -> Document | str:
    """What finds a venue's cases, under whichever of its ids they were opened."""
    ids = await VenueManagers(tx).ids_of(venue_id)
    return {"$in": ids} if len(ids) > 1 else ids[0]


def _entrusted(scope: Scope) -> Document:
    query: Document = {"kind": {"$in": scope.kinds}} if scope.kinds else {}
    if scope.departements:
        query["departement"] = {"$in": [*scope.departements, None]}
    return query


def _filters(tx: Transaction, wanted: Wanted) -> Document:
    query: Document = {"state": "open" if wanted.state == "open" else {"$in": list(DECIDED)}}
    # beside what may be listed, not in its place
    asked: list[Document] = []
    if wanted.kind:
        asked.append({"kind": wanted.kind})
    if wanted.report_reason:
        asked.append({"report_reason": wanted.report_reason})
    if wanted.departement:
        asked.append({"departement": wanted.departement})
    if wanted.unanswered:
        asked.append({"opinions": []})
    if wanted.near_deadline:
        asked.append({"deadline": {"$lte": tx.now + NEAR}})
    if wanted.contested:
        asked.append({"contested": True})
    if wanted.by_new_account:
        asked.append({"by_new_account": True})
    if wanted.rule:
        asked.append({"rules": wanted.rule})
    if wanted.appealed:
        asked.append({"appealed": True})
    return query | ({"$and": asked} if asked else {})


async def take(tx: Transaction, actor: Actor, case_id: str, policy: Policy) -> Assignment:
    """A moderator keeps a case for themselves for a while; taking it again begins anew."""
    view = await see(tx, actor, case_id)
    await _check_theirs(tx, actor, view)
    view.check_free(actor)
    mine = Assignment(case_id=case_id, holder=actor.id, expires_at=tx.now + policy.assignment)
    await Assignments(tx).put(mine)
    timer = AssignmentExpired(case_id=case_id, expires_at=mine.expires_at)
    tx.schedule(timer, at=mine.expires_at, timer_id=timer.timer_id)
    await note(tx, view.case, "take", by=actor.ref)
    return mine


async def release(tx: Transaction, actor: Actor, case_id: str) -> None:
    """A moderator gives a case back; one that is not theirs stays as it is."""
    case = (await see(tx, actor, case_id)).case
    held = (await Assignments(tx).of([case_id])).get(case_id)
    if held and held.holder == actor.id:
        await Assignments(tx).remove(case_id)
        tx.unschedule(assignment_timer(case_id))
        await note(tx, case, "release", by=actor.ref)


async def _check_theirs(tx: Transaction, actor: Actor, view: View) -> None:
    case = view.case
    if case.appeal is not None and case.appeal.decision is None:
        await check_judge(tx, actor, case)
        return
    if case.state != "open":
        raise NotADecider
    if view.decides_as() != "moderator":
        raise NotADecider("Vous êtes responsable du lieu : personne ne décidera à votre place.")
