"""Who is told what."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifications.domain import Told, addressed, plan
from shared.events import Author
from shared.events.directory import FieldConflict
from shared.events.moderation import (
    AnnouncementRefused,
    AppealDismissed,
    CaseKind,
    ClaimApproved,
    ClaimRefused,
    EditRefused,
    NewsRefused,
    ReportDismissed,
    ReportUpheld,
)
from tests.unit.notifications_samples import (
    HELD,
    NINA,
    NOW,
    announcement,
    announcement_published,
    announcement_too_late,
    announcement_updated,
    appealed,
    applied,
    claim,
    claim_proved,
    contested,
    correction_asked,
    decided,
    edit,
    mediator_asked,
    message,
    news,
    news_published,
    proof_requested,
    reminder,
    report,
    reverted,
    review_asked,
    shortcut,
    subscription_disabled,
    unreachable,
)

CONFLICT = FieldConflict(field="nom", base="a", current="b", proposed="c")
RECEIVED = ("proposal_received", "account:nina")
TO_VENUE = ("review_opened", "venue:v1")


def told(event: Told) -> set[tuple[str, str]]:
    notices = plan(event)
    assert len({notice.id for notice in notices}) == len(notices)
    return {(notice.template, notice.recipient) for notice in notices}


@pytest.mark.parametrize("opened", [edit, news, claim])
def test_managers_and_public_addresses_are_asked_and_the_author_is_told(opened: Any) -> None:
    assert told(opened(managers=["ali", "bea"])) == {
        ("review_opened", "account:ali"),
        ("review_opened", "account:bea"),
        TO_VENUE,
        RECEIVED,
    }


@pytest.mark.parametrize("opened", [edit, news, claim])
def test_moderators_are_asked_beside_them_where_silence_is_not_enough(opened: Any) -> None:
    event = opened(for_moderators=True, held=[HELD])
    assert told(event) == {TO_VENUE, ("moderators_waiting", "moderators"), RECEIVED}


@pytest.mark.parametrize("opened", [edit, news, claim])
def test_moderators_are_asked_alone_where_nobody_can_be_reached(opened: Any) -> None:
    event = opened(for_moderators=True, public_addresses=0)
    assert told(event) == {("moderators_waiting", "moderators"), RECEIVED}


def test_a_report_is_not_for_those_it_may_be_about() -> None:
    event = report(managers=["ali"], public_addresses=1)
    assert told(event) == {("moderators_waiting", "moderators"), RECEIVED}


def test_an_end_that_everybody_knows_is_not_told() -> None:
    ended = announcement_too_late().model_copy(update={"was_online": True})
    assert plan(ended) == []


def test_a_partner_hears_of_refusals_alone() -> None:
    partner = Author(account_id="partner:ulule", name="Ulule")
    for event in (announcement_published(), announcement_updated(), announcement_too_late()):
        assert plan(event.model_copy(update={"author": partner})) == []
    refused = decided(AnnouncementRefused, author=partner)
    assert [one.recipient for one in plan(refused)] == ["account:partner:ulule"]


def test_an_announcement_goes_to_moderators_said_or_not() -> None:
    for event in (announcement(), announcement(for_moderators=True)):
        assert told(event) == {("moderators_waiting", "moderators"), RECEIVED}


def test_a_manager_named_twice_is_asked_once() -> None:
    notices = plan(edit(managers=["ali", "ali"], public_addresses=0))
    assert [notice.recipient for notice in notices] == ["account:ali", "account:nina"]


def test_an_author_who_manages_is_not_asked_about_their_own_proposal() -> None:
    mine = {"managers": ["nina"], "public_addresses": 0}
    assert told(edit(**mine)) == {RECEIVED}
    assert told(reminder(**mine)) == set()
    assert told(contested(**mine)) == set()
    assert told(applied(conflicts=[CONFLICT], **mine)) == {("edit_applied", "account:nina")}


def test_a_reminder_goes_to_those_who_decide() -> None:
    asked = {("review_reminder", "account:ali"), ("review_reminder", "venue:v1")}
    assert told(reminder(managers=["ali"])) == asked
    moderated = asked | {("moderators_reminder", "moderators")}
    assert told(reminder(managers=["ali"], for_moderators=True)) == moderated


def test_managers_settle_an_objection_and_moderators_if_they_are_asked() -> None:
    asked = {("review_contested", "account:ali"), ("review_contested", "venue:v1")}
    assert told(contested(managers=["ali"])) == asked
    moderated = asked | {("moderators_escalated", "moderators")}
    assert told(contested(managers=["ali"], for_moderators=True)) == moderated


def test_managers_that_cannot_be_reached_are_not_written_to_again() -> None:
    assert told(unreachable(managers=["ali"])) == {("moderators_escalated", "moderators")}


EVERYBODY = {"account:nina", "account:ali", "account:bea", "venue:v1", "moderators"}


@pytest.mark.parametrize(
    ("sender", "role", "but"),
    [
        (NINA, "author", "account:nina"),
        (Author(account_id="ali"), "manager", "account:ali"),
        (Author(account_id="venue:v1"), "manager", "venue:v1"),
        (Author(account_id="mo"), "moderator", "moderators"),
    ],
)
def test_a_message_goes_to_all_who_take_part_but_its_sender(
    sender: Author, role: str, but: str
) -> None:
    event = message(sender=sender, sender_role=role)
    assert told(event) == {("message_posted", one) for one in EVERYBODY - {but}}


def test_a_message_goes_to_nobody_who_takes_no_part() -> None:
    event = message(sender=NINA, sender_role="author", for_moderators=False, public_addresses=0)
    assert told(event) == {("message_posted", "account:ali"), ("message_posted", "account:bea")}
    about_them = message(kind="report", sender=Author(account_id="mo"), sender_role="moderator")
    assert told(about_them) == {("message_posted", "account:nina")}


def test_managers_hear_of_an_edit_if_something_was_in_the_way_or_nobody_was_asked() -> None:
    asked = ("account:ali", "venue:v1")
    author = ("edit_applied", "account:nina")
    assert told(applied(conflicts=[], managers=["ali"])) == {author}
    assert told(applied(managers=["ali"])) == {author, *(("edit_conflict", one) for one in asked)}
    at_once = {author, *(("edit_shortcut", one) for one in asked)}
    assert told(shortcut(managers=["ali"])) == at_once
    assert told(shortcut(managers=["ali"], applied=[])) == {author}


@pytest.mark.parametrize(
    ("event", "template", "about"),
    [
        *(
            (decided(kind), "refused", "c1")
            for kind in (
                EditRefused,
                NewsRefused,
                AnnouncementRefused,
                ReportDismissed,
                ClaimRefused,
            )
        ),
        (decided(ReportUpheld), "report_upheld", "c1"),
        (decided(ClaimApproved), "claim_approved", "c1"),
        (decided(AppealDismissed), "appeal_dismissed", "c1"),
        *((reverted(kind), "reverted", "c1") for kind in ("edit", "news", "announcement")),
        (news_published(), "published", "n1"),
        (announcement_published(), "published", "a1"),
        (announcement_updated(), "published", "a1"),
        (announcement_too_late(), "announcement_too_late", "a1"),
        (subscription_disabled(), "webhook_disabled", "s1"),
    ],
)
def test_an_outcome_goes_to_the_author_alone(event: Told, template: str, about: str) -> None:
    [notice] = plan(event)
    assert (notice.template, notice.recipient, notice.about) == (template, "account:nina", about)


def test_a_sheets_managers_are_asked_each_and_nobody_else() -> None:
    assert told(review_asked()) == {
        ("sheet_review", "account:ali"),
        ("sheet_review", "account:bea"),
    }
    assert told(correction_asked()) == {
        ("sheet_wrong", "account:ali"),
        ("sheet_wrong", "account:bea"),
    }


@pytest.mark.parametrize("kind", ["edit", "news", "announcement", "report", "claim"])
def test_an_appeal_goes_to_moderators(kind: CaseKind) -> None:
    assert told(appealed(kind)) == {("appeal_lodged", "moderators")}


def test_ids_are_the_same_each_time() -> None:
    assert [notice.id for notice in plan(edit(managers=["ali"]))] == [
        "review_opened:c1:account:ali",
        "review_opened:c1:venue:v1",
        "proposal_received:c1:account:nina",
    ]
    for event in (reminder(), contested(), message(), applied()):
        assert [one.id for one in plan(event)] == [one.id for one in plan(event)]


@pytest.mark.parametrize(
    ("event", "later"),
    [
        (reminder(), {"reminded_at": NOW + timedelta(days=1)}),
        (contested(), {"escalated_at": NOW + timedelta(days=1)}),
        (message(), {"message_id": "m2"}),
        (review_asked(), {"asked_at": NOW + timedelta(days=180)}),
        # what an appeal grants is applied later than the rest
        (applied(), {"applied_at": NOW + timedelta(days=1)}),
    ],
)
def test_what_is_told_several_times_is_told_each_time(event: Told, later: dict[str, Any]) -> None:
    again = event.model_copy(update=later)
    assert not {one.id for one in plan(event)} & {one.id for one in plan(again)}


def test_the_address_that_a_claim_names_is_asked_and_all_are_told_who_manages() -> None:
    assert told(proof_requested()) == {("claim_proof", "venue:v1")}
    assert plan(proof_requested(number=2))[0].id != plan(proof_requested())[0].id
    assert told(claim_proved()) == {
        ("claim_proved", "account:nina"),
        ("manager_named", "venue:v1"),
    }
    assert told(claim_proved("siret", addresses=0)) == {("claim_proved", "account:nina")}


def test_one_address_of_a_venue_is_meant_by_its_digest() -> None:
    both = ["mairie@lieu.example", "Accueil@lieu.example", "Accueil@lieu.example"]
    assert addressed(proof_requested(), both) == ["Accueil@lieu.example"]
    assert addressed(proof_requested("gone@lieu.example"), both) == []
    assert addressed(claim_proved(), both) == both[:2]


def test_a_venues_managers_are_asked_about_a_mediator_else_the_moderators() -> None:
    assert told(mediator_asked("ali", "bea")) == {
        ("mediator_asked", "account:ali"),
        ("mediator_asked", "account:bea"),
    }
    assert told(mediator_asked()) == {("mediator_asked", "moderators")}
