"""What can happen to a case, by its table, and what people decide: once, all of it or some."""

from typing import Any, get_args

import pytest

from services.moderation.domain.cases import (
    KINDS,
    TRANSITIONS,
    Act,
    State,
    approve,
    give_opinion,
    improve,
    moved,
    refuse,
    withdraw,
)
from services.moderation.domain.problems import (
    ReviewAlreadyDecided,
)
from shared.errors import InvalidInput
from shared.events.moderation import CaseKind
from tests.unit.moderation_samples import (
    ENDS,
    EVERY_KIND,
    FIELDS,
    OPENED,
    POSITION,
    approved,
    case,
    change,
    decision,
    edit,
    opinion,
    refused_,
    rule_of,
    silence,
    superseded,
)

STATES: tuple[State, ...] = get_args(State)
ACTS: tuple[Act, ...] = get_args(Act)


class TestTable:
    def test_states_and_acts_are_all_in_it(self) -> None:
        assert {act for _, act in TRANSITIONS} == set(ACTS)
        reached = frozenset().union(*TRANSITIONS.values())
        assert reached | {"open"} == set(STATES)

    def test_nothing_leads_back_to_open(self) -> None:
        assert not any("open" in after for after in TRANSITIONS.values())

    @pytest.mark.parametrize("state", ["withdrawn", "superseded", "approved"])
    def test_what_ends_for_good(self, state: State) -> None:
        left = {act for before, act in TRANSITIONS if before == state}
        assert left == ({"conflict"} if state == "approved" else set())

    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("act", ACTS)
    def test_what_it_does_not_name_is_refused(self, state: State, act: Act) -> None:
        one = case(state=state)
        allowed = TRANSITIONS.get((state, act), frozenset())
        for to in allowed:
            assert moved(one, act, to).state == to
        if not allowed:
            with pytest.raises(ReviewAlreadyDecided) as refused:
                moved(one, act, "approved")
            assert refused.value.extra == {"state": state}
        elif wrong := next((to for to in STATES if to not in allowed), None):
            with pytest.raises(AssertionError):
                moved(one, act, wrong)

    @pytest.mark.parametrize(
        ("kind", "managers", "by_silence"),
        [
            ("edit", True, True),
            ("news", True, True),
            ("announcement", False, False),
            ("report", False, False),
            ("claim", True, False),
        ],
    )
    def test_kinds(self, kind: CaseKind, managers: bool, by_silence: bool) -> None:
        assert (KINDS[kind].managers, KINDS[kind].silence) == (managers, by_silence)


class TestApproval:
    @pytest.mark.parametrize(
        ("fields", "state", "approved", "refused"),
        [
            (None, "approved", FIELDS, []),
            (FIELDS, "approved", FIELDS, []),
            ([*reversed(FIELDS)], "approved", FIELDS, []),
            (["horaires"], "partly_approved", ["horaires"], ["nom", "telephone"]),
            (["telephone", "nom"], "partly_approved", ["nom", "telephone"], ["horaires"]),
            (["nom", "nom"], "partly_approved", ["nom"], ["horaires", "telephone"]),
        ],
    )
    def test_of_all_fields_or_some(
        self, fields: list[str] | None, state: str, approved: list[str], refused: list[str]
    ) -> None:
        before = case()
        decided = approve(before, decision(), fields)
        assert (decided.state, decided.revision) == (state, 2)
        assert (decided.approved_fields, decided.refused_fields) == (approved, refused)
        assert decided.decision == decision()
        assert before == case()

    def test_of_no_field_is_a_refusal_in_disguise(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            approve(case(), decision(), [])
        assert rule_of(refused) == ("fields", "too_short")

    @pytest.mark.parametrize("fields", [["adresse"], ["nom", "adresse"], [""]])
    def test_of_a_field_that_is_not_proposed(self, fields: list[str]) -> None:
        with pytest.raises(InvalidInput) as refused:
            approve(case(), decision(), fields)
        assert rule_of(refused) == ("fields", "unknown_field")

    @pytest.mark.parametrize("kind", [one for one in EVERY_KIND if one != "edit"])
    @pytest.mark.parametrize("fields", [None, []])
    def test_of_what_has_no_fields(self, kind: CaseKind, fields: list[str] | None) -> None:
        decided = approve(case(kind), decision(), fields)
        assert (decided.state, decided.refused_fields) == ("approved", [])

    @pytest.mark.parametrize("half", [["latitude"], ["longitude"], ["nom", "latitude"]])
    def test_half_a_position_is_refused(self, half: list[str]) -> None:
        with pytest.raises(InvalidInput) as refused:
            approve(edit(*POSITION), decision(), half)
        assert rule_of(refused) == ("fields", "together")

    @pytest.mark.parametrize("fields", [["longitude", "latitude"], ["nom"]])
    def test_both_halves_or_neither(self, fields: list[str]) -> None:
        decided = approve(edit(*POSITION), decision(), fields)
        assert set(decided.approved_fields) == set(fields)

    def test_a_half_that_is_proposed_alone_is_whole(self) -> None:
        decided = approve(edit(change("latitude", 48.0, 48.1)), decision(), ["latitude"])
        assert decided.state == "approved"

    def test_marks_stay_on_the_decision(self) -> None:
        decided = approve(case(marks=["manager_unreachable"]), decision())
        assert decided.decision is not None
        assert decided.decision.marks == ["manager_unreachable"]


class TestRefusal:
    def test_refuses_every_field(self) -> None:
        decided = refuse(case(), decision(reason="C'est faux."))
        assert (decided.state, decided.revision) == ("refused", 2)
        assert (decided.approved_fields, decided.refused_fields) == ([], FIELDS)

    @pytest.mark.parametrize("reason", [None, "", "  \n"])
    def test_a_reason_is_due(self, reason: str | None) -> None:
        with pytest.raises(InvalidInput) as refused:
            refuse(case(), decision(reason=reason))
        assert rule_of(refused) == ("reason", "missing")

    def test_marks_stay_on_the_decision(self) -> None:
        decided = refuse(case(marks=["manager_unreachable"]), decision(reason="Non."))
        assert decided.decision is not None
        assert decided.decision.marks == ["manager_unreachable"]


class TestOnce:
    @pytest.mark.parametrize("first", ENDS)
    @pytest.mark.parametrize("second", [approved, refused_, withdraw, superseded])
    def test_a_closed_case_stays_as_it_is(self, first: Any, second: Any) -> None:
        with pytest.raises(ReviewAlreadyDecided) as refused:
            second(first(case()))
        assert refused.value.extra["state"] == first(case()).state

    def test_the_refusal_says_who_was_first_and_when(self) -> None:
        with pytest.raises(ReviewAlreadyDecided) as refused:
            refused_(approved(case()))
        assert refused.value.status == 409
        assert refused.value.extra == {
            "state": "approved",
            "how": "manager",
            "at": OPENED.isoformat(),
        }

    @pytest.mark.parametrize("first", ENDS)
    def test_the_deadlines_timer_means_nothing_any_more(self, first: Any) -> None:
        assert silence(first(case())) is None

    @pytest.mark.parametrize("first", ENDS)
    def test_nor_does_an_opinion(self, first: Any) -> None:
        with pytest.raises(ReviewAlreadyDecided):
            give_opinion(first(case()), opinion())

    @pytest.mark.parametrize("first", ENDS)
    def test_nor_does_a_better_text(self, first: Any) -> None:
        with pytest.raises(ReviewAlreadyDecided):
            improve(first(case()), 2)

    def test_who_takes_its_place_is_kept(self) -> None:
        assert superseded(case()).superseded_by == "c2"
