"""Records as they lie on the broker, for those that the client's own decoder refuses.

Source: https://kafka.apache.org/documentation/#recordbatch (version 2, which all brokers write).
"""

import gzip
import struct
import zlib
from collections.abc import Iterator

from shared.bus.envelope import Unread

GARBLED = (zlib.error, EOFError, gzip.BadGzipFile)
"""What unpacking raises for bytes that were never packed."""

_BATCH = struct.Struct(">qiibIhiqqqhii")
_LENGTH_FROM = 12
"""A batch's length counts what is behind itself."""
_CODECS = 0x07
_GZIP = 1
_LOG_APPEND_TIME = 0x08
_CONTROL = 0x20
_MORE = 0x80
"""A number goes on in the next byte."""


class _Reader:
    """Takes one field after the other; raises IndexError or ValueError where there is none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """A variable-length number, zigzag."""
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < _MORE:
                return (value >> 1) ^ -(value & 1)
            shift += 7

    def take(self, length: int) -> bytes:
        """So many bytes."""
        end = self._at + length
        if length < 0 or end > len(self._data):
            raise ValueError(length)
        part, self._at = self._data[self._at : end], end
        return part

    def field(self) -> bytes | None:
        """Bytes with their length before them; a negative one means null."""
        length = self.number()
        return None if length < 0 else self.take(length)


def read(topic: str, partition: int, data: bytes, position: int) -> tuple[list[Unread], int]:
    """The records from a position on in what was fetched, and the position behind them.

    Each says in `reason` why it cannot be used, if so; a batch that cannot be decoded is one.
    """
    found: list[Unread] = []
    for batch in _batches(data):
        base, *_, attributes, last, first_time, latest, _id, _epoch, _sequence, count = (
            _BATCH.unpack_from(batch)
        )
        if attributes & _CONTROL:
            position = base + last + 1
            continue
        stamp = latest if attributes & _LOG_APPEND_TIME else None
        try:
            body = _body(batch[_BATCH.size :], attributes & _CODECS)
            reader = _Reader(body)
            read_ = [
                _record(topic, partition, reader, base, first_time, stamp) for _ in range(count)
            ]
        except (ValueError, IndexError, *GARBLED):
            reason = f"{count} records of which nothing can be read: gzip is the only compression"
            read_ = [Unread(topic, partition, base + last, latest, reason=reason)]
        found += [one for one in read_ if one.offset >= position]
        position = base + last + 1
    return found, position


def _batches(data: bytes) -> Iterator[bytes]:
    while len(data) >= _BATCH.size:
        end = _LENGTH_FROM + struct.unpack_from(">i", data, 8)[0]
        if end < _BATCH.size or end > len(data):
            # the broker cuts off where it likes
            return
        yield data[:end]
        data = data[end:]


def _body(data: bytes, codec: int) -> bytes:
    if codec == _GZIP:
        return gzip.decompress(data)
    if codec:
        raise ValueError(codec)
    return data


def _record(
    topic: str, partition: int, reader: _Reader, base: int, first_time: int, stamp: int | None
) -> Unread:
    reader.number()  # its length
    reader.take(1)  # attributes, of which there are none
    time = first_time + reader.number()
    offset = base + reader.number()
    key, value = reader.field(), reader.field()
    named = [(reader.take(reader.number()), reader.field()) for _ in range(reader.number())]
    record = Unread(topic, partition, offset, time if stamp is None else stamp, key, value)
    try:
        record.headers = [(name.decode(), one) for name, one in named]
    except UnicodeDecodeError:
        record.reason = "the name of a header is not UTF-8"
        record.headers = [(name.decode(errors="backslashreplace"), one) for name, one in named]
    return record
