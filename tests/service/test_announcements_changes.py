"""Announcements after their first text: drafts, changes, better texts, waves, figures, one link."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from shared.database import now
from shared.events.announcements import AnnouncementEndReached
from shared.events.moderation import AnnouncementRefused, AnnouncementValidated, ApprovalReverted
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import refused
from tests.harness.rows import database, nothing_written, rows
from tests.harness.stories import Person
from tests.service.test_announcements import (
    CALL,
    FUNDING,
    LAST_DAY,
    MODERATOR,
    TODAY,
    a_link,
    decided,
    online,
    said,
    submit,
    submitted,
    validated,
)


def act(
    system: System, method: str, path: str, as_: str | None, body: Any = None, **params: Any
) -> Any:
    """What an act on an announcement answers."""
    return system.call(
        method, "announcements", f"/announcements/{path}", as_=as_, json=body, params=params
    )


def seen(system: System, announcement: str, as_: str | None = None) -> Any:
    """An announcement's page."""
    return system.get("announcements", f"/announcements/{announcement}", as_=as_)


def ok(answer: Any) -> Any:
    """The announcement that an act gives back."""
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def types(system: System, announcement: str, count: int) -> list[str]:
    """The events of an announcement, once there are so many."""
    return [one.type for one in await published(system, "announcements", announcement, count)]


async def test_a_draft_is_its_authors_until_it_is_sent(announcements: System) -> None:
    ana = Person("ana")
    body = CALL | {"lien": a_link()}
    answer = announcements.call(
        "POST", "announcements", "/announcements?draft=true", as_=ana.token, json=body
    )
    draft = ok(answer)["id"]
    refused(act(announcements, "GET", draft, MODERATOR), 404, "announcement-not-found")
    again = ok(act(announcements, "PUT", draft, ana.token, body | {"titre": "Mieux"}))
    assert (again["state"], again["titre"], again["texts"]) == ("draft", "Mieux", [])
    # a draft holds no link
    bob = Person("bob")
    other = submitted(announcements, bob, lien=body["lien"])
    body = refused(
        act(announcements, "POST", f"{draft}/submit", ana.token), 409, "announcement-duplicate"
    )
    assert "en attente" in body["detail"]
    # moderators decide on cases: there is a reason, a mail and a trace
    refused(act(announcements, "POST", f"{other}/withdraw", MODERATOR), 403, "undo-its-approval")
    ok(act(announcements, "POST", f"{other}/withdraw", bob.token))
    assert ok(act(announcements, "POST", f"{draft}/submit", ana.token))["state"] == "submitted"
    refused(act(announcements, "POST", f"{draft}/submit", ana.token), 409, "announcement-state")
    [event] = await published(announcements, "announcements", draft, 1)
    assert (event.body["titre"], event.body["submission_id"]) == ("Mieux", None)


async def test_a_change_waits_while_the_old_text_stays(announcements: System) -> None:
    bea = Person("bea")
    link = a_link()
    one = await validated(announcements, bea, lien=link)
    text = CALL | {"lien": link, "titre": "Autre titre"}
    refused(act(announcements, "PUT", one, Person("eve").token, text), 403, "not-allowed")
    refused(
        act(announcements, "PUT", one, bea.token, text, revision=1), 409, "announcement-changed"
    )
    pending = ok(act(announcements, "PUT", one, bea.token, text, revision=2))
    assert (pending["titre"], pending["pending"]["call"]["titre"]) == (
        CALL["titre"], "Autre titre"
    )  # fmt: skip
    public = seen(announcements, one)
    assert (public["titre"], public["pending"], public["texts"]) == (CALL["titre"], None, [])
    first = pending["pending"]["case_id"]

    await tell(announcements, AnnouncementRefused(**decided(first, "Trop vague.")))
    eventually(lambda: seen(announcements, one, bea.token)["refusal_reason"] == "Trop vague.")
    public = seen(announcements, one)
    assert (public["state"], public["refusal_reason"]) == ("online", None)

    pending = ok(act(announcements, "PUT", one, bea.token, text | {"texte": "Précis."}))
    second = pending["pending"]["case_id"]
    better = text | {"texte": "Précis et relu."}
    refused(
        act(announcements, "POST", f"{one}/improvements", bea.token, better), 403, "not-allowed"
    )
    improved = ok(act(announcements, "POST", f"{one}/improvements", MODERATOR, better))
    assert improved["pending"]["revision"] == 2
    event = AnnouncementValidated(**decided(second), proposal_revision=2)
    await tell(announcements, event, event)
    eventually(lambda: seen(announcements, one)["texte"] == "Précis et relu.")

    undone = {"by": "account:moderator", "reason": "Faux.", "reverted_at": now()}
    await tell(announcements, ApprovalReverted(**said(second), **undone))
    eventually(lambda: seen(announcements, one)["titre"] == CALL["titre"])
    events = await published(announcements, "announcements", one, 7)
    assert [event.type for event in events] == [
        "AnnouncementSubmitted",
        "AnnouncementPublished",
        "AnnouncementSubmitted",
        "AnnouncementSubmitted",
        "AnnouncementImproved",
        "AnnouncementUpdated",
        "AnnouncementUpdated",
    ]
    assert [event.body["replaces"] for event in events[2:4]] == [None, first]
    refused(
        act(announcements, "POST", f"{one}/improvements", MODERATOR, better),
        409,
        "no-text-waiting",
    )


async def test_figures_need_no_review(announcements: System) -> None:
    cid = Person("cid")
    link = a_link()
    one = await validated(announcements, cid, kind="funding_call", lien=link)
    figures = {"raised": 250, "supporters": 12}
    shown = ok(act(announcements, "PUT", f"{one}/progress", cid.token, figures))
    assert (shown["percent"], shown["pending"]) == (25, None)
    body = FUNDING | {"lien": link, "raised": 500, "supporters": 20}
    assert ok(act(announcements, "PUT", one, cid.token, body))["percent"] == 50
    assert (await types(announcements, one, 4))[2:] == ["AnnouncementProgressed"] * 2
    for bad, rule in ((-1, "greater_than_equal"), (None, "int_type"), ("5", "int_type")):
        answer = act(announcements, "PUT", f"{one}/progress", cid.token, {"raised": bad})
        refused(answer, 422, "invalid-input", ("raised", rule))
    skills = submitted(announcements, cid)
    answer = act(announcements, "PUT", f"{skills}/progress", cid.token, figures)
    refused(answer, 422, "invalid-input", ("raised", "foreign_field"))
    answer = act(announcements, "PUT", skills, cid.token, FUNDING)
    refused(answer, 422, "invalid-input", ("kind", "kind_changed"))


async def test_a_rolling_call_goes_from_date_to_date(announcements: System) -> None:
    days = [TODAY + dt.timedelta(days=90 * number) for number in (1, 2, 3)]
    dan = Person("dan")
    waves = [day.isoformat() for day in days]
    one = await validated(announcements, dan, ends_on=None, waves=waves)
    assert seen(announcements, one)["next_date"] == waves[0]
    timer = AnnouncementEndReached(announcement_id=one, ends_on=days[0])
    await tell(announcements, timer, timer)

    async def due() -> Any:
        [row] = await rows(announcements, "announcements", "outbox", key=one, timer=True)
        return row["due_at"].date()

    # what we told is there too
    events = await published(announcements, "announcements", one, 6)
    opened = [event.body for event in events if event.type == "AnnouncementWaveOpened"]
    assert [(event["date"], event["remaining"]) for event in opened] == [
        (waves[0], 2), (waves[1], 1)
    ]  # fmt: skip
    assert await due() in (days[1], days[1] + dt.timedelta(days=1))
    last = [AnnouncementEndReached(announcement_id=one, ends_on=day) for day in days[1:]]
    await tell(announcements, *last)
    eventually(lambda: seen(announcements, one)["state"] == "closed")
    shown = seen(announcements, one)
    assert (shown["ended_why"], shown["next_date"], shown["days_left"]) == ("closed", None, None)


async def test_a_date_that_nobody_said_is_over_hides_nothing(announcements: System) -> None:
    eve = Person("eve")
    yesterday, later = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=40)
    waves = [(TODAY + dt.timedelta(days=1)).isoformat(), later.isoformat()]
    skill = uuid4().hex
    one = await validated(announcements, eve, ends_on=None, waves=waves, skills=[skill])
    # as if its first date had been yesterday, and its timer had not fired yet
    past = {"call.waves": [yesterday.isoformat(), waves[1]], "until": yesterday.isoformat()}
    async with database(announcements, "announcements") as there:
        moved = {"$set": {**past, "place": f"{yesterday}:{one}"}}
        await there.plain("announcements").update_one({"_id": one}, moved)
    for query in (f"skill={skill}", f"skill={skill}&closing_within=40", "limit=100"):
        assert one in online(announcements, query), query
    assert one not in online(announcements, f"skill={skill}&closing_within=39")
    shown = seen(announcements, one)
    assert (shown["next_date"], shown["days_left"]) == (waves[1], 40)
    for form in ("atom", "json", "ics"):
        feed = announcements.call("GET", "announcements", f"/announcements.{form}?skill={skill}")
        assert one[:8] in feed.text, form


async def test_one_link_is_one_announcement_whoever_is_quicker(announcements: System) -> None:
    link = a_link()
    same = [f"{link}?utm_source=x", link.replace("https://a", "HTTP://A"), f"{link}/#suite"]
    people = [Person(f"p{number}") for number in range(6)]

    def ask(number: int) -> Any:
        body = CALL | {"lien": same[number % len(same)]}
        return submit(announcements, body, people[number].token)

    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(ask, range(len(people))))
    assert sorted(one.status_code for one in answers) == [201] + [409] * 5, [
        one.text for one in answers
    ]
    [first] = [one.json()["id"] for one in answers if one.status_code == 201]
    # nobody is told of one that is not public
    assert all("announcement" not in one.json() for one in answers if one.status_code == 409)
    await tell(announcements, AnnouncementValidated(**decided(first)))
    eventually(lambda: first in online(announcements))
    async with nothing_written(announcements, "announcements"):
        body = refused(ask(0), 409, "announcement-duplicate")
    assert f"« {CALL['titre']} »" in body["detail"]
    assert body["announcement"] == first
    author = people[[one.status_code for one in answers].index(201)]
    ok(act(announcements, "POST", f"{first}/close", author.token))
    assert ok(ask(0))["state"] == "submitted"


@pytest.mark.parametrize("verb", ["withdraw", "close"])
async def test_its_author_ends_it(announcements: System, verb: str) -> None:
    fay = Person("fay")
    link = a_link()
    one = await validated(announcements, fay, lien=link)
    ok(act(announcements, "PUT", one, fay.token, CALL | {"lien": link, "titre": "Autre"}))
    refused(act(announcements, "POST", f"{one}/{verb}", Person("eve").token), 403, "not-allowed")
    for _ in range(2):
        ok(act(announcements, "POST", f"{one}/{verb}", fay.token))
    assert one not in online(announcements)
    assert await rows(announcements, "announcements", "outbox", key=one, timer=True) == []
    assert await rows(announcements, "announcements", "links", announcement_id=one) == []
    assert await types(announcements, one, 5) == [
        "AnnouncementSubmitted",
        "AnnouncementPublished",
        "AnnouncementSubmitted",
        "AnnouncementWithdrawn",
        "AnnouncementEnded",
    ]
    # it begins anew, without being typed again
    again = ok(act(announcements, "PUT", one, fay.token, CALL | {"lien": link}))
    assert (again["state"], again["published_at"]) == ("submitted", None)


async def test_contacts_are_on_the_page_and_in_no_event(announcements: System) -> None:
    gus = Person("gus")
    contacts = [{"nom": "Gus", "courriel": "gus@association.example.org"}]
    one = await validated(announcements, gus, contacts=contacts)
    assert seen(announcements, one)["contacts"][0]["courriel"] == contacts[0]["courriel"]
    listed = announcements.get("announcements", "/announcements")["items"]
    assert all("contacts" not in item for item in listed)
    for event in await published(announcements, "announcements", one, 2):
        assert "@" not in str(event.body)


async def test_words_places_and_dates_find_it(announcements: System) -> None:
    hal = Person("hal")
    mark = f"zeppelin{a_link()[-8:]}"
    one = await validated(
        announcements,
        hal,
        titre=f"Bénévoles {mark}",
        skills=["Réseaux"],
        territoire="commune:26362",
        ends_on=(TODAY + dt.timedelta(days=5)).isoformat(),
    )
    two = await validated(announcements, hal, titre=f"Ateliers {mark}", territoire="region:84")
    for query, found in {
        "": [one, two],
        "&territoire=departement:26": [one, two],
        "&territoire=commune:26362": [one, two],
        "&territoire=departement:69": [two],
        "&territoire=region:93": [],
        "&skill=reseau": [one],
        "&closing_within=5": [one],
        "&closing_within=4": [],
        "&help_kind=volunteering": [one, two],
        "&remote=true": [],
        "&kind=funding_call": [],
    }.items():
        assert online(announcements, f"q={mark}{query}") == found, query
    assert online(announcements, f"q=BENEVOLE {mark[:-2]}") == [one]
    page = announcements.get("announcements", f"/announcements?q={mark}&limit=1")
    assert [item["id"] for item in page["items"]] == [one]
    rest = announcements.get("announcements", f"/announcements?q={mark}&after={page['next']}")
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([two], None)


async def test_ones_own_in_every_state(announcements: System) -> None:
    ida = Person("ida")
    first = submitted(announcements, ida)
    second = await validated(announcements, ida)
    path = "/announcements/mine"
    items = announcements.get("announcements", path, as_=ida.token)["items"]
    assert [item["id"] for item in items] == [second, first]
    waiting = announcements.get("announcements", f"{path}?state=submitted", as_=ida.token)["items"]
    assert [item["id"] for item in waiting] == [first]
    refused(announcements.call("GET", "announcements", path), 401, "not-authenticated")
    for reader, status, kind in ((None, 401, "not-authenticated"), (ida.token, 403, "not-allowed")):
        answer = announcements.call(
            "GET", "announcements", "/announcements?state=submitted", as_=reader
        )
        refused(answer, status, kind)
    listed = announcements.get("announcements", "/announcements?state=submitted", as_=MODERATOR)
    assert first in [item["id"] for item in listed["items"]]
    assert LAST_DAY.isoformat() == items[0]["last_day"]
