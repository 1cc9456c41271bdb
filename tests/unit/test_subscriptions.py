"""Subscriptions: signatures, when a delivery is tried again, what ends an endpoint, who is told."""

import datetime as dt
import json
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.announcements.domain import public_events
from services.announcements.domain.keys import new_secret
from services.announcements.domain.public_events import PublicEvent
from services.announcements.domain.subscriptions import (
    LONGEST_HOLD,
    MOST_OLD_SECRETS,
    ROTATION,
    SCHEDULE,
    USUAL_HOLD,
    Attempt,
    Delivery,
    Subscription,
    TooManySecrets,
    delivery_of,
    pause,
    retry_after,
    settle,
)
from shared.events import Author
from shared.events.announcements import AnnouncementEnded, AnnouncementPublished
from shared.events.directory import NewsPublished, VenueUpdated

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
AUTHOR = Author(account_id="ana", name="Ana")
EVENT = PublicEvent(
    id="evt_1", type="VenueUpdated", subject="lieu", time=NOW, territoire="commune:69123", data={}
)


def subscription(**values: Any) -> Subscription:
    said: dict[str, Any] = {
        "id": "s",
        "owner": AUTHOR,
        "url": "https://abonne.example.org/crochet?cle=secrete",
        "types": ["VenueUpdated"],
        "secret": new_secret(),
        "created_at": NOW,
    }
    return Subscription(**said | values)


def failed(status: int | None = 500, at: dt.datetime = NOW, **values: Any) -> Attempt:
    return Attempt(at=at, status=status, reason="status", **values)


def test_the_schedule_is_three_days_in_ten_attempts() -> None:
    assert [one.total_seconds() for one in SCHEDULE] == [
        0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]  # fmt: skip
    for attempts, wait in enumerate(SCHEDULE):
        assert pause(attempts, 0.5) == wait
        shortest, longest = pause(attempts, 0), pause(attempts, 1)
        assert shortest is not None
        assert longest is not None
        assert abs(shortest - wait * 0.9) < dt.timedelta(milliseconds=1)
        assert abs(longest - wait * 1.1) < dt.timedelta(milliseconds=1)
    assert pause(len(SCHEDULE), 0.5) is None


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", dt.timedelta(minutes=2)),
        (" 0 ", dt.timedelta()),
        ("99999999999999999999", LONGEST_HOLD),
        ("Mon, 02 Mar 2026 12:10:00 GMT", dt.timedelta(minutes=10)),
        ("Mon, 02 Mar 2026 11:00:00 GMT", dt.timedelta()),
        ("Fri, 02 Mar 2029 11:00:00 GMT", LONGEST_HOLD),
        ("Wed, 21 Oct 2026 99999999999999999999:28:00 GMT", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("demain", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, wait: dt.timedelta | None) -> None:
    assert retry_after(value, NOW) == wait


def test_a_delivery_that_is_taken_ends_the_endpoints_failures() -> None:
    fine = subscription()
    after, done = settle(fine, delivery_of("s", EVENT, NOW), Attempt(at=NOW, status=200), 0.5)
    assert after is fine
    assert (done.state, done.due_at, done.attempts, done.status) == ("delivered", None, 1, 200)

    failing = subscription(failing_since=NOW, held_until=NOW)
    after, _ = settle(failing, delivery_of("s", EVENT, NOW), Attempt(at=NOW, status=200), 0.5)
    assert (after.failing_since, after.held_until, after.revision) == (None, None, 2)


def _until_it_fails(endpoint: Subscription, delivery: Delivery) -> tuple[Subscription, Delivery]:
    while delivery.state == "pending":
        assert delivery.due_at
        endpoint, delivery = settle(endpoint, delivery, failed(at=delivery.due_at), 0.5)
    return endpoint, delivery


def test_an_endpoint_where_nothing_succeeds_is_disabled_after_the_last_attempt() -> None:
    endpoint, delivery = _until_it_fails(subscription(), delivery_of("s", EVENT, NOW))
    assert (delivery.state, delivery.attempts, delivery.due_at) == ("failed", 10, None)
    assert delivery.attempted_at == NOW + sum(SCHEDULE, dt.timedelta())
    assert (endpoint.state, endpoint.disabled_why) == ("disabled", "failing")
    assert endpoint.failing_since == NOW


def test_an_endpoint_that_takes_other_deliveries_stays() -> None:
    endpoint, delivery = settle(subscription(), delivery_of("s", EVENT, NOW), failed(), 0.5)
    endpoint, _ = settle(endpoint, delivery_of("s", EVENT, NOW), Attempt(at=NOW, status=204), 0.5)
    endpoint, delivery = _until_it_fails(endpoint, delivery)
    assert delivery.state == "failed"
    assert endpoint.state == "active"


def test_gone_disables_at_once_and_the_delivery_waits() -> None:
    endpoint, delivery = settle(subscription(), delivery_of("s", EVENT, NOW), failed(410), 0.5)
    assert (endpoint.state, endpoint.disabled_why) == ("disabled", "gone")
    assert delivery.state == "pending"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_asks_for_a_pause_gets_one(status: int) -> None:
    attempt = failed(status, retry_after=dt.timedelta(minutes=10))
    endpoint, delivery = settle(subscription(), delivery_of("s", EVENT, NOW), attempt, 0.5)
    assert endpoint.held_until == delivery.due_at == NOW + dt.timedelta(minutes=10)
    endpoint, delivery = settle(subscription(), delivery_of("s", EVENT, NOW), failed(status), 0.5)
    assert endpoint.held_until == delivery.due_at == NOW + dt.timedelta(seconds=5)


def test_a_pause_that_was_not_asked_for_is_short_whatever_its_delivery_waits() -> None:
    late = delivery_of("s", EVENT, NOW).model_copy(update={"attempts": 7, "failing_since": NOW})
    endpoint, delivery = settle(subscription(), late, failed(503), 0.5)
    assert delivery.due_at == NOW + SCHEDULE[8]
    assert endpoint.held_until == NOW + USUAL_HOLD
    # one that is asked for is kept, the delivery's last attempt or not
    last = late.model_copy(update={"attempts": 9, "failing_since": NOW})
    fine = subscription(failing_since=NOW + dt.timedelta(hours=1))
    attempt = failed(429, retry_after=dt.timedelta(hours=2))
    endpoint, delivery = settle(fine, last, attempt, 0.5)
    assert (delivery.state, endpoint.state) == ("failed", "active")
    assert endpoint.held_until == NOW + dt.timedelta(hours=2)


def test_what_cannot_be_sent_any_more_fails_and_says_nothing_of_the_endpoint() -> None:
    fine = subscription()
    attempt = Attempt(at=NOW, reason="event-no-longer-kept", made=False)
    after, delivery = settle(fine, delivery_of("s", EVENT, NOW), attempt, 0.5)
    assert after is fine
    assert (delivery.state, delivery.due_at, delivery.attempts) == ("failed", None, 0)
    assert (delivery.revision, delivery.reason) == (2, "event-no-longer-kept")


def test_what_was_asked_for_is_asked_for_once() -> None:
    _, delivery = settle(subscription(), delivery_of("s", EVENT, NOW, asked=True), failed(), 0.5)
    assert not delivery.asked
    assert delivery.queued_again(NOW, asked=True).asked


def test_every_old_secret_signs_for_its_own_day() -> None:
    moment = dt.datetime.now(dt.UTC)
    first = subscription()
    second = first.rotated(moment)
    third = second.rotated(moment + dt.timedelta(hours=1))
    for at, good in [
        (moment + ROTATION - dt.timedelta(minutes=1), [third, first, second]),
        (moment + ROTATION, [third, second]),
        (moment + ROTATION + dt.timedelta(hours=1), [third]),
    ]:
        signed = " ".join(Webhook(one.secret).sign("evt_1", at, "{}") for one in good)
        assert third.signatures("evt_1", at, "{}") == signed
    assert third.old_secret_until == moment + dt.timedelta(hours=1) + ROTATION


def test_a_secret_that_was_promised_its_time_is_not_dropped_for_another() -> None:
    endpoint = subscription()
    for _ in range(MOST_OLD_SECRETS):
        endpoint = endpoint.rotated(NOW)
    with pytest.raises(TooManySecrets) as refusal:
        endpoint.rotated(NOW + dt.timedelta(hours=23))
    assert refusal.value.extra == {"until": (NOW + ROTATION).isoformat()}
    later = endpoint.rotated(NOW + ROTATION)
    assert len(later.old_secrets) == 1


def test_a_pause_is_never_shorter_than_the_schedules() -> None:
    attempt = failed(500, retry_after=dt.timedelta())
    endpoint, delivery = settle(subscription(), delivery_of("s", EVENT, NOW), attempt, 0.5)
    assert delivery.due_at == NOW + dt.timedelta(seconds=5)
    # one delivery may be at fault alone
    assert endpoint.held_until is None


def test_both_secrets_sign_for_a_day() -> None:
    # the library checks against the clock
    moment = dt.datetime.now(dt.UTC)
    before = subscription()
    after = before.rotated(moment)
    assert after.secret != before.secret
    paris = moment.astimezone(dt.timezone(dt.timedelta(hours=2)))
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        # an hour written for another zone is the same moment
        "webhook-signature": after.signatures("evt_1", paris, "{}"),
    }
    for secret in (before.secret, after.secret):
        Webhook(secret).verify("{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify("{}", headers)
    late = after.signatures("evt_1", moment + ROTATION, "{}")
    assert late == Webhook(after.secret).sign("evt_1", moment + ROTATION, "{}")


@pytest.mark.parametrize(
    ("wanted", "there", "told"),
    [
        (None, "commune:69123", True),
        (None, None, True),
        ("departement:69", "commune:69123", True),
        ("region:84", "commune:69123", True),
        ("france", "commune:97411", True),
        ("commune:69123", "commune:69123", True),
        ("departement:38", "commune:69123", False),
        ("commune:69123", "departement:69", False),
        ("departement:69", None, False),
    ],
)
def test_where_it_must_happen(wanted: str | None, there: str | None, told: bool) -> None:
    event = EVENT.model_copy(update={"territoire": there})
    assert subscription(territoire=wanted).wants(event) is told
    assert not subscription(types=["AnnouncementEnded"]).wants(event)


@pytest.mark.parametrize(
    ("insee", "postal", "place"),
    [
        ("69123", "69001", "commune:69123"),
        (None, "69001", "departement:69"),
        (None, "97411", "departement:974"),
        (None, "20090", "departement:2A"),
        (None, "20167", "departement:2A"),
        (None, "20200", "departement:2B"),
        (None, None, None),
    ],
)
def test_where_a_venue_is(insee: str | None, postal: str | None, place: str | None) -> None:
    assert public_events.place_of(insee, postal) == place


def test_what_is_told_of_an_announcement() -> None:
    event = AnnouncementPublished(
        announcement_id="a1",
        revision=2,
        kind="skills_call",
        titre="Bénévoles",
        lien="https://association.example.org/appel",
        territoire="departement:69",
        ends_on=dt.date(2026, 6, 1),
        author=Author(account_id="compte-secret", name="Ana"),
        published_at=NOW,
    )
    told = public_events.of_announcement(event, event.published_at, event.revision)
    body = told.body("https://annonces.example.org/")
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": told.id,
        "source": "/mednum",
        "type": "AnnouncementPublished",
        "subject": "a1",
        "time": "2026-03-02T12:00:00+00:00",
        "datacontenttype": "application/json",
        "data": {
            "announcement_id": "a1",
            "revision": 2,
            "kind": "skills_call",
            "titre": "Bénévoles",
            "lien": "https://association.example.org/appel",
            "territoire": "departement:69",
            "ends_on": "2026-06-01",
            "next_date": None,
            "url": "https://annonces.example.org/announcements/a1",
        },
    }
    again = public_events.of_announcement(event, NOW, event.revision)
    assert again.id == told.id
    assert "." not in told.id
    ended = AnnouncementEnded(
        announcement_id="a1", revision=2, titre="Bénévoles", author=event.author, ended_at=NOW
    )
    other = public_events.of_announcement(ended, NOW, ended.revision)
    assert other.id != told.id
    assert "compte-secret" not in other.body("") + body


def test_what_is_told_of_a_venue() -> None:
    updated = VenueUpdated(
        venue_id="lieu", revision=3, nom="Ici", code_insee="69123", fields=["nom"], updated_at=NOW
    )
    told = public_events.of_venue(updated)
    assert told.data == {"venue_id": "lieu", "revision": 3, "fields": ["nom"]}
    assert told.territoire == "commune:69123"
    news = NewsPublished(
        venue_id="lieu",
        proposal_id="n1",
        venue_nom="Ici",
        author=AUTHOR,
        accepted_by="manager",
        titre="Atelier",
        published_at=NOW,
    )
    told = public_events.of_news(news, "commune:69123")
    assert (told.type, told.subject) == ("VenueNewsPublished", "lieu")
    assert told.data == {"venue_id": "lieu", "news_id": "n1"}
