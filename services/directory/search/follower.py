"""The index of this process: opened or built, then kept up with the directory's events."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from services.directory.search.build import fill, rebuild
from services.directory.search.entries import entry_of
from services.directory.search.file import Change, UnknownFormat
from services.directory.search.folder import Folder
from services.directory.search.index import Index
from services.directory.store.sheets import Sheet, Sheets
from shared.bus.envelope import Envelope, Undecodable
from shared.bus.follow import Batch, TopicReader
from shared.database import Database, Transaction
from shared.errors import Problem
from shared.events.directory import (
    STREAM,
    VenueChecked,
    VenueConfirmed,
    VenueListingChanged,
    VenueNoticesChanged,
    VenuesImported,
    VenuesLeftSource,
    VenuesMerged,
    VenueStopsChanged,
    VenuesUnmerged,
    VenueUpdated,
)
from shared.settings import ServiceSettings

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 30.0
ASKED = 500
"""Venues that are read at once."""
APPLIED = 50
"""Changes after which others get their turn."""
ANY = 2**31
"""A revision that no index has: the sheet is read whatever is known of it."""

CONCERNS: dict[str, Callable[[Any], Iterable[tuple[str, int]]]] = {
    VenueUpdated.__name__: lambda event: [(event.venue_id, event.revision)],
    VenueChecked.__name__: lambda event: [(event.venue_id, ANY)],
    VenueConfirmed.__name__: lambda event: [(event.venue_id, ANY)],
    VenueListingChanged.__name__: lambda event: [(event.venue_id, ANY)],
    VenuesImported.__name__: lambda event: [(id_, ANY) for id_ in event.venue_ids],
    VenuesLeftSource.__name__: lambda event: [(id_, ANY) for id_ in event.venue_ids],
    VenueNoticesChanged.__name__: lambda event: [(event.venue_id, ANY)],
    VenueStopsChanged.__name__: lambda event: [(event.venue_id, ANY)],
    VenuesMerged.__name__: lambda event: [(event.venue_id, ANY), (event.merged_id, ANY)],
    VenuesUnmerged.__name__: lambda event: [(event.venue_id, ANY), (event.merged_id, ANY)],
}
"""Which venues an event is about, and the revision from which their sheets know of it."""

log = structlog.get_logger()


class IndexNotReady(Problem):
    """The index is being built for the first time."""

    type = "index-not-ready"
    status = 503
    title = "La recherche se prépare, réessayez dans un instant."


class Follower:
    """Runs beside the routes; they ask `index`."""

    def __init__(self, settings: ServiceSettings, folder: Path | None) -> None:
        self._settings = settings
        self._path = folder
        self._index: Index | None = None
        self._built: Path | None = None
        self._doing = "not opened yet"
        self._wait = SHORTEST_WAIT

    @property
    def index(self) -> Index:
        """What answers; raises `IndexNotReady`."""
        if self._index is None:
            raise IndexNotReady(headers={"Retry-After": "2"})
        return self._index

    @property
    def fault(self) -> str | None:
        """Why nothing can be found yet, for the readiness check."""
        return self._doing if self._index is None else None

    async def run(self, database: Database) -> None:
        """Open or build, then follow, until cancelled; waits for what is away."""
        folder = Folder(self._path)
        while True:
            try:
                with folder.locked("follow"):
                    while True:
                        path = await self._open(folder, database)
                        await self._follow(folder, path, database)
            except Exception as exc:
                self._doing = f"{type(exc).__name__}: {exc}"
                log.warning("search waits", error=type(exc).__name__, seconds=self._wait)
                await asyncio.sleep(self._wait)
                self._wait = min(self._wait * 2, LONGEST_WAIT)

    async def _open(self, folder: Folder, database: Database) -> Path:
        """Answer from the folder's present file, building it if there is none."""
        path = folder.current()
        if self._index is not None and self._index.file.path == path:
            return path
        if path is None:
            return await self._build(folder, database)
        try:
            index = await asyncio.to_thread(Index, path)
        except (UnknownFormat, sqlite3.DatabaseError) as exc:
            log.info("index of another version, or damaged", found=str(exc))
            return await self._build(folder, database)
        # whoever asks the one before may go on doing so
        self._index = index
        await asyncio.to_thread(folder.tidy)
        log.info("index opened", sheets=len(index))
        return path

    async def _build(self, folder: Folder, database: Database) -> Path:
        folder.tidy()
        await rebuild(folder, database, self._progress)
        self._built = folder.current()
        return await self._open(folder, database)

    def _progress(self, done: int, places: int) -> None:
        self._doing = f"being built ({100 * done // max(places, 1)} %)"

    async def _follow(self, folder: Folder, path: Path, database: Database) -> None:
        """Take events until another file is to answer."""
        index = self.index
        async with TopicReader(self._settings, [STREAM]) as reader:
            positions = index.file.positions()
            is_true = await reader.start(positions)
            # a file that followed nothing yet says as little, unless it was built just now
            if not is_true or not (positions or path == self._built):
                log.info("the topic began anew: all sheets are compared")
                await asyncio.to_thread(index.file.forget_positions)
                await fill(index.file, database, apply=partial(_apply, index))
            while folder.current() in (path, None):
                batch = await reader.batch()
                self._wait = SHORTEST_WAIT
                if batch.positions:
                    await self._take(index, batch, database)

    async def _take(self, index: Index, batch: Batch, database: Database) -> None:
        wanted = [*_venues(batch.envelopes).items()]
        for first in range(0, len(wanted), ASKED):
            asked = dict(wanted[first : first + ASKED])
            known = index.file.revisions([*asked])
            ids = [id_ for id_, revision in asked.items() if known.get(id_, 0) < revision]
            sheets = await database.run(partial(_read, ids=ids))
            gone = set(ids) - {sheet.id for sheet in sheets}
            await _apply(index, await asyncio.to_thread(_write, index, sheets, gone))
        # behind all of its sheets
        await asyncio.to_thread(index.file.write, (), (), batch.positions)


async def _apply(index: Index, changes: Sequence[Change]) -> None:
    """Find sheets by what they say now, letting requests through meanwhile."""
    for first in range(0, len(changes), APPLIED):
        index.apply(changes[first : first + APPLIED])
        await asyncio.sleep(0)


def _venues(envelopes: Iterable[Envelope]) -> dict[str, int]:
    """The venues that events are about, and the revisions that know of them."""
    wanted: dict[str, int] = {}
    for envelope in envelopes:
        concerns = CONCERNS.get(envelope.type)
        if not concerns:
            continue
        try:
            event = envelope.event()
        except Undecodable as exc:
            log.warning("event passed by", reason=str(exc))
            continue
        for id_, revision in concerns(event):
            wanted[id_] = max(revision, wanted.get(id_, 0))
    return wanted


async def _read(tx: Transaction, ids: list[str]) -> list[Sheet]:
    return await Sheets(tx).of(ids)


def _write(index: Index, sheets: Iterable[Sheet], gone: Iterable[str]) -> list[Change]:
    return index.file.write([entry_of(sheet) for sheet in sheets], gone)
