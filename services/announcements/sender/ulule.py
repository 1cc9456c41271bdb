"""The loop that asks Ulule's API: what was pushed, and all online projects now and then."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx
import structlog
from prometheus_client import Counter

from services.announcements.domain.subscriptions import retry_after
from services.announcements.domain.ulule import Project, ProjectUnreadable
from services.announcements.domain.ulule_fetches import Fetch, Page, Round, pause
from services.announcements.sender.outside import client, read_limited
from services.announcements.settings import Settings
from services.announcements.store.ulule import Due
from services.announcements.use_cases import ulule as use_cases
from shared.database import OUTAGES, Database, Lease, Watch, now
from shared.observability import correlated, trace_of

VERSION = "2020-11-10"
"""Of the API; another one may have other fields."""
LIMIT = 1024 * 1024
"""Bytes of a project."""
TIMEOUT = 10.0
"""Seconds for an answer, from the first byte asked to the last one read."""
PAGE = 20
"""Projects on a page: what is larger than all of them may be is no page."""
BATCH = 20
POLL = 0.5
"""Seconds between two looks, and after a failure of the database."""

OK = 200
VANISHED = frozenset({404, 410})
BUSY = frozenset({429, 503})
TOO_MANY = 429

FETCHES = Counter(
    "mednum_ulule_requests_total", "Questions to Ulule by what came back", ["outcome"]
)

log = structlog.get_logger()


class NoAnswer(Exception):
    """Nothing that can be used; its text is a short stable reason."""


class LeaveAlone(NoAnswer):
    """The API asks to be left alone, for so long at least."""

    def __init__(self, reason: str, wait: timedelta) -> None:
        super().__init__(reason)
        self.wait = wait


class Api:
    """Questions to the API at the address that settings give, and nowhere else."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._url = settings.ulule_api_url.rstrip("/")
        self._http = http

    async def project(self, number: int) -> Project | None:
        """A project, or none if there is no such thing any more; raises `NoAnswer`."""
        found = await self._get(f"/projects/{number}", {"lang": "all"}, LIMIT)
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
        found = await self._get(f"/partners/{slug}/projects", params, PAGE * LIMIT)
        if found is None:
            raise NoAnswer("partner unknown to Ulule")
        try:
            return Page.read(found)
        except ProjectUnreadable as exc:
            raise NoAnswer(str(exc)) from None

    async def _get(self, path: str, params: dict[str, str], limit: int) -> Any:
        request = self._http.build_request(
            "GET",
            f"{self._url}{path}",
            params=params,
            headers={"Ulule-Version": VERSION, "Accept": "application/json"},
        )
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await read_limited(self._http, request, limit)
        except (httpx.HTTPError, TimeoutError) as exc:
            raise NoAnswer(type(exc).__name__) from None
        if answer.status in VANISHED:
            return None
        if answer.status in BUSY:
            wait = retry_after(answer.headers.get("Retry-After"), now())
            if wait is not None or answer.status == TOO_MANY:
                raise LeaveAlone(f"http {answer.status}", wait or timedelta())
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
            await self._apart(partial(self._fetch, fetch), partial(self._postpone, fetch))
        return len(batch) == BATCH

    async def _apart(
        self,
        work: Callable[[], Awaitable[bool]],
        set_aside: Callable[[NoAnswer], Awaitable[None]],
    ) -> bool:
        """Do one piece of work; what goes wrong with it, but an outage, must not stop others."""
        with correlated(None, {}):
            try:
                return await work()
            except OUTAGES:
                raise
            except NoAnswer as exc:
                failure = exc
            except Exception as exc:
                failure = NoAnswer(type(exc).__name__)
                log.error("ulule unexpected", error=str(failure), trace=trace_of(exc))
            await set_aside(failure)
            return False

    async def _fetch(self, fetch: Fetch) -> bool:
        """One attempt; what it says and what becomes of the deliveries is one transaction."""
        # what is read later may be newer, never older
        moment = now()
        project = await self._api.project(fetch.project)
        outcome = await self._database.run(
            lambda tx: use_cases.settle(
                tx,
                fetch,
                project,
                at=moment,
                own_hosts=self._settings.portal_hosts,
                missing_pause=self._settings.ulule_missing_pause,
            )
        )
        self._tell(fetch.partner, outcome, project=fetch.project)
        return True

    async def _postpone(self, fetch: Fetch, exc: NoAnswer) -> None:
        due_at = await self._next_attempt(fetch.attempts + 1, exc)
        state = await self._database.run(
            lambda tx: use_cases.postpone(tx, fetch, str(exc), due_at=due_at)
        )
        self._tell(fetch.partner, state, project=fetch.project, error=str(exc))

    async def _pull_due(self) -> bool:
        more = False
        rounds = await self._database.run(use_cases.rounds_due)
        for round_ in rounds:
            if not await self._free():
                return False
            work = partial(self._pull, round_)
            more = await self._apart(work, partial(self._postpone_page, round_)) or more
        return more

    async def _pull(self, round_: Round) -> bool:
        """Read one page; whether another one follows."""
        page = await self._api.page(round_.name, round_.cursor)
        outcome = await self._database.run(
            lambda tx: use_cases.take_page(
                tx, round_, page, period=self._settings.ulule_pull_period
            )
        )
        self._tell(round_.partner, outcome)
        if outcome == use_cases.ROUND_CUT:
            log.warning("ulule round cut", partner=round_.partner, pages=len(round_.cursors) + 1)
        return outcome == use_cases.PAGE

    async def _postpone_page(self, round_: Round, exc: NoAnswer) -> None:
        due_at = await self._next_attempt(round_.attempts + 1, exc)
        outcome = await self._database.run(
            lambda tx: use_cases.postpone_page(tx, round_, str(exc), due_at=due_at)
        )
        self._tell(round_.partner, outcome, error=str(exc))
        if outcome == use_cases.ROUND_ANEW:
            log.warning("ulule round begins anew", partner=round_.partner, error=str(exc))

    async def _next_attempt(self, attempts: int, exc: NoAnswer) -> datetime:
        wait = pause(attempts, random.random())
        if isinstance(exc, LeaveAlone):
            # never sooner than after our own pause: it may ask for none at all
            wait = max(wait, exc.wait)
            await self._due.pause(now() + wait)
        return now() + wait

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
