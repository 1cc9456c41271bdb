"""Import of a source's file, in batches, each one transaction.

What a source says is compared with what it said the last time (`domain/sources.py`). The same
file twice changes nothing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import IO, Any, TypeVar
from uuid import uuid4

from services.directory.importing.reader import Reading, Refused, Row, read
from services.directory.importing.writer import (
    BATCH,
    Import,
    Written,
    is_known,
    mark_absent,
    write,
)
from shared.database import Database

T = TypeVar("T")

AT_ONCE = 2
"""Batches that are being written: while the database works on one, the next is made ready."""
MOST_ERRORS = 1_000
"""Refusals that a report lists; beyond, they are counted."""
CUT = 200
"""Characters of a refused value that a report repeats."""

Rows = list[Row | Refused]

UNNAMED = (
    "Des lignes n'ont pas d'identifiant lisible : aucune fiche n'est dite absente de la source."
)


@dataclass(frozen=True)
class RowError:
    """A rule that a row breaks; `line` is the file's, counted from 1."""

    line: int
    id: str
    value: str
    field: str
    rule: str
    message: str
    suggestion: str | None


@dataclass
class Report:
    """What became of each row."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    noted: int = 0
    """Rows that were taken with a change, or in doubt."""
    kept: int = 0
    """Sheets where the venue keeps a value of its own though the source says something else."""
    absent: int = 0
    """Venues that the source had and the file has not."""
    notes: list[str] = field(default_factory=list)
    """How the file was read, where that is not what the standard asks for."""
    errors: list[RowError] = field(default_factory=list)
    more_errors: int = 0
    """Errors that are not listed."""

    @property
    def rows(self) -> int:
        """Rows read so far."""
        return self.created + self.updated + self.unchanged + self.refused

    def count(self, rows: Sequence[Row | Refused], written: Mapping[str, Written]) -> None:
        """Count what became of some rows, and list what is wrong with those refused."""
        outcomes = Counter(one.outcome for one in written.values())
        self.created += outcomes["created"]
        self.updated += outcomes["updated"]
        self.unchanged += outcomes["unchanged"]
        self.kept += sum(bool(one.kept) for one in written.values())
        for row in rows:
            if isinstance(row, Refused):
                self._refuse(row)
            else:
                self.noted += bool(row.notes)

    def _refuse(self, row: Refused) -> None:
        self.refused += 1
        listed = row.errors[: MOST_ERRORS - len(self.errors)]
        self.more_errors += len(row.errors) - len(listed)
        for one in listed:
            value = row.cells.get(one.field, "")[:CUT]
            self.errors.append(RowError(line=row.line, id=row.id[:CUT], value=value, **asdict(one)))

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)


Told = Callable[[Sequence[Row | Refused], Mapping[str, Written]], None]
"""Gets each batch of rows with what became of the valid ones, by id; in a thread."""


async def import_csv(
    database: Database,
    file: IO[bytes],
    source: str,
    progress: Callable[[Report], None] = lambda _: None,
    *,
    dry_run: bool = False,
    told: Told | None = None,
) -> Report:
    """Import a file; valid rows go in, the others are reported. Raises `NotACsvFile`.

    What the source had and the file has not is marked as absent, unless some row gives no id: it
    may be any venue's. A dry run writes nothing.
    """
    reading = await asyncio.to_thread(read, file)
    run = Import(uuid4().hex, source, database, dry_run)
    try:
        return await _import(run, reading, progress, told)
    finally:
        reading.close()


async def _import(
    run: Import, reading: Reading, progress: Callable[[Report], None], told: Told | None
) -> Report:
    report = Report(notes=reading.notes)
    was_known = await is_known(run)
    async with aclosing(_written(run, reading)) as batches:
        async for rows, written in batches:
            report.count(rows, written)
            if told:
                await asyncio.to_thread(told, rows, written)
            progress(report)
    if reading.unnamed:
        report.notes.append(UNNAMED)
    elif was_known:
        report.absent = await mark_absent(run, reading.seen)
    return report


async def _written(
    run: Import, reading: Reading
) -> AsyncGenerator[tuple[Rows, dict[str, Written]]]:
    """The file's rows in batches, and what became of the valid ones, in the file's order."""
    rows = iter(reading)
    writing: deque[tuple[Rows, asyncio.Task[dict[str, Written]]]] = deque()
    try:
        async with aclosing(_ahead(lambda: list(islice(rows, BATCH)))) as batches:
            async for batch in batches:
                sheets = {row.id: row.fiche for row in batch if isinstance(row, Row)}
                writing.append((batch, asyncio.create_task(write(run, sheets))))
                if len(writing) == AT_ONCE:
                    first, task = writing.popleft()
                    yield first, await task
        while writing:
            first, task = writing.popleft()
            yield first, await task
    finally:
        await asyncio.gather(*(task for _, task in writing), return_exceptions=True)


async def _ahead(read: Callable[[], list[T]]) -> AsyncGenerator[list[T]]:
    """What a reader gives until it gives nothing, each next one read while one is worked on.

    In a thread: reading and checking rows is work enough to keep every other request waiting.
    """
    reading = asyncio.create_task(asyncio.to_thread(read))
    try:
        while batch := await reading:
            reading = asyncio.create_task(asyncio.to_thread(read))
            yield batch
    finally:
        # a thread cannot be stopped: the file is closed only once it is done with it
        await asyncio.gather(reading, return_exceptions=True)
