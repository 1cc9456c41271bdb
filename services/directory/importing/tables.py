"""Reports on the rows of a file as CSV, for a spreadsheet: a line for each thing to say."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import IO

from services.directory.domain.columns import written as as_cell
from services.directory.domain.sources import GONE, WHY
from services.directory.domain.spreadsheets import harmless
from services.directory.importing.reader import Refused, Row
from services.directory.importing.validator import CUT, Finding
from services.directory.importing.writer import Written
from shared.errors import InvalidField

OUTCOMES = ("line", "id", "outcome", "field", "value", "rule", "message", "suggestion")


class OutcomeTable:
    """What became of each row of an import."""

    def __init__(self, text: IO[str]) -> None:
        self._lines = csv.writer(text)
        self._lines.writerow(OUTCOMES)

    def add(self, rows: Sequence[Row | Refused], written: Mapping[str, Written]) -> None:
        """Say what became of some rows; in order."""
        for row in rows:
            if isinstance(row, Refused):
                outcome, said = "refused", [_said(row, one) for one in row.errors]
            else:
                became = written[row.id]
                outcome = became.outcome
                said = [_said(row, one) for one in row.notes]
                said += [
                    (name, as_cell(row.fiche.get(name)), f"kept:{why}", WHY[why], "")
                    for name, why in became.kept.items()
                ]
                said += [(name, "", "emptied", GONE, "") for name in became.emptied]
            for cells in said or [("", "", "", "", "")]:
                self._lines.writerow(_harmless([str(row.line), row.id, outcome, *cells]))


class FindingTable:
    """What a validation found."""

    def __init__(self, text: IO[str]) -> None:
        self._lines = csv.writer(text)
        self._lines.writerow(one.name for one in fields(Finding))

    def add(self, finding: Finding) -> None:
        """Say one more thing."""
        cells = ("" if cell is None else str(cell) for cell in asdict(finding).values())
        self._lines.writerow(_harmless(cells))


def _said(row: Row | Refused, one: InvalidField) -> tuple[str, str, str, str, str]:
    value = row.cells.get(one.field, "")[:CUT]
    return one.field, value, one.rule, one.message, one.suggestion or ""


def _harmless(cells: Iterable[str]) -> list[str]:
    return [harmless(cell) for cell in cells]
