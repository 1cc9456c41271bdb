"""What an import may change on a sheet that people have edited."""

import datetime as dt
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.venues import Acceptance, Revision, Venue, at_revision
from services.directory.importing.importer import (
    CUT,
    MOST_ERRORS,
    Report,
    _take_over,
)
from services.directory.importing.reader import Refused
from shared.database import Transaction
from shared.errors import InvalidField
from shared.events import FieldValue

Sheet = dict[str, FieldValue]

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
TX = cast(Transaction, SimpleNamespace(now=NOW))
CELLS = {
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "date_maj": "2024-04-02",
}


def test_a_report_stays_of_a_readable_size() -> None:
    report = Report()
    for place in range(MOST_ERRORS + 5):
        wrong = InvalidField("id", "pattern", "Non.")
        report.refuse(Refused(place, "", {"id": "x" * 500}, [wrong]))
    assert report.refused == report.rows == MOST_ERRORS + 5
    assert len(report.errors) == MOST_ERRORS
    assert {len(error.value) for error in report.errors} == {CUT}


def venue(fiche: Sheet, imported: Sheet, revision: int = 1) -> Venue:
    return Venue(
        id="v", revision=revision, ordinal=0, fiche=fiche, imported=imported, updated_at=NOW
    )


def sheet(**fields: FieldValue) -> Sheet:
    return {"id": "v", **CELLS, **fields}


class TestTakingOver:
    def test_an_edited_field_is_kept(self) -> None:
        one = venue(sheet(nom="Édité"), sheet(nom="Source"))
        _take_over(one, sheet(nom="Source", horaires="Mo 09:00-12:00"), TX)
        assert one.fiche["nom"] == "Édité"
        assert one.fiche["horaires"] == "Mo 09:00-12:00"

    def test_what_only_the_source_changed_moves_on(self) -> None:
        one = venue(sheet(nom="Avant", horaires="Mo 09:00-12:00"), sheet(nom="Avant"))
        changes = _take_over(one, sheet(nom="Après"), TX)
        assert one.fiche["nom"] == "Après"
        assert one.fiche["horaires"] == "Mo 09:00-12:00"
        assert [(one.field, one.old, one.new) for one in changes] == [("nom", "Avant", "Après")]

    def test_where_both_changed_the_edit_is_kept(self) -> None:
        one = venue(sheet(nom="Édité"), sheet(nom="Avant"))
        assert _take_over(one, sheet(nom="Après"), TX) == []
        assert one.fiche["nom"] == "Édité"
        # the source's new word is the base of its next one
        assert one.imported["nom"] == "Après"
        _take_over(one, sheet(nom="Édité"), TX)
        _take_over(one, sheet(nom="Encore après"), TX)
        assert one.fiche["nom"] == "Encore après"

    def test_what_the_source_takes_back_goes(self) -> None:
        one = venue(sheet(horaires="a", source="b"), sheet(horaires="a", source="b"))
        _take_over(one, sheet(source="b"), TX)
        assert "horaires" not in one.fiche

    def test_what_people_added_stays(self) -> None:
        one = venue(sheet(horaires="a"), sheet())
        _take_over(one, sheet(nom="Autre"), TX)
        assert one.fiche["horaires"] == "a"

    @pytest.mark.parametrize(
        ("here", "there", "kept"),
        [
            ("2024-04-02", "2025-01-01", "2025-01-01"),
            ("2026-03-01", "2025-01-01", "2026-03-01"),
            ("2026-03-01", "1970-01-01", "2026-03-01"),
        ],
    )
    def test_date_maj_never_goes_back(self, here: str, there: str, kept: str) -> None:
        one = venue(sheet(date_maj=here), sheet(date_maj="2024-04-02"))
        _take_over(one, sheet(date_maj=there), TX)
        assert one.fiche["date_maj"] == kept

    def test_a_new_revision_is_made_now(self) -> None:
        before = NOW - dt.timedelta(days=1)
        one = venue(sheet(), sheet()).model_copy(update={"updated_at": before})
        _take_over(one, sheet(nom="Après"), TX)
        assert (one.revision, one.updated_at) == (2, NOW)


FIELDS: dict[str, some.SearchStrategy[FieldValue]] = {
    "nom": some.sampled_from(["a", "b", "c"]),
    "horaires": some.sampled_from(["a", "b"]) | some.none(),
    "frais_a_charge": some.sampled_from([["Gratuit"], ["Gratuit", "Payant"], None]),
    "date_maj": some.dates().map(dt.date.isoformat),
}
SAID = some.fixed_dictionaries({"nom": FIELDS["nom"], "date_maj": FIELDS["date_maj"]}, optional={
    name: values for name, values in FIELDS.items() if name not in ("nom", "date_maj")
})  # fmt: skip


def known(fields: Sheet) -> Sheet:
    return {name: value for name, value in fields.items() if value is not None}


@given(SAID, SAID, SAID)
@settings(deadline=None)
def test_an_import_loses_no_edit_and_can_be_walked_back(
    here: Sheet, before: Sheet, after: Sheet
) -> None:
    one = venue(known(here), known(before))
    changes = _take_over(one, known(after), TX)
    for name in FIELDS.keys() - {"date_maj"}:
        edited = not COLUMNS[name].same(here.get(name), before.get(name))
        assert one.fiche.get(name) == (here if edited else after).get(name) or COLUMNS[name].same(
            here.get(name), after.get(name)
        )
    assert one.fiche["date_maj"] == max(str(here["date_maj"]), str(after["date_maj"]))
    entry = Revision(
        venue_id="v",
        revision=2,
        at=NOW,
        by="import:essai",
        accepted=Acceptance(how="import", at=NOW),
        changes=changes,
    )
    assert at_revision(one, [entry], 1) == known(here)
    assert _take_over(one, known(after), TX) == []
