"""What is asked of Ulule's API, what its answers mean, and when to ask again."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from services.announcements.domain.ulule_fetches import (
    LONGEST_PAUSE,
    MOST_PAGES,
    PATIENCE,
    Fetch,
    Round,
)
from services.announcements.sender.ulule import Api, LeaveAlone, NoAnswer
from services.announcements.settings import Settings
from shared.database import now
from tests.harness.ulule import project

URL = "https://api.example.org/v1"
NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


class Answers:
    """Answers requests, and remembers them."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)


@asynccontextmanager
async def api(answers: Answers) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answers)) as http:
        yield Api(Settings(ulule_api_url=f"{URL}/"), http)


def always(status: int, body: Any = None, **headers: str) -> Answers:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def stream() -> AsyncIterator[bytes]:
        yield content

    return Answers(lambda _: httpx.Response(status, content=stream(), headers=headers))


async def test_a_project_is_asked_for_in_one_version() -> None:
    answers = always(200, project(7))
    async with api(answers) as asked:
        found = await asked.project(7)
    assert found
    assert found.id == 7
    [request] = answers.requests
    assert str(request.url) == f"{URL}/projects/7?lang=all"
    assert request.headers["Ulule-Version"] == "2020-11-10"


async def test_a_page_is_asked_for_by_its_cursor_alone() -> None:
    answers = always(200, {"projects": [], "meta": {"next": None}})
    async with api(answers) as asked:
        await asked.page("atelier", "since=3")
    [request] = answers.requests
    assert request.url.path == "/v1/partners/atelier/projects"
    expected = {"since": "3", "status": "online", "limit": "20", "lang": "all"}
    assert dict(request.url.params) == expected


@pytest.mark.parametrize("status", [404, 410])
async def test_what_vanished_is_no_failure(status: int) -> None:
    async with api(always(status)) as asked:
        assert await asked.project(7) is None
        with pytest.raises(NoAnswer, match="unknown"):
            await asked.page("atelier", "")


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, None, "http 500"),
        (302, None, "http 302"),
        (401, None, "http 401"),
        (429, None, "http 429"),
        (200, b'{"id": 7, "na', "not JSON"),
        (200, b"[" * 100_000, "not JSON"),
        (200, b"\xff", "not JSON"),
        (200, b"x" * (1024 * 1024 + 1), "TooLong"),
        (200, {"id": 7}, "not a project: type"),
        (200, project(8), "another project"),
    ],
)
async def test_an_answer_that_says_nothing(status: int, body: Any, reason: str) -> None:
    async with api(always(status, body)) as asked:
        with pytest.raises(NoAnswer) as failure:
            await asked.project(7)
    assert str(failure.value) == reason
    assert not isinstance(failure.value, LeaveAlone)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("100000", 3600)])
async def test_an_api_that_asks_to_be_left_alone(status: int, header: str, seconds: int) -> None:
    before = now()
    async with api(always(status, **{"Retry-After": header})) as asked:
        with pytest.raises(LeaveAlone) as failure:
            await asked.project(7)
    wait = dt.timedelta(seconds=seconds)
    assert before + wait <= failure.value.until <= now() + wait
    assert wait <= LONGEST_PAUSE


def test_a_fetch_is_hopeless_after_a_day() -> None:
    fetch = Fetch(partner="p", project=7, due_at=NOON)
    failed = fetch.failed("http 500", NOON, NOON).failed("timeout", NOON + PATIENCE, NOON)
    assert (failed.attempts, failed.failing_since, failed.error) == (2, NOON, "timeout")
    assert not fetch.is_hopeless(NOON + PATIENCE)
    assert not failed.is_hopeless(NOON + PATIENCE - dt.timedelta(seconds=1))
    assert failed.is_hopeless(NOON + PATIENCE)


def test_who_comes_during_a_fetch_waits_for_the_next() -> None:
    fetch = Fetch(partner="p", project=7, due_at=NOON, deliveries=["a", "b", "c"], attempts=3)
    rest = fetch.without(["a", "b"], NOON)
    assert rest == Fetch(partner="p", project=7, due_at=NOON, deliveries=["c"])
    assert fetch.without(["c", "b", "a"], NOON) is None


def test_a_round_ends_where_it_would_go_in_circles() -> None:
    first = Round(partner="p", due_at=NOON)
    second = first.next("since=3", [1, 2], NOON)
    assert (first.cursor, second.cursor) == ("", "since=3")
    assert not first.goes_on(None)
    assert first.goes_on("since=3")
    assert not second.goes_on("since=3")
    assert second.next("since=2", [3], NOON).seen == [1, 2, 3]
    long = first.model_copy(update={"cursors": [f"since={n}" for n in range(MOST_PAGES)]})
    assert not long.goes_on("since=last")


def test_a_round_that_fails_goes_on_from_its_page() -> None:
    begun = Round(partner="p", due_at=NOON).next("since=3", [1], NOON)
    failed = begun.failed("http 500", NOON)
    assert (failed.cursor, failed.seen, failed.attempts) == ("since=3", [1], 1)
