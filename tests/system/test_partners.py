"""A partner's call, from its push to those who follow: HTTP, mails, feeds and webhooks only."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from tests.harness import Servers, System, eventually
from tests.harness.partners import Platform, event
from tests.harness.receiver import Receiver
from tests.harness.stories import (
    MODERATOR,
    NOBODY,
    Person,
    decide,
    new_venue,
    propose,
    wait_until_applied,
)
from tests.harness.system import MODERATORS, text_of

TYPES = ["AnnouncementPublished", "AnnouncementUpdated", "AnnouncementEnded", "VenueUpdated"]


@pytest.fixture(scope="module")
def open_system(servers: Servers) -> Iterator[System]:
    """All services; webhooks may come to this machine."""
    system = System(servers, PRIVATE_NETWORKS='["127.0.0.0/8"]')
    try:
        yield system.start()
    finally:
        system.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


def call(**values: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "kind": "skills_call",
        "titre": f"Animer un atelier {uuid4().hex[:8]}",
        "texte": "Deux heures par semaine.",
        "lien": f"https://missions.example.org/{uuid4().hex}",
        "territoire": "departement:69",
        "help_kind": "volunteering",
        "place": "Lyon",
        "skills": ["animation"],
        "ends_on": "2028-01-31",
        **values,
    }


def page(system: System, id_: str) -> Any:
    return system.get("announcements", f"/announcements/{id_}", as_=MODERATOR)


def pushed(platform: Platform, reference: str, data: dict[str, Any], type_: str) -> str:
    """Push an event and wait until it is applied; the announcement's id."""
    answer = platform.send(event(reference, data, type_))
    assert answer.status_code == 202, answer.text
    id_ = answer.json()["delivery"]
    eventually(lambda: platform.delivery(id_)["status"] == "applied")
    [announcement] = answer.json()["announcements"]
    return str(announcement)


def got(receiver: Receiver, secret: str, type_: str, subject: str) -> Any:
    """The body of a webhook of this type about this subject, verified; waits for it."""

    def check() -> Any:
        for one in receiver.received:
            body = Webhook(secret).verify(one.body, one.headers)
            if body["type"] == type_ and subject in json.dumps(body):
                return body
        return None

    return eventually(check)


def test_from_a_push_to_subscribers(open_system: System, receiver: Receiver) -> None:
    system, platform, town = open_system, Platform(open_system), Person("mairie", "partner")
    body = {"url": receiver.url("/mednum"), "types": TYPES}
    secret = system.post("announcements", "/subscriptions", body, as_=town.token)["secret"]

    first = call()
    id_ = pushed(platform, "m1", first, "announcement.published")
    told = eventually(
        lambda: [mail for mail in system.mails(MODERATORS) if first["titre"] in text_of(mail)]
    )
    assert "animation" in text_of(told[0])
    case = eventually(lambda: system.get("moderation", f"/cases/{id_}", as_=MODERATOR))
    assert case["text"].startswith(first["texte"])

    # a moderator puts a word right, then accepts: what was accepted is what is shown
    better = {name: value for name, value in first.items() if name != "version"}
    better["titre"] = f"{first['titre']} numérique"
    system.post("announcements", f"/announcements/{id_}/improvements", better, as_=MODERATOR)

    def title() -> Any:
        return system.get("moderation", f"/cases/{id_}", as_=MODERATOR)["title"]

    eventually(lambda: title() == better["titre"])
    decide(system, id_, "approve")
    eventually(lambda: page(system, id_)["state"] == "online")
    assert page(system, id_)["titre"] == better["titre"]
    published = got(receiver, secret, "AnnouncementPublished", id_)
    assert platform.slug not in json.dumps(published)

    query = "q=atelier&territoire=commune:69123&skill=animation"
    items = system.get("announcements", f"/announcements?{query}")["items"]
    assert id_ in [one["id"] for one in items]
    for form in ("atom", "json", "ics"):
        feed = system.call("GET", "announcements", f"/announcements.{form}?{query}")
        assert first["titre"].rpartition(" ")[2] in feed.text.replace("\r\n ", "")

    # another text is another case, and the old one stays online meanwhile
    second = {**first, "version": 2, "titre": f"{first['titre']} et café"}
    pushed(platform, "m1", second, "announcement.published")
    waiting = page(system, id_)["pending"]
    assert waiting["case_id"] != id_
    assert page(system, id_)["titre"] == better["titre"]
    decide(system, waiting["case_id"], "approve")
    eventually(lambda: page(system, id_)["titre"] == second["titre"])
    got(receiver, secret, "AnnouncementUpdated", id_)

    # withdrawn while a text waits: nothing is left for moderators
    pushed(platform, "m1", {**first, "version": 3, "texte": "Autre."}, "announcement.published")
    case_id = page(system, id_)["pending"]["case_id"]
    eventually(lambda: system.get("moderation", f"/cases/{case_id}", as_=MODERATOR))
    pushed(platform, "m1", {"version": 4}, "announcement.withdrawn")
    got(receiver, secret, "AnnouncementEnded", id_)

    def state() -> Any:
        return system.get("moderation", f"/cases/{case_id}", as_=MODERATOR)["state"]

    eventually(lambda: state() == "withdrawn")


def test_a_refused_change_leaves_what_is_online_and_can_be_corrected(open_system: System) -> None:
    system, ana = open_system, Person("ana")
    body = {name: value for name, value in call().items() if name != "version"}
    id_ = system.post("announcements", "/announcements", body, as_=ana.token)["id"]
    decide(system, id_, "approve")
    eventually(lambda: page(system, id_)["state"] == "online")

    def change(texte: str) -> str:
        answer = system.call(
            "PUT",
            "announcements",
            f"/announcements/{id_}",
            as_=ana.token,
            json={**body, "texte": texte},
        )
        assert answer.is_success, answer.text
        return str(answer.json()["pending"]["case_id"])

    decide(system, change("Trop vague."), "refuse", reason="Dites pour qui.")
    eventually(lambda: page(system, id_)["refusal_reason"] == "Dites pour qui.")
    assert page(system, id_)["texte"] == body["texte"]
    mails = eventually(
        lambda: [one for one in system.mails(ana.email) if "corriger" in text_of(one)]
    )
    assert "Dites pour qui." in text_of(mails[0])
    decide(system, change("Pour les seniors du quartier."), "approve")
    eventually(lambda: page(system, id_)["texte"] == "Pour les seniors du quartier.")


def test_a_town_hears_of_its_venues(open_system: System, receiver: Receiver) -> None:
    system, town, lea = open_system, Person("ville", "partner"), Person("lea")
    body = {"url": receiver.url("/fiches"), "types": ["VenueUpdated"]}
    secret = system.post("announcements", "/subscriptions", body, as_=town.token)["secret"]
    venue, _ = new_venue(system, **NOBODY)
    proposal = propose(system, lea, venue, horaires="Mo-Sa 09:00-18:00")
    decide(system, proposal, "approve")
    wait_until_applied(system, lea, proposal)
    told = got(receiver, secret, "VenueUpdated", venue)
    assert "horaires" in told["data"]["fields"]
    assert lea.id not in json.dumps(told)
