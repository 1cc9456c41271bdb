"""Announcements: submitted over HTTP, decided by events, online until their last day."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from shared.database import now
from shared.events import Author
from shared.events.announcements import AnnouncementEndReached
from shared.events.moderation import (
    AnnouncementRefused,
    AnnouncementValidated,
    ApprovalReverted,
    Decision,
    ProposalWithdrawn,
)
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import bad_authorizations, refused
from tests.harness.rows import nothing_written, rows
from tests.harness.stories import Person
from tests.harness.system import token

PARIS = ZoneInfo("Europe/Paris")
MODERATOR = token("moderator", "moderator")
TODAY = now().astimezone(PARIS).date()
LAST_DAY = TODAY + dt.timedelta(days=30)
CALL = {
    "kind": "skills_call",
    "titre": "Bénévoles pour un atelier",
    "texte": "Deux heures par semaine.",
    "lien": "https://association.example.org/appel",
    "help_kind": "volunteering",
    "place": "Valence",
    "territoire": "departement:26",
    "ends_on": LAST_DAY.isoformat(),
}
FUNDING = {
    "kind": "funding_call",
    "titre": "Un bus numérique",
    "texte": "Pour aller de village en village.",
    "lien": "https://plateforme.example.org/bus",
    "platform": "Plateforme",
    "goal": 1000,
    "currency": "EUR",
    "ends_on": LAST_DAY.isoformat(),
}


def submit(system: System, body: Any, as_: str | None) -> httpx.Response:
    """Ask for a call to be relayed; bytes go as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return system.call(
        "POST", "announcements", "/announcements", as_=as_, content=content, headers=headers
    )


def a_link() -> str:
    """One that no other announcement has."""
    return f"https://association.example.org/{uuid4().hex}"


def submitted(system: System, person: Person, **values: Any) -> str:
    """A new announcement; its id."""
    call = FUNDING if values.get("kind") == "funding_call" else CALL
    answer = submit(system, {**call, "lien": a_link(), **values}, person.token)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/announcements/{answer.json()['id']}"
    return str(answer.json()["id"])


def said(announcement: str, kind: str = "announcement") -> dict[str, Any]:
    """What moderation says of a case that moves without a decision."""
    return {
        "case_id": announcement,
        "revision": 3,
        "kind": kind,
        "author": Author(account_id="somebody"),
        "title": CALL["titre"],
    }


def decided(
    announcement: str, reason: str | None = None, *, on_appeal: bool = False
) -> dict[str, Any]:
    """What moderation says of a case that it has decided."""
    return {
        "case_id": announcement,
        "revision": 2,
        "author": Author(account_id="somebody"),
        "title": CALL["titre"],
        "decision": Decision(
            how="moderator",
            by="account:moderator",
            at=now(),
            reason=reason,
            on_appeal=on_appeal,
        ),
    }


def online(system: System, query: str = "limit=100") -> list[str]:
    """The ids of the public list."""
    items = system.get("announcements", f"/announcements?{query}")["items"]
    return [item["id"] for item in items]


async def validated(system: System, person: Person, **values: Any) -> str:
    """An announcement that is online; its id."""
    announcement = submitted(system, person, **values)
    await tell(system, AnnouncementValidated(**decided(announcement)))
    path = f"/announcements/{announcement}"
    eventually(lambda: system.get("announcements", path)["state"] == "online")
    return announcement


async def test_from_its_submission_to_its_end(announcements: System) -> None:
    ana, stranger = Person("ana"), token("stranger", "user")
    announcement = submitted(announcements, ana)
    path = f"/announcements/{announcement}"
    for reader in (None, stranger):
        answer = announcements.call("GET", "announcements", path, as_=reader)
        refused(answer, 404, "announcement-not-found")
    for allowed in (ana.token, MODERATOR):
        assert announcements.get("announcements", path, as_=allowed)["state"] == "submitted"
    assert announcement not in online(announcements)

    await tell(announcements, AnnouncementValidated(**decided(announcement)))
    eventually(lambda: announcement in online(announcements))
    shown = announcements.get("announcements", path)
    assert (shown["author_name"], shown["revision"]) == (ana.id.title(), 2)
    assert not {"author", "account_id", "decision"} & shown.keys()
    [timer] = await rows(announcements, "announcements", "outbox", key=announcement, timer=True)
    assert timer["_id"] == f"announcement-end:{announcement}"
    midnight = dt.datetime.combine(LAST_DAY + dt.timedelta(days=1), dt.time(), PARIS)
    assert timer["due_at"] == midnight

    # a timer for a day that is no longer its last one says nothing
    other_day = AnnouncementEndReached(announcement_id=announcement, ends_on=TODAY)
    end = AnnouncementEndReached(announcement_id=announcement, ends_on=LAST_DAY)
    await tell(announcements, other_day, end, end)
    eventually(lambda: announcement not in online(announcements))
    assert announcements.get("announcements", path)["state"] == "expired"

    events = await published(announcements, "announcements", announcement, 6)
    ours = [one for one in events if one.type != "AnnouncementEndReached"]
    assert [one.type for one in ours] == [
        "AnnouncementSubmitted",
        "AnnouncementPublished",
        "AnnouncementEnded",
    ]
    submission, publication = ours[0].body, ours[1].body
    assert submission["lien"] == publication["lien"] == shown["lien"]
    assert submission["details"][:2] == ["Type : bénévolat", "Lieu : Valence"]
    assert submission["author"]["account_id"] == ana.id
    assert (publication["revision"], publication["ends_on"]) == (2, LAST_DAY.isoformat())
    [contact] = await published(announcements, "contacts", ana.id, 1)
    assert contact.body["email"] == ana.email
    assert "@" not in json.dumps([one.body for one in events])


async def test_a_refused_one_is_never_online(announcements: System) -> None:
    bea = Person("bea")
    announcement = submitted(announcements, bea)
    path = f"/announcements/{announcement}"
    await tell(announcements, AnnouncementRefused(**decided(announcement, "Hors sujet.")))

    def seen() -> Any:
        found = announcements.get("announcements", path, as_=bea.token)
        return found if found["state"] == "refused" else None

    assert eventually(seen)["refusal_reason"] == "Hors sujet."
    # what is decided stays decided
    other = submitted(announcements, bea)
    await tell(announcements, AnnouncementValidated(**decided(announcement)))
    await tell(announcements, AnnouncementRefused(**decided(announcement, "Autre motif.")))
    await tell(announcements, AnnouncementValidated(**decided(other)))
    eventually(lambda: other in online(announcements))
    assert seen()["refusal_reason"] == "Hors sujet."
    refused(announcements.call("GET", "announcements", path), 404, "announcement-not-found")


async def test_a_withdrawn_one_is_never_online(announcements: System) -> None:
    eli = Person("eli")
    announcement = submitted(announcements, eli)
    path = f"/announcements/{announcement}"
    withdrawn = ProposalWithdrawn(**said(announcement), withdrawn_at=now())
    other_kind = ProposalWithdrawn(**said(announcement, "news"), withdrawn_at=now())
    await tell(announcements, other_kind)
    assert announcements.get("announcements", path, as_=eli.token)["state"] == "submitted"
    await tell(announcements, withdrawn, withdrawn)
    await tell(announcements, AnnouncementValidated(**decided(announcement, on_appeal=True)))

    def state() -> Any:
        return announcements.get("announcements", path, as_=eli.token)["state"]

    eventually(lambda: state() == "withdrawn")
    await validated(announcements, eli)
    assert state() == "withdrawn"
    refused(announcements.call("GET", "announcements", path), 404, "announcement-not-found")


async def test_one_that_is_undone_is_offline_before_its_end(announcements: System) -> None:
    fay = Person("fay")
    announcement = await validated(announcements, fay)
    undone = {"by": "account:moderator", "reason": "Faux.", "reverted_at": now()}
    reverted = ApprovalReverted(**said(announcement), **undone)
    await tell(announcements, ApprovalReverted(**said(announcement, "edit"), **undone))
    assert announcement in online(announcements)
    await tell(announcements, reverted, reverted)
    eventually(lambda: announcement not in online(announcements))
    assert await rows(announcements, "announcements", "outbox", key=announcement, timer=True) == []
    events = await published(announcements, "announcements", announcement, 3)
    assert [one.type for one in events] == [
        "AnnouncementSubmitted",
        "AnnouncementPublished",
        "AnnouncementEnded",
    ]


async def test_an_appeal_puts_a_refused_one_online(announcements: System) -> None:
    gus = Person("gus")
    announcement = submitted(announcements, gus)
    granted = AnnouncementValidated(**decided(announcement, on_appeal=True))
    await tell(announcements, AnnouncementRefused(**decided(announcement, "Non.")))
    await tell(announcements, granted, granted)
    eventually(lambda: announcement in online(announcements))
    events = await published(announcements, "announcements", announcement, 2)
    assert [(one.type, one.body["revision"]) for one in events] == [
        ("AnnouncementSubmitted", 1),
        ("AnnouncementPublished", 3),
    ]
    [timer] = await rows(announcements, "announcements", "outbox", key=announcement, timer=True)
    assert timer["_id"] == f"announcement-end:{announcement}"


async def test_one_that_ends_today_is_online_today(announcements: System) -> None:
    announcement = await validated(announcements, Person("cleo"), ends_on=TODAY.isoformat())
    assert announcement in online(announcements)
    assert online(announcements)[0] == announcement


async def test_the_list_in_parts(announcements: System) -> None:
    dan = Person("dan")
    days = [LAST_DAY + dt.timedelta(days=n) for n in (3, 1, 2)]
    ids = [
        await validated(announcements, dan, kind="funding_call", ends_on=day.isoformat())
        for day in days
    ]
    soonest_first = [ids[1], ids[2], ids[0]]
    assert online(announcements, "kind=funding_call") == soonest_first

    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = announcements.get("announcements", f"/announcements?limit=2&after={after}")
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == online(announcements)
    assert len(seen) == len(set(seen))
    ends = {
        item["id"]: item["next_date"] or item["last_day"]
        for item in announcements.get("announcements", "/announcements")["items"]
    }
    assert [ends[one] for one in seen] == sorted(ends.values())


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"lien": "javascript:alert(1)"}, "lien", "value_error"),
        ({"lien": "https://"}, "lien", "value_error"),
        ({"lien": "https:///appel"}, "lien", "value_error"),
        ({"lien": "//association.example.org"}, "lien", "value_error"),
        ({"lien": "https://ada:secret@association.example.org"}, "lien", "value_error"),
        ({"lien": "https://association.example.org/\u202etxt"}, "lien", "value_error"),
        ({"lien": "https://association.example.org:99999"}, "lien", "value_error"),
        ({"lien": "http://127.0.0.1:8003/annonces/1"}, "lien", "value_error"),
        (
            {"contacts": [{"nom": "Ana", "site": "http://10.0.0.1/"}]},
            "contacts.0.site",
            "value_error",
        ),
        ({"lien": ""}, "lien", "string_too_short"),
        ({"lien": None}, "lien", "string_type"),
        ({"lien": ["https://association.example.org"]}, "lien", "string_type"),
        ({"lien": f"https://association.example.org/{'a' * 2000}"}, "lien", "string_too_long"),
        ({"ends_on": "2020-01-01"}, "ends_on", "past"),
        ({"ends_on": (TODAY - dt.timedelta(days=1)).isoformat()}, "ends_on", "past"),
        ({"ends_on": (TODAY + dt.timedelta(days=800)).isoformat()}, "ends_on", "too_far"),
        ({"ends_on": "9999-12-31"}, "ends_on", "too_far"),
        ({"ends_on": "demain"}, "ends_on", "value_error"),
        ({"ends_on": "2026-02-30"}, "ends_on", "date_from_datetime_parsing"),
        ({"ends_on": f"{LAST_DAY}T00:00:00"}, "ends_on", "value_error"),
        ({"ends_on": None}, "ends_on", "value_error"),
        ({"ends_on": 1893456000}, "ends_on", "value_error"),
        ({"kind": "autre"}, "kind", "literal_error"),
        ({"kind": 1}, "kind", "literal_error"),
        ({"titre": " "}, "titre", "string_too_short"),
        ({"titre": "é" * 141}, "titre", "string_too_long"),
        ({"titre": "a\0b"}, "titre", "value_error"),
        ({"texte": 5}, "texte", "string_type"),
        ({"texte": "é" * 5001}, "texte", "string_too_long"),
        ({"titre": "\ud800"}, "titre", "string_unicode"),
        ({"territoire": ""}, "territoire", "string_too_short"),
        ({"territoire": "Drôme"}, "territoire", "value_error"),
        ({"lien": "https://portail.example.org/annonces/1"}, "lien", "own_portal"),
        ({"goal": 100}, "goal", "extra_forbidden"),
        ({"help_kind": "aide"}, "help_kind", "literal_error"),
        ({"place": None}, "remote", "value_error"),
        ({"waves": [LAST_DAY.isoformat()]}, "ends_on", "value_error"),
        ({"ends_on": None, "waves": ["2020-01-01"]}, "waves", "past"),
        ({"ends_on": None, "waves": [str(LAST_DAY), str(TODAY)]}, "waves", "value_error"),
        ({"contacts": ["ana"]}, "contacts.0", "model_attributes_type"),
        (FUNDING | {"goal": -1}, "goal", "greater_than"),
        (FUNDING | {"goal": float("nan")}, "body", "not_a_number"),
        (b'{"kind": "skills_call", "kind": "funding_call"}', "body", "duplicate_key"),
        (FUNDING | {"raised": -1}, "raised", "greater_than_equal"),
        (FUNDING | {"currency": None}, "currency", "value_error"),
        ({"state": "online"}, "state", "extra_forbidden"),
        (b"", "body", "missing"),
        (b"{", "body", "json_invalid"),
        (b"[]", "body", "model_attributes_type"),
    ],
)
async def test_a_call_that_breaks_a_rule(
    announcements: System, body: Any, field: str, rule: str
) -> None:
    async with nothing_written(announcements, "announcements"):
        sent = body if isinstance(body, bytes) or "platform" in body else CALL | body
        answer = submit(announcements, sent, token("ada", "user", email="ada@courriel.example.org"))
    refused(answer, 422, "invalid-input", (field, rule))


@pytest.mark.parametrize("field", ["kind", "titre", "texte", "lien", "help_kind"])
async def test_a_call_that_lacks_something(announcements: System, field: str) -> None:
    body = {name: value for name, value in CALL.items() if name != field}
    async with nothing_written(announcements, "announcements"):
        answer = submit(announcements, body, MODERATOR)
    refused(answer, 422, "invalid-input", (field, "missing"))


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_call_over_one_megabyte(announcements: System, chunked: bool) -> None:
    body = json.dumps(CALL | {"texte": "é" * 1024 * 1024}).encode()
    async with nothing_written(announcements, "announcements"):
        answer = announcements.call(
            "POST",
            "announcements",
            "/announcements",
            as_=MODERATOR,
            content=iter([body[:1000], body[1000:]]) if chunked else body,
            headers={"Content-Type": "application/json"},
        )
    refused(answer, 413, "too-large")


@pytest.mark.parametrize("why", bad_authorizations())
async def test_nobody_gets_in_by_a_bad_token(announcements: System, why: str) -> None:
    authorization = bad_authorizations()[why]
    headers = {"Authorization": authorization} if authorization else {}
    async with nothing_written(announcements, "announcements"):
        answer = announcements.call(
            "POST", "announcements", "/announcements", json=CALL, headers=headers
        )
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] == "urn:mednum:problem:not-authenticated"
    # a bad token is no visitor
    one = announcements.call("GET", "announcements", "/announcements/x", headers=headers)
    assert one.status_code == (401 if authorization else 404)


@pytest.mark.parametrize("announcement", ["absent", "é", "a b", "%00", "x" * 3000])
def test_one_that_is_not_there(announcements: System, announcement: str) -> None:
    answer = announcements.call("GET", "announcements", f"/announcements/{announcement}")
    refused(answer, 404, "announcement-not-found")


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=101", "limit", "less_than_equal"),
        ("limit=tout", "limit", "int_parsing"),
        ("kind=autre", "kind", "literal_error"),
        ("territoire=Drôme", "territoire", "value_error"),
        ("closing_within=-1", "closing_within", "greater_than_equal"),
        (f"q={'x' * 201}", "q", "string_too_long"),
        (f"after={'x' * 101}", "after", "string_too_long"),
    ],
)
def test_the_list_has_bounds(announcements: System, query: str, field: str, rule: str) -> None:
    answer = announcements.call("GET", "announcements", f"/announcements?{query}")
    refused(answer, 422, "invalid-input", (field, rule))
