"""Records read byte by byte are what was written, whatever their neighbours are."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from shared.bus.dead_letters import DeadLetter, _note, letter
from shared.bus.raw import read
from tests.harness.badly import RawName

GOOD: dict[str, Any] = {"key": b"k", "value": b"{}", "headers": [("ce_id", b"1"), ("none", None)]}
BAD: dict[str, Any] = {"key": None, "value": None, "headers": [(RawName(b"\xff"), b"x")]}
PLAIN, GZIP, SNAPPY = range(3)
LOW_ATTRIBUTES = 22
"""The byte of a batch that says how it is compressed."""


def written(*records: dict[str, Any], codec: int = PLAIN) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(2, min(codec, GZIP), 0, -1, -1, 0, 1_000_000)
    for offset, record in enumerate(records):
        builder.append(offset, 1_000 + offset, **record)
    data = bytearray(builder.build())
    if codec > GZIP:
        data[LOW_ATTRIBUTES] = codec
    return bytes(data)


@pytest.mark.parametrize("codec", [PLAIN, GZIP])
def test_each_says_whether_it_can_be_used(codec: int) -> None:
    records, behind = read("t", 3, written(GOOD, BAD, GOOD, codec=codec), 1)
    assert behind == 3
    bad, good = records
    assert (bad.offset, bad.headers) == (1, [("\\xff", b"x")])
    assert bad.reason == "the name of a header is not UTF-8"
    assert (good.topic, good.partition, good.offset, good.timestamp) == ("t", 3, 2, 1_002)
    assert (good.key, good.value, good.headers, good.reason) == (*GOOD.values(), "")


def test_a_batch_that_cannot_be_decoded_is_one() -> None:
    [one], behind = read("t", 0, written(GOOD, GOOD, codec=SNAPPY), 0)
    assert (one.offset, behind) == (1, 2)
    assert one.reason.startswith("2 records of which nothing can be read")


def test_a_batch_that_was_cut_off_is_left_for_later() -> None:
    data = written(GOOD)
    assert read("t", 0, data[:-1], 7) == ([], 7)
    assert read("t", 0, b"", 7) == ([], 7)


def test_what_was_never_packed_is_one_too_and_is_not_replayed() -> None:
    data = bytearray(written(GOOD, GOOD))
    data[LOW_ATTRIBUTES] = GZIP
    [one], behind = read("t", 0, bytes(data), 0)
    assert (one.offset, behind) == (1, 2)
    row = letter(one, "announcements", one.reason, 1, datetime(2026, 3, 2, tzinfo=UTC))
    headers = [(name, value.encode()) for name, value in row["headers"].items()]
    letters: dict[str, DeadLetter] = {}
    _note(letters, replace(one, headers=headers))
    assert [each.is_lost for each in letters.values()] == [True]
