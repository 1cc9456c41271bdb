"""What is wrong with a file, before anybody imports it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Literal

from services.directory.domain.columns import written
from services.directory.domain.fiche import COLUMNS
from services.directory.domain.table_schema import breaks
from services.directory.importing.reader import AT_ONCE, Reading, Refused, Row, read
from shared.errors import InvalidField

MOST_FINDINGS = 1_000
"""Findings that a report lists; beyond, they are counted."""
CUT = 200

VERSION = "1.0.2"

_INEXACT = "Cette valeur n'a pas exactement la forme que demande le schéma."


@dataclass(frozen=True)
class Finding:
    """Something about a cell, or about a whole row if `field` is empty."""

    line: int
    id: str
    field: str
    value: str
    rule: str
    message: str
    suggestion: str | None
    outcome: Literal["refused", "noted"]
    """What an import does: leave the row out, or take it, with the suggestion as value."""
    breaks_schema: bool
    """Whether the national Table Schema forbids it; we refuse or change more than it does."""


@dataclass
class Validation:
    """What is to be said of a file."""

    version: str
    rows: int = 0
    refused: int = 0
    """Rows that an import would not take."""
    noted: int = 0
    """Rows that it would take with a change, or in doubt."""
    breaking: int = 0
    """Rows that break the national Table Schema."""
    exact: bool = False
    """Whether the file's form is the standard's: encoding, separator, columns and their order."""
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more_findings: int = 0

    @property
    def valid(self) -> bool:
        """Whether the file is valid by the national Table Schema v1.0.2."""
        return self.exact and not self.breaking


def validate(
    file: IO[bytes],
    told: Callable[[Finding], None] = lambda _: None,
    progress: Callable[[Validation], None] = lambda _: None,
) -> Validation:
    """Read a whole file and say what is wrong with it, each thing also by `told`.

    Raises `NotACsvFile`.
    """
    reading = read(file)
    try:
        return _validate(reading, told, progress)
    finally:
        reading.close()


def _validate(
    reading: Reading, told: Callable[[Finding], None], progress: Callable[[Validation], None]
) -> Validation:
    is_present = reading.header.version == VERSION
    said = Validation(reading.header.version, exact=reading.is_exact, notes=reading.notes)
    for row in reading:
        said.rows += 1
        findings = list(_findings(row, is_present=is_present))
        said.refused += isinstance(row, Refused)
        said.noted += isinstance(row, Row) and bool(findings)
        said.breaking += any(one.breaks_schema for one in findings)
        listed = findings[: MOST_FINDINGS - len(said.findings)]
        said.findings += listed
        said.more_findings += len(findings) - len(listed)
        for finding in findings:
            told(finding)
        if said.rows % AT_ONCE == 0:
            progress(said)
    progress(said)
    return said


def _findings(row: Row | Refused, *, is_present: bool) -> Iterator[Finding]:
    """What reading said of a row, then what only the letter of the schema forbids."""
    errors = row.errors if isinstance(row, Refused) else []
    for one in errors:
        # an unreadable row, a wrong width, an id for the second time
        whole = not one.field or one.rule == "unique"
        breaking = is_present and (whole or _breaks(row, one.field) is not None)
        yield _finding(row, one, "refused", breaking=breaking)
    for one in row.notes:
        breaking = is_present and _breaks(row, one.field) is not None
        yield _finding(row, one, "noted", breaking=breaking)
    told = {one.field for one in (*errors, *row.notes)}
    for name in COLUMNS if is_present and row.cells else ():
        if name not in told and (rule := _breaks(row, name)):
            kept = written(COLUMNS[name].read(row.cells[name]).value)
            yield _finding(row, InvalidField(name, rule, _INEXACT, kept), "noted", breaking=True)


def _breaks(row: Row | Refused, name: str) -> str | None:
    return _known_breaks(name, row.cells.get(name, "")) if name in COLUMNS else None


_known_breaks = lru_cache(maxsize=16_384)(breaks)


def _finding(
    row: Row | Refused, one: InvalidField, outcome: Literal["refused", "noted"], *, breaking: bool
) -> Finding:
    return Finding(
        line=row.line,
        id=row.id[:CUT],
        field=one.field,
        value=row.cells.get(one.field, "")[:CUT],
        rule=one.rule,
        message=one.message,
        suggestion=one.suggestion,
        outcome=outcome,
        breaks_schema=breaking,
    )
