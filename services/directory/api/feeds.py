"""A venue's news as feeds for programs: Atom, iCalendar."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from services.directory.rendering import feeds
from services.directory.rendering.feeds import News
from services.directory.use_cases import notices, proposals, venues
from shared.conditional import answer
from shared.database import Transaction
from shared.service import RequestTx

router = APIRouter()

MAX_AGE = 300
"""Seconds for which a copy is good enough."""


def _said(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {}}}, 304: {"description": "The copy is still good"}}


@router.head("/venues/{venue_id}/news.atom", include_in_schema=False)
@router.get(
    "/venues/{venue_id}/news.atom",
    response_class=Response,
    responses=_said("application/atom+xml"),
)
async def news_atom(request: Request, tx: RequestTx, venue_id: str) -> Response:
    """A venue's news, as an Atom feed."""
    news = await _news(request, tx, venue_id)
    raw = feeds.atom(news, address=f"{news.page}/news.atom")
    return _answer(request, tx, news, raw, "application/atom+xml")


@router.head("/venues/{venue_id}/news.ics", include_in_schema=False)
@router.get(
    "/venues/{venue_id}/news.ics", response_class=Response, responses=_said("text/calendar")
)
async def news_calendar(request: Request, tx: RequestTx, venue_id: str) -> Response:
    """A venue's news on the day it went online, and its temporary notices, as a calendar."""
    news = await _news(request, tx, venue_id)
    news = replace(news, notices=await notices.shown_of(tx, venue_id))
    return _answer(request, tx, news, feeds.calendar(news), "text/calendar; charset=utf-8")


async def _news(request: Request, tx: Transaction, venue_id: str) -> News:
    venue = await venues.get_venue(tx, venue_id)
    # never the Host that was sent: copies of this answer are shared
    home: str = request.app.state.settings.public_url.rstrip("/")
    page = f"{home}/venues/{quote(venue.id, safe='')}"
    return News(venue, await proposals.list_news(tx, venue.id), page)


def _answer(request: Request, tx: Transaction, news: News, raw: bytes, media_type: str) -> Response:
    return answer(request, raw, media_type, changed_at=news.changed_at, now=tx.now, max_age=MAX_AGE)
