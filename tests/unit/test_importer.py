"""Files that go in, batch by batch, and the report on their rows."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from services.directory.domain.fiche import COLUMNS
from services.directory.importing import importer
from services.directory.importing.importer import CUT, MOST_ERRORS, Report, import_csv
from services.directory.importing.problems import NotACsvFile
from services.directory.importing.reader import Refused, Row
from services.directory.importing.writer import BATCH, Import, Written
from shared.database import Database
from shared.errors import InvalidField
from shared.events import FieldValue

Sheet = dict[str, FieldValue]

HEADER = ",".join(COLUMNS)
CELLS = {
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2024-04-02",
}


def line(id_: str, **cells: str) -> str:
    """A row of the file."""
    file = io.StringIO()
    csv.DictWriter(file, COLUMNS).writerow({"id": id_, **CELLS, **cells})
    return file.getvalue().removesuffix("\r\n")


def refusals(report: Report) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.rule) for error in report.errors]


class Recorder:
    """In the writer's place: notes the sheets of each batch."""

    def __init__(self) -> None:
        self.sheets: dict[str, Sheet] = {}
        self.looked_for_absent = False

    async def write(self, _: Import, sheets: dict[str, Sheet]) -> dict[str, Written]:
        self.sheets |= sheets
        return dict.fromkeys(sheets, Written("created"))

    async def mark_absent(self, *_: object) -> int:
        self.looked_for_absent = True
        return 0


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(importer, "write", recorder.write)
    monkeypatch.setattr(importer, "mark_absent", recorder.mark_absent)
    return recorder


async def imported(content: bytes, **options: Any) -> Report:
    return await import_csv(cast(Database, None), io.BytesIO(content), "essai", **options)


async def test_rows_go_in_and_the_others_are_reported(recorder: Recorder) -> None:
    text = "\r\n".join([HEADER, line("a"), line("b", code_postal="5110"), line("c"), ""])
    report = await imported(text.encode())
    assert list(recorder.sheets) == ["a", "c"]
    assert (report.created, report.refused, report.rows) == (2, 1, 3)
    assert refusals(report) == [(3, "code_postal", "pattern")]
    (error,) = report.errors
    assert (error.id, error.value, error.suggestion) == ("b", "5110", "05110")


async def test_a_file_that_is_none_is_refused_before_its_rows(recorder: Recorder) -> None:
    content = "\n".join([HEADER, *(line(f"v{n}") for n in range(600)), ""]).encode()
    with pytest.raises(NotACsvFile, match="pas en UTF-8"):
        await imported(content + b"\x9d\n")


async def test_many_rows_come_each_once_and_in_order(recorder: Recorder) -> None:
    ids = [f"v{n}" for n in range(2 * BATCH + 201)]
    report = await imported("\n".join([HEADER, *map(line, ids)]).encode())
    assert list(recorder.sheets) == ids
    assert report.created == len(ids)


async def test_each_row_is_told_with_what_became_of_it(recorder: Recorder) -> None:
    told: list[tuple[int, str]] = []

    def hear(rows: Sequence[Row | Refused], written: Mapping[str, Written]) -> None:
        told.extend(
            (row.line, written[row.id].outcome if isinstance(row, Row) else "refused")
            for row in rows
        )

    text = "\n".join([HEADER, line("a"), line("b", pivot="?"), line("c", telephone="0180059880")])
    report = await imported(text.encode(), told=hear)
    assert told == [(2, "created"), (3, "refused"), (4, "created")]
    assert report.noted == 1


async def test_how_the_file_was_read_is_said(recorder: Recorder) -> None:
    report = await imported(f"{HEADER}\n{line('a', nom='À Die')}".encode("cp1252"))
    assert ["Windows-1252" in note for note in report.notes] == [True]


@pytest.mark.parametrize(("row", "is_looked_for"), [(line("b", pivot="?"), True), ('"b"x', False)])
async def test_nothing_is_absent_while_a_row_could_be_anybodys(
    recorder: Recorder, row: str, is_looked_for: bool
) -> None:
    report = await imported("\n".join([HEADER, line("a"), row]).encode())
    assert recorder.looked_for_absent == is_looked_for
    assert ["absente" in note for note in report.notes] == [True] * (not is_looked_for)


def test_a_report_stays_of_a_readable_size() -> None:
    report = Report()
    wrong = [InvalidField("id", "pattern", "Non."), InvalidField("", "columns", "Non.")]
    report.count([Refused(n, "", {"id": "x" * 500}, wrong) for n in range(MOST_ERRORS)], {})
    assert report.refused == report.rows == MOST_ERRORS
    assert len(report.errors) == report.more_errors == MOST_ERRORS
    assert max(len(error.value) for error in report.errors) == CUT
