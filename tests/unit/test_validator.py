"""What a file is told before it is imported."""

import csv
import io
import os
from pathlib import Path

import pytest

from services.directory.domain.fiche import COLUMNS
from services.directory.importing.validator import MOST_FINDINGS, Finding, Validation, validate

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / os.environ.get("MEDNUM_DATA", "../shared/data")
WITH_DATA = pytest.mark.skipif(not DATA.is_dir(), reason="MEDNUM_DATA is not there")

VALID = {
    "id": "a",
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2024-04-02",
}


def text_of(*rows: dict[str, str], separator: str = ",") -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(COLUMNS), restval="", delimiter=separator)
    writer.writeheader()
    writer.writerows(VALID | {"id": f"r{place}"} | row for place, row in enumerate(rows))
    return text.getvalue()


def found(content: str | bytes) -> Validation:
    return validate(io.BytesIO(content if isinstance(content, bytes) else content.encode()))


def said(validation: Validation) -> list[tuple[int, str, str, str, bool]]:
    return [
        (one.line, one.field, one.rule, one.outcome, one.breaks_schema)
        for one in validation.findings
    ]


@pytest.mark.parametrize(
    ("cells", "rule", "outcome", "breaks_schema"),
    [
        # both refuse
        ({"nom": ""}, "required", "refused", True),
        ({"frais_a_charge": "Cher"}, "enum", "refused", True),
        ({"presentation_resume": "é" * 281}, "max_length", "refused", True),
        ({"latitude": "48,85"}, "number", "refused", True),
        # we forgive
        ({"telephone": "01 80 05 98 80"}, "rewritten", "noted", True),
        ({"date_maj": "hier"}, "unknown_date", "noted", True),
        ({"formations_labels": "Étapes numériques (La Poste)"}, "rewritten", "noted", True),
        ({"code_postal": " 51100"}, "pattern", "noted", True),
        ({"presentation_resume": f" {'é' * 280}"}, "max_length", "noted", True),
        # we change what is allowed
        ({"date_maj": "1970-01-01"}, "unknown_date", "noted", False),
        ({"presentation_detail": "<p>Ouvert</p>"}, "html", "noted", False),
        ({"nom": "L’Étape"}, "rewritten", "noted", False),
        ({"pivot": "43493312300028"}, "siret", "noted", False),
        # we refuse what is allowed
        ({"horaires": "undefined"}, "opening_hours", "refused", False),
        ({"latitude": "200"}, "range", "refused", False),
    ],
)
def test_a_fault_is_told_by_whom_it_bothers(
    cells: dict[str, str], rule: str, outcome: str, breaks_schema: bool
) -> None:
    validation = found(text_of(cells))
    (column,) = cells
    assert said(validation) == [(2, column, rule, outcome, breaks_schema)]
    assert validation.valid != breaks_schema
    refused = outcome == "refused"
    assert (validation.refused, validation.noted) == (int(refused), int(not refused))


def test_what_an_import_keeps_is_the_suggestion() -> None:
    validation = found(text_of({"telephone": "0180059880"}, {"code_postal": " 51100"}))
    assert [one.suggestion for one in validation.findings] == ["+33180059880", "51100"]


def test_whole_rows() -> None:
    text = text_of({}, {"id": "r0"}) + 'a,b\r\n"x"y\r\n'
    validation = found(text)
    assert said(validation) == [
        (3, "id", "unique", "refused", True),
        (4, "", "columns", "refused", True),
        (5, "", "csv", "refused", True),
    ]
    assert (validation.rows, validation.breaking, validation.valid) == (4, 3, False)


def test_the_files_form_counts() -> None:
    plain = text_of({"commune": "Épernay"})
    assert found(plain).valid
    assert found("\ufeff" + plain).valid
    for other in (
        plain.encode("cp1252"),
        plain.encode("utf-16"),
        text_of({}, separator=";"),
        plain.replace("id,", "ID,", 1),
        "\n".join(f"{line}," for line in plain.splitlines()),
    ):
        validation = found(other)
        assert (validation.valid, validation.exact, validation.breaking) == (False, False, 0)
        assert validation.notes


def test_a_report_stays_of_a_readable_size_and_a_table_has_it_all() -> None:
    told: list[Finding] = []
    text = text_of(*({"nom": "", "commune": "x" * 500} for _ in range(MOST_FINDINGS + 5)))
    validation = validate(io.BytesIO(text.encode()), told.append)
    assert len(validation.findings) == MOST_FINDINGS
    assert validation.more_findings == 5
    assert len(told) == MOST_FINDINGS + 5


@WITH_DATA
def test_real_files() -> None:
    valid = validate((DATA / "venues" / "lieux.csv").open("rb"))
    assert (valid.valid, valid.rows, valid.refused, valid.breaking) == (True, 8705, 0, 0)
    assert validate((DATA / "standard" / "exemple-valide.csv").open("rb")).valid
    old = validate((DATA / "standard" / "exemple-valide-v0.1.1.csv").open("rb"))
    assert (old.valid, old.version, old.refused) == (False, "0.1.1", 0)


@WITH_DATA
def test_real_rows_that_break_the_schema() -> None:
    file = DATA / "venues" / "lieux-rejetes.csv"
    with file.open(encoding="utf-8-sig", newline="") as text:
        expected = [set(row["_erreurs"].split("|")) for row in csv.DictReader(text)]
    with file.open("rb") as content:
        validation = validate(content)
    fields: dict[int, set[str]] = {}
    for one in validation.findings:
        if one.breaks_schema:
            fields.setdefault(one.line, set()).add(one.field)
    assert [fields[line] for line in sorted(fields)] == expected
    assert validation.refused == validation.breaking == len(expected)


def test_progress_comes_to_the_end_of_a_short_file() -> None:
    told: list[int] = []
    validate(io.BytesIO(text_of({}).encode()), progress=lambda so_far: told.append(so_far.rows))
    assert told == [1]
