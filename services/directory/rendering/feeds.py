"""A venue's news as feeds: Atom (RFC 4287) and iCalendar (RFC 5545).

The same news always give the same bytes, so that readers can ask for changes only.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from feedgen.feed import FeedGenerator
from icalendar import Event, vUri

from services.directory.domain.notices import Notice, NoticeKind
from services.directory.domain.proposals import NewsItem
from services.directory.domain.venues import Venue
from shared.feeds import NEVER, calendar_of, lines, one_line, xml_text
from shared.french import PARIS

LANGUAGE = "fr"
_PRODUCT = "-//mednum//annuaire//FR"
_KINDS: dict[NoticeKind, str] = {
    "closure": "Fermeture",
    "hours": "Autres horaires",
    "moved": "Autre adresse",
    "other": "À savoir",
}
_NEWS = uuid5(NAMESPACE_URL, "urn:mednum:venue-news")


@dataclass(frozen=True)
class News:
    """A venue's news that is online, newest first; `page` is the venue's address."""

    venue: Venue
    items: Sequence[NewsItem]
    page: str
    notices: Sequence[Notice] = ()
    """What is different for a while, now or soon; a calendar has it too."""

    @property
    def title(self) -> str:
        """What its feeds are called."""
        return f"Actualités : {self.venue.nom}"

    @property
    def changed_at(self) -> dt.datetime:
        """When the newest of them went online, or was written."""
        moments = [*map(online_since, self.items), *(one.updated_at for one in self.notices)]
        return max(moments, default=NEVER)


def online_since(item: NewsItem) -> dt.datetime:
    """When an item went online, in UTC; it is not written again afterwards."""
    return (item.published_at or item.proposed_at).astimezone(dt.UTC)


def atom(news: News, *, address: str) -> bytes:
    """An Atom feed; `address` is where it was asked for."""
    feed = FeedGenerator()
    # the portal's address may change, what was read must not come back as new
    feed.id(uuid5(_NEWS, news.venue.id).urn)
    feed.title(xml_text(news.title))
    feed.language(LANGUAGE)
    feed.author(name=xml_text(news.venue.nom))
    feed.link(href=address, rel="self", type="application/atom+xml")
    feed.link(href=news.page, rel="alternate")
    feed.updated(news.changed_at)
    feed.generator("mednum")
    for item in news.items:
        words = item.shown
        entry = feed.add_entry(order="append")
        entry.id(UUID(item.id).urn)
        entry.title(xml_text(words.titre))
        entry.link(href=words.lien or news.page, rel="alternate")
        entry.published(online_since(item))
        entry.updated(online_since(item))
        entry.content(xml_text(lines(words.texte)), type="text")
    text: bytes = feed.atom_str(pretty=True)
    return text


def calendar(news: News) -> bytes:
    """A calendar of all-day events: news on the day it went online in Paris, notices on theirs."""
    events = [
        *(_notice(news, notice) for notice in news.notices),
        *(_item(news, item) for item in news.items),
    ]
    return calendar_of(events, product=_PRODUCT, name=one_line(news.title))


def _item(news: News, item: NewsItem) -> Event:
    words, since = item.shown, online_since(item)
    day = since.astimezone(PARIS).date()
    event = _days(news, f"{item.id}-actualite", since, day, day)
    event.add("summary", one_line(words.titre))
    event.add("description", lines(words.texte))
    event.add("url", vUri(words.lien or news.page))
    return event


def _notice(news: News, notice: Notice) -> Event:
    uid = f"{notice.id}-information"
    event = _days(news, uid, notice.updated_at, notice.starts_on, notice.until)
    event.add("summary", one_line(f"{_KINDS[notice.kind]} : {news.venue.nom}"))
    event.add("description", lines(notice.text))
    event.add("url", vUri(news.page))
    return event


def _days(news: News, uid: str, stamp: dt.datetime, first: dt.date, last: dt.date) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", stamp.astimezone(dt.UTC))
    event.add("dtstart", first)
    event.add("dtend", last + dt.timedelta(days=1))
    event.add("location", one_line(news.venue.nom))
    # nobody is busy because of it
    event.add("transp", "TRANSPARENT")
    return event
