"""The page behind a mail's link: what people wrote is shown, never run; what stands is said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from markupsafe import escape
from pymongo.errors import AutoReconnect

from services.moderation.api.pages import page
from services.moderation.app import service
from services.moderation.domain.cases import Opinion, Reversion, ReviewCase
from services.moderation.settings import Settings
from services.moderation.store import Message
from shared.database import Conflict, Transaction
from shared.errors import NotFound
from shared.events import Author, FieldChange
from shared.events.moderation import Decision, Held
from shared.service import build

EVIL = "<script>alert(1)</script>\"'&"
BROWSER = {"accept": "text/html,*/*;q=0.8"}
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def case(**changes: object) -> ReviewCase:
    fields: dict[str, object] = {
        "id": "c1",
        "kind": "edit",
        "venue_id": "v1",
        "title": EVIL,
        "changes": [FieldChange(field="nom", old=EVIL, new=[EVIL])],
        "text": EVIL,
        "link": "javascript:alert(1)",
        "author": Author(account_id="a", name=EVIL),
        "opened_at": NOW - timedelta(days=7),
        "deadline": NOW,
        "held": [Held(rule="siret", fields=["nom"], sentence=EVIL)],
        "opinions": [Opinion(account_id="b", choice="object", reason=EVIL, fields=["nom"], at=NOW)],
    }
    return ReviewCase.model_validate(fields | changes)


def written(role: str = "author") -> Message:
    return Message.model_validate(
        {
            "id": "m",
            "case_id": "c1",
            "sender": "a",
            "sender_name": EVIL,
            "role": role,
            "text": EVIL,
            "note": False,
            "at": NOW,
        }
    )


def shown(one: ReviewCase, *, closing: bool = False, thread: tuple[Message, ...] = ()) -> str:
    html = page("decision", case=one, choice="accepter", thread=thread, closing=closing, token="t")
    return bytes(html.body).decode()


def decided(how: str = "manager", **fields: Any) -> dict[str, Any]:
    return {"decision": Decision.model_validate({"how": how, "at": NOW} | fields)}


@pytest.mark.parametrize("kind", ["edit", "news", "claim"])
@pytest.mark.parametrize("role", ["author", "manager", "moderator"])
def test_nothing_that_people_wrote_becomes_html(kind: str, role: str) -> None:
    html = shown(case(kind=kind), thread=(written(role),))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html


def test_nor_in_what_was_decided_and_refused() -> None:
    undone = Reversion(by="account:z", at=NOW, reason=EVIL)
    held = [Held(rule="siret", fields=["nom"], sentence=EVIL)]
    one = case(state="refused", reverted=undone, **decided(reason=EVIL, held=held))
    for html in (
        shown(one),
        bytes(page("decided", case=one).body).decode(),
        bytes(page("refusal", 404, problem=NotFound(EVIL)).body).decode(),
        bytes(page("written", token=EVIL).body).decode(),
    ):
        assert "<script" not in html


@pytest.mark.parametrize("name", ["decided", "written"])
def test_pages_are_for_nobody_else(name: str) -> None:
    headers = page(name, case=case(state="refused"), token="t").headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]


PLAIN: dict[str, Any] = {"title": "Lieu", "held": [], "opinions": []}
HELD = [Held(rule="siret", fields=["nom"], sentence="Ceci demande une réponse.")]
WHOLE = [Held(rule="refused_link", sentence="Ceci demande une réponse.")]
TWO = [FieldChange(field="nom", old="a", new="b"), FieldChange(field="adresse", new="c")]
OBJECTION = [Opinion(account_id="b", choice="object", reason="C'est faux.", at=NOW)]


@pytest.mark.parametrize(
    ("fields", "closing", "sentence"),
    [
        ({}, False, "la proposition sera mise en ligne"),
        (
            {"held": HELD, "changes": TWO},
            False,
            "ce qui ne demande pas de réponse expresse sera mis en ligne",
        ),
        ({"held": HELD}, False, "rien ne sera mis en ligne"),
        ({"kind": "news", "changes": [], "held": WHOLE}, False, "rien ne sera mis en ligne"),
        ({"opinions": OBJECTION}, False, "ce qui est contesté ne sera pas mis en ligne"),
        ({}, True, "va être close d'un instant à l'autre : votre réponse compte encore"),
    ],
)
def test_says_what_silence_will_do(fields: Any, closing: bool, sentence: str) -> None:
    assert sentence in unescape(shown(case(**PLAIN | fields), closing=closing))


def test_a_claim_promises_nothing_of_silence() -> None:
    assert "Sans réponse" not in shown(case(**PLAIN | {"kind": "claim", "deadline": None}))


def test_the_reasons_to_answer_are_there() -> None:
    html = unescape(shown(case(**PLAIN | {"held": HELD, "opinions": OBJECTION})))
    assert "Ceci demande une réponse. (Nom)" in html
    assert "C'est faux." in html


def test_the_form_says_which_revision_was_seen() -> None:
    assert 'name="version" value="4"' in shown(case(revision=4))


@pytest.mark.parametrize(
    ("state", "how", "sentence"),
    [
        ("refused", "moderator", "refusée</strong>\npar l'équipe de modération"),
        ("partly_approved", "silence", "acceptée en partie</strong>\nà la fin du délai"),
        ("approved", "manager", "acceptée</strong>\npar une personne responsable du lieu"),
        ("approved", "shortcut", "acceptée</strong>\ntout de suite"),
    ],
)
def test_a_closed_case_says_how_it_ended(state: str, how: str, sentence: str) -> None:
    html = unescape(shown(case(**PLAIN | {"state": state} | decided(how))))
    assert sentence in html
    assert 'name="version"' not in html


@pytest.mark.parametrize(("state", "end"), [("withdrawn", "retirée"), ("superseded", "remplacée")])
def test_or_that_its_author_took_it_back(state: str, end: str) -> None:
    html = shown(case(**PLAIN | {"state": state}))
    assert end in html
    assert 'name="version"' not in html


def test_moderators_sign_as_a_team() -> None:
    message = written("moderator").model_copy(update={"sender_name": "Zoé", "text": "Bonjour"})
    html = shown(case(**PLAIN), thread=(message,))
    assert "L'équipe de modération" in unescape(html)
    assert "Zoé" not in html


class Failing:
    """A database whose every transaction fails."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        raise self._why
        yield


@pytest.mark.parametrize("why", [AutoReconnect("x"), Conflict("x"), RuntimeError("x")])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_fails_around_the_page_is_a_page_too(
    monkeypatch: pytest.MonkeyPatch, why: Exception, method: str
) -> None:
    monkeypatch.setattr("shared.http.random.uniform", lambda *_: 0)
    key = "k" * 40
    app = build(service(Settings(link_key=key, jwt_key=key)))
    app.state.database = Failing(why)
    status = 500 if isinstance(why, RuntimeError) else 503
    form = {"choix": "accepter", "version": "1"} if method == "POST" else None
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        seen = await client.request(method, "/decision/x", data=form, headers=BROWSER)
        read = await client.request(method, "/decision/x", data=form)
    assert (seen.status_code, read.status_code) == (status, status)
    assert seen.headers["content-type"] == "text/html; charset=utf-8"
    assert seen.headers["referrer-policy"] == "no-referrer"
    assert seen.headers.get("retry-after") == read.headers.get("retry-after")
    assert read.headers["content-type"] == "application/problem+json"
    assert f"<h1>{escape(read.json()['title'])}</h1>" in seen.text
