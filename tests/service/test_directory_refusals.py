"""What the directory refuses, one by one: each refusal says why, and leaves no trace."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.harness import System
from tests.harness.refusals import bad_authorizations, refused
from tests.harness.rows import nothing_written
from tests.harness.stories import new_venue, sheet
from tests.harness.system import token
from tests.harness.venues import SAMPLE, csv_of, row

HOURS = "Mo-Sa 10:00-18:00"
EDIT = {"base_revision": 1, "changes": {"horaires": HOURS}}
NEWS = {"titre": "Atelier du mardi", "texte": "Apprendre à scanner."}
USER = token("ada", "user")
MODERATOR = token("moderator", "moderator")
HALF = "\ud800"
"""Of a character, which no text can have."""
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def venue(directory: System) -> str:
    """A venue that refused requests are about."""
    return new_venue(directory)[0]


def post(
    system: System, path: str, body: Any, content_type: str = "application/json"
) -> httpx.Response:
    """A POST by somebody signed in; bytes go as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": content_type}
    return system.call("POST", "directory", path, as_=USER, content=content, headers=headers)


def test_a_refusal_says_what_was_probably_meant(directory: System, venue: str) -> None:
    changes = {"horaires": "Mo-Sun 10:00-12:00", "frais_a_charge": ["gratuit"], "nom": ""}
    answer = post(directory, f"/venues/{venue}/edits", EDIT | {"changes": changes})
    faults = refused(answer, 422, "invalid-input")["invalid_params"]
    assert [fault.get("suggestion") for fault in faults] == ["Mo-Su 10:00-12:00", "Gratuit", None]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"couleur": "bleu"}, {"couleur": "unknown_field"}),
        ({"$where": "1", "a.b": "c"}, {"$where": "unknown_field", "a.b": "unknown_field"}),
        ({"horaires": 5}, {"horaires": "type"}),
        ({"nom": {"$ne": "x"}}, {"nom": "type"}),
        ({"services": "Accès internet et matériel informatique"}, {"services": "type"}),
        ({"courriels": [5]}, {"courriels": "type"}),
        ({"latitude": "44.1", "longitude": 5.1}, {"latitude": "type"}),
        ({"latitude": True, "longitude": 5.1}, {"latitude": "type"}),
        ({"latitude": 91, "longitude": 5.1}, {"latitude": "range"}),
        ({"latitude": 10**400, "longitude": 5.1}, {"latitude": "range"}),
        ({"latitude": None}, {"latitude": "together", "longitude": "together"}),
        ({"id": "autre"}, {"id": "read_only"}),
        ({"source": "moi"}, {"source": "read_only"}),
        ({"date_maj": "2026-01-01"}, {"date_maj": "read_only"}),
        ({"nom": ""}, {"nom": "required"}),
        ({"adresse": None}, {"adresse": "required"}),
        ({"code_postal": "2615"}, {"code_postal": "pattern"}),
        ({"telephone": "appeler le 06 12 34 56 78"}, {"telephone": "pattern"}),
        ({"telephone": "0612345678 / 0712345678"}, {"telephone": "one_number"}),
        ({"pivot": "43493312300028"}, {"pivot": "siret"}),
        ({"horaires": "Sun 10:00-12:00"}, {"horaires": "opening_hours"}),
        ({"telephone": "au secrétariat"}, {"telephone": "pattern"}),
        ({"frais_a_charge": ["Cher"]}, {"frais_a_charge": "enum"}),
        ({"typologie": ["a|b"]}, {"typologie": "separator"}),
        ({"courriels": ["chez moi"]}, {"courriels": "format"}),
        ({"site_web": ["javascript:alert(1)"]}, {"site_web": "format"}),
        ({"prise_rdv": "ftp://lieu.example.org"}, {"prise_rdv": "format"}),
        ({"horaires": "lundi\u0007"}, {"horaires": "characters"}),
        ({"presentation_resume": "é" * 281}, {"presentation_resume": "max_length"}),
        ({"horaires": SAMPLE["horaires"]}, {"horaires": "unchanged"}),
        ({"services": SAMPLE["services"].split("|")[::-1]}, {"services": "unchanged"}),
        ({"horaires": 5, "nom": ""}, {"horaires": "type", "nom": "required"}),
    ],
)
async def test_a_change_that_breaks_a_rule(
    directory: System, venue: str, changes: dict[str, Any], wrong: dict[str, str]
) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", EDIT | {"changes": changes})
    fields = [(f"changes.{name}", rule) for name, rule in wrong.items()]
    refused(answer, 422, "invalid-input", *fields)


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"couleur": "bleu"}, "couleur", "extra_forbidden"),
        ({"changes": {}}, "changes", "too_short"),
        ({"changes": {f"champ{n}": "x" for n in range(33)}}, "changes", "too_long"),
        ({"changes": "horaires"}, "changes", "dict_type"),
        ({"changes": None}, "changes", "dict_type"),
        ({"base_revision": "1"}, "base_revision", "int_type"),
        ({"base_revision": 1.0}, "base_revision", "int_type"),
        ({"base_revision": True}, "base_revision", "int_type"),
        ({"base_revision": None}, "base_revision", "int_type"),
        ({"comment": 5}, "comment", "string_type"),
        ({"comment": "é" * 2001}, "comment", "string_too_long"),
    ],
)
async def test_an_edit_of_another_form(
    directory: System, venue: str, body: dict[str, Any], field: str, rule: str
) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", EDIT | body)
    refused(answer, 422, "invalid-input", (field, rule))


@pytest.mark.parametrize("revision", [0, 99, -1, 10**30])
async def test_a_revision_that_never_was(directory: System, venue: str, revision: int) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", EDIT | {"base_revision": revision})
    assert refused(answer, 422, "unknown-revision")["current_revision"] == 1


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b"", "body", "missing"),
        (b"{", "body", "json_invalid"),
        (b"[]", "body", "model_attributes_type"),
        (b"null", "body", "model_attributes_type"),
        (b'"edit"', "body", "model_attributes_type"),
        (b'{"base_revision": NaN, "changes": {"nom": "x"}}', "body", "not_a_number"),
        (b'{"base_revision": 1, "changes": {"nom": "x", "nom": "y"}}', "body", "duplicate_key"),
        (b"[" * 100_000, "body", "too_deep"),
        (
            b'{"base_revision": 1, "changes": {"latitude": 1e999, "longitude": 5}}',
            "changes.latitude",
            "range",
        ),
    ],
)
async def test_a_body_that_is_no_edit(
    directory: System, venue: str, body: bytes, field: str, rule: str
) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", body)
    refused(answer, 422, "invalid-input", (field, rule))


@pytest.mark.parametrize(
    "body",
    [
        b'{"base_revision": 1, "changes": {"nom": "\xff"}}',
        b'{"base_revision": ' + b"1" * 5_000 + b', "changes": {}}',
    ],
    ids=["not UTF-8", "too many digits"],
)
async def test_a_body_that_cannot_be_read(directory: System, venue: str, body: bytes) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", body)
    refused(answer, 400, "bad-request")


@pytest.mark.parametrize("changes", [{"horaires": "\ud800"}, {"\ud800": "x"}])
async def test_half_a_character(directory: System, venue: str, changes: dict[str, str]) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", EDIT | {"changes": changes})
    refused(answer, 422, "invalid-input")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/venues/{}/reports", {"reason": "duplicate", "text": "x", "other_venue": HALF}),
        ("PUT", "/mediators/me", {"nom": "Nour", "venues": [HALF]}),
        ("POST", "/charter/acceptances", {"venue_id": HALF, "version": "2026-1"}),
    ],
)
async def test_half_a_character_in_an_id(
    directory: System, venue: str, method: str, path: str, body: dict[str, Any]
) -> None:
    async with nothing_written(directory, "directory"):
        answer = directory.call(
            method,
            "directory",
            path.format(venue),
            as_=MODERATOR,
            content=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
    refused(answer, 422, "invalid-input")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_json_by_another_name(directory: System, venue: str, content_type: str) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/edits", EDIT, content_type)
    refused(answer, 422, "invalid-input", ("body", "model_attributes_type"))


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_one_megabyte(directory: System, venue: str, chunked: bool) -> None:
    body = json.dumps(EDIT | {"comment": "é" * MEGABYTE}).encode()
    async with nothing_written(directory, "directory"):
        answer = directory.call(
            "POST",
            "directory",
            f"/venues/{venue}/edits",
            as_=USER,
            content=iter([body[:MEGABYTE], body[MEGABYTE:]]) if chunked else body,
            headers={"Content-Type": "application/json"},
        )
    refused(answer, 413, "too-large")


def test_an_import_has_its_own_limit(directory: System) -> None:
    place = urlsplit(directory.processes["directory"].url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    connection.putrequest("POST", "/imports?source=tests")
    connection.putheader("Authorization", f"Bearer {token('admin', 'admin')}")
    connection.putheader("Content-Type", "text/csv")
    connection.putheader("Content-Length", str(64 * MEGABYTE + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.load(answer)["type"] == "urn:mednum:problem:too-large"


@pytest.mark.parametrize(
    "venue_id", ["absent", "é", "a b", "%00", "%FF", "a%2Fb", "🏠", "x" * 3000]
)
async def test_a_venue_that_is_not_there(directory: System, venue_id: str) -> None:
    kind = "not-found" if "%2F" in venue_id else "venue-not-found"
    async with nothing_written(directory, "directory"):
        refused(post(directory, f"/venues/{venue_id}/edits", EDIT), 404, kind)
        refused(post(directory, f"/venues/{venue_id}/news", NEWS), 404, kind)
        managers = f"/venues/{venue_id}/managers/ada"
        for method in ("PUT", "DELETE"):
            refused(directory.call(method, "directory", managers, as_=MODERATOR), 404, kind)
    for path in ("", "/history", "/news"):
        refused(directory.call("GET", "directory", f"/venues/{venue_id}{path}"), 404, kind)


@pytest.mark.parametrize("name", ["à Die", "a|b", "50 %", "a?b#c", "a/b", "."])
def test_a_venue_that_is_imported_can_be_read(directory: System, name: str) -> None:
    venue_id = name if name == "." else f"{uuid4().hex[:8]} {name}"
    report = directory.import_venues(csv_of(row(id=venue_id)))
    if report["created"]:
        assert sheet(directory, quote(venue_id, safe=""))["id"] == venue_id
    else:
        assert [error["field"] for error in report["errors"]] == ["id"]


@pytest.mark.parametrize(
    ("news", "field", "rule"),
    [
        ({"couleur": "bleu"}, "couleur", "extra_forbidden"),
        ({"titre": " "}, "titre", "string_too_short"),
        ({"titre": "é" * 141}, "titre", "string_too_long"),
        ({"titre": ["Atelier"]}, "titre", "string_type"),
        ({"texte": ""}, "texte", "string_too_short"),
        ({"texte": "é" * 5001}, "texte", "string_too_long"),
        ({"texte": None}, "texte", "string_type"),
        ({"lien": 5}, "lien", "string_type"),
        ({"lien": f"https://lieu.example.org/{'a' * 2000}"}, "lien", "string_too_long"),
    ],
)
async def test_news_of_another_form(
    directory: System, venue: str, news: dict[str, Any], field: str, rule: str
) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/news", NEWS | news)
    refused(answer, 422, "invalid-input", (field, rule))


@pytest.mark.parametrize(
    "lien", ["javascript:alert(1)", "https://", "lieu.example.org", "https://a\nb"]
)
async def test_news_with_a_link_that_is_none(directory: System, venue: str, lien: str) -> None:
    async with nothing_written(directory, "directory"):
        answer = post(directory, f"/venues/{venue}/news", NEWS | {"lien": lien})
    [wrong] = refused(answer, 422, "invalid-input")["invalid_params"]
    assert wrong["field"] == "lien"


@pytest.mark.parametrize("why", bad_authorizations())
async def test_nobody_gets_in_by_a_bad_token(directory: System, venue: str, why: str) -> None:
    authorization = bad_authorizations()[why]
    headers = {"Authorization": authorization} if authorization else {}
    routes: list[tuple[str, str, Any]] = [
        ("POST", f"/venues/{venue}/edits", EDIT),
        ("POST", f"/venues/{venue}/news", NEWS),
        ("GET", "/proposals/x", None),
        ("PUT", f"/venues/{venue}/managers/mallory", None),
        ("DELETE", f"/venues/{venue}/managers/mallory", None),
        ("POST", "/imports?source=tests", None),
    ]
    async with nothing_written(directory, "directory"):
        for method, path, body in routes:
            answer = directory.call(method, "directory", path, json=body, headers=headers)
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["type"] == "urn:mednum:problem:not-authenticated"
            assert answer.json()["title"].endswith(".")


@pytest.mark.parametrize("roles", [["user"], ["partner"], ["Admin"], []])
async def test_managers_are_named_by_moderators(
    directory: System, venue: str, roles: list[str]
) -> None:
    path = f"/venues/{venue}/managers/ada"
    async with nothing_written(directory, "directory"):
        for method in ("PUT", "DELETE"):
            answer = directory.call(method, "directory", path, as_=token("ada", *roles))
            refused(answer, 403, "not-allowed")


@pytest.mark.parametrize("manager", ["ada@courriel.example.org", "a b", "%00", "x" * 201])
async def test_a_manager_is_an_account(directory: System, venue: str, manager: str) -> None:
    path = f"/venues/{venue}/managers/{manager}"
    async with nothing_written(directory, "directory"):
        for method in ("PUT", "DELETE"):
            answer = directory.call(method, "directory", path, as_=MODERATOR)
            refused(answer, 422, "invalid-input", ("manager", "string_pattern_mismatch"))


@pytest.mark.parametrize("path", ["/nulle-part", "/venues/a/b/c", "/openapi", "/imports/x"])
def test_an_address_that_is_none(directory: System, path: str) -> None:
    refused(directory.call("GET", "directory", path), 404, "not-found")
    refused(directory.call("DELETE", "directory", "/venues"), 405, "method-not-allowed")
