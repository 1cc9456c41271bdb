"""From a push of Ulule to an announcement: a push is stored, its project is asked for."""

import hashlib
import hmac
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from prometheus_client import Counter

from services.announcements.domain.announcements import OVER, Announcement
from services.announcements.domain.calls import same_text
from services.announcements.domain.origins import Origin
from services.announcements.domain.partners import Delivery, Partner, delivery_id
from services.announcements.domain.ulule import (
    Project,
    ProjectUnreadable,
    ProjectUnusable,
    ResourceNotAllowed,
    WebhookEvent,
    project_id,
)
from services.announcements.domain.ulule_fetches import Fetch, Page, Round
from services.announcements.store import Announcements
from services.announcements.store.partners import Deliveries, Partners
from services.announcements.store.ulule import Fetches, Rounds
from services.announcements.use_cases import relayed
from services.announcements.use_cases.relayed import Source
from shared.database import Transaction
from shared.errors import NotFound, Problem

VANISHED = "vanished"
COUNTED_WITHIN = timedelta(days=7)
"""For how long after our last day of a project we ask what has become of it."""
PAGE = "page"
ROUND = "round"
ROUND_CUT = "round cut"
"""It ended before the list did: too many pages, or a list that goes round in circles."""
ROUND_ANEW = "round anew"

PUSHES = Counter("mednum_ulule_pushes_total", "Pushes of Ulule by their type", ["type"])
"""Counted by whoever has committed them; `refused` are those that did not pass the door."""


@dataclass(frozen=True)
class Verdict:
    """What became of the deliveries that waited for a project."""

    status: Literal["applied", "ignored", "failed"]
    outcome: str
    reason: str | None = None


def authenticate(partner: Partner | None, secret: str) -> Partner:
    """The partner whose secret path this is; raises `NotFound`."""
    known = partner.hook_secret if partner and partner.kind == "ulule" else None
    right = hmac.compare_digest((known or "").encode(), secret.encode(errors="replace"))
    if partner is None or not known or not right or partner.suspended:
        raise NotFound
    return partner


@dataclass(frozen=True)
class Pushed:
    """What a push is answered, and its type among few, unless it is known already."""

    answer: Mapping[str, Any]
    label: str | None


async def push(tx: Transaction, slug: str, body: bytes, *, api_url: str) -> Pushed:
    """Store a push and have its project asked for; the first answer for one that is known.

    Raises `InvalidInput`, `ResourceNotAllowed`.
    """
    event = WebhookEvent.read(body)
    id_ = delivery_id(slug, event.id)
    if first := await Deliveries(tx).get(id_):
        return Pushed(first.answer, None)
    announced = []
    if event.concerns_us:
        project = _project_of(event, api_url)
        announced = [_id(slug, project)]
        await ask(tx, slug, project, id_)
    delivery = Delivery(
        id=id_,
        partner=slug,
        received_at=tx.now,
        status="waiting" if event.concerns_us else "ignored",
        reason=None if event.concerns_us else "type",
        body=body,
        content_type="application/json",
        fingerprint=hashlib.sha256(body).hexdigest(),
        answer={
            "delivery": event.id,
            "events": 1,
            "ignored": int(not event.concerns_us),
            "announcements": announced,
        },
        via="ulule",
    )
    await Deliveries(tx).add(delivery)
    return Pushed(delivery.answer, event.label)


def _project_of(event: WebhookEvent, api_url: str) -> int:
    if event.resource.type != "project":
        raise ResourceNotAllowed
    return project_id(event.resource.uri, api_url)


async def replay(tx: Transaction, delivery: Delivery, *, api_url: str) -> None:
    """Have the project of a push asked for once more."""
    event = WebhookEvent.read(delivery.body)
    if event.concerns_us:
        await ask(tx, delivery.partner, _project_of(event, api_url), delivery.id)


async def ask(tx: Transaction, partner: str, project: int, delivery: str | None = None) -> None:
    """Have a project asked for, on behalf of a delivery or for ourselves."""
    due = Fetch(partner=partner, project=project, due_at=tx.now)
    # one that fails keeps its pause: pushes must not make us insist
    fetch = await Fetches(tx).get(due.id) or due
    waiting = [*fetch.deliveries, delivery] if delivery else fetch.deliveries
    await Fetches(tx).put(fetch.model_copy(update={"deliveries": list(dict.fromkeys(waiting))}))


async def settle(
    tx: Transaction,
    fetch: Fetch,
    project: Project | None,
    *,
    at: datetime,
    own_hosts: AbstractSet[str],
    missing_pause: timedelta,
) -> str:
    """Make of a project what it is now, and answer the deliveries; what came of it.

    One that is missing is asked for a second time before it is gone.
    """
    partner = await Partners(tx).get(fetch.partner)
    if partner is None or partner.suspended:
        verdict = Verdict("ignored", "ignored", "partner unknown or suspended")
    elif project is None and not fetch.missing:
        # with those who came meanwhile; if somebody else has settled it, it is settled
        if known := await Fetches(tx).get(fetch.id):
            await Fetches(tx).put(known.once_missing(tx.now + missing_pause))
        return "missing"
    else:
        version = await _version(tx, partner.slug, fetch.project, at)
        source = Source.of(partner, str(fetch.project), version)
        verdict = await _apply(tx, source, partner, project, own_hosts)
    await _answer(tx, fetch, verdict)
    return verdict.outcome


async def _version(tx: Transaction, slug: str, project: int, at: datetime) -> int:
    """Milliseconds since 1970; later than all before, even those of a clock that was ahead."""
    _, seen = await relayed.seen_of(tx, _id(slug, project))
    return max(_milliseconds(at), seen.version + 1)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _apply(
    tx: Transaction,
    source: Source,
    partner: Partner,
    project: Project | None,
    own_hosts: AbstractSet[str],
) -> Verdict:
    if project is None or project.fate != "running":
        why = "withdrawn" if project is None or project.fate == "running" else project.fate
        result = await relayed.end(tx, source, why)
        reason = VANISHED if project is None else why
        status: Literal["applied", "ignored"] = (
            "ignored" if result.outcome == "unknown" else "applied"
        )
        return Verdict(status, result.outcome, reason)
    try:
        call = project.call()
        # its version is not noted either: unchanged means not written
        if _is_known(await Announcements(tx).get(_id(source.slug, project.id)), project):
            return Verdict("applied", "unchanged")
        result = await relayed.take_over(
            tx, source, call, own_hosts=own_hosts, hold=partner.intake == "hold"
        )
    except ProjectUnusable as exc:
        return Verdict("failed", "unusable", str(exc))
    except Problem as exc:
        wrong = [f"{one.field}: {one.rule}" for one in exc.invalid]
        # not `refused`: it has passed the door, and may be replayed
        return Verdict("failed", "refused", ", ".join([exc.type, *wrong]))
    return Verdict("applied", result.outcome)


async def _answer(tx: Transaction, fetch: Fetch, verdict: Verdict) -> None:
    """Note what became of those who waited; who came meanwhile waits for the next answer."""
    for id_ in fetch.deliveries:
        delivery = await Deliveries(tx).get(id_)
        if delivery and delivery.status == "waiting":
            await Deliveries(tx).save(_answered(delivery, fetch, verdict))
    known = await Fetches(tx).get(fetch.id)
    rest = known.without(fetch.deliveries, tx.now) if known else None
    if rest:
        await Fetches(tx).put(rest)
    else:
        await Fetches(tx).drop(fetch)


def _answered(delivery: Delivery, fetch: Fetch, verdict: Verdict) -> Delivery:
    result = {
        "reference": str(fetch.project),
        "type": WebhookEvent.read(delivery.body).type,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
    }
    update = {"status": verdict.status, "reason": verdict.reason, "results": [result]}
    return delivery.model_copy(update=update)


async def postpone(tx: Transaction, fetch: Fetch, error: str, *, due_at: datetime) -> str:
    """Note an attempt that failed, or after a day that all did; what came of it."""
    known = await Fetches(tx).get(fetch.id)
    if known is None:
        return "postponed"
    failed = known.failed(error, tx.now, due_at)
    if failed.is_hopeless(tx.now):
        await _answer(tx, fetch, Verdict("failed", "failed", error))
        return "failed"
    await Fetches(tx).put(failed)
    return "postponed"


async def rounds_due(tx: Transaction) -> list[Round]:
    """The rounds whose next page is due."""
    due = []
    for partner in await Partners(tx).all():
        if partner.kind != "ulule" or not partner.ulule_slug or partner.suspended:
            continue
        begun = await Rounds(tx).get(partner.slug)
        if begun is None or begun.name != partner.ulule_slug:
            due.append(Round(partner=partner.slug, name=partner.ulule_slug, due_at=tx.now))
        elif begun.due_at <= tx.now:
            due.append(begun)
    return due


async def postpone_page(tx: Transaction, round_: Round, error: str, *, due_at: datetime) -> str:
    """Note a page that could not be had, or after a day begin the round anew; which it was."""
    failed = round_.failed(error, tx.now, due_at)
    stuck = failed.is_stuck(tx.now)
    await Rounds(tx).put(failed.anew() if stuck else failed)
    return ROUND_ANEW if stuck else "page postponed"


async def take_page(tx: Transaction, round_: Round, page: Page, *, period: timedelta) -> str:
    """Ask for what a page shows otherwise than we do; `PAGE` if another one follows.

    After the last one, also for what we show and no page does: its push was lost.
    """
    seen = []
    for value in page.projects:
        try:
            project = Project.read(value)
        except ProjectUnreadable:
            continue
        seen.append(project.id)
        known = await Announcements(tx).get(_id(round_.partner, project.id))
        if not _is_known(known, project):
            await ask(tx, round_.partner, project.id)
    if page.next is not None and round_.goes_on(page.next):
        await Rounds(tx).put(round_.next(page.next, seen, tx.now))
        return PAGE
    await _ask_for_missing(tx, round_.partner, {*round_.seen, *seen})
    await Rounds(tx).put(round_.over(tx.now + period))
    return ROUND if page.next is None else ROUND_CUT


async def _ask_for_missing(tx: Transaction, partner: str, seen: AbstractSet[int]) -> None:
    for announcement in await Announcements(tx).of_author(f"partner:{partner}"):
        origin = announcement.origin
        if origin is None or not origin.reference.isdecimal():
            continue
        wanted = announcement.state not in OVER or _is_uncounted(announcement, origin, tx.now)
        if wanted and int(origin.reference) not in seen:
            await ask(tx, partner, int(origin.reference))


def _is_uncounted(announcement: Announcement, origin: Origin, at: datetime) -> bool:
    """Whether it has expired here, and Ulule has not said since what has become of it."""
    ended = announcement.ended_at
    if not _may_be_counted(announcement) or ended is None or at - ended > COUNTED_WITHIN:
        return False
    # an answer that ends it is noted by its version, even if nothing changes
    return origin.version < _milliseconds(ended)


def _may_be_counted(announcement: Announcement) -> bool:
    return announcement.state == "expired" and announcement.is_public


def _is_known(known: Announcement | None, project: Project) -> bool:
    """Whether what a project says is what we have already made of it."""
    if project.fate != "running":
        if known and project.fate in ("funded", "unfunded") and _may_be_counted(known):
            return False
        return known is None or known.state in OVER
    said = known.origin.said if known and known.origin else None
    if known is None or said is None:
        return False
    try:
        call = project.call()
    except ProjectUnusable:
        return False
    # what was taken away here stays away while its text is the same
    return same_text(said, call) if known.state in OVER else said == call


def _id(partner: str, project: int) -> str:
    return relayed.announcement_id(partner, str(project))
