"""Announcements as feeds: Atom (RFC 4287), JSON Feed 1.1 and iCalendar (RFC 5545).

The same announcements always give the same bytes, so that readers can ask for changes only.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from feedgen.ext.base import BaseEntryExtension
from feedgen.feed import FeedGenerator
from feedgen.util import xml_elem
from icalendar import Event, vUri

from shared.feeds import NEVER, calendar_of, lines, one_line, xml_text

TITLE = "Annonces de la médiation numérique"
LANGUAGE = "fr"
_PRODUCT = "-//mednum//annonces//FR"


@dataclass(frozen=True)
class Item:
    """What a feed says of one announcement."""

    id: str
    """32 hexadecimal digits."""
    revision: int
    titre: str
    texte: str
    details: Sequence[str]
    """What else its page shows, a line each."""
    lien: str
    page: str
    """Its address on the portal."""
    author: str
    tags: Sequence[str]
    published_at: dt.datetime
    updated_at: dt.datetime
    ends_on: dt.date | None = None
    waves: Sequence[dt.date] = ()

    @property
    def text(self) -> str:
        """All that is to be read, as plain text."""
        return "\n\n".join([lines(self.texte), "\n".join(self.details)]).strip()


@dataclass
class _Source(BaseEntryExtension):  # type: ignore[misc]
    """Where an entry was published first: feedgen writes an entry's links without their `rel`."""

    href: str

    def extend_atom(self, entry: Any) -> Any:
        """Add the link."""
        xml_elem("link", entry, rel="via", href=self.href)
        return entry


def changed_at(items: Sequence[Item]) -> dt.datetime:
    """When anything in a feed was last changed."""
    return max((item.updated_at for item in items), default=NEVER)


def atom(items: Sequence[Item], *, home: str, address: str) -> bytes:
    """An Atom feed, its items in the order given; `address` is where it was asked for."""
    feed = FeedGenerator()
    feed.id(address)
    feed.title(TITLE)
    feed.language(LANGUAGE)
    feed.link(href=address, rel="self", type="application/atom+xml")
    feed.link(href=home, rel="alternate")
    feed.updated(changed_at(items))
    feed.generator("mednum")
    for item in items:
        entry = feed.add_entry(order="append")
        entry.id(UUID(item.id).urn)
        entry.title(xml_text(item.titre))
        entry.link(href=item.page, rel="alternate")
        entry.register_extension("source", partial(_Source, item.lien), rss=False)
        entry.author(name=xml_text(item.author) or TITLE)
        entry.published(item.published_at)
        entry.updated(item.updated_at)
        entry.content(xml_text(item.text), type="text")
        for tag in item.tags:
            entry.category(term=xml_text(tag))
    text: bytes = feed.atom_str(pretty=True)
    return text


def json_feed(items: Sequence[Item], *, home: str, address: str) -> bytes:
    """A JSON Feed, its items in the order given; `address` is where it was asked for."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "home_page_url": home,
        "feed_url": address,
        "language": LANGUAGE,
        "items": [_json_item(item) for item in items],
    }
    return json.dumps(feed, ensure_ascii=False).encode()


def calendar(items: Sequence[Item], *, today: dt.date) -> bytes:
    """A calendar of last days and selection dates that are not over, an all-day event each."""
    events = [event for item in items for event in _events(item, today)]
    return calendar_of(events, product=_PRODUCT, name=TITLE)


def _events(item: Item, today: dt.date) -> list[Event]:
    # a last day that moves is the same event on another day; each selection date is its own
    ends = [(f"{item.id}-fin", "Clôture", item.ends_on)] if item.ends_on else []
    waves = [(f"{item.id}-{date.isoformat()}", "Sélection", date) for date in item.waves]
    return [
        _event(item, uid, f"{what} : {item.titre}", date)
        for uid, what, date in [*ends, *waves]
        if date >= today
    ]


def _event(item: Item, uid: str, summary: str, date: dt.date) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("sequence", item.revision)
    event.add("dtstamp", item.updated_at)
    event.add("dtstart", date)
    event.add("dtend", date + dt.timedelta(days=1))
    event.add("summary", one_line(summary))
    event.add("description", f"{item.lien}\n\n{item.text}")
    event.add("url", vUri(item.page))
    event.add("categories", [one_line(tag) for tag in item.tags])
    event.add("transp", "TRANSPARENT")
    return event


def _json_item(item: Item) -> dict[str, object]:
    return {
        "id": UUID(item.id).urn,
        "url": item.page,
        "external_url": item.lien,
        "title": item.titre,
        "content_text": item.text,
        "date_published": item.published_at.isoformat(),
        "date_modified": item.updated_at.isoformat(),
        "authors": [{"name": item.author or TITLE}],
        "tags": list(item.tags),
    }
