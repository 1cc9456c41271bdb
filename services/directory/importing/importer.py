"""Import of venues in the national schema's CSV, in batches, each one transaction.

A value that people changed since the last import stays; one that only the source changed moves
on (a three-way merge against what the source said last). The same file twice changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import IO, Any

from services.directory.domain.fiche import public_addresses
from services.directory.domain.merge import three_way, with_values
from services.directory.domain.venues import Acceptance, Change, Revision, Venue
from services.directory.importing.reader import Refused, Row, read
from services.directory.store.venues import History, Venues
from services.directory.use_cases.venues import tell_addresses, tell_update
from shared.database import Database, Transaction
from shared.events import FieldValue

BATCH = 500
"""Rows of one transaction."""
MOST_ERRORS = 1_000
"""Refusals that a report lists; beyond, they are counted."""
CUT = 200
"""Characters of a refused value that a report repeats."""


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
    errors: list[RowError] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows read so far."""
        return self.created + self.updated + self.unchanged + self.refused

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
) -> Report:
    """Import a file; valid rows go in, the others are reported. Raises `NotACsvFile`."""
    report = Report()
    # in a thread: reading and checking rows is work enough to keep every other request waiting
    reading = await asyncio.to_thread(read, file)
    rows = iter(reading)
    try:
        while some := await asyncio.to_thread(lambda: list(islice(rows, BATCH))):
            batch = [row for row in some if isinstance(row, Row)]
            written = await database.run(partial(_write, rows=batch, source=source))
            report.created += written.created
            report.updated += written.updated
            report.unchanged += written.unchanged
            for row in some:
                if isinstance(row, Refused):
                    report.refuse(row)
            progress(report)
    finally:
        reading.close()
    return report


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
