"""What is online, as feeds for programs: Atom, JSON Feed, iCalendar."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from services.announcements.api.announcements import Asked
from services.announcements.domain.announcements import Announcement
from services.announcements.domain.calls import SkillsCall, midnight_after, today
from services.announcements.domain.details import details
from services.announcements.rendering import feeds
from services.announcements.rendering.feeds import Item
from services.announcements.use_cases import listing
from shared.conditional import answer
from shared.database import Transaction
from shared.events.announcements import AnnouncementKind
from shared.service import RequestTx

NEWEST = 100
"""Items of a feed of news; a calendar has all."""
MAX_AGE = 300
"""Seconds for which a copy is good enough."""
_AT_ONCE = 500
KINDS: dict[AnnouncementKind, str] = {
    "skills_call": "Appel à compétences",
    "funding_call": "Appel à financement",
}
"""As readers see them, in the place of a category."""

router = APIRouter(tags=["feeds"])


def _said(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {}}}, 304: {"description": "The copy is still good"}}


class Followed(Asked):
    """What a feed is about: the same filters as the list's."""

    state: Literal["online"] = "online"


AskedFor = Annotated[Followed, Query()]


@router.head("/announcements.atom", include_in_schema=False)
@router.get("/announcements.atom", response_class=Response, responses=_said("application/atom+xml"))
async def atom(request: Request, tx: RequestTx, asked: AskedFor) -> Response:
    """The newest announcements, as an Atom feed."""
    items = _newest(await _items(request, tx, asked))
    raw = feeds.atom(items, home=_home(request), address=_address(request))
    return _answer(request, tx, items, raw, "application/atom+xml")


@router.head("/announcements.json", include_in_schema=False)
@router.get(
    "/announcements.json", response_class=Response, responses=_said("application/feed+json")
)
async def json_feed(request: Request, tx: RequestTx, asked: AskedFor) -> Response:
    """The newest announcements, as a JSON Feed 1.1."""
    items = _newest(await _items(request, tx, asked))
    raw = feeds.json_feed(items, home=_home(request), address=_address(request))
    return _answer(request, tx, items, raw, "application/feed+json")


@router.head("/announcements.ics", include_in_schema=False)
@router.get("/announcements.ics", response_class=Response, responses=_said("text/calendar"))
async def calendar(request: Request, tx: RequestTx, asked: AskedFor) -> Response:
    """All last days and selection dates to come, as a calendar."""
    items = await _items(request, tx, asked)
    raw = feeds.calendar(items, today=today(tx.now))
    return _answer(request, tx, items, raw, "text/calendar; charset=utf-8")


async def _items(request: Request, tx: Transaction, asked: Followed) -> list[Item]:
    items: list[Item] = []
    after: str | None = ""
    while after is not None:
        page = await listing.list_online(tx, asked.filters(), after, _AT_ONCE)
        items += [_item(one, _home(request), tx.now) for one in page.announcements]
        after = page.next
    return items


def _newest(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.updated_at, item.id), reverse=True)[:NEWEST]


def _item(announcement: Announcement, home: str, at: dt.datetime) -> Item:
    call = announcement.call
    return Item(
        id=announcement.id,
        revision=announcement.revision,
        titre=call.titre,
        texte=call.texte,
        details=details(call),
        lien=call.lien,
        page=f"{home}/announcements/{announcement.id}",
        author=call.structure or announcement.author_name,
        tags=[KINDS[call.kind], *(call.skills if isinstance(call, SkillsCall) else [])],
        published_at=announcement.published_at or announcement.created_at,
        updated_at=_updated_at(announcement, at),
        ends_on=call.ends_on,
        waves=call.waves,
    )


def _updated_at(announcement: Announcement, at: dt.datetime) -> dt.datetime:
    """When what is shown began to be, or its present wave did."""
    shown = announcement.shown_at or announcement.published_at or announcement.created_at
    waves = [midnight_after(wave) for wave in announcement.call.waves]
    return max([shown, *(begun for begun in waves if begun <= at)]).astimezone(dt.UTC)


def _home(request: Request) -> str:
    url: str = request.app.state.settings.public_url
    return url.rstrip("/")


def _address(request: Request) -> str:
    # never the Host that was sent: copies of this answer are shared
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{_home(request)}{request.url.path}{query}"


def _answer(
    request: Request, tx: Transaction, items: list[Item], raw: bytes, media_type: str
) -> Response:
    changed_at = feeds.changed_at(items)
    return answer(request, raw, media_type, changed_at=changed_at, now=tx.now, max_age=MAX_AGE)
