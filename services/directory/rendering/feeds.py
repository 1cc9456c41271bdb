"""A venue's news as feeds: Atom (RFC 4287) and iCalendar (RFC 5545).

The same news always give the same bytes, so that readers can ask for changes only.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from feedgen.feed import FeedGenerator
from icalendar import Event, vUri

from services.directory.domain.proposals import NewsItem
from services.directory.domain.venues import Venue
from shared.feeds import NEVER, calendar_of, lines, one_line, xml_text
from shared.french import PARIS

LANGUAGE = "fr"
_PRODUCT = "-//mednum//annuaire//FR"
_NEWS = uuid5(NAMESPACE_URL, "urn:mednum:venue-news")


@dataclass(frozen=True)
class News:
    """A venue's news that is online, newest first; `page` is the venue's address."""

    venue: Venue
    items: Sequence[NewsItem]
    page: str

    @property
    def title(self) -> str:
        """What its feeds are called."""
        return f"Actualités : {self.venue.nom}"

    @property
    def changed_at(self) -> dt.datetime:
        """When the newest of them went online."""
        return max((online_since(item) for item in self.items), default=NEVER)


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
    """A calendar with an all-day event for each item, on the day it went online in Paris."""
    events = [_event(news, item) for item in news.items]
    return calendar_of(events, product=_PRODUCT, name=one_line(news.title))


def _event(news: News, item: NewsItem) -> Event:
    words, since = item.shown, online_since(item)
    day = since.astimezone(PARIS).date()
    event = Event()
    event.add("uid", f"{item.id}-actualite")
    event.add("dtstamp", since)
    event.add("dtstart", day)
    event.add("dtend", day + dt.timedelta(days=1))
    event.add("summary", one_line(words.titre))
    event.add("description", lines(words.texte))
    event.add("location", one_line(news.venue.nom))
    event.add("url", vUri(words.lien or news.page))
    # nobody is busy because of it
    event.add("transp", "TRANSPARENT")
    return event
