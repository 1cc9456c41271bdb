"""What a delivery holds and shows, and how long a mail is tried."""

from datetime import timedelta
from typing import Literal

import pytest

from services.notifications import domain
from services.notifications.domain import (
    Delivery,
    ProposedAddresses,
    after_failure,
    mail_name,
    pause,
    plan,
)
from shared.events import FieldChange
from shared.events.directory import EditApplied, FieldConflict
from shared.events.moderation import ReviewEscalated, ReviewOpened, ReviewReminded
from shared.events.notifications import NoticeBounced, NoticeSent
from tests.unit.notifications_samples import NOW, applied, contested, edit, reminder


def delivery(drawn: str = "s") -> Delivery:
    event = edit()
    [*_, one] = domain.deliveries(
        event, plan(event), correlation_id="corr", secret=drawn, moment=NOW
    )
    return one


def test_a_delivery_gives_its_event_back() -> None:
    one = delivery()
    assert one.event == edit()
    assert (one.state, one.attempts, one.due_at) == ("pending", 0, NOW)
    assert (one.case_id, one.correlation_id) == ("c1", "corr")


def test_a_mails_name_is_the_same_each_time_and_one_needs_the_secret_to_make_it() -> None:
    name = mail_name(delivery(), "ali@example.org")
    assert name == mail_name(delivery(), "ali@example.org")
    assert name != mail_name(delivery(), "ali2@example.org")
    assert name != mail_name(delivery("another"), "ali@example.org")


@pytest.mark.parametrize("state", ["rejected", "unreachable", "failed"])
def test_sent_wins(state: Literal["rejected", "unreachable", "failed"]) -> None:
    nobody = domain.finished(delivery(), state, NOW, "SMTPDataError 554")
    assert (nobody.state, nobody.error, nobody.due_at) == (state, "SMTPDataError 554", None)
    assert isinstance(domain.outcome(nobody, NOW), NoticeBounced)
    somebody = delivery().model_copy(update={"sent": ["un"]})
    done = domain.finished(somebody, state, NOW, None)
    assert (done.state, done.attempts, done.done_at) == ("sent", 1, NOW)
    assert isinstance(domain.outcome(done, NOW), NoticeSent)


@pytest.mark.parametrize(
    "event", [edit(), reminder(), contested()], ids=lambda event: type(event).__name__
)
def test_every_event_that_waits_reveals_its_addresses(
    event: ReviewOpened | ReviewReminded | ReviewEscalated,
) -> None:
    withheld = event.model_copy(update={"changes": [FieldChange(field="courriels", withheld=True)]})
    assert domain.withholds(withheld)
    revealed = domain.reveal(withheld, ProposedAddresses(["a@x.fr"], ["b@x.fr"]), [])
    assert isinstance(revealed, type(event))
    assert revealed.changes == [FieldChange(field="courriels", old=["a@x.fr"], new=["b@x.fr"])]


def test_only_withheld_values_are_revealed() -> None:
    changes = [FieldChange(field="nom", old="A", new="B"), FieldChange(field="courriels")]
    event = edit().model_copy(update={"changes": changes})
    assert not domain.withholds(event)

    changes[1] = FieldChange(field="courriels", withheld=True)
    event = edit().model_copy(update={"changes": changes})
    assert domain.withholds(event)
    revealed = domain.reveal(event, ProposedAddresses(["a@x.fr"], ["b@x.fr"]), [])
    assert isinstance(revealed, ReviewOpened)
    assert revealed.changes == [
        changes[0],
        FieldChange(field="courriels", old=["a@x.fr"], new=["b@x.fr"]),
    ]
    assert not domain.withholds(revealed)


def test_a_withheld_conflict_shows_what_is_online_now() -> None:
    event = applied(conflicts=[FieldConflict(field="courriels", withheld=True)])
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
