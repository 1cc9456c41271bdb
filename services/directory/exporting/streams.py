"""Sheets as they are read from the database, a page at a time, and files as they are written."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from services.directory.domain.venues import Venue
from services.directory.exporting.formats import Form, Writer
from services.directory.search.index import Index
from services.directory.search.query import Query
from services.directory.store.reports import Delistings
from services.directory.store.venues import Venues
from services.directory.use_cases.search import all_ids
from shared.database import Database, Transaction

PAGE = 500
"""Sheets that are held at once."""

Pages = AsyncGenerator[Sequence[Venue], None]


async def all_venues(database: Database) -> Pages:
    """All sheets that are listed, in the list's order, each once; empty pages too.

    A place in the list is for ever: what changes meanwhile is neither lost nor repeated.
    """
    first, total = 0, 1
    while first < total:
        total, page = await database.run(partial(_page, first=first))
        yield page
        first += PAGE


async def found_venues(database: Database, index: Index, query: Query) -> Pages:
    """All that a search finds, in its order, each sheet as it is by then."""
    async for ids in all_ids(index, query):
        yield await database.run(partial(_standing, ids=ids))


async def count(tx: Transaction) -> int:
    """How many sheets there are, those that are not listed too."""
    return await Venues(tx).count()


async def _page(tx: Transaction, first: int) -> tuple[int, list[Venue]]:
    venues = Venues(tx)
    page = await venues.page(first, PAGE)
    return await venues.count(), await Delistings(tx).listed(page)


async def _standing(tx: Transaction, ids: list[str]) -> list[Venue]:
    found = await Venues(tx).get_many(ids)
    return await Delistings(tx).listed([found[id_] for id_ in ids if id_ in found])


async def written(form: Form, pages: Pages) -> AsyncGenerator[bytes, None]:
    """A file's bytes in parts, one page each: whoever stops reading stops the work."""
    writer = Writer(form)
    yield writer.begin()
    async with aclosing(pages):
        async for page in pages:
            # in a thread: other requests do not wait for this
            yield await asyncio.to_thread(writer.add, page)
    yield writer.end()


async def begun(pages: Pages) -> Pages:
    """The same pages, the first one read already: what is wrong shows before an answer starts."""
    first: Sequence[Venue] = await anext(pages, [])

    async def whole() -> Pages:
        async with aclosing(pages):
            yield first
            async for page in pages:
                yield page

    return whole()
