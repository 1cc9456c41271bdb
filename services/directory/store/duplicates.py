"""Pairs of sheets that may tell of one venue, and venues that were merged."""

from collections.abc import Iterable, Sequence
from functools import partial

from services.directory.domain.candidates import Duplicate, State
from services.directory.domain.duplicates import REVIEW
from services.directory.domain.merging import Merge
from services.directory.store.documents import document, fields
from shared.database import Database, Document, Index, Transaction

INDEXES = (
    Index("duplicates", [("buckets", 1)]),
    Index("duplicates", [("venues", 1)]),
    Index("merges", [("this", 1)]),
    Index("merges", [("other", 1)]),
)

ASKED = 100
"""Ids of one question: the embedded database takes an `$in` in quadratic time."""
EVERYWHERE = "*"
SCORES = range(100, REVIEW - 1, -1)
"""Of pairs worth a look, the highest first."""

Place = tuple[int, str]
"""Where a pair is on the list: its score (the highest first), then its id."""


def _bucket(state: State, departement: str, score: int) -> str:
    return f"{state} {departement} {score}"


def _document(one: Duplicate) -> Document:
    places = [EVERYWHERE, *one.departements]
    buckets = [_bucket(one.state, place, one.score) for place in places]
    return document(one) | {"buckets": buckets, "venues": [one.left, one.right]}


def _duplicate(found: Document) -> Duplicate:
    return Duplicate.model_validate(fields(found))


class Duplicates:
    """Pairs, with what was decided of them."""

    def __init__(self, tx: Transaction) -> None:
        self._duplicates = tx["duplicates"]

    async def get(self, pair_id: str) -> Duplicate | None:
        """One pair."""
        found = await self._duplicates.get(pair_id)
        return _duplicate(found) if found else None

    async def get_many(self, ids: Sequence[str]) -> dict[str, Duplicate]:
        """Those of these pairs that are known, by id."""
        known: dict[str, Duplicate] = {}
        for first in range(0, len(ids), ASKED):
            asked = {"_id": {"$in": list(ids[first : first + ASKED])}}
            known |= {one["_id"]: _duplicate(one) for one in await self._duplicates.find(asked)}
        return known

    async def of_venue(self, venue_id: str) -> list[Duplicate]:
        """All pairs that a venue is one of."""
        return [_duplicate(one) for one in await self._duplicates.find({"venues": venue_id})]

    async def put(self, *pairs: Duplicate) -> None:
        """Add or replace pairs."""
        for one in pairs:
            await self._duplicates.put(_document(one))

    async def add(self, pairs: Iterable[Duplicate]) -> None:
        """Add pairs that nobody has seen before."""
        await self._duplicates.insert(*map(_document, pairs))

    async def page(
        self, state: State, departement: str | None, *, after: Place | None, limit: int
    ) -> list[Duplicate]:
        """At most `limit` pairs behind a place of the list, the most alike first."""
        found: list[Duplicate] = []
        for score in SCORES:
            if after and score > after[0]:
                continue
            ids = await self._bucket_ids(state, departement or EVERYWHERE, score)
            if after and score == after[0]:
                ids = [one for one in ids if one > after[1]]
            wanted = ids[: limit - len(found)]
            known = await self.get_many(wanted)
            found += [known[one] for one in wanted if one in known]
            if len(found) >= limit:
                break
        return found

    async def _bucket_ids(self, state: State, departement: str, score: int) -> list[str]:
        """Equality on an indexed key: the only question that stays cheap on every database."""
        query = {"buckets": _bucket(state, departement, score)}
        return sorted(one["_id"] for one in await self._duplicates.find(query, fields=["_id"]))


async def open_pairs(database: Database) -> list[str]:
    """The ids of all pairs that nobody has decided."""
    ids: list[str] = []
    for score in SCORES:
        ids += await database.run(partial(_open_ids, score=score))
    return ids


async def _open_ids(tx: Transaction, score: int) -> list[str]:
    query = {"buckets": _bucket("open", EVERYWHERE, score)}
    return [one["_id"] for one in await tx["duplicates"].find(query, fields=["_id"])]


class Merges:
    """Venues that were merged, whether they still are or not."""

    def __init__(self, tx: Transaction) -> None:
        self._merges = tx["merges"]

    async def get(self, merge_id: str) -> Merge | None:
        """One merge."""
        found = await self._merges.get(merge_id)
        return Merge.model_validate(fields(found)) if found else None

    async def put(self, merge: Merge) -> None:
        """Add or replace a merge."""
        await self._merges.put(document(merge))

    async def into(self, venue_id: str) -> list[Merge]:
        """All merges into a venue, the newest first."""
        return await self._find({"this": venue_id})

    async def that_took(self, venue_id: str) -> Merge | None:
        """The merge by which a venue is part of another now."""
        found = await self._find({"other": venue_id})
        return next((one for one in found if one.undone_at is None), None)

    async def _find(self, query: Document) -> list[Merge]:
        found = [Merge.model_validate(fields(one)) for one in await self._merges.find(query)]
        return sorted(found, key=lambda one: one.at, reverse=True)
