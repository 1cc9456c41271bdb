"""Temporary notices: written, changed and removed by those who look after a venue."""

from uuid import uuid4

from services.directory.domain.notices import (
    AT_MOST,
    Notice,
    NoticeNotFound,
    NoticeWords,
    TooManyNotices,
    check_days,
    today,
)
from services.directory.domain.venues import Venue
from services.directory.store.notices import Notices
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.directory import VenueNoticesChanged


async def add(tx: Transaction, account: Account, venue_id: str, said: NoticeWords) -> Notice:
    """Write a notice, shown at once; for the venue's managers and moderators."""
    venue = await _looked_after(tx, account, venue_id)
    check_days(said, today(tx.now))
    shown = await shown_of(tx, venue_id)
    if len(shown) >= AT_MOST:
        raise TooManyNotices
    return await _put(tx, venue, uuid4().hex, said)


async def change(
    tx: Transaction, account: Account, venue_id: str, notice_id: str, said: NoticeWords
) -> Notice:
    """Give a notice another text or other days."""
    venue = await _looked_after(tx, account, venue_id)
    await _get(tx, venue_id, notice_id)
    check_days(said, today(tx.now))
    return await _put(tx, venue, notice_id, said)


async def remove(tx: Transaction, account: Account, venue_id: str, notice_id: str) -> None:
    """Remove a notice before its time."""
    venue = await _looked_after(tx, account, venue_id)
    await _get(tx, venue_id, notice_id)
    await Notices(tx).remove(notice_id)
    _tell(tx, venue)


async def shown_of(tx: Transaction, venue_id: str) -> list[Notice]:
    """A venue's notices that are current or to come, the earliest first."""
    return (await Notices(tx).shown_of([venue_id], today(tx.now))).get(venue_id, [])


async def _looked_after(tx: Transaction, account: Account, venue_id: str) -> Venue:
    venue = await get_venue(tx, venue_id)
    if account.id not in venue.managers and not account.may("moderator"):
        raise NotAllowed(
            "Seules les personnes responsables du lieu et l'équipe de modération peuvent le faire."
        )
    return venue


async def _get(tx: Transaction, venue_id: str, notice_id: str) -> Notice:
    notice = await Notices(tx).get(notice_id)
    if notice is None or notice.venue_id != venue_id:
        raise NoticeNotFound(notice_id=notice_id)
    return notice


async def _put(tx: Transaction, venue: Venue, notice_id: str, said: NoticeWords) -> Notice:
    notice = Notice(id=notice_id, venue_id=venue.id, updated_at=tx.now, **said.model_dump())
    await Notices(tx).put(notice)
    _tell(tx, venue)
    return notice


def _tell(tx: Transaction, venue: Venue) -> None:
    tx.publish(VenueNoticesChanged(venue_id=venue.id, venue_nom=venue.nom, changed_at=tx.now))
