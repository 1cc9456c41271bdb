"""Reading CSV files, and what an import may change on a sheet that people have edited."""

import csv
import datetime as dt
import io
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.directory.domain.fiche import COLUMNS
from services.directory.importing.importer import (
    CUT,
    MOST_ERRORS,
    NotACsvFile,
    Report,
    Row,
    _checked_rows,
    import_csv,
)
from services.directory.importing.writer import Written
from shared.database import Database, Transaction
from shared.events import FieldValue

Sheet = dict[str, FieldValue]

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
TX = cast(Transaction, SimpleNamespace(now=NOW))
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


def read(text: str) -> tuple[list[Row], Report]:
    """The valid rows of a text, and the report on the others."""
    report = Report()
    rows = _checked_rows(io.StringIO(text, newline=""), report, set())
    return [row for row in rows if row], report


def refusals(report: Report) -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.rule) for error in report.errors]


class Recorder:
    """A database that notes the sheets of each batch, and writes none."""

    def __init__(self) -> None:
        self.sheets: dict[str, Sheet] = {}

    async def run(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        asked = getattr(work, "keywords", None)
        if asked is None:
            return 0
        sheets = asked["sheets"]
        self.sheets |= sheets
        return dict.fromkeys(sheets, Written("created"))


async def imported(content: bytes) -> tuple[list[str], Report]:
    database = Recorder()
    report = await import_csv(cast(Database, database), io.BytesIO(content), "essai")
    return list(database.sheets), report


class TestFiles:
    async def test_rows_go_in_and_the_others_are_reported(self) -> None:
        text = "\r\n".join([HEADER, line("a"), line("b", code_postal="5110"), line("c"), ""])
        ids, report = await imported(text.encode())
        assert ids == ["a", "c"]
        assert (report.created, report.refused, report.rows) == (2, 1, 3)
        assert refusals(report) == [(3, "code_postal", "pattern")]
        assert report.errors[0].value == "5110"

    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
    async def test_a_byte_order_mark_says_nothing(self, mark: bytes) -> None:
        ids, report = await imported(mark + f"{HEADER}\n{line('é')}\n".encode())
        assert ids == ["é"]
        assert report.errors == []

    @pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16"])
    async def test_another_encoding_is_no_csv_of_ours(self, encoding: str) -> None:
        content = f"{HEADER}\n{line('a', nom='Médiathèque')}\n".encode(encoding)
        with pytest.raises(NotACsvFile, match="pas en UTF-8"):
            await imported(content)

    async def test_even_far_into_the_file(self) -> None:
        good = "\n".join([HEADER, *(line(f"v{n}") for n in range(600)), ""]).encode()
        with pytest.raises(NotACsvFile, match="pas en UTF-8"):
            await imported(good + b"\xff\n")

    async def test_many_rows_come_each_once_and_in_order(self) -> None:
        text = "\n".join([HEADER, *(line(f"v{n}") for n in range(1_201))])
        ids, report = await imported(text.encode())
        assert ids == [f"v{n}" for n in range(1_201)]
        assert report.created == 1_201


class TestHeaders:
    @pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
    def test_an_empty_file(self, text: str) -> None:
        with pytest.raises(NotACsvFile):
            read(text)

    def test_the_columns_that_are_missing_are_named(self) -> None:
        columns = [name for name in COLUMNS if name not in ("pivot", "prise_rdv")]
        with pytest.raises(NotACsvFile, match="pivot, prise_rdv") as refused:
            read(",".join(columns) + "\n")
        assert refused.value.extra == {"missing_columns": ["pivot", "prise_rdv"]}

    @pytest.mark.parametrize("header", [HEADER.replace(",", ";"), '"id"x,pivot', '"id,pivot'])
    def test_what_is_no_csv(self, header: str) -> None:
        with pytest.raises(NotACsvFile):
            read(header + "\n")

    def test_a_header_alone_is_an_empty_list(self) -> None:
        assert read(HEADER) == ([], Report())

    def test_other_columns_and_their_order_say_nothing(self) -> None:
        names = [*reversed(COLUMNS), "prix"]
        cells = {"id": "a", "prix": "10", **CELLS}
        rows, report = read(f"{','.join(names)}\n{','.join(cells.get(one, '') for one in names)}\n")
        assert report.errors == []
        assert rows[0].fiche == {"id": "a", **CELLS}


class TestRows:
    @pytest.mark.parametrize("row", [line("a") + ",", "a,b", line("a").rsplit(",", 1)[0]])
    def test_the_number_of_cells_must_be_right(self, row: str) -> None:
        rows, report = read(f"{HEADER}\n{row}\n{line('b')}\n")
        assert [one.id for one in rows] == ["b"]
        assert refusals(report) == [(2, "", "columns")]

    def test_an_id_counts_once(self) -> None:
        rows, report = read("\n".join([HEADER, line("a"), line("b"), line("a", nom="Autre")]))
        assert [row.id for row in rows] == ["a", "b"]
        assert refusals(report) == [(4, "id", "unique")]

    def test_but_not_on_a_row_that_is_refused(self) -> None:
        rows, report = read("\n".join([HEADER, line("a", pivot="?"), line("a")]))
        assert [row.id for row in rows] == ["a"]
        assert refusals(report) == [(2, "pivot", "pattern")]

    def test_every_broken_rule_of_a_row_is_listed(self) -> None:
        _, report = read(f"{HEADER}\n{line('a', pivot='?', latitude='NaN')}")
        assert refusals(report) == [(2, "pivot", "pattern"), (2, "latitude", "number")]
        assert report.refused == 1

    def test_a_report_stays_of_a_readable_size(self) -> None:
        wrong = [line(f"v{n}", code_postal="x" * 500) for n in range(MOST_ERRORS + 5)]
        _, report = read("\n".join([HEADER, *wrong]))
        assert report.refused == MOST_ERRORS + 5
        assert len(report.errors) == MOST_ERRORS
        assert {len(error.value) for error in report.errors} == {CUT}


class TestLines:
    """The line that a report names is the one an editor shows."""

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_a_cell_over_several_lines(self, end: str) -> None:
        rows, report = read(
            end.join(
                [
                    HEADER,
                    line("a", presentation_detail=f"Un.{end}Deux.{end}Trois."),
                    line("b", pivot="?", presentation_detail=f"Un.{end}Deux."),
                    line("c", pivot="?"),
                ]
            )
        )
        assert [(row.line, row.fiche["presentation_detail"]) for row in rows] == [
            (2, "Un.\nDeux.\nTrois.")
        ]
        assert refusals(report) == [(5, "pivot", "pattern"), (7, "pivot", "pattern")]

    def test_empty_lines_count(self) -> None:
        rows, report = read("\n".join([HEADER, "", "", line("a"), "", line("b", pivot="?"), ""]))
        assert [row.line for row in rows] == [4]
        assert refusals(report) == [(6, "pivot", "pattern")]

    def test_a_header_over_several_lines(self) -> None:
        _, report = read(f'{HEADER},"une\nautre"\n{line("a", pivot="?")},\n')
        assert refusals(report) == [(3, "pivot", "pattern")]

    def test_a_line_that_is_no_csv(self) -> None:
        rows, report = read("\n".join([HEADER, '"a"b,c', line("b"), line("c", pivot="?")]))
        assert [row.id for row in rows] == ["b"]
        assert refusals(report) == [(2, "", "csv"), (4, "pivot", "pattern")]

    def test_a_quote_that_is_never_closed(self) -> None:
        rows, report = read(f'{HEADER}\n{line("a")}\n"b,{CELLS["pivot"]}\n{line("c")}\n')
        assert [row.id for row in rows] == ["a"]
        assert [(error.field, error.rule) for error in report.errors] == [("", "csv")]
