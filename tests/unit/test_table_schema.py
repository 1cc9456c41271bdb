"""The letter of the national Table Schema, as its reference validator reads it."""

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from frictionless import Dialect, Resource, Schema, formats
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.fiche import COLUMNS, SEPARATOR
from services.directory.domain.table_schema import breaks

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / os.environ.get("MEDNUM_DATA", "../shared/data")
SCHEMA = DATA / "standard" / "schema.json"

VALID = {
    "id": "a",
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2024-04-02",
}


def own_schema() -> dict[str, Any]:
    """The schema as our columns have it, for where the published one is not there."""
    fields = []
    for column in COLUMNS.values():
        asked: dict[str, Any] = {"required": column.required}
        if column.choices:
            some_choice = "|".join(map(re.escape, column.choices))
            asked["pattern"] = rf"(?:(?:^|\|)({some_choice}))+$"
        elif column.pattern:
            asked["pattern"] = column.pattern.pattern
        if column.name == "presentation_resume":
            asked["maxLength"] = 280
        form = {"number": "number", "date": "date"}.get(column.form, "string")
        fields.append({"name": column.name, "type": form, "constraints": asked})
    return {"fields": fields, "primaryKey": "id"}


@pytest.fixture(scope="module")
def reference() -> Schema:
    """The reference's reading of the published schema, or of ours."""
    text = SCHEMA.read_text("utf-8") if SCHEMA.is_file() else json.dumps(own_schema())
    return Schema.from_descriptor(json.loads(text))


def refused_fields(schema: Schema, *rows: dict[str, str]) -> list[set[str]]:
    """The columns of each row that the reference refuses."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(COLUMNS), restval="")
    writer.writeheader()
    writer.writerows(rows)
    dialect = Dialect(controls=[formats.CsvControl(delimiter=",")])
    resource = Resource(
        text.getvalue().encode(), format="csv", schema=schema, dialect=dialect, encoding="utf-8"
    )
    found: list[set[str]] = [set() for _ in rows]
    for task in resource.validate(limit_errors=10_000).tasks:
        for error in task.errors:
            if name := getattr(error, "field_name", ""):
                found[error.row_number - 2].add(name)  # type: ignore[attr-defined]
    return found


CELLS = [
    ("nom", ""), ("nom", " "), ("nom", "-"),
    ("latitude", "43.5"), ("latitude", "48,85"), ("latitude", "au nord"), ("latitude", "1e5"),
    ("date_maj", ""), ("date_maj", "1970-01-01"), ("date_maj", "02/04/2024"),
    ("date_maj", "2024-02-30"), ("date_maj", " 2024-04-02"), ("date_maj", "2024-04-02T10:00:00"),
    ("frais_a_charge", "Gratuit|Payant"), ("frais_a_charge", "Gratuit | Payant"),
    ("frais_a_charge", "Non Gratuit"), ("frais_a_charge", "Gratuit|"),
    ("frais_a_charge", "|Gratuit"), ("frais_a_charge", "Gratuit|Gratuit"),
    ("frais_a_charge", "Gratuit;Payant"), ("frais_a_charge", "gratuit"),
    ("formations_labels", "Étapes numériques(La Poste)"),
    ("formations_labels", "Étapes numériques (La Poste)"),
    ("modalites_acces", "Ce lieu n’accueille pas de public"),
    ("telephone", "+33180059880"), ("telephone", "01 80 05 98 80"),
    ("telephone", "appeler le +33180059880"), ("telephone", "+33180059880 (accueil)"),
    ("presentation_resume", "é" * 280), ("presentation_resume", "é" * 281),
    ("pivot", "434 933 123"), ("pivot", "W75123456"), ("code_postal", "5110"),
    ("code_insee", "2A004"), ("code_insee", "20004"), ("horaires", "undefined"),
]  # fmt: skip


def test_cells_as_the_reference_sees_them(reference: Schema) -> None:
    rows = [VALID | {"id": f"r{n}"} | {name: cell} for n, (name, cell) in enumerate(CELLS)]
    ours = [{name} if breaks(name, cell) else set() for name, cell in CELLS]
    assert refused_fields(reference, *rows) == ours


@given(
    some.sampled_from([name for name, column in COLUMNS.items() if column.choices]),
    some.data(),
)
@settings(max_examples=25, deadline=None)
def test_lists_as_the_reference_sees_them(name: str, data: some.DataObject) -> None:
    item = some.sampled_from(COLUMNS[name].choices) | some.sampled_from(["", "x", " Payant", "a|b"])
    cell = SEPARATOR.join(data.draw(some.lists(item, min_size=1, max_size=4)))
    schema = Schema.from_descriptor(own_schema())
    ours = {name} if breaks(name, cell) else set()
    assert refused_fields(schema, VALID | {name: cell}) == [ours]
