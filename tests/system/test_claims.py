"""Who manages a sheet, as its people live it: over HTTP and mail only."""

import re

from tests.harness import System, eventually
from tests.harness.stories import BROWSER, Person, applied, history, new_venue, propose
from tests.harness.system import request, text_of


def test_a_venues_own_address_says_who_speaks_for_it(system: System) -> None:
    venue, address = new_venue(system)
    nour = Person("nour")
    charter = system.get("directory", "/charter")
    assert any("données" in one["titre"] for one in charter["engagements"])
    wish = {"text": "Je dirige cette médiathèque.", "proof": "mail"}
    path = f"/venues/{venue}/claims"
    refusal = system.call("POST", "directory", path, as_=nour.token, json=wish)
    assert refusal.json()["current"] == charter["version"]
    wish["charter"] = charter["version"]
    claim = system.post("directory", path, wish, as_=nour.token)
    assert claim["sent_to"] == "a…@lieu.example.org"

    mail = system.mail(address)
    assert "Je dirige cette médiathèque." in text_of(mail)
    found = re.search(r"http://\S+/responsable/\S+", text_of(mail))
    assert found
    page = request("GET", found[0], headers=BROWSER)
    assert nour.id.title() in page.text
    answer = request("POST", found[0], data={"reponse": "oui"}, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    # the address that answered, and who has asked
    assert "gère maintenant" in text_of(system.mails_of(address, 2)[1])
    assert "Bienvenue" in text_of(system.mail(nour.email))

    # at once: nobody else decides what a manager writes
    propose(system, nour, venue, horaires="Mo-Sa 10:00-18:00")
    assert applied(system, venue, 2)["fiche"]["horaires"] == "Mo-Sa 10:00-18:00"
    assert history(system, venue)[0]["accepted"]["how"] == "manager"
    mine = eventually(lambda: system.get("directory", f"{path}/{claim['case_id']}", as_=nour.token))
    assert (mine["state"], mine["decided_as"]) == ("approved", "mail")
    assert request("POST", found[0], data={"reponse": "non"}, headers=BROWSER).status_code == 409
