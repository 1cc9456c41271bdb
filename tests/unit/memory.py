"""A collection in memory, for the transactions of unit tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bson
from bson.codec_options import CodecOptions

from shared.database import Collection, Conflict, Document

Rows = dict[str, bytes]
AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$in": lambda value, among: any(one in among for one in _values(value)),
    "$gt": lambda value, limit: value is not None and value > limit,
    "$gte": lambda value, limit: any(one is not None and one >= limit for one in _values(value)),
    "$lt": lambda value, limit: value is not None and value < limit,
    "$lte": lambda value, limit: value is not None and value <= limit,
}


class MemoryCollection(Collection):
    """Rows go through BSON, so that what MongoDB could not keep fails here too."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def find_one(self, query: Mapping[str, Any]) -> Document | None:
        return next(iter(await self.find(query)), None)

    async def find(
        self,
        query: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        rows = [bson.decode(row, AWARE) for row in self._rows.values()]
        found = [row for row in rows if _matches(row, query)]
        for key, direction in sort:
            found.sort(key=lambda row, key=key: row[key], reverse=direction < 0)  # type: ignore[misc]
        kept = {"_id", *(name.partition(".")[0] for name in fields or ())}
        if fields is not None:
            found = [{name: row[name] for name in row if name in kept} for row in found]
        return found[:limit] if limit else found

    async def insert(self, *documents: Document) -> None:
        for document in documents:
            assert document["_id"] not in self._rows
            await self.put(document)

    async def put(self, document: Document) -> None:
        self._rows[document["_id"]] = bson.encode(document)

    async def save(self, *documents: Document, version: str = "revision") -> None:
        for document in documents:
            read = {"_id": document["_id"], version: document[version] - 1}
            if not await self.find_one(read):
                raise Conflict(document["_id"])
            await self.put(document)

    async def delete(self, query: Mapping[str, Any]) -> int:
        found = await self.find(query)
        for row in found:
            del self._rows[row["_id"]]
        return len(found)


def _matches(row: Document, query: Mapping[str, Any]) -> bool:
    for path, wanted in query.items():
        if path in ("$and", "$or"):
            every = all if path == "$and" else any
            if not every(_matches(row, one) for one in wanted):
                return False
            continue
        value: Any = row
        for name in path.split("."):
            value = (value or {}).get(name)
        if isinstance(wanted, dict):
            if not all(OPERATORS[name](value, limit) for name, limit in wanted.items()):
                return False
        # as MongoDB compares: a list equals a list, or matches by any of its values
        elif value != wanted and wanted not in _values(value):
            return False
    return True


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
