"""How a new revision of an announcement is kept: with its links, its timer and what it says."""

from typing import Any

from services.announcements.domain.announcements import Announcement, Text
from services.announcements.domain.calls import Call, FundingCall, same_text, today
from services.announcements.domain.details import changes, details
from services.announcements.domain.problems import AnnouncementDuplicate, AnnouncementNotFound
from services.announcements.store import Announcements, Links
from shared.database import Transaction
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementEndReached,
    AnnouncementProgressed,
    AnnouncementPublished,
    AnnouncementSubmitted,
    AnnouncementUpdated,
    AnnouncementWaveOpened,
    AnnouncementWithdrawn,
)


async def existing(tx: Transaction, announcement_id: str) -> Announcement:
    """An announcement; raises `AnnouncementNotFound`."""
    announcement = await Announcements(tx).get(announcement_id)
    if announcement is None:
        raise AnnouncementNotFound
    return announcement


async def check_links(tx: Transaction, announcement: Announcement) -> None:
    """Raise `AnnouncementDuplicate` if another living announcement has one of its links."""
    for link in announcement.wanted_links:
        holder = await Links(tx).holder(link)
        if holder is None or holder == announcement.id:
            continue
        other = await Announcements(tx).get(holder)
        if other and other.is_public:
            raise AnnouncementDuplicate(
                f"L'annonce « {other.call.titre} » mène déjà à cette page. Si elle est de vous, "
                "changez son texte ; sinon, elle est déjà relayée et il n'y a rien à faire.",
                announcement=holder,
            )
        raise AnnouncementDuplicate(
            "Une annonce de cette page est en attente d'une réponse. Si elle est de vous, changez "
            "son texte ; sinon, indiquez l'adresse exacte où la vôtre est parue."
        )


async def keep(
    tx: Transaction, announcement: Announcement, before: Announcement | None
) -> Announcement:
    """Add it, or save its next revision; a link that another has by now stays the other's."""
    links = Links(tx)
    wanted = announcement.wanted_links
    held = before.links if before else []
    for link in wanted:
        # after an appeal, two may be online with one link
        if await links.holder(link) is None:
            await links.claim(link, announcement.id)
    for link in held:
        if link not in wanted:
            await links.release(link, announcement.id)
    announcement = announcement.model_copy(update={"links": wanted})
    if before is None:
        await Announcements(tx).add(announcement)
    else:
        await Announcements(tx).save(announcement)
        _say_what_waits_no_more(tx, before, announcement)
        _say_progress(tx, before, announcement)
        _say_where_it_shows(tx, before, announcement)
    return announcement


def said(call: Call) -> dict[str, Any]:
    """What moderators read of a text."""
    return {
        "titre": call.titre,
        "texte": call.texte,
        "lien": call.lien,
        "details": details(call),
    }


def say_submitted(tx: Transaction, announcement: Announcement, replaces: str | None) -> None:
    """Have the newest text reviewed."""
    text: Text = announcement.texts[-1]
    call = text.call
    online = announcement.state == "online"
    told = said(call)
    told["details"] += changes(announcement.call, call) if online else []
    tx.publish(
        AnnouncementSubmitted(
            announcement_id=announcement.id,
            revision=announcement.revision,
            submission_id=None if text.case_id == announcement.id else text.case_id,
            replaces=replaces,
            kind=call.kind,
            **told,
            territoire=call.territoire,
            ends_on=call.last_day,
            author=announcement.author,
            submitted_at=text.submitted_at,
        )
    )


def _say_what_waits_no_more(tx: Transaction, before: Announcement, after: Announcement) -> None:
    """Tell moderation of texts that their author took back here; a decided one is its own news."""
    waited = before.waiting
    now = after.text(waited.case_id) if waited else None
    if now and now.state == "withdrawn":
        tx.publish(
            AnnouncementWithdrawn(
                announcement_id=after.id, submission_id=now.case_id, withdrawn_at=tx.now
            )
        )


def _say_progress(tx: Transaction, before: Announcement, after: Announcement) -> None:
    old, new = before.call, after.call
    if before.state != "online" or after.state != "online":
        return
    if not isinstance(old, FundingCall) or not isinstance(new, FundingCall):
        return
    if (old.raised, old.supporters) != (new.raised, new.supporters):
        tx.publish(
            AnnouncementProgressed(
                announcement_id=after.id,
                revision=after.revision,
                raised=new.raised,
                supporters=new.supporters,
                progressed_at=tx.now,
            )
        )


def _say_where_it_shows(tx: Transaction, before: Announcement, after: Announcement) -> None:
    """Publish that it appears, changes, opens a wave or ends, and move its timer."""
    was, shows = before.state == "online", after.state == "online"
    if shows:
        if not was:
            tx.publish(AnnouncementPublished(**_shown(tx, after), published_at=tx.now))
        elif not same_text(before.call, after.call):
            tx.publish(AnnouncementUpdated(**_shown(tx, after), updated_at=tx.now))
        if not was or before.until != after.until:
            _open(tx, after)
        return
    timer = _timer(after)
    if was:
        tx.unschedule(timer.timer_id)
    counted = before.state == "expired" and after.state == "closed"
    if was or counted or (after.state == "expired" and before.state != "expired"):
        tx.publish(
            AnnouncementEnded(
                announcement_id=after.id,
                revision=after.revision,
                titre=after.call.titre,
                why=after.why or "expired",
                was_online=was or counted,
                territoire=after.call.territoire,
                author=after.author,
                ended_at=tx.now,
            )
        )


def _open(tx: Transaction, announcement: Announcement) -> None:
    call = announcement.call
    timer = _timer(announcement)
    tx.schedule(timer, at=announcement.ends_at, timer_id=timer.timer_id)
    if call.waves:
        tx.publish(
            AnnouncementWaveOpened(
                announcement_id=announcement.id,
                revision=announcement.revision,
                titre=call.titre,
                lien=call.lien,
                territoire=call.territoire,
                date=announcement.until,
                remaining=sum(wave > announcement.until for wave in call.waves),
                opened_at=tx.now,
            )
        )


def _timer(announcement: Announcement) -> AnnouncementEndReached:
    return AnnouncementEndReached(announcement_id=announcement.id, ends_on=announcement.until)


def _shown(tx: Transaction, announcement: Announcement) -> dict[str, object]:
    call = announcement.call
    return {
        "announcement_id": announcement.id,
        "revision": announcement.revision,
        "kind": call.kind,
        "titre": call.titre,
        "lien": call.lien,
        "territoire": call.territoire,
        "ends_on": call.last_day,
        "next_date": call.next_date(today(tx.now)),
        "author": announcement.author,
    }
