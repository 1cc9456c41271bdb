"""A dead letter is the message as it was, and always the same row."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.bus.dead_letters import DeadLetter, _note, letter
from shared.database import Document

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


@dataclass
class Message:
    """A consumed record."""

    key: bytes | None = b"v1"
    value: bytes | None = b"{}"
    headers: Sequence[tuple[str, bytes]] = field(default_factory=tuple)
    topic: str = "essai.directory"
    partition: int = 3
    offset: int = 42
    timestamp: int = 1_772_442_000_000


MESSAGE = Message(headers=(("ce_id", b"e1"), ("ce_type", b"EditProposed")))


def parked(record: Message, at: dt.datetime = NOW) -> Document:
    return letter(record, "moderation", "invalid-input: Non.", 5, at)


def record_of(row: Document, offset: int = 0) -> Message:
    """What the relay makes of the row."""
    return Message(
        key=row["key"],
        value=row["value"],
        headers=[(name, value.encode()) for name, value in row["headers"].items()],
        topic=row["topic"],
        partition=0,
        offset=offset,
    )


def noted(*records: Message) -> dict[str, DeadLetter]:
    letters: dict[str, DeadLetter] = {}
    for record in records:
        _note(letters, record)
    return letters


class TestRow:
    def test_one_record_gives_one_row_whenever_it_is_parked(self) -> None:
        assert parked(MESSAGE) == parked(MESSAGE)
        later = parked(MESSAGE, NOW + dt.timedelta(hours=1))
        assert later["_id"] == parked(MESSAGE)["_id"]
        assert later["headers"]["dead_id"] == parked(MESSAGE)["headers"]["dead_id"]

    @pytest.mark.parametrize(
        "other",
        [
            # a broker that lost everything counts its offsets anew
            replace(MESSAGE, timestamp=MESSAGE.timestamp + 1),
            replace(MESSAGE, offset=43),
            replace(MESSAGE, partition=4),
            replace(MESSAGE, topic="essai.moderation"),
        ],
    )
    def test_another_record_gives_another(self, other: Message) -> None:
        one, two = parked(MESSAGE), parked(other)
        assert one["_id"] != two["_id"]
        assert one["headers"]["dead_id"] != two["headers"]["dead_id"]

    def test_another_group_gives_another(self) -> None:
        assert letter(MESSAGE, "notifications", "x", 1, NOW)["_id"] != parked(MESSAGE)["_id"]

    def test_it_is_due_at_once_on_the_groups_own_topic(self) -> None:
        row = parked(MESSAGE)
        assert row["topic"] == "essai.directory.moderation.dead"
        assert (row["due_at"], row["seq"]) == (NOW, 0)

    def test_its_own_headers_are_text(self) -> None:
        assert all(isinstance(value, str) for value in parked(MESSAGE)["headers"].values())


class TestRoundTrip:
    def test_everything_is_told(self) -> None:
        row = parked(MESSAGE)
        (one,) = noted(record_of(row)).values()
        assert one == DeadLetter(
            id=row["headers"]["dead_id"],
            topic="essai.directory.moderation.dead",
            reason="invalid-input: Non.",
            origin="essai.directory:3:42",
            attempts=5,
            at=NOW,
            key=b"v1",
            value=b"{}",
            headers=[("ce_id", b"e1"), ("ce_type", b"EditProposed")],
        )
        assert one.type == "EditProposed"
        assert one.origin_topic == "essai.directory"

    @given(
        headers=some.lists(some.tuples(some.text(some.characters(codec="utf-8")), some.binary())),
        key=some.none() | some.binary(),
        value=some.none() | some.binary(),
    )
    @settings(deadline=None, max_examples=60)
    def test_a_message_survives_byte_for_byte(
        self, headers: list[tuple[str, bytes]], key: bytes | None, value: bytes | None
    ) -> None:
        message = Message(key=key, value=value, headers=headers)
        (one,) = noted(record_of(parked(message))).values()
        assert (one.headers, one.key, one.value) == (headers, key, value)
        assert isinstance(one.type, str)

    def test_a_header_without_a_value_too(self) -> None:
        headers: list[tuple[str, bytes]] = [("ce_id", b"e1"), ("x-partner", None)]  # type: ignore[list-item]
        (one,) = noted(record_of(parked(Message(headers=headers)))).values()
        assert one.headers == headers

    def test_a_type_that_cannot_be_read(self) -> None:
        (bad,) = noted(record_of(parked(Message(headers=[("ce_type", b"\xff")])))).values()
        (none,) = noted(record_of(parked(Message()))).values()
        assert (bad.type, none.type) == ("\ufffd", "?")

    def test_a_topic_may_hold_anything_but_its_place_is_at_the_end(self) -> None:
        message = replace(MESSAGE, topic="a:b.directory")
        (one,) = noted(record_of(parked(message))).values()
        assert one.origin_topic == "a:b.directory"


class TestReplay:
    def test_is_noted_beside_the_letter(self) -> None:
        row, other = parked(MESSAGE), parked(replace(MESSAGE, offset=43))
        id_ = row["headers"]["dead_id"]
        note = Message(headers=[("dead_replayed", id_.encode())], value=b"")
        letters = noted(record_of(row), record_of(other), note)
        assert {one.id for one in letters.values() if one.replayed} == {id_}

    def test_a_note_about_an_unknown_letter_is_passed_over(self) -> None:
        note = Message(headers=[("dead_replayed", b"0" * 12)], value=b"")
        assert noted(note) == {}

    def test_a_letter_that_comes_twice_is_one(self) -> None:
        row = parked(MESSAGE)
        assert len(noted(record_of(row), record_of(row, offset=1))) == 1

    def test_a_replayed_letter_that_dies_again_waits_again(self) -> None:
        # the message has come back at another offset
        row, again = parked(MESSAGE), parked(replace(MESSAGE, offset=99))
        note = Message(headers=[("dead_replayed", row["headers"]["dead_id"].encode())])
        letters = noted(record_of(row), note, record_of(again))
        assert [one.replayed for one in letters.values()] == [True, False]
