"""Files of sheets: read back by others than those who wrote them, they say the same."""

import csv
import datetime as dt
import io
import json
import re
from typing import Any

import pytest
from frictionless import Schema
from hypothesis import given, settings
from hypothesis import strategies as st

from services.directory.domain.fiche import COLUMNS, Column, InvalidValue, read_row
from services.directory.domain.provenance import Origin
from services.directory.domain.table_schema import breaks
from services.directory.domain.venues import SourceSheet, Venue
from services.directory.exporting.formats import FormName, Writer, cell, form
from shared.events import FieldValue
from tests.unit.test_table_schema import reference, refused_fields

__all__ = ["reference"]

AT = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
FICHE: dict[str, FieldValue] = {
    "id": "lieu-1",
    "pivot": "99912345600017",
    "nom": "Médiathèque « L'Œil », 1er étage",
    "commune": "Die",
    "code_postal": "26150",
    "code_insee": "26113",
    "adresse": '4 place de la "Fontaine"',
    "latitude": 44.7534,
    "longitude": -5.3706,
    "telephone": "+33465710099",
    "courriels": ["accueil@lieu.example.org", "equipe@lieu.example.org"],
    "horaires": "Mo-Fr 09:00-12:00; Sa 10:00-12:00",
    "presentation_detail": "Deux lignes :\n- impôts ;\n- santé.",
    "date_maj": "2026-01-15",
    "services": ["Aide aux démarches administratives", "Utilisation sécurisée du numérique"],
    "formations_labels": ["Étapes numériques(La Poste)"],
}
HOSTILE = [
    '=HYPERLINK("https://mal.example.org/";"ici")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "'=déjà du texte",
    "bas;=1+1",
]


def venue(fiche: dict[str, FieldValue] = FICHE, **more: Any) -> Venue:
    source = SourceSheet(name="tests", id="1", fiche=fiche)
    given_ = {
        "id": str(fiche["id"]),
        "revision": 1,
        "ordinal": 0,
        "fiche": fiche,
        "sources": [source],
        "created_by": "import:tests",
        "created_at": AT,
        "updated_at": AT,
    }
    return Venue.model_validate({**given_, **more})


def file(name: FormName, *venues: Venue, extended: bool = False) -> str:
    writer = Writer(form(name, extended=extended))
    # in two parts, as pages come
    parts = (writer.begin(), writer.add(venues[:1]), writer.add(venues[1:]), writer.end())
    return b"".join(parts).decode()


def rows(*venues: Venue, extended: bool = False) -> list[dict[str, str]]:
    text = file("csv", *venues, extended=extended)
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def items(name: FormName, *venues: Venue, extended: bool = False) -> list[Any]:
    """The sheets of a JSON file, as its kind of reader finds them."""
    text = file(name, *venues, extended=extended)
    if name == "ndjson":
        assert text.endswith("\n")
        return [json.loads(line) for line in text.split("\n")[:-1]]
    read = json.loads(text)
    return [one["properties"] for one in read["features"]] if name == "geojson" else list(read)


def whole(fiche: dict[str, FieldValue]) -> dict[str, FieldValue]:
    return {name: fiche.get(name) for name in COLUMNS}


def read_back(row: dict[str, str]) -> dict[str, FieldValue]:
    fiche, errors = read_row(row)
    assert errors == []
    return fiche


def values(column: Column) -> st.SearchStrategy[FieldValue]:
    """Values as the directory keeps them."""
    text = st.text(st.characters(codec="utf-8") | st.sampled_from("=+-@'\"|;,\n\t (1"), max_size=12)
    found: st.SearchStrategy[FieldValue] = text
    if column.form == "number":
        found = st.floats(-90, 90)
    elif column.form == "date":
        found = st.dates(dt.date(1971, 1, 1)).map(dt.date.isoformat)
    elif column.form == "list":
        found = st.lists(st.sampled_from(column.choices) if column.choices else text, max_size=3)
    elif column.pattern:
        found = st.from_regex(column.pattern, fullmatch=True)
    return found.map(lambda value: _kept(column, value))


def _kept(column: Column, value: FieldValue) -> FieldValue:
    try:
        return column.check(value)
    except InvalidValue:
        return FICHE.get(column.name)


@st.composite
def fiches(draw: st.DrawFn) -> dict[str, FieldValue]:
    fiche: dict[str, FieldValue] = {"id": "lieu-1"}
    for name, column in COLUMNS.items():
        value = draw(values(column)) if name != "id" else None
        if value is not None:
            fiche[name] = value
    return fiche


class TestCsv:
    def test_it_has_the_columns_of_the_schema_in_their_order(self) -> None:
        head, line = file("csv", venue()).split("\r\n")[:2]
        assert head.split(",") == list(COLUMNS)
        assert line.startswith('lieu-1,99912345600017,"Médiathèque « L\'Œil », 1er étage",Die,')
        (row,) = rows(venue())
        assert (row["latitude"], row["longitude"]) == ("44.7534", "-5.3706")
        assert row["telephone"] == "+33465710099"
        assert row["courriels"] == "accueil@lieu.example.org|equipe@lieu.example.org"
        assert row["structure_parente"] == ""
        assert read_back(row) == FICHE

    def test_an_unknown_date_is_the_one_that_says_so(self) -> None:
        undated = {name: value for name, value in FICHE.items() if name != "date_maj"}
        assert rows(venue(undated))[0]["date_maj"] == "1970-01-01"

    @pytest.mark.parametrize(
        ("number", "written"),
        [(-4.5e-05, "-0.000045"), (48.0, "48.0"), (2.3522219000000001, "2.3522219")],
    )
    def test_a_number_has_no_exponent(self, number: float, written: str) -> None:
        assert cell(COLUMNS["longitude"], number) == written

    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_formula_is_text_and_comes_back(self, text: str) -> None:
        fiche = FICHE | {"nom": text, "autres_formations_labels": [text]}
        (row,) = rows(venue(fiche))
        for name in ("nom", "autres_formations_labels"):
            assert row[name][0] not in "=+-@"
            assert not re.search(r"; *[=@]", row[name])
        assert read_back(row)["nom"] == text

    @given(fiches())
    @settings(max_examples=60, deadline=None)
    def test_every_sheet_comes_back(self, fiche: dict[str, FieldValue]) -> None:
        fiche = FICHE | fiche
        (row,) = rows(venue(fiche))
        assert read_back(row) == fiche

    @given(fiches())
    @settings(max_examples=60, deadline=None)
    def test_every_row_keeps_the_letter_of_the_schema(self, fiche: dict[str, FieldValue]) -> None:
        (row,) = rows(venue(FICHE | fiche))
        assert {name: rule for name in row if (rule := breaks(name, row[name]))} == {}

    def test_the_references_validator_takes_it(self, reference: Schema) -> None:
        full = FICHE | {"presentation_resume": "- " + "é" * 278, "latitude": -4.5e-05}
        hostile: list[dict[str, FieldValue]] = [
            {"id": text, "nom": text, "presentation_resume": text} for text in HOSTILE[2:]
        ]
        sheets = [full, *(FICHE | values for values in hostile)]
        written = rows(*map(venue, sheets))
        assert refused_fields(reference, *written) == [set()] * len(sheets)
        assert [read_back(row) for row in written] == sheets


class TestJson:
    @pytest.mark.parametrize("name", ["ndjson", "json", "geojson"])
    def test_each_sheet_has_all_columns(self, name: FormName) -> None:
        other = FICHE | {"id": "lieu-2", "nom": "\u2028 é 😀 </script>"}
        assert items(name, venue(), venue(other)) == [whole(FICHE), whole(other)]

    def test_a_place_is_longitude_then_latitude(self) -> None:
        (feature,) = json.loads(file("geojson", venue()))["features"]
        assert feature["type"] == "Feature"
        assert feature["id"] == "lieu-1"
        assert feature["geometry"] == {"type": "Point", "coordinates": [-5.3706, 44.7534]}

    @pytest.mark.parametrize("missing", ["latitude", "longitude"])
    def test_a_sheet_without_coordinates_has_no_geometry(self, missing: str) -> None:
        fiche = {name: value for name, value in FICHE.items() if name != missing}
        (feature,) = json.loads(file("geojson", venue(fiche)))["features"]
        assert feature["geometry"] is None
        assert feature["properties"]["nom"] == FICHE["nom"]


def test_an_empty_directory_is_a_file() -> None:
    assert rows() == []
    assert file("csv").split(",")[0] == "id"
    for name in ("ndjson", "json", "geojson"):
        assert file(name) == "" if name == "ndjson" else items(name) == []


class TestExtended:
    SILENT = Origin(
        by="account:ada", how="silence", at=AT, rule="deadline", accepted_by="venue:lieu-1"
    )
    EDITED = venue(
        revision=4,
        updated_at=AT + dt.timedelta(days=3),
        origins={
            "horaires": SILENT,
            "site_web": Origin(by="account:bo", how="moderator", at=AT, accepted_by="account:cy"),
        },
    )

    @pytest.mark.parametrize("name", ["ndjson", "json", "geojson"])
    def test_json_says_where_each_value_comes_from(self, name: FormName) -> None:
        (item,) = items(name, self.EDITED, extended=True)
        assert {key: item[key] for key in COLUMNS} == whole(FICHE)
        assert (item["revision"], item["updated_at"]) == (4, "2026-03-05T09:30:00Z")
        assert item["absent_from_source"] is False
        provenance = item["provenance"]
        # what was emptied too
        assert provenance.keys() == (FICHE.keys() - {"id", "date_maj"}) | {"site_web"}
        imported = {"by": "import:tests", "how": "import", "at": "2026-03-02T09:30:00Z"}
        assert provenance["nom"] == imported
        assert provenance["horaires"] == {
            "by": "account:ada",
            "how": "silence",
            "at": "2026-03-02T09:30:00Z",
            "accepted_by": "venue:lieu-1",
            "rule": "deadline",
        }

    def test_csv_has_a_column_for_each_of_it_behind_the_schemas(self) -> None:
        (row,) = rows(self.EDITED, extended=True)
        assert list(row)[: len(COLUMNS)] == list(COLUMNS)
        assert row["provenance.horaires.how"] == "silence"
        assert row["provenance.site_web.by"] == "account:bo"
        assert row["provenance.nom.by"] == "import:tests"
        assert row["provenance.code_insee.confirmed_at"] == ""
        assert (row["revision"], row["absent_from_source"]) == ("4", "false")
        assert read_back(row) == FICHE

    def test_a_sheet_that_its_source_lost_says_so(self) -> None:
        lost = SourceSheet(name="tests", id="1", fiche=FICHE, absent_since=AT)
        (item,) = items("ndjson", venue(sources=[lost]), extended=True)
        assert item["absent_from_source"] is True
        assert rows(venue(sources=[lost]), extended=True)[0]["absent_from_source"] == "true"
