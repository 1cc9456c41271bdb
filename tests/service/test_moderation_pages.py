"""The page behind a link: problem documents for programs, French pages for people, no trace."""

import datetime as dt
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from shared.database import now
from shared.events import Author, FieldChange
from shared.events.directory import EditProposed
from shared.links import DecisionLink, Links
from tests.harness import System
from tests.harness.cases import (
    BROWSER,
    HORAIRES,
    PROGRAM,
    a_news,
    decide,
    decision,
    fill_in,
    found,
    link,
    managed,
    opened,
    opened_all,
    opine,
    post,
    said,
    somebody,
)
from tests.harness.refusals import TITLES, refused, refused_on_a_page
from tests.harness.rows import nothing_written
from tests.harness.system import LINK_KEY, token

ACCEPT = {"choix": "accepter", "champs": ["horaires", "nom"]}
LONGEST = 2_000
"""The `maxlength` of the reason, where a browser counts a line break as one character."""


@pytest.fixture
async def edit(moderation: System) -> EditProposed:
    """An open case of a venue that can be reached."""
    return await opened(moderation, public_addresses=1)


@pytest.fixture
def path(edit: EditProposed) -> str:
    """The link in the mail to its venue's public address."""
    return link(edit.proposal_id, f"venue:{edit.venue_id}")


def show(moderation: System, path: str, headers: dict[str, str], **query: str) -> httpx.Response:
    """Open a page."""
    return moderation.call("GET", "moderation", path, headers=headers, params=query)


def _with_claims(**claims: Any) -> str:
    end = int(now().timestamp()) + 600
    key = OctKey.import_key(LINK_KEY)
    said = {"aud": "mednum:decision", "sub": "venue:x", "case": "x", "exp": end} | claims
    kept = {name: value for name, value in said.items() if value is not None}
    return f"/decision/{jwt.encode({'alg': 'HS256'}, kept, key)}"


def bad_links(edit: EditProposed) -> dict[str, tuple[str, int, str]]:
    """Links that let nobody decide: their paths, and what is said of them."""
    case, holder = edit.proposal_id, f"venue:{edit.venue_id}"
    good = link(case, holder)
    head, body, signature = good.split(".")
    foreign = Links("another-link-key-of-at-least-32-characters")
    forged = (400, "link-forged")
    return {
        "no link": ("/decision/abc", *forged),
        "odd characters": ("/decision/%C3%A9%00", *forged),
        "cut": (good[:-5], *forged),
        "tampered": (f"{head}.{link('autre', holder).split('.')[1]}.{signature}", *forged),
        "unsigned": (f"/decision/eyJhbGciOiJub25lIn0.{body}.", *forged),
        "of another key": (
            f"/decision/{foreign.sign(DecisionLink(case, holder, now() + dt.timedelta(1)))}",
            *forged,
        ),
        "for another purpose": (_with_claims(aud="mednum:unsubscribe", case=case), *forged),
        "without purpose": (_with_claims(aud=None, case=case), *forged),
        "without case": (_with_claims(case=None), *forged),
        "without end": (_with_claims(exp=None, case=case), *forged),
        "an access token": (f"/decision/{token('moderator', 'moderator')}", *forged),
        "expired": (link(case, holder, ends_in=-dt.timedelta(minutes=5)), 410, "link-expired"),
        "of another venue": (link(case, "venue:autre"), 403, "not-a-decider"),
        "of no manager": (link(case, "account:ada"), 403, "not-a-decider"),
        "of no case": (link("absent", holder), 404, "case-not-found"),
    }


async def test_a_bad_link_decides_nothing(moderation: System, edit: EditProposed) -> None:
    for why, (path, status, kind) in bad_links(edit).items():
        async with nothing_written(moderation, "moderation"):
            for answer in (
                show(moderation, path, PROGRAM),
                fill_in(moderation, path, ACCEPT, PROGRAM),
                fill_in(moderation, path, {"choix": "refuser", "motif": "Non."}, PROGRAM),
            ):
                assert answer.status_code == status, why
                refused(answer, status, kind)
            sentence = TITLES[kind].split(".")[0]
            refused_on_a_page(show(moderation, path, BROWSER), status, sentence)
            refused_on_a_page(fill_in(moderation, path, ACCEPT), status, sentence)


BAD_FORMS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "unknown field": (
        {"choix": "accepter", "champs": ["nom", "couleur"]},
        "fields",
        "unknown_field",
        "couleur",
    ),
    "no field": ({"choix": "accepter"}, "fields", "too_short", "Choisissez au moins un champ"),
    "no reason": ({"choix": "refuser"}, "reason", "missing", "Dites pourquoi"),
    "a blank reason": (
        {"choix": "refuser", "motif": " \n "},
        "reason",
        "missing",
        "Dites pourquoi",
    ),
    "no choice": ({"champs": ["nom"]}, "choix", "missing", "obligatoire"),
    "another choice": ({"choix": "oui"}, "choix", "literal_error", "liste"),
    "no version": ({**ACCEPT, "version": ""}, "version", "missing", "obligatoire"),
    "a version that is none": ({**ACCEPT, "version": "x"}, "version", "int_parsing", "entier"),
    "a long reason": (
        {"choix": "refuser", "motif": "é" * (LONGEST + 1)},
        "motif",
        "string_too_long",
        "trop long",
    ),
}


@pytest.mark.parametrize("why", BAD_FORMS)
async def test_a_form_that_decides_nothing(moderation: System, path: str, why: str) -> None:
    form, field, rule, sentence = BAD_FORMS[why]
    async with nothing_written(moderation, "moderation"):
        refused(fill_in(moderation, path, form, PROGRAM), 422, "invalid-input", (field, rule))
        refused_on_a_page(fill_in(moderation, path, form), 422, sentence)


async def test_a_page_for_another_choice(moderation: System, path: str) -> None:
    answer = show(moderation, path, PROGRAM, choix="oui")
    refused(answer, 422, "invalid-input", ("choix", "literal_error"))
    refused_on_a_page(show(moderation, path, BROWSER, choix="oui"), 422, "liste")


async def test_a_form_that_is_none(moderation: System, path: str) -> None:
    async with nothing_written(moderation, "moderation"):
        as_json = moderation.call("POST", "moderation", path, json=ACCEPT)
        refused(as_json, 422, "invalid-input", ("choix", "missing"), ("version", "missing"))
        large = fill_in(moderation, path, {**ACCEPT, "motif": "x" * 1024 * 1024}, PROGRAM)
        refused(large, 413, "too-large")


async def test_a_reason_as_long_as_the_page_allows(
    moderation: System, edit: EditProposed, path: str
) -> None:
    # browsers count a line break as one character, and send two
    reason = "\r\n".join(["x" * 99] * (LONGEST // 100))
    assert len(reason.replace("\r\n", "\n")) < LONGEST < len(reason)
    answer = fill_in(moderation, path, {"choix": "refuser", "motif": reason})
    assert answer.status_code == 200, answer.text
    event = await decision(moderation, edit.proposal_id)
    assert event.body["decision"]["reason"].split() == reason.split()


async def test_hostile_words_stay_words(moderation: System) -> None:
    evil = "<script>alert(1)</script>"
    edit = await opened(
        moderation,
        comment=evil,
        venue_nom='"><img src=x>',
        author=Author(account_id="a", name=evil),
    )
    opine(moderation, edit.proposal_id, "object", somebody(), evil)
    post(moderation, edit.proposal_id, token("a", "user"), text=evil)
    page = show(moderation, link(edit.proposal_id, f"venue:{edit.venue_id}"), BROWSER)
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_form_of_another_version(moderation: System, edit: EditProposed, path: str) -> None:
    old = {**ACCEPT, "version": 1}
    opine(moderation, edit.proposal_id, "object", somebody(), "C'est fermé le samedi.")
    async with nothing_written(moderation, "moderation"):
        body = refused(fill_in(moderation, path, old, PROGRAM), 409, "case-changed")
        assert [one["act"] for one in body["changed"]] == ["object"]
        refused_on_a_page(fill_in(moderation, path, old), 409, "Ce dossier a changé")
    assert fill_in(moderation, path, ACCEPT).status_code == 200


async def test_what_the_page_says_of_a_contested_and_held_case(moderation: System) -> None:
    changes = [HORAIRES, FieldChange(field="pivot", old="1", new="2")]
    edit = await opened(moderation, public_addresses=1, changes=changes)
    path = link(edit.proposal_id, f"venue:{edit.venue_id}")
    before = show(moderation, path, BROWSER).text
    assert "ce qui ne demande pas de réponse expresse sera mis en ligne" in before
    assert "Changer le numéro SIRET d&#39;un lieu demande une réponse. (" in before
    assert "Les objections" not in before

    opine(
        moderation, edit.proposal_id, "object", somebody(), "Fermé le lundi.", fields=["horaires"]
    )
    after = show(moderation, path, BROWSER).text
    assert "c'est à vous de trancher" in after
    assert "Fermé le lundi." in after
    assert "ce qui est contesté ne sera pas mis en ligne" in after


async def test_what_the_page_says_when_silence_accepts_nothing(moderation: System) -> None:
    host = f"arnaque-{uuid4().hex}.example.org"
    site = FieldChange(field="site_web", new=[f"https://{host}"])
    first = await opened(moderation, changes=[site])
    decide(moderation, first.proposal_id, "refuse", {"motive": "advertising"})
    news = a_news(lien=f"https://{host}", public_addresses=1)
    await opened_all(moderation, news)
    again = await opened(moderation, changes=[site], public_addresses=1)
    for one in (news, again):
        page = show(moderation, link(one.proposal_id, f"venue:{one.venue_id}"), BROWSER).text
        assert "rien ne sera mis en ligne" in page
        assert "réponse expresse sera mis en ligne" not in page


async def test_a_message_from_the_page(moderation: System, edit: EditProposed, path: str) -> None:
    case = edit.proposal_id
    async with nothing_written(moderation, "moderation"):
        for text, rule, sentence in (
            ("", "missing", "message"),
            ("é" * 2001, "string_too_long", "long"),
        ):
            form = {"texte": text}
            answer = fill_in(moderation, f"{path}/message", form, PROGRAM)
            assert answer.json()["invalid_params"][0]["rule"] == rule
            refused_on_a_page(fill_in(moderation, f"{path}/message", form), 422, sentence)
        for why, (bad, status, kind) in bad_links(edit).items():
            answer = fill_in(moderation, f"{bad}/message", {"texte": "Bonjour"}, PROGRAM)
            assert answer.status_code == status, why
            refused(answer, status, kind)
    answer = fill_in(moderation, f"{path}/message", {"texte": "Depuis quand ?\r\nMerci."})
    assert (answer.status_code, "Cela ne décide rien" in answer.text) == (200, True)
    assert f'href="{path}"' in answer.text
    assert found(moderation, case)["state"] == "open"
    assert "Depuis quand ?" in show(moderation, path, BROWSER).text
    [_, posted] = await said(moderation, case)
    assert (posted.type, posted.body["sender_role"]) == ("MessagePosted", "manager")
    assert posted.body["sender"] == {"account_id": f"venue:{edit.venue_id}", "name": ""}
    assert posted.body["text"] == "Depuis quand ?\nMerci."


@pytest.mark.parametrize("end", ["decided", "withdrawn", "superseded", "reverted"])
async def test_a_page_when_nothing_is_left_to_do(
    moderation: System, edit: EditProposed, path: str, end: str
) -> None:
    case, author = edit.proposal_id, token(edit.author.account_id, "user")
    if end == "withdrawn":
        moderation.post("moderation", f"/cases/{case}/withdraw", {}, as_=author)
        sentence = "l'a retirée"
    elif end == "superseded":
        await opened(moderation, replaces=case, venue_id=edit.venue_id, author=edit.author)
        sentence = "remplacée par une autre"
    else:
        fill_in(moderation, path, ACCEPT)
        sentence = "par une personne responsable du lieu"
    if end == "reverted":
        manager = token("ada-r", "user")
        await managed(moderation, edit.venue_id, 1, "ada-r")
        body = {"revision": 2, "reason": "Finalement non."}
        moderation.post("moderation", f"/cases/{case}/revert", body, as_=manager)
        sentence = "Finalement non."
    shown = show(moderation, path, BROWSER).text
    assert sentence in shown.replace("&#39;", "'")
    assert 'name="version"' not in shown
    async with nothing_written(moderation, "moderation"):
        refused(fill_in(moderation, path, ACCEPT, PROGRAM), 409, "already-decided")
