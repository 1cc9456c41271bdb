"""MongoDB: the only module that knows its driver (Motor), and the transaction everybody gets.

`Transaction` reads, writes and publishes: the events it is given are outbox rows of the same
MongoDB transaction, so a state change and its events are there together or not at all.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import structlog
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference, ReplaceOne
from pymongo.errors import ConnectionFailure, DuplicateKeyError, ExecutionTimeout, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.events import Event

log = structlog.get_logger()

Document = dict[str, Any]
T = TypeVar("T")

TRIES = 8
"""How often a unit of work is run when others write the same documents."""

BUNDLE = 50
"""Events of one outbox row, if they are published together."""

OUTAGES: tuple[type[Exception], ...] = (ConnectionFailure, ExecutionTimeout)
"""The database is away or does not answer: wait, nothing is wrong with the request."""


class Conflict(Exception):
    """Somebody else wrote the same document; the whole transaction may be run again."""


def is_conflict(exc: BaseException) -> bool:
    """Whether running the same transaction again may succeed at once."""
    return isinstance(exc, Conflict) or (
        isinstance(exc, PyMongoError)
        and not isinstance(exc, ConnectionFailure)
        and exc.has_error_label("TransientTransactionError")
    )


def now() -> datetime:
    """The present in UTC, in milliseconds as MongoDB keeps them."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Publisher(Protocol):
    """Turns events into the row that the relay will send."""

    def __call__(self, *events: Event, event_id: str | None, at: datetime) -> Document:
        """One outbox row for these events."""
        ...


@dataclass(frozen=True)
class Index:
    """An index that a service needs: `keys` as pymongo writes them."""

    collection: str
    keys: Sequence[tuple[str, int]]
    unique: bool = False
    sparse: bool = False
    expire_after: timedelta | None = None


class Collection:
    """A collection inside one transaction."""

    def __init__(
        self, collection: AsyncIOMotorCollection[Document], session: AsyncIOMotorClientSession
    ) -> None:
        self._collection = collection
        self._session = session

    async def get(self, id_: str) -> Document | None:
        """The document with this `_id`."""
        return await self.find_one({"_id": id_})

    async def find_one(self, query: Mapping[str, Any]) -> Document | None:
        """One document, or none."""
        return await self._collection.find_one(query, session=self._session)

    async def find(
        self,
        query: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        """All documents that match, at most `limit` (0: all)."""
        cursor = self._collection.find(query, fields, session=self._session)
        if sort:
            cursor = cursor.sort(list(sort))
        if limit:
            cursor = cursor.limit(limit)
        return await cursor.to_list(None)

    async def insert(self, *documents: Document) -> None:
        """Add documents; a duplicate `_id` is an error."""
        if documents:
            await self._collection.insert_many(list(documents), session=self._session)

    async def put(self, document: Document) -> None:
        """Add or replace the document with this `_id`."""
        await self._collection.replace_one(
            {"_id": document["_id"]}, document, upsert=True, session=self._session
        )

    async def save(self, *documents: Document, version: str = "revision") -> None:
        """Replace documents whose version was raised by one since they were read.

        Raises `Conflict` if any of them is no longer at the version read.
        """
        writes = [
            ReplaceOne({"_id": document["_id"], version: document[version] - 1}, document)
            for document in documents
        ]
        if writes:
            result = await self._collection.bulk_write(writes, session=self._session)
            if result.matched_count != len(writes):
                raise Conflict(f"{len(writes) - result.matched_count} of {len(writes)}")

    async def update(self, query: Mapping[str, Any], change: Mapping[str, Any]) -> int:
        """Change one document; returns how many matched (0 or 1)."""
        result = await self._collection.update_one(query, change, session=self._session)
        return result.matched_count

    async def delete(self, query: Mapping[str, Any]) -> int:
        """Remove the documents that match; returns how many."""
        result = await self._collection.delete_many(query, session=self._session)
        return result.deleted_count


class Transaction:
    """What every use case gets: it reads, writes and publishes; nobody calls commit."""

    def __init__(
        self,
        database: AsyncIOMotorDatabase[Document],
        session: AsyncIOMotorClientSession,
        publisher: Publisher,
    ) -> None:
        self._database = database
        self._session = session
        self._publisher = publisher
        self._events: list[tuple[Sequence[Event], str | None, Context]] = []
        self._timers: dict[str, tuple[Event, datetime] | None] = {}
        self.now = now()

    def __getitem__(self, collection: str) -> Collection:
        return Collection(self._database[collection], self._session)

    def publish(self, event: Event, *, event_id: str | None = None) -> None:
        """Have an event sent once this transaction is there; `event_id` defaults to a new one."""
        # whose request it is goes with it: several may share a transaction
        self._events.append(([event], event_id, copy_context()))

    def publish_many(self, events: Sequence[Event]) -> None:
        """Have many small events of different aggregates sent, at the cost of a few rows."""
        for first in range(0, len(events), BUNDLE):
            self._events.append((events[first : first + BUNDLE], None, copy_context()))

    def schedule(self, event: Event, *, at: datetime, timer_id: str) -> None:
        """Have an event sent at a time; setting the same timer again moves it."""
        self._timers[timer_id] = (event, at)

    def unschedule(self, timer_id: str) -> None:
        """Cancel a timer, if it has not fired."""
        self._timers[timer_id] = None

    async def flush(self) -> bool:
        """Write the outbox rows; whether there were any. Called once, before the commit."""
        # taken now and not at the start: a later writer of the same aggregate must sort behind
        at = now()
        rows = [
            context.run(self._publisher, *events, event_id=event_id, at=at) | {"seq": seq}
            for seq, (events, event_id, context) in enumerate(self._events)
        ]
        await self["outbox"].insert(*rows)
        for timer_id, timer in self._timers.items():
            if timer is None:
                await self["outbox"].delete({"_id": timer_id})
                continue
            event, due = timer
            # a moved timer is another message: the inbox must not take it for the first one
            row = self._publisher(event, event_id=f"{timer_id}@{due.isoformat()}", at=due)
            await self["outbox"].put(row | {"_id": timer_id, "seq": 0, "timer": True})
        return bool(rows or self._timers)


class Database:
    """One service's database. Belongs to the event loop it is made in."""

    def __init__(self, url: str, name: str, publisher: Publisher) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            url,
            tz_aware=True,
            appname=name,
            serverSelectionTimeoutMS=5_000,
            connectTimeoutMS=5_000,
            socketTimeoutMS=20_000,
        )
        self._database = self._client.get_database(
            name,
            write_concern=WriteConcern("majority"),
            read_concern=ReadConcern("majority"),
        )
        self._publisher = publisher
        self.on_published: list[Callable[[], None]] = []
        """Called after a commit that left rows in the outbox."""

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    async def ping(self) -> None:
        """Return if the database answers; raises one of `OUTAGES` if not."""
        await self._client.admin.command("ping")

    async def ensure_indexes(self, indexes: Iterable[Index]) -> None:
        """Create what is missing."""
        for index in indexes:
            options: dict[str, Any] = {"unique": index.unique, "sparse": index.sparse}
            if index.expire_after:
                options["expireAfterSeconds"] = int(index.expire_after.total_seconds())
            await self._database[index.collection].create_index(list(index.keys), **options)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Everything done inside is there together afterwards, or nothing is."""
        async with (
            await self._client.start_session() as session,
            session.start_transaction(
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
                read_preference=ReadPreference.PRIMARY,
            ),
        ):
            tx = Transaction(self._database, session, self._publisher)
            yield tx
            published = await tx.flush()
        if published:
            for callback in self.on_published:
                callback()

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a unit of work in a transaction, again after a conflict; returns its result."""
        for attempt in count(1):
            try:
                async with self.transaction() as tx:
                    return await work(tx)
            except Exception as exc:
                if attempt >= TRIES or not is_conflict(exc):
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError

    def plain(self, collection: str) -> AsyncIOMotorCollection[Document]:
        """A collection outside of transactions, for the bus's own bookkeeping."""
        return self._database[collection]


class Lease:
    """One holder at a time for one name in a service's database; taken over when it lapses."""

    DURATION = timedelta(seconds=10)

    def __init__(self, database: Database, name: str) -> None:
        self._leases = database.plain("leases")
        self._name = name
        self._holder = uuid4().hex
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    async def hold(self) -> bool:
        """Take, keep or renew the lease; whether it is ours now."""
        moment = now()
        if moment < self._renew_at:
            return True
        if await self._take(moment):
            self._renew_at = moment + self.DURATION / 3
            return True
        return False

    async def _take(self, moment: datetime) -> bool:
        mine = {"holder": self._holder, "expires_at": moment + self.DURATION}
        lease = await self._leases.find_one({"_id": self._name})
        if lease is None:
            try:
                await self._leases.insert_one({"_id": self._name, **mine})
            except DuplicateKeyError:
                return False
            return True
        if lease["holder"] != self._holder and lease["expires_at"] > moment:
            return False
        taken = await self._leases.update_one(lease, {"$set": mine})
        return bool(taken.matched_count)

    async def release(self) -> None:
        """Give it back, so that another need not wait for it to lapse."""
        self._renew_at = datetime.min.replace(tzinfo=UTC)
        await self._leases.delete_one({"_id": self._name, "holder": self._holder})


class Watch:
    """Keeps a lease while something takes longer than it lasts."""

    PERIOD = 1.0

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.held = False

    async def run(self) -> None:
        """Keep it until cancelled, then give it back."""
        try:
            while True:
                try:
                    self.held = await self._lease.hold()
                except Exception as exc:
                    self.held = False
                    log.warning("sender waits", error=type(exc).__name__)
                await asyncio.sleep(self.PERIOD)
        finally:
            self.held = False
            with contextlib.suppress(Exception):
                await self._lease.release()
