"""Moderation: proposals come in as events, people decide over HTTP, decisions go out as events."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import pytest

from shared.database import now
from shared.events import FieldChange
from shared.events.contacts import AddressesProposed, ContactErased
from shared.events.directory import EditProposed
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.cases import (
    BROWSER,
    MODERATOR,
    PROGRAM,
    a_news,
    an_announcement,
    an_edit,
    decide,
    decision,
    fill_in,
    found,
    link,
    managed,
    opened,
    opine,
    somebody,
    timers,
    types,
)
from tests.harness.refusals import bad_authorizations, refused, refused_on_a_page
from tests.harness.rows import nothing_written
from tests.harness.system import token


async def test_an_edit_opens_a_case(moderation: System) -> None:
    edit = await opened(moderation)
    case = found(moderation, edit.proposal_id)
    assert (case["kind"], case["state"], case["title"]) == ("edit", "open", "Médiathèque")
    assert case["venue_id"] == edit.venue_id
    assert (case["text"], case["decision"]) == ("Vu sur place.", None)
    assert [change["field"] for change in case["changes"]] == ["horaires", "nom"]
    week = dt.datetime.fromisoformat(case["deadline"]) - edit.proposed_at
    assert week == dt.timedelta(days=7)
    waiting = moderation.get("moderation", "/cases?limit=200", as_=MODERATOR)["items"]
    assert edit.proposal_id in [one["id"] for one in waiting]

    [review] = await published(moderation, "moderation", edit.proposal_id, 1)
    assert review.type == "ReviewOpened"
    assert review.headers["ce_source"] == "/mednum/moderation"
    assert review.body["author"] == edit.author.model_dump()
    assert (review.body["public_addresses"], review.body["for_moderators"]) == (0, True)
    due = await timers(moderation, edit.proposal_id)
    assert {name: at - edit.proposed_at for name, at in due.items()} == {
        f"review-deadline:{edit.proposal_id}": dt.timedelta(days=7),
        f"review-reminder:{edit.proposal_id}:1": dt.timedelta(days=3),
        f"review-reminder:{edit.proposal_id}:2": dt.timedelta(days=6),
    }


async def test_a_moderator_accepts_in_part(moderation: System) -> None:
    edit = await opened(moderation)
    body = {"fields": ["horaires"], "reason": "  Le nom est celui de la façade. "}
    case = decide(moderation, edit.proposal_id, "approve", body).json()
    assert (case["state"], case["approved_fields"]) == ("partly_approved", ["horaires"])

    event = await decision(moderation, edit.proposal_id)
    assert (event.type, event.body["venue_id"]) == ("EditApproved", edit.venue_id)
    assert (event.body["fields"], event.body["refused_fields"]) == (["horaires"], ["nom"])
    decided = event.body["decision"]
    assert (decided["how"], decided["by"]) == ("moderator", "account:moderator")
    assert decided["reason"] == "Le nom est celui de la façade."
    assert dt.datetime.fromisoformat(decided["at"]) >= edit.proposed_at
    assert list(await timers(moderation, edit.proposal_id)) == [f"appeal-window:{edit.proposal_id}"]


async def test_a_manager_refuses_by_the_link(moderation: System) -> None:
    edit = await opened(moderation, public_addresses=1)
    path = link(edit.proposal_id, f"venue:{edit.venue_id}")
    page = moderation.call("GET", "moderation", f"{path}?choix=refuser", headers=BROWSER)
    assert page.status_code == 200
    assert "Mo-Sa 10:00-18:00" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert found(moderation, edit.proposal_id)["state"] == "open"

    answer = fill_in(moderation, path, {"choix": "refuser", "motif": "Rien n'a changé."})
    assert answer.status_code == 200, answer.text
    event = await decision(moderation, edit.proposal_id)
    assert event.type == "EditRefused"
    decided = event.body["decision"]
    assert (decided["how"], decided["by"]) == ("manager", f"venue:{edit.venue_id}")
    assert decided["reason"] == "Rien n'a changé."


async def test_silence_accepts_what_came_too_late(moderation: System) -> None:
    edit = an_edit(proposed_at=now() - dt.timedelta(days=8))
    await tell(moderation, edit)
    path = f"/cases/{edit.proposal_id}"
    eventually(lambda: moderation.get("moderation", path, as_=MODERATOR)["state"] == "approved")
    decided = found(moderation, edit.proposal_id)["decision"]
    assert (decided["how"], decided["by"]) == ("silence", None)
    assert dt.datetime.fromisoformat(decided["at"]) == edit.proposed_at + dt.timedelta(days=7)
    assert await types(moderation, edit.proposal_id) == ["ReviewOpened", "EditApproved"]
    assert await timers(moderation, edit.proposal_id) == {}


async def test_news_and_a_managers_own_word(moderation: System) -> None:
    news = a_news()
    own = an_edit(author_is_manager=True)
    await tell(moderation, news, own)
    case = found(moderation, news.proposal_id)
    assert (case["kind"], case["link"]) == ("news", "https://lieu.example.org/atelier")
    assert "Apprendre à scanner." in case["text"]
    decide(moderation, news.proposal_id, "approve", {})
    assert (await decision(moderation, news.proposal_id)).type == "NewsApproved"

    [approved] = await published(moderation, "moderation", own.proposal_id, 1)
    assert approved.type == "EditApproved"
    assert approved.body["fields"] == ["horaires", "nom"]
    assert approved.body["decision"]["by"] == f"account:{own.author.account_id}"


async def test_announcements_are_for_moderators(moderation: System) -> None:
    announcement = an_announcement()
    case, author = announcement.announcement_id, announcement.author.account_id
    await tell(moderation, announcement)
    assert found(moderation, case)["deadline"] is None
    assert await timers(moderation, case) == {}

    stranger = token("bo", "partner")
    refused(decide(moderation, case, "approve", {}, token(author, "user")), 403, "not-a-decider")
    own = decide(moderation, case, "approve", {}, token(author, "moderator"))
    refused(own, 403, "own-proposal")
    refused(decide(moderation, case, "approve", {}, stranger), 404, "case-not-found")
    refused(
        fill_in(moderation, link(case, "venue:x"), {"choix": "accepter"}, PROGRAM),
        403,
        "not-a-decider",
    )

    assert decide(moderation, case, "refuse", {"reason": "Hors sujet."}).status_code == 200
    event = await decision(moderation, case)
    assert event.type == "AnnouncementRefused"
    assert event.body["decision"]["reason"] == "Hors sujet."


async def test_nobody_decides_alone(moderation: System) -> None:
    edit = await opened(moderation)
    author = token(edit.author.account_id, "moderator")
    async with nothing_written(moderation, "moderation"):
        answer = decide(moderation, edit.proposal_id, "approve", {}, author)
        refused(answer, 403, "own-proposal")
        refusal = decide(moderation, edit.proposal_id, "refuse", {"reason": "non"}, author)
        refused(refusal, 403, "own-proposal")
    there = found(moderation, edit.proposal_id, author)
    assert (there["state"], there["your_role"], there["you_may_decide"]) == (
        "open",
        "author",
        False,
    )
    own = moderation.get("moderation", f"/cases?venue_id={edit.venue_id}", as_=author)["items"]
    assert [one["id"] for one in own] == [edit.proposal_id]


async def test_managers_come_and_go(moderation: System) -> None:
    edit = await opened(moderation)
    venue, case = edit.venue_id, edit.proposal_id
    ada, bo = token("ada-m", "user"), token("bo-m", "user")
    assert found(moderation, case, ada)["your_role"] == "reader"
    assert moderation.get("moderation", "/cases", as_=ada)["items"] == []
    await managed(moderation, venue, 1, "ada-m", "bo-m")

    assert found(moderation, case, ada)["your_role"] == "manager"
    listed = moderation.get("moderation", "/cases", as_=ada)["items"]
    assert case in [one["id"] for one in listed]
    by_link = link(case, "account:bo-m")
    assert moderation.call("GET", "moderation", by_link).status_code == 200

    await managed(moderation, venue, 2, "ada-m")
    # what is older than what is known says nothing
    await managed(moderation, venue, 1, "bo-m")
    refused(moderation.call("GET", "moderation", by_link), 403, "not-a-decider")
    async with nothing_written(moderation, "moderation"):
        refused(fill_in(moderation, by_link, {"choix": "accepter"}, PROGRAM), 403, "not-a-decider")
        refused(decide(moderation, case, "approve", {}, bo), 403, "not-a-decider")
    assert found(moderation, case, bo)["your_role"] == "reader"
    assert moderation.get("moderation", "/cases", as_=bo)["items"] == []

    assert decide(moderation, case, "approve", {}, ada).status_code == 200
    assert (await decision(moderation, case)).body["decision"]["by"] == "account:ada-m"
    decided = moderation.get("moderation", "/cases?state=decided", as_=ada)["items"]
    assert [one["id"] for one in decided] == [case]


async def test_addresses_are_shown_while_they_are_kept(moderation: System) -> None:
    case = uuid4().hex
    proposed = AddressesProposed(
        proposal_id=case, old=["a@lieu.example.org"], new=["b@lieu.example.org"]
    )
    withheld = FieldChange(field="courriels", withheld=True)
    await opened(moderation, proposed, proposal_id=case, changes=[withheld])

    def shown() -> Any:
        [change] = found(moderation, case)["changes"]
        return change["old"], change["new"], change["withheld"]

    eventually(lambda: shown() == (["a@lieu.example.org"], ["b@lieu.example.org"], False))
    [event] = await published(moderation, "moderation", case, 1)
    assert "@" not in json.dumps(event.body)
    await tell(moderation, ContactErased(contact=f"proposal:{case}"))
    eventually(lambda: shown() == (None, None, True))


@pytest.fixture
async def edit(moderation: System) -> EditProposed:
    """An open case that a refused request is about."""
    return await opened(moderation)


async def test_bodies_that_decide_nothing(moderation: System, edit: EditProposed) -> None:
    bodies: list[tuple[str, Any, str, str]] = [
        ("approve", {"fields": ["horaires", "couleur"]}, "fields", "unknown_field"),
        ("approve", {"fields": []}, "fields", "too_short"),
        ("approve", {"fields": ["nom"] * 33}, "fields", "too_long"),
        ("approve", {"fields": "nom"}, "fields", "list_type"),
        ("approve", {"fields": [5]}, "fields.0", "string_type"),
        ("approve", {"couleur": "bleu"}, "couleur", "extra_forbidden"),
        ("approve", {"reason": "é" * 2001}, "reason", "string_too_long"),
        ("approve", {"revision": 0}, "revision", "greater_than_equal"),
        ("approve", {"revision": "deux"}, "revision", "int_parsing"),
        ("approve", {"motive": "bof"}, "motive", "literal_error"),
        ("approve", b"{}", "revision", "missing"),
        ("approve", b"", "body", "missing"),
        ("approve", b"{", "body", "json_invalid"),
        ("approve", b'{"revision": 1, "revision": 2}', "body", "duplicate_key"),
        ("refuse", {}, "reason", "missing"),
        ("refuse", {"reason": ""}, "reason", "missing"),
        ("refuse", {"reason": " \n"}, "reason", "missing"),
        ("refuse", {"motive": "bof"}, "motive", "literal_error"),
        ("refuse", {"reason": ["non"]}, "reason", "string_type"),
        ("refuse", {"reason": "non", "fields": ["nom"]}, "fields", "extra_forbidden"),
    ]
    for verdict, body, field, rule in bodies:
        async with nothing_written(moderation, "moderation"):
            answer = decide(moderation, edit.proposal_id, verdict, body)
        refused(answer, 422, "invalid-input", (field, rule))


async def test_half_a_character(moderation: System, edit: EditProposed) -> None:
    for verdict, body in (("approve", {"fields": ["\ud800"]}), ("refuse", {"reason": "\ud800"})):
        async with nothing_written(moderation, "moderation"):
            answer = decide(moderation, edit.proposal_id, verdict, body)
        refused(answer, 422, "invalid-input")


async def test_nothing_is_decided_twice(moderation: System, edit: EditProposed) -> None:
    case, path = edit.proposal_id, link(edit.proposal_id, f"venue:{edit.venue_id}")
    assert decide(moderation, case, "refuse", {"reason": "Non."}).status_code == 200
    async with nothing_written(moderation, "moderation"):
        again = refused(decide(moderation, case, "approve", {}), 409, "already-decided")
        refused(decide(moderation, case, "refuse", {"reason": "Non."}), 409, "already-decided")
        form = {"choix": "accepter", "champs": ["nom"]}
        refused(fill_in(moderation, path, form, PROGRAM), 409, "already-decided")
        refused_on_a_page(fill_in(moderation, path, form), 409, "Une décision a déjà été prise")
    assert (again["how"], again["state"]) == ("moderator", "refused")
    page = moderation.call("GET", "moderation", path, headers=BROWSER)
    assert "refusée" in page.text
    assert 'name="version"' not in page.text


async def test_strangers_read_open_edits_without_what_is_said_inside(moderation: System) -> None:
    case, objector = uuid4().hex, somebody("bo")
    proposed = AddressesProposed(
        proposal_id=case, old=["a@lieu.example.org"], new=["b@lieu.example.org"]
    )
    withheld = FieldChange(field="courriels", withheld=True)
    await opened(moderation, proposed, proposal_id=case, changes=[withheld])
    eventually(lambda: found(moderation, case)["changes"][0]["new"])
    assert opine(moderation, case, "object", objector, "C'est faux.").status_code == 200

    for reader in (somebody(), token("new", "user")):
        there = found(moderation, case, reader)
        assert (there["your_role"], there["you_may_decide"]) == ("reader", False)
        assert (there["contested"], there["opinions"]["object"]) == (True, 1)
        assert (there["said"], there["appeal"], there["assignment"]) == ([], None, None)
        assert "@" not in json.dumps(there)
        for inside in ("messages", "log", "statement"):
            path = f"/cases/{case}/{inside}"
            answer = moderation.call("GET", "moderation", path, as_=reader)
            refused(answer, 404, "case-not-found")


async def test_a_case_that_is_not_yours(moderation: System, edit: EditProposed) -> None:
    stranger = token("stranger", "user")
    async with nothing_written(moderation, "moderation"):
        for case in ("absent", "é", "a b", "%00", "x" * 3000):
            refused(decide(moderation, case, "approve", {}), 404, "case-not-found")
            answer = moderation.call("GET", "moderation", f"/cases/{case}", as_=MODERATOR)
            refused(answer, 404, "case-not-found")
        answer = decide(moderation, edit.proposal_id, "approve", {}, stranger)
        refused(answer, 403, "not-a-decider")
    assert moderation.get("moderation", "/cases", as_=stranger)["items"] == []


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ("state=tout", "state", "literal_error"),
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=201", "limit", "less_than_equal"),
    ],
)
def test_the_list_has_bounds(moderation: System, query: str, field: str, rule: str) -> None:
    answer = moderation.call("GET", "moderation", f"/cases?{query}", as_=MODERATOR)
    refused(answer, 422, "invalid-input", (field, rule))


@pytest.mark.parametrize("why", bad_authorizations())
async def test_nobody_gets_in_by_a_bad_token(moderation: System, why: str) -> None:
    authorization = bad_authorizations()[why]
    headers = {"Authorization": authorization} if authorization else {}
    for method, path in (("GET", "/cases"), ("GET", "/cases/x"), ("POST", "/cases/x/approve")):
        answer = moderation.call(method, "moderation", path, json={}, headers=headers)
        assert answer.status_code == 401, (path, answer.text)
        assert answer.json()["type"] == "urn:mednum:problem:not-authenticated"
