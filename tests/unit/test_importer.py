"""Files that go in, batch by batch, and the report on their rows."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from services.directory.domain.fiche import COLUMNS
from services.directory.importing.importer import CUT, MOST_ERRORS, Report, import_csv
from services.directory.importing.problems import NotACsvFile
from services.directory.importing.reader import Refused, Row
from services.directory.importing.tables import OutcomeTable
from services.directory.importing.writer import BATCH, Written
from shared.database import Database, Transaction
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
    """A database that notes the sheets of each batch, and writes none."""

    def __init__(self) -> None:
        self.is_known = True
        """Whether its source is."""
        self.breaks_down = False
        self.sheets: dict[str, Sheet] = {}
        self.looked_for_absent = False

    async def run(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        asked = getattr(work, "keywords", {})
        if "sheets" not in asked:
            # how many places the list has, behind which venues are looked for
            self.looked_for_absent = "run" not in asked
            was_known, self.is_known = self.is_known, True
            return 0 if self.looked_for_absent else was_known
        if self.breaks_down:
            raise ConnectionError
        sheets = asked["sheets"]
        self.sheets |= sheets
        return dict.fromkeys(sheets, Written("created"))


async def imported(
    content: bytes, database: Recorder | None = None, **options: Any
) -> tuple[Recorder, Report]:
    database = database or Recorder()
    report = await import_csv(cast(Database, database), io.BytesIO(content), "essai", **options)
    return database, report


async def test_rows_go_in_and_the_others_are_reported() -> None:
    text = "\r\n".join([HEADER, line("a"), line("b", code_postal="5110"), line("c"), ""])
    database, report = await imported(text.encode())
    assert list(database.sheets) == ["a", "c"]
    assert (report.created, report.refused, report.rows) == (2, 1, 3)
    assert refusals(report) == [(3, "code_postal", "pattern")]
    (error,) = report.errors
    assert (error.id, error.value, error.suggestion) == ("b", "5110", "05110")


async def test_a_file_that_is_none_is_refused_before_its_rows() -> None:
    content = "\n".join([HEADER, *(line(f"v{n}") for n in range(600)), ""]).encode()
    with pytest.raises(NotACsvFile, match="pas en UTF-8"):
        await imported(content + b"\x9d\n")


async def test_many_rows_come_each_once_and_in_order() -> None:
    ids = [f"v{n}" for n in range(2 * BATCH + 201)]
    database, report = await imported("\n".join([HEADER, *map(line, ids)]).encode())
    assert list(database.sheets) == ids
    assert report.created == len(ids)


async def test_each_row_is_told_with_what_became_of_it() -> None:
    told: list[tuple[int, str]] = []

    def hear(rows: Sequence[Row | Refused], written: Mapping[str, Written]) -> None:
        told.extend(
            (row.line, written[row.id].outcome if isinstance(row, Row) else "refused")
            for row in rows
        )

    text = "\n".join([HEADER, line("a"), line("b", pivot="?"), line("c", telephone="0180059880")])
    _, report = await imported(text.encode(), told=hear)
    assert told == [(2, "created"), (3, "refused"), (4, "created")]
    assert report.noted == 1


async def test_how_the_file_was_read_is_said() -> None:
    _, report = await imported(f"{HEADER}\n{line('a', nom='À Die')}".encode("cp1252"))
    assert ["Windows-1252" in note for note in report.notes] == [True]


@pytest.mark.parametrize(("row", "is_looked_for"), [(line("b", pivot="?"), True), ('"b"x', False)])
async def test_nothing_is_absent_while_a_row_could_be_anybodys(
    row: str, is_looked_for: bool
) -> None:
    database, report = await imported("\n".join([HEADER, line("a"), row]).encode())
    assert database.looked_for_absent == is_looked_for
    assert ["absente" in note for note in report.notes] == [True] * (not is_looked_for)


async def test_what_a_first_import_that_broke_off_left_is_looked_for_by_the_next() -> None:
    database = Recorder()
    database.is_known, database.breaks_down = False, True
    content = "\n".join([HEADER, line("a")]).encode()
    with pytest.raises(ConnectionError):
        await imported(content, database)
    database.breaks_down = False
    await imported(content, database)
    assert database.looked_for_absent


async def test_a_source_that_is_new_can_miss_nothing() -> None:
    database = Recorder()
    database.is_known = False
    await imported("\n".join([HEADER, line("a")]).encode(), database)
    assert not database.looked_for_absent


def test_a_report_stays_of_a_readable_size() -> None:
    report = Report()
    wrong = [InvalidField("id", "pattern", "Non."), InvalidField("", "columns", "Non.")]
    report.count([Refused(n, "", {"id": "x" * 500}, wrong) for n in range(MOST_ERRORS)], {})
    assert report.refused == report.rows == MOST_ERRORS
    assert len(report.errors) == report.more_errors == MOST_ERRORS
    assert max(len(error.value) for error in report.errors) == CUT


def test_a_value_that_leaves_with_its_address_is_told() -> None:
    text = io.StringIO()
    row = Row(2, {}, {"id": "a"})
    OutcomeTable(text).add([row], {"a": Written("updated", emptied=("complement_adresse",))})
    (said,) = csv.DictReader(io.StringIO(text.getvalue()))
    assert (said["field"], said["rule"]) == ("complement_adresse", "emptied")
