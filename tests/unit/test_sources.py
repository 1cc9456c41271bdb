"""What a source may change in a sheet, and what stays."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.provenance import Origin
from services.directory.domain.sources import ADDRESS, TakeOver, take_over
from services.directory.domain.venues import Acceptance, SourceSheet, Venue, at_revision
from shared.events import FieldValue

Sheet = dict[str, FieldValue]

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
IMPORTED = NOW - dt.timedelta(days=900)
CELLS: Sheet = {
    "id": "v",
    "pivot": "43493312300029",
    "nom": "Anonymal",
    "commune": "Reims",
    "code_postal": "51100",
    "adresse": "12 bis rue de Leclercq",
    "latitude": 49.25,
    "longitude": 4.03,
    "date_maj": "2024-04-02",
}


def sheet(**fields: FieldValue) -> Sheet:
    return {name: value for name, value in {**CELLS, **fields}.items() if value is not None}


def venue(**fields: FieldValue) -> Venue:
    """A venue as its source first said it."""
    return Venue(
        id="v",
        revision=1,
        ordinal=0,
        fiche=sheet(**fields),
        sources=[SourceSheet(name="essai", id="v", fiche=sheet(**fields))],
        created_by="import:essai",
        created_at=IMPORTED,
        updated_at=IMPORTED,
    )


def edit(one: Venue, at: dt.datetime, how: Any = "manager", **values: FieldValue) -> None:
    """People change a sheet."""
    one.revise(
        {name: (one.fiche.get(name), value) for name, value in values.items()},
        by="account:ada",
        accepted=Acceptance(how=how, at=at),
        now=at,
    )


def offer(one: Venue, now: dt.datetime = NOW, /, **fields: FieldValue) -> TakeOver:
    """The source's next sheet, taken over."""
    said = one.source("essai", "v")
    assert said
    result = take_over(one, said.fiche, sheet(**fields), now)
    one.set_source(SourceSheet(name="essai", id="v", fiche=result.said))
    accepted = Acceptance(how="import", at=now)
    one.revise(result.applied, by="import:essai", accepted=accepted, now=now)
    return result


def test_what_only_the_source_changed_moves_on() -> None:
    one = venue()
    assert offer(one, nom="Après").applied == {"nom": ("Anonymal", "Après")}
    assert one.origin("nom").how == "import"
    assert one.origin("nom").at == NOW
    assert one.origin("adresse").at == IMPORTED


def test_an_edit_stays_while_the_source_repeats_itself() -> None:
    one = venue()
    edit(one, NOW - dt.timedelta(days=800), "silence", nom="Édité")
    result = offer(one, date_maj="2026-03-01")
    assert result.applied.keys() == {"date_maj"}
    assert one.fiche["nom"] == "Édité"


@pytest.mark.parametrize("how", ["moderator", "silence", "shortcut"])
@pytest.mark.parametrize(
    ("date_maj", "name"),
    [
        ("2026-01-31", "Édité"),
        ("2026-02-02", "Source"),
        (None, "Édité"),
        # a year that is mistyped, for 2026
        ("2062-02-02", "Édité"),
    ],
)
def test_a_source_wins_over_an_edit_only_with_a_fresher_word(
    how: str, date_maj: str | None, name: str
) -> None:
    one = venue()
    edit(one, dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC), how, nom="Édité")
    result = offer(one, nom="Source", date_maj=date_maj)
    assert one.fiche["nom"] == name
    assert result.kept == ({} if name == "Source" else {"nom": "fresher"})


def test_a_managers_word_outranks_imports_for_twelve_months_then_fades() -> None:
    one = venue()
    said = dt.datetime(2025, 3, 10, tzinfo=dt.UTC)
    edit(one, said, nom="Du responsable")
    fresh = {"nom": "Source", "date_maj": "2025-12-31"}
    assert offer(one, NOW, **fresh).kept == {"nom": "manager"}
    # what was kept is not taken for agreed on: the source still says something else
    faded = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
    assert offer(one, faded - dt.timedelta(seconds=1), **fresh).kept == {"nom": "manager"}
    assert offer(one, faded, **fresh).kept == {}
    assert one.fiche["nom"] == "Source"


def test_a_confirmed_word_counts_from_its_confirmation() -> None:
    one = venue()
    edit(one, dt.datetime(2024, 6, 1, tzinfo=dt.UTC), nom="Du responsable")
    one.confirm(["nom"], "account:ada", dt.datetime(2025, 6, 1, tzinfo=dt.UTC))
    assert offer(one, NOW, nom="Source", date_maj="2026-03-01").kept == {"nom": "manager"}
    later = dt.datetime(2026, 6, 2, tzinfo=dt.UTC)
    assert offer(one, later, nom="Source", date_maj="2026-06-01").kept == {}


def test_nothing_filled_becomes_empty_by_itself() -> None:
    one = venue(horaires="Mo 09:00-12:00")
    result = offer(one, horaires=None)
    assert result.kept == {"horaires": "emptied"}
    assert one.fiche["horaires"] == "Mo 09:00-12:00"


def test_what_people_emptied_stays_empty() -> None:
    one = venue(telephone="+33326000000")
    edit(one, NOW - dt.timedelta(days=10), telephone=None)
    assert offer(one, telephone="+33326000001", date_maj="2026-03-01").kept == {
        "telephone": "manager"
    }
    assert "telephone" not in one.fiche


@pytest.mark.parametrize(
    ("date_maj", "nom"), [("2024-04-01", "Anonymal"), ("2024-04-03", "Autre"), (None, "Anonymal")]
)
def test_another_source_is_followed_where_its_own_word_is_fresher(
    date_maj: str | None, nom: str
) -> None:
    one = venue()
    offered = sheet(nom="Autre", date_maj=date_maj)
    result = take_over(one, {}, offered, NOW)
    assert result.kept == ({"nom": "fresher"} if nom == "Anonymal" else {})
    assert result.applied.get("nom", ("", "Anonymal"))[1] == nom


def test_an_empty_field_is_filled() -> None:
    one = venue()
    offer(one, horaires="Mo 09:00-12:00", date_maj=None)
    assert one.fiche["horaires"] == "Mo 09:00-12:00"


class TestAddresses:
    def test_an_address_moves_with_its_coordinates(self) -> None:
        one = venue(complement_adresse="Bâtiment B")
        result = offer(
            one, adresse="1 place Royale", latitude=49.26, longitude=4.04, complement_adresse=None
        )
        assert result.kept == {}
        assert one.fiche["adresse"] == "1 place Royale"
        assert (one.fiche["latitude"], one.fiche["longitude"]) == (49.26, 4.04)
        assert "complement_adresse" not in one.fiche

    def test_and_with_another_communes_code_or_without_its_own(self) -> None:
        one = venue(code_insee="51454")
        place = {"commune": "Die", "code_postal": "26150", "adresse": "1 rue Centrale"}
        result = offer(one, **place, latitude=44.75, longitude=5.37, code_insee=None)
        assert result.kept == {}
        assert (one.fiche["commune"], "code_insee" in one.fiche) == ("Die", False)

    def test_a_second_line_that_people_wrote_stays_and_so_does_the_address(self) -> None:
        one = venue(complement_adresse="Bâtiment B")
        edit(one, NOW - dt.timedelta(days=30), complement_adresse="Bâtiment C")
        moved: Sheet = {"adresse": "1 place Royale", "latitude": 49.26, "longitude": 4.04}
        result = offer(one, **moved, complement_adresse=None, date_maj="2026-03-01")
        assert result.kept.keys() == {*moved, "complement_adresse"}
        assert one.fiche["complement_adresse"] == "Bâtiment C"

    def test_not_without(self) -> None:
        one = venue()
        result = offer(one, adresse="1 place Royale", latitude=None, longitude=None, nom="Autre")
        assert result.kept["adresse"] == "address"
        assert one.fiche["adresse"] == CELLS["adresse"]
        assert one.fiche["nom"] == "Autre"

    def test_nor_to_where_people_have_moved_the_pin(self) -> None:
        one = venue()
        edit(one, NOW - dt.timedelta(days=30), latitude=49.3, longitude=4.1)
        result = offer(one, adresse="1 place Royale", date_maj="2026-03-01")
        assert result.kept == {"adresse": "address"}
        assert one.fiche["adresse"] == CELLS["adresse"]

    def test_nor_half_of_it(self) -> None:
        one = venue()
        edit(one, NOW - dt.timedelta(days=30), adresse="12 ter rue de Leclercq")
        result = offer(
            one, adresse="1 place Royale", latitude=49.26, longitude=4.04, date_maj="2026-03-01"
        )
        assert result.kept == {"adresse": "manager", "latitude": "address", "longitude": "address"}
        assert one.fiche["latitude"] == 49.25

    def test_nor_away_from_an_address_that_people_wrote(self) -> None:
        one = venue()
        edit(one, NOW - dt.timedelta(days=30), adresse="1 place Royale")
        result = offer(one, latitude=49.26, longitude=4.04, date_maj="2026-03-01")
        assert result.kept == {"latitude": "address", "longitude": "address"}
        assert (one.fiche["latitude"], one.fiche["longitude"]) == (49.25, 4.03)

    def test_a_code_that_people_added_keeps_nothing_where_it_is(self) -> None:
        one = venue()
        edit(one, NOW - dt.timedelta(days=30), code_insee="51454")
        assert offer(one, latitude=49.2501).applied == {"latitude": (49.25, 49.2501)}

    def test_coordinates_alone_may_get_better(self) -> None:
        one = venue()
        assert offer(one, latitude=49.2501).applied == {"latitude": (49.25, 49.2501)}

    def test_an_address_without_coordinates_may_move_where_there_are_none(self) -> None:
        one = venue(latitude=None, longitude=None)
        offer(one, adresse="1 place Royale", latitude=None, longitude=None)
        assert one.fiche["adresse"] == "1 place Royale"


@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [
        ("2024-04-02", "2025-01-01", "2025-01-01"),
        ("2026-03-01", "2025-01-01", "2026-03-01"),
        ("2026-03-01", None, "2026-03-01"),
        (None, "2025-01-01", "2025-01-01"),
    ],
)
def test_date_maj_never_goes_back(here: str | None, there: str | None, kept: str) -> None:
    one = venue(date_maj=here)
    offer(one, date_maj=there)
    assert one.fiche["date_maj"] == kept


FIELDS: dict[str, some.SearchStrategy[FieldValue]] = {
    "nom": some.sampled_from(["a", "b", "c"]),
    "horaires": some.sampled_from(["a", "b"]) | some.none(),
    "frais_a_charge": some.sampled_from([["Gratuit"], ["Gratuit", "Payant"], None]),
    "adresse": some.sampled_from(["1 rue", "2 rue"]),
    "latitude": some.sampled_from([1.0, 2.0]) | some.none(),
    "longitude": some.sampled_from([1.0, 2.0]) | some.none(),
    "date_maj": some.dates(dt.date(2025, 1, 1), dt.date(2026, 3, 1)).map(dt.date.isoformat),
}
SAID = some.fixed_dictionaries(FIELDS)
HOW = some.sampled_from(["manager", "moderator", "silence"])
DAYS_AGO = some.integers(0, 800)


@given(SAID, SAID, SAID, HOW, DAYS_AGO)
@settings(deadline=None)
def test_whatever_comes_and_whatever_people_wrote(
    first: Sheet, edited: Sheet, after: Sheet, how: str, days: int
) -> None:
    one = venue(**first)
    at = NOW - dt.timedelta(days=days)
    edits = {name: edited[name] for name in ("nom", "adresse", "horaires")}
    changed = {k: v for k, v in edits.items() if not COLUMNS[k].same(v, one.fiche.get(k))}
    edit(one, at, how, **changed)
    before = one.model_copy(deep=True)
    result = offer(one, **after)
    for name, value in before.fiche.items():
        # never emptied, but for the second line of an address
        assert name in one.fiche or name == "complement_adresse"
        protected = before.origin(name).protected_until
        if protected and protected > NOW:
            assert one.fiche[name] == value
    moved = [name for name in ADDRESS if name in result.applied]
    if moved:
        assert [one.fiche.get(n) for n in ("latitude", "longitude")] == [
            sheet(**after).get(n) for n in ("latitude", "longitude")
        ]
    # the same again says nothing more
    again = take_over(one, result.said, sheet(**after), NOW)
    assert (again.applied, again.kept, again.said) == ({}, result.kept, result.said)


def test_the_history_can_be_walked_back() -> None:
    one = venue()
    history = [
        one.revise(
            {"nom": ("Anonymal", name)},
            by="account:ada",
            accepted=Acceptance(how="silence", at=NOW),
            now=NOW,
        )
        for name in ("Deux", "Trois")
    ]
    assert at_revision(one, history, 1) == venue().fiche


class TestRechecks:
    def test_a_value_accepted_by_silence_is_to_be_looked_at(self) -> None:
        one = venue()
        edit(one, NOW, "silence", nom="Édité")
        assert one.to_recheck().keys() == {"nom"}
        assert one.recheck_since == NOW

    def test_until_a_manager_says_it_is_right(self) -> None:
        one = venue()
        edit(one, NOW, "silence", nom="Édité")
        entry = one.confirm(["nom"], "account:ada", NOW + dt.timedelta(days=1))
        assert (entry.note, entry.changes) == ("confirmed", [])
        assert one.to_recheck() == {}
        assert one.recheck_since is None

    def test_or_somebody_writes_another(self) -> None:
        one = venue()
        edit(one, NOW, "silence", nom="Édité")
        edit(one, NOW, "moderator", nom="Autre")
        assert one.recheck_since is None


def test_protection_ends_on_the_same_day_of_the_next_year() -> None:
    said = Origin(by="account:ada", how="manager", at=dt.datetime(2024, 2, 29, tzinfo=dt.UTC))
    assert said.protected_until == dt.datetime(2025, 2, 28, tzinfo=dt.UTC)
    assert said.model_copy(update={"how": "silence"}).protected_until is None
