"""Who may see and change an announcement: author, moderators, whoever looks after a partner."""

from services.announcements.domain.announcements import Announcement
from services.announcements.domain.problems import AnnouncementNotFound, UndoItsApproval
from services.announcements.store.partners import Partners
from services.announcements.use_cases.record import existing
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed


async def readable(
    tx: Transaction, reader: Account | None, announcement_id: str
) -> tuple[Announcement, bool]:
    """An announcement that this person may read, and whether they see all of it.

    All: what waits or was refused, and reasons. Raises `AnnouncementNotFound`.
    """
    announcement = await existing(tx, announcement_id)
    whole = await _may_see_all(tx, announcement, reader)
    if not whole and not announcement.is_public:
        raise AnnouncementNotFound
    return announcement, whole


async def own(tx: Transaction, account: Account, announcement_id: str) -> Announcement:
    """One's own, or for its members and moderators a partner's; raises `NotAllowed`."""
    announcement, _ = await readable(tx, account, announcement_id)
    if not await _is_ones_own(tx, announcement, account) and not (
        announcement.origin and account.may("moderator")
    ):
        raise NotAllowed
    return announcement


async def to_end(tx: Transaction, account: Account, announcement_id: str) -> Announcement:
    """One's own, or for moderators a partner's draft; raises `UndoItsApproval` for the rest."""
    announcement, _ = await readable(tx, account, announcement_id)
    if await _is_ones_own(tx, announcement, account):
        return announcement
    if not account.may("moderator"):
        raise NotAllowed
    if announcement.state != "draft":
        raise UndoItsApproval
    return announcement


def is_author(announcement: Announcement, account: Account) -> bool:
    """Whether it is this person's."""
    return announcement.author.account_id == account.id


async def _may_see_all(tx: Transaction, announcement: Announcement, reader: Account | None) -> bool:
    if reader is None:
        return False
    if await _is_ones_own(tx, announcement, reader):
        return True
    # what somebody never sent is theirs alone; a partner's draft is for moderators to send
    theirs_alone = announcement.submitted_at is None and announcement.origin is None
    return reader.may("moderator") and not theirs_alone


async def _is_ones_own(tx: Transaction, announcement: Announcement, account: Account) -> bool:
    if is_author(announcement, account):
        return True
    if announcement.origin is None:
        return False
    partner = await Partners(tx).get(announcement.origin.partner)
    return partner is not None and account.id in partner.members
