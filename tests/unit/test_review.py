"""Who may decide a case, until when, and what silence means."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.moderation.domain import (
    DeadlinePassed,
    NotADecider,
    ReviewAlreadyDecided,
    ReviewCase,
    approve,
    close_by_silence,
    refuse,
    role_in,
)
from shared.errors import InvalidInput
from shared.events import Author, FieldChange
from shared.events.moderation import CaseKind, Decision

OPENED = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
DEADLINE = OPENED + dt.timedelta(days=7)
INSTANT = dt.timedelta(milliseconds=1)
FIELDS = ["nom", "horaires", "telephone"]


def case(kind: CaseKind = "edit", **fields: Any) -> ReviewCase:
    """An open case about alice's proposal for a venue."""
    given: dict[str, Any] = {
        "id": "c",
        "kind": kind,
        "venue_id": None if kind == "announcement" else "v",
        "title": "Anonymal",
        "changes": [FieldChange(field=name) for name in FIELDS] if kind == "edit" else [],
        "author": Author(account_id="alice"),
        "opened_at": OPENED,
        "deadline": None if kind == "announcement" else DEADLINE,
    }
    return ReviewCase(**given | fields)


def decision(at: dt.datetime = OPENED, reason: str | None = None) -> Decision:
    return Decision(how="manager", by="account:max", at=at, reason=reason)


def rule_of(refused: pytest.ExceptionInfo[InvalidInput]) -> tuple[str, str]:
    (one,) = refused.value.invalid
    return one.field, one.rule


class TestRoles:
    @pytest.mark.parametrize(
        ("kind", "account", "moderator", "role"),
        [
            # max manages the venue, alice proposes, zoe does neither
            ("edit", "max", False, "manager"),
            ("edit", "max", True, "manager"),
            ("edit", "zoe", True, "moderator"),
            ("edit", "zoe", False, None),
            ("edit", "alice", True, None),
            ("edit", "alice", False, None),
            ("news", "max", False, "manager"),
            ("news", "zoe", True, "moderator"),
            ("news", "zoe", False, None),
            ("news", "alice", True, None),
            ("announcement", "max", False, None),
            ("announcement", "max", True, "moderator"),
            ("announcement", "zoe", True, "moderator"),
            ("announcement", "zoe", False, None),
            ("announcement", "alice", True, None),
        ],
    )
    def test_decision_table(
        self, kind: CaseKind, account: str, moderator: bool, role: str | None
    ) -> None:
        if role is None:
            with pytest.raises(NotADecider):
                role_in(case(kind), account, ["max"], moderator=moderator)
        else:
            assert role_in(case(kind), account, ["max"], moderator=moderator) == role

    @pytest.mark.parametrize("moderator", [True, False])
    def test_a_managers_word_binds_on_their_own_proposal(self, moderator: bool) -> None:
        assert role_in(case(), "alice", ["max", "alice"], moderator=moderator) == "manager"


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

    @pytest.mark.parametrize("kind", ["news", "announcement"])
    @pytest.mark.parametrize("fields", [None, []])
    def test_of_what_has_no_fields(self, kind: CaseKind, fields: list[str] | None) -> None:
        assert approve(case(kind), decision(), fields).state == "approved"


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


def approved(one: ReviewCase, at: dt.datetime = OPENED) -> ReviewCase:
    return approve(one, decision(at))


def refused_(one: ReviewCase, at: dt.datetime = OPENED) -> ReviewCase:
    return refuse(one, decision(at, reason="Non."))


class TestOnce:
    @pytest.mark.parametrize("first", [approved, refused_])
    @pytest.mark.parametrize("second", [approved, refused_])
    def test_a_decided_case_stays_as_it_is(self, first: Any, second: Any) -> None:
        with pytest.raises(ReviewAlreadyDecided) as refused:
            second(first(case()))
        assert refused.value.extra == {
            "how": "manager",
            "at": OPENED.isoformat(),
            "state": first(case()).state,
        }

    @pytest.mark.parametrize("second", [approved, refused_])
    def test_silence_has_decided_too(self, second: Any) -> None:
        closed = close_by_silence(case(), DEADLINE)
        assert closed is not None
        with pytest.raises(ReviewAlreadyDecided):
            second(closed, DEADLINE)


class TestDeadline:
    @pytest.mark.parametrize("act", [approved, refused_])
    def test_the_very_instant_counts(self, act: Any) -> None:
        assert act(case(), DEADLINE).decision is not None

    @pytest.mark.parametrize("act", [approved, refused_])
    @pytest.mark.parametrize("late", [INSTANT, dt.timedelta(days=30)])
    def test_one_millisecond_after_does_not(self, act: Any, late: dt.timedelta) -> None:
        with pytest.raises(DeadlinePassed):
            act(case(), DEADLINE + late)

    @pytest.mark.parametrize("act", [approved, refused_])
    def test_an_announcement_has_none(self, act: Any) -> None:
        assert act(case("announcement"), OPENED + dt.timedelta(days=900)).decision is not None

    def test_another_time_zone_is_the_same_instant(self) -> None:
        paris = dt.timezone(dt.timedelta(hours=1))
        assert approved(case(), DEADLINE.astimezone(paris)).state == "approved"


class TestSilence:
    @pytest.mark.parametrize("kind", ["edit", "news"])
    def test_approves_at_the_deadline_whenever_its_timer_comes(self, kind: CaseKind) -> None:
        closed = close_by_silence(case(kind), DEADLINE)
        assert closed is not None
        assert (closed.state, closed.revision) == ("approved", 2)
        assert closed.approved_fields == case(kind).fields
        assert closed.decision == Decision(how="silence", at=DEADLINE)

    def test_a_timer_of_a_later_deadline_counts(self) -> None:
        closed = close_by_silence(case(), DEADLINE + dt.timedelta(days=1))
        assert closed is not None
        assert closed.decision == Decision(how="silence", at=DEADLINE)

    def test_a_timer_of_an_older_deadline_means_nothing(self) -> None:
        assert close_by_silence(case(), DEADLINE - INSTANT) is None

    @pytest.mark.parametrize("act", [approved, refused_])
    def test_nor_does_one_of_a_decided_case(self, act: Any) -> None:
        assert close_by_silence(act(case()), DEADLINE) is None

    def test_an_announcement_is_never_approved_by_silence(self) -> None:
        assert close_by_silence(case("announcement"), DEADLINE + dt.timedelta(days=900)) is None


class ReviewMachine(RuleBasedStateMachine):
    """One case; commands, timers and their duplicates in any order."""

    AROUND = some.sampled_from([-3, -1, 0, 1, 5])
    """Hours from the deadline."""

    @initialize(kind=some.sampled_from(["edit", "news", "announcement"]))
    def open(self, kind: CaseKind) -> None:
        self.case = case(kind)
        self.decided: list[ReviewCase] = []
        self.deadline_fired = False

    def _keep(self, one: ReviewCase) -> None:
        assert one.revision == self.case.revision + 1
        self.decided.append(one)
        self.case = one

    @rule(
        hours=AROUND,
        fields=some.none() | some.lists(some.sampled_from([*FIELDS, "adresse"]), max_size=3),
    )
    def approve(self, hours: int, fields: list[str] | None) -> None:
        at = DEADLINE + dt.timedelta(hours=hours)
        try:
            one = approve(self.case, decision(at), fields)
        except InvalidInput:
            assert fields is not None
        except (ReviewAlreadyDecided, DeadlinePassed):
            assert self.decided or (self.case.deadline and at > self.case.deadline)
        else:
            self._keep(one)

    @rule(hours=AROUND, reason=some.sampled_from([None, " ", "Non."]))
    def refuse(self, hours: int, reason: str | None) -> None:
        at = DEADLINE + dt.timedelta(hours=hours)
        try:
            one = refuse(self.case, decision(at, reason))
        except InvalidInput:
            assert not (reason or "").strip()
        except (ReviewAlreadyDecided, DeadlinePassed):
            assert self.decided or (self.case.deadline and at > self.case.deadline)
        else:
            self._keep(one)

    @rule(hours=AROUND)
    def timer(self, hours: int) -> None:
        deadline = DEADLINE + dt.timedelta(hours=hours)
        one = close_by_silence(self.case, deadline)
        if one:
            self._keep(one)
        if self.case.deadline and deadline >= self.case.deadline:
            self.deadline_fired = True

    @invariant()
    def decided_at_most_once(self) -> None:
        assert len(self.decided) <= 1
        assert (self.case.decision is not None) == (self.case.state != "open")
        assert self.case == (self.decided[0] if self.decided else case(self.case.kind))

    @invariant()
    def never_open_after_its_timer(self) -> None:
        assert not (self.deadline_fired and self.case.state == "open")

    @invariant()
    def every_field_is_accounted_for(self) -> None:
        if self.decided:
            both = [*self.case.approved_fields, *self.case.refused_fields]
            assert sorted(both) == sorted(self.case.fields)


TestReviewMachine = ReviewMachine.TestCase
TestReviewMachine.settings = settings(max_examples=60, stateful_step_count=10, deadline=None)
