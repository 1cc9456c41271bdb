"""What may become of an announcement and of its texts."""

import datetime as dt
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.announcements.domain import announcements as rules
from services.announcements.domain.announcements import OVER, TRANSITIONS, Act, Announcement, State
from services.announcements.domain.calls import Call, Figures, FundingCall, today
from services.announcements.domain.problems import NoTextWaiting, NotInThisState
from shared.events import Author
from tests.unit.announcements_memory import (
    LAST_DAY,
    LATER,
    NOW,
    ON_APPEAL,
    REFUSED,
    VALIDATED,
    call,
    funding,
    rolling,
)

END = dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC)


def drafted(asked: Call | None = None) -> Announcement:
    asked = asked or call()
    return Announcement(
        id="a",
        author=Author(account_id="alice"),
        call=asked,
        until=asked.open_until(today(NOW)),
        created_at=NOW,
    )


def submitted(asked: Call | None = None) -> Announcement:
    draft = drafted(asked)
    return rules.submit(draft, draft.call, "a", NOW)[0]


def online(asked: Call | None = None) -> Announcement:
    return rules.validate(submitted(asked), "a", 1, VALIDATED, NOW)


def changing(before: Announcement, text: Call, case_id: str = "b") -> Announcement:
    return rules.submit(before, text, case_id, LATER)[0]


class TestTable:
    def test_every_state_is_there_and_every_act_leads_to_one(self) -> None:
        assert TRANSITIONS.keys() == set(get_args(State))
        acts = {act for possible in TRANSITIONS.values() for act in possible}
        assert acts == set(get_args(Act))

    @pytest.mark.parametrize("state", get_args(State))
    @pytest.mark.parametrize("act", get_args(Act))
    def test_what_is_not_in_it_is_refused(self, state: State, act: Act) -> None:
        one = drafted().model_copy(update={"state": state})
        if act in TRANSITIONS[state]:
            assert rules.after(one, act) == TRANSITIONS[state][act]
        else:
            with pytest.raises(NotInThisState) as refused:
                rules.after(one, act)
            assert refused.value.extra == {"state": state}

    def test_nothing_ends_what_is_over(self) -> None:
        for state in OVER:
            assert not {"withdraw", "close"} & TRANSITIONS[state].keys()

    def test_nothing_but_a_validation_puts_online(self) -> None:
        for state, acts in TRANSITIONS.items():
            shows = {act for act, to in acts.items() if to == "online"}
            assert shows <= {"validate"} or state == "online"


class TestFirstText:
    def test_a_draft_has_no_case_and_no_link(self) -> None:
        assert (drafted().cases, drafted().wanted_links, drafted().waiting) == ([], [], None)

    def test_submitted_it_waits_with_its_link(self) -> None:
        one = submitted()
        assert (one.state, one.cases, one.revision) == ("submitted", ["a"], 2)
        assert one.wanted_links == ["https://exemple.fr/appel"]

    def test_validated_it_is_online(self) -> None:
        one = online()
        assert (one.state, one.published_at, one.until) == ("online", NOW, LAST_DAY)
        assert one.is_public

    def test_refused_it_says_why_and_gives_its_link_back(self) -> None:
        one = rules.refuse(submitted(), "a", REFUSED)
        assert (one.state, one.refusal_reason, one.wanted_links) == ("refused", "Hors sujet.", [])
        assert not one.is_public

    def test_a_corrected_one_replaces_the_refused_case(self) -> None:
        refused = rules.refuse(submitted(), "a", REFUSED)
        again, replaces = rules.submit(refused, call(titre="Mieux"), "b", LATER)
        assert (again.state, replaces, again.cases) == ("submitted", "a", ["a", "b"])
        assert (again.call.titre, again.refusal_reason) == ("Mieux", None)

    def test_a_corrected_one_replaces_the_waiting_case(self) -> None:
        again, replaces = rules.submit(submitted(), call(titre="Mieux"), "b", LATER)
        assert (again.state, replaces) == ("submitted", "a")
        # its decision was on its way
        assert rules.validate(again, "a", 1, VALIDATED, LATER) is again
        assert rules.validate(again, "b", 1, VALIDATED, LATER).call.titre == "Mieux"

    def test_on_its_last_day_it_is_online_and_later_never(self) -> None:
        before = END - dt.timedelta(milliseconds=1)
        assert rules.validate(submitted(), "a", 1, VALIDATED, before).state == "online"
        late = rules.validate(submitted(), "a", 1, VALIDATED, END)
        assert (late.state, late.published_at, late.why) == ("expired", None, "expired")
        assert not late.is_public

    def test_an_appeal_puts_a_refused_one_online(self) -> None:
        refused = rules.refuse(submitted(), "a", REFUSED)
        assert rules.validate(refused, "a", 1, VALIDATED, LATER) is refused
        one = rules.validate(refused, "a", 1, ON_APPEAL, LATER)
        assert (one.state, one.refusal_reason) == ("online", None)
        assert rules.validate(one, "a", 1, ON_APPEAL, LATER) is one
        assert rules.validate(refused, "a", 1, ON_APPEAL, END).state == "expired"

    def test_what_was_withdrawn_stays_so(self) -> None:
        gone = rules.take_back(submitted(), "a")
        assert gone.state == "withdrawn"
        for after in (
            rules.validate(gone, "a", 1, ON_APPEAL, LATER),
            rules.refuse(gone, "a", REFUSED),
            rules.take_back(gone, "a"),
            rules.revert(gone, "a", LATER),
        ):
            assert after is gone

    def test_the_validated_revision_shows(self) -> None:
        improved = rules.improve(submitted(), call(titre="Mieux"), "account:m", NOW)
        improved = rules.improve(improved, call(titre="Encore mieux"), "account:m", NOW)
        for revision, titre in ((1, "Formatrice recherchée"), (2, "Mieux"), (3, "Encore mieux")):
            assert rules.validate(improved, "a", revision, VALIDATED, NOW).call.titre == titre

    def test_only_what_waits_is_improved(self) -> None:
        for one in (drafted(), online(), rules.refuse(submitted(), "a", REFUSED)):
            with pytest.raises(NoTextWaiting):
                rules.improve(one, call(titre="Mieux"), "account:m", NOW)


class TestChange:
    def test_the_old_text_stays_online_until_the_new_one_is_validated(self) -> None:
        pending = changing(online(), call(titre="Autre", lien="https://exemple.fr/autre"))
        assert (pending.state, pending.call.titre) == ("online", "Formatrice recherchée")
        assert pending.wanted_links == ["https://exemple.fr/appel", "https://exemple.fr/autre"]
        shown = rules.validate(pending, "b", 1, VALIDATED, LATER)
        assert (shown.call.titre, shown.published_at) == ("Autre", NOW)
        assert shown.wanted_links == ["https://exemple.fr/autre"]

    def test_refused_the_old_text_stays_and_its_author_reads_why(self) -> None:
        kept = rules.refuse(changing(online(), call(titre="Autre")), "b", REFUSED)
        assert (kept.state, kept.call.titre) == ("online", "Formatrice recherchée")
        assert kept.refusal_reason == "Hors sujet."
        again, replaces = rules.submit(kept, call(titre="Troisième"), "c", LATER)
        assert (replaces, again.refusal_reason) == ("b", None)

    def test_a_text_behind_a_newer_one_shows_no_more(self) -> None:
        refused = rules.refuse(changing(online(), call(titre="Deux")), "b", REFUSED)
        newer = rules.validate(changing(refused, call(titre="Trois"), "c"), "c", 1, VALIDATED, NOW)
        late = rules.validate(newer, "b", 1, ON_APPEAL, LATER)
        assert late.call.titre == "Trois"

    def test_undone_the_text_before_is_there_again(self) -> None:
        shown = rules.validate(changing(online(), call(titre="Autre")), "b", 1, VALIDATED, LATER)
        restored = rules.revert(shown, "b", LATER)
        assert (restored.state, restored.call.titre) == ("online", "Formatrice recherchée")
        assert rules.revert(restored, "b", LATER) is restored
        closed = rules.revert(restored, "a", LATER)
        assert (closed.state, closed.why, closed.is_public) == ("closed", "reverted", False)

    def test_undone_behind_another_text_only_the_history_changes(self) -> None:
        shown = rules.validate(changing(online(), call(titre="Autre")), "b", 1, VALIDATED, LATER)
        kept = rules.revert(shown, "a", LATER)
        assert (kept.state, kept.call.titre) == ("online", "Autre")
        # now nothing is left to restore
        assert rules.revert(kept, "b", LATER).state == "closed"

    def test_a_longer_call_validated_after_the_old_end_comes_back(self) -> None:
        pending = changing(online(), call(ends_on="2026-04-10"))
        ended = rules.reach(pending, LAST_DAY, END)
        assert (ended.state, ended.waiting is not None) == ("expired", True)
        back = rules.validate(ended, "b", 1, VALIDATED, END)
        assert (back.state, back.until, back.ended_at) == ("online", dt.date(2026, 4, 10), None)

    def test_figures_of_today_are_kept_by_a_new_text(self) -> None:
        one = rules.with_figures(online(funding(raised=10)), Figures(raised=70, supporters=7))
        pending = changing(one, funding(titre="Autre", raised=70, supporters=7))
        pending = rules.with_figures(pending, Figures(raised=90, supporters=9))
        shown = rules.validate(pending, "b", 1, VALIDATED, LATER).call
        assert isinstance(shown, FundingCall)
        assert (shown.titre, shown.raised, shown.supporters) == ("Autre", 90, 9)

    def test_figures_that_count_something_else_are_not(self) -> None:
        pending = changing(
            online(funding(raised=10)), funding(presale=True, currency=None, raised=3, goal=5)
        )
        shown = rules.validate(pending, "b", 1, VALIDATED, LATER).call
        assert isinstance(shown, FundingCall)
        assert shown.raised == 3

    def test_old_texts_are_forgotten_but_never_what_shows(self) -> None:
        one = online()
        for number in range(3 * rules.MOST_TEXTS):
            one = changing(one, call(titre=f"Texte {number}"), f"b{number}")
        assert len(one.texts) == rules.MOST_TEXTS
        assert one.text("a") is not None
        assert one.waiting is not None
        assert one.waiting.call.titre == f"Texte {3 * rules.MOST_TEXTS - 1}"


class TestWaves:
    def test_each_is_announced_and_the_last_closes(self) -> None:
        one = online(rolling())
        seen = [one.until]
        while one.state == "online":
            one = rules.reach(one, one.until, one.ends_at)
            if one.state == "online":
                seen.append(one.until)
        assert seen == rolling().waves
        assert (one.state, one.why) == ("closed", "closed")

    def test_a_timer_for_another_day_changes_nothing(self) -> None:
        one = online(rolling())
        assert rules.reach(one, LAST_DAY, END) is one
        moved = rules.reach(one, one.until, one.ends_at)
        assert rules.reach(moved, dt.date(2026, 3, 5), END) is moved

    def test_a_late_timer_goes_on_to_the_next_date_to_come(self) -> None:
        late = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
        one = online(rolling())
        assert rules.reach(one, one.until, late).until == dt.date(2026, 9, 5)

    @given(
        some.sets(some.dates(dt.date(2026, 3, 2), dt.date(2027, 12, 1)), min_size=1, max_size=24),
        some.lists(some.integers(0, 200), max_size=30),
    )
    def test_dates_only_ever_go_on(self, waves: set[dt.date], delays: list[int]) -> None:
        one = online(rolling(waves=sorted(waves)))
        seen = [one.until]
        for days in delays:
            one = rules.reach(one, one.until, one.ends_at + dt.timedelta(days=days))
            if one.state != "online":
                break
            seen.append(one.until)
        assert seen == sorted(set(seen))
        assert set(seen) <= waves
        assert (one.state == "closed") == (one.ended_at is not None)


class TestEnd:
    def test_one_with_a_last_day_expires(self) -> None:
        one = rules.reach(online(), LAST_DAY, END)
        assert (one.state, one.why, one.ended_at, one.is_public) == (
            "expired", "expired", END, True
        )  # fmt: skip
        assert one.wanted_links == []

    @pytest.mark.parametrize(
        ("act", "why", "state"),
        [
            ("withdraw", "withdrawn", "withdrawn"),
            ("close", "closed", "closed"),
            ("close", "funded", "closed"),
        ],
    )
    def test_what_waits_ends_with_it(self, act: Act, why: Any, state: State) -> None:
        one = rules.end(changing(online(), call(titre="Autre")), act, why, LATER)
        assert (one.state, one.why, one.waiting, one.wanted_links) == (state, why, None, [])
        assert rules.validate(one, "b", 1, VALIDATED, LATER) is one
