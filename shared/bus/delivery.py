"""From a batch of records to effects that happen once.

One transaction holds the inbox rows and the effects of a whole batch. If anything in it fails,
each message is taken alone: tried, waited for, or parked as a dead letter with its reason.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import structlog

from shared.bus.dead_letters import letter
from shared.bus.envelope import Envelope, Record, Undecodable, Unread, open_envelope, place
from shared.database import OUTAGES, Database, Transaction, is_conflict, now
from shared.errors import Problem
from shared.events import TYPES, Event
from shared.metrics import DEAD_LETTERS, DUPLICATES, HANDLED, RETRIES
from shared.observability import correlated, span, trace_of

Handler = Callable[[Any, Transaction], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]
RecordHandler = Callable[[Record, Transaction], Awaitable[None]]
RecordHandlers = Mapping[str, RecordHandler]
"""By topic: what others than our services write, in forms of their own."""
Note = Callable[[Transaction], Awaitable[None]]

ATTEMPTS = 5
FIRST_PAUSE = 0.1
LONGEST_WAIT = 30.0
DEAD_IN_A_ROW = 20
"""So many dead letters one after the other are an outage of ours, not bad messages."""

log = structlog.get_logger()


class Permanent(Exception):
    """Raised by a handler: no further attempt can succeed."""

    def __init__(self, reason: str, *, note: Note | None = None) -> None:
        super().__init__(reason)
        self.note = note
        """What is to be written together with the dead letter."""


@dataclass(frozen=True)
class Effect:
    """What a record is to have done, once."""

    id: str
    """Its row in the inbox."""
    label: str
    """Its kind, among few."""
    apply: Callable[[Transaction], Awaitable[None]]


class Delivery:
    """Delivers records to one service's handlers; `foreign` ones take a topic's records whole."""

    def __init__(
        self,
        service: str,
        database: Database,
        handlers: Handlers,
        foreign: RecordHandlers | None = None,
    ) -> None:
        self._service = service
        self._database = database
        self._handlers = handlers
        self._foreign = foreign or {}
        self._parked_in_a_row = 0
        self.failure: str | None = None
        """Why deliveries wait or have stopped, for the readiness check."""

    async def __call__(self, records: Sequence[Record]) -> None:
        """Return when every record has had its effect or is parked; never raises but to stop."""
        try:
            await self._handle(records)
            self._settled()
        except Exception as exc:
            log.debug("batch falls apart", size=len(records), error=type(exc).__name__)
            for record in records:
                await self._deliver_alone(record)

    async def _handle(self, records: Sequence[Record]) -> None:
        """All effects of these records in one transaction, or none."""
        effects = {effect.id: effect for effect in map(self._effect, records) if effect}
        if not effects:
            return
        async with self._database.transaction() as tx:
            seen = {row["_id"] for row in await tx["inbox"].find({"_id": {"$in": [*effects]}})}
            fresh = [effect for id_, effect in effects.items() if id_ not in seen]
            await tx["inbox"].insert(*({"_id": one.id, "at": tx.now} for one in fresh))
            for effect in fresh:
                await effect.apply(tx)
        DUPLICATES.inc(len(seen))
        for effect in fresh:
            HANDLED.labels(effect.label).inc()

    def _effect(self, record: Record) -> Effect | None:
        """What this service does with a record; none if it has no handler for its type."""
        if isinstance(record, Unread) and record.reason:
            raise Undecodable(record.reason)
        if handler := self._foreign.get(record.topic):
            # its ids are others' and may meet: only its place is unique
            apply = partial(self._apply_foreign, handler, record)
            return Effect(place(record), record.topic, apply)
        envelope = open_envelope(record)
        # a type that nobody here knows passes by
        if TYPES.get(envelope.type) not in self._handlers:
            return None
        return Effect(envelope.id, envelope.type, partial(self._apply, envelope))

    async def _apply_foreign(self, handler: RecordHandler, record: Record, tx: Transaction) -> None:
        headers = {
            name.lower().removeprefix("ce_"): (value or b"").decode(errors="replace")
            for name, value in record.headers
        }
        given = headers.get("correlationid") or headers.get("x-correlation-id")
        with correlated(given, headers), span(record.topic):
            await handler(record, tx)

    async def _apply(self, envelope: Envelope, tx: Transaction) -> None:
        handler = self._handlers[TYPES[envelope.type]]
        with correlated(envelope.correlation_id, w3c_headers(envelope)), span(envelope.type):
            await handler(envelope.event(), tx)

    async def _deliver_alone(self, record: Record) -> None:
        failures = 0
        wait = 1.0
        while True:
            try:
                await self._handle([record])
                self._settled()
                return None
            except Permanent as exc:
                return await self._park(record, _reason(exc), failures + 1, exc.note)
            except (Undecodable, Problem) as exc:
                return await self._park(record, _reason(exc), failures + 1)
            except OUTAGES as exc:
                self.failure = type(exc).__name__
                log.warning("delivery waits", error=self.failure, seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            except Exception as exc:
                RETRIES.inc()
                if not is_conflict(exc):
                    failures += 1
                    log.warning(
                        "handler failed", attempt=failures, error=_reason(exc), trace=trace_of(exc)
                    )
                if failures >= ATTEMPTS:
                    return await self._park(record, _reason(exc), failures)
                await asyncio.sleep(FIRST_PAUSE * 2**failures * random.uniform(0.5, 1.5))

    def _settled(self) -> None:
        self.failure = None
        self._parked_in_a_row = 0

    async def _park(
        self, record: Record, reason: str, attempts: int, note: Note | None = None
    ) -> None:
        """Keep a message apart, through the outbox: once, whatever is killed or away."""
        row = letter(record, self._service, reason, attempts, now())
        wait = 1.0
        while True:
            try:
                async with self._database.transaction() as tx:
                    if await tx["outbox"].get(row["_id"]):
                        # parked before a restart: counted again, it would halt us for ever
                        return
                    await tx["outbox"].insert(row)
                    if note:
                        await note(tx)
                break
            except Exception as exc:
                self.failure = type(exc).__name__
                log.warning("dead letter waits", error=self.failure, seconds=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
        DEAD_LETTERS.labels(record.topic).inc()
        log.error(
            "dead letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
            attempts=attempts,
        )
        if record.topic in self._foreign:
            # others' mistakes are no outage of ours, and must not stop us
            return
        self._parked_in_a_row += 1
        if self._parked_in_a_row >= DEAD_IN_A_ROW:
            await self._halt()

    async def _halt(self) -> NoReturn:
        """Stop consuming, visibly, until somebody restarts the service."""
        self.failure = f"{DEAD_IN_A_ROW} dead letters in a row"
        log.critical("deliveries stopped", reason=self.failure)
        await asyncio.Event().wait()
        raise AssertionError


def w3c_headers(envelope: Envelope) -> dict[str, str]:
    """The W3C trace headers that travelled with an event."""
    parent = envelope.headers.get("ce_traceparent")
    return {"traceparent": parent} if parent else {}


def _reason(exc: Exception) -> str:
    """What to tell an operator: our own refusals in full, others by kind only (personal data)."""
    if isinstance(exc, Problem):
        return f"{exc.type}: {exc.title}"
    if isinstance(exc, Undecodable | Permanent):
        return str(exc)
    return type(exc).__name__
