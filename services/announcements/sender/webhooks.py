"""The loop that tells subscribers: several endpoints at once, one delivery after the other each."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import httpx
import structlog
from prometheus_client import Counter, Gauge

from services.announcements.domain.public_events import CONTENT_TYPE
from services.announcements.domain.subscriptions import (
    Attempt,
    Delivery,
    Subscription,
    retry_after,
)
from services.announcements.sender.lines import Due, Lines
from services.announcements.sender.outside import AddressRefused, client
from services.announcements.settings import Settings
from services.announcements.store.subscriptions import Outgoing
from services.announcements.use_cases import subscriptions
from shared.database import OUTAGES, Database, Lease, Watch, now

ENDPOINTS = 50
"""How many are called at the same time."""
TURN = 20
"""Deliveries of one endpoint before another may have its place."""
POLL = 0.5
LOOK_BACK = timedelta(seconds=5)
"""A row may be there only some time after the moment that it says."""
LOOK_AGAIN = timedelta(seconds=10)
"""The least time between two looks at all that is due."""
LOOK_AT_ALL = timedelta(minutes=1)
"""And the longest."""
LAST = 5.0
"""Seconds that requests under way are given when the service stops."""

WEBHOOKS = Counter(
    "mednum_webhooks_total", "Deliveries to subscribers by what became of them", ["outcome"]
)
CALLED = Gauge("mednum_webhook_endpoints_called", "Endpoints that are being called now")

log = structlog.get_logger()


class Caller:
    """Sends what is due while `held` says so; the lease is its loop's."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        http: httpx.AsyncClient,
        held: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._database = database
        self._outgoing = Outgoing(database)
        self._http = http
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._lines = Lines()
        self._looked_at: datetime | None = None
        self._looked_at_all: datetime | None = None
        self._held = held
        self._stopped = False

    async def start_due(self) -> None:
        """Give a turn to endpoints with something due that have none."""
        free = ENDPOINTS - len(self._turns)
        if free <= 0:
            return
        await self._look(now())
        for subscription_id in self._lines.next(free, now(), without=self._turns):
            turn = asyncio.create_task(self._turn(subscription_id))
            self._turns[subscription_id] = turn
            turn.add_done_callback(partial(self._ended, subscription_id))
        CALLED.set(len(self._turns))

    async def _look(self, at: datetime) -> None:
        """Keep in mind what has become due since the last look, or all that is."""
        since, last = self._looked_at, self._looked_at_all
        everything = (
            since is None
            or last is None
            or at - last >= LOOK_AT_ALL
            or (self._lines.exhausted and at - last >= LOOK_AGAIN)
        )
        # each row is read when it becomes due: to sort a backlog at each poll took all the time
        start = None if everything or since is None else since - LOOK_BACK
        found = await self._outgoing.due(at, since=start)
        due = [Due(one["_id"], one["subscription"], one.get("asked", False)) for one in found]
        if everything:
            self._lines.renew(due)
            self._looked_at_all = at
        else:
            self._lines.add(due)
        self._looked_at = at

    def _ended(self, subscription_id: str, _: asyncio.Task[None]) -> None:
        del self._turns[subscription_id]
        self._lines.served(subscription_id)

    def forget(self) -> None:
        """Look at everything next time: another process may have sent meanwhile."""
        self._looked_at = None

    async def stop(self) -> None:
        """Let requests under way end, for a while."""
        self._stopped = True
        turns = list(self._turns.values())
        if turns:
            await asyncio.wait(turns, timeout=LAST)
        for turn in turns:
            turn.cancel()
        await asyncio.gather(*turns, return_exceptions=True)

    async def _turn(self, subscription_id: str) -> None:
        try:
            for _ in range(TURN):
                if (
                    self._stopped
                    or not self._held()
                    or not await self._deliver_next(subscription_id)
                ):
                    return
        except Exception as exc:
            log.warning("webhooks wait", subscription_id=subscription_id, error=type(exc).__name__)
            self._lines.lost(subscription_id)
            # what stands in the way of this one must not make a busy loop
            await asyncio.sleep(POLL)

    async def _deliver_next(self, subscription_id: str) -> bool:
        """One attempt; whether the endpoint may have another one now."""
        subscription = await self._outgoing.subscription(subscription_id)
        if subscription is None:
            self._lines.forget(subscription_id)
            await self._outgoing.forget(subscription_id)
            return False
        if subscription.state == "disabled":
            self._lines.forget(subscription_id)
            await self._park(subscription_id)
            return False
        moment = now()
        held = subscription.held_until if subscription.is_held(moment) else None
        first = self._lines.take(subscription_id, held_until=held)
        if first is None:
            return False
        delivery = await self._outgoing.delivery(first, moment)
        if delivery is None:
            return True
        attempt = await self._attempt(subscription, delivery)
        chance = random.random()
        settled = await self._database.run(
            lambda tx: subscriptions.settle(tx, delivery, attempt, chance)
        )
        if settled is None:
            return True
        _tell(*settled)
        return attempt.reason is None

    async def _park(self, subscription_id: str) -> None:
        await self._outgoing.park(subscription_id)
        again = await self._outgoing.subscription(subscription_id)
        # enabled meanwhile: what was parked behind its back would wait for ever
        if again and again.state == "active":
            await self._outgoing.wake(subscription_id, now())

    async def _attempt(self, subscription: Subscription, delivery: Delivery) -> Attempt:
        try:
            return await self._request(subscription, delivery)
        except OUTAGES:
            raise
        except Exception as exc:
            # not settled, it would be tried again at once, for ever
            log.warning("webhook not sent", event_id=delivery.event, error=type(exc).__name__)
            return Attempt(at=now(), reason="internal-error")

    async def _request(self, subscription: Subscription, delivery: Delivery) -> Attempt:
        event = await self._outgoing.event(delivery.event)
        at = now()
        if event is None:
            return Attempt(at=at, reason="event-no-longer-kept", made=False)
        body = event.body(self._settings.public_url)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "webhook-id": event.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": subscription.signatures(event.id, at, body),
        }
        try:
            async with asyncio.timeout(self._settings.webhook_timeout.total_seconds()):
                return await self._post(subscription.url, headers, body)
        except TimeoutError:
            return Attempt(at=now(), reason="timeout")

    async def _post(self, url: str, headers: dict[str, str], body: str) -> Attempt:
        try:
            # the answer's body is not wanted, and never read
            async with self._http.stream(
                "POST", url, headers=headers, content=body.encode()
            ) as response:
                status, asked = response.status_code, response.headers.get("retry-after")
        except AddressRefused:
            return Attempt(at=now(), reason="address-not-allowed")
        except httpx.TimeoutException:
            return Attempt(at=now(), reason="timeout")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            return Attempt(at=now(), reason="unreachable")
        at = now()
        if httpx.codes.is_success(status):
            return Attempt(at=at, status=status)
        redirected = httpx.codes.is_redirect(status)
        return Attempt(
            at=at,
            status=status,
            reason="redirect" if redirected else "status",
            retry_after=retry_after(asked, at),
        )


def _tell(subscription: Subscription, delivery: Delivery) -> None:
    outcome = "postponed" if delivery.state == "pending" else delivery.state
    WEBHOOKS.labels(outcome).inc()
    log.info(
        f"webhook {outcome}",
        subscription_id=subscription.id,
        event_id=delivery.event,
        type=delivery.type,
        attempt=delivery.attempts,
        status=delivery.status,
        reason=delivery.reason,
        endpoint=subscription.state,
    )


async def send_webhooks(settings: Settings, database: Database) -> None:
    """Send what is due until cancelled; waits while the database is away."""
    # kept beside: a look at a long backlog may take as long as the lease
    watch = Watch(Lease(database, "webhooks"))
    watching = asyncio.create_task(watch.run())
    async with client(settings) as http:
        caller = Caller(settings, database, http, lambda: watch.held)
        try:
            while True:
                try:
                    if watch.held:
                        await caller.start_due()
                    else:
                        caller.forget()
                except Exception as exc:
                    log.warning("webhooks wait", error=type(exc).__name__)
                await asyncio.sleep(POLL)
        finally:
            await caller.stop()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
