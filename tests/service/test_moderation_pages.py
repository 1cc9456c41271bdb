"""The page behind a link: problem documents for programs, French pages for people, no trace."""

import datetime as dt
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from shared.database import now
from shared.events.directory import EditProposed
from shared.links import DecisionLink, Links
from tests.harness import System
from tests.harness.cases import BROWSER, PROGRAM, decision, fill_in, link, opened
from tests.harness.refusals import TITLES, refused, refused_on_a_page
from tests.harness.rows import nothing_written
from tests.harness.system import LINK_KEY, token

ACCEPT = {"choix": "accepter", "champs": ["horaires", "nom"]}
LONGEST = 2_000
"""The `maxlength` of the reason, where a browser counts a line break as one character."""


@pytest.fixture
async def edit(moderation: System) -> EditProposed:
    """An open case."""
    return await opened(moderation)


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
        refused(as_json, 422, "invalid-input", ("choix", "missing"))
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
    edit = await opened(moderation, comment="<script>alert(1)</script>", venue_nom='"><img src=x>')
    page = show(moderation, link(edit.proposal_id, f"venue:{edit.venue_id}"), BROWSER)
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
