"""Reading files of venues: how they are written, their header, their rows."""

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.columns import written
from services.directory.domain.fiche import COLUMNS
from services.directory.importing import reader
from services.directory.importing.problems import NotACsvFile
from services.directory.importing.reader import AT_ONCE, LONGEST_LINE, Reading, Refused, Row
from services.directory.importing.seen import SeenIds

HEADER = ",".join(COLUMNS)
CELLS = {
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2024-04-02",
}


def line(id_: str, separator: str = ",", **cells: str) -> str:
    """A row of the file."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, delimiter=separator)
    writer.writerow({"id": id_, **CELLS, **cells})
    return file.getvalue().removesuffix("\r\n")


def opened(content: bytes | str) -> Reading:
    """A file that is being read."""
    return reader.read(io.BytesIO(content if isinstance(content, bytes) else content.encode()))


def read(content: bytes | str) -> tuple[list[Row], list[tuple[int, str, str]]]:
    """The valid rows of a file; line, field and rule of each thing that is wrong."""
    rows = list(opened(content))
    wrong = [
        (one.line, error.field, error.rule)
        for one in rows
        if isinstance(one, Refused)
        for error in one.errors
    ]
    return [one for one in rows if isinstance(one, Row)], wrong


def ids(rows: list[Row]) -> list[str]:
    return [row.id for row in rows]


class TestEncodings:
    TEXT = f"{HEADER}\n{line('é', nom='L’« Étape » à Die – cœur')}\n"
    NAME = "L'« Étape » à Die – cœur"

    @pytest.mark.parametrize(
        ("encoding", "said"),
        [
            ("utf-8", []),
            ("utf-8-sig", []),
            ("utf-16", ["UTF-16"]),
            ("cp1252", ["Windows-1252"]),
        ],
    )
    def test_those_that_are_certain_are_read(self, encoding: str, said: list[str]) -> None:
        reading = opened(self.TEXT.encode(encoding))
        (row,) = reading
        assert isinstance(row, Row)
        assert (row.id, row.fiche["nom"]) == ("é", self.NAME)
        assert [name for name in ("UTF-16", "Windows-1252") if name in str(reading.notes)] == said

    @pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "cp1250", "iso8859-2"])
    def test_accents_are_never_guessed(self, encoding: str) -> None:
        content = f"{HEADER}\n{line('a', nom='Médiathèque où là')}\n".encode(encoding, "replace")
        with pytest.raises(NotACsvFile, match="pas en UTF-8"):
            opened(content.replace(b"?", b"\x9d"))

    def test_even_far_into_the_file(self) -> None:
        good = "\n".join([HEADER, *(line(f"v{n}") for n in range(600)), ""]).encode()
        with pytest.raises(NotACsvFile, match="pas en UTF-8"):
            opened(good + b"\xff\x9d\n")

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"PK\x03\x04\x14\0\0\0", "classeur"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "classeur"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1f\x8b\x08", "archive"),
            (b"\n <!doctype html><html>", "page web"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>", "page web"),
            (b'[{"id": "a"}]', "JSON"),
            (b'{"id": "a"}', "JSON"),
            (b"\x89PNG\r\n\x1a\n\0", "Colonnes absentes|UTF-8"),
            ("id;nom\n".encode("utf-16-le"), "pas en UTF-8"),
            (b"\xff\xfe\0", "UTF-16"),
        ],
    )
    def test_what_is_no_csv_is_named(self, content: bytes, what: str) -> None:
        with pytest.raises(NotACsvFile) as refused:
            opened(content)
        assert re.search(what, str(refused.value))


class TestSeparators:
    @pytest.mark.parametrize(("separator", "name"), [(";", "point-virgule"), ("\t", "tabulation")])
    def test_others_are_read_and_said(self, separator: str, name: str) -> None:
        content = f"{separator.join(COLUMNS)}\n{line('a', separator, frais_a_charge='Payant')}\n"
        reading = opened(content)
        (row,) = reading
        assert isinstance(row, Row)
        assert row.fiche["frais_a_charge"] == ["Payant"]
        assert [name in note for note in reading.notes] == [True]

    def test_the_standards_is_not_worth_a_word(self) -> None:
        assert opened(HEADER).notes == []


class TestHeaders:
    @pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "bonjour"])
    def test_an_empty_file(self, text: str) -> None:
        with pytest.raises(NotACsvFile):
            opened(text)

    def test_the_columns_that_are_missing_are_named(self) -> None:
        columns = [name for name in COLUMNS if name not in ("pivot", "prise_rdv")]
        with pytest.raises(NotACsvFile, match="pivot, prise_rdv") as refused:
            opened(",".join(columns) + "\n")
        assert refused.value.extra == {"missing_columns": ["pivot", "prise_rdv"]}

    def test_what_was_meant_is_asked(self) -> None:
        with pytest.raises(NotACsvFile, match="« téléphones » pour « telephone »"):
            opened(HEADER.replace("telephone", "téléphones"))

    def test_a_column_that_is_there_twice(self) -> None:
        with pytest.raises(NotACsvFile, match="en double : nom") as refused:
            opened(f"{HEADER},Nom\n")
        assert refused.value.extra == {"duplicate_columns": ["nom"]}

    def test_names_as_people_type_them(self) -> None:
        header = HEADER.replace("code_postal", " Code  Postal ").replace("telephone", "TÉLÉPHONE")
        reading = opened(f"\ufeff{header}\n{line('a')}\n")
        (row,) = reading
        assert isinstance(row, Row)
        assert row.fiche["code_postal"] == "51100"
        assert len(reading.notes) == 2

    @pytest.mark.parametrize("header", ['"id"x,pivot', '"id,pivot', '"' + "x" * 200_000 + '"'])
    def test_what_is_no_csv(self, header: str) -> None:
        with pytest.raises(NotACsvFile):
            opened(header + "\n")

    def test_a_header_without_measure(self) -> None:
        with pytest.raises(NotACsvFile, match="plus de 1000 colonnes"):
            opened(",".join(f"c{n}" for n in range(100_000)))

    def test_a_header_alone_is_an_empty_list(self) -> None:
        assert read(HEADER) == ([], [])

    def test_other_columns_and_their_order_say_nothing(self) -> None:
        names = [*reversed(COLUMNS), "prix"]
        cells = {"id": "a", "prix": "10", **CELLS}
        reading = opened(
            f"{','.join(names)}\n{','.join(cells.get(one, '') for one in names)}\n",
        )
        (row,) = reading
        assert isinstance(row, Row)
        assert row.fiche == {"id": "a", **CELLS}
        assert list(row.fiche) == [name for name in COLUMNS if name in row.fiche]
        assert ["prix" in note for note in reading.notes] == [True, False]
        assert "ordre" in reading.notes[1]


class TestRows:
    @pytest.mark.parametrize("row", [line("a") + ",", "a,b", line("a").rsplit(",", 1)[0]])
    def test_the_number_of_cells_must_be_right(self, row: str) -> None:
        rows, wrong = read(f"{HEADER}\n{row}\n{line('b')}\n")
        assert ids(rows) == ["b"]
        assert wrong == [(2, "", "columns")]

    def test_an_id_counts_once(self) -> None:
        rows, wrong = read("\n".join([HEADER, line("a"), line("b"), line("a", nom="Autre")]))
        assert ids(rows) == ["a", "b"]
        assert wrong == [(4, "id", "unique")]

    def test_even_far_from_the_first(self) -> None:
        others = [line(f"v{n}") for n in range(AT_ONCE)]
        rows, wrong = read("\n".join([HEADER, line("a"), *others, line("a")]))
        assert len(rows) == AT_ONCE + 1
        assert wrong == [(AT_ONCE + 3, "id", "unique")]

    def test_but_not_on_a_row_that_is_refused(self) -> None:
        rows, wrong = read("\n".join([HEADER, line("a", pivot="?"), line("a")]))
        assert ids(rows) == ["a"]
        assert wrong == [(2, "pivot", "pattern")]

    @pytest.mark.parametrize(
        ("written", "read_as"),
        [("l’id", "l'id"), ("l\u00a0id", "l id"), ("'-x", "-x"), ("?/", "?/")],
    )
    def test_a_refused_row_gives_its_id_as_a_valid_one_does(
        self, written: str, read_as: str
    ) -> None:
        text = f"{HEADER}\n{line(written, pivot='?')}\n{written},x"
        found = [row.id for row in opened(text)]
        assert found == [read_as, read_as]

    def test_every_broken_rule_of_a_row_is_listed(self) -> None:
        _, wrong = read(f"{HEADER}\n{line('a', pivot='?', latitude='NaN')}")
        assert wrong == [(2, "pivot", "pattern"), (2, "latitude", "number")]

    def test_a_refused_row_says_what_it_holds(self) -> None:
        (row,) = opened(f"{HEADER}\n{line(' a ', pivot='?')}\n")
        assert isinstance(row, Refused)
        assert (row.id, row.cells["pivot"], row.cells["commune"]) == ("a", "?", "Reims")

    @pytest.mark.parametrize("column", ["nom", "presentation_detail", "typologie", "id"])
    def test_a_nul_byte_is_refused(self, column: str) -> None:
        bad = line("x\0y") if column == "id" else line("a", **{column: "x\0y"})
        rows, wrong = read("\n".join([HEADER, bad, line("b")]))
        assert ids(rows) == ["b"]
        assert wrong == [(2, column, "characters")]

    def test_what_was_changed_is_noted_with_what_is_kept(self) -> None:
        rows, _ = read(f"{HEADER}\n{line('a', telephone='01 80 05 98 80')}\n")
        assert [(one.field, one.suggestion) for one in rows[0].notes] == [
            ("telephone", "+33180059880")
        ]

    def test_a_text_that_was_nothing_but_html_is_noted_as_empty(self) -> None:
        (row,) = opened(f"{HEADER}\n{line('a', presentation_detail='<script>x</script>')}")
        assert isinstance(row, Row)
        assert "presentation_detail" not in row.fiche
        assert [(note.rule, note.suggestion) for note in row.notes] == [("html", "")]

    def test_the_same_cells_again_say_the_same(self) -> None:
        cells = {
            "services": "Insertion professionnelle via le numérique",
            "telephone": "0180059880",
        }
        rows, _ = read("\n".join([HEADER, *(line(f"v{n}", **cells) for n in range(3))]))
        assert len({str(row.fiche | {"id": ""}) for row in rows}) == 1
        assert [len(row.notes) for row in rows] == [1, 1, 1]
        # what one row says is nobody else's to change
        services: Any = rows[0].fiche["services"]
        services.append("x")
        assert rows[1].fiche["services"] == ["Insertion professionnelle via le numérique"]


class TestLines:
    """The line that a report names is the one an editor shows."""

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_a_cell_over_several_lines(self, end: str) -> None:
        rows, wrong = read(
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
        assert wrong == [(5, "pivot", "pattern"), (7, "pivot", "pattern")]

    def test_empty_lines_count(self) -> None:
        rows, wrong = read("\n".join([HEADER, "", "", line("a"), "", line("b", pivot="?"), ""]))
        assert [row.line for row in rows] == [4]
        assert wrong == [(6, "pivot", "pattern")]

    def test_a_header_over_several_lines(self) -> None:
        _, wrong = read(f'{HEADER},"une\nautre"\n{line("a", pivot="?")},\n')
        assert wrong == [(3, "pivot", "pattern")]

    def test_a_line_that_is_no_csv(self) -> None:
        rows, wrong = read("\n".join([HEADER, '"a"b,c', line("b"), line("c", pivot="?")]))
        assert ids(rows) == ["b"]
        assert wrong == [(2, "", "csv"), (4, "pivot", "pattern")]

    def test_a_quote_that_is_never_closed(self) -> None:
        rows, wrong = read(f'{HEADER}\n{line("a")}\n"b,{CELLS["pivot"]}\n{line("c")}\n')
        assert ids(rows) == ["a"]
        assert [(field, rule) for _, field, rule in wrong] == [("", "csv")]

    def test_a_line_without_end(self) -> None:
        rows, wrong = read(f"{HEADER}\n{line('a')}{',' * (LONGEST_LINE * 2)}\n{line('b')}\n")
        assert ids(rows) == ["b"]
        assert wrong == [(2, "", "columns")]


class TestSeenIds:
    def test_ids_are_taken_once_and_known_in_any_case(self) -> None:
        seen = SeenIds()
        assert seen.add_many(["a", "b", "a"]) == {2}
        seen.note_many(["c", "b"])
        assert seen.add_many(["b", "c", "d"]) == {0}
        assert seen.contains_many(["a", "c", "d", "e"]) == {"a", "c", "d"}

    def test_many_at_once(self) -> None:
        seen, many = SeenIds(), [f"v{n}" for n in range(3_000)]
        assert seen.add_many(many) == set()
        assert seen.contains_many(many) == set(many)

    def test_rows_without_a_known_id_are_counted(self) -> None:
        rows = [HEADER, '"x"y', line("a", pivot="?"), "b,c", line("", nom="x"), line("d")]
        reading = opened("\n".join(rows))
        assert len(list(reading)) == 5
        assert reading.unnamed == 2
        assert reading.seen.contains_many(["a", "b", "d", "e"]) == {"a", "b", "d"}


SIGNS = some.characters(codec="utf-8", exclude_characters="\0") | some.sampled_from(
    "|\"',;\n\r é<&"
)


@given(
    some.lists(
        some.fixed_dictionaries(
            {
                "nom": some.text(SIGNS, max_size=20),
                "presentation_detail": some.text(SIGNS, max_size=40),
                "latitude": some.floats(-90, 90).map(str),
                "typologie": some.text(SIGNS, max_size=20),
            }
        ),
        max_size=5,
    ),
    some.sampled_from(",;\t"),
)
@settings(max_examples=60, deadline=None)
def test_what_was_read_reads_the_same_once_written(
    cells: list[dict[str, str]], separator: str
) -> None:
    head = separator.join(COLUMNS)
    rows = [line(f"v{place}", separator, **one) for place, one in enumerate(cells)]
    first, _ = read("\n".join([head, *rows, ""]))
    again = [line("", **{name: written(row.fiche.get(name)) for name in COLUMNS}) for row in first]
    second, wrong = read("\n".join([HEADER, *again, ""]))
    assert wrong == []
    assert [row.fiche for row in second] == [row.fiche for row in first]
    assert [note for row in second for note in row.notes] == []
