"""Subscribers: what they are sent, how it is signed and asked for again, and who may."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.database import now
from shared.events import Author
from shared.events.announcements import AnnouncementEnded, AnnouncementPublished
from shared.events.directory import NewsProposed, NewsPublished, NewsUnpublished
from tests.harness import Servers, System, eventually
from tests.harness.bus import published, tell
from tests.harness.receiver import Receiver, Reply
from tests.harness.refusals import bad_authorizations, refused
from tests.harness.rows import database, nothing_written, rows, wait_for_rows
from tests.harness.stories import Person
from tests.harness.subscribers import (
    an_update,
    ask,
    deliveries,
    got,
    partner,
    path,
    settled,
    subscribed,
    verified,
)

ALL = [
    "AnnouncementPublished",
    "AnnouncementUpdated",
    "AnnouncementWaveOpened",
    "AnnouncementEnded",
    "VenueUpdated",
    "VenueNewsPublished",
    "VenueNewsWithdrawn",
]


async def test_a_delivery_is_signed_and_says_what_is_public(
    sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    subscription = subscribed(sending, person, receiver, there, types=ALL)
    event = AnnouncementPublished(
        announcement_id=uuid4().hex,
        revision=2,
        kind="skills_call",
        titre="Bénévoles",
        lien="https://association.example.org/appel",
        territoire="departement:69",
        ends_on=dt.date(2028, 1, 31),
        author=Author(account_id="compte-secret", name="Nom secret"),
        published_at=now(),
    )
    # once, though it is told twice, and as two messages
    await tell(sending, event, event)
    never_online = AnnouncementEnded(
        announcement_id=uuid4().hex, revision=2, titre="Rien", was_online=False, ended_at=now()
    )
    venue = an_update()
    news = {
        "venue_id": "lieu",
        "proposal_id": uuid4().hex,
        "venue_nom": "Ici",
        "author": event.author,
        "titre": "Atelier",
    }
    proposed = NewsProposed(
        **news,
        author_is_manager=False,
        public_addresses=0,
        texte="Venez.",
        code_insee="69123",
        proposed_at=now(),
    )
    online = NewsPublished(**news, accepted_by="moderator", published_at=now())
    await tell(sending, never_online, venue, proposed, online)

    bodies = {one["type"]: one for one in map_verified(receiver, there, 3, subscription["secret"])}
    assert bodies.keys() == {"AnnouncementPublished", "VenueUpdated", "VenueNewsPublished"}
    told = bodies["AnnouncementPublished"]
    assert told["subject"] == event.announcement_id
    page = f"https://annonces.example.org/announcements/{event.announcement_id}"
    assert (told["data"]["url"], told["data"]["titre"]) == (page, "Bénévoles")
    assert bodies["VenueUpdated"]["data"]["fields"] == ["horaires"]
    assert "secret" not in json.dumps(bodies)
    for one in receiver.at(there):
        assert json.loads(one.body)["id"] == one.headers["webhook-id"]
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "A" * 32).verify(one.body, one.headers)
    [contact] = await published(sending, "contacts", person.id, 1)
    assert contact.body["email"] == person.email

    def all_noted() -> list[Any]:
        # a request is there before its row says so
        kept: list[Any] = deliveries(sending, person, subscription["id"], "?status=delivered")
        assert {one["id"] for one in kept} == {one["id"] for one in bodies.values()}
        return kept

    kept = eventually(all_noted)
    assert {(one["status"], one["attempts"], one["reason"]) for one in kept} == {(204, 1, None)}


def map_verified(receiver: Receiver, there: str, count: int, secret: str) -> list[Any]:
    """The bodies of all deliveries to a path."""
    return [verified(one, secret) for one in got(receiver, there, count)]


async def test_news_that_is_taken_offline_is_told_where_it_was(
    sending: System, receiver: Receiver
) -> None:
    person, there, elsewhere = partner(), path(), path()
    types = ["VenueNewsWithdrawn", "VenueUpdated"]
    subscribed(sending, person, receiver, there, types=types, territoire="departement:69")
    subscribed(sending, person, receiver, elsewhere, types=types, territoire="departement:38")
    news = {"venue_id": "lieu", "proposal_id": uuid4().hex}
    proposed = NewsProposed(
        **news,
        venue_nom="Ici",
        author=Author(account_id="ana", name="Ana"),
        titre="Atelier",
        author_is_manager=False,
        public_addresses=0,
        texte="Venez.",
        code_insee="69123",
        proposed_at=now(),
    )
    withdrawn = NewsUnpublished(**news, reason="Motif secret", unpublished_at=now())
    await tell(sending, proposed, withdrawn, an_update(code_insee="38185"))
    [one] = got(receiver, there)
    body = json.loads(one.body)
    assert (body["type"], body["subject"]) == ("VenueNewsWithdrawn", "lieu")
    assert body["data"] == {"venue_id": "lieu", "news_id": news["proposal_id"]}
    [other] = got(receiver, elsewhere)
    assert json.loads(other.body)["type"] == "VenueUpdated"


async def test_only_what_happens_there_is_told(sending: System, receiver: Receiver) -> None:
    person, there, everywhere = partner(), path(), path()
    subscribed(sending, person, receiver, there, territoire="departement:38")
    subscribed(sending, person, receiver, everywhere)
    inside = an_update(code_insee="38185")
    await tell(sending, an_update(), an_update(code_insee=None), inside)
    got(receiver, everywhere, 3)
    [one] = got(receiver, there)
    assert json.loads(one.body)["subject"] == inside.venue_id


async def test_a_new_secret_signs_beside_the_old_one(sending: System, receiver: Receiver) -> None:
    person, there = partner(), path()
    old = subscribed(sending, person, receiver, there)
    new = ask(sending, person, "POST", f"/{old['id']}/secret").json()
    assert new["secret"] != old["secret"]
    shown = ask(sending, person, "GET", f"/{old['id']}").json()
    assert "secret" not in shown
    await tell(sending, an_update())
    [one] = got(receiver, there)
    assert len(one.headers["webhook-signature"].split(" ")) == 2
    for secret in (old["secret"], new["secret"]):
        verified(one, secret)
    for _ in range(4):
        assert ask(sending, person, "POST", f"/{old['id']}/secret").is_success
    # one more would take away what was promised
    answer = ask(sending, person, "POST", f"/{old['id']}/secret")
    refused(answer, 409, "too-many-secrets")


async def test_what_was_missed_is_asked_for_again(sending: System, receiver: Receiver) -> None:
    person, there = partner(), path()
    started = now()
    subscription = subscribed(sending, person, receiver, there)["id"]
    taken, other = an_update(), an_update()
    await tell(sending, taken)
    [before] = got(receiver, there)
    settled(sending, person, subscription, "delivered")
    ask(sending, person, "PATCH", f"/{subscription}", {"types": ["AnnouncementEnded"]})
    await tell(sending, other)
    await wait_for_rows(sending, "announcements", "public_events", 1, subject=other.venue_id)
    ask(sending, person, "PATCH", f"/{subscription}", {"types": ["VenueUpdated"]})

    recover = {"since": started.isoformat()}
    answer = ask(sending, person, "POST", f"/{subscription}/recover", recover)
    assert (answer.status_code, answer.json()) == (202, {"queued": 2})
    again = got(receiver, there, 3)[1:]
    assert {json.loads(one.body)["subject"] for one in again} == {taken.venue_id, other.venue_id}
    # what was taken comes under the same id
    assert before.headers["webhook-id"] in {one.headers["webhook-id"] for one in again}
    for since in (started - dt.timedelta(days=31), started + dt.timedelta(days=1)):
        body = {"since": since.isoformat()}
        answer = ask(sending, person, "POST", f"/{subscription}/recover", body)
        refused(answer, 422, "invalid-input", ("since", "too_far"))

    [one] = [
        one
        for one in deliveries(sending, person, subscription)
        if one["id"] == before.headers["webhook-id"]
    ]
    replay = f"/{subscription}/deliveries/{one['id']}/replay"
    assert ask(sending, person, "POST", replay).status_code == 202
    assert got(receiver, there, 4)[3].headers["webhook-id"] == one["id"]
    unknown = f"/{subscription}/deliveries/evt_rien/replay"
    refused(ask(sending, person, "POST", unknown), 404, "delivery-not-found")


async def test_a_ping_comes(sending: System, receiver: Receiver) -> None:
    person, there = partner(), path()
    subscription = subscribed(sending, person, receiver, there)
    answer = ask(sending, person, "POST", f"/{subscription['id']}/test")
    assert answer.status_code == 202
    [one] = got(receiver, there)
    body = verified(one, subscription["secret"])
    assert (body["type"], body["id"]) == ("ping", answer.json()["id"])


async def test_by_default_nothing_inside_our_network_is_called(
    servers: Servers, sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    system = System(servers, services=("announcements",))
    try:
        system.start()
        for url, rule in [
            (receiver.url(there), "scheme"),
            ("https://127.0.0.2/", "private_address"),
            ("https://169.254.169.254/", "private_address"),
        ]:
            answer = ask(system, person, "POST", "", {"url": url, "types": ["VenueUpdated"]})
            refused(answer, 422, "invalid-input", ("url", rule))
        body = {"url": "https://abonne.example.org/", "types": ["VenueUpdated"]}
        subscription = ask(system, person, "POST", "", body).json()["id"]
        # as if the name had led elsewhere when it was subscribed
        async with database(system, "announcements") as behind:
            await behind.plain("subscriptions").update_one(
                {"_id": subscription}, {"$set": {"url": receiver.url(there)}}
            )
        await tell(system, an_update())
        one = settled(system, person, subscription, "pending")
        assert (one["reason"], one["status"]) == ("address-not-allowed", None)
        assert receiver.at(there) == []
    finally:
        system.stop()


def test_who_may_subscribe_and_to_what(sending: System, receiver: Receiver) -> None:
    person, admin, other = partner(), Person("adm", "admin"), partner()
    good = {"url": receiver.url(path()), "types": ["VenueUpdated"]}
    for header in bad_authorizations().values():
        headers = {"Authorization": header} if header else {}
        answer = sending.call("POST", "announcements", "/subscriptions", json=good, headers=headers)
        refused(answer, 401, "not-authenticated")
    for nobody in (Person("ana"), Person("mo", "moderator")):
        refused(ask(sending, nobody, "POST", "", good), 403, "not-allowed")
        refused(ask(sending, nobody, "GET", ""), 403, "not-allowed")
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({"types": []}, "types", "too_short"),
        ({"types": ["ReviewOpened"]}, "types.0", "value_error"),
        ({"territoire": "departement:99"}, "territoire", "value_error"),
        ({"secret": "whsec_moi"}, "secret", "extra_forbidden"),
        ({"url": "https://moi:moi@abonne.example.org/"}, "url", "userinfo"),
        ({"url": "https://annonces.example.org/x"}, "url", "own_portal"),
    ]
    for wrong, field, rule in bad:
        answer = ask(sending, person, "POST", "", good | wrong)
        refused(answer, 422, "invalid-input", (field, rule))

    own = subscribed(sending, person, receiver, path())["id"]
    assert [one["id"] for one in ask(sending, person, "GET", "").json()["items"]] == [own]
    assert ask(sending, admin, "GET", f"/{own}").json()["id"] == own
    assert own in {one["id"] for one in ask(sending, admin, "GET", "").json()["items"]}
    for method, at in [
        ("GET", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/enable"), ("POST", "/test"),
        ("GET", "/deliveries"),
    ]:  # fmt: skip
        answer = ask(sending, other, method, f"/{own}{at}")
        refused(answer, 404, "subscription-not-found")
    answer = ask(sending, person, "PATCH", f"/{own}", {"url": "https://10.0.0.1/"})
    refused(answer, 422, "invalid-input", ("url", "private_address"))
    changed = ask(sending, person, "PATCH", f"/{own}", {"territoire": "departement:69"})
    assert changed.json()["territoire"] == "departement:69"
    assert ask(sending, person, "PATCH", f"/{own}", {"territoire": None}).json() == (
        changed.json() | {"territoire": None}
    )
    assert ask(sending, person, "DELETE", f"/{own}").status_code == 204
    refused(ask(sending, person, "GET", f"/{own}"), 404, "subscription-not-found")


async def test_at_most_twenty_of_one_owner(sending: System, receiver: Receiver) -> None:
    person = partner()
    for _ in range(20):
        subscribed(sending, person, receiver, path(), types=["AnnouncementEnded"])
    async with nothing_written(sending, "announcements"):
        body = {"url": receiver.url("/"), "types": ["VenueUpdated"]}
        refused(ask(sending, person, "POST", "", body), 409, "too-many-subscriptions")


async def test_what_was_to_go_to_a_removed_endpoint_is_forgotten(
    sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    receiver.answers(there, Reply(500))
    subscription = subscribed(sending, person, receiver, there)["id"]
    await tell(sending, an_update())
    settled(sending, person, subscription, "pending")
    assert ask(sending, person, "DELETE", f"/{subscription}").status_code == 204
    assert await rows(sending, "announcements", "webhooks", subscription=subscription) == []
