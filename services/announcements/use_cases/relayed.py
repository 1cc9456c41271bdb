"""What a partner's platform says of its resources becomes announcements, by their versions."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from services.announcements.domain import announcements as rules
from services.announcements.domain.announcements import Act, Announcement, Origin
from services.announcements.domain.calls import (
    Call,
    Figures,
    check_dates,
    today,
)
from services.announcements.domain.links import check_elsewhere
from services.announcements.store import Announcements, Versions
from services.announcements.use_cases.announcements import rework, send
from services.announcements.use_cases.record import keep
from shared.database import Transaction
from shared.events import Author
from shared.events.announcements import EndReason

Outcome = Literal["created", "updated", "progressed", "unchanged", "stale", "ended", "unknown"]


@dataclass(frozen=True)
class Source:
    """One version of a partner's resource."""

    slug: str
    name: str
    reference: str
    version: int

    @property
    def author(self) -> Author:
        """How events and pages name the partner."""
        return Author(account_id=f"partner:{self.slug}", name=self.name)

    @property
    def origin(self) -> Origin:
        """What is kept of it."""
        return Origin(partner=self.slug, reference=self.reference, version=self.version)


@dataclass(frozen=True)
class Result:
    """Which announcement it is about, and what became of it."""

    announcement_id: str
    outcome: Outcome


def announcement_id(slug: str, reference: str) -> str:
    """The announcement of a partner's resource, always the same."""
    return uuid5(NAMESPACE_URL, f"mednum:partner:{slug}:{reference}").hex


async def take_over(
    tx: Transaction, source: Source, call: Call, *, own_hosts: AbstractSet[str], hold: bool
) -> Result:
    """Relay a resource as it is now; `hold` keeps a new one as a draft.

    Raises `InvalidInput` or `AnnouncementDuplicate`, before anything is written.
    """
    id_ = announcement_id(source.slug, source.reference)
    before = await Announcements(tx).get(id_)
    known = before.origin.version if before and before.origin else await Versions(tx).of(id_)
    if known is not None and source.version <= known:
        same = before and source.version == known and before.newest == call
        return Result(id_, "unchanged" if same else "stale")
    check_elsewhere(call.lien, own_hosts)
    check_dates(call, tx.now, call)
    if before is None:
        await _create(tx, source, call, hold=hold)
        return Result(id_, "created")
    at_source = before.model_copy(update={"origin": source.origin, "author": source.author})
    return Result(id_, await _update(tx, before, at_source, call, hold=hold))


async def progress(
    tx: Transaction, source: Source, *, raised: int, supporters: int | None
) -> Result:
    """Show how far a resource has come; of one never seen, only its version is kept."""
    id_ = announcement_id(source.slug, source.reference)
    before = await Announcements(tx).get(id_)
    if before is None or before.origin is None:
        return await _unknown(tx, source)
    if source.version <= before.origin.version:
        return Result(id_, "stale")
    at_source = before.model_copy(update={"origin": source.origin})
    figures = Figures(raised=raised, supporters=supporters)
    after = rules.changed(rules.with_figures(at_source, figures))
    moved = after.call != before.call and before.state not in rules.OVER
    await keep(tx, after if moved else rules.changed(at_source), before)
    return Result(id_, "progressed" if moved else "unchanged")


async def end(tx: Transaction, source: Source, why: EndReason) -> Result:
    """End what a platform no longer shows; of one never seen, only its version is kept."""
    id_ = announcement_id(source.slug, source.reference)
    before = await Announcements(tx).get(id_)
    if before is None or before.origin is None:
        return await _unknown(tx, source)
    if source.version <= before.origin.version:
        return Result(id_, "stale")
    at_source = before.model_copy(update={"origin": source.origin})
    counted = before.state == "expired" and before.is_public and why in ("funded", "unfunded")
    if before.state in rules.OVER and not counted:
        await keep(tx, rules.changed(at_source), before)
        return Result(id_, "unchanged")
    # what never was online has nothing to close
    act: Act = "close" if before.state == "online" and why != "withdrawn" else "withdraw"
    act = "count" if counted else act
    await keep(tx, rules.end(at_source, act, why, tx.now), before)
    return Result(id_, "ended")


async def _create(tx: Transaction, source: Source, call: Call, *, hold: bool) -> None:
    announcement = Announcement(
        id=announcement_id(source.slug, source.reference),
        author=source.author,
        origin=source.origin,
        call=call,
        until=call.open_until(today(tx.now)),
        created_at=tx.now,
    )
    if hold:
        await keep(tx, announcement, None)
    else:
        await send(tx, announcement, call, before=None)


async def _update(
    tx: Transaction, before: Announcement, at_source: Announcement, call: Call, *, hold: bool
) -> Outcome:
    kept_back = before.state == "draft" or before.state in rules.OVER
    if kept_back and hold:
        await keep(tx, rules.redraft(at_source, call, tx.now), before)
    elif kept_back:
        await send(tx, at_source, call, before=before)
    else:
        after = await rework(tx, before, at_source, call)
        if after.texts == before.texts:
            return "unchanged" if after.call == before.call else "progressed"
    return "updated"


async def _unknown(tx: Transaction, source: Source) -> Result:
    id_ = announcement_id(source.slug, source.reference)
    known = await Versions(tx).of(id_)
    if known is not None and source.version <= known:
        return Result(id_, "stale")
    await Versions(tx).put(id_, source.version, tx.now)
    return Result(id_, "unknown")
