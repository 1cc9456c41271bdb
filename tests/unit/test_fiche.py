"""Every rule of the national schema, and the round trip of every value through CSV."""

import csv
import datetime as dt
import io
import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.columns import Cell
from services.directory.domain.fiche import (
    COLUMNS,
    LONGEST,
    LONGEST_DETAIL,
    SEPARATOR,
    UNKNOWN_DATE,
    InvalidValue,
    as_read,
    public_addresses,
    read_row,
)
from services.directory.domain.spreadsheets import harmless
from shared.events import FieldValue

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / os.environ.get("MEDNUM_DATA", "../shared/data")
SCHEMA = DATA / "standard" / "schema.json"
WITHOUT_DATA = pytest.mark.skipif(
    not SCHEMA.is_file(), reason="MEDNUM_DATA holds no standard/schema.json"
)

NATIONAL_LIST = re.compile(r"\(\?:\(\?:\^\|\\\|\)\((.*)\)\)\+\$")

ROW = {
    "id": "structure-1",
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2024-04-02",
}


def rule(column: str, cell: str) -> str:
    """The rule that a CSV cell breaks."""
    with pytest.raises(InvalidValue) as refused:
        COLUMNS[column].from_cell(cell)
    return refused.value.rule


def proposed_rule(column: str, value: Any) -> str:
    """The rule that a proposed value breaks."""
    with pytest.raises(InvalidValue) as refused:
        COLUMNS[column].check_proposed(value)
    return refused.value.rule


class TestSchema:
    def test_32_columns_of_which_seven_are_required(self) -> None:
        assert len(COLUMNS) == 32
        assert [name for name, column in COLUMNS.items() if column.required] == list(ROW)

    @WITHOUT_DATA
    def test_the_columns_are_those_of_the_published_schema(self) -> None:
        published = json.loads(SCHEMA.read_text("utf-8"))["fields"]
        assert [field["name"] for field in published] == list(COLUMNS)
        for field in published:
            column, asked = COLUMNS[field["name"]], field.get("constraints", {})
            assert column.required == asked.get("required", False), column.name
            assert (column.form == "number") == (field["type"] == "number"), column.name
            assert (column.form == "date") == (field["type"] == "date"), column.name
            if "maxLength" in asked:
                assert column.longest == asked["maxLength"], column.name

    @WITHOUT_DATA
    def test_the_patterns_and_closed_lists_are_those_of_the_published_schema(self) -> None:
        for field in json.loads(SCHEMA.read_text("utf-8"))["fields"]:
            column, pattern = COLUMNS[field["name"]], field.get("constraints", {}).get("pattern")
            closed = NATIONAL_LIST.fullmatch(pattern or "")
            if closed:
                choices = re.sub(r"\\([()])", r"\1", closed[1]).split("|")
                assert list(column.choices) == choices, column.name
            else:
                assert not column.choices, column.name
                assert (pattern is None) == (column.pattern is None), column.name

    @WITHOUT_DATA
    @given(data=some.data())
    @settings(max_examples=50, deadline=None)
    def test_other_patterns_say_what_those_of_the_published_schema_say(
        self, data: some.DataObject
    ) -> None:
        for field in json.loads(SCHEMA.read_text("utf-8"))["fields"]:
            ours = COLUMNS[field["name"]].pattern
            if ours:
                theirs = re.compile(field["constraints"]["pattern"], re.ASCII)
                assert ours.fullmatch(data.draw(some.from_regex(theirs, fullmatch=True)))
                assert theirs.fullmatch(data.draw(some.from_regex(ours, fullmatch=True)))

    @WITHOUT_DATA
    def test_the_official_example_is_valid(self) -> None:
        text = (DATA / "standard" / "exemple-valide.csv").read_text("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(text))
        fiche, errors = read_row(row)
        assert errors == []
        assert list(fiche) == list(COLUMNS)


class TestRequired:
    @pytest.mark.parametrize("column", ROW)
    @pytest.mark.parametrize("cell", ["", "   ", "\n", "\u00a0"])
    def test_an_empty_value_is_refused(self, column: str, cell: str) -> None:
        assert rule(column, cell) == "required"

    @pytest.mark.parametrize("column", sorted(COLUMNS.keys() - ROW.keys()))
    def test_elsewhere_it_means_nothing_known(self, column: str) -> None:
        assert COLUMNS[column].from_cell("  ") is None
        assert COLUMNS[column].check(None) is None

    def test_a_list_of_separators_is_empty(self) -> None:
        assert COLUMNS["courriels"].from_cell(" | | ") is None

    def test_a_required_field_cannot_be_emptied_by_an_edit(self) -> None:
        assert {proposed_rule("nom", value) for value in (None, "", "  ")} == {"required"}


class TestPatterns:
    @pytest.mark.parametrize(
        ("column", "cell"),
        [
            ("pivot", "W75123456"), ("pivot", "43493312300029"),
            ("code_postal", "01000"), ("code_insee", "2A004"),
            ("code_insee", "97411"), ("telephone", "+33180059880"),
            ("telephone", "+262262123"), ("telephone", "+687123456"),
        ],
    )  # fmt: skip
    def test_taken(self, column: str, cell: str) -> None:
        assert COLUMNS[column].from_cell(cell) == cell
        assert COLUMNS[column].from_cell(f"  {cell}\n") == cell

    @pytest.mark.parametrize(
        ("column", "cell"),
        [
            ("pivot", "12345678"), ("pivot", "434933123000290"),
            ("pivot", "434 933 123"), ("code_postal", "5110"),
            ("code_postal", "511000"), ("code_postal", "51100 Reims"),
            ("code_postal", "٥١١٠٠"), ("code_insee", "20004"),
            ("code_insee", "2C004"), ("code_insee", "51454\nx"),
            ("telephone", "+33180059880 (accueil)"), ("telephone", "appeler le +33180059880"),
            ("telephone", "+33١٢٣٤٥٦٧٨٩"), ("telephone", "+3312345"),
        ],
    )  # fmt: skip
    def test_the_whole_value_must_match(self, column: str, cell: str) -> None:
        assert rule(column, cell) == "pattern"


class TestClosedLists:
    @pytest.mark.parametrize(
        "cell",
        [
            "Gratuitement",
            "Gratuit ou presque",
            "Non Gratuit",
            "Gratuit|Inconnu",
            "Inconnu|Gratuit",
            "Gratuit;Payant",
            "gratuit",
            "Itinérant",
        ],
    )
    def test_each_item_must_be_a_choice_as_a_whole(self, cell: str) -> None:
        assert rule("frais_a_charge", cell) == "enum"

    def test_the_refusal_names_the_item(self) -> None:
        with pytest.raises(InvalidValue, match="« Inconnu »"):
            COLUMNS["frais_a_charge"].from_cell("Gratuit|Inconnu")

    @pytest.mark.parametrize("column", [name for name, one in COLUMNS.items() if one.choices])
    def test_every_choice_is_taken_and_a_repeated_one_kept_once(self, column: str) -> None:
        choices = list(COLUMNS[column].choices)
        assert COLUMNS[column].from_cell(SEPARATOR.join(choices * 2)) == choices
        assert COLUMNS[column].check_proposed(choices) == choices

    @pytest.mark.parametrize(
        ("column", "written", "kept"),
        [
            ("modalites_acces", "Ce lieu n’accueille pas de public", None),
            ("dispositif_programmes_nationaux", "Point d’accès numérique CAF", None),
            ("formations_labels", "Formé à «\u00a0Mon Espace Santé\u00a0»", None),
            ("formations_labels", "Formé à «\u202fMon Espace Santé\u202f»", None),
            ("formations_labels", "Étapes numériques (La Poste)", "Étapes numériques(La Poste)"),
            ("formations_labels", "Étapes numériques(La Poste)", "Étapes numériques(La Poste)"),
            ("publics_specifiquement_adresses", unicodedata.normalize("NFD", "Étudiants"), None),
        ],
    )
    def test_other_spellings_become_the_schemas(
        self, column: str, written: str, kept: str | None
    ) -> None:
        plain = unicodedata.normalize("NFC", written).replace("’", "'")
        expected = [kept or plain.replace("\u00a0", " ").replace("\u202f", " ")]
        assert COLUMNS[column].from_cell(written) == expected
        assert COLUMNS[column].check_proposed([written]) == expected


class TestNumbers:
    @pytest.mark.parametrize(
        ("cell", "value"), [("43.52609", 43.52609), ("-12", -12.0), ("0", 0.0), ("+4.5e1", 45.0)]
    )
    def test_taken(self, cell: str, value: float) -> None:
        taken = COLUMNS["latitude"].from_cell(cell)
        assert isinstance(taken, float)
        assert taken == value

    @pytest.mark.parametrize(
        "cell", ["NaN", "nan", "inf", "-Infinity", "1_0", "48,85", "0x10", "48.8°", "٤٨", "1 0"]
    )
    def test_what_is_no_number(self, cell: str) -> None:
        assert rule("latitude", cell) == "number"

    @pytest.mark.parametrize(("cell", "column"), [("90.1", "latitude"), ("-180.1", "longitude")])
    def test_what_is_nowhere_on_earth(self, cell: str, column: str) -> None:
        assert rule(column, cell) == "range"
        assert rule(column, "1e999") == "range"

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 10**400])
    def test_what_json_could_hold(self, value: float) -> None:
        assert proposed_rule("latitude", value) == "range"

    @pytest.mark.parametrize("value", ["48.85", True, [48.85], {"v": 1}])
    def test_a_proposed_number_is_a_number(self, value: object) -> None:
        assert proposed_rule("latitude", value) == "type"


class TestDates:
    @pytest.mark.parametrize(
        "cell",
        ["1970-01-01", "hier", "2024-W14-2", "2024W142", "20240402", "2023-02-29", "31/02/2024",
         "2024-04-02 ?", "0000-01-01", "٢٠٢٤-٠٤-٠٢", "1970-01-01T00:00:00.000Z", "45384"],
    )  # fmt: skip
    def test_what_is_no_day_is_unknown_and_said(self, cell: str) -> None:
        read = COLUMNS["date_maj"].read(cell)
        assert read.value == UNKNOWN_DATE
        assert read.note
        assert (read.note.rule, read.note.suggestion) == ("unknown_date", UNKNOWN_DATE)

    @pytest.mark.parametrize(
        "cell", ["2024-04-02T10:00:00", "2024-04-02 10:00", "2024-4-2", "02/04/2024", "2/4/2024"]
    )
    def test_other_ways_to_write_a_day(self, cell: str) -> None:
        read = COLUMNS["date_maj"].read(cell)
        assert read.value == "2024-04-02"
        assert read.note
        assert read.note.rule == "rewritten"

    def test_a_day(self) -> None:
        assert COLUMNS["date_maj"].read(" 2024-02-29 ") == Cell("2024-02-29")


class TestTexts:
    @pytest.mark.parametrize("column", ["nom", "presentation_detail", "typologie"])
    @pytest.mark.parametrize("char", ["\x00", "\x07", "\x1b", "\x7f"])
    def test_control_characters_are_refused(self, column: str, char: str) -> None:
        assert rule(column, f"a{char}b") == "characters"

    def test_half_a_character_is_refused(self) -> None:
        # JSON can write it, UTF-8 cannot: neither the database nor the bus could keep it
        assert proposed_rule("nom", "a\ud800b") == "characters"
        assert proposed_rule("typologie", ["a\ud800b"]) == "characters"

    def test_one_line_where_one_line_is_meant(self) -> None:
        assert COLUMNS["adresse"].from_cell("1 rue A \r\n Bât.\tB") == "1 rue A Bât. B"

    def test_several_lines_in_a_presentation(self) -> None:
        assert COLUMNS["presentation_detail"].from_cell("Un.\r\n\r\nDeux.\rTrois.") == (
            "Un.\n\nDeux.\nTrois."
        )

    def test_280_characters_in_brief(self) -> None:
        column = COLUMNS["presentation_resume"]
        assert column.from_cell("é" * 280) == "é" * 280
        # two code points each until normalised
        assert column.from_cell("e\u0301" * 280) == "é" * 280
        assert rule("presentation_resume", "é" * 281) == "max_length"

    def test_what_the_bus_can_carry(self) -> None:
        assert rule("nom", "a" * (LONGEST + 1)) == "max_length"
        assert rule("courriels", "|".join(f"a{n}@exemple.fr" for n in range(150))) == "max_length"
        assert COLUMNS["presentation_detail"].from_cell("a" * LONGEST_DETAIL)
        assert rule("presentation_detail", "a" * (LONGEST_DETAIL + 1)) == "max_length"
        assert rule("id", "a" * 201) == "max_length"

    @pytest.mark.parametrize("value", [5, 1.5, ["a"], {"a": 1}, True, False])
    def test_a_proposed_text_is_a_text(self, value: object) -> None:
        assert proposed_rule("nom", value) == "type"


class TestProposedLists:
    @pytest.mark.parametrize("value", ["Gratuit", "Gratuit|Payant", 3, True, {"Gratuit": 1}])
    def test_a_list_is_an_array(self, value: object) -> None:
        assert proposed_rule("frais_a_charge", value) == "type"

    @pytest.mark.parametrize("item", [1, None, ["Gratuit"], True])
    def test_of_texts(self, item: object) -> None:
        assert proposed_rule("frais_a_charge", ["Gratuit", item]) == "type"

    def test_an_item_holds_no_separator(self) -> None:
        assert proposed_rule("typologie", ["TIERS|LIEUX"]) == "separator"

    def test_blanks_are_left_out(self) -> None:
        assert COLUMNS["typologie"].check_proposed([" ASSO ", "", "ASSO"]) == ["ASSO"]
        assert COLUMNS["typologie"].check_proposed(["", " "]) is None

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("courriels", ["pas une adresse"]),
            ("courriels", ["accueil@exemple.fr", "Accueil <accueil@exemple.fr>"]),
            ("courriels", ["accueil@exemple"]),
            ("site_web", ["javascript:alert(1)"]),
            ("site_web", ["https://exemple.fr@ailleurs.fr"]),
            ("site_web", ["www.exemple.fr"]),
            ("prise_rdv", "ftp://exemple.fr"),
            ("fiche_acces_libre", "https://"),
        ],
    )
    def test_addresses_have_their_form(self, column: str, value: FieldValue) -> None:
        assert proposed_rule(column, value) == "format"

    def test_but_an_import_keeps_what_the_schema_allows(self) -> None:
        assert COLUMNS["site_web"].from_cell("www.exemple.fr") == ["www.exemple.fr"]

    @pytest.mark.parametrize("column", ["id", "source", "date_maj"])
    def test_some_fields_are_not_for_people(self, column: str) -> None:
        assert proposed_rule(column, "2024-04-02") == "read_only"
        assert [one.editable for one in COLUMNS.values()].count(False) == 3


class TestRows:
    def test_every_broken_rule_is_named(self) -> None:
        fiche, errors = read_row(ROW | {"pivot": "1", "date_maj": "", "latitude": "NaN"})
        assert [(error.field, error.rule) for error in errors] == [
            ("pivot", "pattern"),
            ("latitude", "number"),
            ("date_maj", "required"),
        ]
        assert "nom" in fiche

    def test_empty_values_are_left_out(self) -> None:
        fiche, errors = read_row(ROW | {"horaires": "", "services": "|"})
        assert errors == []
        assert fiche == ROW

    def test_public_addresses_are_usable_ones_once(self) -> None:
        fiche = {"courriels": ["A@exemple.fr", "a@exemple.fr", "au guichet", "b@exemple.fr"]}
        assert public_addresses(fiche) == ["a@exemple.fr", "b@exemple.fr"]
        assert public_addresses({}) == []


class TestUnknown:
    """The schema requires two columns that sources often do not know."""

    @pytest.mark.parametrize(
        ("column", "unknown"), [("date_maj", "1970-01-01"), ("pivot", "00000000000000")]
    )
    def test_what_stands_for_it_is_valid_in_a_file_and_nothing_to_read(
        self, column: str, unknown: str
    ) -> None:
        assert COLUMNS[column].from_cell(unknown) == unknown
        sheet = as_read({**ROW, column: unknown, "nom": unknown})
        assert list(sheet) == list(COLUMNS)
        assert (sheet[column], sheet["nom"], sheet["horaires"]) == (None, unknown, None)
        assert as_read(ROW)[column] == ROW[column]


class TestSame:
    def test_the_order_of_a_closed_list_says_nothing(self) -> None:
        assert COLUMNS["frais_a_charge"].same(["Gratuit", "Payant"], ["Payant", "Gratuit"])

    def test_the_order_of_an_open_list_does(self) -> None:
        assert not COLUMNS["courriels"].same(["a@b.fr", "c@d.fr"], ["c@d.fr", "a@b.fr"])

    def test_nothing_is_not_something(self) -> None:
        assert COLUMNS["frais_a_charge"].same(None, None)
        assert not COLUMNS["frais_a_charge"].same(None, ["Gratuit"])


def written(name: str) -> some.SearchStrategy[FieldValue]:
    """What somebody could write into a column: often valid, always of its form."""
    column = COLUMNS[name]
    text = some.text(
        some.characters(codec="utf-8") | some.sampled_from("|\"'’,;\n\r\t\u2028\x85\u00a0 e\u0301"),
        max_size=12,
    )
    if column.form == "number":
        return some.floats(-90, 90) | some.integers(-90, 90).map(float)
    if column.form == "date":
        return some.dates(dt.date(1, 1, 1)).map(dt.date.isoformat)
    if column.pattern:
        return some.from_regex(column.pattern, fullmatch=True)
    if column.form == "list":
        item = some.sampled_from(column.choices) if column.choices else text
        return some.lists(item, max_size=4)
    return text


@pytest.mark.parametrize("name", COLUMNS)
@given(data=some.data())
@settings(max_examples=15, deadline=None)
def test_a_valid_value_survives_csv(name: str, data: some.DataObject) -> None:
    column = COLUMNS[name]
    try:
        value = column.check(data.draw(written(name)))
    except InvalidValue:
        return
    file = io.StringIO(newline="")
    cell = SEPARATOR.join(value) if isinstance(value, list) else str("" if value is None else value)
    csv.writer(file).writerow([harmless(cell, column.longest), "next"])
    file.seek(0)
    ((cell, _),) = csv.reader(file)
    assert column.from_cell(cell) == value
    assert column.check(value) == value
