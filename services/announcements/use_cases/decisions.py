"""What becomes of an announcement once moderation has decided, or a day is over."""

import datetime as dt
from collections.abc import Callable

from services.announcements.domain import announcements as rules
from services.announcements.domain.announcements import Announcement
from services.announcements.domain.problems import AnnouncementNotFound
from services.announcements.store import Announcements
from services.announcements.use_cases.record import existing, keep
from shared.database import Transaction
from shared.events.moderation import Decision


async def validate(
    tx: Transaction, case_id: str, *, proposal_revision: int, decision: Decision
) -> None:
    """Show a validated text until its last day is over, once."""
    await _settle(
        tx,
        case_id,
        lambda one: rules.validate(one, case_id, proposal_revision, decision, tx.now),
    )


async def refuse(tx: Transaction, case_id: str, decision: Decision) -> None:
    """Note that a text was refused, once; what is online stays."""
    await _settle(tx, case_id, lambda one: rules.refuse(one, case_id, decision))


async def take_back(tx: Transaction, case_id: str) -> None:
    """Note that its author no longer wants a text, once."""
    await _settle(tx, case_id, lambda one: rules.take_back(one, case_id))


async def revert(tx: Transaction, case_id: str) -> None:
    """Undo an approval if its text still shows, once."""
    await _settle(tx, case_id, lambda one: rules.revert(one, case_id, tx.now))


async def reach(tx: Transaction, announcement_id: str, day: dt.date) -> None:
    """Go on to the next wave, or end what ended that day, once."""
    before = await existing(tx, announcement_id)
    after = rules.reach(before, day, tx.now)
    if after is not before:
        await keep(tx, after, before)


async def _settle(
    tx: Transaction, case_id: str, decided: Callable[[Announcement], Announcement]
) -> None:
    before = await Announcements(tx).of_case(case_id)
    if before is None:
        raise AnnouncementNotFound
    after = decided(before)
    if after is not before:
        await keep(tx, after, before)
