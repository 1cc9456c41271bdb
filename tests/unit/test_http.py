"""HTTP around every service: problem documents, conflicts, correlation, logs without secrets."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict
from pymongo.errors import AutoReconnect, OperationFailure
from structlog.contextvars import merge_contextvars
from structlog.testing import LogCapture, capture_logs
from structlog.typing import EventDict

from shared import http
from shared.auth import SignedIn
from shared.database import TRIES, Conflict
from shared.errors import TYPE_PREFIX, NotAllowed
from shared.observability import correlation_id
from shared.service import Service, build
from shared.settings import ServiceSettings

SECRET = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.signature"
PROBLEM = "application/problem+json"


class Tea(BaseModel):
    """What may be ordered."""

    model_config = ConfigDict(extra="forbid")

    nom: str
    tasses: int = 1


class Kitchen:
    """Routes that fail as they are told, and what reached them."""

    def __init__(self) -> None:
        self.failing: list[Exception] = []
        self.orders: list[Tea] = []
        self.bodies: list[bytes] = []
        self.seen: list[str] = []
        self.router = APIRouter()
        self.router.post("/tea/{token}")(self.order)
        self.router.get("/tea/{token}")(self.ask)
        self.router.post("/raw")(self.raw)
        self.router.post("/imports", max_body_size=3 * http.MAX_BODY)(self.raw)
        self.router.get("/me")(self.me)
        self.router.get("/menu")(self.menu)
        self.router.post("/form")(self.form)

    def _fail(self) -> None:
        self.seen.append(correlation_id.get())
        if self.failing:
            raise self.failing.pop(0)

    async def order(self, token: str, tea: Tea) -> Tea:
        self.orders.append(tea)
        self._fail()
        return tea if token else Tea(nom="aucun")

    async def ask(self, token: str, limit: int = 1) -> Response:
        self._fail()
        return Response(status_code=204 if token and limit else 200)

    async def raw(self, request: Request) -> dict[str, int]:
        self.bodies.append(await request.body())
        self._fail()
        return {"size": len(self.bodies[-1])}

    async def form(self, nom: Annotated[str, Form()]) -> str:
        return nom

    async def menu(self, request: Request) -> Response:
        """A shortcut: read without looking for its route."""
        self._fail()
        return Response(request.scope["query_string"] or b"tea")

    async def me(self, account: SignedIn) -> str:
        return account.id


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


@pytest.fixture
async def client(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    # conflicts are not waited out here
    monkeypatch.setattr("shared.http.random.uniform", lambda *_: 0)
    settings = ServiceSettings(jwt_key="a secret for tests, long enough to sign")
    service = Service(
        name="kitchen",
        settings=settings,
        router=kitchen.router,
        shortcuts={"/menu": kitchen.menu},
    )
    app = build(service)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kitchen") as client:
        yield client


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem document, checked for what every one of them has."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert (body["type"], body["status"]) == (TYPE_PREFIX + kind, status)
    assert body["title"].endswith(".")
    assert answer.headers.get_list("x-correlation-id") != []
    return body


class TestShortcuts:
    async def test_is_answered_and_logged_as_its_route_would(
        self, client: httpx.AsyncClient, logs: list[Any]
    ) -> None:
        answer = await client.get("/menu?milk")
        assert (answer.status_code, answer.text) == (200, "milk")
        assert answer.headers.get_list("x-correlation-id") != []
        assert [(line["route"], line["status"]) for line in logs] == [("/menu", 200)]

    async def test_refuses_as_its_route_would(
        self, client: httpx.AsyncClient, kitchen: Kitchen, logs: list[Any]
    ) -> None:
        kitchen.failing = [NotAllowed(), RuntimeError("burnt")]
        problem(await client.get("/menu"), 403, "not-allowed")
        problem(await client.get("/menu"), 500, "internal-error")
        problem(await client.post("/menu"), 405, "method-not-allowed")
        assert "burnt" not in str(logs)


@pytest.mark.usefixtures("logs")
class TestProblems:
    async def test_404(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/nowhere"), 404, "not-found")

    async def test_405_says_what_is_allowed(self, client: httpx.AsyncClient) -> None:
        answer = await client.delete("/raw")
        problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "POST"

    async def test_401(self, client: httpx.AsyncClient) -> None:
        for headers in ({}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic abc"}):
            answer = await client.get("/me", headers=headers)
            problem(answer, 401, "not-authenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("path", ["/raw", "/tea/1", "/nowhere"])
    async def test_413_by_its_declared_length(self, client: httpx.AsyncClient, path: str) -> None:
        answer = await client.post(path, content=b"x" * (http.MAX_BODY + 1))
        problem(answer, 413, "too-large")

    async def test_413_by_what_comes(self, client: httpx.AsyncClient) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(http.MAX_BODY // 65_536 + 1):
                yield b"x" * 65_536

        problem(await client.post("/raw", content=endless()), 413, "too-large")

    async def test_just_not_too_large(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/raw", content=b"x" * http.MAX_BODY)
        assert answer.json() == {"size": http.MAX_BODY}

    async def test_422_names_every_field_in_french(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/tea/1", json={"tasses": "deux", "sucre": True})
        assert problem(answer, 422, "invalid-input")["invalid_params"] == [
            {"field": "nom", "rule": "missing", "message": "Cette information est obligatoire."},
            {"field": "tasses", "rule": "int_parsing", "message": "Il faut un nombre entier."},
            {"field": "sucre", "rule": "extra_forbidden", "message": "Ce champ n'existe pas."},
        ]

    async def test_422_of_a_parameter(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/tea/1", params={"limit": "beaucoup"})
        (one,) = problem(answer, 422, "invalid-input")["invalid_params"]
        assert (one["field"], one["rule"]) == ("limit", "int_parsing")

    async def test_a_route_may_take_more(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/imports", content=b"x" * 2 * http.MAX_BODY)
        assert answer.json() == {"size": 2 * http.MAX_BODY}
        answer = await client.post("/imports", content=b"x" * 4 * http.MAX_BODY)
        problem(answer, 413, "too-large")

    async def test_400_of_what_is_no_text(self, client: httpx.AsyncClient) -> None:
        headers = {"content-type": "application/json"}
        answer = await client.post("/tea/1", content=b"\xff", headers=headers)
        problem(answer, 400, "bad-request")

    @pytest.mark.parametrize("body", [b"{,", b"", b"[]"])
    async def test_422_of_what_is_no_json_object(
        self, client: httpx.AsyncClient, body: bytes
    ) -> None:
        headers = {"content-type": "application/json"}
        answer = await client.post("/tea/1", content=body, headers=headers)
        (one,) = problem(answer, 422, "invalid-input")["invalid_params"]
        assert one["field"] == "body"
        assert one["message"].startswith(("Ce n'est", "Il faut", "Cette information"))

    @pytest.mark.parametrize(
        ("body", "rule"),
        [
            (b'{"nom": "vert", "nom": "noir"}', "duplicate_key"),
            (b'{"nom": "vert", "sucre": [{"a": 1, "a": 1}]}', "duplicate_key"),
            (b'{"nom": "vert", "tasses": NaN}', "not_a_number"),
            (b'{"nom": "vert", "tasses": -Infinity}', "not_a_number"),
            (b'{"nom": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
            ('{"nom": "vert"}'.encode("utf-16"), "not_utf8"),
        ],
    )
    @pytest.mark.parametrize("media", ["application/json", "Application/tea+JSON; charset=utf-8"])
    async def test_422_of_json_that_says_two_things(
        self, client: httpx.AsyncClient, kitchen: Kitchen, body: bytes, rule: str, media: str
    ) -> None:
        answer = await client.post("/tea/1", content=body, headers={"content-type": media})
        (one,) = problem(answer, 422, "invalid-input")["invalid_params"]
        assert (one["field"], one["rule"]) == ("body", rule)
        assert kitchen.orders == []

    async def test_what_a_route_reads_by_itself_is_its_own(self, client: httpx.AsyncClient) -> None:
        body = b'{"a": 1, "a": 2}'
        headers = {"content-type": "application/json"}
        assert (await client.post("/raw", content=body, headers=headers)).status_code == 200
        answer = await client.post("/form", data={"nom": "vert", "tasses": "NaN"})
        assert answer.json() == "vert"
        answer = await client.post("/form", files={"nom": (None, "vert")})
        assert answer.json() == "vert"

    async def test_json_must_call_itself_so(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        # or a page of somebody else could send it, with our cookies, unasked
        answer = await client.post("/tea/1", content=b'{"nom": "vert"}')
        problem(answer, 422, "invalid-input")
        assert kitchen.orders == []

    async def test_a_refusal_of_a_route(self, client: httpx.AsyncClient, kitchen: Kitchen) -> None:
        kitchen.failing = [NotAllowed("Pas de thé.", headers={"X-Tea": "none"}, pots=0)]
        answer = await client.get("/tea/1")
        body = problem(answer, 403, "not-allowed")
        assert (body["detail"], body["pots"], answer.headers["x-tea"]) == ("Pas de thé.", 0, "none")

    async def test_503_while_the_database_is_away(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [AutoReconnect("mongodb://user:password@host")]
        answer = await client.get("/tea/1")
        problem(answer, 503, "busy")
        assert answer.headers["retry-after"] == "5"
        assert "password" not in answer.text

    async def test_500_gives_nothing_away(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [RuntimeError("jean@exemple.fr")]
        answer = await client.get("/tea/1")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json() == {
            "type": TYPE_PREFIX + "internal-error",
            "title": "Une erreur inattendue est survenue.",
            "status": 500,
        }


def conflict(kind: str) -> Exception:
    if kind == "ours":
        return Conflict("v")
    failure = OperationFailure("WriteConflict", 112)
    failure._add_error_label("TransientTransactionError")
    return failure


@pytest.mark.usefixtures("logs")
class TestConflicts:
    @pytest.mark.parametrize("kind", ["ours", "mongodb's"])
    async def test_the_request_is_run_again_with_the_same_body(
        self, client: httpx.AsyncClient, kitchen: Kitchen, kind: str
    ) -> None:
        kitchen.failing = [conflict(kind) for _ in range(3)]
        answer = await client.post("/tea/1", json={"nom": "vert", "tasses": 2})
        assert answer.status_code == 200
        assert kitchen.orders == [Tea(nom="vert", tasses=2)] * 4

    async def test_a_body_that_comes_in_parts_too(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"un ", b"deux ", b"trois"):
                yield part

        kitchen.failing = [Conflict("v")]
        assert (await client.post("/raw", content=parts())).json() == {"size": 13}
        assert kitchen.bodies == [b"un deux trois"] * 2

    async def test_a_body_too_long_to_keep_is_not_run_again(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [Conflict("v"), Conflict("v")]
        answer = await client.post("/imports", content=b"x" * (http.MAX_BODY + 1))
        problem(answer, 503, "busy")
        assert len(kitchen.bodies) == 1

    async def test_it_stays_one_request_for_those_who_look_for_it(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [Conflict("v")]
        await client.get("/tea/1", headers={"x-correlation-id": "abc"})
        assert kitchen.seen == ["abc", "abc"]

    async def test_after_so_many_it_gives_up(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [Conflict("v") for _ in range(99)]
        answer = await client.post("/tea/1", json={"nom": "vert"})
        problem(answer, 503, "busy")
        assert answer.headers["retry-after"] == "1"
        assert len(kitchen.orders) == TRIES

    async def test_nothing_else_is_run_again(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [RuntimeError(), RuntimeError()]
        assert (await client.get("/tea/1")).status_code == 500
        kitchen.failing = [OperationFailure("E11000", 11000)]
        assert (await client.get("/tea/1")).status_code == 500
        assert len(kitchen.seen) == 2


@pytest.mark.usefixtures("logs")
class TestCorrelation:
    @pytest.mark.parametrize("given", ["abc", "0f-9.Z_", "x" * 64])
    async def test_a_well_formed_id_is_kept_and_echoed(
        self, client: httpx.AsyncClient, kitchen: Kitchen, given: str
    ) -> None:
        answer = await client.get("/tea/1", headers={"x-correlation-id": given})
        assert answer.headers.get_list("x-correlation-id") == [given]
        assert kitchen.seen == [given]

    @pytest.mark.parametrize(
        "given", ["", "a b", "x" * 65, "a@exemple.fr", "<b>", "a\tb", b"\xe9".decode("latin-1")]
    )
    async def test_another_one_is_replaced(
        self, client: httpx.AsyncClient, kitchen: Kitchen, given: str
    ) -> None:
        headers = [(b"x-correlation-id", given.encode("latin-1"))]
        answer = await client.get("/tea/1", headers=headers)
        (echoed,) = answer.headers.get_list("x-correlation-id")
        assert len(echoed) == 32
        assert kitchen.seen == [echoed]

    async def test_each_request_has_its_own(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        for _ in range(3):
            await client.get("/tea/1")
        assert len(set(kitchen.seen)) == 3
        assert correlation_id.get() == ""

    async def test_an_unexpected_error_can_be_looked_for(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        kitchen.failing = [RuntimeError()]
        answer = await client.get("/tea/1", headers={"x-correlation-id": "abc"})
        assert answer.status_code == 500
        assert answer.headers.get_list("x-correlation-id") == ["abc"]


def lines(logs: list[EventDict], event: str = "request") -> list[EventDict]:
    return [line for line in logs if line["event"] == event]


class TestLogs:
    async def test_a_request_is_logged_by_its_route(
        self, client: httpx.AsyncClient, logs: list[EventDict]
    ) -> None:
        await client.post(f"/tea/{SECRET}", json={"nom": "vert"}, params={"token": SECRET})
        (line,) = lines(logs)
        assert line["ms"] >= 0
        assert {name: line[name] for name in ("method", "route", "status")} == {
            "method": "POST",
            "route": "/tea/{token}",
            "status": 200,
        }

    async def test_no_raw_path_wherever_it_goes_wrong(
        self, client: httpx.AsyncClient, kitchen: Kitchen, logs: list[EventDict]
    ) -> None:
        await client.get(f"/tea/{SECRET}/more")
        await client.delete(f"/tea/{SECRET}")
        await client.get(f"/tea/{SECRET}", params={"limit": SECRET})
        await client.post(f"/tea/{SECRET}", content=b"x" * (http.MAX_BODY + 1))
        for failure in (RuntimeError(SECRET), Conflict(SECRET), AutoReconnect(SECRET)):
            kitchen.failing = [failure]
            await client.get(f"/tea/{SECRET}", headers={"authorization": f"Bearer {SECRET}"})
        await client.get("/me", headers={"authorization": f"Bearer {SECRET}"})
        statuses = [line["status"] for line in lines(logs)]
        assert statuses == [404, 405, 422, 413, 500, 204, 503, 401]
        assert SECRET not in str(logs)
        assert "secret" not in str(logs)

    async def test_looking_after_a_process_makes_no_noise(
        self, client: httpx.AsyncClient, logs: list[EventDict]
    ) -> None:
        assert (await client.get("/health/live")).json() == {"status": "live"}
        assert (await client.get("/metrics")).status_code == 200
        assert lines(logs) == []

    async def test_every_line_of_a_request_holds_its_id(
        self, client: httpx.AsyncClient, kitchen: Kitchen
    ) -> None:
        capture = LogCapture()
        processors = structlog.get_config()["processors"]
        kept = processors.copy()
        processors[:] = [merge_contextvars, capture]
        try:
            kitchen.failing = [Conflict("v"), RuntimeError()]
            await client.get("/tea/1", headers={"x-correlation-id": "abc"})
        finally:
            processors[:] = kept
        events = {line["event"]: line.get("correlation_id") for line in capture.entries}
        assert events == {
            "conflict": "abc",
            "unexpected error": "abc",
            "request": "abc",
        }
