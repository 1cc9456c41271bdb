"""What every service is made of: roles, lifespan, health, metrics; the rest is its own.

`ROLES` decides which parts a process runs. Start: database (waits) → indexes → Kafka (waits) →
topics → relay → consumer; stop in reverse. The HTTP port opens at once and `/health/ready`
says which part is not there yet.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import prometheus_client
import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from faststream.kafka import KafkaBroker

from shared import http, metrics
from shared.auth import Verifier
from shared.bus import outbox
from shared.bus.broker import Assignment, lag, make_broker, subscribe
from shared.bus.delivery import Delivery, Handlers, RecordHandlers
from shared.bus.foreign import ForeignReader
from shared.bus.topics import ensure_topics, topic_of
from shared.database import Database, Index, Transaction
from shared.observability import configure_logging
from shared.openapi import DescribedApp
from shared.settings import ServiceSettings

Sender = Callable[[Database], Awaitable[None]]
"""A loop that runs until cancelled, beside the consumer: mails, calls to partners."""


class Companion(Protocol):
    """What every process with the role `api` keeps beside its routes."""

    @property
    def fault(self) -> str | None:
        """Why the routes cannot use it yet, for the readiness check."""
        ...

    async def run(self, database: Database) -> None:
        """Go on until cancelled; waits for what is away."""
        ...


LONGEST_WAIT = 30.0
PING = 2.0
"""Seconds that a readiness check waits for a server."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Service:
    """A service's parts, named once, in its `app.py`."""

    name: str
    settings: ServiceSettings
    router: APIRouter
    handlers: Handlers = field(default_factory=dict)
    foreign: RecordHandlers = field(default_factory=dict)
    """By stream: what takes the records that others than our services write."""
    indexes: Sequence[Index] = ()
    sender: Sender | None = None
    companions: Mapping[str, Companion] = field(default_factory=dict)
    """By name; routes find them in `state`."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """What routes find in `request.app.state`."""
    lacks: str = ""
    """What must be set before it can answer people, if anything; its commands do without."""
    shortcuts: Mapping[str, http.Reader] = field(default_factory=dict)
    """By path: routes without a body that are asked so often that they are not looked for."""

    def check(self) -> None:
        """Raise ValueError if these settings could not serve anybody."""
        identified = self.settings.jwks_url or self.settings.jwt_key.get_secret_value()
        if "api" in self.settings.roles and not identified:
            raise ValueError("set JWKS_URL or JWT_KEY: without one nobody can sign in")
        if "api" in self.settings.roles and self.lacks:
            raise ValueError(self.lacks)

    @property
    def streams(self) -> frozenset[str]:
        """Our own streams that its handlers want."""
        return frozenset(event.STREAM for event in self.handlers)

    @property
    def listens(self) -> frozenset[str]:
        """All that it reads, what others write included."""
        return self.streams | self.foreign.keys()

    def database(self) -> Database:
        """A connection to its database."""
        return Database(
            self.settings.mongo_url,
            f"{self.settings.database_prefix}{self.name}",
            outbox.publisher(self.name, self.settings),
        )

    @property
    def all_indexes(self) -> list[Index]:
        """Its own indexes and the bus's."""
        return [*outbox.INDEXES, *self.indexes]


async def _transaction(request: Request) -> AsyncIterator[Transaction]:
    database: Database = request.app.state.database
    async with database.transaction() as tx:
        yield tx


RequestTx = Annotated[Transaction, Depends(_transaction, scope="function")]
"""A route's parameter: its transaction, committed before the answer is sent."""


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


RequestDatabase = Annotated[Database, Depends(_database)]
"""A route's parameter for work in several transactions."""


class Runtime:
    """One process of a service: its parts as they come up, and what is wrong with each."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.settings = service.settings
        self.database = service.database()
        self.delivery = Delivery(service.name, self.database, service.handlers)
        self.broker: KafkaBroker = make_broker(self.settings)
        self.relay = outbox.Relay(self.database, self.broker, self._ensure_topics)
        self.assignment = Assignment()
        self._consumer: Callable[[], Any] = lambda: None
        foreign = {topic_of(self.settings, name): one for name, one in service.foreign.items()}
        self.foreign = ForeignReader(
            self.settings,
            Delivery(service.name, self.database, {}, foreign),
            service=service.name,
            streams=frozenset(service.foreign),
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._starting: str | None = "starting"

    @property
    def _on_bus(self) -> bool:
        return bool(self.settings.roles & {"consumer", "relay"})

    @property
    def _consumes(self) -> bool:
        return "consumer" in self.settings.roles and bool(self.service.streams)

    @property
    def _consumes_foreign(self) -> bool:
        return "consumer" in self.settings.roles and bool(self.service.foreign)

    @property
    def _companions(self) -> Mapping[str, Companion]:
        return self.service.companions if "api" in self.settings.roles else {}

    async def run(self) -> None:
        """Bring everything up, waiting for what is away, then keep the loops going."""
        await self._wait_for("database", self.database.ping)
        await self._wait_for(
            "indexes", lambda: self.database.ensure_indexes(self.service.all_indexes)
        )
        if "sender" in self.settings.roles and self.service.sender:
            self._tasks["sender"] = asyncio.create_task(_run(self.service.sender, self.database))
        for name, companion in self._companions.items():
            self._tasks[name] = asyncio.create_task(companion.run(self.database))
        if self._on_bus:
            await self._wait_for("kafka", self._ensure_topics)
            await self._wait_for("kafka", self.broker.connect)
            if "relay" in self.settings.roles:
                self._tasks["relay"] = asyncio.create_task(self.relay.run())
            if self._consumes_foreign:
                self._tasks["foreign"] = asyncio.create_task(self.foreign.run())
            # last: joining a group may take its time, and timers must not wait for it
            if self._consumes:
                self._subscribe()
                await self._wait_for("kafka", self.broker.start)
        self._starting = None
        log.info("ready", roles=sorted(self.settings.roles))

    async def stop(self) -> None:
        """Stop the loops, then the broker, then the database."""
        for task in reversed(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.broker.stop()
        self.database.close()

    def _subscribe(self) -> None:
        self._consumer = subscribe(
            self.broker,
            self.settings,
            service=self.service.name,
            listens=self.service.streams,
            delivery=self.delivery,
            assignment=self.assignment,
        )

    async def _ensure_topics(self) -> None:
        await ensure_topics(
            self.settings,
            self.service.name,
            self.service.listens,
            frozenset(self.service.foreign),
        )

    async def _wait_for(self, part: str, start: Callable[[], Awaitable[object]]) -> None:
        wait = 0.5
        while True:
            try:
                await start()
                return
            except Exception as exc:
                self._starting = f"{part}: {type(exc).__name__}"
                log.warning("waiting", part=part, error=type(exc).__name__, seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    async def red(self) -> dict[str, str]:
        """The parts that are not well, each with its reason; empty means ready."""
        parts: dict[str, str] = {}
        database, kafka = await asyncio.gather(self._database_fault(), self._kafka_fault())
        if database:
            parts["database"] = database
        if self._starting:
            parts["start"] = self._starting
        elif kafka:
            parts["kafka"] = kafka
        if self.relay.failure:
            parts["relay"] = self.relay.failure
        if self.delivery.failure:
            parts["consumer"] = self.delivery.failure
        parts |= {name: one.fault for name, one in self._companions.items() if one.fault}
        parts |= {name: "stopped" for name, task in self._tasks.items() if task.done()}
        if self._consumes and not self._starting and not self.assignment.dealt:
            parts["consumer"] = "no partition assigned yet"
        if self._consumes_foreign and not self._starting and self.foreign.fault:
            parts["foreign"] = self.foreign.fault
        return parts

    async def _database_fault(self) -> str | None:
        try:
            await asyncio.wait_for(self.database.ping(), PING)
        except Exception as exc:
            return type(exc).__name__
        return None

    async def _kafka_fault(self) -> str | None:
        if self._starting or not self._on_bus or await self.broker.ping(PING):
            return None
        return "unreachable"

    async def measure(self) -> None:
        """Bring the gauges up to date."""
        pending, oldest = await outbox.pending(self.database)
        metrics.OUTBOX_PENDING.set(pending)
        metrics.OUTBOX_OLDEST.set(oldest)
        consumers = [one for one in (self._consumer(), self.foreign.consumer) if one]
        if consumers:
            lags = [await asyncio.wait_for(lag(one), 2) for one in consumers]
            metrics.CONSUMER_LAG.set(sum(lags))


async def _run(sender: Sender, database: Database) -> None:
    await sender(database)


def build(service: Service) -> FastAPI:
    """The service's ASGI application."""
    settings = service.settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = Runtime(service)
        app.state.runtime = runtime
        app.state.database = runtime.database
        starting = asyncio.create_task(runtime.run())
        try:
            yield
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await runtime.stop()

    app = DescribedApp(
        title=f"mednum · {service.name}",
        lifespan=lifespan,
        redirect_slashes=False,  # the redirect would repeat whatever Host was sent
    )
    app.state.settings = settings
    app.state.verifier = Verifier(settings)
    for name, value in service.state.items():
        setattr(app.state, name, value)
    http.install(app, service.shortcuts if "api" in settings.roles else {})
    app.include_router(_operations)
    if "api" in settings.roles:
        app.include_router(service.router, dependencies=[Depends(http.strictly)])
    return app


_operations = APIRouter(tags=["operations"])


@_operations.get("/health/live")
async def live() -> dict[str, str]:
    """Whether the process answers at all."""
    return {"status": "live"}


@_operations.get("/health/ready")
async def ready(request: Request) -> JSONResponse:
    """Whether every part of the process works; says which does not, and why."""
    red = await request.app.state.runtime.red()
    body = {"status": "not ready" if red else "ready", "red": red}
    return JSONResponse(body, 503 if red else 200)


@_operations.get("/metrics", include_in_schema=False)
async def measures(request: Request) -> Response:
    """What Prometheus reads."""
    with contextlib.suppress(Exception):
        await request.app.state.runtime.measure()
    return Response(
        prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST
    )


def serve(service: Service) -> None:
    """Run one process of a service until it is told to stop."""
    settings = service.settings
    configure_logging(service.name, json=settings.log_format == "json", level=settings.log_level)
    uvicorn.run(
        build(service),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,  # raw paths may hold signed links
        server_header=False,
        timeout_graceful_shutdown=8,
    )
