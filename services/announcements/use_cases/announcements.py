"""What an author does with an announcement, and what a moderator may do beside deciding."""

from collections.abc import Set as AbstractSet
from uuid import uuid4

from services.announcements.domain import announcements as rules
from services.announcements.domain.announcements import Announcement
from services.announcements.domain.calls import (
    Call,
    Figures,
    FundingCall,
    check_dates,
    same_text,
    today,
)
from services.announcements.domain.links import check_elsewhere
from services.announcements.domain.problems import (
    AnnouncementChanged,
    CorrectOwnText,
    NotInThisState,
)
from services.announcements.store import Announcements
from services.announcements.use_cases.access import is_author, own, to_end
from services.announcements.use_cases.record import check_links, existing, keep, said, say_submitted
from shared.auth import Account
from shared.database import Transaction
from shared.errors import InvalidField, InvalidInput
from shared.events.announcements import AnnouncementImproved


async def create(
    tx: Transaction, account: Account, call: Call, *, own_hosts: AbstractSet[str], draft: bool
) -> Announcement:
    """Keep a call for review, or as a draft; raises `InvalidInput`, `AnnouncementDuplicate`."""
    check_elsewhere(call.lien, own_hosts)
    check_dates(call, tx.now)
    announcement = Announcement(
        id=uuid4().hex,
        author=account.author,
        call=call,
        until=call.open_until(today(tx.now)),
        created_at=tx.now,
    )
    if contact := account.contact(tx.now):
        tx.publish(contact)
    if draft:
        return await keep(tx, announcement, None)
    return await send(tx, announcement, call, before=None)


async def send(
    tx: Transaction, announcement: Announcement, call: Call, *, before: Announcement | None
) -> Announcement:
    """Have a text reviewed; the first one's case is the announcement's id."""
    case_id = uuid4().hex if announcement.cases else announcement.id
    after, replaces = rules.submit(announcement, call, case_id, tx.now)
    if before is None:
        after = after.model_copy(update={"revision": 1})
    await check_links(tx, after)
    kept = await keep(tx, after, before)
    say_submitted(tx, kept, replaces)
    return kept


async def change(
    tx: Transaction,
    account: Account,
    announcement_id: str,
    call: Call,
    *,
    own_hosts: AbstractSet[str],
    revision: int | None,
) -> Announcement:
    """Another text of one's own, or of a partner's draft: reviewed unless it is a draft.

    What is online stays until then; figures of a funding call show at once. What is over begins
    anew, unless moderators undid it.
    """
    announcement = await own(tx, account, announcement_id)
    if revision is not None and revision != announcement.revision:
        raise AnnouncementChanged(revision=announcement.revision)
    if announcement.why == "reverted":
        raise NotInThisState(state=announcement.state)
    check_kind(call, announcement)
    check_elsewhere(call.lien, own_hosts)
    check_dates(call, tx.now, announcement.call)
    if announcement.state in rules.OVER:
        return await send(tx, announcement, call, before=announcement)
    if announcement.state == "draft":
        return await keep(tx, rules.redraft(announcement, call, tx.now), announcement)
    if announcement.state == "refused" and same_text(call, announcement.newest):
        raise _unchanged()
    return await rework(tx, announcement, announcement, call)


async def rework(
    tx: Transaction, before: Announcement, announcement: Announcement, call: Call
) -> Announcement:
    """Take over another text of what is no draft: only what differs goes to review.

    `before` is as it is kept, `announcement` may have another origin already.
    """
    after = rules.with_figures(announcement, call)
    if same_text(call, before.newest):
        return before if after == before else await keep(tx, rules.changed(after), before)
    online = [before.call]
    if announcement.origin and before.shown:
        # a platform goes back to its own words, which a moderator has shown in better ones
        online.append(before.shown.call)
    waiting = before.waiting
    if before.state == "online" and any(same_text(call, one) for one in online):
        if waiting is None:
            return await keep(tx, rules.changed(after), before)
        # what is online is wanted again: the text that waits is not
        return await keep(tx, rules.take_back(after, waiting.case_id), before)
    return await send(tx, after, call, before=before)


async def submit(tx: Transaction, account: Account, announcement_id: str) -> Announcement:
    """Send a draft."""
    announcement = await own(tx, account, announcement_id)
    if announcement.state != "draft":
        raise NotInThisState(state=announcement.state)
    check_dates(announcement.call, tx.now, announcement.call)
    return await send(tx, announcement, announcement.call, before=announcement)


async def withdraw(tx: Transaction, account: Account, announcement_id: str) -> Announcement:
    """Take it back, once."""
    announcement = await to_end(tx, account, announcement_id)
    if announcement.state == "withdrawn":
        return announcement
    return await keep(tx, rules.end(announcement, "withdraw", "withdrawn", tx.now), announcement)


async def close(tx: Transaction, account: Account, announcement_id: str) -> Announcement:
    """End it before its last day; once."""
    announcement = await to_end(tx, account, announcement_id)
    if announcement.state == "closed":
        return announcement
    return await keep(tx, rules.end(announcement, "close", "closed", tx.now), announcement)


async def progress(
    tx: Transaction, account: Account, announcement_id: str, figures: Figures
) -> Announcement:
    """Show how far a funding call has come, without review."""
    announcement = await own(tx, account, announcement_id)
    if not isinstance(announcement.call, FundingCall):
        message = "Seul un appel à financement a ces chiffres."
        raise InvalidInput(invalid=[InvalidField("raised", "foreign_field", message)])
    if announcement.state in rules.OVER:
        raise NotInThisState(state=announcement.state)
    after = rules.with_figures(announcement, figures)
    return (
        announcement
        if after == announcement
        else await keep(tx, rules.changed(after), announcement)
    )


async def improve(
    tx: Transaction,
    account: Account,
    announcement_id: str,
    call: Call,
    *,
    own_hosts: AbstractSet[str],
) -> Announcement:
    """Put the text right that waits for a decision; for moderators, not its author."""
    announcement = await existing(tx, announcement_id)
    if is_author(announcement, account):
        raise CorrectOwnText
    check_kind(call, announcement)
    check_elsewhere(call.lien, own_hosts)
    check_dates(call, tx.now, announcement.newest)
    waiting = announcement.waiting
    if waiting and same_text(call, waiting.at(waiting.revision)):
        raise _unchanged()
    by = f"account:{account.id}"
    after = rules.improve(announcement, call, by, tx.now)
    await check_links(tx, after)
    kept = await keep(tx, after, announcement)
    text = kept.waiting
    if text is None:
        raise AssertionError
    tx.publish(
        AnnouncementImproved(
            announcement_id=kept.id,
            submission_id=text.case_id,
            proposal_revision=text.revision,
            **said(call),
            territoire=call.territoire,
            improved_by=by,
            improved_at=tx.now,
        )
    )
    return kept


async def of_author(tx: Transaction, account: Account) -> list[Announcement]:
    """All of one's own, newest first."""
    found = await Announcements(tx).of_author(account.id)
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)


def check_kind(call: Call, announcement: Announcement) -> None:
    """Raise `InvalidInput` for a call of the other kind."""
    if call.kind != announcement.kind:
        message = "Une annonce ne change pas de type : il en faut une autre."
        raise InvalidInput(invalid=[InvalidField("kind", "kind_changed", message)])


def _unchanged() -> InvalidInput:
    message = "L'annonce dit déjà cela."
    return InvalidInput(invalid=[InvalidField("texte", "unchanged", message)])
