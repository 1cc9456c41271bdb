"""The relay's way with rows: in order up to the first failure, and past what nobody can send."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faststream.kafka import KafkaBroker

from shared.bus.outbox import Relay
from shared.database import Database, now


class Rows:
    """The outbox, as far as the relay needs it."""

    def __init__(self, *names: str) -> None:
        moment = now()
        self.rows: dict[str, dict[str, Any]] = {
            name: {"_id": name, "due_at": moment, "seq": seq, "topic": "t", "key": "k"}
            | {"value": "{}", "headers": {}}
            for seq, name in enumerate(names)
        }

    def find(self, _: Any) -> "Rows":
        return self

    def sort(self, *_: Any) -> "Rows":
        return self

    async def to_list(self, _: Any) -> list[dict[str, Any]]:
        return [row for row in self.rows.values() if "due_at" in row]

    async def update_many(self, query: dict[str, Any], _: Any) -> None:
        for name in query["_id"]["$in"]:
            self.rows[name].pop("due_at")

    async def update_one(self, query: dict[str, Any], change: dict[str, Any]) -> None:
        row = self.rows[query["_id"]]
        row.pop("due_at")
        row |= change["$set"]


class Store:
    """A database of these rows."""

    def __init__(self, rows: Rows) -> None:
        self.on_published: list[Any] = []
        self._rows = rows

    def plain(self, _: str) -> Rows:
        return self._rows


class Answers:
    """A broker that answers each message as told: at once, or later."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = iter(answers)
        self.sent = 0

    async def publish(self, *_: Any, **__: Any) -> "asyncio.Future[None]":
        self.sent += 1
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failure = next(self._answers, None)
        if failure:
            answer.set_exception(failure)
        else:
            answer.set_result(None)
        return answer


def relay(rows: Rows, broker: Answers) -> Relay:
    async def nothing() -> None:
        return None

    return Relay(cast(Database, Store(rows)), cast(KafkaBroker, broker), nothing)


async def test_all_go_in_one_batch() -> None:
    rows, broker = Rows("a", "b", "c"), Answers()
    assert await relay(rows, broker).send_due() == 3
    assert await rows.to_list(None) == []


async def test_what_comes_behind_a_failure_stays() -> None:
    rows = Rows("a", "b", "c")
    with pytest.raises(KafkaTimeoutError):
        await relay(rows, Answers(None, KafkaTimeoutError(), None)).send_due()
    assert [row["_id"] for row in await rows.to_list(None)] == ["b", "c"]


async def test_a_row_that_the_broker_never_takes_does_not_block_the_rest() -> None:
    rows = Rows("a", "big", "c")
    await relay(rows, Answers(None, MessageSizeTooLargeError(), None)).send_due()
    assert await rows.to_list(None) == []
    assert rows.rows["big"]["refused"] == "MessageSizeTooLargeError"
