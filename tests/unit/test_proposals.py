"""What may be proposed, and how a sheet's former revisions come back."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.merge import with_values
from services.directory.domain.proposals import NewsItem, Proposal, check_changes, web_link
from services.directory.domain.venues import (
    Acceptance,
    Change,
    Revision,
    UnknownRevision,
    Venue,
    at_revision,
    day,
)
from shared.errors import InvalidInput
from shared.events import Author, FieldValue

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
ALICE = Author(account_id="alice", name="Alice")
BASE: dict[str, FieldValue] = {
    "id": "v",
    "nom": "Anonymal",
    "horaires": "Mo-Fr 09:00-12:00",
    "frais_a_charge": ["Gratuit", "Payant"],
}

Sheet = dict[str, FieldValue]


def broken(changes: dict[str, Any], base: Sheet = BASE) -> list[tuple[str, str]]:
    """The fields that are refused, with their rules."""
    with pytest.raises(InvalidInput) as refused:
        check_changes(changes, base)
    assert all(one.message for one in refused.value.invalid)
    return [(one.field, one.rule) for one in refused.value.invalid]


class TestChanges:
    def test_values_come_back_in_their_normal_form(self) -> None:
        assert check_changes(
            {"nom": " Tiers-lieu ", "frais_a_charge": ["Gratuit"], "horaires": ""}, BASE
        ) == {"nom": "Tiers-lieu", "frais_a_charge": ["Gratuit"], "horaires": None}

    def test_at_least_one_field(self) -> None:
        assert broken({}) == [("changes", "too_short")]

    def test_at_most_32_fields(self) -> None:
        fields: Sheet = {f"x{n}": "a" for n in range(33)}
        assert broken(fields) == [("changes", "too_long")]
        fields.pop("x0")
        assert len(broken(fields)) == 32

    def test_a_field_that_the_schema_does_not_have(self) -> None:
        assert broken({"prix": "10"}) == [("changes.prix", "unknown_field")]

    @pytest.mark.parametrize(
        "changes",
        [
            {"nom": "Anonymal"},
            {"nom": "  Anonymal\n"},
            {"frais_a_charge": ["Payant", "Gratuit"]},
            {"telephone": None},
            {"telephone": ""},
            {"courriels": []},
        ],
    )
    def test_a_value_that_is_there_already(self, changes: Sheet) -> None:
        (name,) = changes
        assert broken(changes) == [(f"changes.{name}", "unchanged")]

    @pytest.mark.parametrize(
        "changes", [{"nom": 3}, {"nom": ["a"]}, {"services": "x"}, {"courriels": [1]}]
    )
    def test_a_value_of_another_type(self, changes: dict[str, Any]) -> None:
        (name,) = changes
        assert broken(changes) == [(f"changes.{name}", "type")]

    def test_every_bad_field_is_named(self) -> None:
        changes = {
            "nom": None,
            "prix": "10",
            "source": "Moi",
            "horaires": "Sa 09:00-12:00",
            "code_postal": "5110",
            "frais_a_charge": ["Gratuitement"],
        }
        assert broken(changes) == [
            ("changes.nom", "required"),
            ("changes.prix", "unknown_field"),
            ("changes.source", "read_only"),
            ("changes.code_postal", "pattern"),
            ("changes.frais_a_charge", "enum"),
        ]


LOCATED: Sheet = {**BASE, "latitude": 48.0, "longitude": 2.0}
TOGETHER = [("changes.latitude", "together"), ("changes.longitude", "together")]


class TestCoordinates:
    def test_come_together(self) -> None:
        changes: Sheet = {"latitude": 48, "longitude": 2}
        assert check_changes(changes, BASE) == {"latitude": 48.0, "longitude": 2.0}
        assert broken({"latitude": 48.0}) == TOGETHER

    def test_go_together(self) -> None:
        changes: Sheet = {"latitude": None, "longitude": None}
        assert check_changes(changes, LOCATED) == changes
        assert broken({"longitude": None}, LOCATED) == TOGETHER

    def test_one_of_them_may_move(self) -> None:
        assert check_changes({"latitude": 49.0}, LOCATED) == {"latitude": 49.0}

    def test_one_that_is_wrong_by_itself_is_not_called_alone(self) -> None:
        assert broken({"latitude": 200.0, "longitude": 2.0}) == [("changes.latitude", "range")]

    def test_half_a_pair_is_no_matter_for_other_fields(self) -> None:
        assert check_changes({"nom": "b"}, {**BASE, "latitude": 48.0}) == {"nom": "b"}


class TestEvents:
    def test_addresses_are_withheld(self) -> None:
        proposal = Proposal(
            id="p",
            venue_id="v",
            base_revision=1,
            base={"courriels": ["avant@exemple.fr"], "nom": "a"},
            changes={"courriels": ["apres@exemple.fr"], "nom": "b"},
            comment="",
            author=ALICE,
            author_is_manager=False,
            proposed_at=NOW,
        )
        addresses, name = proposal.field_changes()
        assert addresses.model_dump() == {
            "field": "courriels",
            "old": None,
            "new": None,
            "withheld": True,
        }
        assert (name.old, name.new, name.withheld) == ("a", "b", False)


def news(**fields: Any) -> NewsItem:
    given_fields: dict[str, Any] = {
        "id": "n",
        "venue_id": "v",
        "titre": "Porte ouverte",
        "texte": "Samedi.",
        "author": ALICE,
        "author_is_manager": False,
        "proposed_at": NOW,
    }
    return NewsItem(**given_fields | fields)


class TestNews:
    def test_a_link_is_a_web_address_or_none(self) -> None:
        assert news(lien=" https://exemple.fr/a ").lien == "https://exemple.fr/a"
        assert news(lien="").lien is None

    @pytest.mark.parametrize("link", ["javascript:alert(1)", "exemple.fr", "https://"])
    def test_any_other_link_is_refused_in_french(self, link: str) -> None:
        with pytest.raises(ValueError, match="doit commencer par http:// ou https://"):
            news(lien=link)
        with pytest.raises(ValueError, match="doit commencer par http:// ou https://"):
            web_link(link)

    @pytest.mark.parametrize(
        "fields", [{"titre": " "}, {"titre": "a" * 141}, {"texte": ""}, {"texte": "a" * 5001}]
    )
    def test_title_and_text_have_their_lengths(self, fields: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="should have at"):
            news(**fields)


# a history: some fields set, others emptied, revision after revision
FIELDS = ("nom", "horaires", "latitude", "typologie", "services")
VALUE = some.none() | some.sampled_from(["a", "b", 1.0, ["a"], ["a", "b"]])
STEPS = some.lists(some.dictionaries(some.sampled_from(FIELDS), VALUE), max_size=8)


def lived(first: Sheet, steps: list[Sheet]) -> tuple[Venue, list[Revision], list[Sheet]]:
    """A venue after these steps, its history, and every sheet it has had."""
    sheets = [with_values(first, {})]
    changes = [[Change(field=name, new=value) for name, value in sheets[0].items()]]
    for step in steps:
        before = sheets[-1]
        moved = {name: new for name, new in step.items() if new != before.get(name)}
        changes.append(
            [Change(field=name, old=before.get(name), new=new) for name, new in moved.items()]
        )
        sheets.append(with_values(before, moved))
    history = [
        Revision(
            venue_id="v",
            revision=number,
            at=NOW,
            by="account:alice",
            accepted=Acceptance(how="silence", at=NOW),
            changes=made,
        )
        for number, made in enumerate(changes, start=1)
    ]
    venue = Venue(
        id="v",
        revision=len(sheets),
        ordinal=0,
        fiche=sheets[-1],
        sources=[],
        created_by="import:essai",
        created_at=NOW,
        updated_at=NOW,
    )
    return venue, history, sheets


class TestRevisions:
    @given(some.dictionaries(some.sampled_from(FIELDS), VALUE), STEPS, some.randoms())
    @settings(deadline=None, max_examples=60)
    def test_every_former_sheet_comes_back_exactly(
        self, first: Sheet, steps: list[Sheet], order: Any
    ) -> None:
        venue, history, sheets = lived(first, steps)
        now = dict(venue.fiche)
        order.shuffle(history)
        for number, sheet in enumerate(sheets, start=1):
            assert at_revision(venue, history, number) == sheet
        assert venue.fiche == now

    @pytest.mark.parametrize("revision", [-1, 0, 4])
    def test_a_revision_that_never_was(self, revision: int) -> None:
        venue, history, _ = lived({"nom": "a"}, [{"nom": "b"}, {"nom": "c"}])
        with pytest.raises(UnknownRevision) as refused:
            at_revision(venue, history, revision)
        assert refused.value.extra == {"revision": revision, "current_revision": 3}


def test_the_day_of_a_change_is_a_valid_date_maj() -> None:
    assert COLUMNS["date_maj"].check(day(NOW)) == "2026-03-02"
