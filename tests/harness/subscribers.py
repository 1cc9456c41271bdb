"""What a subscriber does: subscribes, gets deliveries, and looks at what became of them."""

from typing import Any
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from shared.database import now
from shared.events.directory import VenueUpdated
from tests.harness import System, eventually
from tests.harness.receiver import Received, Receiver
from tests.harness.stories import Person


def partner() -> Person:
    """Somebody who may subscribe."""
    return Person("ville", "partner")


def ask(system: System, person: Person, method: str, path: str, body: Any = None) -> httpx.Response:
    """A request about subscriptions."""
    content = {} if body is None else {"json": body}
    return system.call(
        method, "announcements", f"/subscriptions{path}", as_=person.token, **content
    )


def subscribed(
    system: System, person: Person, receiver: Receiver, path: str, **values: Any
) -> dict[str, Any]:
    """A new subscription, with its secret."""
    body = {"url": receiver.url(path), "types": ["VenueUpdated"], **values}
    answer = ask(system, person, "POST", "", body)
    assert answer.status_code == 201, answer.text
    subscription: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/subscriptions/{subscription['id']}"
    return subscription


def an_update(**values: Any) -> VenueUpdated:
    """A change of a sheet, of a venue of its own."""
    said: dict[str, Any] = {
        "venue_id": f"lieu-{uuid4().hex[:8]}",
        "revision": 2,
        "nom": "Médiathèque",
        "code_insee": "69123",
        "fields": ["horaires"],
        "updated_at": now(),
    }
    return VenueUpdated(**said | values)


def got(receiver: Receiver, path: str, count: int = 1) -> list[Received]:
    """What has come to a path, once it is so much."""

    def come() -> list[Received]:
        there = receiver.at(path)
        assert len(there) >= count, there
        return there

    found = eventually(come)
    assert len(found) == count, found
    return found


def verified(one: Received, secret: str) -> Any:
    """The body of a delivery whose signature is good."""
    assert one.headers["content-type"] == "application/cloudevents+json"
    return Webhook(secret).verify(one.body, one.headers)


def deliveries(system: System, person: Person, subscription: str, query: str = "") -> Any:
    """The deliveries of a subscription, newest first."""
    answer = ask(system, person, "GET", f"/{subscription}/deliveries{query}")
    assert answer.is_success, answer.text
    return answer.json()["items"]


def settled(system: System, person: Person, subscription: str, state: str) -> Any:
    """The only delivery of a subscription, once it has been tried and is in a state."""

    def check() -> Any:
        kept = deliveries(system, person, subscription)
        assert len(kept) == 1, kept
        one = kept[0]
        return one if one["state"] == state and one["attempts"] else None

    return eventually(check)


def path() -> str:
    """One of the test's own."""
    return f"/crochet-{uuid4().hex[:8]}"
