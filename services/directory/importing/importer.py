"""Import of a source's file, in batches, each one transaction.

What a source says is compared with what it said the last time (`domain/sources.py`). The same
file twice changes nothing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import IO, Any
from uuid import uuid4

from services.directory.importing.reader import Reading, Refused, Row, read
from services.directory.importing.writer import BATCH, Import, Written, mark_absent, write
from shared.database import Database

AT_ONCE = 2
"""Batches that are being written: while the database works on one, the next is made ready."""
MOST_ERRORS = 1_000
"""Refusals that a report lists; beyond, they are counted."""
CUT = 200
"""Characters of a refused value that a report repeats."""

Rows = list[Row | Refused]


@dataclass(frozen=True)
class RowError:
    """A rule that a row breaks; `line` is the file's, counted from 1."""

    line: int
    field: str
    value: str
    rule: str
    message: str
    suggestion: str | None = None


@dataclass
class Report:
    """What became of each row."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    absent: int = 0
    """Venues that the source had and the file has not."""
    errors: list[RowError] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows read so far."""
        return self.created + self.updated + self.unchanged + self.refused

    def count(self, written: Mapping[str, Written]) -> None:
        """Count what became of some valid rows."""
        outcomes = Counter(one.outcome for one in written.values())
        self.created += outcomes["created"]
        self.updated += outcomes["updated"]
        self.unchanged += outcomes["unchanged"]

    def refuse(self, row: Refused) -> None:
        """Count a refused row and list what is wrong with it."""
        self.refused += 1
        for one in row.errors[: MOST_ERRORS - len(self.errors)]:
            value = row.cells.get(one.field, "")[:CUT]
            self.errors.append(
                RowError(row.line, one.field, value, one.rule, one.message, one.suggestion)
            )

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)


async def import_csv(
    database: Database,
    file: IO[bytes],
    source: str,
    progress: Callable[[Report], None] = lambda _: None,
    *,
    dry_run: bool = False,
) -> Report:
    """Import a file; valid rows go in, the others are reported. Raises `NotACsvFile`.

    What the source had and the file has not is marked as absent, unless some row gives no id: it
    may be any venue's. A dry run writes nothing.
    """
    report = Report()
    run = Import(uuid4().hex, source, database, dry_run)
    reading = await asyncio.to_thread(read, file)
    try:
        async with aclosing(_written(run, reading)) as batches:
            async for rows, written in batches:
                report.count(written)
                for row in rows:
                    if isinstance(row, Refused):
                        report.refuse(row)
                progress(report)
        if not reading.unnamed:
            report.absent = await mark_absent(run, reading.seen)
    finally:
        reading.close()
    return report


async def _written(
    run: Import, reading: Reading
) -> AsyncGenerator[tuple[Rows, dict[str, Written]]]:
    """The file's rows in batches, and what became of the valid ones, in the file's order."""
    rows = iter(reading)
    writing: deque[tuple[Rows, asyncio.Task[dict[str, Written]]]] = deque()
    try:
        # in a thread: reading and checking rows would keep every other request waiting
        while batch := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
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
