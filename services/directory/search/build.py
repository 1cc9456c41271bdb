"""Brings an index to what the directory says, from its sheets."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from functools import partial

from services.directory.search.entries import entry_of
from services.directory.search.file import Change, IndexFile, UnknownFormat, create
from services.directory.search.folder import Folder
from services.directory.store.sheets import Sheet, Sheets
from shared.bus.follow import Place, Position
from shared.database import Database, Transaction

PAGE = 1_000

Progress = Callable[[int, int], None]
"""Is told how many places of the list are done, and how many there are."""
Apply = Callable[[Sequence[Change]], Awaitable[None]]


def _silent(_done: int, _of: int) -> None:
    pass


async def _unused(_changes: Sequence[Change]) -> None:
    pass


async def fill(
    file: IndexFile,
    database: Database,
    *,
    progress: Progress = _silent,
    apply: Apply = _unused,
) -> None:
    """Go through the whole list: newer sheets in, those that are gone out."""
    first = 0
    while first < (places := await database.run(_places)):
        sheets = await database.run(partial(_page, first=first))
        await apply(await asyncio.to_thread(_write, file, sheets, first))
        first += PAGE
        progress(min(first, places), places)
    beyond = await asyncio.to_thread(file.missing, first, 2**40, ())
    await apply(await asyncio.to_thread(file.write, (), beyond))


async def rebuild(folder: Folder, database: Database, progress: Progress = _silent) -> int:
    """Build an index beside the present one, and have it answer; returns how many sheets it has.

    It follows the topic from where the present one is now: the sheets are read later than that.
    Raises `InUse` if somebody else builds.
    """
    with folder.locked("build"):
        path = folder.fresh()
        create(path)
        file = IndexFile(path)
        try:
            file.write(positions=_positions(folder))
            await fill(file, database, progress=progress)
            await asyncio.to_thread(file.tidy)
            count = file.count()
        finally:
            file.close()
        folder.publish(path)
        return count


def _positions(folder: Folder) -> dict[Place, Position]:
    """How far the present index has followed the topic; nowhere if it cannot be read."""
    before = folder.current()
    if before is None:
        return {}
    try:
        with closing(IndexFile(before)) as present:
            return present.positions()
    except (UnknownFormat, sqlite3.DatabaseError):
        return {}


async def _places(tx: Transaction) -> int:
    return await Sheets(tx).places()


async def _page(tx: Transaction, first: int) -> list[Sheet]:
    return await Sheets(tx).page(first, PAGE)


def _write(file: IndexFile, sheets: Sequence[Sheet], first: int) -> list[Change]:
    gone = file.missing(first, PAGE, [sheet.id for sheet in sheets])
    return file.write([entry_of(sheet) for sheet in sheets], gone)
