"""Everything that can happen to an announcement; called by HTTP and by events alike."""

import datetime as dt
from dataclasses import dataclass
from uuid import uuid4

from services.announcements import domain
from services.announcements.domain import Announcement, AnnouncementNotFound, Call
from services.announcements.store import Announcements, place
from shared.auth import Account
from shared.database import Transaction
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementEndReached,
    AnnouncementKind,
    AnnouncementPublished,
    AnnouncementSubmitted,
)
from shared.events.moderation import Decision


@dataclass(frozen=True)
class Page:
    """Part of the list, and behind which place the next part starts (none at the end)."""

    announcements: list[Announcement]
    next: str | None


async def submit(tx: Transaction, account: Account, call: Call) -> Announcement:
    """Keep a call for review; raises `InvalidInput`."""
    domain.check_end(call.ends_on, tx.now)
    announcement = Announcement(
        **call.model_dump(), id=uuid4().hex, author=account.author, submitted_at=tx.now
    )
    await Announcements(tx).add(announcement)
    tx.publish(
        AnnouncementSubmitted(
            announcement_id=announcement.id,
            revision=announcement.revision,
            kind=announcement.kind,
            titre=announcement.titre,
            texte=announcement.texte,
            lien=announcement.lien,
            ends_on=announcement.ends_on,
            author=announcement.author,
            submitted_at=announcement.submitted_at,
        )
    )
    if contact := account.contact(tx.now):
        tx.publish(contact)
    return announcement


async def put_online(tx: Transaction, announcement_id: str, decision: Decision) -> None:
    """Publish a validated announcement until its last day is over, once."""
    before = await _existing(tx, announcement_id)
    after = domain.publish(before, decision, tx.now)
    if after is before:
        return
    await Announcements(tx).save(after)
    if after.state == "ended":
        tx.publish(_ended(after, tx.now))
        return
    tx.publish(
        AnnouncementPublished(
            announcement_id=after.id,
            revision=after.revision,
            kind=after.kind,
            titre=after.titre,
            lien=after.lien,
            ends_on=after.ends_on,
            author=after.author,
            published_at=tx.now,
        )
    )
    timer = _end_timer(after)
    tx.schedule(timer, at=after.ends_at, timer_id=timer.timer_id)


async def refuse(tx: Transaction, announcement_id: str, decision: Decision) -> None:
    """Note that an announcement was refused, once."""
    before = await _existing(tx, announcement_id)
    after = domain.refuse(before, decision)
    if after is not before:
        await Announcements(tx).save(after)


async def withdraw(tx: Transaction, announcement_id: str) -> None:
    """Note that its author no longer wants an announcement, once."""
    before = await _existing(tx, announcement_id)
    after = domain.withdraw(before)
    if after is not before:
        await Announcements(tx).save(after)


async def revert(tx: Transaction, announcement_id: str) -> None:
    """Take an announcement offline whose approval was undone, once."""
    before = await _existing(tx, announcement_id)
    after = domain.revert(before, tx.now)
    if after is not before:
        await Announcements(tx).save(after)
        tx.unschedule(_end_timer(after).timer_id)
        tx.publish(_ended(after, tx.now))


async def end(tx: Transaction, announcement_id: str, ends_on: dt.date) -> None:
    """Take an announcement offline whose last day was `ends_on`, once."""
    before = await _existing(tx, announcement_id)
    after = domain.end(before, ends_on, tx.now)
    if after is not before:
        await Announcements(tx).save(after)
        tx.publish(_ended(after, tx.now))


async def get(tx: Transaction, reader: Account | None, announcement_id: str) -> Announcement:
    """An announcement that this person may read; raises `AnnouncementNotFound`."""
    announcement = await _existing(tx, announcement_id)
    if announcement.is_public:
        return announcement
    if reader and (reader.id == announcement.author.account_id or reader.may("moderator")):
        return announcement
    raise AnnouncementNotFound


async def list_online(
    tx: Transaction, *, kind: AnnouncementKind | None, after: str, limit: int
) -> Page:
    """At most `limit` announcements that are online, soonest end first."""
    found = await Announcements(tx).online(
        today=domain.today(tx.now), kind=kind, after=after, limit=limit + 1
    )
    shown = found[:limit]
    return Page(shown, place(shown[-1]) if len(found) > limit else None)


async def _existing(tx: Transaction, announcement_id: str) -> Announcement:
    announcement = await Announcements(tx).get(announcement_id)
    if announcement is None:
        raise AnnouncementNotFound
    return announcement


def _end_timer(announcement: Announcement) -> AnnouncementEndReached:
    return AnnouncementEndReached(announcement_id=announcement.id, ends_on=announcement.ends_on)


def _ended(announcement: Announcement, at: dt.datetime) -> AnnouncementEnded:
    return AnnouncementEnded(
        announcement_id=announcement.id,
        revision=announcement.revision,
        titre=announcement.titre,
        ended_at=at,
    )
