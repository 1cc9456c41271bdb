"""Import of venues in the national schema's CSV, in batches, each one transaction.

A value that people changed since the last import stays; one that only the source changed moves
on (a three-way merge against what the source said last). The same file twice changes nothing.
"""

import asyncio
import csv
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from io import TextIOWrapper
from itertools import islice
from typing import IO, Any, TextIO

import structlog

from services.directory.domain.fiche import COLUMNS, public_addresses, read_row
from services.directory.domain.merge import three_way, with_values
from services.directory.domain.venues import Acceptance, Change, Revision, Venue
from services.directory.store.venues import History, Venues
from services.directory.use_cases.venues import tell_addresses, tell_update
from shared.database import Database, Transaction
from shared.errors import InvalidField, Problem
from shared.events import FieldValue

BATCH = 500
"""Rows of one transaction."""
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
    errors: list[RowError] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows read so far."""
        return self.created + self.updated + self.unchanged + self.refused

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
) -> Report:
    """Import a file; valid rows go in, the others are reported. Raises `NotACsvFile`."""
    report = Report()
    await asyncio.to_thread(_check_encoding, file)
    with TextIOWrapper(file, "utf-8-sig", newline="") as text:
        rows = _checked_rows(text, report)
        # in a thread: reading and checking rows is work enough to keep every other request waiting
        while read := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
            batch = [row for row in read if row]
            written = await database.run(partial(_write, rows=batch, source=source))
            report.created += written.created
            report.updated += written.updated
            report.unchanged += written.unchanged
            progress(report)
    return report


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


def _checked_rows(text: TextIO, report: Report) -> Iterator[Row | None]:
    """The rows that keep every rule, each id once; none for the others, which are reported."""
    reader = csv.reader(text, strict=True)
    names = _header(reader)
    seen: set[str] = set()
    for line, values in _lines(reader, report):
        if len(values) != len(names):
            wrong = InvalidField("", "columns", "Le nombre de cellules n'est pas le bon.")
            report.refuse(line, {}, [wrong])
            yield None
            continue
        cells = dict(zip(names, values, strict=True))
        fiche, errors = read_row(cells)
        if not errors and fiche["id"] in seen:
            errors = [InvalidField("id", "unique", "Cet identifiant est déjà dans le fichier.")]
        if errors:
            report.refuse(line, cells, errors)
            yield None
            continue
        seen.add(str(fiche["id"]))
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


async def _write(tx: Transaction, rows: list[Row], source: str) -> Report:
    """Write one batch: new venues, new revisions of known ones, their history."""
    report = Report()
    venues = Venues(tx)
    known = await venues.get_many([row.id for row in rows])
    fresh = [row for row in rows if row.id not in known]
    added = [
        Venue(
            id=row.id,
            revision=1,
            ordinal=ordinal,
            fiche=row.fiche,
            imported=row.fiche,
            updated_at=tx.now,
        )
        for row, ordinal in zip(fresh, await venues.take_ordinals(len(fresh)), strict=True)
    ]
    history = [_revision(tx, venue, source, _first_changes(venue)) for venue in added]
    changed = []
    for row in rows:
        venue = known.get(row.id)
        if venue is None or row.fiche == venue.imported:
            continue
        before = public_addresses(venue.fiche)
        changes = _take_over(venue, row.fiche, tx)
        history.append(_revision(tx, venue, source, changes))
        changed.append(venue)
        tell_addresses(tx, venue, before)
        tell_update(tx, venue, changes)
    await venues.add(added)
    await venues.save(*changed)
    await History(tx).add(history)
    for venue in added:
        tell_addresses(tx, venue, [])
    report.created, report.updated = len(added), len(changed)
    report.unchanged = len(rows) - len(added) - len(changed)
    return report


def _take_over(venue: Venue, imported: dict[str, FieldValue], tx: Transaction) -> list[Change]:
    """Move a venue to what its source says now, but for what people changed."""
    names = (venue.imported.keys() | imported.keys()) - {"date_maj"}
    merge = three_way(venue.imported, venue.fiche, {name: imported.get(name) for name in names})
    changes = [Change(field=name, old=old, new=new) for name, (old, new) in merge.applied.items()]
    newest = max(str(venue.fiche["date_maj"]), str(imported["date_maj"]))
    if newest != venue.fiche["date_maj"]:
        changes.append(Change(field="date_maj", old=venue.fiche["date_maj"], new=newest))
    venue.fiche = with_values(venue.fiche, {change.field: change.new for change in changes})
    venue.imported = imported
    venue.revision += 1
    venue.updated_at = tx.now
    return changes


def _first_changes(venue: Venue) -> list[Change]:
    return [Change(field=name, new=value) for name, value in venue.fiche.items()]


def _revision(tx: Transaction, venue: Venue, source: str, changes: Iterable[Change]) -> Revision:
    return Revision(
        venue_id=venue.id,
        revision=venue.revision,
        at=tx.now,
        by=f"import:{source}",
        accepted=Acceptance(how="import", at=tx.now),
        changes=list(changes),
    )
