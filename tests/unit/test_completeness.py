"""The ten criteria of a complete sheet, each alone, and the days on which one is fresh."""

import datetime as dt

import pytest

from services.directory.domain.completeness import (
    CRITERIA,
    FRESHNESS,
    completeness,
    fresh_until,
    met_by_sheet,
)
from services.directory.search.entries import entry_of
from services.directory.store.sheets import Sheet
from shared.events import FieldValue

NOON = dt.time(12, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 2)
NOW = dt.datetime.combine(TODAY, NOON)
EMPTY: dict[str, FieldValue] = {"id": "v", "nom": "Lieu", "adresse": "1 rue de l'Eau"}


def test_there_are_ten_criteria_that_people_can_read() -> None:
    assert len(CRITERIA) == 10
    assert len({one.key for one in CRITERIA}) == 10
    for one in CRITERIA:
        assert one.advice.endswith(".")
        assert one.label


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("contact", {"telephone": "+33465710099"}),
        ("contact", {"courriels": ["accueil@lieu.example.org"]}),
        ("hours", {"horaires": "Mo-Fr 09:00-12:00"}),
        ("description", {"presentation_resume": "é" * 40}),
        ("description", {"presentation_detail": "é" * 40}),
        ("services", {"services": ["Acquisition de matériel informatique à prix solidaire"]}),
        ("support", {"modalites_accompagnement": ["À distance"]}),
        ("prices", {"frais_a_charge": ["Payant"]}),
        ("access", {"modalites_acces": ["Se présenter"]}),
        ("place", {"latitude": 0.0, "longitude": 5.37}),
        ("online", {"site_web": ["https://lieu.example.org"]}),
        ("online", {"prise_rdv": "https://rdv.example.org"}),
    ],
)
def test_a_value_meets_its_criterion_and_no_other(key: str, values: dict[str, FieldValue]) -> None:
    assert met_by_sheet(EMPTY) == frozenset()
    assert met_by_sheet(EMPTY | values) == {key}


@pytest.mark.parametrize(
    "values",
    [
        {"presentation_resume": "é" * 39},
        {"latitude": 44.75},
        {"services": []},
        {"publics_specifiquement_adresses": ["Jeunes"]},
    ],
)
def test_what_is_not_enough(values: dict[str, FieldValue]) -> None:
    assert met_by_sheet(EMPTY | values) == frozenset()


def test_a_full_sheet_has_ten_and_lacks_nothing() -> None:
    full: dict[str, FieldValue] = EMPTY | {
        "telephone": "+33465710099",
        "horaires": "24/7",
        "presentation_resume": "Une médiathèque ouverte à toutes et à tous.",
        "services": ["Loisirs et créations numériques"],
        "modalites_accompagnement": ["En autonomie"],
        "frais_a_charge": ["Gratuit"],
        "modalites_acces": ["Téléphoner"],
        "latitude": 44.75,
        "longitude": 5.37,
        "prise_rdv": "https://rdv.example.org",
        "date_maj": "2026-01-10",
    }
    measured = completeness(full, None, NOW)
    assert (measured.score, measured.missing) == (10, [])
    # the part that an index keeps is the same, without the day
    assert measured.met == met_by_sheet(full) | {FRESHNESS.key}


def test_what_is_missing_says_what_to_do_in_the_order_of_the_list() -> None:
    measured = completeness(EMPTY | {"horaires": "24/7"}, None, NOW)
    assert measured.score == 1
    assert measured.missing == [one for one in CRITERIA if one.key != "hours"]


class TestFreshness:
    @pytest.mark.parametrize(
        ("changed", "checked", "fresh"),
        [
            ("2025-03-02", None, True),
            ("2025-03-01", None, False),
            ("2019-01-01", dt.date(2025, 3, 2), True),
            ("2019-01-01", dt.date(2025, 3, 1), False),
            ("1970-01-01", None, False),
            (None, None, False),
            (None, TODAY, True),
            ("pas une date", None, False),
            # a source that announces the future is not believed …
            ("2062-03-02", None, False),
            # … and takes nothing from who has looked
            ("2062-03-02", TODAY, True),
        ],
    )
    def test_a_year_from_the_last_check_or_change(
        self, changed: str | None, checked: dt.date | None, fresh: bool
    ) -> None:
        fiche = EMPTY | ({"date_maj": changed} if changed else {})
        assert (completeness(fiche, checked, NOW).met == {FRESHNESS.key}) is fresh

    def test_the_day_is_that_of_paris(self) -> None:
        fiche = EMPTY | {"date_maj": "2025-03-02"}
        # the 3rd has begun in Paris
        late = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)
        assert completeness(fiche, None, late).score == 0

    def test_a_leap_day_lasts_until_the_end_of_february(self) -> None:
        assert fresh_until({"date_maj": "2024-02-29"}, None) == dt.date(2025, 2, 28)
        assert fresh_until({}, None) is None


@pytest.mark.parametrize(
    ("changed", "checked", "day"),
    [
        ("1970-01-11", dt.date(1970, 1, 21), 20),
        ("1970-01-21", dt.date(1970, 1, 11), 20),
        ("1970-01-11", None, 10),
        ("", dt.date(1970, 1, 11), 10),
        ("", None, 0),
    ],
)
def test_the_index_takes_the_last_of_change_and_check(
    changed: str, checked: dt.date | None, day: int
) -> None:
    fiche = EMPTY | {"date_maj": changed}
    assert entry_of(Sheet("v", 0, 1, fiche, {}, checked_on=checked)).keys.day == day
