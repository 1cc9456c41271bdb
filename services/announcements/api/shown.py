"""How an announcement is shown: in a list, on its page, and to those who may see all of it."""

import datetime as dt
from typing import Any

from pydantic import AwareDatetime, BaseModel

from services.announcements.domain.announcements import (
    OVER,
    Announcement,
    State,
    Text,
    TextState,
)
from services.announcements.domain.calls import Call, Contact, FundingCall, HelpKind, today
from shared.events.announcements import AnnouncementKind, EndReason


class AnnouncementSummary(BaseModel):
    """An announcement in the list; its author by name, never by account."""

    id: str
    kind: AnnouncementKind
    state: State
    titre: str
    lien: str
    structure: str | None
    venue_id: str | None
    territoire: str | None
    ends_on: dt.date | None
    waves: list[dt.date]
    next_date: dt.date | None
    """Of a rolling call, its next selection date."""
    last_day: dt.date
    days_left: int | None
    """To its end or its next selection date, today being 0; none if it is over."""
    help_kind: HelpKind | None = None
    place: str | None = None
    remote: bool | None = None
    skills: list[str] = []
    platform: str | None = None
    presale: bool | None = None
    """Whether `goal` and `raised` count orders and not money."""
    goal: int | None = None
    raised: int | None = None
    currency: str | None = None
    supporters: int | None = None
    percent: int | None = None
    author_name: str
    partner: str | None
    """The name of the platform that relays it here."""
    published_at: AwareDatetime | None


class SentText(BaseModel):
    """A text that its author has sent for review, for those who may see all."""

    case_id: str
    state: TextState
    revision: int
    submitted_at: AwareDatetime
    call: Call
    improved_by_a_moderator: bool
    reason: str | None


class AnnouncementDetail(AnnouncementSummary):
    """An announcement, whole."""

    texte: str
    contacts: list[Contact]
    """Once it is over, for its author and moderators only."""
    revision: int
    submitted_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    ended_why: EndReason | None
    refusal_reason: str | None = None
    pending: SentText | None = None
    """The text that waits for a decision; for its author and moderators."""
    texts: list[SentText] = []
    """All that were sent; for its author and moderators."""


class AnnouncementPage(BaseModel):
    """Part of the list; `next` goes into the parameter `after` of the next request."""

    items: list[AnnouncementSummary]
    next: str | None


def summary(announcement: Announcement, at: dt.datetime) -> AnnouncementSummary:
    """An announcement in the list."""
    return AnnouncementSummary(**_summed_up(announcement, at))


def detail(announcement: Announcement, at: dt.datetime, *, whole: bool) -> AnnouncementDetail:
    """An announcement's page; `whole` adds what only its author and moderators see."""
    inside = {}
    if whole:
        waiting = announcement.waiting
        inside = {
            "refusal_reason": announcement.refusal_reason,
            "pending": _sent(waiting) if waiting else None,
            "texts": [_sent(one) for one in announcement.texts],
        }
    return AnnouncementDetail(
        **_summed_up(announcement, at),
        texte=announcement.call.texte,
        contacts=announcement.call.contacts if whole or not _is_over(announcement, at) else [],
        revision=announcement.revision,
        submitted_at=announcement.submitted_at,
        ended_at=announcement.ended_at,
        ended_why=announcement.why,
        **inside,
    )


def _summed_up(announcement: Announcement, at: dt.datetime) -> dict[str, Any]:
    call = announcement.call
    day = today(at)
    over = _is_over(announcement, at)
    fields = call.model_dump(exclude={"texte", "contacts"})
    if isinstance(call, FundingCall):
        fields["percent"] = call.percent
    return {
        **fields,
        "id": announcement.id,
        "state": announcement.state,
        "next_date": None if over else call.next_date(day),
        "last_day": call.last_day,
        "days_left": None if over else (call.open_until(day) - day).days,
        "author_name": announcement.author_name,
        "partner": announcement.author.name if announcement.origin else None,
        "published_at": announcement.published_at,
    }


def _is_over(announcement: Announcement, at: dt.datetime) -> bool:
    # by its dates: the timer that moves `until` on to the next one may be late
    return announcement.state in OVER or announcement.call.last_day < today(at)


def _sent(text: Text) -> SentText:
    return SentText(
        case_id=text.case_id,
        state=text.state,
        revision=text.revision,
        submitted_at=text.submitted_at,
        call=text.at(text.accepted if text.state == "validated" else text.revision),
        improved_by_a_moderator=bool(text.improvements),
        reason=text.decision.reason if text.decision else None,
    )
