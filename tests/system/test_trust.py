"""Moderation that people trust, as its people live it: over HTTP and mail only."""

import re
import time
from email.message import EmailMessage
from typing import Any

from tests.harness import System, eventually
from tests.harness.stories import (
    MODERATOR,
    NOBODY,
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
)
from tests.harness.system import MODERATORS, link_of, request, text_of, token

HOURS = "Mo-Sa 10:00-18:00"
OTHER = token("second-moderator", "moderator")
BROWSER = {"Accept": "text/html"}


def known(name: str) -> Person:
    """Somebody whose account is old enough to object."""
    person = Person(name)
    a_month = 30 * 24 * 3600
    person.token = token(
        person.id, "user", email=person.email, created_at=int(time.time()) - a_month
    )
    return person


def words_of(mail: EmailMessage) -> str:
    """A mail's text on one line, so that no line's end hides a phrase."""
    return " ".join(text_of(mail).split())


def case_of(system: System, case: str, as_: str = MODERATOR) -> Any:
    return eventually(lambda: system.get("moderation", f"/cases/{case}", as_=as_))


def test_what_somebody_objects_to_is_left_out_and_the_rest_is_online(quick: System) -> None:
    venue, address = new_venue(quick)
    alba, zoe = Person("alba"), known("zoe")
    proposal = propose(quick, alba, venue, horaires=HOURS, telephone="+33465710011")
    case_of(quick, proposal, zoe.token)
    opinion = {"choice": "object", "fields": ["telephone"], "reason": "Ce numéro sonne occupé."}
    answer = quick.call(
        "PUT", "moderation", f"/cases/{proposal}/opinion", as_=zoe.token, json=opinion
    )
    assert answer.status_code == 200, answer.text

    # the manager is asked to settle it at once
    contested = eventually(
        lambda: [one for one in quick.mails(address) if "sonne occupé" in words_of(one)]
    )
    assert "/decision/" in words_of(contested[0])
    assert applied(quick, venue, 2)["fiche"]["horaires"] == HOURS
    assert sheet(quick, venue)["fiche"]["telephone"] == "+33465710099"
    told = eventually(lambda: quick.mails(alba.email)[1:])[-1]
    assert "objection" in words_of(told)


def test_what_could_do_harm_waits_for_an_answer_and_can_be_sent_again(quick: System) -> None:
    venue, _ = new_venue(quick)
    boris = Person("boris")
    new_address = f"nouveau-{venue}@lieu.example.org"
    proposal = propose(quick, boris, venue, horaires=HOURS, courriels=[new_address])
    asked = eventually(
        lambda: [one for one in quick.mails(MODERATORS) if new_address in words_of(one)]
    )
    assert "demande une réponse" in words_of(asked[0])

    fiche = applied(quick, venue, 2)["fiche"]
    assert fiche["horaires"] == HOURS
    assert fiche["courriels"] != [new_address]
    told = quick.mails_of(boris.email, 2)[1]
    assert "demande une réponse" in words_of(told)

    # nothing is typed again
    again = quick.post("directory", f"/proposals/{proposal}/corrections", {}, as_=boris.token)
    assert again["changes"] == {"courriels": [new_address]}
    decide(quick, again["id"], "approve")
    assert applied(quick, venue, 3)["fiche"]["courriels"] == [new_address]


def test_mails_that_come_back_bring_the_case_to_moderators(system: System) -> None:
    # our mail server takes no letters beyond ASCII: every mail to this address is refused
    venue, address = new_venue(system, courriels="médiathèque@lieu.example.org")
    carla = Person("carla")
    proposal = propose(system, carla, venue, horaires=HOURS)
    eventually(lambda: case_of(system, proposal)["marks"] == ["manager_unreachable"])
    told = eventually(
        lambda: [one for one in system.mails(MODERATORS) if proposal in words_of(one)]
    )
    assert "n'a pu être remis" in words_of(told[0])
    assert system.mails(address) == []

    decide(system, proposal, "approve")
    applied(system, venue, 2)
    said = system.get("moderation", f"/cases/{proposal}/statement", as_=carla.token)
    assert (said["decided_by"], said["marks"]) == ("moderator", ["manager_unreachable"])


def test_a_comma_goes_online_at_once_and_can_be_undone(system: System) -> None:
    venue, address = new_venue(system)
    dario = Person("dario")
    proposal = propose(system, dario, venue, nom="MÉDIATHÈQUE des Tilleuls")
    assert applied(system, venue, 2)["fiche"]["nom"] == "MÉDIATHÈQUE des Tilleuls"
    newest = history(system, venue)[0]["accepted"]
    assert (newest["how"], newest["rule"]) == ("shortcut", "typography")
    assert "MÉDIATHÈQUE" in words_of(system.mail(address))

    seen = case_of(system, proposal)
    body = {"revision": seen["revision"], "reason": "Les capitales se lisent mal."}
    system.post("moderation", f"/cases/{proposal}/revert", body, as_=MODERATOR)
    assert applied(system, venue, 3)["fiche"]["nom"] == "Médiathèque des Tilleuls"
    assert history(system, venue)[0]["accepted"]["how"] == "revert"
    eventually(lambda: [one for one in system.mails(dario.email) if "capitales" in words_of(one)])


def test_a_moderator_improves_a_proposal_then_accepts_it(system: System) -> None:
    venue, _ = new_venue(system, **NOBODY)
    emma = Person("emma")
    proposal = propose(system, emma, venue, presentation_resume="aide numerique")
    before = case_of(system, proposal)
    better = {"changes": {"presentation_resume": "Aide numérique, avec ou sans rendez-vous."}}
    system.post("directory", f"/proposals/{proposal}/improvements", better, as_=MODERATOR)
    eventually(lambda: case_of(system, proposal)["proposal_revision"] == 2)

    # what was on screen before is no longer what would be accepted
    stale = system.call(
        "POST",
        "moderation",
        f"/cases/{proposal}/approve",
        as_=OTHER,
        json={"revision": before["revision"]},
    )
    assert stale.status_code == 409
    assert [one["act"] for one in stale.json()["changed"]] == ["improve"]
    decide(system, proposal, "approve")
    fiche = applied(system, venue, 2)["fiche"]
    assert fiche["presentation_resume"] == better["changes"]["presentation_resume"]
    assert history(system, venue)[0]["accepted"]["improved_by"] == "account:moderator"


def test_a_refusal_is_looked_at_again_by_somebody_else(system: System) -> None:
    venue, _ = new_venue(system, **NOBODY)
    fanny = Person("fanny")
    proposal = propose(system, fanny, venue, horaires=HOURS)
    decide(system, proposal, "refuse", motive="source_needed", reason="Une photo suffit.")
    told = eventually(lambda: system.mails(fanny.email)[1:])[0]
    assert "Une photo suffit." in words_of(told)
    assert "l'examine à nouveau" in words_of(told)

    appeal = {"text": "La photo est sur leur site."}
    system.post("moderation", f"/cases/{proposal}/appeal", appeal, as_=fanny.token)
    eventually(lambda: [one for one in system.mails(MODERATORS) if appeal["text"] in words_of(one)])
    seen = case_of(system, proposal)
    body = {"revision": seen["revision"], "grant": True, "reason": "Vu sur leur site."}
    path = f"/cases/{proposal}/appeal/answer"
    same = system.call("POST", "moderation", path, as_=MODERATOR, json=body)
    assert same.json()["type"] == "urn:mednum:problem:another-moderator"
    assert system.post("moderation", path, body, as_=OTHER)["state"] == "approved"
    assert applied(system, venue, 2)["fiche"]["horaires"] == HOURS
    assert state(system, fanny, proposal) == "applied"


def test_people_write_to_each_other_about_a_proposal(system: System) -> None:
    venue, address = new_venue(system)
    gaston = Person("gaston")
    proposal = propose(system, gaston, venue, horaires=HOURS)
    page = re.sub(r"\?.*", "", manager_link(system, address))
    sent = request("POST", f"{page}/message", data={"texte": "Depuis quand ?"}, headers=BROWSER)
    assert sent.status_code == 200, sent.text
    asked = eventually(
        lambda: [one for one in system.mails(gaston.email) if "Depuis quand ?" in words_of(one)]
    )
    assert len(asked) == 1

    answer = {"text": "Depuis septembre."}
    system.post("moderation", f"/cases/{proposal}/messages", answer, as_=gaston.token)
    eventually(
        lambda: [one for one in system.mails(address) if "Depuis septembre." in words_of(one)]
    )
    shown = request("GET", page, headers=BROWSER).text
    assert shown.index("Depuis quand ?") < shown.index("Depuis septembre.")


def test_somebody_claims_a_sheet_and_manages_it(system: System) -> None:
    venue, _ = new_venue(system, **NOBODY)
    hanna = Person("hanna")
    charter = system.get("directory", "/charter")["version"]
    asked = {"text": "Je dirige cette médiathèque.", "charter": charter}
    claim = system.post("directory", f"/venues/{venue}/claims", asked, as_=hanna.token)["case_id"]
    assert case_of(system, claim)["kind"] == "claim"
    assert case_of(system, claim)["deadline"] is None
    decide(system, claim, "approve", reason="Vérifié par téléphone.")
    eventually(lambda: len(system.mails(hanna.email)) == 2)

    proposal = propose(system, hanna, venue, horaires=HOURS)
    applied(system, venue, 2)
    assert history(system, venue)[0]["accepted"]["how"] == "manager"
    assert case_of(system, proposal)["your_role"] == "moderator"


def test_a_withdrawn_proposal_is_never_online(quick: System) -> None:
    venue, address = new_venue(quick)
    igor = Person("igor")
    proposal = propose(quick, igor, venue, horaires=HOURS)
    link = manager_link(quick, address)
    quick.post("moderation", f"/cases/{proposal}/withdraw", {}, as_=igor.token)
    eventually(lambda: state(quick, igor, proposal) == "withdrawn")
    assert "retirée" in request("GET", link, headers=BROWSER).text
    assert confirm(link, "accepter", "horaires").status_code == 409
    assert sheet(quick, venue)["revision"] == 1


def test_all_of_an_authors_is_undone_after_a_dry_run(system: System) -> None:
    venue, _ = new_venue(system, **NOBODY)
    jean = Person("jean")
    first = propose(system, jean, venue, horaires=HOURS)
    decide(system, first, "approve")
    applied(system, venue, 2)
    second = propose(system, jean, venue, telephone="+33465710055")
    case_of(system, second)

    path, reason = f"/contributors/{jean.id}/revert", {"reason": "Contenus publicitaires."}
    dry = system.post("moderation", path, reason, as_=OTHER)
    assert not dry["done"]
    assert [one["id"] for one in dry["reverted"]] == [first]
    assert [one["id"] for one in dry["refused"]] == [second]
    assert sheet(system, venue)["revision"] == 2

    done = system.post("moderation", path, {**reason, "plan": dry["plan"]}, as_=OTHER)
    assert done["done"]
    assert applied(system, venue, 3)["fiche"]["horaires"] == "Mo-Fr 09:00-12:00"
    eventually(lambda: state(system, jean, second) == "refused")
    again = system.call("POST", "moderation", path, as_=OTHER, json={**reason, "plan": dry["plan"]})
    assert again.status_code == 409


def test_the_queue_and_the_numbers(system: System) -> None:
    venue, _ = new_venue(system, **NOBODY)
    kim = Person("kim")
    proposal = propose(system, kim, venue, pivot="99912345600025")
    case_of(system, proposal)
    found = system.get("moderation", "/cases?rule=siret&departement=26&limit=200", as_=OTHER)
    assert proposal in [one["id"] for one in found["items"]]
    counts = system.get("moderation", "/cases/counts", as_=OTHER)
    assert counts["rules"]["siret"] >= 1
    taken = system.call("PUT", "moderation", f"/cases/{proposal}/assignment", as_=OTHER)
    assert taken.status_code == 200
    busy = system.call(
        "POST", "moderation", f"/cases/{proposal}/approve", as_=MODERATOR, json={"revision": 1}
    )
    assert busy.json()["type"] == "urn:mednum:problem:taken"
    decide(system, proposal, "approve", as_=OTHER)

    year = case_of(system, proposal)["opened_at"][:4]
    numbers = system.get("moderation", f"/transparency?year={year}")
    assert numbers["kinds"]["edit"]["outcomes"]["approved"] >= 1
    assert numbers["kinds"]["edit"]["median_hours"] is not None
    acts = [
        one["act"] for one in system.get("moderation", f"/cases/{proposal}/log", as_=OTHER)["items"]
    ]
    assert acts == ["open", "take", "decide"]


def test_the_managers_link_survives_the_deadline(quick: System) -> None:
    venue, address = new_venue(quick)
    propose(quick, Person("lou"), venue, horaires=HOURS)
    link = link_of(eventually(lambda: quick.mails(address))[0], "accepter")
    applied(quick, venue, 2)
    assert "acceptée" in request("GET", link, headers=BROWSER).text
