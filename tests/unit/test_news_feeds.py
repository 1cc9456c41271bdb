"""A venue's news as feeds: whatever people wrote, readers get that, once, in the same bytes."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from icalendar import Calendar
from lxml import etree

from services.directory.domain.notices import Notice
from services.directory.domain.proposals import NewsItem
from services.directory.rendering import feeds
from services.directory.rendering.feeds import News
from shared.events import Author
from tests.unit.test_exports import AT, FICHE, venue

PAGE = "https://annuaire.example.org/venues/lieu-1"
ADDRESS = f"{PAGE}/news.atom"
NS = {"a": "http://www.w3.org/2005/Atom"}
HOSTILE = [
    "<script>alert(1)</script>",
    "]]><x/>",
    '&lt;b&gt; &amp; "l\'un"',
    "a;b,c\\nd\\",
    "fin \ufffe",
]


def item(**more: Any) -> NewsItem:
    given: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "venue_id": "lieu-1",
        "author": Author(account_id="ada", name="Ada"),
        "author_is_manager": False,
        "proposed_at": AT - dt.timedelta(days=2),
        "titre": "Atelier du mardi",
        "texte": "Déclarer ses impôts.\nSans rendez-vous.",
        "state": "online",
        "published_at": AT,
    }
    return NewsItem.model_validate({**given, **more})


def news(*items: NewsItem) -> News:
    return News(venue(FICHE), items, PAGE)


def feed(*items: NewsItem) -> Any:
    return etree.fromstring(feeds.atom(news(*items), address=ADDRESS))


def only(found: list[Any]) -> Any:
    (one,) = found
    return one


def texts(element: Any, path: str) -> list[str]:
    return [str(one) for one in element.xpath(f"{path}/text()", namespaces=NS)]


def events(*items: NewsItem) -> list[Any]:
    return Calendar.from_ical(feeds.calendar(news(*items))).walk("VEVENT")


class TestAtom:
    def test_a_feed_has_all_that_rfc_4287_asks_for(self) -> None:
        made = feed(item(), item(id="f" * 32, published_at=AT - dt.timedelta(days=9)))
        assert made.tag == f"{{{NS['a']}}}feed"
        # 4.1.1: one id, one title, one updated, an author, a link to itself
        assert only(texts(made, "a:title")) == f"Actualités : {FICHE['nom']}"
        assert only(texts(made, "a:updated")) == "2026-03-02T09:30:00+00:00"
        assert only(texts(made, "a:author/a:name")) == FICHE["nom"]
        links = {link.get("rel"): link.get("href") for link in made.findall("a:link", NS)}
        assert links == {"self": ADDRESS, "alternate": PAGE}
        # 4.1.2: each entry too
        for entry in made.findall("a:entry", NS):
            assert len(texts(entry, "a:id")) == len(texts(entry, "a:title")) == 1
            assert dt.datetime.fromisoformat(only(texts(entry, "a:updated"))).tzinfo
        ids = [*texts(made, "a:id"), *texts(made, "a:entry/a:id")]
        assert len(set(ids)) == 3
        assert all(id_.startswith("urn:uuid:") for id_ in ids)

    def test_ids_are_the_same_whatever_the_address(self) -> None:
        moved = News(venue(FICHE), [item()], "https://ailleurs.example.org/lieu-1")
        there = etree.fromstring(feeds.atom(moved, address="https://ailleurs.example.org/"))
        assert texts(there, "//a:id") == texts(feed(item()), "//a:id")
        other = News(venue(FICHE | {"id": "lieu-2"}), [], PAGE)
        elsewhere = etree.fromstring(feeds.atom(other, address=ADDRESS))
        assert texts(elsewhere, "a:id") != texts(there, "a:id")

    def test_an_entry_leads_to_its_link_or_to_the_venue(self) -> None:
        linked = item(id="f" * 32, lien="https://lieu.example.org/a?b=1&c=2")
        hrefs = [link.get("href") for link in feed(linked, item()).findall("a:entry/a:link", NS)]
        assert hrefs == ["https://lieu.example.org/a?b=1&c=2", PAGE]

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_stays_text(self, text: str) -> None:
        entry = feed(item(titre=text, texte=text)).find("a:entry", NS)
        shown = text.replace("\ufffe", "\ufffd")
        content = entry.find("a:content", NS)
        assert (content.get("type"), content.text, list(content)) == ("text", shown, [])
        assert only(texts(entry, "a:title")) == shown

    def test_the_accepted_words_are_shown(self) -> None:
        improvement = {"by": "account:bo", "at": AT, "titre": "Mieux dit", "texte": "Autrement."}
        improved = item(improvements=[improvement], accepted_revision=2)
        assert texts(feed(improved), "a:entry/a:title") == ["Mieux dit"]
        assert [str(one["summary"]) for one in events(improved)] == ["Mieux dit"]


class TestCalendar:
    def test_news_is_a_day_in_paris_that_keeps_nobody_busy(self) -> None:
        late = item(published_at=dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC))
        event = only(events(late))
        assert event.decoded("dtstart") == dt.date(2026, 3, 3)
        assert event.decoded("dtend") == dt.date(2026, 3, 4)
        assert event["transp"] == "TRANSPARENT"
        assert event["uid"] == "0123456789abcdef0123456789abcdef-actualite"
        assert event["description"] == "Déclarer ses impôts.\nSans rendez-vous."
        assert str(event["url"]) == PAGE
        raw = feeds.calendar(news(late))
        assert b"\r\nDTSTART;VALUE=DATE:20260303\r\n" in raw
        assert b"\r\nDTSTAMP:20260302T233000Z\r\n" in raw
        assert b"METHOD" not in raw
        assert all(len(line) <= 75 for line in raw.split(b"\r\n"))

    def test_a_notice_is_there_on_its_days(self) -> None:
        notice = Notice(
            id="a" * 32,
            venue_id="lieu-1",
            updated_at=AT,
            kind="closure",
            text="Travaux.\nEntrée fermée.",
            starts_on=dt.date(2026, 8, 1),
            until=dt.date(2026, 8, 31),
        )
        noted = replace(news(), notices=[notice])
        event = only(Calendar.from_ical(feeds.calendar(noted)).walk("VEVENT"))
        days = event.decoded("dtstart"), event.decoded("dtend")
        assert days == (dt.date(2026, 8, 1), dt.date(2026, 9, 1))
        assert event["summary"] == f"Fermeture : {FICHE['nom']}"
        assert event["description"] == notice.text
        assert (event["uid"], event["transp"]) == (f"{'a' * 32}-information", "TRANSPARENT")
        assert noted.changed_at == AT

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_stays_text(self, text: str) -> None:
        event = only(events(item(titre=text, texte=text)))
        assert (event["summary"], event["description"]) == (text, text)

    @pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\u0085"])
    def test_a_line_end_adds_no_property(self, end: str) -> None:
        attack = f"Ici{end}END:VEVENT{end}BEGIN:VEVENT{end}ATTENDEE:https://mal.example.org"
        hostile = news(item(titre=attack, texte=attack))
        lines = feeds.calendar(hostile).decode().splitlines()
        assert [line for line in lines if line.startswith(("ATTENDEE", "END:VEVENT"))] == [
            "END:VEVENT"
        ]


def test_without_news_both_are_valid_and_empty() -> None:
    assert texts(feed(), "a:updated") == ["1970-01-01T00:00:00+00:00"]
    assert feed().findall("a:entry", NS) == []
    made = Calendar.from_ical(feeds.calendar(news()))
    assert [one.name for one in made.walk()] == ["VCALENDAR", "VTIMEZONE", "STANDARD"]


def test_the_same_news_give_the_same_bytes() -> None:
    assert feeds.atom(news(item()), address=ADDRESS) == feeds.atom(news(item()), address=ADDRESS)
    assert feeds.calendar(news(item())) == feeds.calendar(news(item()))
