"""Files of the previous schema, v0.1.1, read as v1.0.2."""

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.schema_v0 import COLUMNS_V0, VALUES
from services.directory.importing.reader import Refused, Row, read

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / os.environ.get("MEDNUM_DATA", "../shared/data") / "standard"
WITH_DATA = pytest.mark.skipif(
    not DATA.is_dir(), reason="MEDNUM_DATA holds no standard/schema-v0.1.1.json"
)

NATIONAL_LIST = re.compile(r"\(\?:\(\?:\^\|;\)\((.*)\)\)\+\$")

CELLS = {
    "id": "structure-1",
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2022-06-02",
    "services": "Prendre en main un ordinateur",
}


def read_one(separator: str = ",", **cells: str) -> tuple[Row | Refused, list[str]]:
    """The row of a file of v0, and what is said of the file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS_V0, restval="", delimiter=separator)
    writer.writeheader()
    writer.writerow(CELLS | cells)
    reading = read(io.BytesIO(text.getvalue().encode()))
    (row,) = reading
    return row, reading.notes


def taken(**cells: str) -> Row:
    row, _ = read_one(**cells)
    assert isinstance(row, Row), row
    return row


@WITH_DATA
def test_columns_and_values_are_those_of_the_published_schema() -> None:
    published = json.loads((DATA / "schema-v0.1.1.json").read_text("utf-8"))["fields"]
    assert [field["name"] for field in published] == list(COLUMNS_V0)
    lists = {
        field["name"]: re.sub(r"\\(.)", r"\1", found[1]).split("|")
        for field in published
        if (found := NATIONAL_LIST.fullmatch(field["constraints"].get("pattern", "")))
    }
    names = {
        column: [value.partition(" : ")[0] for value in values] for column, values in lists.items()
    }
    assert {column: sorted(values) for column, values in VALUES.items()} == {
        column: sorted(values) for column, values in names.items()
    }
    # written out as they are published
    for column, values in lists.items():
        assert isinstance(read_one(**{column: ";".join(values)})[0], Row)


@pytest.mark.parametrize("column", VALUES)
def test_every_value_becomes_one_of_its_column(column: str) -> None:
    for value, target in VALUES[column].items():
        row = taken(**{column: value})
        if target is None:
            assert [(note.field, note.rule) for note in row.notes] == [(column, "no_equivalent")]
        else:
            name, new = target
            assert row.fiche[name] == [new]
            assert new in COLUMNS[name].choices or name == "autres_formations_labels"


def test_lists_names_and_long_forms() -> None:
    row = taken(
        services="Prendre en main un ordinateur;Utiliser le numérique au quotidien;"
        "S’équiper en matériel informatique",
        conditions_acces="Payant : L'accès au lieu et/ou à ses services est payant;"
        "Accepte le Pass numérique : Il est possible d'utiliser un Pass numérique",
        labels_nationaux="APTIC;CNFS;Fabriques de Territoire",
        labels_autres="SudLabs;Nièvre médiation numérique",
        typologie="TIERS_LIEUX;ASSO",
        courriel="contact@exemple.fr",
        site_web="https://a.exemple.fr;https://b.exemple.fr",
        accessibilite="https://acceslibre.exemple.fr/1",
        horaires="Mo-Fr 09:00-12:00; Sa 10:00-12:00",
        cle_ban="13001_3079_00001",
    )
    expected = {
        "services": [
            "Maîtrise des outils numériques du quotidien",
            "Acquisition de matériel informatique à prix solidaire",
        ],
        "frais_a_charge": ["Payant", "Gratuit sous condition"],
        "dispositif_programmes_nationaux": ["Conseillers numériques"],
        "formations_labels": ["Fabriques de Territoire"],
        "autres_formations_labels": ["SudLabs", "Nièvre médiation numérique", "APTIC"],
        "typologie": ["TIERS_LIEUX", "ASSO"],
        "courriels": ["contact@exemple.fr"],
        "site_web": ["https://a.exemple.fr", "https://b.exemple.fr"],
        "fiche_acces_libre": "https://acceslibre.exemple.fr/1",
        "horaires": "Mo-Fr 09:00-12:00; Sa 10:00-12:00",
    }
    assert {name: row.fiche.get(name) for name in expected} == expected
    assert "cle_ban" not in row.fiche


def test_a_value_that_v0_has_not_is_refused_with_what_was_meant() -> None:
    row, _ = read_one(publics_accueillis="Adultes;Seniors", nom="")
    assert isinstance(row, Refused)
    assert [(error.field, error.rule, error.suggestion) for error in row.errors] == [
        ("publics_accueillis", "enum", "Seniors (+ 65 ans)"),
        ("nom", "required", None),
    ]
    assert row.cells["publics_accueillis"] == "Adultes;Seniors"


def test_a_long_summary_is_whole_in_the_details() -> None:
    long = " ".join(["Un lieu ouvert."] * 30)
    row = taken(presentation_resume=long, presentation_detail="Le détail.")
    brief, detail = row.fiche["presentation_resume"], row.fiche["presentation_detail"]
    assert isinstance(brief, str)
    assert len(brief) <= 280
    assert long.startswith(brief.removesuffix("…"))
    assert detail == f"{long}\n\nLe détail."
    assert [note.rule for note in row.notes] == ["max_length"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_version_is_said(separator: str) -> None:
    row, notes = read_one(separator)
    assert isinstance(row, Row)
    assert any("0.1.1" in note for note in notes)
