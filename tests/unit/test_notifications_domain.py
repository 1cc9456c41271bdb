"""Who is told what, and how long a mail is tried."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.notifications import domain
from services.notifications.domain import ProposedAddresses, Told, after_failure, pause, plan
from shared.events import Author, FieldChange
from shared.events.announcements import AnnouncementPublished
from shared.events.directory import EditApplied, FieldConflict, NewsPublished
from shared.events.moderation import (
    AnnouncementRefused,
    CaseKind,
    Decision,
    EditRefused,
    NewsRefused,
    ReviewOpened,
    ReviewReminded,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
AUTHOR = Author(account_id="nina", name="Nina")
DECISION = Decision(how="moderator", by="account:mo", at=NOW, reason="Non.")


def opened(kind: CaseKind = "edit", *, public_addresses: int = 1) -> ReviewOpened:
    return ReviewOpened(
        case_id="c1",
        revision=1,
        kind=kind,
        venue_id=None if kind == "announcement" else "v1",
        title="Médiathèque",
        author=AUTHOR,
        public_addresses=public_addresses,
        opened_at=NOW,
    )


def reminded(kind: CaseKind = "edit", at: datetime = NOW) -> ReviewReminded:
    return ReviewReminded(**opened(kind).model_dump(exclude={"opened_at"}), reminded_at=at)


def applied(*conflicts: FieldConflict) -> EditApplied:
    return EditApplied(
        venue_id="v1",
        proposal_id="c1",
        venue_nom="Médiathèque",
        revision=2,
        author=AUTHOR,
        accepted_by="silence",
        applied=[],
        unchanged=[],
        conflicts=list(conflicts),
        public_addresses=1,
        applied_at=NOW,
    )


def refused(kind: type[EditRefused | NewsRefused | AnnouncementRefused], case_id: str) -> Told:
    return kind.model_validate(
        {
            "case_id": case_id,
            "revision": 2,
            "author": AUTHOR,
            "title": "Médiathèque",
            "decision": DECISION,
            "venue_id": "v1",
        }
    )


def managed(event: Told, *managers: str) -> Told:
    return event.model_copy(update={"managers": list(managers)})


def told(event: Told, *managers: str) -> set[tuple[str, str]]:
    return {(notice.template, notice.recipient) for notice in plan(managed(event, *managers))}


@pytest.mark.parametrize("kind", ["edit", "news"])
def test_managers_and_public_addresses_are_asked_and_the_author_is_told(kind: CaseKind) -> None:
    assert told(opened(kind), "ali", "bea") == {
        ("review_opened", "account:ali"),
        ("review_opened", "account:bea"),
        ("review_opened", "venue:v1"),
        ("proposal_received", "account:nina"),
    }


def test_a_venue_without_public_address_gets_none() -> None:
    assert told(opened(public_addresses=0)) == {("proposal_received", "account:nina")}


def test_an_author_who_manages_is_not_asked_about_their_own_proposal() -> None:
    conflict = FieldConflict(field="nom", base="a", current="b", proposed="c")
    for event in (opened(), reminded(), applied(conflict)):
        asked = {(t, r) for t, r in told(event, "nina") if t not in {"proposal_received"}}
        assert ("review_opened", "account:nina") not in asked
        assert ("review_reminder", "account:nina") not in asked
        assert ("edit_conflict", "account:nina") not in asked


def test_a_manager_named_twice_is_asked_once() -> None:
    notices = plan(managed(opened(public_addresses=0), "ali", "ali"))
    assert [notice.recipient for notice in notices] == ["account:ali", "account:nina"]


def test_an_announcement_goes_to_moderators() -> None:
    assert told(opened("announcement"), "ali") == {
        ("announcement_waiting", "moderators"),
        ("proposal_received", "account:nina"),
    }


def test_a_reminder_goes_to_those_in_charge_only() -> None:
    assert told(reminded(), "ali") == {
        ("review_reminder", "account:ali"),
        ("review_reminder", "venue:v1"),
    }
    assert told(reminded("announcement"), "ali") == set()


def test_managers_hear_of_an_applied_edit_only_if_something_was_in_the_way() -> None:
    assert told(applied(), "ali") == {("edit_applied", "account:nina")}
    conflict = FieldConflict(field="nom", base="a", current="b", proposed="c")
    assert told(applied(conflict), "ali") == {
        ("edit_applied", "account:nina"),
        ("edit_conflict", "account:ali"),
        ("edit_conflict", "venue:v1"),
    }


@pytest.mark.parametrize(
    ("event", "template", "about"),
    [
        (
            refused(EditRefused, "c1"),
            "refused",
            "c1",
        ),
        (
            refused(NewsRefused, "n1"),
            "refused",
            "n1",
        ),
        (
            refused(AnnouncementRefused, "a1"),
            "refused",
            "a1",
        ),
        (
            NewsPublished(
                venue_id="v1",
                proposal_id="n1",
                venue_nom="M",
                author=AUTHOR,
                accepted_by="manager",
                titre="T",
                published_at=NOW,
            ),
            "published",
            "n1",
        ),
        (
            AnnouncementPublished(
                announcement_id="a1",
                revision=1,
                kind="skills_call",
                titre="T",
                lien="https://exemple.fr",
                ends_on=date(2026, 12, 1),
                author=AUTHOR,
                published_at=NOW,
            ),
            "published",
            "a1",
        ),
    ],
)
def test_an_outcome_goes_to_the_author_alone(event: Told, template: str, about: str) -> None:
    [notice] = plan(managed(event, "ali"))
    assert (notice.template, notice.recipient, notice.about) == (template, "account:nina", about)


def test_ids_are_the_same_each_time_and_tell_reminders_apart() -> None:
    assert [notice.id for notice in plan(managed(opened(), "ali"))] == [
        "review_opened:c1:account:ali",
        "review_opened:c1:venue:v1",
        "proposal_received:c1:account:nina",
    ]
    first, again = plan(managed(reminded(), "ali")), plan(managed(reminded(), "ali"))
    later = plan(managed(reminded(at=NOW + timedelta(days=1)), "ali"))
    assert [one.id for one in first] == [one.id for one in again]
    assert not {one.id for one in first} & {one.id for one in later}


def test_a_delivery_gives_its_event_back() -> None:
    event = opened()
    [*_, delivery] = domain.deliveries(event, plan(event), correlation_id="corr", moment=NOW)
    assert delivery.event == event
    assert (delivery.state, delivery.attempts, delivery.due_at) == ("pending", 0, NOW)
    assert (delivery.case_id, delivery.correlation_id) == ("c1", "corr")


def test_only_withheld_values_are_revealed() -> None:
    changes = [FieldChange(field="nom", old="A", new="B"), FieldChange(field="courriels")]
    event = opened().model_copy(update={"changes": changes})
    assert not domain.withholds(event)

    changes[1] = FieldChange(field="courriels", withheld=True)
    event = opened().model_copy(update={"changes": changes})
    assert domain.withholds(event)
    revealed = domain.reveal(event, ProposedAddresses(["a@x.fr"], ["b@x.fr"]), [])
    assert isinstance(revealed, ReviewOpened)
    assert revealed.changes == [
        changes[0],
        FieldChange(field="courriels", old=["a@x.fr"], new=["b@x.fr"]),
    ]
    assert not domain.withholds(revealed)


def test_a_withheld_conflict_shows_what_is_online_now() -> None:
    event = applied(FieldConflict(field="courriels", withheld=True))
    assert domain.withholds(event)
    revealed = domain.reveal(event, ProposedAddresses(["a@x.fr"], ["b@x.fr"]), ["c@x.fr"])
    assert isinstance(revealed, EditApplied)
    [conflict] = revealed.conflicts
    assert (conflict.base, conflict.current, conflict.proposed) == (
        ["a@x.fr"],
        ["c@x.fr"],
        ["b@x.fr"],
    )


def test_pauses_double_up_to_five_minutes() -> None:
    longest = [pause(attempt, 1.0).total_seconds() for attempt in range(1, 12)]
    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert pause(10_000, 1.0) == timedelta(minutes=5)


def test_chance_takes_at_most_half_of_a_pause() -> None:
    assert pause(4, 0.0) == timedelta(seconds=4)
    assert pause(4, 0.5) == timedelta(seconds=6)


@pytest.mark.parametrize(
    ("failing", "unknown", "state"),
    [
        (timedelta(0), False, "pending"),
        (timedelta(days=5, seconds=-1), False, "pending"),
        (timedelta(days=5), False, "failed"),
        (timedelta(days=1, seconds=-1), True, "pending"),
        (timedelta(days=1), True, "unreachable"),
    ],
)
def test_it_gives_up_in_the_end(failing: timedelta, unknown: bool, state: str) -> None:
    assert after_failure(failing, contact_unknown=unknown) == state
