"""Two sheets become one, field by field, and two again."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.directory.domain.candidates import found, pair_id
from services.directory.domain.duplicates import Likeness
from services.directory.domain.merge import three_way
from services.directory.domain.merging import Merge, chosen, merge, propose, rebased, unmerge
from services.directory.domain.provenance import Origin
from services.directory.domain.venues import Acceptance, SourceSheet, Venue, origins_before
from shared.errors import InvalidInput
from shared.events import FieldValue

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
BY = "account:mo"
HERE: dict[str, FieldValue] = {
    "id": "ici",
    "pivot": "43493312300029",
    "nom": "Médiathèque des Tilleuls",
    "commune": "Die",
    "code_postal": "26150",
    "adresse": "4 place de la Fontaine",
    "date_maj": "2025-01-15",
}
THERE = HERE | {
    "id": "là",
    "nom": "MEDIATHEQUE",
    "adresse": "4 place Fontaine",
    "latitude": 44.75,
    "longitude": 5.37,
    "date_maj": "2025-03-01",
}


def venue(fiche: dict[str, FieldValue], **values: Any) -> Venue:
    id_ = str(fiche["id"])
    return Venue(
        **{
            "id": id_,
            "revision": 3,
            "ordinal": 0,
            "fiche": fiche,
            "sources": [SourceSheet(name="hub", id=id_, fiche=fiche)],
            "created_by": "import:hub",
            "created_at": NOW - dt.timedelta(days=400),
            "updated_at": NOW - dt.timedelta(days=40),
            **values,
        }
    )


def origin(how: Any, days: int) -> Origin:
    return Origin(by="account:ada", how=how, at=NOW - dt.timedelta(days=days))


def proposed(this: Venue, other: Venue, field: str) -> tuple[str, str]:
    [one] = [one for one in propose(this, other, NOW) if field in one.fields]
    return one.proposed, one.why


def merged(this: Venue, other: Venue, **choices: Any) -> Merge:
    sides = chosen(propose(this, other, NOW), choices)
    return merge(this, other, sides, merge_id="m1", by=BY, now=NOW)[0]


def change(one: Venue, **values: FieldValue) -> None:
    one.revise(
        {name: (one.fiche.get(name), value) for name, value in values.items()},
        by="account:zoe",
        accepted=Acceptance(how="moderator", at=NOW),
        now=NOW,
    )


def test_what_both_say_stays() -> None:
    assert proposed(venue(HERE), venue(THERE), "pivot") == ("this", "same")


def test_what_only_one_says_is_proposed() -> None:
    there = THERE | {"horaires": "Mo-Fr 09:00-12:00"}
    assert proposed(venue(HERE), venue(there), "horaires") == ("other", "only")
    assert proposed(venue(there), venue(HERE), "horaires") == ("this", "only")


def test_the_fresher_of_two_sources_is_proposed() -> None:
    assert proposed(venue(HERE), venue(THERE), "nom") == ("other", "fresher")
    assert proposed(venue(THERE), venue(HERE), "nom") == ("this", "fresher")


def test_of_two_of_one_day_the_sheet_that_stays_is_proposed() -> None:
    there = THERE | {"date_maj": HERE["date_maj"]}
    assert proposed(venue(HERE), venue(there), "nom") == ("this", "kept")


def test_what_people_wrote_comes_before_a_fresher_source() -> None:
    edited = venue(HERE, origins={"nom": origin("moderator", 300)})
    assert proposed(edited, venue(THERE), "nom") == ("this", "people")


def test_a_managers_word_comes_before_a_fresher_edit_for_twelve_months() -> None:
    edited = venue(HERE, origins={"nom": origin("moderator", 10)})
    held = venue(THERE, origins={"nom": origin("manager", 300)})
    assert proposed(edited, held, "nom") == ("other", "manager")
    faded = venue(THERE, origins={"nom": origin("manager", 500)})
    assert proposed(edited, faded, "nom") == ("this", "fresher")


def test_an_address_with_its_coordinates_is_one_choice() -> None:
    this, other = venue(HERE), venue(THERE)
    assert proposed(this, other, "adresse") == ("other", "only")
    merged(this, other)
    assert (this.fiche["adresse"], this.fiche["latitude"]) == ("4 place Fontaine", 44.75)
    with pytest.raises(InvalidInput) as refusal:
        merged(venue(HERE), venue(THERE), adresse="this", latitude="other")
    assert {one.rule for one in refusal.value.invalid} == {"together"}


def test_a_choice_counts_against_what_is_proposed() -> None:
    this, other = venue(HERE), venue(THERE)
    merged(this, other, nom="this", adresse="this")
    assert this.fiche["nom"] == HERE["nom"]
    assert "latitude" not in this.fiche


@pytest.mark.parametrize(
    ("field", "rule"), [("date_maj", "unknown_field"), ("horaires", "unknown_field")]
)
def test_there_is_nothing_to_choose_for_some_fields(field: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        merged(venue(HERE), venue(THERE), **{field: "other"})
    assert [(one.field, one.rule) for one in refusal.value.invalid] == [(f"choices.{field}", rule)]


def test_a_required_value_is_not_left_behind() -> None:
    without = {name: value for name, value in THERE.items() if name != "nom"}
    with pytest.raises(InvalidInput) as refusal:
        merged(venue(HERE), venue(without), nom="other")
    assert [one.rule for one in refusal.value.invalid] == ["required"]


def test_values_keep_where_they_come_from_and_managers_and_sources_move() -> None:
    this = venue(HERE, managers=["ada"])
    other = venue(THERE, managers=["ada", "zoe"], origins={"nom": origin("silence", 5)})
    done = merged(this, other)
    assert this.origin("nom") == other.origin("nom")
    assert this.recheck_since == NOW - dt.timedelta(days=5)
    assert this.managers == ["ada", "zoe"]
    assert {one.id for one in this.sources} == {"ici", "là"}
    assert (this.merged, this.ids) == (["là"], ["ici", "là"])
    assert (other.merged_into, other.sources, other.recheck_since) == ("ici", [], None)
    assert this.fiche["date_maj"] == "2025-03-01"
    assert done.managers == ["zoe"]


def test_both_histories_name_the_other() -> None:
    this, other = venue(HERE), venue(THERE)
    sides = chosen(propose(this, other, NOW), {})
    _, entries = merge(this, other, sides, merge_id="m1", by=BY, now=NOW)
    assert [(one.venue_id, one.accepted.how, one.accepted.other) for one in entries] == [
        ("ici", "merge", "là"),
        ("là", "merge", "ici"),
    ]
    assert [one.revision for one in entries] == [4, 4]
    assert {one.field for one in entries[0].changes} >= {"nom", "adresse", "latitude"}
    assert entries[1].changes == []


def test_what_others_changed_since_stays_when_two_sheets_part() -> None:
    this, other = venue(HERE), venue(THERE)
    done = merged(this, other)
    change(this, nom="Bibliothèque")
    change(this, horaires="Mo 09:00-12:00")
    unmerge(this, other, done, by=BY, now=NOW)
    assert (this.fiche["nom"], this.fiche["horaires"]) == ("Bibliothèque", "Mo 09:00-12:00")
    assert this.fiche["adresse"] == HERE["adresse"]
    assert other.fiche == THERE


def test_what_a_source_said_of_one_sheet_since_is_news_to_the_other() -> None:
    this, other = venue(HERE), venue(THERE)
    done = merged(this, other)
    this.set_source(SourceSheet(name="hub", id="là", fiche=THERE | {"nom": "X"}))
    this.set_source(SourceSheet(name="neuve", id="là", fiche=THERE))
    unmerge(this, other, done, by=BY, now=NOW)
    assert [(one.name, one.id) for one in this.sources] == [("hub", "ici")]
    assert [(one.name, one.fiche) for one in other.sources] == [("hub", THERE), ("neuve", {})]


def test_sheets_part_one_by_one() -> None:
    first, second, third = venue(HERE), venue(THERE), venue(THERE | {"id": "ailleurs"})
    inner = merged(second, third)
    outer = merged(first, second)
    assert first.ids == ["ici", "là", "ailleurs"]
    unmerge(first, second, outer, by=BY, now=NOW)
    assert (first.ids, second.ids) == (["ici"], ["là", "ailleurs"])
    unmerge(second, third, inner, by=BY, now=NOW)
    assert (second.ids, third.merged_into) == (["là"], None)


def test_an_edit_of_a_merged_sheet_meets_the_one_that_stays() -> None:
    this, other = venue(HERE | {"horaires": "Tu 09:00-12:00"}), venue(THERE)
    other.fiche["horaires"] = "Mo 09:00-12:00"
    seen = {"horaires": "Mo 09:00-12:00", "nom": "Ancien nom"}
    wanted: dict[str, FieldValue] = {"horaires": "We 09:00-12:00", "nom": "Nouveau nom"}
    wanted["site_web"] = ["https://x.fr"]
    done = merged(this, other, horaires="this")
    result = three_way(rebased(seen, wanted, done), this.fiche, wanted)
    assert result.applied == {
        "horaires": ("Tu 09:00-12:00", "We 09:00-12:00"),
        "site_web": (None, ["https://x.fr"]),
    }
    # it had another name by the time they were merged
    assert list(result.conflicts) == ["nom"]


def test_a_merge_is_no_origin_of_a_value_that_comes_back() -> None:
    this, other = venue(HERE), venue(THERE)
    sides = chosen(propose(this, other, NOW), {})
    _, entries = merge(this, other, sides, merge_id="m1", by=BY, now=NOW)
    back = origins_before(this, entries, {"nom": THERE["nom"]})
    assert back["nom"].how == "import"


VALUES = some.fixed_dictionaries(
    {},
    optional={
        "nom": some.sampled_from(["A", "B"]),
        "adresse": some.sampled_from(["1 rue A", "2 rue B"]),
        "complement_adresse": some.just("étage"),
        "latitude": some.sampled_from([1.0, 2.0]),
        "longitude": some.sampled_from([3.0, 4.0]),
        "horaires": some.sampled_from(["Mo", "Tu"]),
        "courriels": some.sampled_from([["a@b.fr"], ["c@d.fr", "a@b.fr"]]),
        "date_maj": some.sampled_from(["2024-01-01", "2025-01-01", "2026-01-01"]),
    },
)
ORIGINS = some.dictionaries(
    some.sampled_from(["nom", "adresse", "horaires", "site_web"]),
    some.builds(origin, some.sampled_from(["manager", "moderator", "silence"]), some.just(20)),
)
MANAGERS = some.lists(some.sampled_from(["ada", "zoe", "max"]), unique=True)


def state(one: Venue) -> dict[str, Any]:
    return one.model_dump(exclude={"revision", "updated_at"})


@given(
    here=VALUES,
    there=VALUES,
    origins=some.tuples(ORIGINS, ORIGINS),
    managers=some.tuples(MANAGERS, MANAGERS),
    sides=some.lists(some.sampled_from(["this", "other", "proposed"]), min_size=40, max_size=40),
)
def test_merged_and_parted_with_nothing_between_both_are_as_before(
    here: dict[str, FieldValue],
    there: dict[str, FieldValue],
    origins: tuple[dict[str, Origin], dict[str, Origin]],
    managers: tuple[list[str], list[str]],
    sides: list[str],
) -> None:
    this = venue(HERE | here, origins=origins[0], managers=managers[0])
    other = venue(THERE | there, origins=origins[1], managers=managers[1])
    for one in (this, other):
        one.set_origins({})
    before = state(this), state(other)
    choices = {
        one.fields[0]: side
        for one, side in zip(propose(this, other, NOW), sides, strict=False)
        if side != "proposed"
    }
    done = merged(this, other, **choices)
    unmerge(this, other, done, by=BY, now=NOW)
    assert (state(this), state(other)) == before


def test_a_pair_is_the_same_from_both_sides() -> None:
    pair = found(HERE, THERE, Likeness(80, ("name_same",)), NOW)
    assert pair == found(THERE, HERE, Likeness(80, ("name_same",)), NOW)
    assert pair.id == pair_id("là", "ici")


def test_a_decision_is_not_overwritten_by_a_comparison() -> None:
    pair = found(HERE, THERE, Likeness(80, ("name_same",)), NOW)
    decided = pair.decided("distinct", BY, "deux étages", NOW)
    assert decided.compared(Likeness(99, ()), NOW) is decided
    assert decided.closed(NOW) is decided
    again = decided.decided("same", BY, "", NOW)
    assert [one.verdict for one in again.decisions] == ["distinct", "same"]
    assert again.opened(NOW).decisions == again.decisions


def test_an_undecided_pair_follows_the_comparisons() -> None:
    pair = found(HERE, THERE, Likeness(80, ("name_same",)), NOW)
    assert pair.compared(Likeness(80, ("name_same",)), NOW) is pair
    assert pair.compared(Likeness(60, ()), NOW).score == 60
    assert pair.closed(NOW).state == "closed"
    assert pair.closed(NOW).compared(Likeness(60, ()), NOW).state == "open"
