"""What is asked of Ulule's API, what its answers mean, and when to ask again."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from services.announcements.domain.ulule_fetches import (
    FIRST_PAUSE,
    MOST_PAGES,
    PATIENCE,
    Fetch,
    Page,
    Round,
)
from services.announcements.sender.ulule import Api, Fetcher, LeaveAlone, NoAnswer
from services.announcements.settings import Settings
from services.announcements.use_cases import ulule as use_cases
from shared.database import OUTAGES, now
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
        (503, None, "http 503"),
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
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("7200", 7_200),
        ("1000000", 86_400),
        ("0", 0),
        ("Mon, 05 Jan 2015 10:00:00 GMT", 0),
    ],
)
async def test_an_api_that_asks_to_be_left_alone(status: int, header: str, seconds: int) -> None:
    async with api(always(status, **{"Retry-After": header})) as asked:
        with pytest.raises(LeaveAlone) as failure:
            await asked.project(7)
    assert failure.value.wait == dt.timedelta(seconds=seconds)


async def test_too_many_questions_are_too_many_for_all() -> None:
    async with api(always(429)) as asked:
        with pytest.raises(LeaveAlone) as failure:
            await asked.project(7)
    assert failure.value.wait == dt.timedelta(0)


async def test_a_page_may_be_as_long_as_all_its_projects() -> None:
    long = project(7, description={"fr": "x" * (1000 * 1000)})
    async with api(always(200, {"projects": [long] * 20, "meta": {"next": None}})) as asked:
        assert len((await asked.page("atelier", "")).projects) == 20


@pytest.mark.parametrize("after", ["?" + "&".join("abcdefghijklmnopqrstuvwxyz"), "?since=\ud800"])
async def test_a_page_with_an_odd_next_one_says_nothing(after: str) -> None:
    after = after.replace("&", "=1&")
    async with api(always(200, {"projects": [], "meta": {"next": after}})) as asked:
        with pytest.raises(NoAnswer, match="not a cursor"):
            await asked.page("atelier", "")


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
    failed = begun.failed("http 500", NOON, NOON)
    assert (failed.cursor, failed.seen, failed.attempts) == ("since=3", [1], 1)


def test_a_round_that_fails_for_a_day_begins_anew() -> None:
    begun = Round(partner="p", due_at=NOON).next("since=3", [1], NOON)
    failed = begun.failed("http 500", NOON, NOON).failed("http 500", NOON + PATIENCE, NOON)
    assert not failed.is_stuck(NOON + PATIENCE - dt.timedelta(seconds=1))
    assert failed.is_stuck(NOON + PATIENCE)
    anew = failed.anew()
    assert (anew.cursor, anew.seen, anew.attempts) == ("", [], 2)
    assert not anew.is_stuck(NOON + 2 * PATIENCE)


class Looked:
    """A fetcher whose database and API are played; what it has put aside."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paused_until: dt.datetime | None = None
        self.aside: list[tuple[str, str, dt.datetime]] = []
        self.asked: list[int] = []
        self.failure: Exception = ValueError("a value")
        self.fetcher = Fetcher(Settings(), FakeDatabase(), self, lambda: True)  # type: ignore[arg-type]
        monkeypatch.setattr(self.fetcher, "_due", self)
        monkeypatch.setattr(use_cases, "postpone", self._postpone)
        monkeypatch.setattr(use_cases, "rounds_due", nothing_due)

    async def fetches(self, _: dt.datetime, __: int) -> list[Fetch]:
        return [Fetch(partner="p", project=number, due_at=NOON) for number in (1, 2, 3)]

    async def paused(self, moment: dt.datetime) -> bool:
        return self.paused_until is not None and self.paused_until > moment

    async def pause(self, until: dt.datetime) -> None:
        self.paused_until = until

    async def project(self, number: int) -> None:
        self.asked.append(number)
        raise self.failure

    async def _postpone(self, _: Any, fetch: Fetch, error: str, *, due_at: dt.datetime) -> str:
        self.aside.append((fetch.id, error, due_at))
        return "postponed"


class FakeDatabase:
    """Runs what it is given."""

    def plain(self, _: str) -> None: ...

    async def run(self, work: Callable[[Any], Any]) -> Any:
        return await work(None)


async def nothing_due(_: Any) -> list[Any]:
    return []


async def test_what_nobody_expects_stops_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Looked(monkeypatch)
    await looked.fetcher.work()
    assert [one[:2] for one in looked.aside] == [(f"p:{n}", "ValueError") for n in (1, 2, 3)]


async def test_an_outage_puts_nothing_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Looked(monkeypatch)
    looked.failure = OUTAGES[0]("away")
    with pytest.raises(OUTAGES):
        await looked.fetcher.work()
    assert not looked.aside


@pytest.mark.parametrize("asked_for", [0, 7_200])
async def test_who_is_asked_to_wait_waits_with_all(
    monkeypatch: pytest.MonkeyPatch, asked_for: int
) -> None:
    looked = Looked(monkeypatch)
    looked.failure = LeaveAlone("http 429", dt.timedelta(seconds=asked_for))
    before = now()
    await looked.fetcher.work()
    # the others were not asked for, and neither is this one before a pause
    assert looked.asked == [1]
    [(_, _, due_at)] = looked.aside
    least = max(dt.timedelta(seconds=asked_for), FIRST_PAUSE / 2)
    assert due_at >= before + least
    assert looked.paused_until
    assert looked.paused_until >= before + least


async def test_a_round_that_nobody_expects_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, read, aside = Looked(monkeypatch), [], []
    page = Page(projects=[], next=None)

    async def no_fetches(*_: Any) -> list[Fetch]:
        return []

    async def two_due(_: Any) -> list[Round]:
        return [Round(partner=name, name=name, due_at=NOON) for name in ("a", "b")]

    async def any_page(*_: Any) -> Page:
        return page

    async def take_page(_: Any, round_: Round, *__: Any, **___: Any) -> str:
        read.append(round_.partner)
        if round_.partner == "a":
            raise KeyError("a value")
        return use_cases.ROUND

    async def postpone_page(_: Any, round_: Round, error: str, **__: Any) -> str:
        aside.append((round_.partner, error))
        return "page postponed"

    monkeypatch.setattr(looked, "fetches", no_fetches)
    monkeypatch.setattr(looked, "page", any_page, raising=False)
    monkeypatch.setattr(use_cases, "rounds_due", two_due)
    monkeypatch.setattr(use_cases, "take_page", take_page)
    monkeypatch.setattr(use_cases, "postpone_page", postpone_page)
    assert not await looked.fetcher.work()
    assert (read, aside) == (["a", "b"], [("a", "KeyError")])
