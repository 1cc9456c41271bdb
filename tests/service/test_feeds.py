"""The feeds of what is online: the list's filters, conditional requests, hostile titles."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import pytest
from icalendar import Calendar

from services.announcements.domain.calls import today
from shared.database import now
from shared.events import Author
from shared.events.moderation import AnnouncementValidated, ApprovalReverted, Decision
from tests.harness import System, eventually
from tests.harness.bus import tell
from tests.harness.refusals import refused
from tests.harness.stories import Person

NS = {"atom": "http://www.w3.org/2005/Atom"}
MEDIA = {
    "atom": "application/atom+xml",
    "json": "application/feed+json",
    "ics": "text/calendar; charset=utf-8",
}
HOSTILE = '<script>alert("1")</script> ]]> & ; , \\n'

each_form = pytest.mark.parametrize("form", MEDIA)


def feed(system: System, form: str, query: str, **options: Any) -> httpx.Response:
    method = options.pop("method", "GET")
    path = f"/announcements.{form}?{query}"
    return system.call(method, "announcements", path, **options)


async def online(system: System, **values: Any) -> tuple[str, str]:
    """A skills call that is online; its id, and the skill by which only it is found."""
    skill = f"s{uuid4().hex}"
    if "waves" not in values:
        values["ends_on"] = (today(now()) + dt.timedelta(days=20)).isoformat()
    call = {
        "kind": "skills_call",
        "titre": HOSTILE,
        "texte": "Une ligne.\nUne autre.",
        "lien": f"https://association.example.org/{skill}",
        "help_kind": "volunteering",
        "remote": True,
        "skills": [skill],
        **values,
    }
    ana = Person("ana")
    path = "/announcements"
    announcement: str = system.post("announcements", path, call, as_=ana.token)["id"]
    decision = Decision(how="moderator", by="account:moderator", at=now())
    validated = AnnouncementValidated(
        case_id=announcement,
        revision=2,
        author=Author(account_id="somebody"),
        title=HOSTILE,
        decision=decision,
    )
    await tell(system, validated)
    answered = f"{path}/{announcement}"
    eventually(lambda: system.get("announcements", answered, as_=ana.token)["state"] == "online")
    return announcement, skill


def entries(answer: httpx.Response) -> list[ElementTree.Element]:
    return ElementTree.fromstring(answer.content).findall("atom:entry", NS)  # noqa: S314


async def test_what_is_online_is_in_each_feed(announcements: System) -> None:
    announcement, skill = await online(announcements, structure="Asso du Rhône")
    urn = f"urn:uuid:{announcement[:8]}-{announcement[8:12]}-"
    page = f"/announcements/{announcement}"

    (entry,) = entries(feed(announcements, "atom", f"skill={skill}"))
    assert (entry.findtext("atom:id", "", NS)).startswith(urn)
    assert entry.findtext("atom:title", None, NS) == HOSTILE
    assert entry.findtext("atom:author/atom:name", None, NS) == "Asso du Rhône"
    assert list(entry.find("atom:content", NS) or []) == []
    links = [link.get("href", "") for link in entry.findall("atom:link", NS)]
    assert links[0].endswith(page)
    assert links[1] == f"https://association.example.org/{skill}"

    (item,) = feed(announcements, "json", f"skill={skill}").json()["items"]
    assert item["title"] == HOSTILE
    assert item["url"] == links[0]
    assert item["external_url"] == links[1]
    assert item["tags"] == ["Appel à compétences", skill]
    terms = [category.get("term") for category in entry.findall("atom:category", NS)]
    assert terms == ["Appel à compétences", skill]

    answer = feed(announcements, "ics", f"skill={skill}")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event["summary"] == f"Clôture : {HOSTILE}"
    assert f"\r\nCATEGORIES:Appel à compétences,{skill}\r\n" in answer.text
    assert str(event["url"]) == links[0]
    assert event.decoded("dtstart") == today(now()) + dt.timedelta(days=20)


async def test_each_selection_date_is_in_the_calendar(announcements: System) -> None:
    waves = [today(now()) + dt.timedelta(days=days) for days in (10, 100)]
    _, skill = await online(announcements, waves=[wave.isoformat() for wave in waves])
    answer = feed(announcements, "ics", f"skill={skill}")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert sorted(event.decoded("dtstart") for event in events) == waves
    assert {str(event["summary"]) for event in events} == {f"Sélection : {HOSTILE}"}


async def test_filters_are_the_lists(announcements: System) -> None:
    _, skill = await online(announcements)
    for query, count in (
        ("kind=skills_call", 1),
        ("kind=funding_call", 0),
        ("help_kind=job", 0),
        ("closing_within=20", 1),
        ("closing_within=19", 0),
        ("remote=false", 0),
    ):
        answer = feed(announcements, "atom", f"skill={skill}&{query}")
        assert len(entries(answer)) == count, query


@each_form
async def test_a_venue_has_its_own_feed(announcements: System, form: str) -> None:
    venue = uuid4().hex
    announcement, _ = await online(announcements, venue_id=venue)
    other, _ = await online(announcements)
    text = feed(announcements, form, f"venue_id={venue}").text
    assert announcement[:8] in text
    assert other[:8] not in text
    assert announcement[:8] not in feed(announcements, form, "venue_id=absent").text


@each_form
async def test_a_feed_is_what_is_online_only(announcements: System, form: str) -> None:
    answer = feed(announcements, form, "state=draft")
    refused(answer, 422, "invalid-input", ("state", "literal_error"))
    answer = feed(announcements, form, "kind=lottery")
    refused(answer, 422, "invalid-input", ("kind", "literal_error"))


@each_form
async def test_an_unchanged_feed_is_not_sent_again(announcements: System, form: str) -> None:
    announcement, skill = await online(announcements)
    query = f"skill={skill}"
    first = feed(announcements, form, query)
    assert first.status_code == 200
    assert first.headers["content-type"] == MEDIA[form]
    assert first.headers["cache-control"] == "public, max-age=300"
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = feed(announcements, form, query, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b""), known
        assert again.headers["etag"] == etag
    other = {"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]}
    assert feed(announcements, form, query, headers=other).status_code == 200
    for since, status in (
        ("Fri, 01 Jan 2100 00:00:00 GMT", 304),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("hier", 200),
    ):
        again = feed(announcements, form, query, headers={"If-Modified-Since": since})
        assert again.status_code == status, since

    reverted = ApprovalReverted(
        case_id=announcement,
        revision=3,
        kind="announcement",
        author=Author(account_id="somebody"),
        title=HOSTILE,
        by="account:moderator",
        reason="Erreur",
        reverted_at=now(),
    )
    await tell(announcements, reverted)
    emptied = eventually(
        lambda: _changed(feed(announcements, form, query, headers={"If-None-Match": etag}))
    )
    assert HOSTILE not in emptied.text
    assert announcement not in emptied.text


def _changed(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 200
    return answer


@each_form
async def test_head_says_the_same_without_a_body(announcements: System, form: str) -> None:
    _, skill = await online(announcements)
    whole, head = (
        feed(announcements, form, f"skill={skill}", method=method) for method in ("GET", "HEAD")
    )
    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-type", "content-length"):
        assert head.headers[name] == whole.headers[name]


async def test_a_feed_does_not_repeat_the_host_it_was_asked_at(announcements: System) -> None:
    headers = {"Host": "mal.example.org"}
    answer = feed(announcements, "json", "q=rien", headers=headers)
    assert "mal.example.org" not in answer.text
    assert json.loads(answer.text)["feed_url"].endswith("/announcements.json?q=rien")


async def test_an_empty_feed_is_a_feed(announcements: System) -> None:
    query = f"skill={uuid4().hex}"
    assert entries(feed(announcements, "atom", query)) == []
    assert feed(announcements, "json", query).json()["items"] == []
    assert Calendar.from_ical(feed(announcements, "ics", query).content).walk("VEVENT") == []
