"""Searching sheets: a page for a reader, all of them for an export."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.directory.search.index import Hits, Index, Ranked
from services.directory.search.query import Cursor, Query, opened

CHUNK = 500


@dataclass(frozen=True)
class Found:
    """A page of a search."""

    total: int
    items: list[bytes]
    """JSON objects, in order."""
    counts: list[int] | None
    """Of all hits, by the bits of `values.BITS`."""
    next: str | None
    """The cursor of the next page."""


async def page(
    index: Index, query: Query, *, cursor: str, limit: int, facets: bool = True
) -> Found:
    """One page; raises `InvalidInput` if the cursor is none, or another query's."""
    after = opened(cursor, query) if cursor else None
    hits, ranked = await _ranked(index, query, after, limit)
    return Found(
        total=len(hits.ordinals),
        items=index.shown(hits, ranked.places),
        counts=index.count(hits) if facets else None,
        next=ranked.next.sealed(query) if ranked.next else None,
    )


async def all_ids(index: Index, query: Query) -> AsyncIterator[list[str]]:
    """The ids of all sheets that a query finds, in its order, in parts.

    What is found is decided at the start; a sheet that goes away meanwhile is left out.
    """
    hits, ranked = await _ranked(index, query, None, None)
    for first in range(0, len(ranked.places), CHUNK):
        chunk = ranked.places[first : first + CHUNK]
        yield await asyncio.to_thread(index.ids, hits, chunk)


async def ids(index: Index, query: Query, most: int) -> list[str]:
    """The ids of the first sheets that a query finds."""
    hits, ranked = await _ranked(index, query, None, most)
    return index.ids(hits, ranked.places)


async def _ranked(
    index: Index, query: Query, after: Cursor | None, limit: int | None
) -> tuple[Hits, Ranked]:
    def find() -> tuple[Hits, Ranked]:
        hits = index.match(query)
        if query.open_at:
            hits = index.keep_open(hits, query.open_at)
        return hits, index.rank(query, hits, after, limit)

    # on the spot if it takes less than the way to a thread and back
    if query.open_at or index.is_heavy(query):
        return await asyncio.to_thread(find)
    return find()
