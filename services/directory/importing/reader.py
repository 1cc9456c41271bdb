"""The rows of a CSV file of venues in bounded memory: the valid ones, and what others break."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from operator import itemgetter
from typing import IO, Any

from services.directory.domain.columns import Cell, Column
from services.directory.domain.fiche import COLUMNS, unaddressable
from services.directory.domain.schema_v0 import upgraded
from services.directory.importing.encodings import encoding_of
from services.directory.importing.header import (
    SEPARATORS,
    UNREADABLE,
    Header,
    read_header,
    separator_of,
)
from services.directory.importing.problems import NotACsvFile
from services.directory.importing.seen import SeenIds
from shared.errors import InvalidField
from shared.events import FieldValue

AT_ONCE = 500
"""Rows that are looked at together."""
LONGEST_LINE = 4 * 1024 * 1024
"""Characters; the rest of a longer line is skipped, and its row has the wrong number of cells."""
MOST_KNOWN = 2_000
"""Cells of a column whose meaning is kept."""
LONGEST_KNOWN = 400

CsvReader = Any
"""What `csv.reader` returns; its type has no public name."""

WRONG_WIDTH = InvalidField("", "columns", "Le nombre de cellules n'est pas le bon.")
NO_CSV = InvalidField("", "csv", f"Cette ligne ne se lit pas comme du CSV : {UNREADABLE}.")
TWICE = InvalidField("id", "unique", "Cet identifiant est déjà dans le fichier.")


@dataclass(frozen=True, slots=True)
class Row:
    """A valid row; `line` is the file's, counted from 1, where it starts."""

    line: int
    cells: Mapping[str, str]
    """As they are written, by column."""
    fiche: dict[str, FieldValue]
    notes: list[InvalidField] = field(default_factory=list)
    """What was changed, with the kept value as suggestion, and what is probably wrong."""

    @property
    def id(self) -> str:
        """The venue's id."""
        return str(self.fiche["id"])


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that breaks a rule."""

    line: int
    id: str
    """What it gives as one; empty if that cannot be said."""
    cells: Mapping[str, str]
    """As they are written, by column; none if it has the wrong number of them."""
    errors: list[InvalidField]
    notes: list[InvalidField] = field(default_factory=list)
    """What would have been changed."""


class Reading:
    """A file that is being read: how it is written, and its rows, once."""

    def __init__(self, text: TextIOWrapper, encoding: str) -> None:
        """Reads the first line; raises `NotACsvFile`."""
        self.encoding = encoding
        self.seen = SeenIds()
        self.unnamed = 0
        """Refused rows whose id cannot be said: any venue's row may be among them."""
        self._text = text
        first = text.readline(LONGEST_LINE)
        self.separator = separator_of(first)
        text.seek(0)
        lines = csv.reader(_lines(text), strict=True, delimiter=self.separator)
        self._lines = lines
        self.header = _header(lines)

    @property
    def notes(self) -> list[str]:
        """What people should know of how their file was read."""
        notes = list(self.header.notes)
        if self.separator != ",":
            name = SEPARATORS[self.separator]
            notes.insert(0, f"Le séparateur du fichier est « {name} », la norme veut la virgule.")
        if not self.encoding.startswith("utf-8"):
            name = {"cp1252": "Windows-1252", "utf-16": "UTF-16"}[self.encoding]
            notes.insert(0, f"Le fichier est en {name}, la norme veut UTF-8.")
        return notes

    @property
    def is_exact(self) -> bool:
        """Whether the file's form is the standard's: encoding, separator, columns."""
        return self.header.is_exact and self.separator == "," and self.encoding == "utf-8-sig"

    def __iter__(self) -> Iterator[Row | Refused]:
        """Each row that is not empty, in the file's order."""
        rows = _rows(self._lines, self.header)
        while some := list(islice(rows, AT_ONCE)):
            self.unnamed += sum(not row.id for row in some)
            yield from _each_id_once(some, self.seen)

    def close(self) -> None:
        """Forget the ids; the file stays open."""
        self.seen.close()
        self._text.detach()


def read(file: IO[bytes]) -> Reading:
    """Read a file from its start, which takes two passes; raises `NotACsvFile`."""
    encoding = encoding_of(file)
    return Reading(TextIOWrapper(file, encoding, newline=""), encoding)


def _lines(text: TextIOWrapper) -> Iterator[str]:
    """The file's lines, cut where they have no end."""
    while line := text.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            line = text.readline(LONGEST_LINE)


def _header(lines: CsvReader) -> Header:
    try:
        names: list[str] = next(lines, [])
    except csv.Error as exc:
        raise NotACsvFile(f"La première ligne ne se lit pas comme du CSV : {UNREADABLE}.") from exc
    return read_header(names)


def _rows(lines: CsvReader, header: Header) -> Iterator[Row | Refused]:
    pick = itemgetter(*header.places.values())
    known = [_Known(column) for column in COLUMNS.values()]
    names = list(header.places)
    read_row = _row if header.version == "1.0.2" else _old_row
    while True:
        line = lines.line_num + 1
        try:
            values = next(lines)
        except StopIteration:
            return
        except csv.Error:
            yield Refused(line, "", {}, [NO_CSV])
            continue
        if not values:
            continue
        if len(values) == header.width:
            yield read_row(line, dict(zip(names, pick(values), strict=True)), known)
        else:
            place = header.places["id"]
            cell = values[place] if place < len(values) else ""
            yield Refused(line, _id(cell), {}, [WRONG_WIDTH])


def _id(cell: str) -> str:
    """What a row that is refused gives as its id, in the spelling that a valid one would have."""
    return str(COLUMNS["id"].read(cell).value or cell.strip())


class _Known(dict[str, Any]):
    """What cells of a column say, kept for the next one: a value, or a `Cell` if there is more."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._quick, self._read = column.quick, column.read

    def __missing__(self, cell: str) -> Any:
        said: Any = self._quick(cell)
        if said is None:
            found = self._read(cell)
            said = found.value if found.note is None and found.error is None else found
        if len(cell) <= LONGEST_KNOWN:
            if len(self) >= MOST_KNOWN:
                self.clear()
            self[cell] = said
        return said


def _row(line: int, cells: Mapping[str, str], known: Sequence[_Known]) -> Row | Refused:
    fiche, errors, notes = _read(cells.values(), known)
    if errors:
        return Refused(line, _id(cells["id"]), cells, errors, notes)
    return Row(line, cells, fiche, notes)


def _old_row(line: int, cells: Mapping[str, str], known: Sequence[_Known]) -> Row | Refused:
    """A row of v0.1.1, whose values are translated first."""
    new = upgraded(cells)
    fiche, errors, notes = _read(new.cells.values(), known)
    if new.errors or errors:
        return Refused(line, _id(cells["id"]), cells, [*new.errors, *errors], notes)
    return Row(line, cells, fiche, [*new.notes, *notes])


def _read(
    cells: Iterable[str], known: Sequence[_Known]
) -> tuple[dict[str, FieldValue], list[InvalidField], list[InvalidField]]:
    """The sheet that cells give, what is wrong with them, and what was changed."""
    fiche: dict[str, FieldValue] = {}
    errors: list[InvalidField] = []
    notes: list[InvalidField] = []
    for name, cell, column in zip(COLUMNS, cells, known, strict=True):
        value = column[cell]
        if value is None:
            continue
        if value.__class__ is Cell:
            if value.error:
                errors.append(value.error)
                continue
            if value.note:
                notes.append(value.note)
            value = value.value
            if value is None:
                continue
        # what is kept for other rows is not theirs to change
        fiche[name] = value.copy() if value.__class__ is list else value
    if wrong := unaddressable(fiche.get("id")):
        errors.append(wrong)
    return fiche, errors, notes


def _each_id_once(rows: Sequence[Row | Refused], seen: SeenIds) -> Iterator[Row | Refused]:
    """The rows, of which those that give an id again are refused."""
    valid = [row for row in rows if isinstance(row, Row)]
    seen.note_many([row.id for row in rows if isinstance(row, Refused) and row.id])
    again = {valid[place].line for place in seen.add_many([row.id for row in valid])}
    for row in rows:
        if row.line in again:
            yield Refused(row.line, row.id, row.cells, [TWICE])
        else:
            yield row
