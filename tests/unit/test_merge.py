"""The three-way merge, as properties: what was seen, what is there, what is wanted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.merge import Conflict, three_way, undone, with_values
from shared.events import FieldValue

Sheet = dict[str, FieldValue]
Changes = dict[str, tuple[FieldValue, FieldValue]]

CLOSED = some.permutations(["Gratuit", "Gratuit sous condition", "Payant"]).flatmap(
    lambda choices: some.integers(1, 3).map(lambda size: list(choices[:size]))
)
TEXTS = some.sampled_from(["a", "b", "c"])
VALUES: dict[str, some.SearchStrategy[FieldValue]] = {
    "nom": TEXTS,
    "horaires": TEXTS,
    "latitude": some.sampled_from([1.0, 2.0, 3.0]),
    "frais_a_charge": CLOSED,
    "typologie": some.lists(TEXTS, min_size=1, max_size=2),
}
# few values and few fields, so that they often meet
SHEETS: some.SearchStrategy[Sheet] = some.fixed_dictionaries({}, optional=VALUES)
PROPOSED: some.SearchStrategy[Sheet] = some.fixed_dictionaries(
    {}, optional={name: values | some.none() for name, values in VALUES.items()}
)


def same(name: str, one: FieldValue, other: FieldValue) -> bool:
    """Written apart from the code: only a closed list may change its order."""
    if name == "frais_a_charge" and isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return one == other


@given(SHEETS, SHEETS, PROPOSED)
@settings(deadline=None)
def test_every_proposed_field_lands_in_exactly_one_place(
    base: Sheet, current: Sheet, proposed: Sheet
) -> None:
    merge = three_way(base, current, proposed)
    landed = [*merge.applied, *merge.unchanged, *merge.conflicts]
    assert sorted(landed) == sorted(proposed)


@given(SHEETS, SHEETS, PROPOSED)
@settings(deadline=None)
def test_a_conflict_is_what_is_neither_as_seen_nor_as_wanted(
    base: Sheet, current: Sheet, proposed: Sheet
) -> None:
    merge = three_way(base, current, proposed)
    for name, wanted in proposed.items():
        there = current.get(name)
        already, untouched = same(name, there, wanted), same(name, there, base.get(name))
        assert (name in merge.unchanged) == already
        assert (name in merge.applied) == (untouched and not already)
        assert (name in merge.conflicts) == (not untouched and not already)
        if name in merge.applied:
            assert merge.applied[name] == (there, wanted)
        if name in merge.conflicts:
            assert merge.conflicts[name] == Conflict(base.get(name), there, wanted)


@given(SHEETS, SHEETS, PROPOSED)
@settings(deadline=None)
def test_only_applied_fields_change(base: Sheet, current: Sheet, proposed: Sheet) -> None:
    merge = three_way(base, current, proposed)
    merged = with_values(current, {name: new for name, (_, new) in merge.applied.items()})
    for name in VALUES:
        wanted = proposed[name] if name in merge.applied else current.get(name)
        assert merged.get(name) == wanted
    assert None not in merged.values()


@given(SHEETS, SHEETS, PROPOSED)
@settings(deadline=None)
def test_merging_again_changes_nothing(base: Sheet, current: Sheet, proposed: Sheet) -> None:
    first = three_way(base, current, proposed)
    merged = with_values(current, {name: new for name, (_, new) in first.applied.items()})
    second = three_way(base, merged, proposed)
    assert second.applied == {}
    assert sorted(second.unchanged) == sorted([*first.unchanged, *first.applied])
    assert second.conflicts == first.conflicts


def test_nothing_to_merge_is_no_work() -> None:
    merge = three_way({"nom": "a"}, {"nom": "b"}, {})
    assert (merge.applied, merge.unchanged, merge.conflicts) == ({}, [], {})


def test_the_order_of_a_closed_list_is_no_conflict() -> None:
    base: Sheet = {"frais_a_charge": ["Gratuit", "Payant"]}
    current: Sheet = {"frais_a_charge": ["Payant", "Gratuit"]}
    wanted: Sheet = {"frais_a_charge": ["Gratuit"]}
    assert three_way(base, current, wanted).applied == {
        "frais_a_charge": (["Payant", "Gratuit"], ["Gratuit"])
    }
    assert three_way({}, current, base).unchanged == ["frais_a_charge"]


def test_the_order_of_an_open_list_is_one() -> None:
    base: Sheet = {"courriels": ["a@exemple.fr", "b@exemple.fr"]}
    current: Sheet = {"courriels": ["b@exemple.fr", "a@exemple.fr"]}
    assert three_way(base, current, {"courriels": None}).conflicts.keys() == {"courriels"}


def test_emptying_a_field_leaves_no_key() -> None:
    merge = three_way({"horaires": "a"}, {"horaires": "a"}, {"horaires": None})
    assert merge.applied == {"horaires": ("a", None)}
    assert with_values({"nom": "x", "horaires": "a"}, {"horaires": None}) == {"nom": "x"}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_can_be_merged(name: str) -> None:
    assert three_way({}, {}, {name: None}).unchanged == [name]


class TestUndone:
    """`applied` is old and new of each field; what comes back is what is there, and the old."""

    def test_what_is_still_as_it_was_applied_goes_back(self) -> None:
        applied: Changes = {"nom": ("a", "b"), "horaires": (None, "Mo-Fr 09:00-12:00")}
        now: Sheet = {"nom": "b", "horaires": "Mo-Fr 09:00-12:00", "adresse": "x"}
        assert undone(applied, now) == {
            "nom": ("b", "a"),
            "horaires": ("Mo-Fr 09:00-12:00", None),
        }

    def test_what_others_have_changed_since_stays(self) -> None:
        applied: Changes = {"nom": ("a", "b"), "horaires": ("x", "y"), "adresse": ("p", "q")}
        # changed again, emptied, and put back by somebody already
        assert undone(applied, {"nom": "c", "adresse": "p"}) == {}

    def test_another_order_of_a_closed_list_is_no_change(self) -> None:
        applied: Changes = {"frais_a_charge": (["Gratuit"], ["Gratuit", "Payant"])}
        now: Sheet = {"frais_a_charge": ["Payant", "Gratuit"]}
        assert undone(applied, now) == {"frais_a_charge": (["Payant", "Gratuit"], ["Gratuit"])}

    def test_half_of_a_position_never_goes_back(self) -> None:
        applied: Changes = {"latitude": (None, 48.0), "longitude": (None, 2.0), "nom": ("a", "b")}
        moved: Sheet = {"latitude": 48.0, "longitude": 2.5, "nom": "b"}
        assert undone(applied, moved) == {"nom": ("b", "a")}
        there: Sheet = {"latitude": 48.0, "longitude": 2.0, "nom": "b"}
        assert undone(applied, there).keys() == applied.keys()

    def test_one_half_that_was_changed_alone_goes_back_alone(self) -> None:
        now: Sheet = {"latitude": 48.0, "longitude": 2.0}
        assert undone({"latitude": (47.0, 48.0)}, now) == {"latitude": (48.0, 47.0)}
