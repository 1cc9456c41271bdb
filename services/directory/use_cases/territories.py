"""The directory by territory."""

import asyncio
import datetime as dt

from services.directory.domain.overview import (
    Kind,
    Overview,
    Territory,
    TerritoryNotFound,
    overview,
)
from services.directory.search.index import Index
from services.directory.search.overview import counted
from shared.french import PARIS


class Overviews:
    """The newest overview of a process's index: counted again when it or the day has changed."""

    def __init__(self) -> None:
        self._of: tuple[Index, int, dt.date] | None = None
        self._made: Overview | None = None
        self._counting = asyncio.Lock()

    async def newest(self, index: Index, now: dt.datetime) -> Overview:
        """The overview of an index as it is now."""
        # once for all who ask meanwhile
        async with self._counting:
            state = (index, index.memory.changes, now.astimezone(PARIS).date())
            if self._made is None or state != self._of:
                # in a thread: a million sheets take a moment
                self._made = overview(await asyncio.to_thread(counted, index.memory, now))
                self._of = state
            return self._made


def find(made: Overview, kind: Kind, code: str) -> Territory:
    """A territory; raises `TerritoryNotFound`."""
    found = made.find(kind, code)
    if found is None:
        raise TerritoryNotFound(kind=kind, code=code)
    return found
