"""What the deadline does, to the millisecond, and what people say before it."""

import datetime as dt
from typing import Any

import pytest

from services.moderation.domain.cases import (
    give_opinion,
    improve,
)
from services.moderation.domain.problems import (
    AboutToClose,
)
from shared.errors import InvalidInput
from shared.events.moderation import CaseKind, Decision, Held, Told
from tests.unit.moderation_samples import (
    DEADLINE,
    ENDS,
    FIELDS,
    INSTANT,
    OPENED,
    POSITION,
    approved,
    case,
    change,
    closed,
    edit,
    held,
    opinion,
    refused_,
    rule_of,
    silence,
)


class TestDeadline:
    @pytest.mark.parametrize("act", [approved, refused_])
    @pytest.mark.parametrize(
        "at", [DEADLINE - INSTANT, DEADLINE, DEADLINE + INSTANT, DEADLINE + dt.timedelta(days=30)]
    )
    def test_a_decision_counts_until_the_timer_has_run(self, act: Any, at: dt.datetime) -> None:
        decided = act(case(), at)
        assert decided.decision is not None
        assert decided.decision.at == at

    @pytest.mark.parametrize(
        ("at", "closing"),
        [
            (OPENED, False),
            (DEADLINE - INSTANT, False),
            (DEADLINE, False),
            (DEADLINE + INSTANT, True),
            (DEADLINE + dt.timedelta(days=30), True),
        ],
    )
    def test_about_to_close_from_the_instant_after(self, at: dt.datetime, closing: bool) -> None:
        assert case().about_to_close(at) is closing

    def test_another_time_zone_is_the_same_instant(self) -> None:
        paris = dt.timezone(dt.timedelta(hours=1))
        assert not case().about_to_close(DEADLINE.astimezone(paris))
        assert silence(case(), at=DEADLINE.astimezone(paris)) is not None

    @pytest.mark.parametrize("first", ENDS)
    def test_a_closed_case_is_not_about_to_close(self, first: Any) -> None:
        assert not first(case()).about_to_close(DEADLINE + INSTANT)

    def test_nor_is_one_without_a_deadline(self) -> None:
        assert not case("claim").about_to_close(DEADLINE + INSTANT)


class TestSilence:
    @pytest.mark.parametrize("kind", ["edit", "news"])
    def test_approves_at_the_deadline(self, kind: CaseKind) -> None:
        told = [Told(who="venue:v", what="review_opened", at=OPENED, outcome="sent")]
        after = silence(case(kind), told=told)
        assert after is not None
        assert (after.state, after.revision) == ("approved", 2)
        assert after.approved_fields == case(kind).fields
        assert after.decision == Decision(how="silence", at=DEADLINE, rule="deadline", told=told)

    @pytest.mark.parametrize("late", [INSTANT, dt.timedelta(days=400)])
    def test_a_late_timer_counts_and_the_decision_bears_the_deadline(self, late: Any) -> None:
        after = silence(case(), at=DEADLINE + late)
        assert after is not None
        assert after.decision is not None
        assert after.decision.at == DEADLINE

    @pytest.mark.parametrize("early", [INSTANT, dt.timedelta(days=7)])
    def test_an_early_timer_means_nothing(self, early: dt.timedelta) -> None:
        assert silence(case(), at=DEADLINE - early) is None

    @pytest.mark.parametrize("kind", ["announcement", "report", "claim"])
    def test_some_kinds_wait_for_a_person_however_late(self, kind: CaseKind) -> None:
        assert silence(case(kind), at=DEADLINE + dt.timedelta(days=900)) is None

    def test_what_is_held_is_left_out_and_said(self) -> None:
        one = held("horaires")
        after = closed(case(), one)
        assert (after.state, after.approved_fields, after.refused_fields) == (
            "partly_approved",
            ["nom", "telephone"],
            ["horaires"],
        )
        assert after.decision is not None
        assert after.decision.held == [one]

    def test_held_twice_is_left_out_once(self) -> None:
        after = closed(case(), held("horaires"), held("horaires", "nom", rule="objection"))
        assert after.refused_fields == ["nom", "horaires"]

    @pytest.mark.parametrize(
        "reasons",
        [
            [held(*FIELDS)],
            [held("nom"), held("telephone", "horaires")],
            [held()],
            [held("nom"), held()],
        ],
    )
    def test_nothing_left_is_a_refusal(self, reasons: list[Held]) -> None:
        after = closed(case(), *reasons)
        assert (after.state, after.approved_fields, after.refused_fields) == ("refused", [], FIELDS)

    def test_a_news_item_is_held_as_a_whole(self) -> None:
        after = closed(case("news"), held())
        assert (after.state, after.refused_fields) == ("refused", [])

    @pytest.mark.parametrize("half", ["latitude", "longitude"])
    def test_a_position_is_held_as_a_whole(self, half: str) -> None:
        after = closed(edit(*POSITION), held(half))
        assert (after.approved_fields, after.refused_fields) == (["nom"], ["latitude", "longitude"])

    def test_a_rule_about_fields_that_are_gone_holds_nothing(self) -> None:
        assert closed(case(), held("pivot")).state == "approved"

    def test_marks_stay_on_the_decision(self) -> None:
        after = closed(case(marks=["manager_unreachable"]))
        assert after.decision is not None
        assert after.decision.marks == ["manager_unreachable"]


class TestOpinions:
    @pytest.mark.parametrize(
        ("choice", "contested"), [("support", False), ("object", True), ("abstain", False)]
    )
    def test_only_an_objection_contests(self, choice: str, contested: bool) -> None:
        after = give_opinion(case(), opinion(choice))
        assert (after.contested, after.revision) == (contested, 2)
        assert after.state == "open"

    def test_a_second_opinion_takes_the_place_of_the_first(self) -> None:
        after = give_opinion(give_opinion(case(), opinion()), opinion("support"))
        assert [one.choice for one in after.opinions] == ["support"]
        assert not after.contested

    def test_another_persons_objection_stands(self) -> None:
        two = give_opinion(give_opinion(case(), opinion()), opinion(account_id="eve"))
        after = give_opinion(two, opinion("support"))
        assert [one.account_id for one in after.objections] == ["eve"]

    @pytest.mark.parametrize("reason", ["", " \n"])
    def test_an_objection_says_why(self, reason: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            give_opinion(case(), opinion(reason=reason))
        assert rule_of(refused) == ("reason", "missing")

    @pytest.mark.parametrize("choice", ["support", "abstain"])
    def test_the_others_need_not(self, choice: str) -> None:
        assert give_opinion(case(), opinion(choice, reason="")).opinions

    def test_about_some_fields(self) -> None:
        after = give_opinion(case(), opinion(fields=["nom"]))
        assert after.objections[0].fields == ["nom"]

    @pytest.mark.parametrize("fields", [["pivot"], ["nom", "pivot"]])
    def test_not_about_fields_that_are_not_proposed(self, fields: list[str]) -> None:
        with pytest.raises(InvalidInput) as refused:
            give_opinion(case(), opinion(fields=fields))
        assert rule_of(refused) == ("fields", "unknown_field")

    def test_of_a_news_item_as_a_whole_only(self) -> None:
        assert give_opinion(case("news"), opinion()).contested
        with pytest.raises(InvalidInput):
            give_opinion(case("news"), opinion(fields=["nom"]))

    def test_the_instant_of_the_deadline_counts_the_next_does_not(self) -> None:
        assert give_opinion(case(), opinion(at=DEADLINE)).contested
        with pytest.raises(AboutToClose):
            give_opinion(case(), opinion(at=DEADLINE + INSTANT))


class TestBetterText:
    def test_is_the_next_revision(self) -> None:
        after = improve(case(), 2)
        assert (after.proposal_revision, after.revision, after.deadline) == (2, 2, DEADLINE)

    def test_objections_stand_while_a_field_of_theirs_does(self) -> None:
        one = case(opinions=[opinion(fields=["nom", "horaires"])])
        kept = improve(one.model_copy(update={"changes": [change("nom")]}), 2)
        gone = improve(one.model_copy(update={"changes": [change("telephone")]}), 2)
        assert (kept.contested, gone.contested) == (True, False)

    def test_an_objection_to_all_of_it_stands(self) -> None:
        one = case(opinions=[opinion()], changes=[change("telephone")])
        assert improve(one, 2).contested
