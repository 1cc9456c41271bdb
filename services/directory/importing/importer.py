"""Import of venues in the national schema's CSV, in batches, each one transaction.

What a source says is compared with what it said the last time (`domain/sources.py`). The same
file twice changes nothing.
"""

import asyncio
import csv
from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from itertools import islice
from typing import IO, Any, TextIO, TypeVar
from uuid import uuid4

import structlog

from services.directory.domain.fiche import COLUMNS, read_row
from services.directory.importing.writer import BATCH, Import, Written, mark_absent, write
from shared.database import Database
from shared.errors import InvalidField, Problem
from shared.events import FieldValue

T = TypeVar("T")

MOST_ERRORS = 1_000
"""Refusals that a report lists; beyond, they are counted."""
CHUNK = 1024 * 1024
CUT = 200
"""Characters of a refused value that a report repeats."""


CsvReader = Any
"""What `csv.reader` returns; its type has no public name."""


UNREADABLE = "Cette ligne ne se lit pas comme du CSV : guillemet isolé, ou cellule trop longue."

log = structlog.get_logger()


class NotACsvFile(Problem):
    """The file cannot be read as CSV in UTF-8, or lacks columns of the schema."""

    type = "not-a-csv-file"
    status = 422
    title = "Ce fichier n'est pas un CSV du schéma national des lieux de médiation numérique."


@dataclass(frozen=True)
class RowError:
    """A rule that a row breaks; `line` is the file's, counted from 1."""

    line: int
    field: str
    value: str
    rule: str
    message: str


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

    def refuse(self, line: int, row: dict[str, str], wrong: list[InvalidField]) -> None:
        """Count a refused row and list what is wrong with it."""
        self.refused += 1
        for one in wrong[: MOST_ERRORS - len(self.errors)]:
            value = (row.get(one.field) or "")[:CUT]
            self.errors.append(RowError(line, one.field, value, one.rule, one.message))

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Row:
    """A valid row."""

    line: int
    fiche: dict[str, FieldValue]

    @property
    def id(self) -> str:
        """The venue's id."""
        return str(self.fiche["id"])


async def import_csv(
    database: Database,
    file: IO[bytes],
    source: str,
    progress: Callable[[Report], None] = lambda _: None,
    *,
    dry_run: bool = False,
) -> Report:
    """Import a file; valid rows go in, the others are reported. Raises `NotACsvFile`.

    What the source had and the file has not is marked as absent; a dry run writes nothing.
    """
    report = Report()
    seen: set[str] = set()
    run = Import(uuid4().hex, source, dry_run)
    await asyncio.to_thread(_check_encoding, file)
    with TextIOWrapper(file, "utf-8-sig", newline="") as text:
        rows = _checked_rows(text, report, seen)
        async with aclosing(_ahead(lambda: list(islice(rows, BATCH)))) as batches:
            async for batch in batches:
                sheets = {row.id: row.fiche for row in batch if row}
                report.count(await write(database, run, sheets))
                progress(report)
    report.absent = await mark_absent(database, run, lambda ids: [i for i in ids if i not in seen])
    return report


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


def _check_encoding(file: IO[bytes]) -> None:
    """Read the file once: it must be UTF-8 to its end before any of its rows goes in."""
    decoder = getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise NotACsvFile("Le fichier n'est pas en UTF-8.") from exc
    file.seek(0)


def _checked_rows(text: TextIO, report: Report, seen: set[str]) -> Iterator[Row | None]:
    """The rows that keep every rule, each id once; none for the others, which are reported."""
    reader = csv.reader(text, strict=True)
    names = _header(reader)
    taken: set[str] = set()
    for line, values in _lines(reader, report):
        if len(values) != len(names):
            wrong = InvalidField("", "columns", "Le nombre de cellules n'est pas le bon.")
            report.refuse(line, {}, [wrong])
            yield None
            continue
        cells = dict(zip(names, values, strict=True))
        fiche, errors = read_row(cells)
        if not errors and fiche["id"] in taken:
            errors = [InvalidField("id", "unique", "Cet identifiant est déjà dans le fichier.")]
        # also if it is refused: it has not left its source
        seen.add(cells["id"].strip())
        if errors:
            report.refuse(line, cells, errors)
            yield None
            continue
        taken.add(str(fiche["id"]))
        yield Row(line, fiche)


def _header(reader: CsvReader) -> list[str]:
    """The names of the columns; all those of the schema, others too. Raises `NotACsvFile`."""
    try:
        names: list[str] = next(reader, [])
    except csv.Error as exc:
        raise NotACsvFile(f"La première ligne : {UNREADABLE}") from exc
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise NotACsvFile(f"Colonnes absentes : {', '.join(missing)}.", missing_columns=missing)
    return names


def _lines(reader: CsvReader, report: Report) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the file's line where it starts."""
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            log.info("row is no CSV", line=line, error=str(exc))
            report.refuse(line, {}, [InvalidField("", "csv", UNREADABLE)])
            continue
        if values:
            yield line, values
