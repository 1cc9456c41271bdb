"""The loop that asks Ulule's API: what was pushed, and all online projects now and then."""

import asyncio
import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import structlog
from prometheus_client import Counter

from services.announcements.domain.subscriptions import retry_after
from services.announcements.domain.ulule import Project, ProjectUnreadable
from services.announcements.domain.ulule_fetches import LONGEST_PAUSE, Fetch, Page, Round, pause
from services.announcements.sender.outside import client, read_limited
from services.announcements.settings import Settings
from services.announcements.store.ulule import Due
from services.announcements.use_cases import ulule as use_cases
from shared.database import Database, Lease, Watch, now

VERSION = "2020-11-10"
"""Of the API; another one may have other fields."""
LIMIT = 1024 * 1024
"""Bytes of an answer."""
TIMEOUT = 10.0
"""Seconds for an answer, from the first byte asked to the last one read."""
PAGE = 20
BATCH = 20
POLL = 0.5
"""Seconds between two looks, and after a failure of the database."""

OK = 200
VANISHED = frozenset({404, 410})
BUSY = frozenset({429, 503})

FETCHES = Counter(
    "mednum_ulule_requests_total", "Questions to Ulule by what came back", ["outcome"]
)

log = structlog.get_logger()


class NoAnswer(Exception):
    """Nothing that can be used; its text is a short stable reason."""


class LeaveAlone(NoAnswer):
    """The API asks to be left alone until a time."""

    def __init__(self, reason: str, until: datetime) -> None:
        super().__init__(reason)
        self.until = until


class Api:
    """Questions to the API at the address that settings give, and nowhere else."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._url = settings.ulule_api_url.rstrip("/")
        self._http = http

    async def project(self, number: int) -> Project | None:
        """A project, or none if there is no such thing any more; raises `NoAnswer`."""
        found = await self._get(f"/projects/{number}", {"lang": "all"})
        if found is None:
            return None
        try:
            project = Project.read(found)
        except ProjectUnreadable as exc:
            raise NoAnswer(str(exc)) from None
        if project.id != number:
            raise NoAnswer("another project")
        return project

    async def page(self, slug: str, cursor: str) -> Page:
        """A page of a partner's online projects; raises `NoAnswer`."""
        params = dict(parse_qsl(cursor)) | {"status": "online", "limit": str(PAGE), "lang": "all"}
        found = await self._get(f"/partners/{slug}/projects", params)
        if found is None:
            raise NoAnswer("partner unknown to Ulule")
        try:
            return Page.read(found)
        except ProjectUnreadable as exc:
            raise NoAnswer(str(exc)) from None

    async def _get(self, path: str, params: dict[str, str]) -> Any:
        request = self._http.build_request(
            "GET",
            f"{self._url}{path}",
            params=params,
            headers={"Ulule-Version": VERSION, "Accept": "application/json"},
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await read_limited(self._http, request, LIMIT)
        except (httpx.HTTPError, TimeoutError) as exc:
            raise NoAnswer(type(exc).__name__) from None
        if answer.status in VANISHED:
            return None
        if answer.status in BUSY:
            moment = now()
            wait = retry_after(answer.headers.get("Retry-After"), moment)
            if wait is not None:
                raise LeaveAlone(f"http {answer.status}", moment + min(wait, LONGEST_PAUSE))
        if answer.status != OK:
            raise NoAnswer(f"http {answer.status}")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise NoAnswer("not JSON") from None


class Fetcher:
    """Asks for what is due; `may_go_on` is asked before each question."""

    def __init__(
        self, settings: Settings, database: Database, api: Api, may_go_on: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._database = database
        self._due = Due(database)
        self._api = api
        self._may_go_on = may_go_on

    async def work(self) -> bool:
        """Ask what is due; whether there was so much that more may be."""
        return await self._fetch_due() or await self._pull_due()

    async def _free(self) -> bool:
        return self._may_go_on() and not await self._due.paused(now())

    async def _fetch_due(self) -> bool:
        batch = await self._due.fetches(now(), BATCH)
        for fetch in batch:
            if not await self._free():
                return False
            await self._fetch(fetch)
        return len(batch) == BATCH

    async def _fetch(self, fetch: Fetch) -> None:
        """One attempt; what it says and what becomes of the deliveries is one transaction."""
        # what is read later may be newer, never older
        moment = now()
        try:
            project = await self._api.project(fetch.project)
        except NoAnswer as exc:
            await self._postpone(fetch, exc)
            return
        outcome = await self._database.run(
            lambda tx: use_cases.settle(
                tx, fetch, project, at=moment, own_hosts=self._settings.portal_hosts
            )
        )
        self._tell(fetch.partner, outcome, project=fetch.project)

    async def _postpone(self, fetch: Fetch, exc: NoAnswer) -> None:
        due_at = await self._next_attempt(fetch.attempts + 1, exc)
        state = await self._database.run(
            lambda tx: use_cases.postpone(tx, fetch, str(exc), due_at=due_at)
        )
        self._tell(fetch.partner, state, project=fetch.project, error=str(exc))

    async def _pull_due(self) -> bool:
        more = False
        rounds = await self._database.run(use_cases.rounds_due)
        for round_, slug in rounds:
            if not await self._free():
                return False
            more = await self._pull(round_, slug) or more
        return more

    async def _pull(self, round_: Round, slug: str) -> bool:
        """Read one page; whether another one follows."""
        try:
            page = await self._api.page(slug, round_.cursor)
        except NoAnswer as exc:
            failed = round_.failed(str(exc), await self._next_attempt(round_.attempts + 1, exc))
            await self._database.run(lambda tx: use_cases.keep_round(tx, failed))
            self._tell(round_.partner, "page postponed", error=str(exc))
            return False
        self._tell(round_.partner, "page")
        return await self._database.run(
            lambda tx: use_cases.take_page(
                tx, round_, page, period=self._settings.ulule_pull_period
            )
        )

    async def _next_attempt(self, attempts: int, exc: NoAnswer) -> datetime:
        if isinstance(exc, LeaveAlone):
            await self._due.pause(exc.until)
            return exc.until
        return now() + pause(attempts, random.random())

    def _tell(self, partner: str, outcome: str, **more: Any) -> None:
        FETCHES.labels(outcome).inc()
        log.info(f"ulule {outcome}", partner=partner, **more)


async def fetch_ulule(settings: Settings, database: Database) -> None:
    """Ask what is due until cancelled; waits while the database is away.

    Whoever is stopped in the middle has changed nothing: what was due is due for the next one.
    """
    watch = Watch(Lease(database, "ulule"))
    watching = asyncio.create_task(watch.run())
    try:
        async with client(settings) as http:
            fetcher = Fetcher(settings, database, Api(settings, http), lambda: watch.held)
            while True:
                more = False
                try:
                    more = watch.held and await fetcher.work()
                except Exception as exc:
                    log.warning("ulule waits", error=type(exc).__name__)
                if not more:
                    await asyncio.sleep(POLL)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
