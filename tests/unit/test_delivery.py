"""What becomes of each message: an effect once, a wait, or a dead letter with its reason."""

import asyncio
import copy
import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pymongo.errors import AutoReconnect, DuplicateKeyError, NetworkTimeout, OperationFailure
from structlog.testing import capture_logs

from shared.bus.delivery import ATTEMPTS, DEAD_IN_A_ROW, Delivery, Handler, Permanent
from shared.bus.envelope import Record
from shared.database import Conflict, Database, Document, Transaction
from shared.errors import NotFound
from shared.events import Event
from shared.events.announcements import AnnouncementEndReached
from shared.events.contacts import AccountContactChanged, ContactErased
from shared.events.directory import VenueManagersChanged

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
ADDRESS = "jean@exemple.fr"


@dataclass
class Message:
    """A consumed record."""

    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    key: bytes | None = b"v"
    topic: str = "directory"
    partition: int = 0
    timestamp: int = 1_772_442_000_000


def message(n: int, kind: str = "VenueManagersChanged", value: bytes | None = None) -> Message:
    """The n-th message; its event counts n too."""
    body = VenueManagersChanged(venue_id="v", revision=n, managers=[]).model_dump_json().encode()
    headers = [("ce_id", f"e{n}".encode()), ("ce_type", kind.encode())]
    return Message(offset=n, value=body if value is None else value, headers=headers)


class MemoryCollection:
    def __init__(self, rows: dict[str, Document]) -> None:
        self._rows = rows

    async def get(self, id_: str) -> Document | None:
        return self._rows.get(id_)

    async def find(self, query: dict[str, Any]) -> list[Document]:
        return [self._rows[id_] for id_ in query["_id"]["$in"] if id_ in self._rows]

    async def insert(self, *documents: Document) -> None:
        for document in documents:
            if document["_id"] in self._rows:
                raise DuplicateKeyError(document["_id"])
            self._rows[document["_id"]] = document


class MemoryDatabase:
    """Transactions over dictionaries; `broken` is raised by the next commits, one each."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, Document]] = {}
        self.broken: list[Exception] = []
        self.commits = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        draft = copy.deepcopy(self.collections)
        yield MemoryTransaction(draft)
        if self.broken:
            raise self.broken.pop(0)
        self.collections = draft
        self.commits += 1


class MemoryTransaction:
    now = NOW

    def __init__(self, draft: dict[str, dict[str, Document]]) -> None:
        self._draft = draft

    def __getitem__(self, name: str) -> MemoryCollection:
        return MemoryCollection(self._draft.setdefault(name, {}))


@dataclass
class Bench:
    """A delivery whose one handler notes its effects, and fails as it is told."""

    waits: list[float]
    """Seconds that the delivery slept."""
    logs: Sequence[Any]
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    failing: dict[int, list[Exception]] = field(default_factory=dict)
    """What the handler raises for a revision, one after the other."""
    tried: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        handlers: dict[type[Event], Handler] = {
            VenueManagersChanged: self.handle,
            ContactErased: self.forget,
        }
        self.delivery = Delivery("moderation", cast(Database, self.database), handlers)

    async def handle(self, event: VenueManagersChanged, tx: Transaction) -> None:
        self.tried.append(event.revision)
        # before the failure: it must leave nothing behind
        await tx["effects"].insert({"_id": f"{event.revision}/{len(self.tried)}"})
        if reasons := self.failing.get(event.revision):
            raise reasons.pop(0)

    async def forget(self, event: ContactErased, tx: Transaction) -> None:
        await tx["effects"].insert({"_id": f"forgotten {event.contact}"})

    @property
    def effects(self) -> list[int]:
        """The revisions that had their effect, in order."""
        return [int(id_.split("/")[0]) for id_ in self.database.collections.get("effects", {})]

    @property
    def dead(self) -> list[tuple[int, str, str]]:
        """Offset, reason and attempts of each dead letter."""
        letters = self.database.collections.get("outbox", {}).values()
        return [
            (
                int(one["headers"]["dead_origin"].split(":")[2]),
                one["headers"]["dead_reason"],
                one["headers"]["dead_attempts"],
            )
            for one in letters
        ]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    waits: list[float] = []
    really = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await really(0)

    monkeypatch.setattr("asyncio.sleep", sleep)
    with capture_logs() as logs:
        yield Bench(waits, logs)


class TestBatches:
    async def test_one_transaction_holds_a_whole_batch(self, bench: Bench) -> None:
        await bench.delivery([message(1), message(2), message(3)])
        assert bench.effects == [1, 2, 3]
        assert bench.database.commits == 1
        assert set(bench.database.collections["inbox"]) == {"e1", "e2", "e3"}

    async def test_types_that_nobody_here_wants_pass_by(self, bench: Bench) -> None:
        stranger = message(1, "MoonRisen", b"\xff")
        known = message(2, AnnouncementEndReached.__name__, b"not read")
        await bench.delivery([stranger, known])
        assert bench.database.commits == 0
        await bench.delivery([stranger, message(3), known])
        assert (bench.effects, bench.dead) == ([3], [])

    async def test_a_tombstone_is_an_event(self, bench: Bench) -> None:
        erased = message(1, ContactErased.__name__)
        erased.key, erased.value = b"proposal:p", None
        await bench.delivery([erased])
        assert set(bench.database.collections["effects"]) == {"forgotten proposal:p"}

    async def test_a_bad_message_does_not_take_the_others_along(self, bench: Bench) -> None:
        await bench.delivery([message(1), message(2, value=b"{"), message(3)])
        assert bench.effects == [1, 3]
        assert [offset for offset, _, _ in bench.dead] == [2]

    async def test_a_failure_takes_back_the_whole_batch_then_each_is_taken_alone(
        self, bench: Bench
    ) -> None:
        bench.failing = {2: [RuntimeError()]}
        await bench.delivery([message(1), message(2), message(3)])
        assert bench.tried == [1, 2, 1, 2, 3]
        assert bench.effects == [1, 2, 3]
        assert (bench.dead, bench.waits) == ([], [])


class TestDuplicates:
    async def test_a_second_delivery_has_no_effect(self, bench: Bench) -> None:
        await bench.delivery([message(1), message(2)])
        await bench.delivery([message(1), message(2), message(3)])
        assert (bench.effects, bench.dead) == ([1, 2, 3], [])
        assert bench.tried == [1, 2, 3]

    async def test_nor_has_a_second_copy_in_one_batch(self, bench: Bench) -> None:
        copied = message(1)
        copied.offset = 99
        await bench.delivery([message(1), message(2), copied])
        assert bench.effects == [1, 2]

    async def test_what_failed_before_is_no_duplicate(self, bench: Bench) -> None:
        bench.database.broken = [RuntimeError(), RuntimeError()]
        await bench.delivery([message(1)])
        assert bench.tried == [1, 1, 1]
        assert bench.effects == [1]

    async def test_a_letter_parked_twice_is_one(self, bench: Bench) -> None:
        for _ in range(2):
            await bench.delivery([message(1, value=b"{")])
        assert len(bench.dead) == 1


class TestDeadLetters:
    @pytest.mark.parametrize(
        ("failure", "reason"),
        [
            (NotFound("La fiche de jean@exemple.fr"), "not-found: Cette page n'existe pas."),
            (Permanent("no such venue"), "no such venue"),
        ],
    )
    async def test_a_refusal_is_parked_at_once(
        self, bench: Bench, failure: Exception, reason: str
    ) -> None:
        bench.failing = {1: [failure, failure]}
        await bench.delivery([message(1)])
        assert bench.dead == [(1, reason, "1")]
        # once with its batch, once alone
        assert bench.tried == [1, 1]
        assert bench.waits == []
        assert bench.effects == []

    async def test_so_is_what_cannot_be_decoded(self, bench: Bench) -> None:
        headless = message(2)
        headless.headers = [("ce_type", b"VenueManagersChanged")]
        await bench.delivery([message(1, value=b"{"), headless])
        assert bench.dead == [
            (1, "VenueManagersChanged is not valid: body: json_invalid", "1"),
            (2, "the header ce_id is missing", "1"),
        ]
        assert bench.waits == []

    async def test_so_is_a_header_without_a_value(self, bench: Bench) -> None:
        # Kafka allows it, so any partner may send one
        strange = message(1, value=b"{")
        strange.headers = [*strange.headers, ("x-partner", cast(bytes, None))]
        await bench.delivery([strange, message(2)])
        assert [offset for offset, _, _ in bench.dead] == [1]
        assert bench.effects == [2]

    async def test_anything_else_is_tried_five_times(self, bench: Bench) -> None:
        # the batch's own try comes first, and does not count
        bench.failing = {1: [ValueError(ADDRESS) for _ in range(9)]}
        await bench.delivery([message(1), message(2)])
        assert bench.dead == [(1, "ValueError", str(ATTEMPTS))]
        assert bench.tried == [1] * (1 + ATTEMPTS) + [2]
        assert bench.effects == [2]
        assert len(bench.waits) == ATTEMPTS - 1
        for wait, pause in zip(bench.waits, (0.2, 0.4, 0.8, 1.6), strict=True):
            assert pause / 2 <= wait <= pause * 1.5

    async def test_the_last_try_counts(self, bench: Bench) -> None:
        bench.failing = {1: [RuntimeError() for _ in range(ATTEMPTS)]}
        await bench.delivery([message(1)])
        assert (bench.effects, bench.dead) == ([1], [])

    async def test_no_address_in_letter_nor_log(self, bench: Bench) -> None:
        try:
            AccountContactChanged.model_validate({"account_id": "a", "email": {ADDRESS: 1}})
        except ValueError as exc:
            invalid = exc
        bench.failing = {
            1: [invalid for _ in range(9)],
            2: [KeyError(ADDRESS) for _ in range(9)],
            3: [NotFound(ADDRESS) for _ in range(9)],
        }
        await bench.delivery([message(1), message(2), message(3)])
        assert [reason for _, reason, _ in bench.dead] == [
            "ValidationError",
            "KeyError",
            "not-found: Cette page n'existe pas.",
        ]
        assert "jean" not in str(bench.logs)

    async def test_a_letter_waits_while_the_database_is_away(self, bench: Bench) -> None:
        bench.database.broken = [AutoReconnect(), AutoReconnect()]
        await bench.delivery([message(1, value=b"{")])
        assert len(bench.dead) == 1
        assert bench.waits == [1.0, 2.0]


class TestConflicts:
    @pytest.mark.parametrize("failure", [Conflict("v"), OperationFailure("lost", 112)])
    async def test_are_tried_again_and_never_parked(self, bench: Bench, failure: Exception) -> None:
        if isinstance(failure, OperationFailure):
            failure._add_error_label("TransientTransactionError")
        bench.failing = {1: [failure for _ in range(4 * ATTEMPTS)]}
        await bench.delivery([message(1)])
        assert (bench.effects, bench.dead) == ([1], [])


class TestOutages:
    @pytest.mark.parametrize("failure", [AutoReconnect(), NetworkTimeout()])
    async def test_park_nothing_and_wait(self, bench: Bench, failure: Exception) -> None:
        bench.database.broken = [failure] * 9
        await bench.delivery([message(1), message(2)])
        assert (bench.effects, bench.dead) == ([1, 2], [])
        # the batch failed first, without a wait
        assert bench.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]

    async def test_are_seen_while_they_last(self, bench: Bench) -> None:
        seen: list[str | None] = []

        async def handle(event: VenueManagersChanged, tx: Transaction) -> None:
            seen.append(delivery.failure)
            if len(seen) < 4:
                raise AutoReconnect(ADDRESS)

        delivery = Delivery(
            "moderation", cast(Database, bench.database), {VenueManagersChanged: handle}
        )
        await delivery([message(1)])
        assert seen == [None, None, "AutoReconnect", "AutoReconnect"]
        assert delivery.failure is None

    async def test_use_up_no_attempt(self, bench: Bench) -> None:
        outages: list[Exception] = [AutoReconnect() for _ in range(2 * ATTEMPTS)]
        bench.failing = {1: [*outages, *(RuntimeError() for _ in range(ATTEMPTS - 1))]}
        await bench.delivery([message(1)])
        assert (bench.effects, bench.dead) == ([1], [])

    async def test_a_shutdown_is_no_failure(self, bench: Bench) -> None:
        bench.failing = {1: [cast(Exception, asyncio.CancelledError())]}
        with pytest.raises(asyncio.CancelledError):
            await bench.delivery([message(1)])
        assert (bench.effects, bench.dead) == ([], [])


class TestWhatOthersWrite:
    """A topic whose records are handed over whole, whatever is in them."""

    async def test_has_its_effect_once_by_its_place(self, bench: Bench) -> None:
        taken: list[tuple[bytes | None, bytes | None]] = []

        async def take(record: Record, tx: Transaction) -> None:
            taken.append((record.key, record.value))
            await tx["effects"].insert({"_id": f"{record.offset}/0"})

        delivery = Delivery("x", cast(Database, bench.database), {}, {"partners": take})
        records = [Message(n, b"\xff{", [], topic="partners") for n in (1, 2)]
        await delivery(records)
        await delivery(records)
        assert taken == [(b"v", b"\xff{")] * 2
        assert bench.effects == [1, 2]

    async def test_refused_it_is_parked_and_never_stops_us(self, bench: Bench) -> None:
        async def refuse(record: Record, tx: Transaction) -> None:
            raise NotFound

        delivery = Delivery("x", cast(Database, bench.database), {}, {"partners": refuse})
        many = DEAD_IN_A_ROW + 1
        await delivery([Message(n, b"{}", [], topic="partners") for n in range(many)])
        assert [offset for offset, _, _ in bench.dead] == list(range(many))
        assert delivery.failure is None


class TestTooMany:
    async def _stopped(self, bench: Bench, messages: list[Message]) -> asyncio.Task[None]:
        """The delivery's task, once it says that it has stopped."""
        task = asyncio.create_task(bench.delivery(messages))
        for _ in range(10_000):
            if bench.delivery.failure or task.done():
                break
            await asyncio.sleep(0)
        return task

    async def test_twenty_in_a_row_stop_deliveries_and_are_seen(self, bench: Bench) -> None:
        bad = [message(n, value=b"{") for n in range(1, DEAD_IN_A_ROW + 6)]
        task = await self._stopped(bench, bad)
        assert not task.done()
        assert len(bench.dead) == DEAD_IN_A_ROW
        assert bench.delivery.failure == "20 dead letters in a row"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_each_restart_gets_past_what_is_parked(self, bench: Bench) -> None:
        bad = [message(n, value=b"{") for n in range(1, DEAD_IN_A_ROW + 6)]
        (await self._stopped(bench, bad)).cancel()
        # the offsets were never committed: the same records come again
        again = Bench([], bench.logs, bench.database)
        assert (await self._stopped(again, bad)).done()
        assert again.delivery.failure is None
        assert len(bench.dead) == len(bad)

    async def test_across_batches_too(self, bench: Bench) -> None:
        for n in range(1, DEAD_IN_A_ROW):
            assert (await self._stopped(bench, [message(n, value=b"{")])).done()
        assert bench.delivery.failure is None
        task = await self._stopped(bench, [message(DEAD_IN_A_ROW, value=b"{")])
        assert not task.done()
        task.cancel()

    async def test_a_good_one_between_them_starts_the_count_anew(self, bench: Bench) -> None:
        for n in range(1, 2 * DEAD_IN_A_ROW):
            good = n % (DEAD_IN_A_ROW - 1) == 0
            one = message(n) if good else message(n, value=b"{")
            assert (await self._stopped(bench, [one])).done()
        assert bench.delivery.failure is None
