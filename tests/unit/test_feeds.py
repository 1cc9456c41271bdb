"""Feeds say what is announced, whatever its author wrote, in the same bytes every time."""

import datetime as dt
import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from icalendar import Calendar

from services.announcements.rendering import feeds
from services.announcements.rendering.feeds import Item

AT = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 10)
HOME = "https://portail.example.org"
ADDRESS = f"{HOME}/announcements.atom?kind=skills_call&q=a%26b"
NS = {"atom": "http://www.w3.org/2005/Atom"}
ITEM = Item(
    id="0123456789abcdef0123456789abcdef",
    revision=3,
    titre="Bénévole pour l'atelier du mardi",
    texte="Aider à déclarer ses impôts.",
    details=["Compétence : patience"],
    lien="https://asso.example.org/appel?a=1&b=2",
    page=f"{HOME}/announcements/0123456789abcdef0123456789abcdef",
    author="Asso du Rhône",
    tags=["skills_call", "patience"],
    published_at=AT,
    updated_at=AT + dt.timedelta(days=1),
    ends_on=TODAY,
)
HOSTILE = [
    "<script>alert(1)</script>",
    "]]><x/>",
    '&lt;b&gt; &amp; "l\'un"',
    "é" * 140,
    "a;b,c\\nd\\",
    "fin \ufffe\uffff",
]


def entry(item: Item) -> ElementTree.Element:
    feed = ElementTree.fromstring(feeds.atom([item], home=HOME, address=ADDRESS))  # noqa: S314
    found = feed.find("atom:entry", NS)
    assert found is not None
    return found


def events(*items: Item, today: dt.date = TODAY) -> list[dict[str, object]]:
    made = Calendar.from_ical(feeds.calendar(items, today=today))
    return [
        {
            "uid": str(one["uid"]),
            "summary": str(one["summary"]),
            "day": one.decoded("dtstart"),
            "until": one.decoded("dtend"),
        }
        for one in made.walk("VEVENT")
    ]


def test_an_entry_has_a_stable_id_its_times_its_author_and_its_links() -> None:
    one = entry(ITEM)
    assert one.findtext("atom:id", None, NS) == "urn:uuid:01234567-89ab-cdef-0123-456789abcdef"
    assert one.findtext("atom:updated", None, NS) == "2026-03-03T09:30:00+00:00"
    assert one.findtext("atom:published", None, NS) == "2026-03-02T09:30:00+00:00"
    assert one.findtext("atom:author/atom:name", None, NS) == "Asso du Rhône"
    links = {
        link.get("rel", "alternate"): link.get("href") for link in one.findall("atom:link", NS)
    }
    assert links == {"alternate": ITEM.page, "via": ITEM.lien}
    terms = [category.get("term") for category in one.findall("atom:category", NS)]
    assert terms == ["skills_call", "patience"]


def test_a_feed_says_where_it_is_and_when_it_was_changed() -> None:
    older = replace(ITEM, id="f" * 32, updated_at=AT)
    raw = feeds.atom([ITEM, older], home=HOME, address=ADDRESS)
    feed = ElementTree.fromstring(raw)  # noqa: S314
    assert feed.findtext("atom:updated", None, NS) == "2026-03-03T09:30:00+00:00"
    links = {link.get("rel"): link.get("href") for link in feed.findall("atom:link", NS)}
    assert links == {"self": ADDRESS, "alternate": HOME}
    ids = [one.findtext("atom:id", "", NS)[-4:] for one in feed.findall("atom:entry", NS)]
    assert ids == ["cdef", "ffff"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_atom(text: str) -> None:
    one = entry(replace(ITEM, titre=text, texte=text, author=text, details=[text], tags=[text]))
    shown = text.replace("\ufffe", "�").replace("\uffff", "�")
    content = one.find("atom:content", NS)
    assert content is not None
    assert (content.get("type"), content.text) == ("text", f"{shown}\n\n{shown}")
    assert list(content) == []
    assert one.findtext("atom:title", None, NS) == shown
    assert one.findtext("atom:author/atom:name", None, NS) == shown
    assert [each.get("term") for each in one.findall("atom:category", NS)] == [shown]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_a_calendar(text: str) -> None:
    raw = feeds.calendar([replace(ITEM, titre=text, texte=text, tags=[text])], today=TODAY)
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    (event,) = Calendar.from_ical(raw).walk("VEVENT")
    assert event["summary"] == f"Clôture : {text}"
    assert event["description"] == f"{ITEM.lien}\n\n{text}\n\nCompétence : patience"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\u0085"])
def test_a_line_end_adds_no_property(end: str) -> None:
    attack = f"Appel{end}END:VEVENT{end}BEGIN:VEVENT{end}ATTENDEE:https://mal.example.org"
    raw = feeds.calendar([replace(ITEM, titre=attack, texte=attack, tags=[attack])], today=TODAY)
    lines = raw.decode().splitlines()
    assert [line for line in lines if line.startswith(("ATTENDEE", "END:VEVENT"))] == ["END:VEVENT"]
    assert lines.count("BEGIN:VEVENT") == 1


def test_a_last_day_is_an_all_day_event() -> None:
    assert events(ITEM) == [
        {
            "uid": "0123456789abcdef0123456789abcdef-fin",
            "summary": "Clôture : Bénévole pour l'atelier du mardi",
            "day": TODAY,
            "until": TODAY + dt.timedelta(days=1),
        }
    ]
    raw = feeds.calendar([ITEM], today=TODAY)
    assert b"\r\nDTSTART;VALUE=DATE:20260310\r\n" in raw
    assert b"\r\nSEQUENCE:3\r\n" in raw
    assert b"\r\nDTSTAMP:20260303T093000Z\r\n" in raw
    assert events(ITEM, today=TODAY + dt.timedelta(days=1)) == []


def test_a_calendar_is_no_invitation() -> None:
    # a method would need an organizer (RFC 5546)
    assert b"METHOD" not in feeds.calendar([ITEM], today=TODAY)


def test_a_calendar_without_events_has_the_component_that_it_needs() -> None:
    raw = feeds.calendar([], today=TODAY)
    made = Calendar.from_ical(raw)
    assert [one.name for one in made.walk()] == ["VCALENDAR", "VTIMEZONE", "STANDARD"]
    assert raw.splitlines()[4:] == [
        b"BEGIN:VTIMEZONE",
        b"TZID:Etc/UTC",
        b"BEGIN:STANDARD",
        b"DTSTART:19700101T000000",
        b"TZOFFSETFROM:+0000",
        b"TZOFFSETTO:+0000",
        b"END:STANDARD",
        b"END:VTIMEZONE",
        b"END:VCALENDAR",
    ]
    over = feeds.calendar([ITEM], today=TODAY + dt.timedelta(days=1))
    assert over == raw
    assert b"VTIMEZONE" not in feeds.calendar([ITEM], today=TODAY)


def test_a_last_day_that_moves_is_the_same_event() -> None:
    moved = replace(ITEM, ends_on=TODAY + dt.timedelta(days=9))
    assert events(moved)[0]["uid"] == events(ITEM)[0]["uid"]
    assert events(moved)[0]["day"] == TODAY + dt.timedelta(days=9)


def test_each_selection_date_still_to_come_is_an_event() -> None:
    waves = [TODAY + dt.timedelta(days=days) for days in (-90, 0, 90)]
    found = events(replace(ITEM, ends_on=None, waves=waves))
    assert [one["day"] for one in found] == waves[1:]
    assert len({one["uid"] for one in found}) == 2
    assert {one["summary"] for one in found} == {"Sélection : Bénévole pour l'atelier du mardi"}


def test_a_json_feed_follows_version_1_1() -> None:
    feed = json.loads(feeds.json_feed([ITEM], home=HOME, address=ADDRESS))
    (item,) = feed.pop("items")
    assert feed == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Annonces de la médiation numérique",
        "home_page_url": HOME,
        "feed_url": ADDRESS,
        "language": "fr",
    }
    assert item == {
        "id": "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        "url": ITEM.page,
        "external_url": ITEM.lien,
        "title": ITEM.titre,
        "content_text": "Aider à déclarer ses impôts.\n\nCompétence : patience",
        "date_published": "2026-03-02T09:30:00+00:00",
        "date_modified": "2026-03-03T09:30:00+00:00",
        "authors": [{"name": "Asso du Rhône"}],
        "tags": ["skills_call", "patience"],
    }


def test_the_same_announcements_give_the_same_bytes() -> None:
    for items in ([], [ITEM]):
        for render in (feeds.atom, feeds.json_feed):
            first, second = (render(items, home=HOME, address=ADDRESS) for _ in range(2))
            assert first == second
        assert feeds.calendar(items, today=TODAY) == feeds.calendar(items, today=TODAY)


def test_an_author_without_a_name_is_the_portal() -> None:
    assert (
        entry(replace(ITEM, author="")).findtext("atom:author/atom:name", None, NS) == feeds.TITLE
    )
