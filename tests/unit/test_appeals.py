"""What can still happen behind a decision: a conflict, its undoing, an appeal."""

import datetime as dt
from typing import Any

import pytest

from services.moderation.domain.appeals import can_appeal, close, dismiss, grant, lodge
from services.moderation.domain.cases import (
    Reversion,
    ReviewCase,
    approve,
    fail,
    refuse,
    revert,
    withdraw,
)
from services.moderation.domain.problems import (
    AboutToClose,
    AnotherModerator,
    NoAppeal,
    NothingToRevert,
    ReviewAlreadyDecided,
)
from shared.errors import InvalidInput, Problem
from shared.events.moderation import Decision
from tests.unit.moderation_samples import (
    FIELDS,
    OPENED,
    POSITION,
    approved,
    by_moderator,
    case,
    closed,
    held,
    partly,
    refused_,
    rule_of,
    superseded,
)


class TestConflict:
    @pytest.mark.parametrize("first", [approved, partly, closed])
    def test_what_was_accepted_can_fail(self, first: Any) -> None:
        before = first(case())
        after = fail(before)
        assert after.state == "failed"
        assert after.decision == before.decision

    @pytest.mark.parametrize("first", [refused_, withdraw, superseded])
    def test_nothing_else_can(self, first: Any) -> None:
        with pytest.raises(ReviewAlreadyDecided):
            fail(first(case()))


def undo() -> Reversion:
    return Reversion(by="account:zoe", at=OPENED, reason="Erreur.")


class TestRevert:
    @pytest.mark.parametrize("first", [approved, partly, closed])
    def test_what_is_online_is_undone_once(self, first: Any) -> None:
        before = first(case())
        after = revert(before, undo())
        assert (after.reverted, after.revision) == (undo(), before.revision + 1)
        with pytest.raises(NothingToRevert):
            revert(after, undo())

    @pytest.mark.parametrize("first", [refused_, withdraw, superseded])
    def test_what_never_was_is_not(self, first: Any) -> None:
        with pytest.raises(NothingToRevert):
            revert(first(case()), undo())

    def test_nor_is_what_waits_or_failed(self) -> None:
        for one in (case(), fail(approved(case()))):
            with pytest.raises(NothingToRevert):
                revert(one, undo())


WINDOW = OPENED + dt.timedelta(days=30)


def refused_by_zoe(fields: list[str] | None = None, **given: Any) -> ReviewCase:
    """Refused by a moderator (or but for some fields), with time to appeal."""
    one = case(**given)
    decided = approve(one, by_moderator(), fields) if fields else refuse(one, by_moderator())
    return decided.model_copy(update={"appeal_until": WINDOW})


def appealed(fields: list[str] | None = None, **given: Any) -> ReviewCase:
    return lodge(refused_by_zoe(fields, **given), "Relisez.", OPENED)


def by_yann() -> Decision:
    return by_moderator("yann", on_appeal=True)


class TestAppeals:
    def test_lodged_once(self) -> None:
        before = refused_by_zoe()
        after = lodge(before, "Relisez.", OPENED)
        assert after.revision == before.revision + 1
        assert after.appeal is not None
        assert (after.appeal.text, after.appeal.decision) == ("Relisez.", None)
        with pytest.raises(NoAppeal):
            lodge(after, "Encore.", OPENED)

    @pytest.mark.parametrize(
        "one",
        [
            case(),
            refused_(case()),
            closed(case(), held("nom")),
            refused_by_zoe().model_copy(update={"appeal_closed": True}),
            revert(refused_by_zoe(["nom"]), undo()),
        ],
    )
    def test_not_without_a_window_nor_when_it_is_over_or_undone(self, one: ReviewCase) -> None:
        assert not can_appeal(one)
        with pytest.raises(NoAppeal):
            lodge(one, "Relisez.", OPENED)

    def test_its_timer_ends_the_window_once(self) -> None:
        after = close(refused_by_zoe())
        assert after is not None
        assert not can_appeal(after)
        assert close(after) is None

    def test_a_late_timer_does_not_touch_what_is_under_appeal(self) -> None:
        assert close(appealed()) is None

    @pytest.mark.parametrize("reply", [dismiss, grant])
    def test_answered_by_somebody_else(self, reply: Any) -> None:
        with pytest.raises(AnotherModerator):
            reply(appealed(), by_moderator("zoe"))

    @pytest.mark.parametrize("reply", [dismiss, grant])
    @pytest.mark.parametrize(
        "one",
        [
            case(),
            refused_by_zoe(),
            dismiss(appealed(), by_yann()),
            grant(appealed(), by_yann(), ["nom"])[0],
            revert(appealed(["nom"]), undo()),
        ],
    )
    def test_only_what_is_open_is_answered(self, reply: Any, one: ReviewCase) -> None:
        with pytest.raises(NoAppeal):
            reply(one, by_moderator("ugo"))

    def test_dismissed(self) -> None:
        after = dismiss(appealed(), by_yann())
        assert (after.state, after.revision) == ("refused", 4)
        assert after.appeal is not None
        assert (after.appeal.granted, after.appeal.decision) == (False, by_yann())
        assert after.decision == by_moderator()

    @pytest.mark.parametrize(
        ("before", "fields", "state", "approved", "refused", "now"),
        [
            (None, None, "approved", FIELDS, [], FIELDS),
            (None, ["nom"], "partly_approved", ["nom"], ["horaires", "telephone"], ["nom"]),
            (["nom"], None, "approved", FIELDS, [], ["horaires", "telephone"]),
            (
                ["nom"],
                ["telephone"],
                "partly_approved",
                ["nom", "telephone"],
                ["horaires"],
                ["telephone"],
            ),
        ],
    )
    def test_granted(
        self,
        before: list[str] | None,
        fields: list[str] | None,
        state: str,
        approved: list[str],
        refused: list[str],
        now: list[str],
    ) -> None:
        after, chosen = grant(appealed(before), by_yann(), fields)
        assert (after.state, chosen) == (state, now)
        assert (after.approved_fields, after.refused_fields) == (approved, refused)
        assert after.appeal is not None
        assert after.appeal.granted
        assert after.revision == 4

    @pytest.mark.parametrize(
        ("fields", "rule"),
        [(["nom"], "unknown_field"), (["pivot"], "unknown_field"), ([], "too_short")],
    )
    def test_granted_for_what_was_refused_only(self, fields: list[str], rule: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            grant(appealed(["nom"]), by_yann(), fields)
        assert rule_of(refused) == ("fields", rule)

    def test_half_a_position_is_not_granted(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            grant(appealed(["nom"], changes=POSITION), by_yann(), ["latitude"])
        assert rule_of(refused) == ("fields", "together")

    @pytest.mark.parametrize("fields", [None, []])
    def test_granted_for_a_news_item(self, fields: list[str] | None) -> None:
        after, chosen = grant(appealed(kind="news"), by_yann(), fields)
        assert (after.state, chosen) == ("approved", [])

    def test_a_news_item_has_no_fields(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            grant(appealed(kind="news"), by_yann(), ["nom"])
        assert rule_of(refused) == ("fields", "unknown_field")

    def test_of_what_was_refused_when_the_rest_could_not_be_applied(self) -> None:
        after, chosen = grant(fail(appealed(["nom"])), by_yann(), ["telephone"])
        assert (after.state, chosen) == ("partly_approved", ["telephone"])


def test_every_refusal_says_its_name_in_french() -> None:
    refusals = [AboutToClose, AnotherModerator, NoAppeal, NothingToRevert, ReviewAlreadyDecided]
    assert len({one.type for one in refusals}) == len(refusals)
    assert all(issubclass(one, Problem) and one.title.endswith(".") for one in refusals)
