"""The relay's way with rows: in order up to the first failure, and past what nobody can send."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faststream.kafka import KafkaBroker

from shared.bus import outbox
from shared.bus.outbox import Relay
from shared.database import Database, Lease, now

HOUR = timedelta(hours=1)


class Cursor:
    """The answer to one question: what matched when it was asked, in its order."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self.closed = False

    def sort(self, keys: list[tuple[str, int]]) -> None:
        self._rows.sort(key=lambda row: [row[key] for key, _ in keys])

    async def to_list(self, length: int) -> list[dict[str, Any]]:
        taken, self._rows = self._rows[:length], self._rows[length:]
        return taken

    async def close(self) -> None:
        self.closed = True


class Rows:
    """The outbox, as far as the relay needs it."""

    def __init__(self, *names: str) -> None:
        moment = now()
        self.rows: dict[str, dict[str, Any]] = {
            name: {"_id": name, "due_at": moment, "seq": seq, "topic": "t", "key": "k"}
            | {"value": name, "headers": {}}
            for seq, name in enumerate(names)
        }
        self.asked: list[Cursor] = []

    @property
    def left(self) -> list[str]:
        return [name for name, row in self.rows.items() if "due_at" in row]

    def find(self, query: dict[str, Any], **_: Any) -> Cursor:
        limit = query["due_at"]["$lte"]
        due = [dict(self.rows[name]) for name in self.left if self.rows[name]["due_at"] <= limit]
        self.asked.append(Cursor(due))
        return self.asked[-1]

    async def update_many(self, query: dict[str, Any], _: Any) -> None:
        for name in query["_id"]["$in"]:
            if self.rows[name]["due_at"] <= query["due_at"]["$lte"]:
                self.rows[name].pop("due_at")

    async def update_one(self, query: dict[str, Any], change: dict[str, Any]) -> None:
        row = self.rows[query["_id"]]
        row.pop("due_at")
        row |= change["$set"]


class Leases:
    """One lease, free until somebody else takes it."""

    def __init__(self) -> None:
        self.taken_over = False

    async def find_one(self, _: Any) -> dict[str, Any] | None:
        return {"holder": "other", "expires_at": now() + HOUR} if self.taken_over else None

    async def insert_one(self, _: Any) -> None:
        return None


class Store:
    """A database of these rows."""

    def __init__(self, rows: Rows, leases: Leases) -> None:
        self.on_published: list[Any] = []
        self._collections = {"outbox": rows, "leases": leases}

    def plain(self, name: str) -> Any:
        return self._collections[name]


class Answers:
    """A broker that answers each message as told: at once, or later."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = iter(answers)
        self.sent: list[str] = []
        self.on_sent: Callable[[], None] = lambda: None

    async def publish(self, value: bytes, *_: Any, **__: Any) -> "asyncio.Future[None]":
        self.sent.append(value.decode())
        self.on_sent()
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failure = next(self._answers, None)
        if failure:
            answer.set_exception(failure)
        else:
            answer.set_result(None)
        return answer


def relay(rows: Rows, broker: Answers, leases: Leases | None = None) -> Relay:
    async def nothing() -> None:
        return None

    store = Store(rows, leases or Leases())
    return Relay(cast(Database, store), cast(KafkaBroker, broker), nothing)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are a batch, one a mark, and the lease is looked at each time."""
    monkeypatch.setattr(outbox, "BATCH", 2)
    monkeypatch.setattr(outbox, "MARKED", 1)
    monkeypatch.setattr(Lease, "DURATION", timedelta(0))


async def test_all_that_is_due_goes() -> None:
    rows, broker = Rows("a", "b", "c"), Answers()
    await relay(rows, broker).send_due()
    assert broker.sent == ["a", "b", "c"]
    assert rows.left == []


def bundle(rows: Rows, name: str, *values: str) -> None:
    """Have a row say several things."""
    messages = [{"topic": "t", "key": "k", "value": one, "headers": {}} for one in values]
    rows.rows[name] = {**rows.rows[name], "messages": messages}


async def test_a_row_of_many_events_sends_each_of_them() -> None:
    rows, broker = Rows("a", "b", "c"), Answers()
    bundle(rows, "b", "b1", "b2")
    await relay(rows, broker).send_due()
    assert broker.sent == ["a", "b1", "b2", "c"]
    assert rows.left == []


async def test_and_stays_whole_if_one_of_them_fails() -> None:
    rows = Rows("a", "b", "c")
    bundle(rows, "b", "b1", "b2")
    with pytest.raises(KafkaTimeoutError):
        await relay(rows, Answers(None, None, KafkaTimeoutError(), None)).send_due()
    assert rows.left == ["b", "c"]


async def test_what_comes_behind_a_failure_stays() -> None:
    rows = Rows("a", "b", "c")
    with pytest.raises(KafkaTimeoutError):
        await relay(rows, Answers(None, KafkaTimeoutError(), None)).send_due()
    assert rows.left == ["b", "c"]


async def test_a_row_that_the_broker_never_takes_does_not_block_the_rest() -> None:
    rows = Rows("a", "big", "c")
    await relay(rows, Answers(None, MessageSizeTooLargeError(), None)).send_due()
    assert rows.left == []
    assert rows.rows["big"]["refused"] == "MessageSizeTooLargeError"


@pytest.mark.usefixtures("small")
async def test_a_backlog_goes_in_order_for_one_question() -> None:
    rows, broker = Rows("d", "e", "c", "a", "b"), Answers()
    for name in ("a", "b", "c"):
        rows.rows[name]["due_at"] -= HOUR
    rows.rows["a"]["seq"], rows.rows["b"]["seq"], rows.rows["c"]["seq"] = 0, 1, 2
    sending = relay(rows, broker)
    sending.failure = "KafkaTimeoutError"
    await sending.send_due()
    assert broker.sent == ["a", "b", "c", "d", "e"]
    assert rows.left == []
    assert [cursor.closed for cursor in rows.asked] == [True]
    assert sending.failure is None


@pytest.mark.usefixtures("small")
async def test_a_failure_ends_a_backlog_where_it_is() -> None:
    rows, broker = (
        Rows("a", "b", "c", "d", "e", "f"),
        Answers(None, None, None, KafkaTimeoutError()),
    )
    with pytest.raises(KafkaTimeoutError):
        await relay(rows, broker).send_due()
    assert broker.sent == ["a", "b", "c", "d"]
    assert rows.left == ["d", "e", "f"]
    assert rows.asked[0].closed


@pytest.mark.usefixtures("small")
async def test_a_relay_that_lost_its_lease_stops_after_its_batch() -> None:
    rows, broker, leases = Rows("a", "b", "c", "d"), Answers(), Leases()
    leases.taken_over = True
    await relay(rows, broker, leases).send_due()
    assert broker.sent == ["a", "b"]
    assert rows.left == ["c", "d"]


async def test_a_timer_moved_while_it_is_sent_stays() -> None:
    rows, broker = Rows("a", "moved"), Answers()
    broker.on_sent = lambda: rows.rows["moved"].update(due_at=now() + HOUR)
    await relay(rows, broker).send_due()
    assert rows.left == ["moved"]


async def test_a_timer_waits_for_its_time() -> None:
    rows, broker = Rows("a", "later"), Answers()
    rows.rows["later"]["due_at"] += HOUR
    await relay(rows, broker).send_due()
    assert broker.sent == ["a"]
    assert rows.left == ["later"]
