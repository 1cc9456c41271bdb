"""The life of an edit, as its people live it: over HTTP and mail only."""

import httpx

from tests.harness import System, eventually
from tests.harness.stories import (
    Person,
    applied,
    confirm,
    decide,
    history,
    manager_link,
    new_venue,
    propose,
    sheet,
    state,
    wait_until_applied,
)
from tests.harness.system import MODERATORS, link_of, text_of, token

HOURS = "Mo-Sa 10:00-18:00"


def test_accepted_by_the_link_in_the_managers_mail(system: System) -> None:
    venue, address = new_venue(system)
    alice = Person("alice")
    propose(system, alice, venue, horaires=HOURS)

    mail = system.mail(address)
    assert "Mo-Fr 09:00-12:00" in text_of(mail)
    assert HOURS in text_of(mail)
    received = system.mail(alice.email)
    link = manager_link(system, address)

    # a mail scanner follows every link, and decides nothing
    for choice in ("accepter", "refuser"):
        page = httpx.get(manager_link(system, address, choice), headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "Confirmer" in page.text
    assert sheet(system, venue)["revision"] == 1

    assert confirm(link, "accepter", "horaires").status_code == 200
    assert applied(system, venue, 2)["fiche"]["horaires"] == HOURS
    newest = history(system, venue)[0]
    assert newest["by"] == f"account:{alice.id}"
    assert newest["accepted"]["how"] == "manager"
    assert newest["accepted"]["by"] == f"venue:{venue}"
    assert {"field": "horaires", "old": "Mo-Fr 09:00-12:00", "new": HOURS} in newest["changes"]

    told = system.mails_of(alice.email, 2)
    assert str(told[0]["Subject"]) == str(received["Subject"])
    assert "en ligne" in text_of(told[1])
    # the request's correlation id came all the way
    assert told[1]["X-Correlation-Id"]
    again = confirm(link, "refuser", reason="Trop tard")
    assert again.status_code == 409
    assert "déjà" in again.text


def test_refused_by_the_manager_with_a_reason(system: System) -> None:
    venue, address = new_venue(system)
    bob = Person("bob")
    proposal = propose(system, bob, venue, nom="Autre nom")
    link = manager_link(system, address, "refuser")

    without_reason = confirm(link, "refuser")
    assert without_reason.status_code == 422
    assert state(system, bob, proposal) == "waiting"

    assert confirm(link, "refuser", reason="Le nom est celui de la façade.").status_code == 200
    eventually(lambda: state(system, bob, proposal) == "refused")
    told = system.mails_of(bob.email, 2)[1]
    assert "Le nom est celui de la façade." in text_of(told)
    assert sheet(system, venue)["revision"] == 1


def test_partly_accepted(system: System) -> None:
    venue, address = new_venue(system)
    chloe = Person("chloe")
    propose(system, chloe, venue, horaires=HOURS, telephone="+33465710011")
    link = manager_link(system, address)

    answer = confirm(link, "accepter", "horaires", reason="Ce numéro n'est plus le nôtre.")
    assert answer.status_code == 200

    fiche = applied(system, venue, 2)["fiche"]
    assert fiche["horaires"] == HOURS
    assert fiche["telephone"] == "+33465710099"
    told = system.mails_of(chloe.email, 2)[1]
    assert "Ce numéro n'est plus le nôtre." in text_of(told)


def test_accepted_by_silence_after_a_reminder(quick: System) -> None:
    venue, address = new_venue(quick)
    dora = Person("dora")
    propose(quick, dora, venue, horaires=HOURS)

    assert applied(quick, venue, 2)["fiche"]["horaires"] == HOURS
    accepted = history(quick, venue)[0]["accepted"]
    assert (accepted["how"], accepted["by"]) == ("silence", None)
    # the proposal, then one reminder
    quick.mails_of(address, 2)
    told = quick.mails_of(dora.email, 2)[1]
    assert "personne" in text_of(told)


def test_a_decision_after_the_deadline_comes_too_late(quick: System) -> None:
    venue, address = new_venue(quick)
    elie = Person("elie")
    propose(quick, elie, venue, horaires=HOURS)
    link = manager_link(quick, address, "refuser")
    applied(quick, venue, 2)

    page = httpx.get(link, headers={"Accept": "text/html"})
    assert "à la fin du délai" in page.text
    assert confirm(link, "refuser", reason="non").status_code == 409
    case = history(quick, venue)[0]["accepted"]["proposal_id"]
    said = quick.get("moderation", f"/cases/{case}/statement", as_=elie.token)
    assert (said["decided_by"], said["rule"], said["automated"]) == ("silence", "deadline", True)
    # who was told, when, and that no mail came back
    told = {(one["who"], one["outcome"]) for one in said["told"]}
    assert (f"venue:{venue}", "sent") in told


def test_two_proposals_on_one_field_conflict(system: System) -> None:
    venue, address = new_venue(system)
    first, second = Person("farid"), Person("gaelle")
    one = propose(system, first, venue, horaires=HOURS)
    link_one = manager_link(system, address)
    two = propose(system, second, venue, horaires="Mo-Su 08:00-20:00", telephone="+33465710012")
    link_two = link_of(system.mails_of(address, 2)[1], "accepter")

    assert confirm(link_one, "accepter", "horaires").status_code == 200
    wait_until_applied(system, first, one)
    assert confirm(link_two, "accepter", "horaires", "telephone").status_code == 200
    wait_until_applied(system, second, two)

    fiche = applied(system, venue, 3)["fiche"]
    assert fiche["horaires"] == HOURS
    assert fiche["telephone"] == "+33465710012"
    told = system.mails_of(second.email, 2)
    assert HOURS in text_of(told[1])
    # the manager: two proposals, and the conflict
    system.mails_of(address, 3)


def test_a_managers_own_edit_needs_no_review(system: System) -> None:
    venue, address = new_venue(system)
    manager = Person("hugo")
    answer = system.call(
        "PUT",
        "directory",
        f"/venues/{venue}/managers/{manager.id}",
        as_=token("mod", "moderator"),
    )
    assert answer.json()["managers"] == [manager.id]

    propose(system, manager, venue, horaires=HOURS)

    assert applied(system, venue, 2)["fiche"]["horaires"] == HOURS
    accepted = history(system, venue)[0]["accepted"]
    assert (accepted["how"], accepted["by"]) == ("manager", f"account:{manager.id}")
    assert system.mails(address) == []


def test_a_manager_with_an_account_decides_and_a_stranger_does_not(system: System) -> None:
    venue, _ = new_venue(system)
    manager, stranger = Person("ines"), Person("jules")
    system.call(
        "PUT", "directory", f"/venues/{venue}/managers/{manager.id}", as_=token("a", "admin")
    )
    proposal = propose(system, stranger, venue, horaires=HOURS)
    eventually(lambda: system.get("moderation", f"/cases/{proposal}", as_=manager.token))

    refused = system.call(
        "POST", "moderation", f"/cases/{proposal}/approve", as_=stranger.token, json={"revision": 1}
    )
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:mednum:problem:not-a-decider"
    [case] = system.get("moderation", "/cases", as_=manager.token)["items"]
    assert case["id"] == proposal
    decide(system, proposal, "approve", as_=manager.token)
    applied(system, venue, 2)


def test_public_addresses_change_and_new_ones_are_written_to(system: System) -> None:
    venue, address = new_venue(system)
    new_address = f"nouveau-{address}"
    kim = Person("kim")
    propose(system, kim, venue, courriels=[new_address])
    mail = system.mail(address)
    assert new_address in text_of(mail)
    confirm(manager_link(system, address), "accepter", "courriels")
    applied(system, venue, 2)

    propose(system, kim, venue, horaires=HOURS)
    system.mail(new_address)
    assert len(system.mails(address)) == 1


def test_news_goes_online_once_accepted(system: System) -> None:
    venue, address = new_venue(system)
    lea = Person("lea")
    body = {"titre": "Atelier du mardi", "texte": "Apprendre à scanner.", "lien": None}
    news = system.post("directory", f"/venues/{venue}/news", body, as_=lea.token)["id"]
    assert system.get("directory", f"/venues/{venue}/news")["items"] == []

    confirm(manager_link(system, address), "accepter")

    [item] = eventually(lambda: system.get("directory", f"/venues/{venue}/news")["items"])
    assert (item["id"], item["titre"]) == (news, "Atelier du mardi")
    system.mails_of(lea.email, 2)


def test_an_announcement_is_validated_and_comes_online(system: System) -> None:
    malo = Person("malo")
    body = {
        "kind": "skills_call",
        "titre": f"Bénévoles pour {malo.id}",
        "texte": "Deux heures par semaine.",
        "lien": f"https://association.example.org/{malo.id}",
        "help_kind": "volunteering",
        "remote": True,
        "ends_on": "2028-01-31",
    }
    announcement = system.post("announcements", "/announcements", body, as_=malo.token)["id"]
    told = eventually(
        lambda: [mail for mail in system.mails(MODERATORS) if malo.id in text_of(mail)]
    )
    assert len(told) == 1
    assert system.call("GET", "announcements", f"/announcements/{announcement}").status_code == 404

    refused = system.call(
        "POST", "moderation", f"/cases/{announcement}/approve", as_=malo.token, json={"revision": 1}
    )
    assert refused.status_code == 403
    decide(system, announcement, "approve")

    def online() -> bool:
        items = system.get("announcements", "/announcements")["items"]
        return announcement in [item["id"] for item in items]

    eventually(online)
    system.mails_of(malo.email, 2)
